//! Geodesic distances to strokes: the cost of the cheapest path over steps between neighbouring pixels, diagonal ones among them.
//!
//! Pixels wait in buckets by the cost of their path (Dial 1969). Costs are whole numbers, so that the result does not depend on the order.

/// The cost of a step from black to white.
pub const UNIT: u32 = 1024;
/// Distances from here on count as this one: so far away nothing is told apart.
pub const FARTHEST: u32 = 3 * UNIT;
/// The longest step there can be.
const LONGEST: u32 = 2 * UNIT;

/// What steps cost, per unit.
#[derive(Debug, Clone, Copy)]
pub struct StepCost<'a> {
    /// Greys from 0 to 1, and the cost of a step from black to white.
    pub grey: (&'a [f32], f32),
    /// How unlikely a pixel is to belong to what the strokes mark, from 0 to 1, and the cost of entering one that is not.
    pub unlikely: Option<(&'a [f32], f32)>,
    /// The cost of a straight step as such.
    pub length: f32,
}

/// The distance of every pixel of `[rows, columns]` to the nearest seed, at most [`FARTHEST`].
pub fn distances(size: [usize; 2], is_seed: impl Fn(usize) -> bool, cost: StepCost) -> Vec<u32> {
    let [rows, columns] = size;
    // A frame around the picture, which nothing is nearer than, saves asking where it ends.
    let across = columns + 2;
    let framed = |at: usize| (at / columns + 1) * across + at % columns + 1;
    let steps = Steps::new(size, cost, framed);
    let mut best = vec![0u32; (rows + 2) * across];
    let mut buckets: Vec<Vec<u32>> = vec![Vec::new(); LONGEST as usize + 1];
    for at in 0..rows * columns {
        if is_seed(at) {
            buckets[0].push(framed(at) as u32);
        } else {
            best[framed(at)] = FARTHEST;
        }
    }
    let straight = [across, across.wrapping_neg(), 1, 1usize.wrapping_neg()];
    let diagonal = [across + 1, across - 1, (across - 1).wrapping_neg(), (across + 1).wrapping_neg()];
    let mut waiting = buckets[0].len();
    let mut at_cost = 0u32;
    while waiting > 0 && at_cost < FARTHEST {
        let slot = (at_cost % (LONGEST + 1)) as usize;
        let mut bucket = std::mem::take(&mut buckets[slot]);
        waiting -= bucket.len();
        for from in bucket.drain(..).map(|at| at as usize) {
            if best[from] != at_cost {
                continue;
            }
            for (offsets, enter) in [(straight, &steps.straight), (diagonal, &steps.diagonal)] {
                for to in offsets.map(|offset| from.wrapping_add(offset)) {
                    let there = at_cost + (steps.grey[to].abs_diff(steps.grey[from]) + enter[to]).min(LONGEST);
                    if there < best[to] {
                        best[to] = there;
                        buckets[(there % (LONGEST + 1)) as usize].push(to as u32);
                        waiting += 1;
                    }
                }
            }
        }
        // Its memory serves the next round.
        buckets[slot] = bucket;
        at_cost += 1;
    }
    (0..rows * columns).map(|at| best[framed(at)]).collect()
}

/// Costs of steps in whole numbers, on the framed picture.
struct Steps {
    /// Greys: their difference is what a step costs for them.
    grey: Vec<u32>,
    /// What entering a pixel costs otherwise, from beside it and from a corner; at least 1.
    straight: Vec<u32>,
    diagonal: Vec<u32>,
}

impl Steps {
    fn new([rows, columns]: [usize; 2], cost: StepCost, framed: impl Fn(usize) -> usize) -> Self {
        let whole = |cost: f32| (cost * UNIT as f32) as u32;
        let nothing = || vec![0; (rows + 2) * (columns + 2)];
        let mut steps = Self { grey: nothing(), straight: nothing(), diagonal: nothing() };
        for at in 0..rows * columns {
            let unlikely = cost.unlikely.map_or(0.0, |(plane, per_unlikely)| per_unlikely * plane[at]) + cost.length;
            let place = framed(at);
            steps.grey[place] = whole(cost.grey.0[at] * cost.grey.1);
            steps.straight[place] = whole(unlikely).max(1);
            steps.diagonal[place] = whole(unlikely * std::f32::consts::SQRT_2).max(1);
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn distances_are_those_of_the_cheapest_paths(
            greys in prop::collection::vec(0.0f32..1.0, 7 * 9),
            unlikely in prop::collection::vec(0.0f32..1.0, 7 * 9),
            seeds in prop::collection::vec(0usize..63, 1..4)
        ) {
            let cost = StepCost { grey: (&greys, 0.8), unlikely: Some((&unlikely, 0.2)), length: 0.01 };
            let found = distances([7, 9], |at| seeds.contains(&at), cost);
            // Relaxed until nothing changes (Bellman 1958).
            let mut plain = vec![FARTHEST; 63];
            seeds.iter().for_each(|at| plain[*at] = 0);
            for _ in 0..63 {
                for from in 0..63usize {
                    for to in 0..63usize {
                        let apart = [(from / 9).abs_diff(to / 9), (from % 9).abs_diff(to % 9)];
                        if from != to && apart[0] <= 1 && apart[1] <= 1 {
                            let straight = if apart == [1, 1] { std::f32::consts::SQRT_2 } else { 1.0 };
                            let whole = |cost: f32| (cost * UNIT as f32) as u32;
                            let change = whole(greys[to] * 0.8).abs_diff(whole(greys[from] * 0.8));
                            let step = change + whole((0.2 * unlikely[to] + 0.01) * straight).max(1);
                            plain[to] = plain[to].min(plain[from] + step.min(LONGEST));
                        }
                    }
                }
            }
            prop_assert_eq!(found, plain);
        }
    }

    #[test]
    fn without_seeds_everything_is_farthest() {
        let cost = StepCost { grey: (&[0.0; 12], 1.0), unlikely: None, length: 0.01 };
        assert_eq!(distances([3, 4], |_| false, cost), vec![FARTHEST; 12]);
    }
}
