//! One frame of a file: where it lies, how its values are meant, and when and how it was taken.
//!
//! A file of one image has one frame. What an enhanced object says once for all frames, or once at its top, each frame has.

use std::ops::Deref;
use std::sync::Arc;

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::fields::{Fields, quoted};
use super::instance::{Instance, Refusal};
use super::mosaic::Tile;
use super::spacing;
use crate::volume::{Vec3, Window};
use crate::work::numbers::real;

/// When and how the image was taken, as far as the file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Acquisition {
    /// Acquisition Number.
    pub number: Option<f64>,
    /// Temporal Position Identifier or Index.
    pub temporal_position: Option<f64>,
    /// Trigger Time, or Nominal Cardiac Trigger Delay Time, in milliseconds.
    pub trigger_ms: Option<f64>,
    /// Acquisition Date and Time as one ascending number.
    pub acquired: Option<f64>,
    /// Content Date and Time as one ascending number.
    pub created: Option<f64>,
    /// Diffusion b-value.
    pub b_value: Option<f64>,
    /// Frame Reference Time in milliseconds from the reference of the series.
    pub reference_ms: Option<f64>,
    /// Inversion Time in milliseconds.
    pub inversion_ms: Option<f64>,
    /// Flip Angle in degrees.
    pub flip_degrees: Option<f64>,
    /// Diffusion Gradient Orientation.
    pub gradient: Option<Vec3>,
    /// Series Number.
    pub series_number: Option<f64>,
    /// Echo Time, or Effective Echo Time, in milliseconds.
    pub echo_ms: Option<f64>,
    /// Echo Numbers, where it is one.
    pub echo_number: Option<f64>,
    /// Convolution Kernel.
    pub kernel: Option<String>,
    /// Energy window and detector of a gamma camera, numbered together.
    pub view: Option<f64>,
    /// What these are called.
    pub view_name: Option<Arc<str>>,
    /// Monoenergetic Energy Equivalent in keV, of spectral CT.
    pub energy_kev: Option<f64>,
    /// KVP, the peak voltage of the tube in kilovolts.
    pub kvp: Option<f64>,
    /// Place among the file's frames by its dimensions other than space, from 0.
    pub dimension: Option<f64>,
}

/// What a frame says; absent where it says nothing.
#[derive(Debug, Clone, Default)]
pub struct FrameFacts {
    /// When and how it was taken.
    pub acquisition: Acquisition,
    /// Image Type or Frame Type without the first value (ORIGINAL, DERIVED).
    pub image_type: Option<Arc<[String]>>,
    /// Image Position (Patient), LPS millimetres.
    pub position: Option<Vec3>,
    /// Row and column direction, LPS unit vectors.
    pub directions: Option<[Vec3; 2]>,
    /// Distance of rows and of columns in millimetres.
    pub pixel_spacing: Option<[f64; 2]>,
    /// Slice Thickness in millimetres.
    pub thickness: Option<f64>,
    /// Spacing Between Slices in millimetres.
    pub slice_spacing: Option<f64>,
    /// Slice Location in millimetres.
    pub slice_location: Option<f64>,
    /// Rescale Slope and Intercept, where the file gives them.
    pub rescale: Option<(f64, f64)>,
    /// Window Center and Width.
    pub window: Option<Window>,
    /// Stack ID.
    pub stack: Option<Arc<str>>,
}

/// A frame of an instance, header only. What the file says as a whole is reached through it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The file.
    pub file: Arc<Instance>,
    /// Its number in the file, from 0.
    pub index: usize,
    /// Its part of a sheet that holds several images.
    pub tile: Option<Tile>,
    /// When and how it was taken.
    pub acquisition: Acquisition,
    /// Image Type without the first value (ORIGINAL, DERIVED).
    pub image_type: Arc<[String]>,
    /// Image Position (Patient), LPS millimetres.
    pub position: Option<Vec3>,
    /// Row and column direction, LPS unit vectors.
    pub directions: Option<[Vec3; 2]>,
    /// Distance of rows and of columns in millimetres.
    pub pixel_spacing: Option<[f64; 2]>,
    /// Slice Thickness in millimetres.
    pub thickness: Option<f64>,
    /// Spacing Between Slices in millimetres.
    pub slice_spacing: Option<f64>,
    /// Slice Location in millimetres.
    pub slice_location: Option<f64>,
    /// Rescale Slope and Intercept, where the file gives them.
    pub rescale: Option<(f64, f64)>,
    /// Window Center and Width.
    pub window: Option<Window>,
    /// Stack ID.
    pub stack: Option<Arc<str>>,
}

