//! Reading a MetaImage into a volume.

use std::path::Path;

use super::files::{Stored, stored};
use super::header::Header;
use super::placement::place;
use super::write;
use crate::formats::annotations::{self, Found};
use crate::formats::error::{FormatError, Result};
use crate::formats::stored::{Data, in_order, read_values, shown};
use crate::formats::{Facts, stem};
use crate::volume::{Rescale, Volume};
use crate::work::Watch;

/// Images of more dimensions are in no file.
const MOST_DIMENSIONS: usize = 8;
/// Most fields that are shown.
const MOST_SHOWN: usize = 60;

/// A header that was understood, and where its data are.
struct Outline {
    facts: Facts,
    /// Values of each voxel, which lie together in the file.
    channels: usize,
    /// Sizes of the dimensions.
    sizes: Vec<usize>,
    stored: Stored,
    rescale: Rescale,
    header: Header,
}

/// The grid's size, from the header alone.
pub fn shape(path: &Path) -> Result<[usize; 3]> {
    let (sizes, _) = sizes(&Header::read(path)?).map_err(|e| FormatError::malformed(path, e))?;
    Ok(grid(&sizes))
}

/// What the header tells, without the voxels; that they can be there is checked.
///
/// # Errors
/// For every header that cannot be honoured, and for files that are too short.
pub fn facts(path: &Path, watch: Watch) -> Result<Facts> {
    let outline = outline(path)?;
    Data::new(&outline.stored.parts, outline.stored.layout, path, watch)?;
    Ok(outline.facts)
}

/// Reads a MetaImage with all its data files.
///
/// # Errors
/// For every header that cannot be honoured, for data that end early, and for damaged compression.
pub fn read(path: &Path, watch: Watch) -> Result<Volume> {
    let Outline { facts, channels, sizes, stored, rescale, header } = outline(path)?;
    let Facts { geometry, frame_dims, mut warnings, name, header: described, .. } = facts;
    let Stored { parts, layout, is_big_endian } = stored;
    let voxels = read_values(&parts, layout, is_big_endian, path, &mut warnings, watch)?;
    let voxels = if channels > 1 {
        let in_file: Vec<usize> = [channels].into_iter().chain(sizes.iter().copied()).collect();
        // Space first, then what lies together in the file, then further dimensions.
        let spatial = sizes.len().min(3);
        let order: Vec<usize> = (1..=spatial).chain([0]).chain(spatial + 1..in_file.len()).collect();
        in_order(&voxels, &in_file, &order, path, watch)?
    } else {
        voxels
    };
    let mut volume = Volume::new(geometry, voxels, frame_dims, rescale, name);
    let found = annotations_in(&header);
    warnings.extend(found.warnings);
    volume.warnings = warnings;
    volume.annotations = found.annotations;
    volume.header = described;
    Ok(volume)
}

fn outline(path: &Path) -> Result<Outline> {
    let bad = |problem: String| FormatError::malformed(path, problem);
    let header = Header::read(path)?;
    if let Some(kind) = header.get("ObjectType").filter(|kind| !kind.eq_ignore_ascii_case("Image")) {
        let reason = format!("the field `ObjectType` is {:?}; only images can be shown", shown(kind));
        return Err(FormatError::unsupported(path, reason));
    }
    let (sizes, channels) = sizes(&header).map_err(bad)?;
    let values = sizes.iter().try_fold(channels, |product, size| product.checked_mul(*size));
    let values = values.ok_or_else(|| bad(format!("the field `DimSize` is {sizes:?}; the sizes overflow")))?;
    let mut warnings = Vec::new();
    let geometry = place(&header, grid(&sizes), sizes.len(), &mut warnings).map_err(bad)?;
    let stored = stored(&header, &sizes, values, path, &mut warnings)?;
    let rescale = rescale(&header, &mut warnings).map_err(bad)?;
    let further = sizes.get(3..).unwrap_or_default();
    let facts = Facts {
        geometry,
        frame_dims: [channels].iter().chain(further).copied().filter(|size| *size > 1).collect(),
        voxel_type: stored.layout.kind,
        name: stem(path),
        header: describe(&header),
        warnings,
    };
    Ok(Outline { facts, channels, sizes, stored, rescale, header })
}

/// Sizes of the dimensions, and how many values each voxel has.
fn sizes(header: &Header) -> std::result::Result<(Vec<usize>, usize), String> {
    let count = header.require("NDims")?;
    let count = count.parse::<usize>().ok().filter(|count| (2..=MOST_DIMENSIONS).contains(count)).ok_or_else(|| {
        format!("the field `NDims` is {:?}; images of 2 to {MOST_DIMENSIONS} dimensions can be read", shown(count))
    })?;
    let text = header.require("DimSize")?;
    let sizes: Option<Vec<usize>> =
        text.split_whitespace().map(|word| word.parse::<usize>().ok().filter(|size| *size > 0)).collect();
    let sizes = sizes.filter(|sizes| sizes.len() == count).ok_or_else(|| {
        format!("the field `DimSize` is {:?}; it must be {count} whole numbers from 1 on", shown(text))
    })?;
    let channels = header.whole("ElementNumberOfChannels", 1)?;
    let channels = usize::try_from(channels)
        .ok()
        .filter(|channels| *channels > 0)
        .ok_or_else(|| format!("the field `ElementNumberOfChannels` is {channels}; it must be 1 or more"))?;
    Ok((sizes, channels))
}

fn grid(sizes: &[usize]) -> [usize; 3] {
    [0, 1, 2].map(|axis| sizes.get(axis).copied().unwrap_or(1))
}

/// Slope and intercept of the values.
fn rescale(header: &Header, warnings: &mut Vec<String>) -> std::result::Result<Rescale, String> {
    let number = |name: &str, default: f64| -> std::result::Result<f64, String> {
        let found = header.numbers(&[name], 1)?;
        Ok(found.and_then(|found| found.first().copied()).unwrap_or(default))
    };
    let slope = number("ElementToIntensityFunctionSlope", 1.0)?;
    let intercept = number("ElementToIntensityFunctionOffset", 0.0)?;
    if slope == 0.0 {
        warnings.push("The header's slope of the values is 0, which cannot be; the stored values are shown.".into());
        return Ok(Rescale::IDENTITY);
    }
    if slope != 1.0 || intercept != 0.0 {
        warnings.push(format!(
            "The header gives the values a slope of {slope} and an intercept of {intercept}, which are used; programs built on ITK leave \
             them out."
        ));
    }
    Ok(Rescale::Uniform { slope, intercept })
}

/// Names, colours and states that this program has written.
fn annotations_in(header: &Header) -> Found {
    let text: String =
        header.fields.iter().filter(|(key, _)| write::is_own(key)).map(|(_, value)| value.as_str()).collect();
    annotations::in_extension(text.as_bytes(), "The header").unwrap_or_default()
}

fn describe(header: &Header) -> Vec<(String, String)> {
    let told = |(key, value): &(String, String)| (shown(key), shown(value));
    let fields = header.fields.iter().filter(|(key, _)| !write::is_own(key));
    [("Format".to_string(), "MetaImage".to_string())].into_iter().chain(fields.take(MOST_SHOWN).map(told)).collect()
}
