//! From places to a grid: origin, columns and what the user must know about them.

use std::collections::BTreeMap;

use super::places::{Places, Plane, dot, even_step, length, minus, times};
use super::{Member, Stack};
use crate::formats::dicom::fields::quoted;
use crate::formats::dicom::frame::Frame;
use crate::volume::{Affine, Geometry, Vec3};
use crate::work::numbers::real;

/// A stack with all places filled by `frame_count` images each.
pub fn placed(places: &Places, frame_count: usize, mut warnings: Vec<String>) -> Result<Stack, String> {
    let positions = places.positions();
    let step = match even_step(&positions) {
        Ok(Some(step)) => {
            warnings.extend(super::places::rounding(&positions, step).map(|unit| {
                let mm = length(step);
                format!(
                    "The positions of the slices are rounded to {unit} mm; their mean distance of {mm:.4} mm is taken."
                )
            }));
            step
        }
        Ok(None) => {
            let first = places.at.first().and_then(|place| place.first()).ok_or("there are no images")?;
            times(places.plane.normal, step_alone(first, &mut warnings)?)
        }
        Err(gaps) => return Err(uneven(positions.len(), gaps)),
    };
    stepped(places, frame_count, step, positions.len(), warnings)
}

/// A stack of `count` slices with this step, whatever the places are apart.
pub fn stepped(
    places: &Places,
    frame_count: usize,
    step: Vec3,
    count: usize,
    mut warnings: Vec<String>,
) -> Result<Stack, String> {
    let instances: Vec<Member> = (0..frame_count)
        .flat_map(|frame| places.at.iter().filter_map(move |place| place.get(frame).cloned()))
        .collect();
    let positions = places.positions();
    let (Some(first), Some(&origin)) = (instances.first(), positions.first()) else {
        return Err("position or orientation is missing".into());
    };
    let Plane { directions: [row, column], normal, spacing } = places.plane;
    let [row_mm, column_mm] = in_plane(spacing, &mut warnings);
    if positions.len() > 1 {
        let stacking = minus(positions[positions.len() - 1], origin);
        let aside = length(minus(stacking, times(normal, dot(stacking, normal))));
        // Less than half a pixel over the whole volume is nothing but rounding.
        if aside > 0.5 * row_mm.min(column_mm) {
            let degrees = aside.atan2(dot(stacking, normal)).to_degrees();
            let cause = if first.modality == "CT" { " (gantry tilt)" } else { "" };
            warnings
                .push(format!("The slices are stacked {degrees:.1}\u{b0} off their normal{cause}; the shear is kept."));
        }
        warnings.extend(turned(&places.plane, &instances, [row_mm, column_mm]));
    }
    let columns = [times(row, column_mm), times(column, row_mm), step];
    finish(instances, frame_count, count, columns, origin, warnings)
}

/// Slices without position or orientation: by Instance Number, axes taken as L, P, S.
pub fn unplaced(mut members: Vec<Member>, mut warnings: Vec<String>) -> Result<Stack, String> {
    if members.len() > 1 {
        if let Some(problem) = members.iter().flat_map(|m| &m.unreadable).find(|u| u.field == "Instance Number") {
            return Err(format!(
                "the {} images give no position, and Instance Number {} is no whole number: their order is unknown",
                members.len(),
                quoted(&problem.value)
            ));
        }
        members.sort_by(super::places::by_number);
        let are_of_one_file = members.windows(2).all(|pair| pair[0].shares_file(&pair[1]));
        let are_numbered = members.iter().all(|m| m.number.is_some())
            && members.windows(2).all(|pair| pair[0].rank() != pair[1].rank());
        if !are_of_one_file && !are_numbered {
            return Err(format!(
                "the {} images give neither positions nor different values of Instance Number: their order is unknown; \
                 open them one by one",
                members.len()
            ));
        }
    }
    let Some(first) = members.first() else { return Err("there are no images".into()) };
    // Frames of a film are one slice after the other in time.
    let is_film = members.len() == first.frame_count && first.is_cine;
    let frames = if is_film { members.len() } else { numbered_times(&members) };
    if frames > 1 && !is_film {
        members.sort_by(|a, b| {
            let time = |m: &Member| m.acquisition.dimension.unwrap_or(0.0);
            time(a).total_cmp(&time(b)).then_with(|| super::places::by_number(a, b))
        });
    }
    let Some(first) = members.first() else { return Err("there are no images".into()) };
    warnings.push(
        "The file gives no position or orientation: orientation unknown. Slices are ordered by instance number.".into(),
    );
    let spacing = members.iter().find_map(|m| m.pixel_spacing);
    let [row_mm, column_mm] = in_plane(spacing, &mut warnings);
    let step = step_alone(first, &mut warnings)?;
    let columns = [[column_mm, 0.0, 0.0], [0.0, row_mm, 0.0], [0.0, 0.0, step]];
    let count = members.len() / frames;
    finish(members, frames, count, columns, [0.0; 3], warnings)
}

