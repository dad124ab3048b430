//! The order of numbered files.

use std::cmp::Ordering;

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
