//! Fill between slices: the slices of a label that lie between two drawn ones.
//!
//! Every slice that holds the label is a drawn one and stays bit for bit, also two in a row, also a single voxel. Between two drawn slices
//! with a gap, parts that belong together are found first (`parts.rs`), and each such group is carried over by itself: by signed distances
//! (`signed.rs`) or by the contours' morphology (`contour.rs`). Only voxels without a label are filled; where two labels would fill a voxel,
//! the one whose border is further away gets it.
//!
//! **Invariant:** a voxel that has a label keeps it.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixels and distances between them turn into each other, within slices"
)]

mod contour;
mod drawn;
mod parts;
mod picture;
mod signed;

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::volume::{LabelMap, LabelValue, Region};
use crate::work::{Stopped, Watch};
use drawn::{Drawn, drawn};
use parts::{Group, groups, parts};

/// How shapes between two drawn slices come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FillMethod {
    /// Signed distances are blended, centres aligned, and cut where the area lies between the areas of the drawn slices.
    #[default]
    SignedDistance,
    /// The median of both shapes is taken again and again.
    Contours,
}

/// What is to be filled.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// The labels as they are.
    pub labels: &'a LabelMap,
    /// Those that are filled.
    pub fill: &'a [LabelValue],
    /// The voxel axis that the slices are stacked along: 0, 1 or 2.
    pub axis: usize,
    /// How.
    pub method: FillMethod,
}

/// What was filled of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilledLabel {
    /// Its value.
    pub label: LabelValue,
    /// Slices that held it before.
    pub drawn: usize,
    /// Slices between them that did not.
    pub between: usize,
    /// Voxels that it got.
    pub voxels: usize,
    /// Voxels that it would have got, but that have another label.
    pub kept: usize,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Filled {
    /// The labels afterwards.
    pub labels: LabelMap,
    /// What was filled, in the order that was asked for.
    pub report: Vec<FilledLabel>,
}

/// Two drawn slices of a label with none between them.
struct Gap<'a> {
    label: LabelValue,
    drawn: &'a Drawn,
    /// The drawn slices before, at both ends of, and behind the gap.
    slices: [Option<usize>; 4],
    ends: [usize; 2],
}

/// Voxels of one slice that a label would get.
struct Claim {
    label: LabelValue,
    slice: usize,
    /// Place in the plane, and how far inside the label's border in millimetres.
    pixels: Vec<([usize; 2], f32)>,
}

/// The voxel axes of a slice's columns and rows.
fn axes_of_plane(axis: usize) -> [usize; 2] {
    match axis {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    }
}

fn voxel(axis: usize, slice: usize, [column, row]: [usize; 2]) -> [usize; 3] {
    let [across, down] = axes_of_plane(axis);
    let mut voxel = [0; 3];
    voxel[axis.min(2)] = slice;
    voxel[across] = column;
    voxel[down] = row;
    voxel
}

/// Fills the slices between drawn ones. Neither first nor last slice of a label moves.
///
/// Memory: the voxels that are filled, a few bytes each, and a few pictures of the size of the parts per thread.
///
/// # Errors
/// When the work is stopped.
pub fn fill_between(filling: &Filling, watch: Watch) -> Result<Filled, Stopped> {
    let axis = filling.axis.min(2);
    let found = drawn(filling.labels, filling.fill, axis, watch.part(0.0, 0.2))?;
    let gaps: Vec<Gap> = found.iter().flat_map(|(label, drawn)| gaps(*label, drawn)).collect();
    let done = std::sync::atomic::AtomicUsize::new(0);
    let fill = |gap: &Gap| {
        let claims = fill_gap(filling, axis, gap, watch)?;
        let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        watch.part(0.2, 0.9).at(crate::work::numbers::share(done, gaps.len()))?;
        Ok(claims)
    };
    let claims: Vec<Vec<Claim>> = gaps.par_iter().map(fill).collect::<Result<_, Stopped>>()?;
    let mut of_slices: BTreeMap<usize, Vec<Claim>> = BTreeMap::new();
    claims.into_iter().flatten().for_each(|claim| of_slices.entry(claim.slice).or_default().push(claim));
    let mut report: Vec<FilledLabel> =
        filling.fill.iter().map(|label| empty_report(*label, found.get(label))).collect();
    let mut labels = filling.labels.clone();
    for (slice, claims) in of_slices {
        watch.check()?;
        settle(&mut labels, axis, slice, &claims, &mut report);
    }
    labels.compact();
    watch.at(1.0)?;
    Ok(Filled { labels, report })
}

