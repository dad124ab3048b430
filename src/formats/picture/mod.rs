//! PNG and TIFF: single pictures, stacks of pages, and folders of pictures of one size.
//!
//! Pictures carry no position and, what counts in medicine, no size: a pixel is taken as 1 mm, and the user is told.
//! Columns run to the patient's left and rows to the back, so that an axial view shows the picture as it is.
//! Colours become three frames; palettes are refused, because their numbers are no intensities.

mod order;
mod pages;
mod png;
mod tiff;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::error::{FormatError, Result};
use super::{Entry, Findings, Reader, Skipped, Source, Watch, stem};
use crate::volume::{Affine, Geometry, Rescale, Volume};
use pages::{Kind, Pages};

/// The entry in the list of readers.
pub const READER: Reader = Reader { name: "PNG and TIFF", claims, collect };

/// First bytes of a PNG.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// First bytes of a TIFF, small and big, in either byte order.
const TIFF: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];

/// Pictures that form one volume, in their order.
#[derive(Debug, Clone)]
pub struct Stack {
    files: Vec<PathBuf>,
    name: String,
}

fn claims(_: &Path, head: &[u8]) -> bool {
    head.starts_with(PNG) || TIFF.iter().any(|magic| head.starts_with(magic))
}

fn is_png(path: &Path) -> Result<bool> {
    Ok(super::read_head(path).map_err(|e| FormatError::read(path, e))?.starts_with(PNG))
}

fn kind(path: &Path) -> Result<Kind> {
    if is_png(path)? { png::kind(path) } else { tiff::kind(path) }
}

/// Pictures of one folder and kind are a stack; a file with several pages is one by itself.
fn collect(paths: &[PathBuf], watch: Watch) -> Result<Findings> {
    let mut findings = Findings::default();
    let mut groups: BTreeMap<(PathBuf, Kind), Vec<PathBuf>> = BTreeMap::new();
    for path in paths {
        if watch(0.0) == ControlFlow::Break(()) {
            return Err(FormatError::Cancelled);
        }
        match kind(path) {
            Ok(kind) if kind.pages > 1 => findings.entries.push(entry(vec![path.clone()], kind)),
            Ok(kind) => {
                let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
                groups.entry((folder, kind)).or_default().push(path.clone());
            }
            Err(error) => {
                // The path stands beside the reason.
                let reason = match error {
                    FormatError::Malformed { problem, .. } => problem,
                    FormatError::Unsupported { reason, .. } => reason,
                    other => other.to_string(),
                };
                findings.skipped.push(Skipped { path: path.clone(), reason });
            }
        }
    }
    for ((_, kind), mut files) in groups {
        files.sort_by(|a, b| order::natural(&a.to_string_lossy(), &b.to_string_lossy()));
        findings.entries.push(entry(files, kind));
    }
    Ok(findings)
}

fn entry(files: Vec<PathBuf>, kind: Kind) -> Entry {
    let first = files[0].clone();
    let folder = first.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let (id, name) = match folder {
        Some(folder) if files.len() > 1 => {
            let Kind { size: [w, h], samples, bits, .. } = kind;
            (format!("{folder} {w}x{h}, {samples} of {bits} bits"), folder)
        }
        _ => (first.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(), stem(&first)),
    };
    let [width, height] = kind.size;
    Entry {
        id,
        name: name.clone(),
        modality: String::new(),
        file_count: files.len(),
        shape: [width, height, files.len().max(kind.pages)],
        path: if files.len() > 1 { first.parent().unwrap_or(&first).to_path_buf() } else { first },
        source: Source::Picture(Stack { files, name }),
    }
}

