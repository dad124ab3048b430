//! Reading an NRRD file into a volume.

use std::path::Path;

use super::axes::Axes;
use super::header::Header;
use super::layout;
use super::parts::parts;
use super::placement::place;
use super::segments;
use crate::formats::error::{FormatError, Result};
use crate::formats::stored::{Data, Encoding, Layout, Parts, in_order, read_values, shown};
use crate::formats::{Facts, stem};
use crate::volume::{Rescale, Volume, VoxelType};
use crate::work::Watch;

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
    let layout = layout::layout(&header, kind).map_err(|e| FormatError::unsupported(path, e))?;
    let is_big_endian = is_big_endian(&header, layout, kind).map_err(bad)?;
    let mut warnings: Vec<String> = header.unknown_note().into_iter().collect();
    let geometry = place(&header, &axes, &mut warnings).map_err(bad)?;
    let frame_dims = axes.frame_dims();
    refuse_frames(&axes, &header).map_err(|e| FormatError::unsupported(path, e))?;
    warnings.extend(axes.frame_kinds().filter_map(|(kind, size)| colour_note(kind, size)));
    if header.pairs.iter().any(|(key, value)| key.eq_ignore_ascii_case("modality") && value.trim() == "DWMRI") {
        warnings.push("An image of diffusion: its gradients and its measurement frame are not used; each frame is shown as it is.".into());
    }
    let parts = parts(&header, &axes, path)?;
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
    let Facts { geometry, frame_dims, mut warnings, name, header: described, .. } = facts;
    let voxels = read_values(&parts, layout, is_big_endian, path, &mut warnings, watch)?;
    let voxels = if axes.are_in_order() {
        voxels
    } else {
        let sizes: Vec<usize> = axes.all.iter().map(|axis| axis.size).collect();
        let order: Vec<usize> = axes.spatial.iter().chain(&axes.frames).copied().collect();
        in_order(&voxels, &sizes, &order, path, watch)?
    };
    let mut volume = Volume::new(geometry, voxels, frame_dims, Rescale::IDENTITY, name);
    let found = segments::read(&header.pairs);
    warnings.extend(found.warnings);
    volume.warnings = warnings;
    volume.annotations = found.annotations;
    volume.header = described;
    Ok(volume)
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
    if segments::is_fractional(&header.pairs) {
        return Err("a segmentation of fractions (Fractional labelmap), whose values are shares of a voxel and no labels; in 3D Slicer create \
                    its binary labelmap in the module Segmentations, make that the source, and save it again"
            .into());
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
    Some(format!("A colour picture: {names} are its {size} frames."))
}

fn describe(header: &Header, layout: Layout) -> Vec<(String, String)> {
    let mut facts = vec![
        ("Format".to_string(), format!("NRRD ({})", header.magic)),
        ("encoding".to_string(), layout::name(layout.encoding).to_string()),
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
