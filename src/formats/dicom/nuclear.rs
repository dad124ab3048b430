//! Images of gamma cameras: what each frame is stands in vectors, and where the slices lie in the detector's description.
//! Source: DICOM PS3.3 sections C.8.4.8 (vectors), C.8.4.11 (detectors) and C.8.4.15 (slices).

use std::collections::BTreeSet;
use std::sync::Arc;

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::fields::Fields;
use super::frame::FrameFacts;
use super::instance::{Instance, Refusal};
use super::sequences::Camera;
use super::structure::RawValue;
use crate::volume::cross;
use crate::work::numbers::{real, whole};

/// Nuclear Medicine Image Storage.
const CLASS: &str = "1.2.840.10008.5.1.4.1.1.20";

/// A vector that numbers frames: its element, its name, and what one of its values is.
type Vector = (Tag, &'static str, &'static str);

/// What makes images of another kind.
const VIEWS: [Vector; 2] = [
    (tags::ENERGY_WINDOW_VECTOR, "Energy Window Vector", "energy windows"),
    (tags::DETECTOR_VECTOR, "Detector Vector", "detectors"),
];
/// What follows each other in time, the slowest first.
const TIMES: [Vector; 5] = [
    (tags::ROTATION_VECTOR, "Rotation Vector", "rotations"),
    (tags::PHASE_VECTOR, "Phase Vector", "phases"),
    (tags::RR_INTERVAL_VECTOR, "R-R Interval Vector", "R-R intervals"),
    (tags::TIME_SLOT_VECTOR, "Time Slot Vector", "time slots"),
    (tags::TIME_SLICE_VECTOR, "Time Slice Vector", "time slices"),
];
const SLICES: Vector = (tags::SLICE_VECTOR, "Slice Vector", "slices");
const ANGLES: Vector = (tags::ANGULAR_VIEW_VECTOR, "Angular View Vector", "angles");

fn all() -> impl Iterator<Item = Vector> {
    VIEWS.into_iter().chain(TIMES).chain([SLICES, ANGLES])
}

/// Whether frames are numbered the way of gamma cameras; `increments` are the elements that Frame Increment Pointer names.
pub fn is_numbered(class_uid: &str, increments: &[Tag]) -> bool {
    class_uid == CLASS || all().any(|(tag, ..)| increments.contains(&tag))
}

/// What is said of each frame.
///
/// # Errors
/// For vectors that do not say what each frame is.
pub fn frames(
    instance: &mut Instance,
    top: FrameFacts,
    fields: &Fields,
    increments: &[Tag],
    camera: Camera,
) -> Result<Vec<FrameFacts>, Refusal> {
    let count = instance.frame_count;
    let windows: Vec<Option<String>> = camera.energy_windows.into_iter().map(name_of_window).collect();
    let detectors: Vec<FrameFacts> =
        camera.detectors.into_iter().map(|values| place_of_detector(values, &mut instance.warnings)).collect();
    let vectors = Vectors::read(fields, increments, count)?;
    let is_reconstructed = fields.texts(tags::IMAGE_TYPE).iter().any(|text| text.to_uppercase().contains("RECON"));
    let Some(slices) = vectors.slices(is_reconstructed) else {
        return Ok(projections(instance, top, &vectors, &detectors));
    };
    let distance = signed_distance(fields, &top);
    let order = vectors.numbered(&TIMES);
    let views = vectors.numbered(&VIEWS);
    let first = slices.iter().copied().min().unwrap_or(1);
    let times = order.iter().collect::<BTreeSet<_>>().len();
    let of_frame = |n: usize| {
        let own = detector(&detectors, vectors.of(tags::DETECTOR_VECTOR, n));
        let mut facts = top.clone();
        facts.directions = facts.directions.or(own.and_then(|own| own.directions));
        // The place is that of the first slice.
        facts.position =
            facts.position.or(own.and_then(|own| own.position)).zip(facts.directions).map(|(p, [a, b])| {
                let (normal, mm) = (cross(a, b), distance.unwrap_or(1.0) * real_of(slices[n] - first));
                std::array::from_fn(|axis| p[axis] + mm * normal[axis])
            });
        facts.slice_location = None;
        if times > 1 {
            facts.acquisition.dimension = Some(real(order[n]));
            facts.acquisition.temporal_position = Some(real(order[n] + 1));
        }
        facts.acquisition.view = Some(real(views[n] + 1));
        facts.acquisition.view_name = vectors.view_name(n, &windows);
        facts
    };
    let mut found: Vec<FrameFacts> = (0..count).map(of_frame).collect();
    // Frames without a place are taken in the order of the file.
    let goes_back = |pair: &[usize]| {
        let [a, b] = [pair[0], pair[1]];
        order[a] == order[b] && views[a] == views[b] && slices[a] >= slices[b]
    };
    let has_place = found.iter().all(|facts| facts.position.is_some());
    if !has_place && (0..count).collect::<Vec<_>>().windows(2).any(goes_back) {
        return Err(Refusal::Malformed("Slice Vector does not ascend, and the slices have no place".into()));
    }
    if distance.is_none() && count > 1 && found.iter().any(|facts| facts.position.is_some()) {
        // Without a distance only the first slice has a place.
        found.iter_mut().for_each(|facts| facts.position = None);
    }
    Ok(found)
}

