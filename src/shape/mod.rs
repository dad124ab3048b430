//! Pure geometry of outlines: which pixels lie inside.
//!
//! **Invariant:** a pixel belongs to an outline if its centre lies inside, by the even-odd rule.
//!
//! Deliberately absent: labels, documents, screens, files. Meshes and signed distances are not here yet.

mod polygon;

pub use polygon::pixels_inside;
