//! How large pixels are, from the description and the resolution fields.

use super::directory::{Directory, tag};
use super::imagej::ImageJ;
use super::ome::Image;
use super::source::Source;
use super::units::{is_pixel, millimetres};
use crate::formats::error::Result;
use crate::formats::picture::pages::SizeOfFile;
use crate::work::numbers::{natural, whole};

/// Resolutions of screens and printers in dots per inch, which programs write without having measured anything.
const USUAL_DPI: [f64; 30] = [
    72.0, 75.0, 90.0, 96.0, 100.0, 110.0, 120.0, 144.0, 150.0, 180.0, 192.0, 200.0, 220.0, 240.0, 266.0, 300.0, 320.0,
    350.0, 360.0, 400.0, 450.0, 600.0, 720.0, 800.0, 900.0, 1200.0, 1440.0, 2400.0, 3600.0, 4800.0,
];
/// Such resolutions come in dots per centimetre and metre too, rounded.
const DPI_TOLERANCE: f64 = 3e-4;
/// A pixel is not larger than this; a resolution of one pixel per inch is a placeholder.
const LARGEST_MM: f64 = 10.0;
/// No voxel that a description speaks of is larger.
const BELIEVED_MM: f64 = 1e4;
/// Nor is it smaller.
const SMALLEST_MM: f64 = 1e-9;

/// What is known of the size of a voxel.
#[derive(Debug, Clone, PartialEq)]
pub struct Sizes {
    /// Along columns, rows and slices in millimetres.
    pub mm: [f64; 3],
    /// Whether anything was said that a length follows from.
    pub known: bool,
    /// What the user must be told.
    pub warnings: Vec<String>,
    /// Where the sizes come from.
    pub origin: &'static str,
    /// Which of them the file says, and nobody assumes.
    pub is_said: [bool; 3],
}

impl Sizes {
    /// What the file itself says.
    pub fn said(&self) -> SizeOfFile {
        let mm = [0, 1, 2].map(|axis| (self.known && self.is_said[axis]).then_some(self.mm[axis]));
        SizeOfFile { mm, origin: self.origin }
    }
}

/// Whether so many dots per inch are what programs write without having measured anything.
pub fn is_usual_dpi(dpi: f64) -> bool {
    USUAL_DPI.iter().any(|usual| (dpi / usual - 1.0).abs() < DPI_TOLERANCE)
}

const UNKNOWN: &str = "The file does not say how large a pixel is; 1 mm is assumed in all directions.";

/// Pixels of a unit along rows and columns, and the unit, as the fields say.
#[derive(Debug, Clone, Copy)]
pub struct Resolution {
    /// Usable numbers, or none.
    per_unit: Option<[f64; 2]>,
    /// As it is in the file.
    raw: [Option<f64>; 2],
    /// 1 none, 2 inch, 3 centimetre.
    unit: u64,
}

impl Resolution {
    /// Reads the fields.
    pub fn of(source: &mut Source, page: &Directory) -> Result<Self> {
        let raw = [page.rational(source, tag::X_RESOLUTION)?, page.rational(source, tag::Y_RESOLUTION)?];
        let usable = |value: Option<f64>| value.filter(|v| v.is_finite() && *v > 0.0);
        let per_unit = match raw.map(usable) {
            [Some(x), Some(y)] => Some([x, y]),
            _ => None,
        };
        Ok(Self { per_unit, raw, unit: page.unsigned(source, tag::RESOLUTION_UNIT)?.unwrap_or(2) })
    }

    fn unit_mm(&self) -> Option<f64> {
        match self.unit {
            2 => Some(25.4),
            3 => Some(10.0),
            _ => None,
        }
    }

    fn unit_name(&self) -> &'static str {
        match self.unit {
            2 => "inch",
            3 => "cm",
            _ => "unit",
        }
    }

    /// A field that is there but says nothing.
    fn unusable(&self) -> Option<String> {
        let [x, y] = self.raw;
        (self.per_unit.is_none() && (x.is_some() || y.is_some())).then(|| {
            let text = |value: Option<f64>| value.map_or("missing".to_string(), |v| v.to_string());
            format!("The resolution fields cannot be used (XResolution is {}, YResolution is {}).", text(x), text(y))
        })
    }

    /// Whether the numbers are those that programs write without a measurement, in a unit of so many millimetres.
    fn is_usual(&self, unit_mm: Option<f64>) -> bool {
        // Nobody gives a printer's resolution in microns.
        let (Some(per_unit), Some(unit)) = (self.per_unit, unit_mm.filter(|mm| *mm >= 10.0)) else { return false };
        per_unit.iter().all(|per_unit| is_usual_dpi(per_unit * 25.4 / unit))
    }

    fn usual_warning(&self, unit: &str, unit_mm: f64) -> String {
        let [x, y] = self.per_unit.unwrap_or([1.0; 2]);
        format!(
            "The file says {} x {} pixels per {unit}, a resolution of screens and printers, which tells nothing of what is shown; \
             1 mm is assumed in all directions instead of {} mm.",
            tidy(x),
            tidy(y),
            tidy(unit_mm / x)
        )
    }
}