/// Time points of frames without a place, where their file numbers them; 1 where it does not.
fn numbered_times(members: &[Member]) -> usize {
    let mut sizes: BTreeMap<u64, usize> = BTreeMap::new();
    for member in members {
        let Some(number) = member.acquisition.dimension else { return 1 };
        *sizes.entry(number.to_bits()).or_default() += 1;
    }
    let size = sizes.values().next().copied().unwrap_or(1);
    // What is another one in each frame may number slices, unless it is called a time.
    let are_times = size > 1 || members.iter().all(|m| m.acquisition.temporal_position.is_some());
    let are_alike = members.windows(2).all(|pair| pair[0].shares_file(&pair[1])) && sizes.values().all(|&n| n == size);
    if are_times && are_alike { sizes.len() } else { 1 }
}

/// The sentence for slices that do not lie on an even grid.
pub fn uneven(count: usize, gaps: [f64; 2]) -> String {
    format!("{}: a slice may be missing; send the series again or resample it", uneven_gaps(count, gaps))
}

/// How slices do not lie on an even grid.
pub fn uneven_gaps(count: usize, gaps: [f64; 2]) -> String {
    format!("the {count} slices are not evenly spaced (gaps from {:.2} to {:.2} mm)", gaps[0], gaps[1])
}

fn in_plane(spacing: Option<[f64; 2]>, warnings: &mut Vec<String>) -> [f64; 2] {
    spacing.unwrap_or_else(|| {
        warnings.push("The file gives no pixel spacing; 1 mm is assumed and measurements are not reliable.".into());
        [1.0, 1.0]
    })
}

/// The distance of slices where positions do not tell it.
fn step_alone(first: &Frame, warnings: &mut Vec<String>) -> Result<f64, String> {
    if let Some(mm) = first.slice_spacing.or(first.thickness) {
        return Ok(mm);
    }
    let needed = ["Spacing Between Slices", "Slice Thickness"];
    if let Some(problem) = first.unreadable.iter().find(|u| needed.contains(&u.field)) {
        return Err(format!("{} is {}, which is not a number", problem.field, quoted(&problem.value)));
    }
    warnings.push("The file gives no slice thickness; 1 mm is assumed and volumes are not reliable.".into());
    Ok(1.0)
}

/// Says so where slices are turned against the stack's directions by more than rounding can do.
fn turned(plane: &Plane, members: &[Member], [row_mm, column_mm]: [f64; 2]) -> Option<String> {
    let first = members.first()?;
    let extents = [real(first.format.columns) * column_mm, real(first.format.rows) * row_mm];
    let moved = |m: &Member| {
        let given = m.directions?;
        Some((0..2).map(|n| length(minus(given[n], plane.directions[n])) * extents[n]).fold(0.0, f64::max))
    };
    let most = members.iter().filter_map(moved).fold(0.0, f64::max);
    (most > 0.5 * row_mm.min(column_mm)).then(|| {
        format!("Image Orientation (Patient) differs between the slices (by up to {most:.1} mm at the border); the most frequent one is taken.")
    })
}

/// LPS columns and origin to a RAS grid, and what the files say against themselves.
fn finish(
    instances: Vec<Member>,
    frame_count: usize,
    count: usize,
    columns: [Vec3; 3],
    origin: Vec3,
    mut warnings: Vec<String>,
) -> Result<Stack, String> {
    let Some(first) = instances.first() else { return Err("there are no images".into()) };
    let ras = |v: Vec3| [-v[0], -v[1], v[2]];
    let shape = [first.format.columns, first.format.rows, count];
    let geometry =
        Geometry::new(shape, Affine::from_columns(columns.map(ras), ras(origin))).map_err(|e| e.to_string())?;
    warnings.extend(missing_rescale(&instances));
    warnings.extend(of_files(&instances));
    let frame_names = super::names::of_frames(&instances, frame_count);
    Ok(Stack {
        id: String::new(),
        title: String::new(),
        instances,
        frame_count,
        frame_names,
        filling: None,
        geometry,
        warnings,
    })
}

fn missing_rescale(instances: &[Member]) -> Option<String> {
    let without = instances.iter().filter(|m| m.rescale.is_none()).count();
    (without > 0 && without < instances.len()).then(|| {
        format!(
            "{without} of {} images give no Rescale Slope and Intercept; their values are taken as stored, unlike the others'.",
            instances.len()
        )
    })
}

/// The warnings of the files, each kind once.
fn of_files(instances: &[Member]) -> Vec<String> {
    let mut kinds: Vec<(&str, &String, usize)> = Vec::new();
    let mut files: Vec<&Member> = instances.iter().collect();
    files.sort_by_key(|m| std::sync::Arc::as_ptr(&m.file));
    files.dedup_by(|a, b| a.shares_file(b));
    let order = |m: &Member| instances.iter().position(|other| other.shares_file(m));
    if files.len() < instances.len() {
        files.sort_by_cached_key(|m| order(m));
    }
    for warning in files.iter().flat_map(|m| &m.warnings) {
        let kind = warning.split(" is ").next().unwrap_or_default();
        match kinds.iter_mut().find(|(other, ..)| *other == kind) {
            Some((.., count)) => *count += 1,
            None => kinds.push((kind, warning, 1)),
        }
    }
    let total = files.len();
    kinds
        .into_iter()
        .map(|(_, text, count)| if total == 1 { text.clone() } else { format!("{text} ({count} of {total} images)") })
        .collect()
}