/// What an energy window is called, where the file names it.
fn name_of_window(values: Vec<RawValue>) -> Option<String> {
    Fields::read(values).ok()?.text(tags::ENERGY_WINDOW_NAME).filter(|name| !name.trim().is_empty())
}

/// A place that is none, as planar images give it, is as good as no place.
fn place_of_detector(values: Vec<RawValue>, warnings: &mut Vec<String>) -> FrameFacts {
    let read = Fields::read(values).and_then(|fields| FrameFacts::read(&fields));
    read.unwrap_or_else(|refusal| {
        if let Refusal::Malformed(text) | Refusal::OtherObject(text) = refusal {
            warnings.push(format!("Where the detector lies cannot be read: {text}."));
        }
        FrameFacts::default()
    })
}

fn real_of(value: i64) -> f64 {
    f64::from(i32::try_from(value).unwrap_or(i32::MAX))
}

/// From slice to slice along the normal; a negative one goes against it.
fn signed_distance(fields: &Fields, top: &FrameFacts) -> Option<f64> {
    let given = fields.numbers(tags::SPACING_BETWEEN_SLICES, "Spacing Between Slices").ok().flatten();
    let sign = given.and_then(|values| values.first().copied()).map_or(1.0, f64::signum);
    top.slice_spacing.map(|mm| sign * mm).or(top.thickness)
}

/// The detector of this number, or the only one.
fn detector(detectors: &[FrameFacts], number: Option<i64>) -> Option<&FrameFacts> {
    let number = usize::try_from(number.unwrap_or(1)).ok()?;
    detectors.get(number.checked_sub(1)?).or(if let [only] = detectors { Some(only) } else { None })
}

/// Frames that are no slices are shown one after the other.
fn projections(
    instance: &mut Instance,
    mut top: FrameFacts,
    vectors: &Vectors,
    detectors: &[FrameFacts],
) -> Vec<FrameFacts> {
    let count = instance.frame_count;
    if count == 1 {
        if let Some(own) = detector(detectors, vectors.of(tags::DETECTOR_VECTOR, 0)) {
            top.directions = top.directions.or(own.directions);
            top.position = top.position.or(own.position);
        }
        return vec![top];
    }
    let parts: Vec<String> = all()
        .filter_map(|(tag, _, things)| vectors.different(tag).filter(|&n| n > 1).map(|n| format!("{n} {things}")))
        .collect();
    let of = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    instance.warnings.push(format!(
        "The {count} frames are projections of a gamma camera{of}, no slices; they are shown one after the other."
    ));
    instance.is_cine = true;
    (top.position, top.directions) = (None, None);
    vec![top; count]
}

