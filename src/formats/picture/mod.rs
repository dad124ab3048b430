//! PNG and TIFF: single pictures, stacks of pages, and folders of pictures of one size.
//!
//! Pictures carry no position, and often no size: then a pixel is taken as 1 mm, and the user is told.
//! Columns run to the patient's left and rows to the back, so that an axial view shows the picture as it is.
//! Colours become three frames; of palettes the numbers of the colours are taken: in
//! masks they are the labels.

mod animation;
mod order;
mod pages;
mod pixels;
mod png;
mod said;
mod steps;
mod tiff;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{FormatError, Result};
use super::registry::Format;
use super::{Entry, Facts, Findings, GivenSize, SizeSaid, Skipped, Source, stem};
use crate::volume::{Affine, Geometry, Volume, VoxelType};
use crate::work::{Stopped, Watch};
pub use animation::{animation_bytes, write_bytes};
use pages::{Kind, Pages, SizeOfFile};
pub use pixels::{PixelType, SLICE_ENDINGS, Scale, SlicePictures, write_pages, write_slice};
use said::{Said, size_said};
use steps::Steps;
pub use write::{RgbPicture, picture_bytes, write_mask_picture, write_picture};

/// The entry in the list of formats: one for both, because a folder of pictures may have both in it.
pub const FORMAT: Format = Format {
    id: "picture",
    name: "PNG and TIFF",
    endings: &[".png", ".tiff", ".tif"],
    beside: &[],
    kinds: &[super::Kind::Volume, super::Kind::Labels],
    is_picture: true,
    claims,
    scan: collect,
    saves: &[],
};

const PALETTE: &str = "The picture has a table of colours: its values are the numbers of the colours, which are labels in a mask, and no intensities.";

/// First bytes of a PNG.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// First bytes of a TIFF, small and big, in either byte order.
const TIFF: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];

/// Pictures that form one volume, in their order.
#[derive(Debug, Clone)]
pub struct Stack {
    files: Vec<PathBuf>,
    name: String,
    /// Which of a file's images it is.
    image: usize,
    /// What is known of the size of a voxel.
    size: SizeSaid,
}

impl Source for Stack {
    fn facts(&self, watch: Watch) -> Result<Option<Facts>> {
        facts(self, watch).map(Some)
    }

    fn load(&self, watch: Watch) -> Result<Volume> {
        read(self, watch)
    }

    fn pictures(&self, watch: Watch) -> Result<Vec<Entry>> {
        if self.files.len() < 2 {
            return Ok(Vec::new());
        }
        let mut each = Vec::with_capacity(self.files.len());
        for path in &self.files {
            each.extend(collect(std::slice::from_ref(path), watch)?.entries);
        }
        Ok(each)
    }

    fn path(&self) -> &Path {
        self.files.first().map_or(Path::new(""), PathBuf::as_path)
    }

    fn size_said(&self) -> Option<&SizeSaid> {
        Some(&self.size)
    }

    fn of_size(&self, given: GivenSize) -> Option<Arc<dyn Source>> {
        let mut same = self.clone();
        same.size.given = Some(given);
        Some(Arc::new(same))
    }
}

fn claims(_: &Path, head: &[u8]) -> bool {
    head.starts_with(PNG) || TIFF.iter().any(|magic| head.starts_with(magic))
}

fn is_png(path: &Path) -> Result<bool> {
    Ok(super::read_head(path).map_err(|e| FormatError::read(path, e))?.starts_with(PNG))
}

/// The images of a file, and what it says of the size of their voxels.
fn kinds(path: &Path, watch: Watch) -> Result<Vec<Result<(Kind, SizeOfFile)>>> {
    if is_png(path)? {
        return Ok(vec![png::kind_and_size(path)]);
    }
    let count = tiff::image_count(path, watch)?;
    let image = |image: usize| {
        let plan = tiff::plan(path, image, watch)?;
        Ok((plan.kind(), plan.sizes.said()))
    };
    Ok((0..count).map(image).collect())
}

