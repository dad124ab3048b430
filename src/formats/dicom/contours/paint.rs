//! Which voxels of a grid lie inside the contours of a region.
//!
//! Contours that lie in planes of voxels are filled there by [`fill_contours`]; their planes may lie beside the slices. All others, those on
//! slices that are turned against the grid, are filled by where the rows of voxels cut them.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::doubtful::any_cross;
use super::structure_set::{Contour, ContourPlane, Roi, StructureSet, planes_of};
use crate::shape::{fill_contours, flattened, tangents};
use crate::volume::{Geometry, LabelMap, LabelValue, Region, Vec3, dot};
use crate::work::numbers::{natural, real, whole};
use crate::work::{Stopped, Watch};

/// Contours whose points differ by less than this along an axis, in voxels, lie in a plane of voxels.
const FLAT: f64 = 0.25;
/// Planes nearer to each other, in voxels, are one.
const ONE_PLANE: f64 = 0.1;
/// Planes nearer to a slice, in voxels, lie in it.
pub const IN_SLICE: f64 = 0.02;
/// Planes stand for no more than this on either side: contours that lie farther apart are single slices, and nobody knows what lies between.
const MOST_REACH_MM: f64 = 5.0;
/// Turned planes nearer to each other are one.
const ONE_TURNED_PLANE_MM: f64 = 0.05;
/// Planes whose normals have at least this cosine have one direction.
const SAME_DIRECTION: f64 = 0.9999;
/// Most directions of planes; in each further one a plane stands for itself alone.
const MOST_DIRECTIONS: usize = 256;
/// What rounding may add, in voxels.
const ROUNDING: f64 = 1e-3;

/// Voxels along i, in the order of their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    k: usize,
    j: usize,
    start: usize,
    end: usize,
}

/// A region's voxels.
#[derive(Default)]
pub struct Filled {
    runs: Vec<Run>,
    /// Contours of which nothing lies in the grid.
    pub outside: usize,
    /// Whether contours of one plane cross each other.
    pub is_crossed: bool,
}

impl Filled {
    /// Whether it has no voxel.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Adds voxels in a line along an axis.
    fn add(&mut self, first: [usize; 3], axis: usize, count: usize) {
        let run = |[i, j, k]: [usize; 3], length: usize| Run { k, j, start: i, end: i + length };
        if axis == 0 {
            self.runs.push(run(first, count));
            return;
        }
        self.runs.extend((0..count).map(|n| {
            let mut voxel = first;
            voxel[axis] += n;
            run(voxel, 1)
        }));
    }

