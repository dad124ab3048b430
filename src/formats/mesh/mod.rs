//! Surfaces of labels: STL, PLY and OBJ, in patient millimetres to the left, the back and the head (LPS), which each file states as
//! 3D Slicer does. Written only.
//!
//! Source: the STL of 3D Systems as it is in use (50 bytes a triangle), "The PLY Polygon File Format" (G. Turk, 1994), "Object Files"
//! (Wavefront, appendix B1); `SPACE=LPS` as in `vtkMRMLModelStorageNode` of 3D Slicer.

mod obj;
mod ply;
mod stl;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::error::{FormatError, Result};
use super::found::Findings;
use super::registry::{Format, Kind, Save};
use crate::shape::Mesh;
use crate::volume::{Rgb, Vec3};
use crate::work::Watch;

/// How files of surfaces begin, so that one is known again before it is replaced.
pub const SURFACE_STARTS: &[&str] = &[stl::START, ply::START, obj::START];

/// Where coordinates lead, in the words of 3D Slicer.
const SPACE: &str = "SPACE=LPS";
/// Triangles or corners between two looks at whether to stop.
const STEP: usize = 1 << 14;

/// The surface of a label.
#[derive(Debug, Clone)]
pub struct Surface {
    /// Name of the label.
    pub name: String,
    /// Its colour.
    pub colour: Rgb,
    /// In patient millimetres to the right, the front and the head.
    pub mesh: Mesh,
}

const fn format(
    id: &'static str,
    name: &'static str,
    endings: &'static [&'static str],
    saves: &'static [Save],
) -> Format {
    Format {
        id,
        name,
        endings,
        beside: &[],
        kinds: &[Kind::Mesh],
        is_picture: false,
        claims: |_, _| false,
        scan: |_, _| Ok(Findings::default()),
        saves,
    }
}

const fn save(
    name: &'static str,
    endings: &'static [&'static str],
    write: fn(&Path, &[Surface], Watch) -> Result<()>,
    holds_many: bool,
) -> Save {
    Save {
        name,
        endings,
        volume: None,
        labels: None,
        mesh: Some(super::registry::SaveMesh { write, holds_many }),
        notices: |_, _, _| Vec::new(),
        needs_source: false,
        check: None,
    }
}

/// The entries in the list of formats.
pub const STL: Format = format("stl", "STL", &[".stl"], &[save("STL", &[".stl"], stl::write, false)]);
/// See [`STL`].
pub const PLY: Format = format("ply", "PLY", &[".ply"], &[save("PLY", &[".ply"], ply::write, false)]);
/// See [`STL`].
pub const OBJ: Format = format("obj", "OBJ", &[".obj"], &[save("OBJ", &[".obj"], obj::write, true)]);

/// A point to the left, the back and the head, in the precision of files. No zero has a sign.
#[allow(clippy::cast_possible_truncation, reason = "files keep single precision")]
fn lps([r, a, s]: Vec3) -> [f32; 3] {
    [-r, -a, s].map(|value| value as f32 + 0.0)
}

/// A name for a line of text: no line breaks.
fn plain(name: &str) -> String {
    name.replace(|c: char| c.is_control(), " ")
}

/// The number of things in a file, in the 32 bits that formats have for it.
fn count_of(things: usize, path: &Path) -> Result<u32> {
    u32::try_from(things)
        .map_err(|_| FormatError::unsupported(path, format!("the surface has {things} triangles, too many for a file")))
}
