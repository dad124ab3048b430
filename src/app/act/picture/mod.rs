//! Pixels of a slice: grey values through the window, labels over them, outlines on voxel borders.

mod annotations;
mod figures;
mod glyphs;
mod overlay;
mod scale_bar;
mod slice;

pub use figures::DrawnFigure;
pub use overlay::{OverlayLook, OverlaySlice};
pub use scale_bar::{bar_mm, bar_name};
pub use slice::{Look, picture};
