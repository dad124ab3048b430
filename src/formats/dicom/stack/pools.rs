//! From a series to pools of images that can lie in one volume: one subject, one matrix, one plane.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::aside;
use super::features::{Feature, classes};
use super::places::{Places, even_step, length, minus};
use super::{Member, Stack};
use crate::work::numbers::{real, whole};

/// Directions and spacings that differ by more are other ones, however they are rounded.
const OTHER_DIRECTION: f64 = 0.01;
const OTHER_SPACING_SHARE: f64 = 0.02;
/// Directions that differ by less are the same.
const SAME_DIRECTION: f64 = 1e-3;

/// Images that belong together so far, and what the user must know of how they came to.
pub struct Pool {
    /// The images.
    pub members: Vec<Member>,
    /// Warnings for each volume made of them.
    pub notes: Vec<String>,
}

/// Parts a series by patient, study and frame of reference: nothing that lies in different bodies is one volume.
pub fn by_subject(members: Vec<Member>) -> Vec<Pool> {
    let mut pools = vec![Pool { members, notes: Vec::new() }];
    for feature in [Feature::PatientId, Feature::Study, Feature::FrameOfReference] {
        pools = pools.into_iter().flat_map(|pool| part_by_subject(feature, pool)).collect();
    }
    pools
}

fn part_by_subject(feature: Feature, pool: Pool) -> Vec<Pool> {
    // Unknown values join by themselves only where there is one known value.
    let place_of: Vec<usize> = (0..pool.members.len()).collect();
    let class = classes(feature, &pool.members, &place_of);
    let count = class.iter().collect::<BTreeSet<_>>().len();
    if count < 2 {
        return vec![pool];
    }
    let Pool { members, mut notes } = pool;
    let is_scrambled = feature != Feature::PatientId && count == members.len() && count > 2 && is_whole(&members);
    if is_scrambled {
        notes.push(format!(
            "{} is another one in each of the {count} images; they lie on one grid and are kept together.",
            feature.name()
        ));
        return vec![Pool { members, notes }];
    }
    notes.push(format!(
        "The images of this series differ in {} although they share a Series Instance UID; each value has a volume of \
         its own.",
        feature.name()
    ));
    let mut parts: BTreeMap<usize, Vec<Member>> = BTreeMap::new();
    members.into_iter().zip(class).for_each(|(member, class)| parts.entry(class).or_default().push(member));
    parts.into_values().map(|members| Pool { members, notes: notes.clone() }).collect()
}

/// Whether images lie on one even grid, each at a place of its own.
fn is_whole(members: &[Member]) -> bool {
    members.iter().all(|m| m.position.is_some())
        && Places::of(members.to_vec())
            .is_some_and(|places| places.repeats() == Some(1) && even_step(&places.positions()).is_ok())
}

/// Parts images by matrix, kind of pixels and plane.
pub fn by_plane(members: Vec<Member>) -> Vec<Pool> {
    let mut pools: BTreeMap<_, Vec<Member>> = BTreeMap::new();
    for member in members {
        let format = &member.format;
        // 32 bits with and without a sign have no common type.
        let is_wide = format.bits_allocated == 32;
        let tables = (member.palette.is_some(), member.table_bits());
        let key = (format.rows, format.columns, format.samples, is_wide, is_wide && format.signed, tables);
        pools.entry(key).or_default().push(member);
    }
    pools.into_values().flat_map(by_stack).flat_map(by_place_and_plane).flat_map(aside::part).collect()
}

/// Parts images by Stack ID where stacks lie at different places; one that numbers slices or time points parts nothing.
fn by_stack(members: Vec<Member>) -> Vec<Vec<Member>> {
    let mut stacks: BTreeMap<Option<Arc<str>>, Vec<Member>> = BTreeMap::new();
    for member in &members {
        stacks.entry(member.stack.clone()).or_default().push(member.clone());
    }
    if stacks.len() < 2 {
        return vec![members];
    }
    let places: BTreeSet<Vec<[i64; 3]>> = stacks
        .values()
        .map(|stack| {
            let tenths = |m: &Member| m.position.map(|p| p.map(|mm| whole((mm * 10.0).round())));
            let own: BTreeSet<[i64; 3]> = stack.iter().filter_map(tenths).collect();
            own.into_iter().collect()
        })
        .collect();
    if places.len() == 1 || places.iter().any(|own| own.len() < 2) {
        return vec![members];
    }
    stacks.into_values().collect()
}

