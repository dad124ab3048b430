//! The last look: volumes that fill each other's gaps or continue each other are never left without a word.

use std::collections::BTreeSet;

use super::Stack;
use super::features::{Feature, differences};
use super::places::{Plane, dot, length, minus};
use crate::volume::Vec3;
use crate::work::numbers::real;

/// Share of a slice distance within which a place is one of a grid's.
const ON_GRID: f64 = 0.03;
/// Slices of different series that are closer lie at one place.
const SAME_PLACE_MM: f64 = 0.05;

/// Volumes of a series that are compared with each other; a series of more is no scan that somebody made.
const MOST_COMPARED: usize = 128;

/// Where a stack's slices lie.
struct Line {
    plane: Plane,
    places: Vec<Vec3>,
    step_mm: Option<f64>,
}

fn line(stack: &Stack) -> Option<Line> {
    let plane = Plane::of(&stack.instances)?;
    // Slices that are missing have no place, and later times lie where the first does.
    let count = stack.instances.len() / stack.frame_count.max(1);
    let places: Vec<Vec3> = stack.instances.iter().take(count).filter_map(|m| m.position).collect();
    let step_mm = match (places.first(), places.last()) {
        _ if stack.filling.is_some() => Some(stack.geometry.spacing_mm()[2]),
        (Some(&first), Some(&last)) if count > 1 => Some(length(minus(last, first)) / real(count - 1)),
        _ => None,
    };
    (places.len() == count).then_some(Line { plane, places, step_mm })
}

/// How two stacks lie to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// The slices of one lie half-way (or at a third or quarter) between those of the other.
    Between,
    /// One goes on where the other ends.
    Continues,
}

fn relation(a: &Line, b: &Line) -> Option<Relation> {
    let turned = (0..2).map(|n| length(minus(a.plane.directions[n], b.plane.directions[n]))).fold(0.0, f64::max);
    let step = a.step_mm.or(b.step_mm)?;
    let (&origin, &last) = (a.places.first()?, a.places.last()?);
    if turned > 0.01 {
        return None;
    }
    // In units of the step, from the first slice of the one.
    let at: Vec<f64> = b.places.iter().map(|&p| dot(minus(p, origin), a.plane.normal) / step).collect();
    let end = dot(minus(last, origin), a.plane.normal) / step;
    let inside: Vec<f64> = at.iter().copied().filter(|&t| t > ON_GRID && t < end - ON_GRID).collect();
    let off_grid = |t: f64, parts: f64| (t * parts - (t * parts).round()).abs() > ON_GRID * parts;
    // Slices at the places of the one say nothing about its gaps.
    let in_gaps: Vec<f64> = inside.into_iter().filter(|&t| off_grid(t, 1.0)).collect();
    let between = |parts: f64| in_gaps.iter().all(|&t| !off_grid(t, parts));
    if !in_gaps.is_empty() && [2.0, 3.0, 4.0].into_iter().any(between) {
        return Some(Relation::Between);
    }
    let same_step = a.step_mm.zip(b.step_mm).is_none_or(|(a, b)| (a - b).abs() < ON_GRID * a);
    let lowest = at.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = at.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let touches = (lowest - end - 1.0).abs() < ON_GRID || (highest + 1.0).abs() < ON_GRID;
    (same_step && touches).then_some(Relation::Continues)
}

/// Whether thick slices beside thin ones explain the larger distance.
fn is_by_thickness(a: &Stack, b: &Stack) -> bool {
    let thickness = |stack: &Stack| stack.instances.first().and_then(|m| m.thickness);
    let step = |stack: &Stack| stack.geometry.spacing_mm()[2];
    match (thickness(a), thickness(b)) {
        (Some(x), Some(y)) => (x - y).abs() > 0.05 * x.max(y) && x > 0.8 * step(a) && y > 0.8 * step(b),
        _ => false,
    }
}

