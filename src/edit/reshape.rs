//! What balls make of a label: grown, shrunk, opened, closed, hollow.
//!
//! All follow from which voxels lie within a ball of a set (`shape::within`), so they are exact. The border of the volume does not count as
//! background: a label that is cut off by it goes on behind it, and is not eaten from there. Closing works as if there was empty space behind
//! the border, so that nothing is drawn out to it.

use crate::edit::label_box::{Over, Reshaped, bits_of, with_bits};
use crate::shape::{Ball, VoxelBits, within};
use crate::volume::{LabelMap, LabelValue};
use crate::work::{Stopped, Watch};

/// What is made of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reshape {
    /// All voxels from which one of the label lies within the ball: dilation.
    Grow,
    /// All of its voxels from which none that is not the label's lies within the ball: erosion.
    Shrink,
    /// Shrunk, then grown: parts that are thinner than the ball vanish.
    Open,
    /// Grown, then shrunk: gaps that are thinner than the ball are filled.
    Close,
    /// A shell: its own voxels with others within the ball.
    ShellInside,
    /// A shell around it: other voxels from which one of the label lies within the ball.
    ShellOutside,
    /// Both together.
    ShellCentred,
}

/// The labels after one of them was changed by a ball, and what changed. Nothing changes where there are no voxels of the label.
///
/// # Errors
/// When the work is stopped.
pub fn reshape(
    labels: &LabelMap,
    label: LabelValue,
    what: Reshape,
    ball: &Ball,
    over: Over,
    watch: Watch,
) -> Result<(LabelMap, Reshaped), Stopped> {
    watch.at(0.0)?;
    let Some(own) = labels.region_of(label) else { return Ok((labels.clone(), Reshaped::default())) };
    let region = match what {
        // Nothing is filled outside the box around the label.
        Reshape::Close => own,
        _ => own.grown(ball.reach(), labels.geometry().shape()),
    };
    let bits = bits_of(labels, label, region, watch.part(0.0, 0.1))?;
    watch.at(0.1)?;
    let bits = reshaped(bits, what, ball, watch.part(0.1, 0.9))?;
    watch.at(0.9)?;
    with_bits(labels, label, (region, &bits), over, watch.part(0.9, 1.0))
}

/// The same for a set in a box that has its surroundings as far as the ball reaches, but for those outside the volume.
fn reshaped(bits: VoxelBits, what: Reshape, ball: &Ball, watch: Watch) -> Result<VoxelBits, Stopped> {
    let near_others = |bits: &VoxelBits| within(&bits.clone().inverted(), ball, watch);
    let half = |bits| watch.at(0.5).map(|()| bits);
    Ok(match what {
        Reshape::Grow => within(&bits, ball, watch)?,
        Reshape::Shrink => {
            let others = near_others(&bits)?;
            bits.without(&others)
        }
        Reshape::Open => {
            let others = near_others(&bits)?;
            within(&half(bits.without(&others))?, ball, watch)?
        }
        Reshape::Close => closed(&bits, ball, watch)?,
        Reshape::ShellInside => {
            let inner = bits.clone().without(&near_others(&bits)?);
            bits.without(&inner)
        }
        Reshape::ShellOutside => half(within(&bits, ball, watch)?)?.without(&bits),
        Reshape::ShellCentred => {
            let inner = bits.clone().without(&near_others(&bits)?);
            half(within(&bits, ball, watch)?)?.without(&inner)
        }
    })
}

