//! From instances to stacks: which files form one volume, in which order, on which grid.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::instance::{Instance, PixelFormat};
use crate::volume::{Affine, Geometry, Vec3};

/// Positions closer than this are the same place.
const SAME_PLACE_MM: f64 = 0.01;
/// Slice gaps may differ by this, or by this share of the gap: headers round.
const GAP_TOLERANCE_MM: f64 = 0.01;
const GAP_TOLERANCE_SHARE: f64 = 0.01;
/// Directions that differ by less are the same orientation.
const SAME_DIRECTION: f64 = 1e-3;
/// Tilt of the stacking direction against the slice normal that is worth a warning.
const TILT_LIMIT: f64 = 1e-3;

/// Instances that form one volume.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Series Instance UID, with `#n` for parts of a series.
    pub id: String,
    /// Slices by position, time points one after the other.
    pub instances: Vec<Arc<Instance>>,
    /// Number of time points.
    pub frame_count: usize,
    /// Grid and placement.
    pub geometry: Geometry,
    /// What the user must know.
    pub warnings: Vec<String>,
}

/// A stack that cannot be shown rightly.
#[derive(Debug)]
pub struct Refused {
    /// Its first file.
    pub path: std::path::PathBuf,
    /// Why.
    pub reason: String,
}

/// What must agree within a stack.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    series_uid: String,
    rows: usize,
    columns: usize,
    pixels: (usize, usize, bool, usize, String),
    spacing_um: Option<[i64; 2]>,
    echo: (String, String),
    image_type: Vec<String>,
    has_place: bool,
}

impl Key {
    fn of(instance: &Instance) -> Self {
        let PixelFormat { rows, columns, samples, bits_allocated, bits_stored, signed, ref photometric, .. } =
            instance.format;
        Self {
            series_uid: instance.series_uid.clone(),
            rows,
            columns,
            pixels: (samples, bits_allocated, signed, if signed { bits_stored } else { 0 }, photometric.clone()),
            spacing_um: instance.pixel_spacing.map(|s| s.map(|v| (v * 1000.0).round() as i64)),
            echo: instance.echo.clone(),
            // CT scanners vary the values behind AXIAL or LOCALIZER within one stack.
            image_type: if instance.modality == "CT" {
                instance.image_type.get(1).cloned().into_iter().collect()
            } else {
                instance.image_type.clone()
            },
            has_place: instance.position.is_some() && instance.directions.is_some(),
        }
    }
}

/// Sorts instances into stacks; what cannot be placed rightly comes back refused.
pub fn group(instances: Vec<Instance>) -> (Vec<Stack>, Vec<Refused>) {
    let mut groups: BTreeMap<Key, Vec<Arc<Instance>>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for instance in instances {
        let uid = &instance.uid;
        if !uid.is_empty() && !seen.insert(uid.clone()) {
            // A second copy of the same instance.
            continue;
        }
        groups.entry(Key::of(&instance)).or_default().push(Arc::new(instance));
    }
    let mut sizes: BTreeMap<String, BTreeMap<(usize, usize), usize>> = BTreeMap::new();
    for (key, members) in &groups {
        *sizes.entry(key.series_uid.clone()).or_default().entry((key.columns, key.rows)).or_default() += members.len();
    }
    let (mut stacks, mut refused) = (Vec::new(), Vec::new());
    let mut parts: BTreeMap<String, usize> = BTreeMap::new();
    for members in groups.into_values() {
        for part in split_by_direction(members) {
            let path = part[0].path.clone();
            let series_uid = part[0].series_uid.clone();
            for outcome in arrange(part) {
                match outcome {
                    Ok(mut stack) => {
                        stack.warnings.extend(other_sizes(&sizes[&series_uid], &stack));
                        let count = parts.entry(series_uid.clone()).or_insert(0);
                        *count += 1;
                        stack.id = if *count == 1 { series_uid.clone() } else { format!("{series_uid}#{count}") };
                        stacks.push(stack);
                    }
                    Err(reason) => refused.push(Refused { path: path.clone(), reason }),
                }
            }
        }
    }
    (stacks, refused)
}