/// The vectors of a file.
struct Vectors {
    count: usize,
    found: Vec<(Tag, Vec<i64>)>,
}

impl Vectors {
    /// Those that Frame Increment Pointer names, or all that are there.
    fn read(fields: &Fields, increments: &[Tag], count: usize) -> Result<Self, Refusal> {
        let are_named = all().any(|(tag, ..)| increments.contains(&tag));
        let mut found = Vec::new();
        for (tag, name, _) in all() {
            let is_named = increments.contains(&tag);
            if are_named && !is_named {
                continue;
            }
            match fields.numbers(tag, name)? {
                Some(values) if values.len() == count => {
                    found.push((tag, values.into_iter().map(whole).collect()));
                }
                Some(values) if count > 1 && (is_named || values.len() > 1) => {
                    return Err(Refusal::Malformed(format!(
                        "{name} has {} values for {count} frames; which frame is which is unknown",
                        values.len()
                    )));
                }
                None if is_named && count > 1 && increments != [tag] => {
                    return Err(Refusal::Malformed(format!(
                        "Frame Increment Pointer names {name}, which is missing; which frame is which is unknown"
                    )));
                }
                // The only thing that is counted is counted from one.
                None if is_named => found.push((tag, (1..).take(count).collect())),
                _ => {}
            }
        }
        Ok(Self { count, found })
    }

    fn get(&self, tag: Tag) -> Option<&[i64]> {
        self.found.iter().find(|(other, _)| *other == tag).map(|(_, values)| values.as_slice())
    }

    fn of(&self, tag: Tag, frame: usize) -> Option<i64> {
        self.get(tag)?.get(frame).copied()
    }

    fn different(&self, tag: Tag) -> Option<usize> {
        self.get(tag).map(|values| values.iter().collect::<BTreeSet<_>>().len())
    }

    /// What the energy window and the detector of a frame are called, as far as frames differ in them.
    fn view_name(&self, frame: usize, windows: &[Option<String>]) -> Option<Arc<str>> {
        let number = |tag| self.of(tag, frame).filter(|_| self.different(tag).is_some_and(|count| count > 1));
        let window = number(tags::ENERGY_WINDOW_VECTOR).map(|number| {
            let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            match at.and_then(|at| windows.get(at)).and_then(Option::as_deref) {
                Some(name) => format!("energy window {number} ({name})"),
                None => format!("energy window {number}"),
            }
        });
        let detector = number(tags::DETECTOR_VECTOR).map(|number| format!("detector {number}"));
        let names: Vec<String> = window.into_iter().chain(detector).collect();
        (!names.is_empty()).then(|| names.join(", ").into())
    }

    /// The slice of each frame; none where frames are no slices.
    fn slices(&self, is_reconstructed: bool) -> Option<Vec<i64>> {
        let given = self.get(tags::SLICE_VECTOR).map(<[i64]>::to_vec);
        // Without any vector the frames of a reconstruction are its slices.
        given.or_else(|| (is_reconstructed && self.found.is_empty()).then(|| (1..).take(self.count).collect()))
    }

    /// Numbers what these vectors say of each frame together, from 0 in ascending order.
    fn numbered(&self, of: &[Vector]) -> Vec<usize> {
        let vectors: Vec<&[i64]> = of.iter().filter_map(|(tag, ..)| self.get(*tag)).collect();
        let key = |n: usize| -> Vec<i64> { vectors.iter().filter_map(|values| values.get(n).copied()).collect() };
        let keys: Vec<Vec<i64>> = (0..self.count).map(key).collect();
        let order: Vec<&Vec<i64>> = keys.iter().collect::<BTreeSet<_>>().into_iter().collect();
        keys.iter().map(|key| order.binary_search(&key).unwrap_or(0)).collect()
    }
}
