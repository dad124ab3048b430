//! Binary PLY: corners with the colours of their labels, and triangles.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::{SPACE, STEP, Surface, count_of, lps, plain};
use crate::disk::replace_file;
use crate::formats::error::Result;
use crate::formats::slices::explain;
use crate::work::{Watch, numbers};

/// How the header begins.
pub const START: &str = "ply\nformat binary_little_endian 1.0\ncomment Lamella surface";

/// Writes surfaces.
pub fn write(path: &Path, surfaces: &[Surface], watch: Watch) -> Result<()> {
    let corners: usize = surfaces.iter().map(|surface| surface.mesh.vertices.len()).sum();
    let triangles: usize = surfaces.iter().map(|surface| surface.mesh.triangles.len()).sum();
    // Corners are counted in the same 32 bits.
    count_of(corners, path)?;
    count_of(triangles, path)?;
    let mut header = format!("{START}\ncomment {SPACE}\ncomment unit=mm\n");
    for surface in surfaces {
        // Text can always be added to.
        let _ = writeln!(header, "comment label {}", plain(&surface.name));
    }
    let _ = write!(
        header,
        "element vertex {corners}\nproperty float x\nproperty float y\nproperty float z\nproperty uchar red\nproperty uchar green\n\
         property uchar blue\nelement face {triangles}\nproperty list uchar int vertex_indices\nend_header\n"
    );
    let all = (corners + triangles).max(1);
    let written = replace_file(path, |file| {
        file.write_all(header.as_bytes())?;
        let mut done = 0;
        let mut look = || {
            done += 1;
            if done % STEP == 1 { watch.at(numbers::share(done, all)).map_err(std::io::Error::other) } else { Ok(()) }
        };
        for surface in surfaces {
            for point in &surface.mesh.vertices {
                look()?;
                lps(*point).iter().try_for_each(|part| file.write_all(&part.to_le_bytes()))?;
                file.write_all(&surface.colour)?;
            }
        }
        let mut first = 0u32;
        for surface in surfaces {
            for triangle in &surface.mesh.triangles {
                look()?;
                file.write_all(&[3])?;
                triangle.iter().try_for_each(|corner| file.write_all(&(first + corner).to_le_bytes()))?;
            }
            first += u32::try_from(surface.mesh.vertices.len()).unwrap_or_default();
        }
        Ok(())
    });
    written.map_err(|error| explain(path, error))
}