/// Says so where a series holds images of another matrix: they cannot be in this volume.
fn other_sizes(sizes: &BTreeMap<(usize, usize), usize>, stack: &Stack) -> Option<String> {
    let [columns, rows, _] = stack.geometry.shape();
    let others: Vec<String> = sizes
        .iter()
        .filter(|(size, _)| **size != (columns, rows))
        .map(|((c, r), count)| format!("{count} of {c} x {r}"))
        .collect();
    (!others.is_empty()).then(|| {
        format!("The series also holds images of another size, which are left out here: {}.", others.join(", "))
    })
}

fn split_by_direction(members: Vec<Arc<Instance>>) -> Vec<Vec<Arc<Instance>>> {
    let mut parts: Vec<Vec<Arc<Instance>>> = Vec::new();
    for member in members {
        let same = |other: &Instance| match (member.directions, other.directions) {
            (Some(a), Some(b)) => {
                a.iter().flatten().zip(b.iter().flatten()).all(|(x, y)| (x - y).abs() < SAME_DIRECTION)
            }
            (None, None) => true,
            _ => false,
        };
        match parts.iter_mut().find(|part| same(&part[0])) {
            Some(part) => part.push(member),
            None => parts.push(vec![member]),
        }
    }
    parts
}

fn cross(a: Vec3, b: Vec3) -> Vec3 {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn dot(a: Vec3, b: Vec3) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn minus(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn arrange(mut members: Vec<Arc<Instance>>) -> Vec<Result<Stack, String>> {
    let Some([row, column]) = members[0].directions.filter(|_| members[0].position.is_some()) else {
        members.sort_by_key(|m| m.number);
        return vec![unplaced(members)];
    };
    let normal = cross(row, column);
    let along = |m: &Instance| m.position.map_or(0.0, |p| dot(p, normal));
    members.sort_by(|a, b| along(a).total_cmp(&along(b)).then(a.number.cmp(&b.number)));
    let mut places: Vec<Vec<Arc<Instance>>> = Vec::new();
    for member in members {
        match places.last_mut() {
            Some(place) if (along(&member) - along(&place[0])).abs() < SAME_PLACE_MM => place.push(member),
            _ => places.push(vec![member]),
        }
    }
    let repeats = places[0].len();
    if places.iter().all(|place| place.len() == 1) {
        return vec![placed(places, 1, Vec::new())];
    }
    if places.len() > 1 && places.iter().all(|place| place.len() == repeats) {
        for place in &mut places {
            place.sort_by(|a, b| {
                a.acquisition.cmp(&b.acquisition).then(a.time.total_cmp(&b.time)).then(a.number.cmp(&b.number))
            });
        }
        return vec![placed(places, repeats, Vec::new())];
    }
    // Some places hold several images: perhaps several acquisitions, each complete in itself.
    let mut acquisitions: BTreeMap<i64, Vec<Arc<Instance>>> = BTreeMap::new();
    for member in places.iter().flatten() {
        acquisitions.entry(member.acquisition).or_default().push(member.clone());
    }
    if acquisitions.len() > 1 {
        return acquisitions.into_values().flat_map(arrange).collect();
    }
    let extra: usize = places.iter().map(|place| place.len() - 1).sum();
    for place in &mut places {
        place.truncate(1);
    }
    let warning = format!(
        "{extra} image(s) lie at the place of another with different pixels; the first by instance number is shown."
    );
    vec![placed(places, 1, vec![warning])]
}

fn in_plane(instance: &Instance, warnings: &mut Vec<String>) -> [f64; 2] {
    instance.pixel_spacing.unwrap_or_else(|| {
        warnings.push("The file gives no pixel spacing; 1 mm is assumed and measurements are not reliable.".into());
        [1.0, 1.0]
    })
}

/// LPS columns and origin to a RAS grid.
fn grid(first: &Instance, count: usize, columns: [Vec3; 3], origin: Vec3) -> Result<Geometry, String> {
    let ras = |v: Vec3| [-v[0], -v[1], v[2]];
    let shape = [first.format.columns, first.format.rows, count];
    Geometry::new(shape, Affine::from_columns(columns.map(ras), ras(origin))).map_err(|e| e.to_string())
}

fn times(v: Vec3, factor: f64) -> Vec3 {
    v.map(|x| x * factor)
}

/// Slices without position or orientation: by instance number, axes taken as L, P, S.
fn unplaced(members: Vec<Arc<Instance>>) -> Result<Stack, String> {
    let first = members[0].clone();
    let mut warnings = vec![
        "The file gives no position or orientation: orientation unknown. Slices are ordered by instance number."
            .to_string(),
    ];
    let [row_mm, column_mm] = in_plane(&first, &mut warnings);
    let step = first.slice_spacing.or(first.thickness).unwrap_or(1.0);
    let columns = [[column_mm, 0.0, 0.0], [0.0, row_mm, 0.0], [0.0, 0.0, step]];
    let geometry = grid(&first, members.len(), columns, [0.0; 3])?;
    Ok(Stack { id: String::new(), instances: members, frame_count: 1, geometry, warnings })
}

fn placed(places: Vec<Vec<Arc<Instance>>>, frame_count: usize, mut warnings: Vec<String>) -> Result<Stack, String> {
    let first = places[0][0].clone();
    let (Some([row, column]), Some(origin)) = (first.directions, first.position) else {
        return Err("position or orientation is missing".into());
    };
    let normal = cross(row, column);
    let count = places.len();
    let step = if count == 1 {
        times(normal, first.slice_spacing.or(first.thickness).unwrap_or(1.0))
    } else {
        let last = places[count - 1][0].position.unwrap_or(origin);
        let step = times(minus(last, origin), 1.0 / (count - 1) as f64);
        check_even(&places, origin, step)?;
        let length = dot(step, step).sqrt();
        if dot(step, normal) / length < 1.0 - TILT_LIMIT * TILT_LIMIT / 2.0 {
            let degrees = (dot(step, normal) / length).clamp(-1.0, 1.0).acos().to_degrees();
            warnings.push(format!(
                "The slices are stacked {degrees:.1}\u{b0} off their normal (gantry tilt); the shear is kept."
            ));
        }
        step
    };
    let [row_mm, column_mm] = in_plane(&first, &mut warnings);
    let columns = [times(row, column_mm), times(column, row_mm), step];
    let geometry = grid(&first, count, columns, origin)?;
    let instances = (0..frame_count).flat_map(|frame| places.iter().map(move |place| place[frame].clone())).collect();
    Ok(Stack { id: String::new(), instances, frame_count, geometry, warnings })
}

/// Every slice must lie where the even grid puts it.
fn check_even(places: &[Vec<Arc<Instance>>], origin: Vec3, step: Vec3) -> Result<(), String> {
    let length = dot(step, step).sqrt();
    let tolerance = GAP_TOLERANCE_MM.max(GAP_TOLERANCE_SHARE * length);
    let position = |n: usize| places[n][0].position.unwrap_or(origin);
    let mut gaps: Vec<f64> = (1..places.len())
        .map(|n| {
            let gap = minus(position(n), position(n - 1));
            dot(gap, gap).sqrt()
        })
        .collect();
    let uneven = (0..places.len()).any(|n| {
        let off = minus(position(n), std::array::from_fn(|axis| origin[axis] + step[axis] * n as f64));
        dot(off, off).sqrt() > tolerance
    });
    if uneven {
        gaps.sort_by(f64::total_cmp);
        return Err(format!(
            "the {} slices are not evenly spaced (gaps from {:.2} to {:.2} mm): a slice may be missing; \
             send the series again or resample it",
            places.len(),
            gaps[0],
            gaps[gaps.len() - 1]
        ));
    }
    Ok(())
}