/// Pictures of one folder and kind are a stack; a file with several pages is one by itself.
fn collect(paths: &[PathBuf], watch: Watch) -> Result<Findings> {
    let mut findings = Findings::default();
    let mut groups: BTreeMap<(PathBuf, Kind), Vec<(PathBuf, SizeOfFile)>> = BTreeMap::new();
    for path in paths {
        watch.at(0.0)?;
        let kinds = match kinds(path, watch) {
            Ok(kinds) => kinds,
            Err(error) => vec![Err(error)],
        };
        let several = kinds.len() > 1;
        let some = kinds.iter().any(Result::is_ok);
        for (image, kind) in kinds.into_iter().enumerate() {
            match kind {
                Ok((kind, size)) if several || !kind.is_single() => {
                    let mut entry = entry(vec![path.clone()], kind, image, size);
                    if several {
                        entry.id = format!("{}#{}", entry.id, image + 1);
                    }
                    findings.entries.push(entry);
                }
                Ok((kind, size)) => {
                    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
                    groups.entry((folder, kind)).or_default().push((path.clone(), size));
                }
                Err(FormatError::Stopped(Stopped)) => return Err(FormatError::Stopped(Stopped)),
                Err(error) => {
                    // The path stands beside the reason.
                    let reason = match error {
                        FormatError::Malformed { problem, .. } => problem,
                        FormatError::Unsupported { reason, .. } => reason,
                        other => other.to_string(),
                    };
                    let reason = if several && some { format!("image {}: {reason}", image + 1) } else { reason };
                    findings.skipped.push(Skipped { path: path.clone(), reason });
                }
            }
        }
    }
    for ((_, kind), files) in groups {
        let parts = order::by_name(files, |(path, _)| path);
        let is_parted = parts.len() > 1;
        for (name, mut files) in parts {
            files.sort_by(|(a, _), (b, _)| order::natural(&a.to_string_lossy(), &b.to_string_lossy()));
            let size = files.first().map(|(_, size)| *size).unwrap_or_default();
            let mut entry = entry(files.into_iter().map(|(path, _)| path).collect(), kind, 0, size);
            if is_parted {
                entry.id = format!("{} {name}", entry.id);
                entry.name = name;
            }
            findings.entries.push(entry);
        }
    }
    Ok(findings)
}

fn entry(files: Vec<PathBuf>, kind: Kind, image: usize, size: SizeOfFile) -> Entry {
    let first = files.first().cloned().unwrap_or_default();
    let folder = first.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let (id, name) = match folder {
        Some(folder) if files.len() > 1 => {
            let Kind { size: [w, h], samples, bits, .. } = kind;
            (format!("{folder} {w}x{h}, {samples} of {bits} bits"), folder)
        }
        _ => (first.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(), stem(&first)),
    };
    let [width, height] = kind.size;
    let size = size_said(&files, kind, size);
    Entry {
        format: FORMAT.id,
        kind: super::Kind::Volume,
        id,
        name: name.clone(),
        modality: String::new(),
        file_count: files.len(),
        shape: [width, height, files.len().max(kind.slices)],
        path: if files.len() > 1 { first.parent().unwrap_or(&first).to_path_buf() } else { first },
        belongs_to: None,
        source: Arc::new(Stack { files, name, image, size }),
    }
}

fn geometry(path: &Path, size: [usize; 2], slices: usize, said: &Said) -> Result<Geometry> {
    let [x, y, z] = said.mm;
    let columns = [[-x, 0.0, 0.0], [0.0, -y, 0.0], [0.0, 0.0, z]];
    let geometry = Geometry::new([size[0], size[1], slices], Affine::from_columns(columns, [0.0; 3]))
        .map_err(|e| FormatError::malformed(path, e.to_string()))?;
    Ok(if said.size_known { geometry } else { geometry.of_assumed_size() })
}

