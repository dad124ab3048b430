//! Values that a pickle keeps to use them again.

use std::collections::HashMap;

use super::Id;

/// Kept values by their number. Programs count them from 0; others are few.
#[derive(Default)]
pub(super) struct Memo {
    counted: Vec<Id>,
    others: HashMap<u64, Id>,
}

impl Memo {
    /// How many numbers have a value.
    pub(super) fn len(&self) -> usize {
        self.counted.len() + self.others.len()
    }

    pub(super) fn keep(&mut self, key: u64, id: Id) {
        let place = usize::try_from(key).unwrap_or(usize::MAX);
        if let Some(own) = self.counted.get_mut(place) {
            *own = id;
        } else if place == self.counted.len() && !self.others.contains_key(&key) {
            self.counted.push(id);
        } else {
            self.others.insert(key, id);
        }
    }

    pub(super) fn get(&self, key: u64) -> Option<Id> {
        let counted = usize::try_from(key).ok().and_then(|place| self.counted.get(place));
        counted.or_else(|| self.others.get(&key)).copied()
    }
}