/// Reads pictures as slices.
pub fn read(stack: &Stack, watch: Watch) -> Result<Volume> {
    let mut pages = Pages::new(stack.files.len());
    for (n, path) in stack.files.iter().enumerate() {
        if watch(n as f32 / stack.files.len() as f32) == ControlFlow::Break(()) {
            return Err(FormatError::Cancelled);
        }
        if is_png(path)? { png::read(path, &mut pages)? } else { tiff::read(path, &mut pages, watch)? }
    }
    let first = &stack.files[0];
    let (kind, count, voxels) = pages.finish(first)?;
    let world_from_voxel = Affine::from_columns([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]);
    let geometry = Geometry::new([kind.size[0], kind.size[1], count], world_from_voxel)
        .map_err(|e| FormatError::malformed(first, e.to_string()))?;
    let colours = voxels.len() / geometry.voxel_count().max(1);
    let frames = if colours > 1 { vec![colours] } else { Vec::new() };
    let mut volume = Volume::new(geometry, voxels, frames, Rescale::IDENTITY, stack.name.clone());
    volume.warnings.push("Pictures do not say how large a pixel is; 1 mm is assumed in all directions.".into());
    if colours > 1 {
        volume.warnings.push("A colour picture: red, green and blue are frames 1 to 3.".into());
    }
    Ok(volume)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn write_png(path: &Path, size: [u32; 2], colour: ::png::ColorType, depth: ::png::BitDepth, bytes: &[u8]) {
        let mut encoder = ::png::Encoder::new(File::create(path).unwrap(), size[0], size[1]);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        encoder.write_header().unwrap().write_image_data(bytes).unwrap();
    }

    fn open(path: &Path) -> Result<Volume> {
        super::super::open_one(path, None, &|_| ControlFlow::Continue(()))
    }

    #[test]
    fn an_axial_view_shows_a_picture_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let words: Vec<u8> = [1u16, 2, 3, 400, 500, 600].iter().flat_map(|v| v.to_be_bytes()).collect();
        write_png(&path, [3, 2], ::png::ColorType::Grayscale, ::png::BitDepth::Sixteen, &words);
        let volume = open(&path).unwrap();
        assert_eq!((volume.geometry.shape(), volume.geometry.orientation().code().as_str()), ([3, 2, 1], "LPS"));
        assert_eq!([[0, 0, 0], [2, 0, 0], [0, 1, 0]].map(|voxel| volume.value(voxel, 0)), [1.0, 3.0, 400.0]);
        assert_eq!(volume.voxels.voxel_type().name(), "uint16");
        assert!(volume.warnings[0].contains("1 mm"));
    }

    #[test]
    fn a_folder_of_pictures_is_a_stack_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for n in [10u8, 9, 1] {
            let path = folder.path().join(format!("s{n}.png"));
            write_png(&path, [2, 1], ::png::ColorType::Grayscale, ::png::BitDepth::Eight, &[n, 0]);
        }
        let volume = open(folder.path()).unwrap();
        assert_eq!(volume.geometry.shape(), [2, 1, 3]);
        assert_eq!([0, 1, 2].map(|k| volume.value([0, 0, k], 0)), [1.0, 9.0, 10.0]);
    }

    #[test]
    fn grey_in_three_channels_is_one_frame_and_colours_are_three() {
        let folder = tempfile::tempdir().unwrap();
        let [grey, colour, bits] = ["grey/a.png", "colour/a.png", "bits/a.png"].map(|name| folder.path().join(name));
        for path in [&grey, &colour, &bits] {
            std::fs::create_dir(path.parent().unwrap()).unwrap();
        }
        write_png(&grey, [2, 1], ::png::ColorType::Rgb, ::png::BitDepth::Eight, &[7, 7, 7, 9, 9, 9]);
        write_png(&colour, [2, 1], ::png::ColorType::Rgba, ::png::BitDepth::Eight, &[1, 2, 3, 255, 4, 5, 6, 0]);
        write_png(&bits, [3, 2], ::png::ColorType::Grayscale, ::png::BitDepth::One, &[0b1010_0000, 0b0110_0000]);
        assert!(open(&grey).unwrap().frame_dims.is_empty());
        let volume = open(&colour).unwrap();
        assert_eq!((volume.frame_dims.as_slice(), volume.value([1, 0, 0], 2)), (&[3][..], 6.0));
        let volume = open(&bits).unwrap();
        assert_eq!([[0, 0, 0], [1, 0, 0], [2, 1, 0]].map(|v| volume.value(v, 0)), [255.0, 0.0, 255.0]);
    }

    #[test]
    fn pages_of_a_tiff_are_slices() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stack.tif");
        let mut encoder = ::tiff::encoder::TiffEncoder::new(File::create(&path).unwrap()).unwrap();
        for page in 0..3i16 {
            let values: Vec<i16> = (0..35).map(|n| n * (page - 1)).collect();
            encoder.write_image::<::tiff::encoder::colortype::GrayI16>(7, 5, &values).unwrap();
        }
        let volume = open(&path).unwrap();
        assert_eq!((volume.geometry.shape(), volume.voxels.voxel_type().name()), ([7, 5, 3], "int16"));
        assert_eq!([0, 1, 2].map(|k| volume.value([6, 4, k], 0)), [-34.0, 0.0, 34.0]);
    }

    #[test]
    fn damaged_pictures_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let noise: Vec<u8> = (0..64 * 64u32).map(|n| (n.wrapping_mul(n).wrapping_mul(7919) >> 3) as u8).collect();
        write_png(&path, [64, 64], ::png::ColorType::Grayscale, ::png::BitDepth::Eight, &noise);
        let whole = std::fs::read(&path).unwrap();
        for cut in (0..whole.len()).step_by(97) {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(open(&path).is_err(), "{cut}");
        }
        let mut lying = whole.clone();
        lying[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        std::fs::write(&path, &lying).unwrap();
        assert!(open(&path).is_err());
        write_png(&path, [2, 1], ::png::ColorType::Grayscale, ::png::BitDepth::Eight, &[1, 2]);
        let tiff = folder.path().join("b.tif");
        let mut encoder = ::tiff::encoder::TiffEncoder::new(File::create(&tiff).unwrap()).unwrap();
        encoder.write_image::<::tiff::encoder::colortype::Gray8>(64, 64, &noise).unwrap();
        let whole = std::fs::read(&tiff).unwrap();
        for cut in (0..whole.len()).step_by(97) {
            std::fs::write(&tiff, &whole[..cut]).unwrap();
            assert!(open(&tiff).is_err(), "{cut}");
        }
    }
}