/// Sizes of a TIFF without a description that we know.
pub fn of_fields(resolution: &Resolution, slices: usize) -> Sizes {
    let mut sizes = Sizes { mm: [1.0; 3], known: false, warnings: Vec::new(), origin: "assumed", is_said: [false; 3] };
    sizes.warnings.extend(resolution.unusable());
    let Some(per_unit) = resolution.per_unit else {
        sizes.warnings.push(UNKNOWN.into());
        return sizes;
    };
    let name = resolution.unit_name();
    let said = format!("{} x {} pixels per {name}", tidy(per_unit[0]), tidy(per_unit[1]));
    let Some(unit) = resolution.unit_mm() else {
        // Without a unit only the shape of a pixel is known.
        let ratio = per_unit[0] / per_unit[1];
        sizes.mm[1] = if (0.01..=100.0).contains(&ratio) { ratio } else { 1.0 };
        let is_square = (sizes.mm[1] - 1.0).abs() < 1e-6;
        sizes.warnings.push(if is_square {
            UNKNOWN.into()
        } else {
            format!(
                "The file says only that a pixel is {} times as high as wide; 1 mm is assumed for its width.",
                tidy(sizes.mm[1])
            )
        });
        return sizes;
    };
    let mm = per_unit.map(|per_unit| unit / per_unit);
    if resolution.is_usual(Some(unit)) {
        sizes.warnings.push(resolution.usual_warning(name, unit));
        return sizes;
    }
    if mm.iter().any(|&mm| !(SMALLEST_MM..=LARGEST_MM).contains(&mm)) {
        sizes.warnings.push(format!("The file says {said}, which is not believed; 1 mm is assumed in all directions."));
        return sizes;
    }
    let [x, y] = mm;
    let depth = if slices > 1 { " The distance of slices is not said; 1 mm is assumed." } else { "" };
    sizes.warnings.push(format!(
        "A pixel is taken as {} x {} mm, as the resolution fields say ({said}).{depth}",
        tidy(x),
        tidy(y)
    ));
    Sizes { mm: [x, y, 1.0], known: true, origin: "resolution fields", is_said: [true, true, false], ..sizes }
}