    /// Puts the region into a map where that holds nothing yet, and says how many of its voxels were another's.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn put(mut self, label: LabelValue, labels: &mut LabelMap, watch: Watch) -> Result<usize, Stopped> {
        self.runs.sort_unstable();
        // What lies inside and on the outline is there twice.
        self.runs.dedup_by(|b, a| {
            let is_one = (a.k, a.j) == (b.k, b.j) && b.start <= a.end;
            if is_one {
                a.end = a.end.max(b.end);
            }
            is_one
        });
        let of_run = |run: &Run| Region { start: [run.start, run.j, run.k], end: [run.end, run.j + 1, run.k + 1] };
        let Some(region) = self.runs.iter().map(of_run).reduce(Region::joined) else { return Ok(0) };
        let (shared, runs) = (AtomicUsize::new(0), &self.runs);
        *labels = labels.edited(region, watch, |[i, j, k], row| {
            let first = runs.partition_point(|run| (run.k, run.j, run.end) <= (k, j, i));
            let end = i + row.len();
            let here = runs.iter().skip(first).take_while(|run| (run.k, run.j) == (k, j) && run.start < end);
            for run in here {
                let inside = run.start.max(i) - i..run.end.min(end) - i;
                for value in row.get_mut(inside).into_iter().flatten() {
                    if *value == 0 {
                        *value = label;
                    } else {
                        shared.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        })?;
        Ok(shared.into_inner())
    }
}

/// Closed contours in voxels, for the axis across their planes.
struct Slab<'a> {
    axis: usize,
    /// Place along the axis, and contours there.
    planes: Vec<(f64, Vec<&'a Contour>)>,
}

/// How contours lie in a grid.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Fit {
    /// How far planes of contours lie beside slices at most, in millimetres; 0 where all lie in slices to within rounding.
    pub beside_mm: f64,
    /// Whether there are contours whose planes are turned against the grid's.
    pub is_turned: bool,
    /// How far from a plane a slice may lie that takes it, in millimetres.
    pub reach_mm: f64,
    /// Half of what a plane stands for along each axis, in voxels.
    reach: [f64; 3],
}

/// Looks at all contours: how far their planes are apart, and how they lie in the grid. Where the grid is that of the images that they were
/// drawn on, each contour is for one slice.
///
/// # Errors
/// When the work is stopped.
pub fn fit(set: &StructureSet, grid: &Geometry, is_own_scan: bool, watch: Watch) -> Result<Fit, Stopped> {
    let mut fit = Fit { reach: [0.5; 3], ..Fit::default() };
    let mut places: [Vec<f64>; 3] = Default::default();
    for roi in &set.rois {
        watch.check()?;
        let (slabs, turned) = sorted(roi, grid);
        for slab in slabs {
            places[slab.axis].extend(slab.planes.iter().map(|(place, _)| *place));
        }
        fit.is_turned |= !turned.is_empty();
    }
    let spacing = grid.spacing_mm();
    for axis in 0..3 {
        let places = &mut places[axis];
        places.sort_by(f64::total_cmp);
        places.dedup_by(|b, a| *b - *a <= ONE_PLANE);
        let beside = places.iter().map(|place| (place - place.round()).abs()).fold(0.0, f64::max);
        if beside > IN_SLICE {
            fit.beside_mm = fit.beside_mm.max(beside * spacing[axis]);
        }
        let step = places.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        if !is_own_scan && step.is_finite() {
            fit.reach[axis] = (step / 2.0).min(MOST_REACH_MM / spacing[axis]).max(0.5);
        }
        if !places.is_empty() {
            fit.reach_mm = fit.reach_mm.max(fit.reach[axis] * spacing[axis]);
        }
    }
    Ok(fit)
}

/// The closed contours of a region that lie in planes of voxels, axis by axis, and those that do not.
fn sorted<'a>(roi: &'a Roi, grid: &Geometry) -> (Vec<Slab<'a>>, Vec<ContourPlane<'a>>) {
    let closed = roi.closed();
    let spans: Vec<[[f64; 2]; 3]> = closed.iter().map(|contour| spans(contour, grid)).collect();
    let is_flat = |span: &[[f64; 2]; 3], axis: usize| span[axis][1] - span[axis][0] <= FLAT;
    // Small contours lie flat along several axes; they are taken along that of the others.
    let mut by_use = [2, 1, 0].map(|axis| (spans.iter().filter(|span| is_flat(span, axis)).count(), axis));
    by_use.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let (mut slabs, mut turned) = (Vec::<Slab>::new(), Vec::new());
    for (contour, span) in closed.into_iter().zip(&spans) {
        let Some((_, axis)) = by_use.into_iter().find(|(_, axis)| is_flat(span, *axis)) else {
            turned.push(contour);
            continue;
        };
        let place = f64::midpoint(span[axis][0], span[axis][1]);
        match slabs.iter_mut().find(|slab| slab.axis == axis) {
            Some(slab) => slab.planes.push((place, vec![contour])),
            None => slabs.push(Slab { axis, planes: vec![(place, vec![contour])] }),
        }
    }
    for slab in &mut slabs {
        slab.planes.sort_by(|a, b| a.0.total_cmp(&b.0));
        slab.planes.dedup_by(|b, a| {
            let is_one = b.0 - a.0 <= ONE_PLANE;
            if is_one {
                a.1.append(&mut b.1);
            }
            is_one
        });
    }
    (slabs, planes_of(&turned))
}

/// The least and the largest place of a contour's points along each axis, in voxels.
fn spans(contour: &Contour, grid: &Geometry) -> [[f64; 2]; 3] {
    let mut spans = [[f64::INFINITY, f64::NEG_INFINITY]; 3];
    for point in &contour.points {
        let voxel = grid.voxel_from_world().point(*point);
        for (span, at) in spans.iter_mut().zip(voxel) {
            *span = [span[0].min(at), span[1].max(at)];
        }
    }
    spans
}

/// Fills a region.
///
/// # Errors
/// When the work is stopped.
pub fn fill(roi: &Roi, grid: &Geometry, fit: &Fit, watch: Watch) -> Result<Filled, Stopped> {
    let mut filled = Filled::default();
    let (slabs, turned) = sorted(roi, grid);
    for slab in slabs {
        fill_slab(&slab, grid, fit.reach[slab.axis], &mut filled, watch)?;
    }
    let parts = parts_mm(&turned, grid, watch)?;
    for (plane, part) in turned.iter().zip(parts) {
        fill_turned(plane, part, grid, &mut filled, watch)?;
    }
    Ok(filled)
}