impl Deref for Frame {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.file
    }
}

impl Frame {
    /// A frame of a file.
    pub fn new(file: &Arc<Instance>, index: usize, facts: FrameFacts) -> Self {
        Self {
            file: file.clone(),
            index,
            tile: None,
            acquisition: facts.acquisition,
            image_type: facts.image_type.unwrap_or_default(),
            position: facts.position,
            directions: facts.directions,
            pixel_spacing: facts.pixel_spacing,
            thickness: facts.thickness,
            slice_spacing: facts.slice_spacing,
            slice_location: facts.slice_location,
            rescale: facts.rescale,
            window: facts.window,
            stack: facts.stack,
        }
    }

    /// Whether both are of one file.
    pub fn shares_file(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
    }

    /// Instance Number and the place in the file, as what orders frames where nothing else does.
    pub fn rank(&self) -> (i64, usize, usize) {
        (self.number.unwrap_or(i64::MAX), self.index, self.tile.map_or(0, |tile| tile.number))
    }

    /// The same as one number; `None` without an Instance Number.
    pub fn rank_value(&self) -> Option<f64> {
        let share = real(self.index) / real(self.frame_count.max(1));
        self.number.map(|number| real(number) + share)
    }
}

impl FrameFacts {
    /// What it says, and what the other says where it says nothing.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        let (own, shared) = (self.acquisition, &other.acquisition);
        Self {
            acquisition: Acquisition {
                number: own.number.or(shared.number),
                temporal_position: own.temporal_position.or(shared.temporal_position),
                trigger_ms: own.trigger_ms.or(shared.trigger_ms),
                acquired: own.acquired.or(shared.acquired),
                created: own.created.or(shared.created),
                b_value: own.b_value.or(shared.b_value),
                reference_ms: own.reference_ms.or(shared.reference_ms),
                inversion_ms: own.inversion_ms.or(shared.inversion_ms),
                flip_degrees: own.flip_degrees.or(shared.flip_degrees),
                gradient: own.gradient.or(shared.gradient),
                series_number: own.series_number.or(shared.series_number),
                echo_ms: own.echo_ms.or(shared.echo_ms),
                echo_number: own.echo_number.or(shared.echo_number),
                kernel: own.kernel.or_else(|| shared.kernel.clone()),
                view: own.view.or(shared.view),
                view_name: own.view_name.or_else(|| shared.view_name.clone()),
                energy_kev: own.energy_kev.or(shared.energy_kev),
                kvp: own.kvp.or(shared.kvp),
                dimension: own.dimension.or(shared.dimension),
            },
            image_type: self.image_type.or_else(|| other.image_type.clone()),
            position: self.position.or(other.position),
            directions: self.directions.or(other.directions),
            pixel_spacing: self.pixel_spacing.or(other.pixel_spacing),
            thickness: self.thickness.or(other.thickness),
            slice_spacing: self.slice_spacing.or(other.slice_spacing),
            slice_location: self.slice_location.or(other.slice_location),
            rescale: self.rescale.or(other.rescale),
            window: self.window.or(other.window),
            stack: self.stack.or_else(|| other.stack.clone()),
        }
    }

    /// Reads what these fields say.
    ///
    /// # Errors
    /// For places, distances and rescaling that cannot be read.
    pub fn read(fields: &Fields) -> Result<Self, Refusal> {
        let number = |tag, name| fields.if_readable(name, tag, fields.number(tag, name));
        let first_number = |tag, name| {
            fields.if_readable(name, tag, fields.numbers(tag, name)).and_then(|v: Vec<f64>| v.first().copied())
        };
        let window = window(
            first_number(tags::WINDOW_CENTER, "Window Center"),
            first_number(tags::WINDOW_WIDTH, "Window Width"),
            fields,
        );
        let first = |tag, name| fields.if_readable(name, tag, fields.first_number(tag, name));
        Ok(Self {
            acquisition: acquisition(fields),
            image_type: image_type(fields),
            position: position(fields)?,
            directions: directions(fields)?,
            pixel_spacing: spacing::pair(fields, tags::PIXEL_SPACING, "Pixel Spacing")?,
            thickness: first(tags::SLICE_THICKNESS, "Slice Thickness").filter(|&v| v > 0.0),
            slice_spacing: first(tags::SPACING_BETWEEN_SLICES, "Spacing Between Slices")
                .map(f64::abs)
                .filter(|&v| v > 0.0),
            slice_location: number(tags::SLICE_LOCATION, "Slice Location"),
            rescale: rescale(fields)?,
            window,
            stack: fields.text(tags::STACK_ID).map(Into::into),
        })
    }
}

