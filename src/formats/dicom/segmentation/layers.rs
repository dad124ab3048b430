//! Segments that lie over each other, as layers in which none do.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::frames::FrameReader;
use super::grid::planes_of;
use super::header::{Pixels, Segmentation};
use crate::formats::dicom::overlaps::{LOOKING_UP, Overlaps, Unparted};
use crate::formats::error::{FormatError, Result};
use crate::work::Watch;
use crate::work::numbers::{index, share};

/// The numbers of the segments of each layer: every segment is in the first layer where it lies over no other one. A file without overlaps
/// has one layer. The pixels are read where the header leaves it open.
///
/// # Errors
/// For pixel data that cannot be read, for more overlaps than can be parted, and when the work was stopped.
pub fn layers(segmentation: &Segmentation, watch: Watch) -> Result<Vec<Vec<u16>>> {
    let numbers: Vec<u16> = segmentation.segments.iter().map(|segment| segment.number).collect();
    if segmentation.pixels == Pixels::LabelMap || segmentation.says_no_overlap || numbers.len() < 2 {
        return Ok(vec![numbers]);
    }
    let overlaps = overlaps(segmentation, watch)?;
    if overlaps.is_empty() {
        return Ok(vec![numbers]);
    }
    let layers = overlaps.layers(numbers.len(), watch)?;
    let number = |place: usize| numbers.get(place).copied();
    Ok(layers.into_iter().map(|layer| layer.into_iter().filter_map(number).collect()).collect())
}

/// The pixels of a frame that are set, in whichever way takes less memory: a compressed file may hold thousands of frames that are nearly
/// empty or nearly full.
#[derive(Debug, PartialEq)]
enum Shape {
    /// A bit a pixel, the lowest of a byte first.
    Bits(Vec<u8>),
    /// Numbers of pixels in a row.
    Runs(Vec<Range<u32>>),
}

impl Shape {
    fn of(bits: Vec<u8>) -> Self {
        let most = bits.len() / size_of::<Range<u32>>();
        let mut runs: Vec<Range<u32>> = Vec::new();
        let mut add = |pixel: usize| {
            let pixel = u32::try_from(pixel).ok()?;
            let count = runs.len();
            match runs.last_mut().filter(|run| run.end == pixel) {
                Some(run) => run.end = pixel + 1,
                None if count < most => runs.push(pixel..pixel + 1),
                None => return None,
            }
            Some(())
        };
        let set = bits.iter().enumerate().filter(|(_, byte)| **byte != 0);
        let mut set =
            set.flat_map(|(n, byte)| (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| n * 8 + bit));
        if set.all(|pixel| add(pixel).is_some()) { Self::Runs(runs) } else { Self::Bits(bits) }
    }

    /// What it costs to look through it, in steps.
    fn steps(&self) -> usize {
        match self {
            Self::Bits(bits) => bits.len(),
            Self::Runs(runs) => runs.len() + runs.iter().map(|run| run.len() / 8).sum::<usize>(),
        }
    }

    /// Whether one of these bits is set in it.
    fn meets(&self, bits: &[u8]) -> bool {
        match self {
            Self::Bits(own) => meet(own, bits),
            Self::Runs(runs) => runs.iter().any(|run| any_in(bits, run)),
        }
    }
}

/// Whether one of a range of bits is set.
fn any_in(bits: &[u8], range: &Range<u32>) -> bool {
    let (first, last) = (index(range.start.into()), index(range.end.saturating_sub(1).into()));
    let inner = bits.get(first / 8..=last / 8).unwrap_or_default();
    inner.iter().enumerate().any(|(n, byte)| {
        let from = if n == 0 { u8::MAX << (first % 8) } else { u8::MAX };
        let to = if n + 1 == inner.len() { u8::MAX >> (7 - last % 8) } else { u8::MAX };
        byte & from & to != 0
    })
}

/// Pairs of segments, by their places in the file, that have a pixel in common.
fn overlaps(segmentation: &Segmentation, watch: Watch) -> Result<Overlaps> {
    let bad = |problem: String| FormatError::malformed(&segmentation.path, problem);
    let too_many = |problem: Unparted| problem.of(&segmentation.path);
    let places: HashMap<u16, usize> =
        segmentation.segments.iter().enumerate().map(|(n, own)| (own.number, n)).collect();
    let mut frames_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (frame, plane) in planes_of(&segmentation.frames).into_iter().enumerate() {
        frames_of.entry(plane).or_default().push(frame);
    }
    let mut found = Overlaps::default();
    let mut reader = FrameReader::open(segmentation).map_err(bad)?;
    let mut done = 0;
    for frames in frames_of.into_values() {
        watch.at(share(done, segmentation.frames.len()))?;
        done += frames.len();
        if frames.len() < 2 {
            continue;
        }
        let mut union: Vec<u8> = Vec::new();
        let mut seen: BTreeMap<usize, Vec<Shape>> = BTreeMap::new();
        for frame in frames {
            watch.check()?;
            let number = segmentation.frames.get(frame).and_then(|frame| frame.segment);
            let Some(&own) = number.and_then(|number| places.get(&number)) else { continue };
            let bits = reader.read(frame).map_err(bad)?.bits(segmentation.pixels);
            if meet(&union, &bits) {
                for (other, there) in seen.iter().filter(|(other, _)| **other != own) {
                    found.spend(LOOKING_UP).map_err(too_many)?;
                    if found.has(*other, own) {
                        continue;
                    }
                    for shape in there {
                        found.spend(1 + shape.steps()).map_err(too_many)?;
                        if shape.meets(&bits) {
                            found.add(*other, own).map_err(too_many)?;
                            break;
                        }
                    }
                }
            }
            union.resize(bits.len(), 0);
            union.iter_mut().zip(&bits).for_each(|(all, own)| *all |= own);
            seen.entry(own).or_default().push(Shape::of(bits));
        }
    }
    Ok(found)
}

/// Whether two masks have a bit in common.
fn meet(a: &[u8], b: &[u8]) -> bool {
    a.iter().zip(b).any(|(a, b)| a & b != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_that_are_nearly_empty_or_full_are_kept_as_runs() {
        let mut bits = vec![0; 64];
        (bits[3], bits[4], bits[63]) = (0b1000_0000, 0b11, 0b1000_0000);
        assert_eq!(Shape::of(bits), Shape::Runs(vec![31..34, 511..512]));
        assert_eq!(Shape::of(vec![255; 64]), Shape::Runs(std::iter::once(0..512).collect()));
        assert_eq!(Shape::of(vec![0b101; 64]), Shape::Bits(vec![0b101; 64]));
    }

    proptest! {
        #[test]
        fn shapes_meet_as_their_bits_do(
            a in prop::collection::vec(prop::sample::select(vec![0u8, 0, 0, 0, 255, 255, 1, 128, 36]), 40),
            b in prop::collection::vec(prop::sample::select(vec![0u8, 0, 0, 0, 0, 0, 0, 64, 128, 1, 219]), 40),
        ) {
            let together = a.iter().zip(&b).any(|(a, b)| a & b != 0);
            prop_assert_eq!(Shape::of(a).meets(&b), together);
        }
    }
}
