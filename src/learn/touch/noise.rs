//! Random fields: smooth noise over a lattice, alone and in octaves.

use crate::engine::Random;

/// About normal, with mean 0 and deviation 1, and bounded by 3; cheaper than the real one.
pub fn rough_normal(random: &mut Random) -> f32 {
    (2.0 * (random.unit() + random.unit() + random.unit() - 1.5)) as f32
}

/// A plane of independent noise.
pub fn white(count: usize, random: &mut Random) -> Vec<f32> {
    (0..count).map(|_| rough_normal(random)).collect()
}

/// Smooth noise over `[rows, columns]` whose bumps are about `cell` pixels wide; deviation about 0.7.
pub fn field([rows, columns]: [usize; 2], cell: f64, random: &mut Random) -> Vec<f32> {
    let cell = cell.max(1.0);
    let start = [random.unit(), random.unit()];
    let across = (columns as f64 / cell) as usize + 3;
    let down = (rows as f64 / cell) as usize + 3;
    let lattice = white(across * down, random);
    let eased = |at: f64| {
        let share = at.fract();
        (at as usize, (share * share * (3.0 - 2.0 * share)) as f32)
    };
    let steps: Vec<(usize, f32)> = (0..columns).map(|n| eased(start[1] + n as f64 / cell)).collect();
    let mut plane = Vec::with_capacity(rows * columns);
    let mut line = vec![0.0f32; across];
    for row in 0..rows {
        let (above, share) = eased(start[0] + row as f64 / cell);
        let [upper, lower] = [0, 1].map(|n| &lattice[(above + n) * across..][..across]);
        line.iter_mut().zip(upper.iter().zip(lower)).for_each(|(v, (a, b))| *v = a + (b - a) * share);
        plane.extend(steps.iter().map(|(left, share)| line[*left] + (line[left + 1] - line[*left]) * share));
    }
    plane
}

/// Noise of several octaves: bumps of `cell` pixels, half of that at half the height, and so on.
pub fn octaves(size: [usize; 2], cell: f64, count: usize, random: &mut Random) -> Vec<f32> {
    let mut sum = field(size, cell, random);
    for octave in 1..count {
        let factor = 1.0 / (1 << octave) as f32;
        let finer = field(size, cell * f64::from(factor), random);
        sum.iter_mut().zip(finer).for_each(|(sum, value)| *sum += factor * value);
    }
    sum
}

/// The value below which a share of a plane lies.
pub fn quantile(plane: &[f32], share: f64) -> f32 {
    let mut sample: Vec<f32> = plane.iter().step_by((plane.len() / 2000).max(1) | 1).copied().collect();
    sample.sort_unstable_by(f32::total_cmp);
    let at = (share * sample.len() as f64) as usize;
    sample.get(at.min(sample.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_smooth_and_share_their_values_out() {
        let mut random = Random::new(3, 0);
        let plane = field([64, 80], 16.0, &mut random);
        let steps = plane.chunks(80).flat_map(|row| row.windows(2)).map(|pair| (pair[1] - pair[0]).abs());
        assert!(steps.fold(0.0f32, f32::max) < 0.6);
        let middle = quantile(&plane, 0.5);
        let below = plane.iter().filter(|value| **value < middle).count();
        assert!((2200..2900).contains(&below), "{below} of 5120");
    }
}
