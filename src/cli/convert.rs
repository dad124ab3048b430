//! `lamella convert`

use std::path::PathBuf;

use clap::Args;

use super::Result;
use super::terminal::Terminal;
use crate::jobs::{self, Inputs, OutputKind};
use crate::work::Watch;

/// Convert a volume or mask to another format, keeping its geometry.
#[derive(Args)]
pub struct Convert {
    /// A file or a DICOM folder
    input: PathBuf,
    /// The file to write; its ending decides the format
    #[arg(short, long)]
    output: PathBuf,
    /// Series Instance UID (or name), where the input holds several
    #[arg(long)]
    series: Option<String>,
}

impl Convert {
    pub(super) fn run(&self) -> Result {
        Inputs::new([self.input.clone()]).allow(&self.output, OutputKind::Image)?;
        let terminal = Terminal::new("Converting");
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        let volume = jobs::open_one(&self.input, self.series.as_deref(), watch)?;
        for warning in &volume.warnings {
            tell!("note: {warning}");
        }
        jobs::write_volume(&self.output, &volume, watch)?;
        for notice in jobs::notices_of_writing(&self.output, &volume.geometry) {
            eprintln!("note: {notice}");
        }
        terminal.finish();
        Ok(())
    }
}
