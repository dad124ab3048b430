//! Reading an NRRD file into a volume.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::axes::{Axes, Axis};
use super::data::{Data, Layout};
use super::encoding::Encoding;
use super::header::{Header, shown};
use super::parts::Parts;
use super::placement::place;
use super::segments;
use crate::formats::error::{FormatError, Result};
use crate::formats::{Facts, stem};
use crate::volume::{Rescale, Volume, VoxelType, Voxels};
use crate::work::{Watch, memory};

/// Most keys that are shown.
const MOST_SHOWN: usize = 60;

/// A header that was understood, and where its data are.
struct Outline {
    facts: Facts,
    axes: Axes,
    layout: Layout,
    parts: Parts,
    is_big_endian: bool,
    header: Header,
}

/// The grid's size, from the header alone.
pub fn shape(path: &Path) -> Result<[usize; 3]> {
    let axes = Axes::of(&Header::read(path)?).map_err(|e| FormatError::malformed(path, e))?;
    Ok(axes.shape())
}

/// What the header tells, without the voxels; that they can be there is checked.
///
/// # Errors
/// For every header that cannot be honoured, and for files that are too short.
pub fn facts(path: &Path, watch: Watch) -> Result<Facts> {
    let outline = outline(path)?;
    Data::new(&outline.parts, outline.layout, path, watch)?;
    Ok(outline.facts)
}

fn outline(path: &Path) -> Result<Outline> {
    let bad = |problem: String| FormatError::malformed(path, problem);
    let header = Header::read(path)?;
    let kind = voxel_type(header.require("type").map_err(bad)?).map_err(|e| FormatError::unsupported(path, e))?;
    let axes = Axes::of(&header).map_err(bad)?;
    let layout = Layout::of(&header, kind).map_err(|e| FormatError::unsupported(path, e))?;
    let is_big_endian = is_big_endian(&header, layout, kind).map_err(bad)?;
    let mut warnings: Vec<String> = header.unknown_note().into_iter().collect();
    let geometry = place(&header, &axes, &mut warnings).map_err(bad)?;
    let frame_dims = axes.frame_dims();
    refuse_frames(&axes, &header).map_err(|e| FormatError::unsupported(path, e))?;
    warnings.extend(axes.frame_kinds().filter_map(|(kind, size)| colour_note(kind, size)));
    if header.pairs.iter().any(|(key, value)| key.eq_ignore_ascii_case("modality") && value.trim() == "DWMRI") {
        warnings.push("An image of diffusion: its gradients and its measurement frame are not used; each frame is shown as it is.".into());
    }
    let parts = Parts::of(&header, &axes, path)?;
    let facts =
        Facts { geometry, frame_dims, voxel_type: kind, name: stem(path), header: describe(&header, layout), warnings };
    Ok(Outline { facts, axes, layout, parts, is_big_endian, header })
}

/// Reads an NRRD file with all its data files.
///
/// # Errors
/// For every header that cannot be honoured, for data that end early, and for damaged compression.
pub fn read(path: &Path, watch: Watch) -> Result<Volume> {
    let Outline { facts, axes, layout, parts, is_big_endian, header } = outline(path)?;
    let Facts { geometry, frame_dims, voxel_type, mut warnings, name, header: described } = facts;
    let count = frame_dims.iter().try_fold(geometry.voxel_count(), |n, &d| n.checked_mul(d));
    let count = count.ok_or_else(|| FormatError::malformed(path, "the sizes overflow"))?;
    let mut data = Data::new(&parts, layout, path, watch)?;
    let expected = data.expected();
    let voxels = Voxels::read(voxel_type, count, expected, is_big_endian, &mut data).map_err(|e| explain(path, e))?;
    if data.is_longer {
        warnings.push("The data are longer than the header says; what follows the last voxel is not used.".into());
    }
    if data.is_followed {
        warnings.push(
            "Bytes follow the compressed data (padding of a tape, an upload) and are ignored; the data themselves are whole.".into(),
        );
    }
    let voxels = if axes.are_in_order() { voxels } else { in_order(&voxels, &axes, path, watch)? };
    let mut volume = Volume::new(geometry, voxels, frame_dims, Rescale::IDENTITY, name);
    let found = segments::read(&header.pairs);
    warnings.extend(found.warnings);
    volume.warnings = warnings;
    volume.annotations = found.annotations;
    volume.header = described;
    Ok(volume)
}

fn explain(path: &Path, error: io::Error) -> FormatError {
    match error.downcast::<FormatError>() {
        Ok(ours) => ours,
        Err(error) => FormatError::read(path, error),
    }
}

/// The type of a name, in all the ways that C has for it.
fn voxel_type(name: &str) -> std::result::Result<VoxelType, String> {
    let plain = name.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    Ok(match plain.as_str() {
        "signed char" | "int8" | "int8_t" => VoxelType::I8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => VoxelType::U8,
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => VoxelType::I16,
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => VoxelType::U16,
        "int" | "signed int" | "int32" | "int32_t" => VoxelType::I32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => VoxelType::U32,
        "longlong"
        | "long long"
        | "long long int"
        | "signed long long"
        | "signed long long int"
        | "int64"
        | "int64_t" => VoxelType::I64,
        "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" | "uint64_t" => VoxelType::U64,
        "float" => VoxelType::F32,
        "double" => VoxelType::F64,
        "block" => return Err("voxels of the type block are bytes that mean nothing here; save them as numbers".into()),
        _ => return Err(format!("the field `type` is {:?}, which is no type of numbers", shown(name))),
    })
}

