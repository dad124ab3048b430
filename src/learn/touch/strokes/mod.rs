//! Strokes as people draw them: along the middle of a structure, at random within it, along its border, dabs and clicks; off it beside the
//! border, in what could be confused with it, and anywhere.

mod draw;
mod walk;

use super::distance::{depth, parts};
use crate::engine::Random;
use crate::pipeline::{OFF, ON};
use draw::{Pen, band, click, ridge, stroke_along};
use walk::{Ground, walk};

/// What strokes are drawn for.
pub struct Sitter<'a> {
    /// Rows and columns.
    pub size: [usize; 2],
    /// The structure.
    pub mask: &'a [bool],
    /// What else is in the picture: pixels of one number belong together.
    pub regions: &'a [u8],
    /// Where a first answer is wrong, where there is one: strokes correct it.
    pub wrong: Option<&'a [bool]>,
}

/// Most strokes of either kind.
const MOST: usize = 9;

/// Strokes of `[rows, columns]`: [`ON`] and [`OFF`], at least one of them on the structure unless it corrects.
pub fn strokes(sitter: &Sitter, random: &mut Random) -> Vec<u8> {
    let size = sitter.size;
    let mut drawn = vec![0u8; sitter.mask.len()];
    let pen = Pen::new(random);
    if let Some(wrong) = sitter.wrong {
        for _ in 0..=random.index(4) {
            correct(sitter, wrong, pen, &mut drawn, random);
        }
        if random.chance(0.5) {
            return drawn;
        }
    }
    let inside = Ground::new(size, depth(size, |at| sitter.mask[at]));
    let outside = Ground::new(size, depth(size, |at| !sitter.mask[at]));
    let (_, found) = parts(size, sitter.mask);
    let style = random.index(10);
    // Few strokes are as common as many.
    let count = 1 + (MOST as f64 * random.unit() * random.unit()) as usize;
    for n in 0..count {
        let Some(part) = pick_part(&found, n, random) else { break };
        let start = part[random.index(part.len())] as usize;
        match if random.chance(0.8) { style } else { random.index(10) } {
            0 | 1 if n == 0 => ridge(&inside, pen, &mut drawn, random),
            2 | 3 if n == 0 => band(&inside, pen, [0.2, 0.8], &mut drawn, random),
            4 => click(&inside, start, pen, &mut drawn, random),
            5 => {
                let way = walk(&inside, start, random.between(4.0, 14.0), random);
                stroke_along(&inside, &way, pen, &mut drawn, random);
            }
            _ => {
                let way = walk(&inside, start, inside_length(part.len(), random), random);
                stroke_along(&inside, &way, pen, &mut drawn, random);
            }
        }
    }
    if !drawn.contains(&ON) && sitter.wrong.is_none() {
        // A structure may be too slim for what was tried.
        if let Some(at) =
            (0..drawn.len()).filter(|at| sitter.mask[*at]).max_by(|a, b| inside.depth[*a].total_cmp(&inside.depth[*b]))
        {
            drawn[at] = ON;
        }
    }
    // Some people mark only what they want.
    if random.chance(0.08) {
        return drawn;
    }
    let pen = pen.drawing(OFF);
    let count = 1 + (MOST as f64 * random.unit() * random.unit().sqrt()) as usize;
    let style = random.index(8);
    for n in 0..count {
        let kind = if random.chance(0.7) { style } else { random.index(8) };
        match kind {
            0 | 1 if n == 0 => {
                let reach = random.between(2.0, 12.0);
                band(&outside, pen, [reach, reach + 1.5], &mut drawn, random);
            }
            2 => {
                if let Some(start) = outside.any(|depth| depth > 0.0, random) {
                    click(&outside, start, pen, &mut drawn, random);
                }
            }
            kind => {
                let start = match kind {
                    3 | 4 => outside.any(|depth| (1.5..15.0).contains(&depth), random),
                    5 | 6 => neighbour(sitter, &outside, random),
                    _ => outside.any(|depth| depth > 1.0, random),
                };
                if let Some(start) = start {
                    let length =
                        if random.chance(0.3) { random.between(5.0, 15.0) } else { random.between(15.0, 120.0) };
                    let way = walk(&outside, start, length, random);
                    stroke_along(&outside, &way, pen, &mut drawn, random);
                }
            }
        }
    }
    drawn
}

/// How long a stroke within a part of so many pixels is.
fn inside_length(pixels: usize, random: &mut Random) -> f64 {
    let across = (pixels as f64).sqrt();
    (across * random.between(0.3, 3.0)).clamp(5.0, 250.0)
}

