//! The order of names that have numbers in them: case 2 comes before case 10.

use std::path::Path;

/// A part of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// A number: how many digits it has without zeros in front, and these digits.
    Number(usize, String),
    /// What is no number, in small letters.
    Text(String),
}

/// What paths are sorted by: folder by folder, numbers by their size, whether letters are small or capital last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NaturalOrder {
    parts: Vec<Vec<Part>>,
    as_written: String,
}

impl NaturalOrder {
    /// The place of a path among others.
    pub fn of(path: &Path) -> Self {
        let parts = path.components().map(|part| parts_of(&part.as_os_str().to_string_lossy())).collect();
        Self { parts, as_written: path.to_string_lossy().into_owned() }
    }
}

fn parts_of(name: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let is_number = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_number).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        parts.push(if is_number {
            let digits = part.trim_start_matches('0');
            Part::Number(digits.len(), digits.into())
        } else {
            Part::Text(part.to_lowercase())
        });
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Ordering;

    fn compare(a: &str, b: &str) -> Ordering {
        NaturalOrder::of(Path::new(a)).cmp(&NaturalOrder::of(Path::new(b)))
    }

    #[test]
    fn numbers_count_by_their_size() {
        let mut names =
            ["case10.nii", "Case3.nii", "case2.nii", "case2_b.nii", "case02a.nii", "b.nii", "p10/a", "p9/z"];
        names.sort_by(|a, b| compare(a, b));
        let sorted = ["b.nii", "case2.nii", "case2_b.nii", "case02a.nii", "Case3.nii", "case10.nii", "p9/z", "p10/a"];
        assert_eq!(names, sorted);
        assert_eq!(compare("9".repeat(40).as_str(), &format!("1{}", "0".repeat(40))), Ordering::Less);
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[a-bA-B0-2_/]{0,6}", b in "[a-bA-B0-2_/]{0,6}", c in "[a-bA-B0-2_/]{0,6}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &b) == Ordering::Equal, a == b);
            if compare(&a, &b) != Ordering::Greater && compare(&b, &c) != Ordering::Greater {
                prop_assert_ne!(compare(&a, &c), Ordering::Greater);
            }
        }

        #[test]
        fn numbers_of_any_length_are_in_their_order(a in 0u32.., b in 0u32.., zeros in 0usize..3) {
            let name = |n: u32| format!("case{}{n}", "0".repeat(zeros));
            prop_assert_eq!(compare(&name(a), &name(b)), a.cmp(&b));
        }
    }
}
