//! Progress of a long read, and the place where it notices that it shall stop.

use std::path::Path;

use crate::formats::error::Result;
use crate::work::Watch;
use crate::work::numbers::{real, single};

/// A part of a read: from which share of the whole, and how large it is.
#[derive(Clone, Copy)]
pub struct Steps<'a> {
    /// The file that is read.
    pub path: &'a Path,
    watch: Watch<'a>,
}

impl<'a> Steps<'a> {
    /// The whole.
    pub fn new(path: &'a Path, watch: Watch<'a>) -> Self {
        Self { path, watch }
    }

    /// One of so many equal parts.
    #[must_use]
    pub fn part(&self, n: usize, of: usize) -> Self {
        let of = single(real(of.max(1)));
        Self { watch: self.watch.part(single(real(n)) / of, single(real(n + 1)) / of), ..*self }
    }

    /// The same part of the work, in another file.
    #[must_use]
    pub fn of_file<'b>(&self, path: &'b Path) -> Steps<'b>
    where
        'a: 'b,
    {
        Steps { path, watch: self.watch }
    }

    /// Tells how far the part has come.
    ///
    /// # Errors
    /// When the user has stopped the work.
    pub fn at(&self, share: f32) -> Result<()> {
        Ok(self.watch.at(share)?)
    }

    /// Tells that the part has begun, or is still where it was.
    ///
    /// # Errors
    /// When the user has stopped the work.
    pub fn go_on(&self) -> Result<()> {
        self.at(0.0)
    }
}
