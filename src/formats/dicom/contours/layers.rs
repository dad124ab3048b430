//! Which structures overlap: those that do cannot be in one mask.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::structure_set::{ContourPlane, StructureSet, planes_of};
use crate::shape::{flattened, spans_inside};
use crate::volume::dot;
use crate::work::numbers::real;
use crate::work::{Stopped, Watch};

/// Lines across a plane on which structures are compared.
const LINES: usize = 512;
/// Planes nearer to each other are one.
const SAME_PLANE_MM: f64 = 0.05;

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
/// When the work is stopped.
pub fn layers(set: &StructureSet, watch: Watch) -> Result<Vec<Vec<usize>>, Stopped> {
    let mut sections: Vec<Section> = Vec::new();
    for (roi, structure) in set.rois.iter().enumerate() {
        watch.check()?;
        sections.extend(planes_of(&structure.closed()).into_iter().map(|plane| Section { roi, plane }));
    }
    sections.sort_by(|a, b| a.plane.offset_mm.total_cmp(&b.plane.offset_mm));
    let mut pairs = HashSet::new();
    let mut rest = sections.as_slice();
    while let Some(first) = rest.first() {
        watch.check()?;
        let near = |section: &&Section| section.plane.offset_mm - first.plane.offset_mm <= SAME_PLANE_MM;
        let (here, behind) = rest.split_at(rest.iter().take_while(near).count());
        compare(here, &mut pairs, watch)?;
        rest = behind;
    }
    placed(set.rois.len(), &pairs, watch)
}

/// Puts every structure into the first layer that holds none of those that it overlaps.
fn placed(count: usize, pairs: &HashSet<(usize, usize)>, watch: Watch) -> Result<Vec<Vec<usize>>, Stopped> {
    let mut before: HashMap<usize, Vec<usize>> = HashMap::new();
    for (first, second) in pairs {
        before.entry(*second).or_default().push(*first);
    }
    let mut layers: Vec<Vec<usize>> = Vec::new();
    let mut layer_of: Vec<usize> = Vec::with_capacity(count);
    for roi in 0..count {
        watch.check()?;
        let others = before.get(&roi).into_iter().flatten();
        let taken: HashSet<usize> = others.filter_map(|other| layer_of.get(*other)).copied().collect();
        let free = (0..layers.len()).find(|layer| !taken.contains(layer)).unwrap_or(layers.len());
        match layers.get_mut(free) {
            Some(layer) => layer.push(roi),
            None => layers.push(vec![roi]),
        }
        layer_of.push(free);
    }
    Ok(layers)
}

/// The pixels of a structure, line by line.
struct Spans {
    roi: usize,
    lines: Vec<(usize, Range<usize>)>,
    /// The box around them.
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Spans {
    fn new(roi: usize, lines: Vec<(usize, Range<usize>)>) -> Self {
        let joined = |a: Range<usize>, b: Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        let rows = lines.iter().map(|(line, _)| *line..line + 1).reduce(joined).unwrap_or_default();
        let columns = lines.iter().map(|(_, span)| span.clone()).reduce(joined).unwrap_or_default();
        Self { roi, lines, rows, columns }
    }
}

/// Finds pairs of structures that overlap in a plane, the smaller place first.
fn compare(sections: &[Section], pairs: &mut HashSet<(usize, usize)>, watch: Watch) -> Result<(), Stopped> {
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
    for (roi, outlines) in outlines {
        watch.check()?;
        let scaled = |point: &[f64; 2]| [(point[0] - left) / pixel, (point[1] - top) / pixel];
        let scaled: Vec<Vec<[f64; 2]>> = outlines.iter().map(|outline| outline.iter().map(scaled).collect()).collect();
        let scaled: Vec<&[[f64; 2]]> = scaled.iter().map(Vec::as_slice).collect();
        let mut lines = Vec::new();
        spans_inside(&scaled, [LINES; 2], |line, columns| lines.push((line, columns)));
        found.push(Spans::new(roi, lines));
    }
    // Only those are compared whose boxes meet: thousands of small structures lie beside each other.
    found.retain(|spans| !spans.lines.is_empty());
    found.sort_by_key(|spans| spans.rows.start);
    for (n, a) in found.iter().enumerate() {
        watch.check()?;
        let near = found.iter().skip(n + 1).take_while(|b| b.rows.start < a.rows.end);
        let near = near.filter(|b| b.columns.start < a.columns.end && a.columns.start < b.columns.end);
        for b in near.filter(|b| b.roi != a.roi) {
            let pair = (a.roi.min(b.roi), a.roi.max(b.roi));
            if !pairs.contains(&pair) && meet(&a.lines, &b.lines) {
                pairs.insert(pair);
            }
        }
    }
    Ok(())
}

/// Whether two lists of spans, in the order of their lines, share a pixel.
fn meet(a: &[(usize, Range<usize>)], b: &[(usize, Range<usize>)]) -> bool {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some((line, span)), Some((other_line, other))) = (a.peek(), b.peek()) {
        if line == other_line && span.start < other.end && other.start < span.end {
            return true;
        }
        if (*line, span.end) <= (*other_line, other.end) {
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
    fn structures_are_in_the_first_layer_that_is_free() {
        let pairs = HashSet::from([(0, 1), (1, 2), (0, 3), (1, 3)]);
        let layers = |count, pairs: &HashSet<_>| placed(count, pairs, Watch::unwatched()).unwrap();
        assert_eq!(layers(5, &pairs), [vec![0, 2, 4], vec![1], vec![3]]);
        assert_eq!(layers(60_000, &HashSet::new()).len(), 1);
        assert!(layers(0, &pairs).is_empty());
    }

    #[test]
    fn boxes_hold_all_spans() {
        let spans = Spans::new(0, vec![(3, 5..7), (4, 2..3), (4, 6..9)]);
        assert_eq!((spans.rows, spans.columns), (3..5, 2..9));
    }
}