/// Every slice takes the plane nearest to it; of two that are as near, the one behind it.
fn fill_slab(slab: &Slab, grid: &Geometry, reach: f64, filled: &mut Filled, watch: Watch) -> Result<(), Stopped> {
    let axis = slab.axis;
    let [across, down] = [[1, 2], [0, 2], [0, 1]][axis];
    let shape = grid.shape();
    let mut taken: Vec<Range<usize>> = Vec::with_capacity(slab.planes.len());
    for (n, (place, _)) in slab.planes.iter().enumerate() {
        let before = n.checked_sub(1).and_then(|n| slab.planes.get(n)).map(|(other, _)| f64::midpoint(*other, *place));
        let after = slab.planes.get(n + 1).map(|(other, _)| f64::midpoint(*other, *place));
        let from = before.unwrap_or(f64::NEG_INFINITY).max(place - reach);
        let to = after.unwrap_or(f64::INFINITY).min(place + reach);
        // Half open, so that half-way between two slices a plane is in one.
        let slice = |at: f64| natural(whole((at - ROUNDING).ceil())).min(shape[axis]);
        taken.push(slice(from)..slice(to));
    }
    for ((_, contours), slices) in slab.planes.iter().zip(taken) {
        watch.check()?;
        filled.outside += outside(contours, grid, reach);
        if slices.is_empty() {
            continue;
        }
        let outlines: Vec<Vec<[f64; 2]>> = contours
            .iter()
            .map(|contour| {
                let pixel = |point: &Vec3| {
                    let voxel = grid.voxel_from_world().point(*point);
                    [voxel[across] + 0.5, voxel[down] + 0.5]
                };
                contour.points.iter().map(pixel).collect()
            })
            .collect();
        filled.is_crossed |= any_cross(&outlines);
        let outlines: Vec<&[[f64; 2]]> = outlines.iter().map(Vec::as_slice).collect();
        fill_contours(&outlines, [shape[across], shape[down]], |row, columns| {
            for slice in slices.clone() {
                let mut first = [0; 3];
                (first[across], first[down], first[axis]) = (columns.start, row, slice);
                filled.add(first, across, columns.len());
            }
        });
    }
    Ok(())
}

/// How many contours lie beside the grid, whose planes stand for so many voxels on either side. Others may hold no voxel's centre.
fn outside(contours: &[&Contour], grid: &Geometry, reach: f64) -> usize {
    let is_outside = |contour: &&&Contour| {
        let spans = spans(contour, grid);
        (0..3).any(|axis| spans[axis][1] < -reach || spans[axis][0] > real(grid.shape()[axis]) - 1.0 + reach)
    };
    contours.iter().filter(is_outside).count()
}

/// Half a voxel along a direction, in millimetres.
fn half_voxel_mm(grid: &Geometry, normal: Vec3) -> f64 {
    let affine = grid.world_from_voxel();
    [0, 1, 2].map(|axis| dot(affine.column(axis), normal).abs()).into_iter().fold(0.0, f64::max) / 2.0
}

/// Turned planes of one direction.
struct Stacked {
    normal: Vec3,
    /// Their places along the normal, in ascending order.
    places_mm: Vec<f64>,
    /// How far at most from a plane its voxels lie.
    reach_mm: f64,
}

