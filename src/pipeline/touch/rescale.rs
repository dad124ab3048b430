//! Between a picture's own grid and the square pixels of about the sizes that the network has learned from.

use super::prompt::NOTHING;
use super::smooth::smooth;

/// Longest side that the network is shown, in pixels.
const LONGEST: f64 = 256.0;
/// A picture whose longer side is shorter than this is enlarged to it.
const SHORTEST: f64 = 96.0;

/// A picture's grid, and the one that the network is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grids {
    /// Rows and columns of the picture.
    pub own: [usize; 2],
    /// Rows and columns that are shown.
    pub shown: [usize; 2],
}

impl Grids {
    /// For a picture whose rows and columns lie this far apart.
    pub fn new(own: [usize; 2], spacing: [f64; 2]) -> Self {
        let finest = spacing[0].min(spacing[1]);
        let extent = [0, 1].map(|axis| own[axis] as f64 * (spacing[axis] / finest));
        let longest = extent[0].max(extent[1]).max(1.0);
        let factor = (LONGEST / longest).min((SHORTEST / longest).max(1.0));
        Self { own, shown: extent.map(|pixels| ((pixels * factor).round() as usize).max(1)) }
    }

    /// A plane of values on the shown grid.
    pub fn show(self, plane: &[f32]) -> Vec<f32> {
        if self.own == self.shown {
            return plane.to_vec();
        }
        let step = [0, 1].map(|axis| self.own[axis] as f64 / self.shown[axis] as f64);
        let coarser = step[0].max(step[1]);
        // What is finer than the shown pixels would come back as a pattern.
        let plane = if coarser > 1.2 { &smooth(plane, self.own, 0.4 * coarser)[..] } else { plane };
        resampled(plane, self.own, self.shown)
    }

    /// Strokes on the shown grid: none is lost.
    pub fn show_strokes(self, strokes: &[u8]) -> Vec<u8> {
        let mut shown = self.show_mask(strokes);
        for (at, stroke) in strokes.iter().enumerate().filter(|(_, stroke)| **stroke != NOTHING) {
            let place = |n: usize, axis: usize| (2 * n + 1) * self.shown[axis] / (2 * self.own[axis]);
            shown[place(at / self.own[1], 0) * self.shown[1] + place(at % self.own[1], 1)] = *stroke;
        }
        shown
    }

    /// A mask on the shown grid, by the nearest pixel.
    pub fn show_mask(self, mask: &[u8]) -> Vec<u8> {
        let place = |n: usize, axis: usize| (2 * n + 1) * self.own[axis] / (2 * self.shown[axis]);
        let [rows, columns] = self.shown;
        (0..rows * columns).map(|at| mask[place(at / columns, 0) * self.own[1] + place(at % columns, 1)]).collect()
    }

    /// A plane of the shown grid on the picture's own.
    pub fn back(self, plane: &[f32]) -> Vec<f32> {
        if self.own == self.shown { plane.to_vec() } else { resampled(plane, self.shown, self.own) }
    }
}

/// Linear between the centres of pixels; beyond the outermost ones their values.
fn resampled(plane: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let places = |axis: usize| -> Vec<(usize, usize, f32)> {
        let at = |n: usize| {
            let at = (n as f64 + 0.5) * from[axis] as f64 / to[axis] as f64 - 0.5;
            let at = at.clamp(0.0, from[axis] as f64 - 1.0);
            (at as usize, (at as usize + 1).min(from[axis] - 1), at.fract() as f32)
        };
        (0..to[axis]).map(at).collect()
    };
    let (rows, columns) = (places(0), places(1));
    let mut out = Vec::with_capacity(to[0] * to[1]);
    for (above, below, down) in rows {
        let [upper, lower] = [above, below].map(|row| &plane[row * from[1]..][..from[1]]);
        out.extend(columns.iter().map(|(left, right, share)| {
            let line = |row: &[f32]| row[*left] + (row[*right] - row[*left]) * share;
            line(upper) + (line(lower) - line(upper)) * down
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_fit_what_the_network_has_seen_and_pixels_become_square() {
        let shown = |own, spacing| Grids::new(own, spacing).shown;
        assert_eq!(shown([256, 256], [1.0, 1.0]), [256, 256]);
        assert_eq!(shown([120, 200], [0.7, 0.7]), [120, 200]);
        assert_eq!(shown([512, 384], [1.0, 1.0]), [256, 192]);
        assert_eq!(shown([30, 60], [3.0, 1.5]), [96, 96]);
        assert_eq!(shown([1, 1], [1.0, 1.0]), [96, 96]);
        assert_eq!(shown([40, 160], [4.0, 1.0]), [160, 160]);
    }

    #[test]
    fn ramps_come_back_and_no_stroke_is_lost() {
        let grids = Grids::new([500, 300], [1.0, 1.0]);
        let ramp: Vec<f32> = (0..150_000).map(|n| (n % 300) as f32).collect();
        let back = grids.back(&grids.show(&ramp));
        let apart = (0..150_000).filter(|n| (5..295).contains(&(n % 300))).map(|n| (back[n] - ramp[n]).abs());
        assert!(apart.fold(0.0f32, f32::max) < 0.1);
        let mut strokes = vec![0; 150_000];
        for n in 0..40 {
            strokes[n * 3701] = 1 + (n % 2) as u8;
        }
        let shown = grids.show_strokes(&strokes);
        assert_eq!(shown.iter().filter(|stroke| **stroke != 0).count(), 40);
        let finer = Grids::new([20, 24], [1.0, 1.0]);
        let mask: Vec<u8> = (0..480).map(|n| u8::from(n % 24 > 11)).collect();
        let shown: usize = finer.show_strokes(&mask).iter().map(|on| usize::from(*on == 1)).sum();
        assert_eq!(shown, 80 * 48);
    }
}
