//! A random transform of space from a patch to a case's slices, and reading through it.

use std::ops::RangeInclusive;

use super::settings::Cut;
use crate::engine::Random;
use crate::learn::slices::Run;

/// Pixels between the control points of a deformation.
const CONTROL_SPACING: f64 = 12.0;

/// Where the pixels of a patch lie in a case: an affine map of (slice, row, column), and a smooth displacement in the plane.
pub struct Warp {
    centre: [f64; 3],
    patch: [usize; 2],
    matrix: [[f64; 3]; 3],
    displacement: Option<Displacement>,
}

/// Displacements at control points, interpolated by cubic B-splines.
struct Displacement {
    rows: usize,
    columns: usize,
    /// `[row and column][control point]`.
    values: [Vec<f64>; 2],
}

impl Warp {
    /// Whole pixels fall on whole pixels, so that an unmoved patch is an exact copy.
    pub fn identity(slice: usize, size: [usize; 2], patch: [usize; 2]) -> Self {
        let centre = [slice as f64, middle(size[0]), middle(size[1])];
        let matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        Self { centre, patch, matrix, displacement: None }
    }

    /// Moves the patch within the slice, by pixels along rows (0) or columns (1).
    pub fn move_by(&mut self, axis: usize, pixels: f64) {
        self.centre[axis + 1] += pixels;
    }

    /// Turns by an angle in the plane of two axes, of 0 slice, 1 row, 2 column.
    pub fn turn(&mut self, [a, b]: [usize; 2], angle: f64) {
        let (s, c) = angle.sin_cos();
        let mut m = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        (m[a][a], m[a][b], m[b][a], m[b][b]) = (c, -s, s, c);
        self.after(m);
    }

    /// Makes things larger by these factors.
    pub fn grow(&mut self, factors: [f64; 3]) {
        self.after_diagonal(factors.map(|f| 1.0 / f));
    }

    /// Mirrors along an axis.
    pub fn mirror(&mut self, axis: usize) {
        let mut signs = [1.0; 3];
        signs[axis] = -1.0;
        self.after_diagonal(signs);
    }

    /// Draws a smooth displacement in the plane, of a deviation in pixels.
    pub fn deform(&mut self, deviation: f64, patch: [usize; 2], random: &mut Random) {
        let count = |n: usize| (n as f64 / CONTROL_SPACING).ceil() as usize + 4;
        let (rows, columns) = (count(patch[0]), count(patch[1]));
        let mut draw = || (0..rows * columns).map(|_| random.normal() * deviation).collect();
        self.displacement = Some(Displacement { rows, columns, values: [draw(), draw()] });
    }

    /// From here on distances across slices count in slices, `step` pixels apart; before they counted in pixels.
    pub fn in_slices(&mut self, step: f64) {
        self.matrix[0] = self.matrix[0].map(|v| v / step);
        // The middle slice's neighbours are whole slices away.
        for row in &mut self.matrix {
            row[0] *= step;
        }
    }

    fn after_diagonal(&mut self, d: [f64; 3]) {
        self.after([[d[0], 0.0, 0.0], [0.0, d[1], 0.0], [0.0, 0.0, d[2]]]);
    }

    fn after(&mut self, m: [[f64; 3]; 3]) {
        let a = self.matrix;
        self.matrix = [0, 1, 2].map(|r| [0, 1, 2].map(|c| (0..3).map(|k| a[r][k] * m[k][c]).sum()));
    }

    /// Visits the place in the case, (slice, row, column), of every pixel of a patch's slice `offset` slices away.
    fn each(&self, offset: f64, mut visit: impl FnMut([f64; 3])) {
        for row in 0..self.patch[0] {
            for column in 0..self.patch[1] {
                let (mut y, mut x) = (row as f64 - middle(self.patch[0]), column as f64 - middle(self.patch[1]));
                if let Some(displacement) = &self.displacement {
                    let [dy, dx] = displacement.at(row as f64, column as f64);
                    (y, x) = (y + dy, x + dx);
                }
                visit([0, 1, 2].map(|r| {
                    let m = self.matrix[r];
                    self.centre[r] + m[0] * offset + m[1] * y + m[2] * x
                }));
            }
        }
    }

    /// The slices, of so many, that [`Warp::read`] and [`Warp::read_labels`] look at.
    pub fn slices(&self, cut: Cut, count: usize) -> RangeInclusive<usize> {
        let [across, down, along] = self.matrix[0];
        let reach = |axis: usize| {
            // Splines stay between their control points.
            let moved =
                |displacement: &Displacement| displacement.values[axis].iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            self.patch[axis] as f64 + self.displacement.as_ref().map_or(0.0, moved)
        };
        let tilt = down.abs() * reach(0) + along.abs() * reach(1);
        // Rounding matters only where a slice is met between two others.
        let margin = if tilt == 0.0 { 0.0 } else { 1e-6 };
        let spread = across.abs() * cut.neighbours as f64 + tilt + margin;
        let last = count.saturating_sub(1) as f64;
        let [low, high] = [self.centre[0] - spread, self.centre[0] + spread].map(|at| at.clamp(0.0, last));
        low.floor() as usize..=high.ceil() as usize
    }