/// How many slices along an axis lie without a label between others that have it, over all these labels.
///
/// # Errors
/// When the work is stopped.
pub(super) fn missing_slices(
    labels: &LabelMap,
    wanted: &[LabelValue],
    axis: usize,
    watch: Watch,
) -> Result<usize, Stopped> {
    let found = drawn(labels, wanted, axis.min(2), watch)?;
    Ok(found.iter().map(|(label, drawn)| empty_report(*label, Some(drawn)).between).sum())
}

fn empty_report(label: LabelValue, drawn: Option<&Drawn>) -> FilledLabel {
    let slices = drawn.map(Drawn::slices).unwrap_or_default();
    let span = slices.last().zip(slices.first()).map_or(0, |(last, first)| last - first + 1);
    FilledLabel { label, drawn: slices.len(), between: span - slices.len(), voxels: 0, kept: 0 }
}

/// The gaps between a label's drawn slices.
fn gaps(label: LabelValue, drawn: &Drawn) -> Vec<Gap<'_>> {
    let slices = drawn.slices();
    let at = |n: Option<usize>| n.and_then(|n| slices.get(n)).copied();
    let is_gap = |n: &usize| slices[*n + 1] - slices[*n] > 1;
    let gap = |n: usize| Gap {
        label,
        drawn,
        slices: [at(n.checked_sub(1)), at(Some(n)), at(Some(n + 1)), at(Some(n + 2))],
        ends: [slices[n], slices[n + 1]],
    };
    (0..slices.len().saturating_sub(1)).filter(is_gap).map(gap).collect()
}

/// What a label would get in the slices of a gap.
fn fill_gap(filling: &Filling, axis: usize, gap: &Gap, watch: Watch) -> Result<Vec<Claim>, Stopped> {
    watch.check()?;
    let [columns, rows] = axes_of_plane(axis);
    let Region { start, end } = gap.drawn.region;
    let window = [[start[columns], start[rows]], [end[columns], end[rows]]];
    let read = |slice: usize| parts(window, |pixel| filling.labels.get(voxel(axis, slice, pixel)) == gap.label);
    let ends = gap.ends.map(read);
    let spacing = filling.labels.geometry().spacing_mm();
    let spacing = [spacing[columns], spacing[rows]];
    let is_single = ends.iter().all(|parts| parts.len() == 1);
    let areas = areas(gap, is_single);
    let shape = filling.labels.geometry().shape();
    let size = [shape[columns], shape[rows]];
    let length = (gap.ends[1] - gap.ends[0]) as f64;
    let mut claims = Vec::new();
    for group in groups(&ends, spacing) {
        watch.check()?;
        let Group { shapes, is_moved } = &group;
        let carry = signed::Carry::new(shapes, *is_moved, spacing, watch)?;
        let contours = match filling.method {
            FillMethod::SignedDistance => None,
            FillMethod::Contours => contour::between(shapes, gap.ends[1] - gap.ends[0], spacing, watch)?,
        };
        for slice in gap.ends[0] + 1..gap.ends[1] {
            watch.check()?;
            let pixels = match &contours {
                Some(contours) => contours[slice - gap.ends[0] - 1].clone(),
                None => {
                    let share = (slice - gap.ends[0]) as f64 / length;
                    let area = match areas {
                        // What is drawn alike twice stays alike, whatever comes behind.
                        Some(curve) if shapes[0] != shapes[1] => curve.at(share),
                        _ => (1.0 - share) * shapes[0].len() as f64 + share * shapes[1].len() as f64,
                    };
                    carry.at(share, area)
                }
            };
            let inside = |([x, y], depth): ([i64; 2], f32)| {
                let pixel = [usize::try_from(x).ok()?, usize::try_from(y).ok()?];
                (pixel[0] < size[0] && pixel[1] < size[1]).then_some((pixel, depth))
            };
            let pixels = pixels.into_iter().filter_map(inside).collect();
            claims.push(Claim { label: gap.label, slice, pixels });
        }
    }
    Ok(claims)
}

