//! `lamella sheet`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Result;
use super::slice_choice::SliceChoice;
use super::terminal::Terminal;
use crate::drawing::{Ground, PictureSize, SheetParts, SheetPlan, evenly, usual_columns};
use crate::jobs::{DrawSheetJob, JobError, OutputKind, SaveSheetJob};
use crate::volume::PlaneLayout;
use crate::work::numbers::{natural, whole};

/// Slices that are drawn where none are named.
const USUAL_COUNT: usize = 12;
/// Dots per inch that a sheet can have.
const DOTS: std::ops::RangeInclusive<u16> = 30..=2400;
/// Millimetres in an inch.
const INCH_MM: f64 = 25.4;

/// Draw many slices of a scan in one figure, for papers.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "switches of the command line")]
pub struct SheetFigure {
    /// A scan
    input: PathBuf,
    /// The picture to write (.png or .tif)
    #[arg(short, long)]
    output: PathBuf,
    /// Tiles in a row
    #[arg(long)]
    columns: Option<usize>,
    /// Width of the printed figure in millimetres
    #[arg(long, default_value_t = 174.0)]
    width_mm: f64,
    /// Dots per inch
    #[arg(long, default_value_t = 300)]
    dpi: u16,
    /// What lies behind the tiles
    #[arg(long, value_enum, default_value_t = GroundChoice::White)]
    ground: GroundChoice,
    /// Without the position of every slice below it
    #[arg(long)]
    no_captions: bool,
    /// Without the letters of the sides
    #[arg(long)]
    no_letters: bool,
    /// Without the scale bar
    #[arg(long)]
    no_bar: bool,
    /// Without the names of the labels
    #[arg(long)]
    no_legend: bool,
    #[command(flatten)]
    choice: SliceChoice,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum GroundChoice {
    White,
    Black,
}

impl SheetFigure {
    pub(super) fn run(&self) -> Result {
        if !DOTS.contains(&self.dpi) {
            let (least, most) = (DOTS.start(), DOTS.end());
            return Err(JobError::Other(format!("--dpi {} is not from {least} to {most}", self.dpi)));
        }
        if !(10.0..=2000.0).contains(&self.width_mm) {
            return Err(JobError::Other(format!("--width-mm {} is not from 10 to 2000", self.width_mm)));
        }
        self.choice.shown.inputs(&self.input).allow(&self.output, OutputKind::Picture)?;
        let terminal = Terminal::new("Drawing");
        let opened = self.choice.shown.open(&self.input, &terminal)?;
        let count = PlaneLayout::new(&opened.volume.geometry, self.choice.plane).size[2];
        let slices = self.choice.numbers(&opened.volume.geometry)?.unwrap_or_else(|| evenly(count, USUAL_COUNT));
        let plan = SheetPlan {
            plane: self.choice.plane,
            flips: [false; 2],
            frame: self.choice.shown.frame,
            columns: self.columns.unwrap_or_else(|| usual_columns(slices.len())),
            slices,
            width: natural(whole((self.width_mm / INCH_MM * f64::from(self.dpi)).round())),
            dots_per_inch: f32::from(self.dpi),
            ground: match self.ground {
                GroundChoice::White => Ground::White,
                GroundChoice::Black => Ground::Black,
            },
            parts: SheetParts {
                captions: !self.no_captions,
                letters: !self.no_letters,
                bar: !self.no_bar,
                legend: !self.no_legend,
            },
            look: self.choice.look(Some(&opened.volume), PictureSize::Width(1))?,
        };
        let draw = DrawSheetJob { volume: opened.volume, labels: opened.labels, table: opened.table, plan };
        let (path, [width, height]) = terminal.run(SaveSheetJob { draw, path: self.output.clone() }, &|()| {})?;
        terminal.finish();
        say!("{}: {width} x {height} pixels at {} dots per inch", path.display(), self.dpi);
        Ok(())
    }
}