    /// Appends the patch of a channel, neighbours first to last, interpolated linearly.
    pub fn read(&self, channel: &Run<f32>, size: [usize; 2], cut: Cut, out: &mut Vec<f32>) {
        let reach = cut.neighbours as i64;
        let there: &[Vec<f32>] = &channel.slices;
        for offset in -reach..=reach {
            self.each(offset as f64, |at| {
                let [below, above] = slices(at[0], channel.count);
                let near = linear(&there[channel.place(below.0)], size, [at[1], at[2]], cut.mirrored_border);
                out.push(if above.1 > 0.0 {
                    let far = linear(&there[channel.place(above.0)], size, [at[1], at[2]], cut.mirrored_border);
                    near * below.1 + far * above.1
                } else {
                    near
                });
            });
        }
    }

    /// Labels of the patch's own slice: at every pixel the one that the voxels around it weigh most for.
    pub fn read_labels(&self, labels: &Run<u16>, size: [usize; 2], cut: Cut) -> Vec<u16> {
        let mut all = Vec::with_capacity(self.patch[0] * self.patch[1]);
        self.each(0.0, |at| all.push(vote(labels, size, at, cut.mirrored_border)));
        all
    }
}

impl Displacement {
    fn at(&self, row: f64, column: f64) -> [f64; 2] {
        let (first_row, row_weights) = spline(row / CONTROL_SPACING);
        let (first_column, column_weights) = spline(column / CONTROL_SPACING);
        let mut sum = [0.0; 2];
        for (r, rw) in row_weights.iter().enumerate() {
            for (c, cw) in column_weights.iter().enumerate() {
                let at = (first_row + r).min(self.rows - 1) * self.columns + (first_column + c).min(self.columns - 1);
                for (total, values) in sum.iter_mut().zip(&self.values) {
                    *total += rw * cw * values[at];
                }
            }
        }
        sum
    }
}

/// The middle pixel.
fn middle(n: usize) -> f64 {
    (n / 2) as f64
}

/// The first of four control points, and the uniform cubic B-spline's weights of all four.
fn spline(at: f64) -> (usize, [f64; 4]) {
    let first = at.floor();
    let t = at - first;
    let s = 1.0 - t;
    let inner = |u: f64| (3.0 * u * u * u - 6.0 * u * u + 4.0) / 6.0;
    (first as usize, [s * s * s / 6.0, inner(t), inner(s), t * t * t / 6.0])
}

/// The two slices around a position and their weights; beyond the ends the last slice repeats.
fn slices(at: f64, count: usize) -> [(usize, f32); 2] {
    let last = count as f64 - 1.0;
    let at = at.clamp(0.0, last);
    let below = at.floor();
    let share = (at - below) as f32;
    [(below as usize, 1.0 - share), ((below + 1.0).min(last) as usize, share)]
}

fn linear(image: &[f32], size: [usize; 2], at: [f64; 2], mirrored: bool) -> f32 {
    let (r, c) = (at[0].floor(), at[1].floor());
    let (fr, fc) = ((at[0] - r) as f32, (at[1] - c) as f32);
    let (r, c) = (r as i64, c as i64);
    let [rows, columns] = size.map(|n| n as i64);
    let values = if r >= 0 && c >= 0 && r + 1 < rows && c + 1 < columns {
        let first = r as usize * size[1] + c as usize;
        [image[first], image[first + 1], image[first + size[1]], image[first + size[1] + 1]]
    } else {
        let value = |row: i64, column: i64| {
            let at = inside(row, size[0], mirrored).zip(inside(column, size[1], mirrored));
            at.map_or(0.0, |(r, c)| image[r * size[1] + c])
        };
        [value(r, c), value(r, c + 1), value(r + 1, c), value(r + 1, c + 1)]
    };
    let top = values[0] * (1.0 - fc) + values[1] * fc;
    let bottom = values[2] * (1.0 - fc) + values[3] * fc;
    top * (1.0 - fr) + bottom * fr
}

fn inside(at: i64, length: usize, mirrored: bool) -> Option<usize> {
    let last = length as i64 - 1;
    if (0..=last).contains(&at) {
        Some(at as usize)
    } else if mirrored && last > 0 {
        let folded = at.rem_euclid(2 * last);
        Some((if folded > last { 2 * last - folded } else { folded }) as usize)
    } else {
        None
    }
}

