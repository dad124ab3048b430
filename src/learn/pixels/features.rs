//! What a pixel classifier sees of a pixel: brightness, edges and texture around it at several scales.
//!
//! The set is ilastik's (Berg et al., Nature Methods 16, 2019): Gaussian, gradient magnitude, Laplacian of Gaussian, eigenvalues
//! of the Hessian, eigenvalues of the structure tensor.

use rayon::prelude::*;

use super::filters::{along, derivative, kernel};
use crate::work::{Stopped, Watch};

/// Deviations of the Gaussians in pixels.
const SCALES: [f64; 4] = [0.7, 1.6, 3.5, 7.0];

/// Share of the scale over which the structure tensor is averaged, as in ilastik.
const TENSOR_SHARE: f64 = 0.5;

/// Maps of a scale.
const PER_SCALE: usize = 7;

/// Number of maps.
pub const FEATURES: usize = 1 + PER_SCALE * SCALES.len();

/// All maps of a slice, one after the other: the slice itself, then for each scale Gaussian, gradient magnitude, Laplacian,
/// larger and smaller eigenvalue of the Hessian, larger and smaller of the structure tensor.
///
/// # Errors
/// When the work is stopped.
pub fn features(image: &[f32], size: [usize; 2], watch: Watch) -> Result<Vec<f32>, Stopped> {
    let scales: Result<Vec<Vec<f32>>, Stopped> =
        SCALES.into_par_iter().map(|scale| of_scale(image, size, scale, watch)).collect();
    let mut all = image.to_vec();
    scales?.iter().for_each(|maps| all.extend(maps));
    Ok(all)
}

fn of_scale(image: &[f32], size: [usize; 2], scale: f64, watch: Watch) -> Result<Vec<f32>, Stopped> {
    let at = |orders| watch.check().map(|()| derivative(image, size, scale, orders));
    let smooth = at([0, 0])?;
    let (dx, dy) = (at([0, 1])?, at([1, 0])?);
    let (dxx, dxy, dyy) = (at([0, 2])?, at([1, 1])?, at([2, 0])?);
    let average = |a: &[f32], b: &[f32]| {
        let product: Vec<f32> = a.iter().zip(b).map(|(a, b)| a * b).collect();
        let bell = kernel(TENSOR_SHARE * scale, 0);
        watch.check().map(|()| along(&along(&product, size, 1, &bell), size, 0, &bell))
    };
    let (jxx, jxy, jyy) = (average(&dx, &dx)?, average(&dx, &dy)?, average(&dy, &dy)?);
    let magnitude: Vec<f32> = dx.iter().zip(&dy).map(|(x, y)| x.hypot(*y)).collect();
    let laplacian: Vec<f32> = dxx.iter().zip(&dyy).map(|(x, y)| x + y).collect();
    let mut maps = vec![smooth, magnitude, laplacian];
    maps.extend(eigenvalues(&dxx, &dxy, &dyy));
    maps.extend(eigenvalues(&jxx, &jxy, &jyy));
    Ok(maps.concat())
}

/// Larger and smaller eigenvalue of symmetric 2 x 2 matrices.
fn eigenvalues(xx: &[f32], xy: &[f32], yy: &[f32]) -> [Vec<f32>; 2] {
    let of = |sign: f32| {
        let each = xx.iter().zip(xy).zip(yy);
        each.map(|((a, b), c)| 0.5 * (a + c) + sign * (0.5 * (a - c)).hypot(*b)).collect()
    };
    [of(1.0), of(-1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Signal;

    #[test]
    fn a_line_has_one_strong_curvature_whatever_its_direction() {
        let size = [32, 32];
        let pixels = 32 * 32;
        let upright: Vec<f32> = (0..pixels).map(|n| f32::from(u8::from(n % 32 == 16))).collect();
        let level: Vec<f32> = (0..pixels).map(|n| f32::from(u8::from(n / 32 == 16))).collect();
        let [a, b] = [&upright, &level].map(|image| features(image, size, Watch::unwatched()).unwrap());
        let signal = Signal::default();
        signal.stop();
        assert_eq!(features(&upright, size, Watch::new(&signal)), Err(Stopped));
        assert_eq!(a.len(), FEATURES * pixels);
        let at = 16 * 32 + 16;
        for scale in 0..SCALES.len() {
            let map = |all: &[f32], n: usize| all[(1 + PER_SCALE * scale + n) * pixels + at];
            for n in 0..PER_SCALE {
                assert!((map(&a, n) - map(&b, n)).abs() < 1e-5, "map {n} at scale {scale}");
            }
            assert!(map(&a, 4) < 0.0 && map(&a, 3).abs() < 0.1 * map(&a, 4).abs(), "a bright ridge");
        }
    }
}
