//! How far two pictures of the same view are from each other.

use serde::Serialize;

use crate::formats::RgbPicture;

/// Levels by which a pixel is plainly another one.
const FAR: u8 = 16;

/// How far pictures are from others of the same views.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Likeness {
    /// Mean difference of a channel in levels of 256, over all pixels that show something in either picture.
    pub mean_levels: f64,
    /// Share of these pixels that have a channel which differs by more than 16 levels.
    pub far_share: f64,
    /// Share of these pixels that show something in one picture only.
    pub one_sided_share: f64,
}

impl Likeness {
    /// Of pairs of pictures of the same sizes on a black ground.
    pub fn of(pairs: &[[RgbPicture; 2]]) -> Self {
        let (mut shown, mut levels, mut far, mut one_sided) = (0u64, 0u64, 0u64, 0u64);
        for (a, b) in pairs.iter().flat_map(|[a, b]| a.rgb.as_chunks::<3>().0.iter().zip(b.rgb.as_chunks::<3>().0)) {
            let [is_a, is_b] = [a, b].map(|pixel| *pixel != [0; 3]);
            if !is_a && !is_b {
                continue;
            }
            let apart = [0, 1, 2].map(|channel| a[channel].abs_diff(b[channel]));
            shown += 1;
            levels += apart.iter().map(|apart| u64::from(*apart)).sum::<u64>();
            far += u64::from(apart.iter().any(|apart| *apart > FAR));
            one_sided += u64::from(is_a != is_b);
        }
        let share = |count: u64| count as f64 / shown.max(1) as f64;
        Self { mean_levels: share(levels) / 3.0, far_share: share(far), one_sided_share: share(one_sided) }
    }
}