/// Reads pictures as slices.
fn read(stack: &Stack, watch: Watch) -> Result<Volume> {
    let Some(first) = stack.files.first() else { return Err(FormatError::Stopped(Stopped)) };
    let mut pages = Pages::default();
    let mut said: Option<Said> = None;
    let (mut is_tiff, steps) = (false, Steps::new(first, watch));
    for (n, path) in stack.files.iter().enumerate() {
        let steps = steps.part(n, stack.files.len()).of_file(path);
        steps.go_on()?;
        let next = if is_png(path)? {
            Said::of_png(png::read(path, &mut pages, &steps)?)
        } else {
            is_tiff = true;
            let plan = tiff::plan(path, stack.image, watch)?;
            let next = Said::of(&plan);
            plan.read(&mut pages, &steps)?;
            next
        };
        match &mut said {
            Some(said) => said.join(next, path)?,
            None => said = Some(next),
        }
    }
    let mut said = said.unwrap_or_else(|| Said::of_png(SizeOfFile::default()));
    said.take(stack.size.given);
    let pages::Collected { kind, count, samples, voxels } = pages.finish(first)?;
    let slices = count / kind.frames.max(1);
    let geometry = geometry(first, kind.size, slices, &said)?;
    if voxels.len() != geometry.voxel_count().saturating_mul(samples * kind.frames) {
        return Err(FormatError::unsupported(first, "pictures of one folder have different numbers of frames"));
    }
    let rescale = said.rescale.clone();
    let mut volume = Volume::new(geometry, voxels, frame_dims(samples, kind.frames), rescale, stack.name.clone());
    volume.display.inverted = said.inverted;
    volume.header.clone_from(&said.header);
    volume.warnings = said.into_warnings();
    if samples > 1 {
        volume.warnings.push(describe_samples(samples, is_tiff));
    }
    volume.warnings.extend(order::doubt(&stack.files));
    if kind.is_palette {
        volume.warnings.push(PALETTE.into());
    }
    Ok(volume)
}

/// One dimension for all frames: samples first, then what the file has.
fn frame_dims(samples: usize, frames: usize) -> Vec<usize> {
    if samples * frames > 1 { vec![samples * frames] } else { Vec::new() }
}

fn describe_samples(samples: usize, is_tiff: bool) -> String {
    // tifffile and others store an array of 3 or 4 slices as a colour picture.
    let stack = if is_tiff && samples < 5 {
        " Should they be slices of a stack, save it with one page for each slice."
    } else {
        ""
    };
    match samples {
        3 => format!("A colour picture: red, green and blue are its three frames.{stack}"),
        _ => format!("A pixel has {samples} values; they are its {samples} frames.{stack}"),
    }
}