/// How the area goes on between two drawn slices: a cubic (Hermite) with the slopes that the slices beyond them give.
#[derive(Clone, Copy)]
struct AreaCurve {
    ends: [f64; 2],
    slopes: [f64; 2],
}

impl AreaCurve {
    fn at(&self, t: f64) -> f64 {
        let [a, b] = self.ends;
        let [from, to] = self.slopes;
        let (t2, t3) = (t * t, t * t * t);
        let area =
            (2.0 * t3 - 3.0 * t2 + 1.0) * a + (t3 - 2.0 * t2 + t) * from + (3.0 * t2 - 2.0 * t3) * b + (t3 - t2) * to;
        // A curve through far slices may swing.
        area.clamp(0.5 * a.min(b), 1.5 * a.max(b))
    }
}

/// The curve of the areas where both ends of a gap are of one part.
fn areas(gap: &Gap, is_single: bool) -> Option<AreaCurve> {
    if !is_single {
        return None;
    }
    let area = |slice: usize| gap.drawn.area(slice) as f64;
    let [first, last] = gap.ends;
    let length = (last - first) as f64;
    let ends = [area(first), area(last)];
    let secant = ends[1] - ends[0];
    let before = gap.slices[0].map(|slice| (ends[1] - area(slice)) / (last - slice) as f64 * length);
    let behind = gap.slices[3].map(|slice| (area(slice) - ends[0]) / (slice - first) as f64 * length);
    let slopes = match (before, behind) {
        (Some(before), Some(behind)) => [before, behind],
        // No bend at the last drawn slice.
        (Some(before), None) => [before, 0.5 * (3.0 * secant - before)],
        (None, Some(behind)) => [0.5 * (3.0 * secant - behind), behind],
        (None, None) => [secant; 2],
    };
    Some(AreaCurve { ends, slopes })
}

/// Gives the voxels of a slice to the labels that claim them.
fn settle(labels: &mut LabelMap, axis: usize, slice: usize, claims: &[Claim], report: &mut [FilledLabel]) {
    let mut deepest: BTreeMap<[usize; 2], (f32, LabelValue)> = BTreeMap::new();
    let is_shared = claims.iter().any(|claim| claim.label != claims[0].label);
    if is_shared {
        for claim in claims {
            for (pixel, depth) in &claim.pixels {
                let best = deepest.entry(*pixel).or_insert((*depth, claim.label));
                // Of equals the lower label, whatever the order.
                if *depth > best.0 || (*depth == best.0 && claim.label < best.1) {
                    *best = (*depth, claim.label);
                }
            }
        }
    }
    for claim in claims {
        let Some(told) = report.iter_mut().find(|told| told.label == claim.label) else { continue };
        for (pixel, _) in &claim.pixels {
            if is_shared && deepest.get(pixel).is_some_and(|(_, label)| *label != claim.label) {
                continue;
            }
            let at = voxel(axis, slice, *pixel);
            match labels.get(at) {
                0 => {
                    labels.set(at, claim.label);
                    told.voxels += 1;
                }
                other => told.kept += usize::from(other != claim.label),
            }
        }
    }
}

#[cfg(test)]
mod tests;
