//! `lamella slices`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Result;
use super::scan_look::Opened;
use super::slice_choice::SliceChoice;
use super::terminal::Terminal;
use crate::drawing::{PICTURE_EDGE, PictureSize};
use crate::formats::{SLICE_ENDINGS, stem};
use crate::jobs::{JobError, SaveSlicesJob, SliceContent, SliceFiles};
use crate::volume::PlaneLayout;

/// Write slices as pictures: the image, its values, the labels of a mask, or both in colours.
#[derive(Args)]
pub struct Slices {
    /// A scan; a mask where its labels are written
    input: PathBuf,
    /// One file (.png, or .tif, which holds stacks too), or a folder for a file a slice
    #[arg(short, long)]
    output: PathBuf,
    /// What the pictures show
    #[arg(long, value_enum, default_value_t = Content::Image)]
    content: Content,
    /// In a folder: the files' type
    #[arg(long = "as", value_enum, default_value_t = FileType::Png)]
    file_type: FileType,
    /// Of an overlay: pixels of the shorter side
    #[arg(long, default_value_t = PICTURE_EDGE)]
    edge: usize,
    #[command(flatten)]
    choice: SliceChoice,
}

#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Content {
    /// The image through the window, 8 bits
    Image,
    /// The image's values: 8 or 16 bits, or single precision (TIFF)
    Values,
    /// The labels' values, 8 bits, or 16 where a label needs them
    Labels,
    /// Image and labels in colours
    Overlay,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileType {
    Png,
    Tif,
}

impl Slices {
    pub(super) fn run(&self) -> Result {
        let terminal = Terminal::new("Writing slices");
        let content = match self.content {
            Content::Image => SliceContent::Image,
            Content::Values => SliceContent::Values,
            Content::Labels => SliceContent::Labels,
            Content::Overlay => SliceContent::Overlay,
        };
        if content == SliceContent::Overlay && !self.choice.shown.has_mask() {
            return Err(JobError::Other("an overlay needs a mask; name it with --mask".into()));
        }
        let opened = if content == SliceContent::Labels {
            self.choice.open_mask(&self.input, &terminal)?
        } else {
            let Opened { volume, labels, table } = self.choice.shown.open(&self.input, &terminal)?;
            Opened { volume: Some(volume), labels, table }
        };
        let look = self.choice.look(opened.volume.as_deref(), PictureSize::ShorterSide(self.edge))?;
        let grid = opened.labels.geometry();
        let count = PlaneLayout::new(grid, self.choice.plane).size[2];
        let slices = self.choice.numbers(grid)?.unwrap_or_else(|| (0..count).collect());
        let job = SaveSlicesJob {
            volume: opened.volume,
            labels: opened.labels,
            table: opened.table,
            content,
            plane: self.choice.plane,
            slices,
            base: 0,
            frame: self.choice.shown.frame,
            look,
            files: self.files(),
            inputs: self.choice.shown.inputs(&self.input),
        };
        let written = terminal.run(job, &|()| {})?;
        terminal.finish();
        match &written[..] {
            [one] => say!("{}", one.display()),
            many => say!("{} files in {}", many.len(), self.output.display()),
        }
        Ok(())
    }

    fn files(&self) -> SliceFiles {
        let name = self.output.to_string_lossy().to_lowercase();
        if SLICE_ENDINGS.iter().any(|ending| name.ends_with(ending)) && !self.output.is_dir() {
            return SliceFiles::One(self.output.clone());
        }
        let ending = match self.file_type {
            FileType::Png => ".png",
            FileType::Tif => ".tif",
        };
        SliceFiles::Each { folder: self.output.clone(), stem: stem(&self.input), ending }
    }
}