/// The order of bytes, where there is one.
fn is_big_endian(header: &Header, layout: Layout, kind: VoxelType) -> std::result::Result<bool, String> {
    let is_big = match header.get("endian") {
        None => None,
        Some(word) if word.eq_ignore_ascii_case("little") => Some(false),
        Some(word) if word.eq_ignore_ascii_case("big") => Some(true),
        Some(word) => return Err(format!("the field `endian` is {:?}; little and big are possible", shown(word))),
    };
    // Numbers in text come out little end first.
    if layout.encoding == Encoding::Text || kind.bytes() == 1 {
        return Ok(false);
    }
    is_big.ok_or_else(|| {
        format!("the header has no field `endian`, without which values of the type {} cannot be read", kind.name())
    })
}

/// Refuses values that are no intensities, and segments that lie over each other.
fn refuse_frames(axes: &Axes, header: &Header) -> std::result::Result<(), String> {
    if axes.frame_kinds().any(|(kind, _)| kind == "complex") {
        return Err("complex voxels are not supported; save the magnitude instead".into());
    }
    let layers: usize = axes.frame_dims().iter().product();
    if layers > 1 && segments::is_segmentation(&header.pairs) {
        return Err(format!(
            "a segmentation with {layers} layers, because its segments lie over each other; in 3D Slicer choose \"Collapse labelmap \
             layers\" in the module Segmentations, or export it as a labelmap, and save it again"
        ));
    }
    Ok(())
}

fn colour_note(kind: &str, size: usize) -> Option<String> {
    let names = match kind {
        "rgb-color" | "3-color" => "red, green and blue",
        "rgba-color" | "4-color" => "red, green, blue and opacity",
        "hsv-color" => "hue, saturation and value",
        "xyz-color" => "X, Y and Z",
        _ => return None,
    };
    Some(format!("A colour picture: {names} are frames 1 to {size}."))
}

/// Voxels with the axes of space first, as volumes are kept.
fn in_order(voxels: &Voxels, axes: &Axes, path: &Path, watch: Watch) -> Result<Voxels> {
    // How far apart the values of neighbours along each axis are in the file.
    let mut strides = Vec::with_capacity(axes.all.len());
    let mut stride = 1usize;
    for Axis { size, .. } in &axes.all {
        strides.push(stride);
        stride = stride.saturating_mul(*size);
    }
    let order: Vec<(usize, usize)> = axes
        .spatial
        .iter()
        .chain(&axes.frames)
        .filter_map(|n| Some((axes.all.get(*n)?.size, *strides.get(*n)?)))
        .collect();
    macro_rules! sorted {
        ($($variant:ident)*) => {
            match voxels {
                $(Voxels::$variant(data) => Voxels::$variant(Arc::new(gathered(data, &order, path, watch)?)),)*
            }
        };
    }
    Ok(sorted!(U8 I8 U16 I16 U32 I32 U64 I64 F32 F64))
}

/// Values in another order: for each axis its size and how far apart its neighbours are.
fn gathered<T: Copy>(data: &[T], order: &[(usize, usize)], path: &Path, watch: Watch) -> Result<Vec<T>> {
    memory::ensure::<T>(data.len()).map_err(|e| FormatError::memory(path, e))?;
    let mut out = Vec::with_capacity(data.len());
    let Some((&(row, step), outer)) = order.split_first() else { return Ok(out) };
    let rows: usize = outer.iter().map(|(size, _)| *size).product();
    let mut at = vec![0usize; outer.len()];
    for n in 0..rows {
        if n % 4096 == 0 {
            watch.check()?;
        }
        let start: usize = at.iter().zip(outer).map(|(index, (_, stride))| index * stride).sum();
        out.extend(data.iter().skip(start).step_by(step).take(row));
        for (index, (size, _)) in at.iter_mut().zip(outer) {
            *index += 1;
            if *index < *size {
                break;
            }
            *index = 0;
        }
    }
    Ok(out)
}

fn describe(header: &Header, layout: Layout) -> Vec<(String, String)> {
    let mut facts = vec![
        ("Format".to_string(), format!("NRRD ({})", header.magic)),
        ("encoding".to_string(), layout.encoding.name().to_string()),
    ];
    let fields = [
        "endian",
        "sizes",
        "kinds",
        "space",
        "space dimension",
        "space directions",
        "space origin",
        "space units",
        "spacings",
        "thicknesses",
        "axis mins",
        "axis maxs",
        "centers",
        "labels",
        "units",
        "sample units",
        "measurement frame",
        "old min",
        "old max",
        "content",
        "data file",
    ];
    facts.extend(fields.into_iter().filter_map(|name| Some((name.to_string(), shown(header.get(name)?)))));
    let told = |(key, value): &(String, String)| (shown(key), shown(value));
    facts.extend(header.pairs.iter().filter(|(key, _)| !segments::is_own(key)).take(MOST_SHOWN).map(told));
    facts
}
