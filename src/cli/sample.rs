//! `lamella make-sample`: how `assets/sample` was made.

use std::path::PathBuf;

use clap::Args;

use super::Result;
use crate::jobs::make_sample;
use crate::work::Watch;

/// Draw the synthetic sample from the appearance of a data set's training cases.
#[derive(Args)]
pub struct MakeSample {
    /// The data set's folder
    dataset: PathBuf,
    /// JSON file with the lists `train` and `validation`
    #[arg(long)]
    split: PathBuf,
    /// Seed of the random combination
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder to write to
    #[arg(short, long)]
    output: PathBuf,
}

impl MakeSample {
    pub(super) fn run(&self) -> Result {
        make_sample(&self.dataset, &self.split, self.seed, &self.output, Watch::unwatched())
    }
}
