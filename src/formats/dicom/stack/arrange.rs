//! From a pool of images that share plane and matrix to volumes.
//!
//! Images on one even grid without a repetition are one volume, whatever their other fields say. Otherwise the fields
//! that differ are tried as what parts them, and taken only if the parts make sense as volumes: a field that counts
//! slices, or names every second one, parts nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::features::{FRAME_ORDER, Feature, KINDS, TIMES, Value, classes, shown_values};
use super::places::{Places, dot, even_step, is_grid_with_holes};
use super::{Member, Stack, gaps, grid};
use crate::work::numbers::real;

/// A part of the images that must be repeated or complete for a field to part them.
const TELLING_SHARE: f64 = 0.5;
/// Places from which on an even distance is no accident.
const TELLING_PLACES: usize = 3;

/// Parts of a pool at most; no scan has so many echoes or passes.
const MAX_PARTS: usize = 2000;

/// A volume, or the first file of images that make none, and why.
pub type Outcome = Result<Stack, (PathBuf, String)>;

/// Sorts a pool into volumes; `notes` become warnings of each.
pub fn arrange(members: Vec<Member>, notes: &[String]) -> Vec<Outcome> {
    arrange_by(members, &[KINDS, TIMES].concat(), notes)
}

fn arrange_by(members: Vec<Member>, fields: &[Feature], notes: &[String]) -> Vec<Outcome> {
    let Some(path) = members.first().map(|m| m.path.clone()) else { return Vec::new() };
    let one = |outcome: Result<Stack, String>| vec![outcome.map_err(|reason| (path.clone(), reason))];
    if members.iter().any(|m| m.position.is_none()) {
        return arrange_unplaced(members, notes);
    }
    let Some(places) = Places::of(members.clone()) else { return arrange_unplaced(members, notes) };
    let is_even = even_step(&places.positions()).is_ok();
    let repeats = places.repeats();
    if repeats == Some(1) && is_even {
        let warnings = notes.iter().cloned().chain(mixed_kinds(&places)).collect();
        return one(grid::placed(&places, 1, warnings));
    }
    let parted = |among: &[Feature]| {
        among.iter().filter(|f| fields.contains(f)).find_map(|&feature| {
            let parts = parts_of(feature, &places);
            let is_plausible = (2..=MAX_PARTS).contains(&parts.len())
                && make_sense(&places, &parts, TIMES.contains(&feature))
                // Thin slices below thick ones are one scan in two parts, which only all slices together show.
                && (feature != Feature::Thickness || overlap(&places, &parts));
            is_plausible.then_some((feature, parts))
        })
    };
    let go_on = |(feature, parts): (Feature, Vec<Vec<Member>>)| {
        let rest: Vec<Feature> = fields.iter().copied().filter(|&f| f != feature).collect();
        parts.into_iter().flat_map(|part| arrange_by(part, &rest, notes)).collect()
    };
    if let Some(found) = parted(KINDS) {
        return go_on(found);
    }
    if places.at.len() == 1 {
        return one(one_place(places, notes.to_vec()));
    }
    if let Some(frames) = repeats.filter(|_| is_even) {
        let mut places = places;
        let mut warnings = notes.to_vec();
        warnings.extend(order_frames(&mut places));
        return one(grid::placed(&places, frames, warnings));
    }
    if let Some(found) = parted(TIMES) {
        return go_on(found);
    }
    if !is_even {
        let runs = runs_by_number(&places);
        if runs.len() > 1 && make_sense(&places, &runs, true) {
            return runs.into_iter().flat_map(|run| arrange_by(run, &[], notes)).collect();
        }
        if let (Some(frames), Err(gaps)) = (repeats, even_step(&places.positions())) {
            let mut places = places;
            let mut warnings = notes.to_vec();
            if frames > 1 {
                warnings.extend(order_frames(&mut places));
            }
            let hint = differing(&places);
            return one(gaps::filled(&places, frames, gaps, &warnings).map_err(|reason| reason + &hint));
        }
    }
    one(first_of_each(places, notes.to_vec()))
}

/// Images without a place: a field parts them where it makes parts of equal size.
fn arrange_unplaced(members: Vec<Member>, notes: &[String]) -> Vec<Outcome> {
    let films = by_film(&members);
    if films.len() > 1 {
        return films.into_iter().flat_map(|film| arrange_unplaced(film, notes)).collect();
    }
    for &feature in KINDS {
        let class = classes(feature, &members, &(0..members.len()).collect::<Vec<_>>());
        let parts = part_by(&members, &class);
        let size = parts.first().map_or(0, Vec::len);
        if parts.len() > 1 && size > 1 && parts.iter().all(|part| part.len() == size) {
            return parts.into_iter().flat_map(|part| arrange_unplaced(part, notes)).collect();
        }
    }
    let Some(path) = members.first().map(|m| m.path.clone()) else { return Vec::new() };
    vec![grid::unplaced(members, notes.to_vec()).map_err(|reason| (path, reason))]
}

