//! Tensors of a file under one prefix, as a network of its own: `model.`, `state_dict.unet.`, or none.

use std::collections::BTreeMap;

use crate::engine::Array;
use crate::model::checkpoint::{COUNTER, Checkpoint};

/// Largest size of an axis that a network can have; a file may say anything.
const LARGEST: usize = 1 << 20;

/// The tensors under a prefix by the rest of their names.
pub struct Part<'a> {
    /// The prefix, with the dot at its end.
    pub prefix: &'a str,
    floats: BTreeMap<&'a str, &'a Array>,
    others: BTreeMap<&'a str, &'a str>,
}

impl<'a> Part<'a> {
    /// The tensors of a file whose names begin so.
    pub fn new(checkpoint: &'a Checkpoint, prefix: &'a str) -> Self {
        let floats = checkpoint.tensors.iter().filter_map(|(name, array)| Some((name.strip_prefix(prefix)?, array)));
        let others =
            checkpoint.unread.iter().filter_map(|(name, what)| Some((name.strip_prefix(prefix)?, what.as_str())));
        Self { prefix, floats: floats.collect(), others: others.collect() }
    }

    /// A tensor of floats.
    pub fn get(&self, name: &str) -> Option<&'a Array> {
        self.floats.get(name).copied()
    }

    /// Whether there is a tensor of floats of this name.
    pub fn has(&self, name: &str) -> bool {
        self.floats.contains_key(name)
    }

    /// What a tensor is that is no floats.
    pub fn other(&self, name: &str) -> Option<&'a str> {
        self.others.get(name).copied()
    }

    /// The size of a tensor along an axis, where it has that axis and a network can have that size.
    pub fn size(&self, name: &str, axis: usize) -> Option<usize> {
        self.get(name)?.shape.get(axis).copied().filter(|n| (1..=LARGEST).contains(n))
    }

    /// The last two sizes of a 2-D kernel `[out, in, height, width]`.
    pub fn kernel(&self, name: &str) -> Option<[usize; 2]> {
        match self.get(name)?.shape[..] {
            [_, _, h, w] => Some([h, w]),
            _ => None,
        }
    }

    /// Why a tensor is no layer of a network.
    pub fn lacks(&self, name: &str) -> String {
        match (self.other(name), self.get(name)) {
            (Some(what), _) => {
                format!("{name:?} is stored as {what}, which cannot be read; save the weights as dense float32")
            }
            (None, Some(array)) => format!("{name:?} is {:?}, which is no layer of it", array.shape),
            (None, None) => format!("{name:?} is missing"),
        }
    }

    /// Number of axes of a tensor.
    pub fn rank(&self, name: &str) -> Option<usize> {
        Some(self.get(name)?.shape.len())
    }

    /// How many tensors of `name` with 0, 1, 2 ... in place of `{}` follow each other.
    pub fn count(&self, name: &str) -> usize {
        (0..self.floats.len()).take_while(|n| self.has(&name.replace("{}", &n.to_string()))).count()
    }

    /// Whether a name of floats, or of anything else, contains this.
    pub fn mentions(&self, part: &str) -> bool {
        self.floats.keys().chain(self.others.keys()).any(|name| name.contains(part))
    }

    /// All names but those of counters.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.floats.keys().chain(self.others.keys()).copied().filter(|name| !name.ends_with(COUNTER))
    }
}
