//! The grid through the frames of a segmentation that lies on no scan.

use super::header::{Frame, Place, Segmentation};
use crate::volume::{Affine, Geometry, Vec3, cross};
use crate::work::numbers::{natural, real, whole};

/// Frames nearer than this share of the pixel spacing lie in one plane.
const SAME_PLANE: f64 = 0.05;
/// Frames may be so far beside even steps, in shares of a step.
const EVEN: f64 = 0.02;
/// How far rounding in the header moves a frame, in millimetres.
const ROUNDING_MM: f64 = 0.02;
/// Most planes of a grid for each one that has frames, and besides: frames far apart do not make a huge one.
const MOST_PLANES_EACH: usize = 100;
const MOST_PLANES_BESIDES: usize = 1000;
/// Most steps from one frame to the next.
const MOST_PLANES: usize = 20_000;

/// A grid, and the plane of it that each frame lies in.
pub struct OwnGrid {
    /// The grid.
    pub geometry: Geometry,
    /// k of each frame.
    pub planes: Vec<usize>,
    /// What is doubtful.
    pub warnings: Vec<String>,
}

fn minus(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn dot(a: Vec3, b: Vec3) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn size(v: Vec3) -> f64 {
    dot(v, v).sqrt()
}

impl Place {
    /// The direction across the frame.
    pub fn normal(&self) -> Vec3 {
        cross(self.directions[0], self.directions[1])
    }

    /// The grid of the frame alone, one millimetre thick; none for numbers that no grid can have.
    pub fn geometry(&self, columns: usize, rows: usize) -> Option<Geometry> {
        let ras = |[x, y, z]: Vec3, by: f64| [-x * by, -y * by, z * by];
        let [row, column] = self.directions;
        let axes = [ras(row, self.spacing[1]), ras(column, self.spacing[0]), ras(self.normal(), 1.0)];
        Geometry::new([columns, rows, 1], Affine::from_columns(axes, ras(self.position, 1.0))).ok()
    }
}

/// The number of the plane that each frame lies in, counted along the normal; frames without a place are in one plane where they were
/// made on the same image, and else alone.
pub fn planes_of(frames: &[Frame]) -> Vec<usize> {
    let Some(first) = frames.iter().find_map(|frame| frame.place) else {
        let key = |frame: &Frame| frame.source.clone();
        let mut known: Vec<Option<(String, Option<u32>)>> = Vec::new();
        let mut number = std::collections::HashMap::new();
        return frames
            .iter()
            .map(|frame| {
                let key = key(frame);
                let next = known.len();
                let n = if key.is_some() { *number.entry(key.clone()).or_insert(next) } else { next };
                if n == next {
                    known.push(key);
                }
                n
            })
            .collect();
    };
    let normal = first.normal();
    let near = ROUNDING_MM.max(SAME_PLANE * first.spacing[0].min(first.spacing[1]));
    let along = |frame: &Frame| frame.place.map_or(f64::INFINITY, |place| dot(place.position, normal));
    let mut order: Vec<(f64, usize)> = frames.iter().enumerate().map(|(n, frame)| (along(frame), n)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut planes = vec![0; frames.len()];
    let (mut plane, mut start) = (0, order.first().map_or(0.0, |first| first.0));
    for (offset, frame) in order {
        // Those without a place come last, in a plane of their own.
        if offset - start >= near {
            plane += 1;
            start = offset;
        }
        if let Some(slot) = planes.get_mut(frame) {
            *slot = plane;
        }
    }
    planes
}

/// The grid through all frames.
///
/// # Errors
/// A sentence with what to do, where the frames are on no grid: turned against each other, at uneven distances, or without a place.
pub fn own_grid(segmentation: &Segmentation) -> Result<OwnGrid, String> {
    let Segmentation { frames, rows, columns, .. } = segmentation;
    let on_scan = "open it on its scan (on the command line with --reference)";
    let places: Option<Vec<Place>> = frames.iter().map(|frame| frame.place).collect();
    let places = places.ok_or_else(|| format!("the frames do not say where they lie in the patient; {on_scan}"))?;
    let Some(first) = places.first().copied() else {
        return Err(format!("it has no frames, so it has no place by itself; {on_scan}"));
    };
    let turned = |place: &Place| {
        (0..2).any(|n| size(minus(place.directions[n], first.directions[n])) > 1e-3)
            || (0..2).any(|n| (place.spacing[n] / first.spacing[n] - 1.0).abs() > 1e-3)
    };
    if let Some(n) = places.iter().position(turned) {
        return Err(format!(
            "frame {} lies in another direction or has other pixels than the first one; {on_scan}",
            n + 1
        ));
    }
    let planes = planes_of(frames);
    let normal = first.normal();
    let count = planes.iter().max().map_or(0, |last| last + 1);
    let mut at: Vec<Option<Vec3>> = vec![None; count];
    for (place, plane) in places.iter().zip(&planes) {
        if let Some(slot) = at.get_mut(*plane) {
            slot.get_or_insert(place.position);
        }
    }
    let at: Vec<Vec3> = at.into_iter().flatten().collect();
    let mut warnings = Vec::new();
    let (steps, along) = match (at.first(), at.last()) {
        (Some(low), Some(high)) if count > 1 => {
            let offsets: Vec<f64> = at.iter().map(|position| dot(minus(*position, *low), normal)).collect();
            let steps = even_steps(&offsets, &segmentation.distances).ok_or_else(|| {
                let gaps = || offsets.windows(2).map(|pair| pair[1] - pair[0]);
                let (least, most) = (gaps().fold(f64::INFINITY, f64::min), gaps().fold(0.0, f64::max));
                format!("the frames lie at uneven distances (from {least:.3} to {most:.3} mm); {on_scan}")
            })?;
            let last = steps.last().copied().unwrap_or(1).max(1);
            (steps, minus(*high, *low).map(|mm| mm / real(last)))
        }
        _ => {
            let [between, thickness] = segmentation.distances;
            let step = between.or(thickness).unwrap_or_else(|| {
                warnings.push("One plane without a thickness: 1 mm is taken.".into());
                1.0
            });
            (vec![0], normal.map(|part| part * step))
        }
    };
    let depth = steps.last().map_or(1, |last| last + 1);
    let most = MOST_PLANES_BESIDES + MOST_PLANES_EACH * count;
    if depth > most {
        return Err(format!("{count} planes with frames are spread over {depth}; {most} are the most; {on_scan}"));
    }
    let low = at.first().copied().unwrap_or(first.position);
    let step_mm = dot(along, normal);
    let nearest = steps.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(1);
    if nearest > 1 {
        let gap = step_mm * real(nearest);
        warnings.push(format!(
            "No two planes lie nearer than {gap:.3} mm, but the file gives {step_mm:.3} mm between slices; the planes between are taken as empty."
        ));
    }
    if let [Some(stated), _] = segmentation.distances
        && count > 1
        && (stated - step_mm).abs() > EVEN * step_mm
    {
        warnings.push(format!(
            "The planes lie {step_mm:.3} mm apart, but the file gives {stated:.3} mm between slices; they are taken as they lie."
        ));
    }
    let spacing = first.spacing[0].min(first.spacing[1]);
    let mut slots = Vec::with_capacity(frames.len());
    for (n, (place, plane)) in places.iter().zip(&planes).enumerate() {
        let k = steps.get(*plane).copied().unwrap_or(0);
        let expected = [0, 1, 2].map(|axis| low[axis] + along[axis] * real(k));
        let off = size(minus(place.position, expected));
        if off > ROUNDING_MM.max(SAME_PLANE * spacing).max(EVEN * step_mm) {
            return Err(format!("frame {} lies {off:.3} mm beside the grid of the others; {on_scan}", n + 1));
        }
        slots.push(k);
    }
    let ras = |[x, y, z]: Vec3, by: f64| [-x * by, -y * by, z * by];
    let axes =
        [ras(first.directions[0], first.spacing[1]), ras(first.directions[1], first.spacing[0]), ras(along, 1.0)];
    let affine = Affine::from_columns(axes, ras(low, 1.0));
    let geometry = Geometry::new([*columns, *rows, depth], affine).map_err(|e| e.to_string())?;
    Ok(OwnGrid { geometry, planes: slots, warnings })
}

/// The number of even steps from the first plane to each, where one step explains all distances: what the header gives between slices, else
/// the smallest distance of two planes, else the thickness. Where every second plane is empty and left out, only the header knows.
fn even_steps(offsets: &[f64], distances: &[Option<f64>; 2]) -> Option<Vec<usize>> {
    let gaps: Vec<f64> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let smallest = gaps.iter().copied().fold(f64::INFINITY, f64::min);
    let explained = |step: f64| {
        let mut at = 0;
        let mut steps = vec![0];
        for gap in &gaps {
            let count = (gap / step).round();
            if !(1.0..=real(MOST_PLANES * 2)).contains(&count) {
                return None;
            }
            at += natural(whole(count));
            steps.push(at);
        }
        let mean = offsets.last()? / real(at);
        let near = ROUNDING_MM.max(EVEN * mean);
        let is_even = offsets.iter().zip(&steps).all(|(offset, n)| (offset - mean * real(*n)).abs() <= near)
            && (mean - step).abs() <= near;
        is_even.then_some(steps)
    };
    let [between, thickness] = *distances;
    [between, Some(smallest), thickness].into_iter().flatten().find_map(explained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_that_are_missing_are_counted() {
        let none = [None, None];
        assert_eq!(even_steps(&[0.0, 2.5, 5.0, 12.5], &none), Some(vec![0, 1, 2, 5]));
        assert_eq!(even_steps(&[0.0, 2.4999, 5.0002], &none), Some(vec![0, 1, 2]));
        // Every second plane, then every third and every second one.
        assert_eq!(even_steps(&[0.0, 5.0, 10.0], &[Some(2.5), None]), Some(vec![0, 2, 4]));
        assert_eq!(even_steps(&[0.0, 5.0, 10.0], &[Some(1.3), Some(2.5)]), Some(vec![0, 1, 2]));
        assert_eq!(even_steps(&[0.0, 2.0, 5.0], &none), None);
        assert_eq!(even_steps(&[0.0, 2.0, 5.0], &[Some(1.0), None]), Some(vec![0, 2, 5]));
        assert_eq!(even_steps(&[0.0, 2.0, 5.0], &[None, Some(1.0)]), Some(vec![0, 2, 5]));
        assert_eq!(even_steps(&[0.0, 2.0, 5.3], &[Some(1.0), None]), None);
    }
}
