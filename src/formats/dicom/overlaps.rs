//! Which structures or segments of a file overlap, and masks in which none do.
//!
//! A file of some megabytes can name billions of pairs that overlap: pairs and comparisons are counted, and such a file is refused.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::formats::error::FormatError;
use crate::work::{Stopped, Watch};

/// Most pairs that overlap; a hundred organs that all meet have five thousand.
const MOST_PAIRS: usize = 1 << 20;
/// Most steps of comparisons, each of some nanoseconds.
const MOST_STEPS: u64 = 1 << 30;

/// Steps that it takes to look a pair up.
pub const LOOKING_UP: usize = 8;

/// Why what overlaps is not parted.
#[derive(Debug)]
pub enum Unparted {
    /// There are too many pairs, or too much to compare.
    TooMany,
    /// The work was stopped.
    Stopped(Stopped),
}

impl From<Stopped> for Unparted {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl Unparted {
    /// The error for a file of this path.
    pub fn of(self, path: &Path) -> FormatError {
        match self {
            Self::TooMany => FormatError::unsupported(
                path,
                "its structures overlap in more ways than can be parted into masks; export fewer of them into one file",
            ),
            Self::Stopped(stopped) => stopped.into(),
        }
    }
}

/// Pairs of places in a list that overlap.
#[derive(Debug, Default)]
pub struct Overlaps {
    /// The smaller place first.
    pairs: HashSet<(usize, usize)>,
    steps: u64,
}

impl Overlaps {
    /// Whether a pair is known.
    pub fn has(&self, a: usize, b: usize) -> bool {
        self.pairs.contains(&(a.min(b), a.max(b)))
    }

    /// Whether nothing overlaps.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Notes a pair.
    ///
    /// # Errors
    /// Where there are too many.
    pub fn add(&mut self, a: usize, b: usize) -> Result<(), Unparted> {
        self.pairs.insert((a.min(b), a.max(b)));
        if self.pairs.len() > MOST_PAIRS { Err(Unparted::TooMany) } else { Ok(()) }
    }

    /// Counts so many steps of a comparison.
    ///
    /// # Errors
    /// Where they have become too many.
    pub fn spend(&mut self, steps: usize) -> Result<(), Unparted> {
        self.steps = self.steps.saturating_add(steps as u64);
        if self.steps > MOST_STEPS { Err(Unparted::TooMany) } else { Ok(()) }
    }

    /// Puts each of `count` into the first layer that holds none of those that it overlaps.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn layers(&self, count: usize, watch: Watch) -> Result<Vec<Vec<usize>>, Stopped> {
        let mut before: HashMap<usize, Vec<usize>> = HashMap::new();
        for (first, second) in &self.pairs {
            before.entry(*second).or_default().push(*first);
        }
        let mut layers: Vec<Vec<usize>> = Vec::new();
        let mut layer_of: Vec<usize> = Vec::with_capacity(count);
        for place in 0..count {
            watch.check()?;
            let others = before.get(&place).into_iter().flatten();
            let taken: HashSet<usize> = others.filter_map(|other| layer_of.get(*other)).copied().collect();
            let free = (0..layers.len()).find(|layer| !taken.contains(layer)).unwrap_or(layers.len());
            match layers.get_mut(free) {
                Some(layer) => layer.push(place),
                None => layers.push(vec![place]),
            }
            layer_of.push(free);
        }
        Ok(layers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_in_the_first_layer_that_is_free() {
        let mut overlaps = Overlaps::default();
        for (a, b) in [(0, 1), (2, 1), (0, 3), (3, 1)] {
            overlaps.add(a, b).unwrap();
        }
        let layers = |overlaps: &Overlaps, count| overlaps.layers(count, Watch::unwatched()).unwrap();
        assert_eq!(layers(&overlaps, 5), [vec![0, 2, 4], vec![1], vec![3]]);
        assert!(overlaps.has(1, 2) && !overlaps.has(0, 2));
        assert_eq!(layers(&Overlaps::default(), 60_000).len(), 1);
        assert!(layers(&overlaps, 0).is_empty());
    }

    #[test]
    fn what_cannot_be_parted_is_refused() {
        let mut overlaps = Overlaps::default();
        let pairs = (0..1500).flat_map(|a| (a + 1..1500).map(move |b| (a, b)));
        let noted = pairs.into_iter().try_for_each(|(a, b)| overlaps.add(a, b));
        assert!(matches!(noted, Err(Unparted::TooMany)));
        assert!(matches!(Overlaps::default().spend(usize::MAX), Err(Unparted::TooMany)));
        let text = Unparted::TooMany.of(Path::new("a.dcm")).to_string();
        assert!(text.contains("a.dcm") && text.contains("export fewer"), "{text}");
    }
}