/// The frames of each file of several, and all files of one frame together: films are not slices of each other.
fn by_film(members: &[Member]) -> Vec<Vec<Member>> {
    let mut films: BTreeMap<Option<usize>, Vec<Member>> = BTreeMap::new();
    for member in members {
        let file = (member.frame_count > 1).then(|| Arc::as_ptr(&member.file).addr());
        films.entry(file).or_default().push(member.clone());
    }
    let mut films: Vec<Vec<Member>> = films.into_values().collect();
    films.sort_by_key(|film| film.first().map(|first| (first.number, first.path.clone())));
    films
}

fn part_by(members: &[Member], class: &[usize]) -> Vec<Vec<Member>> {
    let count = class.iter().max().map_or(0, |&most| most + 1);
    let mut parts = vec![Vec::new(); count];
    members.iter().zip(class).for_each(|(member, &class)| parts[class].push(member.clone()));
    parts.retain(|part| !part.is_empty());
    parts
}

fn parts_of(feature: Feature, places: &Places) -> Vec<Vec<Member>> {
    let members = places.members();
    part_by(&members, &classes(feature, &members, &places.place_of()))
}

/// Whether parts of a pool can be volumes of their own.
fn make_sense(places: &Places, parts: &[Vec<Member>], by_time: bool) -> bool {
    let total: usize = parts.iter().map(Vec::len).sum();
    let mut part_places = Vec::with_capacity(parts.len());
    for part in parts {
        let Some(own) = Places::of(part.clone()) else { return false };
        part_places.push(own);
    }
    let same_place = places.plane.same_place_mm();
    let is_at = |part: &Places, position: f64| {
        part.positions().iter().any(|&p| (dot(p, places.plane.normal) - position).abs() < same_place)
    };
    let positions = places.positions();
    if even_step(&positions).is_ok() {
        // On one even grid only what is there several times can be several volumes.
        let is_repeated = part_places.iter().enumerate().all(|(n, part)| {
            let own: Vec<f64> = part.positions().iter().map(|&p| dot(p, places.plane.normal)).collect();
            let elsewhere = |at: f64| part_places.iter().enumerate().any(|(m, other)| m != n && is_at(other, at));
            let shared = own.iter().filter(|&&at| elsewhere(at)).count();
            real(shared) >= TELLING_SHARE * real(own.len())
        });
        let largest = part_places.iter().map(|part| part.at.len()).max().unwrap_or(0);
        let smallest = part_places.iter().map(|part| part.at.len()).min().unwrap_or(0);
        let is_covered = real(largest) >= TELLING_SHARE * real(positions.len());
        return is_repeated && is_covered && (!by_time || smallest > 1);
    }
    // Off an even grid most images must come to lie on one by being parted, and not because every second is taken.
    let is_sound =
        |part: &&Places| even_step(&part.positions()).is_ok() && (!by_time || part.at.len() >= TELLING_PLACES);
    let sound: usize =
        part_places.iter().filter(is_sound).map(|part| part.at.iter().map(Vec::len).sum::<usize>()).sum();
    let is_telling = part_places.iter().filter(is_sound).any(|part| part.at.len() >= TELLING_PLACES);
    // A single slice is no pass of its own.
    let is_torn = by_time && part_places.iter().any(|part| part.at.len() < 2);
    is_telling
        && !is_torn
        && real(sound) >= TELLING_SHARE * real(total)
        && !is_grid_with_holes(&positions, places.plane.normal)
}

/// Whether parts lie over each other along the normal.
fn overlap(places: &Places, parts: &[Vec<Member>]) -> bool {
    let along = |m: &Member| m.position.map_or(0.0, |p| dot(p, places.plane.normal));
    let mut spans: Vec<[f64; 2]> = parts
        .iter()
        .map(|part| {
            part.iter()
                .map(along)
                .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], at| [low.min(at), high.max(at)])
        })
        .collect();
    spans.sort_by(|a, b| a[0].total_cmp(&b[0]));
    spans.windows(2).all(|pair| pair[1][0] < pair[0][1])
}

/// Parts of a series that was numbered pass after pass: places go one way within each.
fn runs_by_number(places: &Places) -> Vec<Vec<Member>> {
    let mut members = places.members();
    members.sort_by(super::places::by_number);
    if members.iter().any(|m| m.number.is_none()) || members.windows(2).any(|pair| pair[0].rank() == pair[1].rank()) {
        return Vec::new();
    }
    let along = |m: &Member| m.position.map_or(0.0, |p| dot(p, places.plane.normal));
    let mut runs: Vec<Vec<Member>> = Vec::new();
    for member in members {
        let fits = runs.last().is_some_and(|run| match run[..] {
            [] => true,
            [ref only] => along(&member) != along(only),
            [.., ref before, ref last] => (along(&member) - along(last)) * (along(last) - along(before)) > 0.0,
        });
        match runs.last_mut() {
            Some(run) if fits => run.push(member),
            _ => runs.push(vec![member]),
        }
    }
    runs
}