/// Adds warnings to the volumes of one series that need each other.
pub fn warn_within_series(stacks: &mut [Stack]) {
    if stacks.len() > MOST_COMPARED {
        let count = stacks.len();
        let note = format!("This series falls into {count} volumes; whether some of them are one was not looked at.");
        stacks.iter_mut().for_each(|stack| stack.warnings.push(note.clone()));
        return;
    }
    let lines: Vec<Option<Line>> = stacks.iter().map(line).collect();
    let mut notes = Vec::new();
    for a in 0..stacks.len() {
        for b in 0..stacks.len() {
            let (Some(x), Some(y)) = (&lines[a], &lines[b]) else { continue };
            let (Some(first), Some(second)) = (stacks[a].instances.first(), stacks[b].instances.first()) else {
                continue;
            };
            let Some(relation) = (a != b).then(|| relation(x, y)).flatten() else { continue };
            if relation == Relation::Between && is_by_thickness(&stacks[a], &stacks[b]) {
                continue;
            }
            let fields = differences(first, second);
            let fields =
                if fields.is_empty() { String::new() } else { format!(" They differ in {}.", fields.join(", ")) };
            let how = match relation {
                Relation::Between => "between the slices of this one, whose slice distance may be too large",
                Relation::Continues => "at an end of this one, which may be a part only",
            };
            notes.push((a, format!("{} {how}.{fields}", of_another(y.places.len()))));
            if relation == Relation::Between {
                let text = "This volume's slices lie between those of another volume of this series: they may be one.";
                notes.push((b, format!("{text}{fields}")));
            }
        }
    }
    for (at, note) in notes {
        if !stacks[at].warnings.contains(&note) {
            stacks[at].warnings.push(note);
        }
    }
}

/// Adds warnings where series with different UIDs look like the torn parts of one.
pub fn warn_across_series(stacks: &mut [Stack]) {
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    for start in 0..stacks.len() {
        if seen.contains(&start) {
            continue;
        }
        let alike: Vec<usize> = (start..stacks.len()).filter(|&n| is_alike(&stacks[start], &stacks[n])).collect();
        seen.extend(&alike);
        let mut places: Vec<(usize, Vec3)> = Vec::new();
        for &n in &alike {
            places.extend(line(&stacks[n]).into_iter().flat_map(|l| l.places).map(|p| (n, p)));
        }
        let Some(normal) = line(&stacks[start]).map(|l| l.plane.normal) else { continue };
        places.sort_by(|a, b| dot(a.1, normal).total_cmp(&dot(b.1, normal)));
        let are_single = places.len() == alike.len();
        if are_single {
            // Several images of a place, say two echoes, were torn apart place by place.
            places.dedup_by(|b, a| length(minus(b.1, a.1)) <= SAME_PLACE_MM);
        }
        let positions: Vec<Vec3> = places.iter().map(|&(_, p)| p).collect();
        let are_apart = positions.windows(2).all(|pair| length(minus(pair[1], pair[0])) > SAME_PLACE_MM);
        if alike.len() < 2 || positions.len() < 3 || !are_apart {
            continue;
        }
        // Whole volumes one after the other are what scanners make; single slices and mixed places are not.
        let changes = places.windows(2).filter(|pair| pair[0].0 != pair[1].0).count();
        if are_single || (changes >= alike.len() && super::places::even_step(&positions).is_ok()) {
            let what = if are_single { "hold a single slice each" } else { "lie on one even grid" };
            for &n in &alike {
                stacks[n].warnings.push(format!(
                    "{} volumes of different series {what} and differ in {}: they may be one volume that was torn apart.",
                    alike.len(),
                    Feature::SeriesUid.name()
                ));
            }
        }
    }
}

fn is_alike(a: &Stack, b: &Stack) -> bool {
    let (Some(x), Some(y)) = (a.instances.first(), b.instances.first()) else { return false };
    let same = |feature: Feature| !feature.differs(x, y);
    let is_itself = x.path == y.path;
    (is_itself || x.series_uid != y.series_uid)
        && x.description == y.description
        && x.modality == y.modality
        && [Feature::PatientId, Feature::Matrix, Feature::Orientation, Feature::PixelSpacing].into_iter().all(same)
}

/// How many slices of another volume lie somewhere.
fn of_another(count: usize) -> String {
    let (slices, lie) = if count == 1 { ("slice", "lies") } else { ("slices", "lie") };
    format!("{count} {slices} of another volume of this series {lie}")
}
