//! Numbered files: which belong together, and their order.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Compares names so that numbers in them count as numbers: `s9` comes before `s10`.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.chars().peekable(), b.chars().peekable());
    loop {
        let both_digits = [a.peek(), b.peek()].iter().all(|c| c.is_some_and(char::is_ascii_digit));
        let order = if both_digits {
            let [left, right] = [&mut a, &mut b].map(|text| {
                let mut digits = String::new();
                while let Some(digit) = text.next_if(char::is_ascii_digit) {
                    digits.push(digit);
                }
                digits
            });
            let [l, r] = [&left, &right].map(|digits| digits.trim_start_matches('0'));
            l.len().cmp(&r.len()).then_with(|| l.cmp(r)).then_with(|| left.len().cmp(&right.len()))
        } else {
            match (a.next(), b.next()) {
                (None, None) => return Ordering::Equal,
                (left, right) => left.cmp(&right),
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Files parted by their names without the numbers in them, such as `image_#.tif` and `mask_#.tif`, where each such name is that of several files;
/// else all together.
pub fn by_name<T>(files: Vec<T>, path: impl Fn(&T) -> &Path) -> Vec<(String, Vec<T>)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    files.iter().for_each(|file| *counts.entry(unnumbered(path(file)).0).or_default() += 1);
    if counts.len() < 2 || counts.iter().any(|(name, count)| *count < 2 || !name.contains('#')) {
        return vec![(String::new(), files)];
    }
    let mut parts: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for file in files {
        parts.entry(unnumbered(path(&file)).0).or_default().push(file);
    }
    parts.into_iter().collect()
}

/// What is to be said of a stack whose names count in several places, such as `z01_ch1.tif`: which of them counts slices is not known.
pub fn doubt(files: &[PathBuf]) -> Option<String> {
    let numbers: Vec<Vec<String>> = files.iter().map(|file| unnumbered(file).1).collect();
    let first = numbers.first()?;
    let differs = |place: usize| numbers.iter().any(|other| other.get(place) != first.get(place));
    let count = (0..first.len()).filter(|place| differs(*place)).count();
    (count > 1).then(|| {
        format!("The names of the files count in {count} places; they are slices in the order of their names. Put those of one kind into a folder of their own if that is not meant.")
    })
}

/// A file's name without ending and with a sign in place of every number in it, and those numbers.
fn unnumbered(path: &Path) -> (String, Vec<String>) {
    let (mut name, mut numbers) = (String::new(), Vec::<String>::new());
    let mut is_within = false;
    for letter in path.file_stem().unwrap_or_default().to_string_lossy().chars() {
        match numbers.last_mut().filter(|_| is_within && letter.is_ascii_digit()) {
            Some(number) => number.push(letter),
            None if letter.is_ascii_digit() => {
                name.push('#');
                numbers.push(letter.into());
            }
            None => name.push(letter),
        }
        is_within = letter.is_ascii_digit();
    }
    (name, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_as_numbers() {
        let mut names = ["a10b", "a9b", "a09b", "b", "a9", "a100"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a9", "a9b", "a09b", "a10b", "a100", "b"]);
    }
}