/// Says which fields differ in images that are kept together.
fn mixed_kinds(places: &Places) -> Vec<String> {
    let members = places.members();
    let place_of = places.place_of();
    let differ = |&feature: &Feature| {
        let class = classes(feature, &members, &place_of);
        class.iter().any(|&c| c != class[0])
    };
    let say = |feature: Feature| {
        let values =
            if is_personal(feature) { String::new() } else { format!(" ({})", shown_values(feature, &members)) };
        format!(
            "{} differs within the volume{values}; its images lie on one grid and are kept together.",
            feature.name()
        )
    };
    // How thick slices are does not change where they lie.
    KINDS.iter().filter(|&&f| f != Feature::Thickness).filter(|f| differ(f)).map(|&f| say(f)).collect()
}

fn is_personal(feature: Feature) -> bool {
    matches!(feature, Feature::PatientName | Feature::BirthDate | Feature::Sex)
}

/// All images at one place: time points of one slice, unless the file says that they are not.
fn one_place(mut places: Places, mut warnings: Vec<String>) -> Result<Stack, String> {
    let members = places.members();
    let count = members.len();
    let mut locations: Vec<f64> = members.iter().filter_map(|m| m.slice_location).collect();
    locations.sort_by(f64::total_cmp);
    if let (Some(first), Some(last)) = (locations.first(), locations.last())
        && last - first > 0.1
    {
        return Err(format!(
            "all {count} images give the same Image Position (Patient), but Slice Location from {first} to {last} mm: \
             their places are unknown; send the series again"
        ));
    }
    if !members.iter().all(|m| m.is_cine) {
        warnings.push(format!(
            "All {count} images lie at one place and are shown as time points of one slice; if they are different \
             slices, their positions are wrong."
        ));
    }
    warnings.extend(order_frames(&mut places));
    grid::placed(&places, count, warnings)
}

/// Puts the images at every place in the order of time; says so where nothing tells it.
fn order_frames(places: &mut Places) -> Option<String> {
    for &feature in FRAME_ORDER {
        let value = |m: &Member| if let Value::Number(n) = feature.value(m) { Some(n) } else { None };
        let known: Option<Vec<Vec<f64>>> =
            places.at.iter().map(|place| place.iter().map(value).collect::<Option<Vec<f64>>>()).collect();
        let Some(mut values) = known else { continue };
        values.iter_mut().for_each(|row| row.sort_by(f64::total_cmp));
        if is_consistent(&values, feature == Feature::InstanceNumber) {
            for place in &mut places.at {
                place.sort_by(|a, b| value(a).unwrap_or(0.0).total_cmp(&value(b).unwrap_or(0.0)));
            }
            return None;
        }
    }
    Some(
        "Nothing in the headers says which images belong to one time point; they are taken by Instance Number at every \
         place, and time points may be mixed."
            .into(),
    )
}

/// Whether sorted values at every place name the same time points everywhere.
///
/// Numbers that `count` images must also go one way along the places: any numbers at all can be put in order.
fn is_consistent(values: &[Vec<f64>], count: bool) -> bool {
    let different = values.iter().all(|row| row.windows(2).all(|pair| pair[1] - pair[0] > 1e-6));
    let frames = values.first().map_or(0, Vec::len);
    let frame = |n: usize| values.iter().filter_map(move |row| row.get(n).copied());
    let is_one_set = (0..frames).all(|n| {
        let first = frame(n).next().unwrap_or(0.0);
        frame(n).all(|value| (value - first).abs() < 1e-6)
    });
    let one_after_another =
        (1..frames).all(|n| frame(n - 1).fold(f64::NEG_INFINITY, f64::max) < frame(n).fold(f64::INFINITY, f64::min));
    let goes_one_way = |n: usize| {
        let column: Vec<f64> = frame(n).collect();
        column.is_sorted() || column.iter().rev().is_sorted()
    };
    let all_go_one_way = (0..frames).all(goes_one_way);
    different && (all_go_one_way || (!count && (is_one_set || one_after_another)))
}

/// What images differ in, as the end of a sentence.
fn differing(places: &Places) -> String {
    let members = places.members();
    let differing: Vec<String> = [TIMES, KINDS]
        .concat()
        .into_iter()
        .filter(|&f| !is_personal(f) && parts_of(f, places).len() > 1)
        .take(3)
        .map(|f| format!("{} ({})", f.name(), shown_values(f, &members)))
        .collect();
    if differing.is_empty() { String::new() } else { format!("; the images differ in {}", differing.join(", ")) }
}

/// The first image of every place, and how many that leaves out.
fn first_of_each(mut places: Places, mut warnings: Vec<String>) -> Result<Stack, String> {
    let positions = places.positions();
    if let Err(gaps) = even_step(&positions) {
        return Err(grid::uneven(positions.len(), gaps) + &differing(&places));
    }
    let extra: usize = places.at.iter().map(|place| place.len() - 1).sum();
    places.at.iter_mut().for_each(|place| place.truncate(1));
    warnings.push(format!(
        "{} at the place of another with different pixels; the first by instance number is shown.",
        super::counted(extra, "image", "lie")
    ));
    warnings.extend(mixed_kinds(&places));
    grid::placed(&places, 1, warnings)
}
