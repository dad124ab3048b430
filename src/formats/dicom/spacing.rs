//! The distance of pixels where an image gives no Pixel Spacing, and where it was taken from.
//! Source: DICOM PS3.3 sections 10.7 (Imager Pixel Spacing, Nominal Scanned Pixel Spacing), C.7.6.3 (Pixel Aspect Ratio)
//! and C.8.5.5 (ultrasound regions).

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::fields::{Fields, quoted};
use super::instance::Refusal;
use super::structure::RawValue;

/// Region Spatial Format: a two-dimensional image, not a curve or a time line.
const TWO_DIMENSIONAL: f64 = 1.0;
/// Physical Units: centimetres.
const CENTIMETRES: f64 = 3.0;
const MM_PER_CM: f64 = 10.0;

/// Distance of rows and of columns in millimetres from what else a file says; where it comes from becomes a warning of
/// `fields`.
///
/// # Errors
/// For an Imager Pixel Spacing that is none.
pub fn elsewhere(fields: &Fields, regions: Vec<Vec<RawValue>>) -> Result<Option<[f64; 2]>, Refusal> {
    let found = match at_the_detector(fields)? {
        Some(found) => Some(found),
        None => scanned(fields).or_else(|| of_region(regions)).or_else(|| of_shape(fields)),
    };
    Ok(found.map(|(mm, words)| {
        fields.warnings.borrow_mut().push(format!("Pixel Spacing is missing; {words}."));
        mm
    }))
}

/// Two positive numbers.
///
/// # Errors
/// Names the field where it is something else.
pub fn pair(fields: &Fields, tag: Tag, name: &'static str) -> Result<Option<[f64; 2]>, Refusal> {
    let Some(values) = fields.numbers(tag, name)? else { return Ok(None) };
    match values[..] {
        [rows, columns] if rows > 0.0 && columns > 0.0 => Ok(Some([rows, columns])),
        _ => {
            let text = fields.text(tag).unwrap_or_default();
            Err(Refusal::Malformed(format!("{name} is {}; two positive numbers are needed", quoted(&text))))
        }
    }
}

type Found = ([f64; 2], String);

/// Millimetres as people read them.
fn shown([rows, columns]: [f64; 2]) -> String {
    format!("{} x {} mm", rounded(rows), rounded(columns))
}

fn rounded(mm: f64) -> f64 {
    (mm * 1e4).round() / 1e4
}

fn at_the_detector(fields: &Fields) -> Result<Option<Found>, Refusal> {
    let Some(mm) = pair(fields, tags::IMAGER_PIXEL_SPACING, "Imager Pixel Spacing")? else { return Ok(None) };
    let given = shown(mm);
    let name = "Estimated Radiographic Magnification Factor";
    let tag = tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR;
    let factor = fields.if_readable(name, tag, fields.number(tag, name)).filter(|&factor| factor > 0.0);
    Ok(Some(match factor {
        Some(factor) => (
            mm.map(|mm| mm / factor),
            format!("that at the detector (Imager Pixel Spacing, {given}) is divided by the {name}, {factor}"),
        ),
        None => (
            mm,
            format!(
                "that at the detector is taken (Imager Pixel Spacing, {given}), so that what lies in front \
                 of it measures too large"
            ),
        ),
    }))
}

fn scanned(fields: &Fields) -> Option<Found> {
    let (tag, name) = (tags::NOMINAL_SCANNED_PIXEL_SPACING, "Nominal Scanned Pixel Spacing");
    let mm = fields.if_readable(name, tag, pair(fields, tag, name))?;
    Some((mm, format!("that of the film on the scanner is taken ({name}, {})", shown(mm))))
}

/// The spacing of the one region that is an image in centimetres.
fn of_region(regions: Vec<Vec<RawValue>>) -> Option<Found> {
    let mut images = regions.into_iter().filter_map(|values| image_region(&Fields::read(values).ok()?));
    let only = images.next()?;
    if images.next().is_some() {
        return None;
    }
    let (mm, [left, top, right, bottom]) = only;
    let text = format!(
        "that of the ultrasound region is taken ({}), which is columns {left} to {right} and rows {top} \
         to {bottom}",
        shown(mm)
    );
    Some((mm, text))
}

fn image_region(fields: &Fields) -> Option<([f64; 2], [f64; 4])> {
    let number = |tag| fields.number(tag, "Sequence of Ultrasound Regions").ok()?;
    let is = |tag, value: f64| number(tag) == Some(value);
    if !is(tags::REGION_SPATIAL_FORMAT, TWO_DIMENSIONAL)
        || !is(tags::PHYSICAL_UNITS_X_DIRECTION, CENTIMETRES)
        || !is(tags::PHYSICAL_UNITS_Y_DIRECTION, CENTIMETRES)
    {
        return None;
    }
    let millimetres = |tag| number(tag).map(|cm: f64| cm.abs() * MM_PER_CM).filter(|&mm| mm > 0.0);
    let mm = [millimetres(tags::PHYSICAL_DELTA_Y)?, millimetres(tags::PHYSICAL_DELTA_X)?];
    let corner = [
        number(tags::REGION_LOCATION_MIN_X0)?,
        number(tags::REGION_LOCATION_MIN_Y0)?,
        number(tags::REGION_LOCATION_MAX_X1)?,
        number(tags::REGION_LOCATION_MAX_Y1)?,
    ];
    Some((mm, corner))
}

/// How tall pixels are against their width.
fn of_shape(fields: &Fields) -> Option<Found> {
    let (tag, name) = (tags::PIXEL_ASPECT_RATIO, "Pixel Aspect Ratio");
    let [tall, wide] = fields.if_readable(name, tag, pair(fields, tag, name))?;
    if tall == wide {
        return None;
    }
    let mm = tall / wide;
    Some((
        [mm, 1.0],
        format!("pixels are taken 1 mm wide and {} mm tall ({name}), and measurements are not reliable", rounded(mm)),
    ))
}
