//! Pixels of slices as pictures: grey values through the window, labels over them, outlines on voxel borders, letters and a scale bar; and
//! many slices in one figure.
//!
//! **Invariant:** the window, the command line and sheets draw a slice by the same function, so that they cannot differ.
//!
//! Deliberately absent: files, screens, and any knowledge of the session.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "points of pictures and voxels turn into each other"
)]

mod annotations;
mod colour_map;
mod figures;
mod glyphs;
mod overlay;
mod place;
mod scale_bar;
mod sheet;
mod slice;
mod slice_numbers;
mod text;
mod typeface;

pub use colour_map::ColourMap;
pub use figures::DrawnFigure;
pub use overlay::{OverlayLook, OverlaySlice};
pub use place::{PICTURE_EDGE, PictureSize};
pub use scale_bar::{bar_mm, bar_name};
pub use sheet::{Ground, Sheet, SheetError, SheetParts, SheetPlan, sheet};
pub use slice::{Look, picture};
pub use slice_numbers::{SliceNumbers, evenly, usual_columns};
pub use typeface::{DROID, ROBOTO};
