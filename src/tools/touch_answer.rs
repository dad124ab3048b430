//! What the touch tool asks of whoever answers strokes: a network in the program, anything in tests.

use crate::volume::{PlaneLayout, Volume};
use crate::work::{Stopped, Watch};

/// No stroke.
pub const NOTHING: u8 = 0;
/// A stroke on the structure.
pub const ON: u8 = 1;
/// A stroke off it.
pub const OFF: u8 = 2;

/// A slice of an image, row by row as it is on screen.
#[derive(Debug, Clone)]
pub struct SliceValues {
    /// Values of its pixels.
    pub values: Vec<f32>,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Millimetres between rows, and between columns.
    pub spacing_mm: [f64; 2],
}

impl SliceValues {
    /// A slice of a frame of a scan.
    pub fn new(volume: &Volume, frame: usize, layout: &PlaneLayout, slice: usize) -> Self {
        let [columns, rows, _] = layout.size;
        let mut values = Vec::new();
        layout.read_slice(volume, frame, slice, &mut values);
        let spacing = volume.geometry.spacing_mm();
        Self { values, size: [rows, columns], spacing_mm: [spacing[layout.axes[1]], spacing[layout.axes[0]]] }
    }
}

/// What is asked. Planes are row-major and as large as the slice.
#[derive(Debug, Clone, Copy)]
pub struct StrokeQuestion<'a> {
    /// The slice.
    pub values: &'a SliceValues,
    /// [`NOTHING`], [`ON`] or [`OFF`].
    pub strokes: &'a [u8],
    /// The mask of the slice beside this one, other than 0 inside.
    pub previous: Option<&'a [u8]>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct StrokeAnswer {
    /// Other than 0 in the structure, row-major.
    pub inside: Vec<u8>,
    /// Share of the pixels inside that are in doubt, 0 to 1.
    pub doubt: f64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// Anything else, said for the user.
    #[error("{0}")]
    Failed(String),
}

/// Answers strokes; called beside the window.
pub trait AnswerStrokes: Send + Sync {
    /// What the strokes mean.
    ///
    /// # Errors
    /// Where it was stopped, or whoever answers failed.
    fn answer(&self, question: &StrokeQuestion, watch: Watch) -> Result<StrokeAnswer, NoAnswer>;
}

/// Nobody to answer, for tests of tools that do not ask.
#[cfg(test)]
pub(super) struct Nobody;

#[cfg(test)]
impl AnswerStrokes for Nobody {
    fn answer(&self, _: &StrokeQuestion, _: Watch) -> Result<StrokeAnswer, NoAnswer> {
        Err(NoAnswer::Failed("nobody answers".into()))
    }
}
