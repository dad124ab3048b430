//! Which structures overlap: those that do cannot be in one mask.

use std::ops::Range;

use super::structure_set::{ContourPlane, StructureSet, planes_of};
use crate::formats::dicom::overlaps::{LOOKING_UP, Overlaps, Unparted};
use crate::shape::{flattened, spans_inside};
use crate::volume::dot;
use crate::work::Watch;
use crate::work::numbers::real;

/// Lines across a plane on which structures are compared.
const LINES: usize = 512;
/// Planes nearer to each other are one.
const SAME_PLANE_MM: f64 = 0.05;
/// Most runs of pixels of all structures in a plane; a hundred organs have some hundred thousand.
const MOST_RUNS: usize = 1 << 24;

/// A structure in a plane.
struct Section<'a> {
    roi: usize,
    plane: ContourPlane<'a>,
}

/// Places of the structures in the set, mask by mask: each is in the first that holds nothing that it overlaps.
///
/// They are compared plane by plane, on some hundred lines.
///
/// # Errors
/// When more overlap than can be parted, and when the work is stopped.
pub fn layers(set: &StructureSet, watch: Watch) -> Result<Vec<Vec<usize>>, Unparted> {
    let mut sections: Vec<Section> = Vec::new();
    for (roi, structure) in set.rois.iter().enumerate() {
        watch.check()?;
        sections.extend(planes_of(&structure.closed()).into_iter().map(|plane| Section { roi, plane }));
    }
    sections.sort_by(|a, b| a.plane.offset_mm.total_cmp(&b.plane.offset_mm));
    let mut overlaps = Overlaps::default();
    let mut rest = sections.as_slice();
    while let Some(first) = rest.first() {
        watch.check()?;
        let near = |section: &&Section| section.plane.offset_mm - first.plane.offset_mm <= SAME_PLANE_MM;
        let (here, behind) = rest.split_at(rest.iter().take_while(near).count());
        compare(here, &mut overlaps, watch)?;
        rest = behind;
    }
    Ok(overlaps.layers(set.rois.len(), watch)?)
}

/// Pixels of a line: its number, the first column and the one behind the last. There are [`LINES`] of each.
type Run = [u16; 3];

/// The pixels of a structure, line by line.
struct Spans {
    roi: usize,
    runs: Vec<Run>,
    /// The box around them.
    rows: Range<u16>,
    columns: Range<u16>,
}

impl Spans {
    fn new(roi: usize, runs: Vec<Run>) -> Self {
        let joined = |a: Range<u16>, b: Range<u16>| a.start.min(b.start)..a.end.max(b.end);
        let rows = runs.iter().map(|[line, ..]| *line..line + 1).reduce(joined).unwrap_or_default();
        let columns = runs.iter().map(|[_, start, end]| *start..*end).reduce(joined).unwrap_or_default();
        Self { roi, runs, rows, columns }
    }
}

/// Finds pairs of structures that overlap in a plane.
fn compare(sections: &[Section], overlaps: &mut Overlaps, watch: Watch) -> Result<(), Unparted> {
    let Some(normal) = sections.first().map(|section| section.plane.normal) else { return Ok(()) };
    if sections.len() < 2 {
        return Ok(());
    }
    let outlines: Vec<(usize, Vec<Vec<[f64; 2]>>)> = sections
        .iter()
        .filter(|section| dot(section.plane.normal, normal).abs() > 0.999)
        .map(|section| {
            let flat = section.plane.contours.iter().map(|contour| flattened(&contour.points, normal));
            (section.roi, flat.collect())
        })
        .collect();
    let points = || outlines.iter().flat_map(|(_, outlines)| outlines.iter().flatten());
    let span = |axis: usize| {
        let along = || points().map(|point| point[axis]);
        [along().fold(f64::INFINITY, f64::min), along().fold(f64::NEG_INFINITY, f64::max)]
    };
    let [[left, right], [top, bottom]] = [span(0), span(1)];
    let pixel = (right - left).max(bottom - top) / real(LINES);
    if !(pixel > 0.0 && pixel.is_finite()) {
        return Ok(());
    }
    let mut found: Vec<Spans> = Vec::new();
    let mut run_count = 0;
    for (roi, outlines) in outlines {
        watch.check()?;
        let scaled = |point: &[f64; 2]| [(point[0] - left) / pixel, (point[1] - top) / pixel];
        let scaled: Vec<Vec<[f64; 2]>> = outlines.iter().map(|outline| outline.iter().map(scaled).collect()).collect();
        let scaled: Vec<&[[f64; 2]]> = scaled.iter().map(Vec::as_slice).collect();
        let mut runs: Vec<Run> = Vec::new();
        let place = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        spans_inside(&scaled, [LINES; 2], |line, columns| runs.push([line, columns.start, columns.end].map(place)));
        runs.shrink_to_fit();
        run_count += runs.len();
        if run_count > MOST_RUNS {
            return Err(Unparted::TooMany);
        }
        found.push(Spans::new(roi, runs));
    }
    // Only those are compared whose boxes meet: thousands of small structures lie beside each other.
    found.retain(|spans| !spans.runs.is_empty());
    found.sort_by_key(|spans| spans.rows.start);
    for (n, a) in found.iter().enumerate() {
        watch.check()?;
        let near = found.iter().skip(n + 1).take_while(|b| b.rows.start < a.rows.end);
        for b in near {
            overlaps.spend(1)?;
            if b.columns.start >= a.columns.end || a.columns.start >= b.columns.end || b.roi == a.roi {
                continue;
            }
            overlaps.spend(LOOKING_UP)?;
            if overlaps.has(a.roi, b.roi) {
                continue;
            }
            overlaps.spend(a.runs.len() + b.runs.len())?;
            if meet(&a.runs, &b.runs) {
                overlaps.add(a.roi, b.roi)?;
            }
        }
    }
    Ok(())
}

/// Whether two lists of runs, in the order of their lines, share a pixel.
fn meet(a: &[Run], b: &[Run]) -> bool {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some([line, start, end]), Some([other_line, other_start, other_end])) = (a.peek(), b.peek()) {
        if line == other_line && start < other_end && other_start < end {
            return true;
        }
        if (line, end) <= (other_line, other_end) {
            a.next();
        } else {
            b.next();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_hold_all_runs() {
        let spans = Spans::new(0, vec![[3, 5, 7], [4, 2, 3], [4, 6, 9]]);
        assert_eq!((spans.rows, spans.columns), (3..5, 2..9));
    }

    #[test]
    fn runs_meet_on_the_same_line_alone() {
        let a = [[3, 5, 7], [4, 2, 3], [4, 6, 9]];
        assert!(meet(&a, &[[4, 8, 9]]) && meet(&[[4, 8, 9]], &a));
        assert!(!meet(&a, &[[3, 7, 9], [4, 3, 6], [5, 0, 9]]));
    }
}