fn acquisition(fields: &Fields) -> Acquisition {
    let number = |tag, name| fields.if_readable(name, tag, fields.number(tag, name));
    let single_number = |tag, name| {
        fields.if_readable(name, tag, fields.numbers(tag, name)).filter(|values: &Vec<f64>| values.len() == 1)
    };
    let of_frame = |tag: Tag, name: &'static str| fields.has(tag).then(|| number(tag, name)).flatten();
    let gradient = fields.if_readable(
        "Diffusion Gradient Orientation",
        tags::DIFFUSION_GRADIENT_ORIENTATION,
        fields.numbers(tags::DIFFUSION_GRADIENT_ORIENTATION, "Diffusion Gradient Orientation"),
    );
    let gradient = gradient.and_then(|values| <[f64; 3]>::try_from(values).ok());
    Acquisition {
        number: of_frame(tags::FRAME_ACQUISITION_NUMBER, "Frame Acquisition Number")
            .or_else(|| number(tags::ACQUISITION_NUMBER, "Acquisition Number")),
        temporal_position: of_frame(tags::TEMPORAL_POSITION_INDEX, "Temporal Position Index")
            .or_else(|| number(tags::TEMPORAL_POSITION_IDENTIFIER, "Temporal Position Identifier")),
        trigger_ms: of_frame(tags::NOMINAL_CARDIAC_TRIGGER_DELAY_TIME, "Nominal Cardiac Trigger Delay Time")
            .or_else(|| number(tags::TRIGGER_TIME, "Trigger Time")),
        acquired: fields
            .date_time(tags::FRAME_ACQUISITION_DATE_TIME)
            .or_else(|| fields.date_time(tags::FRAME_REFERENCE_DATE_TIME))
            .or_else(|| fields.moment(tags::ACQUISITION_DATE, tags::ACQUISITION_TIME))
            .or_else(|| fields.date_time(tags::ACQUISITION_DATE_TIME)),
        created: fields.moment(tags::CONTENT_DATE, tags::CONTENT_TIME),
        b_value: number(tags::DIFFUSION_B_VALUE, "Diffusion b-value"),
        reference_ms: number(tags::FRAME_REFERENCE_TIME, "Frame Reference Time"),
        inversion_ms: number(tags::INVERSION_TIME, "Inversion Time"),
        flip_degrees: number(tags::FLIP_ANGLE, "Flip Angle"),
        gradient,
        series_number: number(tags::SERIES_NUMBER, "Series Number"),
        echo_ms: of_frame(tags::EFFECTIVE_ECHO_TIME, "Effective Echo Time")
            .or_else(|| number(tags::ECHO_TIME, "Echo Time")),
        echo_number: single_number(tags::ECHO_NUMBERS, "Echo Numbers").and_then(|values| values.first().copied()),
        kernel: fields.text(tags::CONVOLUTION_KERNEL),
        view: None,
        view_name: None,
        energy_kev: number(tags::MONOENERGETIC_ENERGY_EQUIVALENT, "Monoenergetic Energy Equivalent"),
        kvp: number(tags::KVP, "KVP"),
        dimension: None,
    }
}