/// Sizes as `ImageJ` writes them: the description's unit, the resolution fields in it, and the distance of slices.
pub fn of_imagej(said: &ImageJ, resolution: &Resolution, slices: usize) -> Sizes {
    let origin = "ImageJ's description";
    let mut sizes = Sizes { mm: [1.0; 3], known: false, warnings: Vec::new(), origin, is_said: [false; 3] };
    sizes.warnings.extend(resolution.unusable());
    let spacing = match said.number("spacing") {
        Ok(spacing) => spacing.map(f64::abs).filter(|&s| s > 0.0),
        Err(problem) => {
            sizes.warnings.push(format!("{problem}; the distance of slices is unknown."));
            None
        }
    };
    let unit = said.get("unit").filter(|unit| !unit.is_empty());
    let of_field = resolution.per_unit.and(resolution.unit_mm());
    let unit_mm = match unit {
        Some(unit) => millimetres(unit),
        None => of_field,
    };
    if let Some(factor) = unit_mm
        && resolution.is_usual(unit_mm)
    {
        // As ImageJ itself takes 72 pixels per inch for no measurement.
        sizes.warnings.push(resolution.usual_warning(unit.unwrap_or(resolution.unit_name()), factor));
        return sizes;
    }
    let wide = resolution.per_unit.map_or([1.0; 2], |per_unit| per_unit.map(|n| 1.0 / n));
    let Some(factor) = unit_mm else {
        // Lengths in pixels or in nothing: only their ratio counts.
        sizes.mm = [1.0, wide[1] / wide[0], spacing.unwrap_or(1.0) / wide[0]];
        let why = match unit {
            Some(unit) if !is_pixel(unit) => format!("The file measures in {unit:?}, which is no known unit of length"),
            _ => "The file does not say in which unit it measures".to_string(),
        };
        let [_, y, z] = sizes.mm;
        let ratio = if (y - 1.0).abs() < 1e-6 && (z - 1.0).abs() < 1e-6 {
            String::new()
        } else {
            format!(" ({} between rows, {} between slices)", tidy(y), tidy(z))
        };
        sizes.warnings.push(format!("{why}; 1 mm is assumed for the width of a pixel{ratio}."));
        sizes.known = false;
        return sizes;
    };
    let depth = spacing.unwrap_or(1.0);
    sizes.mm = [wide[0] * factor, wide[1] * factor, depth * factor];
    sizes.known = true;
    let is_wide_said = resolution.per_unit.is_some();
    sizes.is_said = [is_wide_said, is_wide_said, spacing.is_some()];
    for (key, axis) in [("yunit", 1), ("zunit", 2)] {
        let other = said.get(key).filter(|other| !other.is_empty() && Some(*other) != unit);
        match other.map(|other| (other, millimetres(other))) {
            Some((_, Some(other_mm))) => sizes.mm[axis] *= other_mm / factor,
            Some((other, None)) => {
                sizes.warnings.push(format!("{key}={other} is no known unit of length and is not used."));
            }
            None => {}
        }
    }
    if spacing.is_none() && slices > 1 {
        let unit = unit.unwrap_or(resolution.unit_name());
        sizes.warnings.push(format!(
            "The distance of slices is not said; {} mm is assumed, as ImageJ does (1 {unit}).",
            tidy(sizes.mm[2])
        ));
    }
    if let (Some(unit), Some(of_field)) = (unit, of_field)
        && (of_field / factor - 1.0).abs() > 1e-6
    {
        sizes.warnings.push(format!(
            "The resolution field says per {}, ImageJ's description says {unit}; the description is believed.",
            resolution.unit_name()
        ));
    }
    sizes
}

/// Sizes as OME writes them.
pub fn of_ome(image: &Image, resolution: &Resolution, slices: usize) -> Sizes {
    let mut warnings = Vec::new();
    let read = ['X', 'Y', 'Z'].map(|axis| {
        let (value, unit) = image.physical_size(axis)?;
        let number = value.trim().parse::<f64>().ok().filter(|v| v.is_finite() && *v > 0.0);
        match (number, millimetres(unit)) {
            (Some(number), Some(factor)) => Some(number * factor),
            (Some(_), None) if is_pixel(unit) => None,
            _ => {
                warnings.push(format!("PhysicalSize{axis} is {value} {unit}, which is no length, and is not used."));
                None
            }
        }
    });
    let (x, y) = match read {
        [Some(x), Some(y), _] => (x, y),
        [Some(one), None, _] | [None, Some(one), _] => {
            warnings.push(format!(
                "OME's description says one side of a pixel only; {} mm is assumed for both.",
                tidy(one)
            ));
            (one, one)
        }
        [None, None, depth] => {
            let mut sizes = of_fields(resolution, 1);
            if let Some(depth) = depth {
                sizes.mm[2] = depth;
                sizes.is_said[2] = true;
            } else if sizes.known && slices > 1 {
                sizes.mm[2] = sizes.mm[0];
                warnings.push(format!("The distance of slices is not said; {} mm is assumed.", tidy(sizes.mm[2])));
            }
            warnings.append(&mut sizes.warnings);
            return Sizes { warnings, ..sizes };
        }
    };
    let z = read[2].unwrap_or(x);
    if read[2].is_none() && slices > 1 {
        warnings.push(format!("The distance of slices is not said; {} mm is assumed, as wide as a pixel.", tidy(z)));
    }
    let is_said = [read[0].is_some(), read[1].is_some(), read[2].is_some()];
    Sizes { mm: [x, y, z], known: true, warnings, origin: "OME's description", is_said }
}

/// Sizes that can be those of voxels, or the guess.
pub fn believed(mut sizes: Sizes) -> Sizes {
    if sizes.mm.iter().any(|mm| !(SMALLEST_MM..=BELIEVED_MM).contains(mm)) {
        let [x, y, z] = sizes.mm;
        let warning = format!("Voxels of {x} x {y} x {z} mm are not believed; 1 mm is assumed in all directions.");
        sizes.warnings.push(warning);
        sizes.mm = [1.0; 3];
        sizes.known = false;
    }
    sizes
}

/// At most six significant digits.
fn tidy(value: f64) -> String {
    let digits = natural((5 - whole(value.abs().max(1e-12).log10().floor())).clamp(0, 12));
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}