/// A part to mark: the largest first or any by its size.
fn pick_part<'a>(parts: &'a [Vec<u32>], n: usize, random: &mut Random) -> Option<&'a Vec<u32>> {
    if n == 0 && random.chance(0.6) {
        return parts.iter().max_by_key(|part| part.len());
    }
    if random.chance(0.4) {
        return parts.get(random.index(parts.len()));
    }
    let mut at = random.index(parts.iter().map(Vec::len).sum());
    parts.iter().find(|part| {
        let is_it = at < part.len();
        at = at.saturating_sub(part.len());
        is_it
    })
}

/// A pixel of another region beside the structure.
fn neighbour(sitter: &Sitter, outside: &Ground, random: &mut Random) -> Option<usize> {
    let beside = outside.any(|depth| (1.0..4.0).contains(&depth), random)?;
    let region = sitter.regions[beside];
    for _ in 0..60 {
        let at = random.index(sitter.mask.len());
        if !sitter.mask[at] && sitter.regions[at] == region && outside.depth[at] > 1.5 {
            return Some(at);
        }
    }
    Some(beside)
}

/// A stroke into one of the places where a first answer is wrong.
fn correct(sitter: &Sitter, wrong: &[bool], pen: Pen, drawn: &mut [u8], random: &mut Random) {
    let (part_of, found) = parts(sitter.size, wrong);
    // The largest mistakes are seen first.
    let Some(largest) = found.iter().map(Vec::len).max() else { return };
    let seen: Vec<&Vec<u32>> = found.iter().filter(|part| part.len() * 4 >= largest).collect();
    let part = seen[random.index(seen.len())];
    let start = part[random.index(part.len())] as usize;
    let (number, is_on) = (part_of[start], sitter.mask[start]);
    let ground = Ground::new(sitter.size, depth(sitter.size, |at| part_of[at] == number && sitter.mask[at] == is_on));
    let pen = pen.drawing(if is_on { ON } else { OFF });
    if random.chance(0.35) {
        click(&ground, start, pen, drawn, random);
    } else {
        let way = walk(&ground, start, inside_length(part.len(), random), random);
        stroke_along(&ground, &way, pen, drawn, random);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_lie_mostly_where_they_belong_and_there_is_always_one() {
        let size = [96, 96];
        let mask: Vec<bool> = (0..9216)
            .map(|n| (f64::from(n / 96) - 40.0).hypot(f64::from(n % 96) - 50.0) < 22.0 || (80..82).contains(&(n / 96)))
            .collect();
        let regions: Vec<u8> = mask.iter().map(|is_in| u8::from(*is_in)).collect();
        let sitter = Sitter { size, mask: &mask, regions: &regions, wrong: None };
        let (mut on, mut off, mut astray, mut alone) = (0, 0, 0, 0);
        for seed in 0..80 {
            let drawn = strokes(&sitter, &mut Random::new(seed, 3));
            assert!(drawn.contains(&ON), "{seed}");
            alone += usize::from(!drawn.contains(&OFF));
            for (stroke, is_in) in drawn.iter().zip(&mask) {
                on += usize::from(*stroke == ON);
                off += usize::from(*stroke == OFF);
                astray += usize::from((*stroke == ON && !is_in) || (*stroke == OFF && *is_in));
            }
        }
        assert!((1..20).contains(&alone), "{alone} of 80 without strokes off it");
        assert!(on > 80 * 20 && off > 80 * 20, "{on} {off}");
        assert!(astray * 12 < on + off, "{astray} of {}", on + off);
    }

    #[test]
    fn corrections_are_drawn_where_the_answer_is_wrong() {
        let size = [64, 64];
        let mask: Vec<bool> = (0..4096).map(|n| n % 64 < 30).collect();
        let wrong: Vec<bool> =
            (0..4096).map(|n| (26..36).contains(&(n % 64)) && (10..50).contains(&(n / 64))).collect();
        let regions = vec![0; 4096];
        let sitter = Sitter { size, mask: &mask, regions: &regions, wrong: Some(&wrong) };
        let mut corrections = 0;
        for seed in 0..30 {
            let drawn = strokes(&sitter, &mut Random::new(seed, 4));
            corrections += drawn.iter().zip(&wrong).filter(|(stroke, wrong)| **stroke != 0 && **wrong).count();
        }
        assert!(corrections > 300, "{corrections}");
    }
}
