//! Values inside sequences: who wants them says so, and takes them while the walk passes by.

use dicom::core::Tag;

use super::structure::{Place, RawValue};

/// A sequence around an element, and which of its items the element is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// The sequence.
    pub sequence: Tag,
    /// Number of the item, from 0.
    pub item: usize,
}

/// Takes values out of sequences.
pub trait Inside {
    /// Whether anything in this outermost sequence is wanted.
    fn enters(&self, sequence: Tag) -> bool;

    /// Whether the file cannot do without this outermost sequence: what is broken in it is not stepped over.
    fn needs(&self, sequence: Tag) -> bool {
        self.enters(sequence)
    }

    /// Whether an element is wanted; `around` begins with the outermost sequence.
    fn wants(&self, around: &[Around], tag: Tag) -> bool;

    /// Whether the place of an element is wanted, which may be long, and not its value.
    fn wants_place(&self, _: &[Around], _: Tag) -> bool {
        false
    }

    /// Takes the place of an element.
    fn take_place(&mut self, _: Place) {}

    /// Takes a wanted element.
    ///
    /// # Errors
    /// A sentence that says why the file cannot be read on.
    fn take(&mut self, around: &[Around], value: RawValue) -> Result<(), String>;
}

/// Wants nothing.
pub struct Nothing;

impl Inside for Nothing {
    fn enters(&self, _: Tag) -> bool {
        false
    }

    fn wants(&self, _: &[Around], _: Tag) -> bool {
        false
    }

    fn take(&mut self, _: &[Around], _: RawValue) -> Result<(), String> {
        Ok(())
    }
}
