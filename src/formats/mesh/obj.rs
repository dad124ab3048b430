//! OBJ: all labels in one text, each a group with a material of its colour, which a file beside it (`.mtl`) describes.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::{SPACE, STEP, Surface, count_of, lps, plain};
use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::slices::explain;
use crate::formats::{read_head, stem};
use crate::work::{Watch, numbers};

/// How the text begins.
pub const START: &str = "# Lamella surface OBJ";

/// Writes surfaces, and their colours beside them.
pub fn write(path: &Path, surfaces: &[Surface], watch: Watch) -> Result<()> {
    let corners: usize = surfaces.iter().map(|surface| surface.mesh.vertices.len()).sum();
    count_of(corners, path)?;
    let materials = path.with_file_name(format!("{}.mtl", stem(path)));
    refuse_foreign(&materials)?;
    let written = replace_file(&materials, |file| write_materials(file, surfaces));
    written.map_err(|error| explain(&materials, error))?;
    let name = materials.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let written = replace_file(path, |file| {
        writeln!(file, "{START}\n# {SPACE}\n# unit=mm\nmtllib {name}")?;
        let mut first = 1u64;
        let (mut done, mut begun) = (0usize, 0);
        for (n, surface) in surfaces.iter().enumerate() {
            writeln!(file, "g {}\nusemtl label_{}", group(&surface.name), n + 1)?;
            for point in &surface.mesh.vertices {
                if done % STEP == 0 {
                    watch.at(numbers::share(done, corners.max(1))).map_err(io::Error::other)?;
                }
                done += 1;
                let [x, y, z] = lps(*point);
                writeln!(file, "v {x} {y} {z}")?;
            }
            for (n, triangle) in surface.mesh.triangles.iter().enumerate() {
                if n % STEP == 0 {
                    watch.check().map_err(io::Error::other)?;
                }
                let [a, b, c] = triangle.map(|corner| first + u64::from(corner));
                writeln!(file, "f {a} {b} {c}")?;
            }
            begun += surface.mesh.vertices.len();
            first = u64::try_from(begun).unwrap_or(u64::MAX).saturating_add(1);
        }
        Ok(())
    });
    written.map_err(|error| explain(path, error))
}

/// Refuses to replace materials that this program has not written: nobody was asked about them.
fn refuse_foreign(materials: &Path) -> Result<()> {
    if fs::symlink_metadata(materials).is_err() {
        return Ok(());
    }
    let head = read_head(materials).map_err(|e| FormatError::read(materials, e))?;
    if head.starts_with(START.as_bytes()) {
        return Ok(());
    }
    let reason = "the colours of the surfaces would replace this file of another program; choose another name";
    Err(FormatError::unsupported(materials, reason))
}

fn write_materials(file: &mut dyn Write, surfaces: &[Surface]) -> io::Result<()> {
    writeln!(file, "{START}, colours")?;
    for (n, surface) in surfaces.iter().enumerate() {
        let [r, g, b] = surface.colour.map(|part| f64::from(part) / 255.0);
        writeln!(file, "# {}\nnewmtl label_{}\nKd {r:.6} {g:.6} {b:.6}", plain(&surface.name), n + 1)?;
    }
    Ok(())
}

/// A name without blanks, which part the names of several groups.
fn group(name: &str) -> String {
    plain(name).split_whitespace().collect::<Vec<_>>().join("_")
}
