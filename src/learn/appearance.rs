//! An appearance model of a data set: principal components of images and labels together, to draw scans of nobody.
//!
//! Source: Cootes, Edwards, Taylor, "Active Appearance Models", 2001, without the shape alignment: the crops are centred
//! on each other instead.

use crate::engine::Random;

/// One example on the common grid: normalised intensities and labels, the same length.
pub struct Specimen {
    /// Intensities with mean 0 and deviation 1.
    pub image: Vec<f32>,
    /// Labels.
    pub labels: Vec<u16>,
}

/// Mean and principal modes of a set of specimens.
pub struct AppearanceModel {
    voxels: usize,
    classes: usize,
    mean: Vec<f64>,
    /// Modes scaled to one standard deviation.
    modes: Vec<Vec<f64>>,
    /// Deviation of what the modes leave unexplained, per voxel of the image.
    residual: f64,
}

/// Weight of the label maps beside the image, so that modes couple shape with intensity.
const LABEL_WEIGHT: f64 = 3.0;
/// Coefficients are drawn with this share of the deviation seen: nearer to the mean, scans look more typical.
const SPREAD: f64 = 0.6;
/// Share of the unexplained deviation that is drawn as noise: the rest is structure that independent noise cannot mimic.
const NOISE_SHARE: f64 = 0.4;
/// Iterations of the power method per mode.
const ITERATIONS: usize = 60;

/// Image, then one map per class: what the analysis sees of a specimen.
fn features(specimen: &Specimen, classes: usize) -> Vec<f64> {
    let mut all: Vec<f64> = specimen.image.iter().map(|&v| f64::from(v)).collect();
    for class in 1..classes as u16 {
        all.extend(specimen.labels.iter().map(|&l| LABEL_WEIGHT * f64::from(u8::from(l == class))));
    }
    all
}

impl AppearanceModel {
    /// Analyses specimens; at most `mode_count` modes, fewer than specimens.
    pub fn new(specimens: &[Specimen], classes: usize, mode_count: usize) -> Self {
        let rows: Vec<Vec<f64>> = specimens.iter().map(|s| features(s, classes)).collect();
        let (n, length) = (rows.len(), rows[0].len());
        let mut mean = vec![0.0; length];
        for row in &rows {
            mean.iter_mut().zip(row).for_each(|(m, v)| *m += v / n as f64);
        }
        let centred: Vec<Vec<f64>> =
            rows.iter().map(|row| row.iter().zip(&mean).map(|(v, m)| v - m).collect()).collect();
        // Few specimens, many voxels: the eigenvectors of the small Gram matrix give the modes.
        let mut gram = vec![vec![0.0; n]; n];
        for a in 0..n {
            for b in 0..=a {
                let product = centred[a].iter().zip(&centred[b]).map(|(x, y)| x * y).sum::<f64>();
                (gram[a][b], gram[b][a]) = (product, product);
            }
        }
        let total: f64 = (0..n).map(|a| gram[a][a]).sum();
        let mut explained = 0.0;
        let mut modes = Vec::new();
        for mode in 0..mode_count.min(n.saturating_sub(1)) {
            let (value, vector) = leading_eigenvector(&gram, mode as u64);
            if value <= 0.0 {
                break;
            }
            explained += value;
            // Scaled to the deviation of the coefficients: sqrt(value / n) along the unit mode.
            let scale = 1.0 / (n as f64).sqrt();
            let mut direction = vec![0.0; length];
            for (weight, row) in vector.iter().zip(&centred) {
                direction.iter_mut().zip(row).for_each(|(d, v)| *d += weight * v * scale);
            }
            modes.push(direction);
            for a in 0..n {
                for b in 0..n {
                    gram[a][b] -= value * vector[a] * vector[b];
                }
            }
        }
        let residual = ((total - explained).max(0.0) / (n * length) as f64).sqrt();
        Self { voxels: specimens[0].image.len(), classes, mean, modes, residual }
    }

    /// Draws a specimen: the mean, a random combination of modes, and noise of the unexplained deviation.
    pub fn draw(&self, random: &mut Random) -> Specimen {
        let mut all = self.mean.clone();
        for mode in &self.modes {
            let coefficient = SPREAD * random.normal();
            all.iter_mut().zip(mode).for_each(|(v, m)| *v += coefficient * m);
        }
        let image =
            all[..self.voxels].iter().map(|v| (v + NOISE_SHARE * self.residual * random.normal()) as f32).collect();
        let labels = (0..self.voxels)
            .map(|n| {
                let share = |class: usize| all[class * self.voxels + n];
                let foreground: f64 = (1..self.classes).map(share).sum();
                let best = (1..self.classes).max_by(|&a, &b| share(a).total_cmp(&share(b))).unwrap_or(0);
                if foreground > 0.5 * LABEL_WEIGHT { best as u16 } else { 0 }
            })
            .collect();
        Specimen { image, labels }
    }
}

fn leading_eigenvector(matrix: &[Vec<f64>], seed: u64) -> (f64, Vec<f64>) {
    let mut random = Random::new(seed, 99);
    let mut vector: Vec<f64> = (0..matrix.len()).map(|_| random.normal()).collect();
    let mut value = 0.0;
    for _ in 0..ITERATIONS {
        let mut next: Vec<f64> = matrix.iter().map(|row| row.iter().zip(&vector).map(|(m, v)| m * v).sum()).collect();
        value = next.iter().map(|v| v * v).sum::<f64>().sqrt();
        if value == 0.0 {
            return (0.0, vector);
        }
        next.iter_mut().for_each(|v| *v /= value);
        vector = next;
    }
    (value, vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_direction_of_variation_is_found() {
        let specimens: Vec<Specimen> = (0..20)
            .map(|n| {
                let a = n as f32 - 9.5;
                Specimen { image: vec![a, -a, 0.0, 1.0], labels: vec![0, 0, 0, 1] }
            })
            .collect();
        let model = AppearanceModel::new(&specimens, 2, 3);
        let drawn = model.draw(&mut Random::new(1, 0));
        assert!((drawn.image[0] + drawn.image[1]).abs() < 1e-3);
        assert!((drawn.image[3] - 1.0).abs() < 1e-3);
        assert_eq!(drawn.labels, [0, 0, 0, 1]);
        let deviation = model.modes[0][0].abs();
        assert!((deviation - 33.25f64.sqrt()).abs() < 1e-6, "{deviation}");
    }
}
