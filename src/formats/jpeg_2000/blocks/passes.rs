//! The three passes of a bit plane (ISO/IEC 15444-1 section D.3).

use std::hint::select_unpredictable;

use super::arithmetic::ArithmeticDecoder;
use super::coder::Coder;
use super::contexts::{REFINEMENT, RUN, States, UNIFORM, ZeroContexts};
use super::maps::{BEHIND, Maps};

/// Significance propagation: samples beside significant ones.
#[inline(never)]
pub fn propagate<C: Coder>(
    maps: &mut Maps,
    coder: &mut C,
    all: &mut States,
    zero: &ZeroContexts,
    plane: u32,
) -> Option<()> {
    // Copies stay in registers.
    let (mut source, mut states) = (*coder, *all);
    for stripe in 0..maps.stripes {
        for word in 0..maps.words {
            let (free, mut todo) = maps.candidates(stripe, word);
            if todo == 0 {
                continue;
            }
            let (mut visited, mut found) = (todo, 0);
            let mut window = maps.window(stripe, word)?;
            while todo != 0 {
                let sample = todo.trailing_zeros();
                todo &= todo - 1;
                if source.symbol(&mut states, window.zero_context(zero, sample)) != 0 {
                    let sign = source.sign(&mut states, window.sign_code(sample));
                    window.set(sample, sign, 1 << plane);
                    found |= 1 << sample;
                    let more = BEHIND[(sample & 3) as usize] << (sample & !3) & free;
                    todo |= more;
                    visited |= more;
                }
            }
            maps.add(stripe, word, found, visited);
        }
    }
    (*coder, *all) = (source, states);
    Some(())
}

/// Magnitude refinement: samples that were significant before.
#[inline(never)]
pub fn refine<C: Coder>(maps: &mut Maps, coder: &mut C, all: &mut States, plane: u32) -> Option<()> {
    let (mut source, mut states) = (*coder, *all);
    for stripe in 0..maps.stripes {
        for word in 0..maps.words {
            let (mut todo, again) = maps.to_refine(stripe, word);
            let window = maps.window(stripe, word)?;
            if todo == again {
                while todo != 0 {
                    let sample = todo.trailing_zeros();
                    todo &= todo - 1;
                    let bit = source.symbol(&mut states, REFINEMENT + 2) as u32;
                    window.values[(sample & 63) as usize] |= bit << plane;
                }
            } else {
                while todo != 0 {
                    let sample = todo.trailing_zeros();
                    todo &= todo - 1;
                    let first = REFINEMENT + usize::from(window.has_neighbours(sample));
                    let context = select_unpredictable(again >> sample & 1 != 0, REFINEMENT + 2, first);
                    let bit = source.symbol(&mut states, context) as u32;
                    window.values[(sample & 63) as usize] |= bit << plane;
                }
            }
        }
    }
    (*coder, *all) = (source, states);
    Some(())
}

/// Clean-up: all others, by runs of four where nothing is significant.
#[inline(never)]
pub fn clean_up(
    maps: &mut Maps,
    coder: &mut ArithmeticDecoder,
    all: &mut States,
    zero: &ZeroContexts,
    plane: u32,
) -> Option<()> {
    let (mut source, mut states) = (*coder, *all);
    for stripe in 0..maps.stripes {
        for word in 0..maps.words {
            let mut todo = maps.left_over(stripe, word);
            if todo == 0 {
                continue;
            }
            let mut found = 0;
            let mut window = maps.window(stripe, word)?;
            while todo != 0 {
                let mut sample = todo.trailing_zeros();
                if sample.is_multiple_of(4) && todo >> sample & 15 == 15 && window.is_empty(sample) {
                    if source.decode_skewed(&mut states[RUN]) == 0 {
                        todo &= !(15 << sample);
                        continue;
                    }
                    let high = source.decode(&mut states[UNIFORM]);
                    let zeros = high << 1 | source.decode(&mut states[UNIFORM]);
                    todo &= !(((2 << zeros) - 1) << sample);
                    sample += zeros as u32;
                } else {
                    todo &= todo - 1;
                    if source.symbol(&mut states, window.zero_context(zero, sample)) == 0 {
                        continue;
                    }
                }
                let sign = source.sign(&mut states, window.sign_code(sample));
                window.set(sample, sign, 1 << plane);
                found |= 1 << sample;
            }
            maps.add(stripe, word, found, 0);
        }
    }
    (*coder, *all) = (source, states);
    Some(())
}
