//! Gaussian derivatives of a slice.
//!
//! The kernels are those of the library scipy's `ndimage.gaussian_filter1d` (Gaussian times a polynomial, cut at four deviations, border
//! reflected about the edge of the last pixel), so that results can be compared with it.

/// Deviations at which a kernel ends.
const REACH: f64 = 4.0;

/// A derivative of a Gaussian, of order 0 to 2, from left to right.
pub fn kernel(deviation: f64, order: usize) -> Vec<f32> {
    let reach = (REACH * deviation + 0.5) as i64;
    let square = deviation * deviation;
    let bell: Vec<f64> = (-reach..=reach).map(|x| (-0.5 * (x * x) as f64 / square).exp()).collect();
    let sum: f64 = bell.iter().sum();
    // A derivative weighs what lies ahead: the kernel is applied as a correlation.
    let factor = |x: f64| match order {
        0 => 1.0,
        1 => x / square,
        _ => x * x / (square * square) - 1.0 / square,
    };
    (-reach..=reach).zip(bell).map(|(x, b)| (factor(x as f64) * b / sum) as f32).collect()
}

/// Index inside the line: `d c b a | a b c d | d c b a`.
fn reflected(n: i64, length: i64) -> usize {
    let period = 2 * length;
    let n = n.rem_euclid(period);
    (if n < length { n } else { period - 1 - n }) as usize
}

/// Correlates rows (`axis` 1) or columns (`axis` 0) of a slice with a kernel of odd length.
pub fn along(values: &[f32], [h, w]: [usize; 2], axis: usize, kernel: &[f32]) -> Vec<f32> {
    let reach = kernel.len() as i64 / 2;
    let mut out = vec![0.0f32; values.len()];
    if axis == 1 {
        let mut line = vec![0.0f32; w + kernel.len() - 1];
        for (row, out) in values.chunks_exact(w).zip(out.chunks_exact_mut(w)) {
            for (n, v) in line.iter_mut().enumerate() {
                *v = row[reflected(n as i64 - reach, w as i64)];
            }
            for (tap, &weight) in kernel.iter().enumerate() {
                out.iter_mut().zip(&line[tap..]).for_each(|(sum, v)| *sum += weight * v);
            }
        }
    } else {
        for (y, out) in out.chunks_exact_mut(w).enumerate() {
            for (tap, &weight) in kernel.iter().enumerate() {
                let from = reflected(y as i64 + tap as i64 - reach, h as i64) * w;
                out.iter_mut().zip(&values[from..from + w]).for_each(|(sum, v)| *sum += weight * v);
            }
        }
    }
    out
}

/// The derivative of orders `[down, across]` at a scale.
pub fn derivative(values: &[f32], size: [usize; 2], deviation: f64, orders: [usize; 2]) -> Vec<f32> {
    let rows = along(values, size, 1, &kernel(deviation, orders[1]));
    along(&rows, size, 0, &kernel(deviation, orders[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_of_a_parabola_are_known() {
        // (x - 18)^2 + 3 (y - 20) far from the border: 4 across, curved by 2, 3 down.
        let (h, w) = (40, 40);
        let image: Vec<f32> =
            (0..h * w).map(|n| ((n % w) as f32 - 18.0).powi(2) + 3.0 * ((n / w) as f32 - 20.0)).collect();
        let at = 20 * w + 20;
        let close = |orders, want: f32| {
            let got = derivative(&image, [h, w], 1.6, orders)[at];
            assert!((got - want).abs() < 2e-2 * want.abs().max(1.0), "{orders:?}: {got}, expected {want}");
        };
        close([0, 1], 4.0);
        close([0, 2], 2.0);
        close([1, 0], 3.0);
        close([2, 0], 0.0);
    }

    #[test]
    fn they_equal_scipy_also_at_the_border() {
        // SciPy 1.17.1: gaussian_filter(image, 1.6, order), image[y, x] = (7 y + 3 x) mod 11 of 9 x 12.
        let image: Vec<f32> = (0..9 * 12).map(|n| ((7 * (n / 12) + 3 * (n % 12)) % 11) as f32).collect();
        for (orders, want) in SCIPY {
            let got = derivative(&image, [9, 12], 1.6, *orders);
            for (at, want) in [0, 5, 40, 59, 107].into_iter().zip(want) {
                assert!((got[at] - want).abs() < 1e-5, "{orders:?} at {at}: {}, expected {want}", got[at]);
            }
        }
    }

    #[allow(clippy::unreadable_literal, reason = "as SciPy prints them")]
    const SCIPY: &[([usize; 2], [f32; 5])] = &[
        ([0, 0], [4.539209, 4.922756, 4.877397, 5.346532, 4.992226]),
        ([0, 1], [0.152444, 0.238706, 0.123234, 0.125426, -0.098101]),
        ([1, 0], [0.239671, 0.002758, 0.063205, 0.158434, -0.117744]),
        ([0, 2], [0.268058, 0.248259, 0.174850, -0.231333, 0.148431]),
        ([1, 1], [-0.048222, -0.005826, 0.073167, -0.003395, -0.036193]),
        ([2, 0], [0.430318, 0.008062, 0.034766, -0.134724, 0.211121]),
    ];
}
