//! `--spacing`, for commands that open scans which can be pictures.

use std::path::Path;

use clap::Args;

use super::Result;
use crate::formats::{self, Entry, GivenSize, Ground};
use crate::jobs::JobError;
use crate::volume::Volume;
use crate::work::Watch;

/// How large a voxel is, where pictures do not say it.
#[derive(Args)]
pub struct Spacing {
    /// For pictures (PNG, TIFF), which seldom say it: the size of a pixel and the distance of slices in mm, or `pixels` where nobody knows it
    #[arg(long, value_name = "X,Y,Z")]
    spacing: Option<GivenSize>,
}

impl Spacing {
    /// Opens the only scan of a path, or the named one.
    pub fn open(&self, path: &Path, series: Option<&str>, watch: Watch) -> Result<Volume> {
        Ok(formats::open_of_size(path, series, self.spacing, watch)?)
    }

    /// What a mask must know of the only scan of a path.
    pub fn ground(&self, path: &Path, watch: Watch) -> Result<Ground> {
        Ok(formats::ground_of_one(path, None, self.spacing, watch)?)
    }

    /// What a mask that is read without its scan must know, where a size is given for its own voxels.
    pub fn said_of(&self, mask: &Path, watch: Watch) -> Result<Option<Ground>> {
        self.spacing.map(|_| self.ground(mask, watch)).transpose()
    }

    /// The size that is given.
    pub fn given(&self) -> Option<GivenSize> {
        self.spacing
    }

    /// Refuses a size where there is no scan that could have it.
    pub fn refuse(&self, why: &str) -> Result {
        match self.spacing {
            Some(_) => Err(JobError::Other(format!("--spacing {why}"))),
            None => Ok(()),
        }
    }

    /// An entry with the size that is given.
    pub fn of(&self, entry: &Entry) -> Result<Entry> {
        match self.spacing {
            Some(given) => Ok(formats::of_size(entry.clone(), given)?),
            None => Ok(entry.clone()),
        }
    }
}
