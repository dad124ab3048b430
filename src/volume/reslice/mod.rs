//! A scan along any plane, or straightened along a path: where the pixels lie in the patient, and what the scan has there.

mod curve;
mod error;
mod oblique;
mod path;
mod resliced;
mod rows;
mod sample;
#[cfg(test)]
mod tests;

pub use error::{MOST_PATH_POINTS, MOST_RESLICED_SIDE, ResliceError};
pub use oblique::ObliquePlane;
pub use path::CurvedPath;
pub use resliced::Resliced;
pub use rows::{PixelRow, Reslice};
pub use sample::{Slab, SlabKind};
