//! Binary STL: triangles alone, each with its corners. Surfaces of several labels become one.

use std::io::Write as _;
use std::path::Path;

use super::{SPACE, STEP, Surface, count_of, lps};
use crate::disk::replace_file;
use crate::formats::error::Result;
use crate::formats::slices::explain;
use crate::volume::cross;
use crate::work::{Watch, numbers};

/// How the header begins; never "solid", which begins STL in text.
pub const START: &str = "Lamella surface STL";
/// Bytes of the header.
const HEADER: usize = 80;

/// Writes surfaces.
pub fn write(path: &Path, surfaces: &[Surface], watch: Watch) -> Result<()> {
    let all = surfaces.iter().map(|surface| surface.mesh.triangles.len()).sum();
    let count = count_of(all, path)?;
    let mut header = format!("{START} {SPACE} unit=mm").into_bytes();
    header.resize(HEADER, b' ');
    let written = replace_file(path, |file| {
        file.write_all(&header)?;
        file.write_all(&count.to_le_bytes())?;
        let triangles = surfaces.iter().flat_map(|s| s.mesh.triangles.iter().map(|triangle| s.mesh.corners(*triangle)));
        for (n, corners) in triangles.enumerate() {
            if n % STEP == 0 {
                watch.at(numbers::share(n, all.max(1))).map_err(std::io::Error::other)?;
            }
            let corners = corners.map(lps);
            let mut bytes = Vec::with_capacity(50);
            for part in normal(corners).iter().chain(corners.as_flattened()) {
                bytes.extend_from_slice(&part.to_le_bytes());
            }
            bytes.extend_from_slice(&[0, 0]);
            file.write_all(&bytes)?;
        }
        Ok(())
    });
    written.map_err(|error| explain(path, error))
}

/// The unit normal of a triangle; zeros where it has no area.
fn normal([a, b, c]: [[f32; 3]; 3]) -> [f32; 3] {
    let side = |to: [f32; 3]| [0, 1, 2].map(|axis| f64::from(to[axis]) - f64::from(a[axis]));
    let across = cross(side(b), side(c));
    let length = across.iter().map(|part| part * part).sum::<f64>().sqrt();
    across.map(|part| if length > 0.0 { numbers::single(part / length) } else { 0.0 })
}