/// The label of the largest weight among the eight voxels around; of equals the lowest. Beyond the slice there is background, or
/// the slice mirrored.
fn vote(labels: &Run<u16>, size: [usize; 2], at: [f64; 3], mirrored: bool) -> u16 {
    let (r, c) = (at[1].floor(), at[2].floor());
    let (fr, fc) = ((at[1] - r) as f32, (at[2] - c) as f32);
    let (r, c) = (r as i64, c as i64);
    let mut found = [(0u16, 0.0f32); 8];
    let mut count = 0;
    for (slice, slice_weight) in slices(at[0], labels.count) {
        if slice_weight <= 0.0 {
            continue;
        }
        let there = &labels.slices[labels.place(slice)];
        for (row, row_weight) in [(r, 1.0 - fr), (r + 1, fr)] {
            for (column, column_weight) in [(c, 1.0 - fc), (c + 1, fc)] {
                let weight = slice_weight * row_weight * column_weight;
                if weight <= 0.0 {
                    continue;
                }
                let at = inside(row, size[0], mirrored).zip(inside(column, size[1], mirrored));
                let label = at.map_or(0, |(r, c)| there[r * size[1] + c]);
                match found[..count].iter_mut().find(|(l, _)| *l == label) {
                    Some((_, sum)) => *sum += weight,
                    None => {
                        found[count] = (label, weight);
                        count += 1;
                    }
                }
            }
        }
    }
    let best = found[..count].iter().fold((0, 0.0), |best: (u16, f32), &(label, weight)| {
        if weight > best.1 || (weight == best.1 && label < best.0) { (label, weight) } else { best }
    });
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_displacement_moves_everything_by_it() {
        let displacement = Displacement { rows: 8, columns: 9, values: [vec![1.5; 72], vec![-0.5; 72]] };
        for at in [[0.0, 0.0], [13.2, 47.0], [35.9, 3.0]] {
            let [r, c] = displacement.at(at[0], at[1]);
            assert!((r - 1.5).abs() < 1e-12 && (c + 0.5).abs() < 1e-12);
        }
    }

    #[test]
    fn turning_out_of_the_plane_and_slices_far_apart() {
        let mut warp = Warp::identity(5, [9, 9], [9, 9]);
        warp.turn([0, 1], std::f64::consts::FRAC_PI_2);
        warp.in_slices(2.0);
        let mut places = Vec::new();
        warp.each(0.0, |at| places.push(at));
        // The row axis now runs across the slices, which lie two pixels apart.
        let (first, last) = (places[4], places[9 * 8 + 4]);
        assert!((first[0] - 7.0).abs() < 1e-9 && (last[0] - 3.0).abs() < 1e-9, "{first:?} {last:?}");
        assert!((first[1] - 4.0).abs() < 1e-9 && first[2] == 4.0);
    }

    #[test]
    fn the_slices_that_are_read_are_known_before() {
        let mut random = Random::new(7, 0);
        let (mut tilted, mut whole) = (0, 0);
        for n in 0..200 {
            let (patch, count) = ([9 + n % 7, 12], 5 + n % 30);
            let cut = Cut { patch, output: patch, neighbours: n % 3, mirrored_border: false };
            let mut warp = Warp::identity(random.index(count), [16, 16], patch);
            warp.move_by(0, random.between(-3.0, 3.0).round());
            warp.turn([1, 2], random.between(-1.0, 1.0));
            if n % 2 == 0 {
                warp.turn([0, 1 + n % 4 / 2], random.between(-0.8, 0.8));
                tilted += 1;
            }
            warp.mirror(0);
            if n % 5 == 0 {
                warp.deform(2.0, patch, &mut random);
            }
            warp.in_slices(random.between(0.5, 2.0));
            let known = warp.slices(cut, count);
            let mut seen = [usize::MAX, 0];
            for offset in -(cut.neighbours as i64)..=cut.neighbours as i64 {
                warp.each(offset as f64, |at| {
                    for (slice, weight) in slices(at[0], count) {
                        if weight > 0.0 {
                            seen = [seen[0].min(slice), seen[1].max(slice)];
                        }
                    }
                });
            }
            assert!(known.contains(&seen[0]) && known.contains(&seen[1]), "{n}: {known:?} {seen:?}");
            whole += usize::from(known == (seen[0]..=seen[1]));
        }
        assert!(tilted == 100 && whole >= 100, "flat patches read no slice too many: {whole}");
    }

    #[test]
    fn votes_weigh_voxels_and_beyond_the_slice_is_background() {
        let slices = vec![vec![1, 1, 2, 2], vec![3, 3, 3, 3]];
        let labels = Run { first: 0, count: 2, slices: slices.into() };
        assert_eq!(vote(&labels, [2, 2], [0.0, 0.4, 0.0], false), 1);
        assert_eq!(vote(&labels, [2, 2], [0.0, 0.6, 0.0], false), 2);
        assert_eq!(vote(&labels, [2, 2], [0.7, 0.6, 0.0], false), 3);
        assert_eq!(vote(&labels, [2, 2], [0.0, -0.6, 0.0], false), 0);
        assert_eq!(vote(&labels, [2, 2], [0.0, -0.6, 0.0], true), 2, "as its image");
        assert_eq!(vote(&labels, [2, 2], [9.0, 0.0, 0.0], false), 3);
    }
}