/// What the turned planes of a region stand for, each from its own place on in millimetres: up to half-way to the next ones of its
/// direction, and no farther than half the least step between those.
fn parts_mm(planes: &[ContourPlane], grid: &Geometry, watch: Watch) -> Result<Vec<[f64; 2]>, Stopped> {
    let mut stacks: Vec<Stacked> = Vec::new();
    let mut stack_of = Vec::with_capacity(planes.len());
    for plane in planes {
        watch.check()?;
        let mut known = stacks.iter().take(MOST_DIRECTIONS);
        let known = known.position(|stack| dot(stack.normal, plane.normal) >= SAME_DIRECTION);
        let place = known.unwrap_or(stacks.len());
        match stacks.get_mut(place) {
            Some(stack) => stack.places_mm.push(plane.offset_mm),
            None => stacks.push(Stacked { normal: plane.normal, places_mm: vec![plane.offset_mm], reach_mm: 0.0 }),
        }
        stack_of.push(place);
    }
    for stack in &mut stacks {
        stack.places_mm.sort_by(f64::total_cmp);
        let steps = stack.places_mm.windows(2).map(|pair| pair[1] - pair[0]);
        let step = steps.filter(|step| *step > ONE_TURNED_PLANE_MM).min_by(f64::total_cmp);
        let reach = step.map_or(0.0, |step| (step / 2.0).min(MOST_REACH_MM));
        stack.reach_mm = reach.max(half_voxel_mm(grid, stack.normal));
    }
    let part = |(plane, stack): (&ContourPlane, &usize)| {
        let Some(stack) = stacks.get(*stack) else { return [0.0; 2] };
        let (here, places) = (plane.offset_mm, &stack.places_mm);
        let before = places.partition_point(|place| *place < here - ONE_TURNED_PLANE_MM);
        let before = before.checked_sub(1).and_then(|n| places.get(n));
        let after = places.get(places.partition_point(|place| *place <= here + ONE_TURNED_PLANE_MM));
        [
            before.map_or(-stack.reach_mm, |place| ((place - here) / 2.0).max(-stack.reach_mm)),
            after.map_or(stack.reach_mm, |place| ((place - here) / 2.0).min(stack.reach_mm)),
        ]
    };
    Ok(planes.iter().zip(&stack_of).map(part).collect())
}

/// Rows of voxels are cut by the outlines of a plane: a voxel belongs to it if it lies in the plane's part of the space and its place in the
/// plane is inside.
fn fill_turned(
    plane: &ContourPlane,
    part_mm: [f64; 2],
    grid: &Geometry,
    filled: &mut Filled,
    watch: Watch,
) -> Result<(), Stopped> {
    let affine = grid.world_from_voxel();
    let normal = plane.normal;
    let axes = tangents(normal);
    let in_plane = |point: Vec3| [dot(point, axes[0]), dot(point, axes[1]), dot(point, normal) - plane.offset_mm];
    let outlines: Vec<Vec<[f64; 2]>> =
        plane.contours.iter().map(|contour| flattened(&contour.points, normal)).collect();
    // The voxels around the contours, moved to both ends of the plane's part.
    let mut around = [[f64::INFINITY, f64::NEG_INFINITY]; 3];
    for point in plane.contours.iter().flat_map(|contour| &contour.points) {
        for side in part_mm {
            let moved = [0, 1, 2].map(|axis| point[axis] + side * normal[axis]);
            for (span, at) in around.iter_mut().zip(grid.voxel_from_world().point(moved)) {
                *span = [span[0].min(at), span[1].max(at)];
            }
        }
    }
    let shape = grid.shape();
    let range = |axis: usize| {
        natural(whole(around[axis][0].floor()))
            ..natural(whole(around[axis][1].ceil()).saturating_add(1)).min(shape[axis])
    };
    let before = filled.runs.len();
    let step = in_plane_step(affine.column(0), &axes, normal);
    for k in range(2) {
        for j in range(1) {
            watch.check()?;
            let start = in_plane(affine.point([0.0, real(j), real(k)]));
            let slab = where_between(start[2], step[2], part_mm, range(0));
            for columns in insides(&outlines, start, step, &slab) {
                filled.add([columns.start, j, k], 0, columns.len());
            }
        }
    }
    // Points and short lines.
    for point in plane.contours.iter().filter(|contour| contour.points.len() < 3).flat_map(|contour| &contour.points) {
        grid.voxel_at(*point).into_iter().for_each(|first| filled.add(first, 0, 1));
    }
    filled.is_crossed |= any_cross(&outlines);
    if filled.runs.len() == before {
        filled.outside += outside(&plane.contours, grid, 0.5);
    }
    Ok(())
}

/// A step along a row of voxels, in the plane and across it.
fn in_plane_step(step: Vec3, axes: &[Vec3; 2], normal: Vec3) -> Vec3 {
    [dot(step, axes[0]), dot(step, axes[1]), dot(step, normal)]
}

/// The places along a row whose distance from the plane is from `from` to below `to`.
fn where_between(start: f64, step: f64, [from, to]: [f64; 2], all: Range<usize>) -> Range<usize> {
    if step.abs() * real(all.end) < 1e-9 {
        return if (from..to).contains(&start) { all } else { 0..0 };
    }
    let [a, b] = [(from - start) / step, (to - start) / step];
    place(a.min(b), &all)..place(a.max(b), &all)
}

