//! Which slices are meant, as users write it: "all", "12", "20-80", "20-80:5", and several of these with commas.

use std::str::FromStr;

/// Slices of a plane, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceNumbers(Vec<Run>);

/// Slices from one to another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    /// None for the first slice that there is.
    first: Option<usize>,
    /// None for the last slice that there is.
    last: Option<usize>,
    step: usize,
}

impl SliceNumbers {
    /// All slices.
    pub fn all() -> Self {
        Self(vec![Run { first: None, last: None, step: 1 }])
    }

    /// The numbers, counted from 0, where there are so many slices and the user counts from `base` (0 or 1).
    ///
    /// # Errors
    /// Which one is not there.
    pub fn among(&self, count: usize, base: usize) -> Result<Vec<usize>, String> {
        let mut all = Vec::new();
        for run in &self.0 {
            let first = run.first.unwrap_or(base);
            let last = run.last.unwrap_or((count + base).saturating_sub(1));
            let is_there = |slice: &usize| (base..count + base).contains(slice);
            if let Some(wrong) = [first, last].into_iter().find(|slice| !is_there(slice)) {
                return Err(format!("there is no slice {wrong}: there are {count}, counted from {base}"));
            }
            all.extend((first - base..=last - base).step_by(run.step));
        }
        Ok(all)
    }
}

impl FromStr for SliceNumbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not slices such as 12, 20-80, 20-80:5 or all");
        let number = |text: &str| text.trim().parse::<usize>().map_err(|_| wrong());
        let mut runs = Vec::new();
        for part in text.split(',') {
            let (range, step) = part.split_once(':').map_or((part, None), |(range, step)| (range, Some(step)));
            let step = step.map_or(Ok(1), number)?;
            let (first, last) = match range.trim().split_once('-') {
                _ if range.trim() == "all" => (None, None),
                Some((first, last)) => (Some(number(first)?), Some(number(last)?)),
                None => (Some(number(range)?), Some(number(range)?)),
            };
            if step == 0 || last < first {
                return Err(wrong());
            }
            runs.push(Run { first, last, step });
        }
        Ok(Self(runs))
    }
}

/// So many slices of all, evenly apart; all where there are fewer.
pub fn evenly(count: usize, wanted: usize) -> Vec<usize> {
    if count <= wanted {
        return (0..count).collect();
    }
    (0..wanted).map(|n| (2 * n + 1) * count / (2 * wanted)).collect()
}

/// Tiles in a row where nobody says it: a sheet is a little wider than high.
pub fn usual_columns(count: usize) -> usize {
    (1..=count).find(|columns| 3 * columns * columns >= 4 * count).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_read_as_users_write_them() {
        let among = |text: &str, count| text.parse::<SliceNumbers>().unwrap().among(count, 0);
        assert_eq!(among("12", 20), Ok(vec![12]));
        assert_eq!(among("2-8:3, 1", 9), Ok(vec![2, 5, 8, 1]));
        assert_eq!(among("all:4", 10), Ok(vec![0, 4, 8]));
        assert_eq!(SliceNumbers::all().among(3, 1), Ok(vec![0, 1, 2]));
        assert_eq!(among("5-9", 9), Err("there is no slice 9: there are 9, counted from 0".into()));
        let from_one = |text: &str| text.parse::<SliceNumbers>().unwrap().among(9, 1);
        assert_eq!(
            (from_one("1-9:4"), from_one("0")),
            (Ok(vec![0, 4, 8]), Err("there is no slice 0: there are 9, counted from 1".into()))
        );
        for wrong in ["", "8-2", "1-5:0", "a", "1--2", "-3"] {
            assert!(wrong.parse::<SliceNumbers>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn slices_are_spread_and_rows_are_filled() {
        assert_eq!(evenly(10, 5), [1, 3, 5, 7, 9]);
        assert_eq!(evenly(3, 12), [0, 1, 2]);
        assert_eq!(evenly(100, 3), [16, 50, 83]);
        assert_eq!([0, 1, 2, 6, 12, 20].map(usual_columns), [1, 1, 2, 3, 4, 6]);
    }
}