fn by_place_and_plane(members: Vec<Member>) -> Vec<Pool> {
    let (with_position, mut unplaced): (Vec<Member>, Vec<Member>) =
        members.into_iter().partition(|m| m.position.is_some());
    let (placed, bare): (Vec<Member>, Vec<Member>) = with_position.into_iter().partition(|m| m.directions.is_some());
    let mut pools = clusters(placed);
    match &mut pools[..] {
        [only] if !bare.is_empty() => {
            only.notes.push(format!(
                "{} no Image Orientation (Patient); that of the others is taken.",
                super::counted(bare.len(), "image", "give")
            ));
            only.members.extend(bare);
        }
        _ => unplaced.extend(bare),
    }
    if !unplaced.is_empty() {
        let (count, others) = (unplaced.len(), pools.iter().map(|p| p.members.len()).sum::<usize>());
        for pool in &mut pools {
            pool.notes.push(format!("{} no place; left out here.", super::counted(count, "image", "give")));
        }
        let notes = if others > 0 {
            vec![format!("{} a place; left out here.", super::counted(others, "other image", "give"))]
        } else {
            Vec::new()
        };
        pools.push(Pool { members: unplaced, notes });
    }
    pools
}

/// Images of one plane together; planes that differ by rounding only where that makes a whole grid.
fn clusters(members: Vec<Member>) -> Vec<Pool> {
    let mut parts: Vec<Vec<Member>> = Vec::new();
    for member in members {
        match parts.iter_mut().find(|part| part.first().is_some_and(|first| is_same_plane(first, &member))) {
            Some(part) => part.push(member),
            None => parts.push(vec![member]),
        }
    }
    join_unknown_spacing(&mut parts);
    let mut families: Vec<Vec<Vec<Member>>> = Vec::new();
    for part in parts {
        let is_close = |family: &Vec<Vec<Member>>| {
            let first = family.first().and_then(|part| part.first());
            first.zip(part.first()).is_some_and(|(a, b)| is_close_plane(a, b))
        };
        match families.iter_mut().find(|family| is_close(family)) {
            Some(family) => family.push(part),
            None => families.push(vec![part]),
        }
    }
    let mut pools = Vec::new();
    for family in families {
        let members: Vec<Member> = family.iter().flatten().cloned().collect();
        if family.len() > 1 && is_whole(&members) {
            let note = "Pixel Spacing or Image Orientation (Patient) differs a little between the images; they lie on one \
                        grid and are kept together, with the most frequent values.";
            pools.push(Pool { members, notes: vec![note.into()] });
        } else {
            let note = "Pixel Spacing or Image Orientation (Patient) differs a little between images of this series, which are \
                        volumes of their own; images may be missing here.";
            let notes = if family.len() > 1 { vec![note.to_string()] } else { Vec::new() };
            pools.extend(family.into_iter().map(|members| Pool { members, notes: notes.clone() }));
        }
    }
    pools
}

/// Images without a pixel spacing join the only ones with the same directions.
fn join_unknown_spacing(parts: &mut Vec<Vec<Member>>) {
    let is_unknown = |part: &[Member]| part.first().is_some_and(|m| m.pixel_spacing.is_none());
    while let Some(at) = parts.iter().position(|part| is_unknown(part)) {
        let fits: Vec<usize> = (0..parts.len())
            .filter(|&n| n != at && !is_unknown(&parts[n]))
            .filter(|&n| parts[n].first().zip(parts[at].first()).is_some_and(|(a, b)| turned(a, b) < SAME_DIRECTION))
            .collect();
        let [only] = fits[..] else { return };
        let part = parts.swap_remove(at);
        // Removing swaps the last part into the gap.
        let only = if only == parts.len() { at } else { only };
        parts[only].extend(part);
    }
}

/// The largest difference of two images' directions.
fn turned(a: &Member, b: &Member) -> f64 {
    match (a.directions, b.directions) {
        (Some(a), Some(b)) => (0..2).map(|n| length(minus(a[n], b[n]))).fold(0.0, f64::max),
        _ => 0.0,
    }
}

fn is_same_plane(a: &Member, b: &Member) -> bool {
    let same_spacing = match (a.pixel_spacing, b.pixel_spacing) {
        // The far border moves by less than half a pixel.
        (Some([p, q]), Some([r, s])) => {
            (p - r).abs() * real(a.format.rows) <= 0.5 * p && (q - s).abs() * real(a.format.columns) <= 0.5 * q
        }
        (None, None) => true,
        _ => false,
    };
    same_spacing && turned(a, b) < SAME_DIRECTION
}

fn is_close_plane(a: &Member, b: &Member) -> bool {
    let close_spacing = match (a.pixel_spacing, b.pixel_spacing) {
        (Some(p), Some(q)) => (0..2).all(|n| (p[n] - q[n]).abs() <= OTHER_SPACING_SHARE * p[n]),
        _ => true,
    };
    close_spacing && turned(a, b) < OTHER_DIRECTION
}

/// How many images of a series have which columns and rows.
pub fn sizes(members: &[Member]) -> BTreeMap<(usize, usize), usize> {
    let mut sizes = BTreeMap::new();
    members.iter().for_each(|m| *sizes.entry((m.format.columns, m.format.rows)).or_default() += 1);
    sizes
}

/// Says so where a series holds images of another matrix: they cannot be in this volume.
pub fn other_sizes(sizes: &BTreeMap<(usize, usize), usize>, stack: &Stack) -> Option<String> {
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