/// The first place of a row from a point on.
fn place(at: f64, all: &Range<usize>) -> usize {
    natural(whole((at - 1e-9).ceil())).clamp(all.start, all.end)
}

/// Those of some places along a row that lie inside an odd number of outlines.
fn insides(outlines: &[Vec<[f64; 2]>], start: Vec3, step: Vec3, all: &Range<usize>) -> Vec<Range<usize>> {
    if all.is_empty() {
        return Vec::new();
    }
    let length = step[0] * step[0] + step[1] * step[1];
    // A row that leads straight through the plane has one place in it.
    let is_across = length <= 1e-12 * step[2] * step[2];
    let way = if is_across { [1.0, 0.0] } else { [step[0], step[1]] };
    let length = if is_across { 1.0 } else { length };
    let mut cuts = Vec::new();
    for outline in outlines.iter().filter(|outline| outline.len() >= 3) {
        let from_start = |n: usize| {
            let point = outline[n % outline.len()];
            let [x, y] = [point[0] - start[0], point[1] - start[1]];
            (way[0] * y - way[1] * x, (way[0] * x + way[1] * y) / length)
        };
        for n in 0..outline.len() {
            let ((side, along), (other_side, other_along)) = (from_start(n), from_start(n + 1));
            if (side <= 0.0) != (other_side <= 0.0) {
                cuts.push(along + side / (side - other_side) * (other_along - along));
            }
        }
    }
    cuts.sort_by(f64::total_cmp);
    if is_across {
        let is_inside = cuts.iter().filter(|cut| **cut > 0.0).count() % 2 == 1;
        return if is_inside { vec![all.clone()] } else { Vec::new() };
    }
    let pairs = cuts.chunks_exact(2).map(|pair| place(pair[0], all)..place(pair[1], all));
    pairs.filter(|span| !span.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::dicom::contours::structure_set::ContourKind;
    use crate::volume::Affine;

    fn grid() -> Geometry {
        let axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        Geometry::new([8, 8, 90], Affine::from_columns(axes, [0.0; 3])).unwrap()
    }

    fn square(z: f64) -> Contour {
        let points = [[1.0, 1.0], [3.0, 1.0], [3.0, 2.0], [1.0, 2.0]].map(|[x, y]| [x, y, z]).to_vec();
        Contour { kind: ContourKind::Closed, points, image: None }
    }

    #[test]
    fn lesions_far_apart_on_another_series_stay_thin() {
        let grid = grid();
        let voxels = |places: &[f64], is_own: bool| {
            let roi = Roi { contours: places.iter().map(|z| square(*z)).collect(), ..Roi::default() };
            let set = StructureSet { rois: vec![roi], ..StructureSet::default() };
            let fit = fit(&set, &grid, is_own, Watch::unwatched()).unwrap();
            let mut labels = LabelMap::empty(grid.clone());
            let filled = fill(&set.rois[0], &grid, &fit, Watch::unwatched()).unwrap();
            filled.put(1, &mut labels, Watch::unwatched()).unwrap();
            labels.counts().remove(&1).unwrap()
        };
        // Six voxels in a slice. Two planes 60 mm apart: five millimetres to each side.
        assert_eq!(voxels(&[10.0, 70.0], false), 2 * 10 * 6);
        assert_eq!(voxels(&[10.0, 16.0, 70.0], false), 3 * 6 * 6);
        assert_eq!(voxels(&[10.0, 70.0], true), 2 * 6);
    }

    #[test]
    fn turned_planes_stand_for_half_a_step_of_their_own_region() {
        let normal = [0.6, 0.0, 0.8];
        let planes = |places: &[f64]| -> Vec<[f64; 2]> {
            let plane = |offset_mm: &f64| ContourPlane { normal, offset_mm: *offset_mm, contours: Vec::new() };
            parts_mm(&places.iter().map(plane).collect::<Vec<_>>(), &grid(), Watch::unwatched()).unwrap()
        };
        assert_eq!(planes(&[7.0]), [[-0.4, 0.4]]);
        assert_eq!(planes(&[0.0, 60.0]), [[-5.0, 5.0]; 2]);
        assert_eq!(planes(&[0.0, 3.0, 60.0]), [[-1.5, 1.5]; 3]);
        assert_eq!(planes(&[0.0, 0.5]), [[-0.4, 0.25], [-0.25, 0.4]]);
    }
}