/// The set grown into the space around its box, and shrunk again.
fn closed(bits: &VoxelBits, ball: &Ball, watch: Watch) -> Result<VoxelBits, Stopped> {
    let (shape, reach) = (bits.shape(), ball.reach());
    let wide = [0, 1, 2].map(|axis| shape[axis] + 2 * reach[axis]);
    let outwards = reach.map(usize::cast_signed);
    let grown = within(&bits.moved(outwards, wide, watch)?, ball, watch)?;
    watch.at(0.5)?;
    let open = within(&grown.inverted(), ball, watch)?;
    Ok(open.moved(outwards.map(|n| -n), shape, watch)?.inverted())
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "indices of small grids"
)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};
    use proptest::prelude::*;

    const SHAPE: [usize; 3] = [12, 8, 7];
    const SPACING: [f64; 3] = [0.7, 1.1, 2.1];

    fn grid() -> Geometry {
        let columns = [0, 1, 2].map(|axis| [0, 1, 2].map(|row| if row == axis { SPACING[axis] } else { 0.0 }));
        Geometry::new(SHAPE, Affine::from_columns(columns, [0.0; 3])).unwrap()
    }

    fn all() -> Vec<[usize; 3]> {
        (0..SHAPE.iter().product()).map(|n| [n % 12, n / 12 % 8, n / 96]).collect()
    }

    /// Whether two voxels, of which one may lie outside the volume, are within a radius.
    fn near(a: [i32; 3], b: [i32; 3], radius: f64) -> bool {
        (0..3).map(|n| (f64::from(a[n] - b[n]) * SPACING[n]).powi(2)).sum::<f64>().sqrt() <= radius + 1e-4 * 0.7
    }

    /// By the definitions, voxel by voxel; the volume lies in the middle of empty space.
    fn by_definition(own: &dyn Fn([i32; 3]) -> bool, what: Reshape, radius: f64) -> Vec<[usize; 3]> {
        let inside = |v: [i32; 3]| (0..3).all(|n| (0..SHAPE[n] as i32).contains(&v[n]));
        let around = |v: [i32; 3]| {
            let reach = [0, 1, 2].map(|n| (radius / SPACING[n]) as i32 + 1);
            let all = (-reach[2]..=reach[2]).flat_map(move |k| {
                (-reach[1]..=reach[1])
                    .flat_map(move |j| (-reach[0]..=reach[0]).map(move |i| [v[0] + i, v[1] + j, v[2] + k]))
            });
            all.filter(move |w| near(v, *w, radius))
        };
        let grown = |v: [i32; 3]| around(v).any(own);
        let stays = |v: [i32; 3]| own(v) && around(v).all(|w| !inside(w) || own(w));
        let is_in = |v: [i32; 3]| match what {
            Reshape::Grow => grown(v),
            Reshape::Shrink => stays(v),
            Reshape::Open => around(v).any(stays),
            Reshape::Close => around(v).all(grown),
            Reshape::ShellInside => own(v) && !stays(v),
            Reshape::ShellOutside => grown(v) && !own(v),
            Reshape::ShellCentred => grown(v) && !stays(v),
        };
        all().into_iter().filter(|v| is_in(v.map(|n| n as i32))).collect()
    }

    const EVERY: [Reshape; 7] = [
        Reshape::Grow,
        Reshape::Shrink,
        Reshape::Open,
        Reshape::Close,
        Reshape::ShellInside,
        Reshape::ShellOutside,
        Reshape::ShellCentred,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_shape_is_what_its_definition_says(
            blocks in prop::collection::vec(((0usize..12, 0usize..8, 0usize..7), (1usize..9, 1usize..7, 1usize..6)), 1..4),
            other in 0usize..12, steps in 0usize..6, over in any::<bool>(),
        ) {
            let radius = steps as f64 * 0.7;
            let in_block = |v: [usize; 3]| blocks.iter().any(|((i, j, k), (di, dj, dk))| {
                (*i..i + di).contains(&v[0]) && (*j..j + dj).contains(&v[1]) && (*k..k + dk).contains(&v[2])
            });
            let before = LabelMap::from_fn(grid(), |v| if in_block(v) { 3 } else if v[0] == other { 5 } else { 0 });
            let own = |v: [i32; 3]| {
                (0..3).all(|n| (0..SHAPE[n] as i32).contains(&v[n])) && before.get(v.map(|n| n as usize)) == 3
            };
            let ball = Ball::new(radius, SPACING, [true; 3]).unwrap();
            let over = if over { Over::OtherLabels } else { Over::Background };
            for what in EVERY {
                let (after, told) = reshape(&before, 3, what, &ball, over, Watch::unwatched()).unwrap();
                let wanted = by_definition(&own, what, radius);
                let mut counts = Reshaped::default();
                for v in all() {
                    let (old, is_in) = (before.get(v), wanted.contains(&v));
                    let new = match (is_in, old) {
                        (true, 5) if over == Over::Background => 5,
                        (true, _) => 3,
                        (false, 3) => 0,
                        (false, other) => other,
                    };
                    prop_assert_eq!(after.get(v), new, "{:?} {:?}", what, v);
                    counts.added += usize::from(new == 3 && old != 3);
                    counts.removed += usize::from(new != 3 && old == 3);
                    counts.left += usize::from(is_in && new != 3);
                }
                prop_assert_eq!(told, counts, "{:?}", what);
            }
        }
    }

    #[test]
    fn a_label_without_voxels_stays_so() {
        let map = LabelMap::empty(grid());
        let ball = Ball::new(3.0, SPACING, [true; 3]).unwrap();
        for what in EVERY {
            let (after, told) = reshape(&map, 1, what, &ball, Over::Background, Watch::unwatched()).unwrap();
            assert!(after.is_same_snapshot(&map) && told == Reshaped::default());
        }
    }
}