/// Frame Type, or Image Type, without the first value; with Complex Image Component where a frame gives one.
fn image_type(fields: &Fields) -> Option<Arc<[String]>> {
    let tag = if fields.has(tags::FRAME_TYPE) { tags::FRAME_TYPE } else { tags::IMAGE_TYPE };
    let mut values: Vec<String> = fields.texts(tag).iter().map(|text| text.to_uppercase()).skip(1).collect();
    if tag == tags::FRAME_TYPE {
        values.extend(fields.text(tags::COMPLEX_IMAGE_COMPONENT).map(|text| text.to_uppercase()));
    }
    (!values.is_empty()).then(|| values.into())
}

/// A window that cannot be read is left to the values of the image; the pixels do not depend on it.
fn window(level: Option<f64>, width: Option<f64>, fields: &Fields) -> Option<Window> {
    for problem in fields.unreadable.borrow().iter().filter(|u| u.field.starts_with("Window")) {
        fields.warnings.borrow_mut().push(format!(
            "{} is {}, which is not a number; the window is chosen from the values.",
            problem.field,
            quoted(&problem.value)
        ));
    }
    match (level, width) {
        (Some(level), Some(width)) if width > 0.0 => Some(Window { level, width }),
        _ => None,
    }
}

fn rescale(fields: &Fields) -> Result<Option<(f64, f64)>, Refusal> {
    let both = [(tags::RESCALE_SLOPE, "Rescale Slope", 1.0), (tags::RESCALE_INTERCEPT, "Rescale Intercept", 0.0)];
    let mut values = [None; 2];
    for ((tag, name, neutral), value) in both.into_iter().zip(&mut values) {
        *value = fields.number(tag, name)?;
        if value.is_none() && fields.has(tag) {
            fields.warnings.borrow_mut().push(format!("{name} is empty; {neutral} is taken."));
        }
    }
    let [slope, intercept] = values;
    if slope == Some(0.0) {
        return Err(Refusal::Malformed("Rescale Slope is 0, which would make every value the same".into()));
    }
    Ok((slope.is_some() || intercept.is_some()).then(|| (slope.unwrap_or(1.0), intercept.unwrap_or(0.0))))
}

fn position(fields: &Fields) -> Result<Option<Vec3>, Refusal> {
    let places = [
        (tags::IMAGE_POSITION_PATIENT, "Image Position (Patient)"),
        (tags::IMAGE_POSITION_VOLUME, "Image Position (Volume)"),
    ];
    for (tag, name) in places {
        return match fields.numbers(tag, name)?.as_deref() {
            None => continue,
            Some(&[x, y, z]) => Ok(Some([x, y, z])),
            Some(_) => Err(wrong_count(fields, tag, name, "three")),
        };
    }
    Ok(None)
}

fn wrong_count(fields: &Fields, tag: Tag, name: &str, needed: &str) -> Refusal {
    let text = fields.text(tag).unwrap_or_default();
    Refusal::Malformed(format!("{name} is {}; {needed} numbers are needed", quoted(&text)))
}

fn directions(fields: &Fields) -> Result<Option<[Vec3; 2]>, Refusal> {
    let (tag, name) = if fields.has(tags::IMAGE_ORIENTATION_PATIENT) {
        (tags::IMAGE_ORIENTATION_PATIENT, "Image Orientation (Patient)")
    } else {
        (tags::IMAGE_ORIENTATION_VOLUME, "Image Orientation (Volume)")
    };
    let Some(values) = fields.numbers(tag, name)? else { return Ok(None) };
    let [a, b, c, d, e, f] = values[..] else {
        return Err(wrong_count(fields, tag, name, "six"));
    };
    let (row, column) = ([a, b, c], [d, e, f]);
    let length = |v: Vec3| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let cosine: f64 = row.iter().zip(column).map(|(x, y)| x * y).sum();
    if (length(row) - 1.0).abs() > 0.01 || (length(column) - 1.0).abs() > 0.01 || cosine.abs() > 0.01 {
        return Err(Refusal::Malformed(format!("{name} {values:?} is not two perpendicular unit vectors")));
    }
    Ok(Some([row, column]))
}
