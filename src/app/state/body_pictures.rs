//! Pictures of the 3-D tile in files: what is chosen, and what whoever draws them is given.

use std::sync::Arc;

use super::body::{Blocks, BodyLook};
use super::camera::Camera;
use crate::drawing::Ground;
use crate::formats::RgbPicture;
use crate::jobs::{JobError, MOST_TURN_PICTURES};
use crate::volume::{Geometry, Plane, PlaneLayout, SmallVolume};
use crate::work::Watch;

/// Widths and heights that can be chosen, in pixels.
pub const SIDES: std::ops::RangeInclusive<u32> = 64..=4096;
/// Numbers of pictures of a turn that can be chosen.
pub const COUNTS: std::ops::RangeInclusive<usize> = 2..=MOST_TURN_PICTURES;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PicturesKind {
    /// The picture as it is looked at.
    One,
    /// Pictures of a full turn, in a folder.
    Turn,
}

impl PicturesKind {
    /// In the order of the list, with its name and what it means.
    pub const ALL: [(Self, &str, &str); 2] = [
        (Self::One, "Picture", "What the 3-D tile shows, from where it is looked at"),
        (Self::Turn, "Turntable", "Pictures of a full turn around the upright of the picture, numbered in a folder"),
    ];
}

/// What is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PicturesForm {
    /// What is written.
    pub kind: PicturesKind,
    /// Columns and rows of a picture.
    pub size: [u32; 2],
    /// Pictures of a turn.
    pub count: usize,
    /// Whether one more PNG plays the turn.
    pub is_animated: bool,
    /// What lies behind the body.
    pub ground: Ground,
}

impl Default for PicturesForm {
    fn default() -> Self {
        Self { kind: PicturesKind::One, size: [1600, 1200], count: 60, is_animated: true, ground: Ground::Black }
    }
}

/// What the window that asks for them asks for.
#[derive(Debug, Clone, Copy)]
pub enum PicturesRequest {
    /// Close it.
    Close,
    /// What is chosen, changed.
    Form(PicturesForm),
    /// Ask for a place and write.
    Save,
}

/// A slice between the surfaces.
#[derive(Debug, Clone)]
pub struct ShownSlice {
    /// Where its plane lies in the grid.
    pub layout: PlaneLayout,
    /// Its plane.
    pub plane: Plane,
    /// Its number.
    pub slice: usize,
    /// Its grey values, row by row.
    pub grey: Vec<u8>,
}

/// Values of a scan all through, and what they look like.
#[derive(Debug, Clone)]
pub struct ShownThrough {
    /// The values.
    pub values: Arc<SmallVolume>,
    /// What each of 256 values looks like: red, green, blue, and opacity along a millimetre.
    pub table: Vec<[u8; 4]>,
    /// Whether only the largest value along a ray is seen.
    pub is_maximum: bool,
}

/// All that a picture of the body shows, whatever becomes of the window.
#[derive(Debug, Clone)]
pub struct BodyShown {
    /// The grid.
    pub geometry: Geometry,
    /// Surfaces of the labels.
    pub blocks: Arc<Blocks>,
    /// How they look.
    pub look: BodyLook,
    /// Slices between them.
    pub slices: Vec<ShownSlice>,
    /// Values in place of surfaces and slices.
    pub through: Option<ShownThrough>,
    /// Red, green and blue behind all.
    pub ground: [u8; 3],
}

/// Draws from where a camera is; stops between two parts of a picture where it is asked to.
pub type DrawFrom = Box<dyn FnMut(&Camera, Watch<'_>) -> Result<RgbPicture, JobError> + Send>;

/// Who draws pictures of the body, on any thread: the window's graphics device.
pub trait DrawBody: std::fmt::Debug + Send + Sync {
    /// Makes ready to draw pictures of so many columns and rows. Nothing happens before the first is asked for.
    fn begin(&self, shown: BodyShown, size: [u32; 2]) -> DrawFrom;
}

/// Pictures in files.
#[derive(Debug, Default)]
pub struct BodyPictures {
    /// What is chosen, while the window that asks is open.
    pub form: Option<PicturesForm>,
    /// The last choices, for the next time.
    pub last: PicturesForm,
    /// Who draws; none without a graphics device.
    pub artist: Option<Arc<dyn DrawBody>>,
}