/// What the headers tell of a stack, without its pixels.
fn facts(stack: &Stack, watch: Watch) -> Result<Facts> {
    let Some(first) = stack.files.first() else { return Err(FormatError::Stopped(Stopped)) };
    let (kind, voxel_type, mut said) = if is_png(first)? {
        let (kind, size) = png::kind_and_size(first)?;
        (kind, if kind.bits == 16 { VoxelType::U16 } else { VoxelType::U8 }, Said::of_png(size))
    } else {
        let plan = tiff::plan(first, stack.image, watch)?;
        (plan.kind(), plan.voxel_type(), Said::of(&plan))
    };
    said.take(stack.size.given);
    let slices = if stack.files.len() > 1 { stack.files.len() } else { kind.slices };
    let mut facts = Facts {
        geometry: geometry(first, kind.size, slices, &said)?,
        frame_dims: frame_dims(kind.samples, kind.frames),
        voxel_type,
        name: stack.name.clone(),
        header: said.header.clone(),
        warnings: said.into_warnings(),
    };
    if kind.samples > 1 {
        facts.warnings.push(describe_samples(kind.samples, true));
    }
    if kind.is_palette {
        facts.warnings.push(PALETTE.into());
    }
    Ok(facts)
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]
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
        super::super::open_one(path, None, Watch::unwatched())
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
    fn pictures_of_several_names_are_several_stacks() {
        let of = |names: &[&str]| {
            let folder = tempfile::tempdir().unwrap();
            for name in names {
                write_png(
                    &folder.path().join(name),
                    [2, 1],
                    ::png::ColorType::Grayscale,
                    ::png::BitDepth::Eight,
                    &[1, 0],
                );
            }
            let found = super::super::scan(folder.path(), Watch::unwatched()).unwrap().entries;
            let mut told: Vec<String> = found.iter().map(|e| format!("{} {}", e.name, e.file_count)).collect();
            told.sort();
            let ids: std::collections::BTreeSet<&String> = found.iter().map(|e| &e.id).collect();
            assert_eq!(ids.len(), found.len());
            (told.len(), told.join(", "))
        };
        let scan_and_mask = ["img_0.png", "img_1.png", "img_2.png", "mask_0.png", "mask_1.png"];
        assert_eq!(of(&scan_and_mask), (2, "img_# 3, mask_# 2".into()));
        assert_eq!(of(&["z0_ch0.png", "z1_ch0.png", "z0_ch1.png", "z1_ch1.png"]).0, 1);
        // A name that stands alone says nothing of stacks.
        assert_eq!(of(&["a1.png", "a2.png", "b1.png"]).0, 1);
        assert_eq!(of(&["front.png", "back.png"]).0, 1);
    }

    #[test]
    fn a_palette_gives_the_numbers_of_its_colours_however_few_bits_they_take() {
        // PIL gives the same numbers for pictures of mode P.
        let folder = tempfile::tempdir().unwrap();
        for (name, depth, bytes) in [
            ("a1.png", ::png::BitDepth::Two, &[0b0001_1011, 0b1100_0000][..]),
            ("a2.png", ::png::BitDepth::Eight, &[0, 1, 2, 3, 3, 200]),
        ] {
            let file = File::create(folder.path().join(name)).unwrap();
            let size = if name == "a1.png" { [5, 1] } else { [6, 1] };
            let mut encoder = ::png::Encoder::new(file, size[0], size[1]);
            encoder.set_color(::png::ColorType::Indexed);
            encoder.set_depth(depth);
            encoder.set_palette(vec![9; if name == "a1.png" { 12 } else { 768 }]);
            encoder.write_header().unwrap().write_image_data(bytes).unwrap();
            let volume = open(&folder.path().join(name)).unwrap();
            let expected =
                if name == "a1.png" { vec![0.0, 1.0, 2.0, 3.0, 3.0] } else { vec![0.0, 1.0, 2.0, 3.0, 3.0, 200.0] };
            let values: Vec<f64> = (0..expected.len()).map(|i| volume.value([i, 0, 0], 0)).collect();
            assert_eq!(values, expected);
            assert!(volume.warnings.contains(&PALETTE.into()), "{:?}", volume.warnings);
        }
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
    fn the_size_that_the_user_says_is_taken_and_pixels_are_marked() {
        let folder = tempfile::tempdir().unwrap();
        for n in [10u8, 9, 1] {
            let path = folder.path().join(format!("s{n}.png"));
            write_png(&path, [2, 1], ::png::ColorType::Grayscale, ::png::BitDepth::Eight, &[n, 0]);
        }
        let entry = super::super::scan(folder.path(), Watch::unwatched()).unwrap().entries.remove(0);
        let said = entry.source.size_said().unwrap();
        assert!(said.is_open() && said.mm == [None; 3]);
        assert_eq!(said.order, "3 files, in the order of their numbers: s1.png, s9.png, s10.png");
        let given = GivenSize::Millimetres([0.5, 0.25, 2.0]);
        let source = entry.source.of_size(given).unwrap();
        assert!(!source.size_said().unwrap().is_open());
        let volume = source.load(Watch::unwatched()).unwrap();
        assert_eq!(volume.geometry.spacing_mm(), [0.5, 0.25, 2.0]);
        assert!(!volume.geometry.is_size_assumed() && volume.warnings.is_empty(), "{:?}", volume.warnings);
        assert_eq!(source.facts(Watch::unwatched()).unwrap().unwrap().geometry, volume.geometry);
        let pixels = entry.source.of_size(GivenSize::Pixels).unwrap().load(Watch::unwatched()).unwrap();
        assert!(pixels.geometry.is_size_assumed() && pixels.warnings[0].contains("count pixels"));
    }

    #[test]
    fn what_files_say_of_sizes_is_known_part_by_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let mut encoder = ::png::Encoder::new(File::create(&path).unwrap(), 2, 1);
        encoder.set_color(::png::ColorType::Grayscale);
        // 4 pixels a millimetre across, 2 down.
        encoder.set_pixel_dims(Some(::png::PixelDimensions { xppu: 4000, yppu: 2000, unit: ::png::Unit::Meter }));
        encoder.write_header().unwrap().write_image_data(&[1, 2]).unwrap();
        let said = |path: &Path| {
            let entry = super::super::scan(path, Watch::unwatched()).unwrap().entries.remove(0);
            entry.source.size_said().unwrap().clone()
        };
        assert_eq!((said(&path).mm, said(&path).is_open()), ([Some(0.25), Some(0.5), None], false));
        // What screens have tells nothing.
        let mut encoder = ::png::Encoder::new(File::create(&path).unwrap(), 2, 1);
        encoder.set_color(::png::ColorType::Grayscale);
        encoder.set_pixel_dims(Some(::png::PixelDimensions { xppu: 2835, yppu: 2835, unit: ::png::Unit::Meter }));
        encoder.write_header().unwrap().write_image_data(&[1, 2]).unwrap();
        assert_eq!((said(&path).mm, said(&path).is_open()), ([None; 3], true));
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
