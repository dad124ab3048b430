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
    let mut best = vec![FARTHEST; rows * columns];
    let mut buckets: Vec<Vec<u32>> = vec![Vec::new(); LONGEST as usize + 1];
    for (at, best) in best.iter_mut().enumerate().filter(|(at, _)| is_seed(*at)) {
        *best = 0;
        buckets[0].push(at as u32);
    }
    let whole = |cost: f32| ((cost * UNIT as f32) as u32).clamp(1, LONGEST);
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
            let (row, column) = (from / columns, from % columns);
            for (down, right) in [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)] {
                let (near_row, near_column) = (row.wrapping_add_signed(down), column.wrapping_add_signed(right));
                if near_row >= rows || near_column >= columns {
                    continue;
                }
                let to = near_row * columns + near_column;
                if best[to] <= at_cost {
                    continue;
                }
                let (grey, per_grey) = cost.grey;
                let straight = if down != 0 && right != 0 { std::f32::consts::SQRT_2 } else { 1.0 };
                let unlikely = cost.unlikely.map_or(0.0, |(plane, per_unlikely)| per_unlikely * plane[to]);
                let step = (grey[to] - grey[from]).abs() * per_grey + (unlikely + cost.length) * straight;
                let there = at_cost + whole(step);
                if there < best[to] {
                    best[to] = there;
                    buckets[(there % (LONGEST + 1)) as usize].push(to as u32);
                    waiting += 1;
                }
            }
        }
        // Its memory serves the next round.
        buckets[slot] = bucket;
        at_cost += 1;
    }
    best
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
                            let step = (greys[to] - greys[from]).abs() * 0.8 + (0.2 * unlikely[to] + 0.01) * straight;
                            plain[to] = plain[to].min(plain[from] + ((step * UNIT as f32) as u32).clamp(1, LONGEST));
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
