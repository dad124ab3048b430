//! Segments that lie over each other, as layers in which none do.

use std::collections::{BTreeMap, HashSet};

use super::frames::FrameReader;
use super::grid::planes_of;
use super::header::{Pixels, Segmentation};
use crate::formats::error::{FormatError, Result};
use crate::work::Watch;
use crate::work::numbers::share;

/// The numbers of the segments of each layer: every segment is in the first layer where it lies over no other one. A file without overlaps
/// has one layer. The pixels are read where the header leaves it open.
///
/// # Errors
/// For pixel data that cannot be read, and when the work was stopped.
pub fn layers(segmentation: &Segmentation, watch: Watch) -> Result<Vec<Vec<u16>>> {
    let numbers: Vec<u16> = segmentation.segments.iter().map(|segment| segment.number).collect();
    if segmentation.pixels == Pixels::LabelMap || segmentation.says_no_overlap || numbers.len() < 2 {
        return Ok(vec![numbers]);
    }
    let overlaps = overlaps(segmentation, watch)?;
    if overlaps.is_empty() {
        return Ok(vec![numbers]);
    }
    let mut layers: Vec<Vec<u16>> = Vec::new();
    for number in numbers {
        watch.check()?;
        let is_free = |layer: &&mut Vec<u16>| layer.iter().all(|other| !overlaps.contains(&pair(*other, number)));
        match layers.iter_mut().find(is_free) {
            Some(layer) => layer.push(number),
            None => layers.push(vec![number]),
        }
    }
    Ok(layers)
}

fn pair(a: u16, b: u16) -> (u16, u16) {
    (a.min(b), a.max(b))
}

/// Pairs of segments that have a pixel in common.
fn overlaps(segmentation: &Segmentation, watch: Watch) -> Result<HashSet<(u16, u16)>> {
    let bad = |problem: String| FormatError::malformed(&segmentation.path, problem);
    let mut frames_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (frame, plane) in planes_of(&segmentation.frames).into_iter().enumerate() {
        frames_of.entry(plane).or_default().push(frame);
    }
    let mut found = HashSet::new();
    let mut reader = FrameReader::open(segmentation).map_err(bad)?;
    let mut done = 0;
    for frames in frames_of.into_values() {
        watch.at(share(done, segmentation.frames.len()))?;
        done += frames.len();
        if frames.len() < 2 {
            continue;
        }
        let mut union: Vec<u8> = Vec::new();
        let mut seen: Vec<(u16, Vec<u8>)> = Vec::new();
        for frame in frames {
            watch.check()?;
            let number = segmentation.frames.get(frame).and_then(|frame| frame.segment).unwrap_or_default();
            let bits = reader.read(frame).map_err(bad)?.bits(segmentation.pixels);
            if meet(&union, &bits) {
                for (other, there) in &seen {
                    let pair = pair(*other, number);
                    if *other != number && !found.contains(&pair) && meet(there, &bits) {
                        found.insert(pair);
                    }
                }
            }
            union.resize(bits.len(), 0);
            union.iter_mut().zip(&bits).for_each(|(all, own)| *all |= own);
            seen.push((number, bits));
        }
    }
    Ok(found)
}

/// Whether two masks have a bit in common.
fn meet(a: &[u8], b: &[u8]) -> bool {
    a.iter().zip(b).any(|(a, b)| a & b != 0)
}
