//! In-plane resampling with a triangle filter: linear when enlarging, averaging when shrinking.

/// For every output index the input indices and weights it sums.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisMap {
    input: usize,
    taps: Vec<Vec<(usize, f32)>>,
}

impl AxisMap {
    /// The map from `input` to `output` samples that cover the same length; beyond the border the border's value holds.
    pub fn new(input: usize, output: usize) -> Self {
        let scale = input as f64 / output as f64;
        let reach = scale.max(1.0);
        let taps = (0..output)
            .map(|out| {
                let centre = (out as f64 + 0.5) * scale - 0.5;
                let first = (centre - reach).ceil() as i64;
                let last = (centre + reach).floor() as i64;
                let mut taps: Vec<(usize, f64)> = Vec::new();
                for at in first..=last {
                    let weight = 1.0 - (at as f64 - centre).abs() / reach;
                    if weight <= 0.0 {
                        continue;
                    }
                    let at = at.clamp(0, input as i64 - 1) as usize;
                    match taps.last_mut() {
                        Some(previous) if previous.0 == at => previous.1 += weight,
                        _ => taps.push((at, weight)),
                    }
                }
                let sum: f64 = taps.iter().map(|t| t.1).sum();
                taps.into_iter().map(|(at, weight)| (at, (weight / sum) as f32)).collect()
            })
            .collect();
        Self { input, taps }
    }

    fn is_identity(&self) -> bool {
        self.input == self.taps.len()
    }
}

/// Resamples an image (rows x columns, row-major).
pub fn resample(image: &[f32], rows: &AxisMap, columns: &AxisMap, out: &mut Vec<f32>) {
    out.clear();
    if rows.is_identity() && columns.is_identity() {
        out.extend_from_slice(image);
        return;
    }
    let mut line = vec![0.0f32; columns.input];
    for sources in &rows.taps {
        line.fill(0.0);
        for &(at, weight) in sources {
            let source = &image[at * columns.input..(at + 1) * columns.input];
            line.iter_mut().zip(source).for_each(|(l, &v)| *l += weight * v);
        }
        out.extend(columns.taps.iter().map(|taps| taps.iter().map(|&(at, weight)| weight * line[at]).sum::<f32>()));
    }
}

/// The nearest input index of an output index.
pub fn nearest(out: usize, input: usize, output: usize) -> usize {
    ((out as f64 + 0.5) * input as f64 / output as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(values: &[f32], output: usize) -> Vec<f32> {
        let mut out = Vec::new();
        resample(values, &AxisMap::new(1, 1), &AxisMap::new(values.len(), output), &mut out);
        out
    }

    #[test]
    fn constants_and_sizes_are_kept() {
        for output in 1..20 {
            let out = apply(&[3.0; 7], output);
            assert_eq!(out.len(), output);
            assert!(out.iter().all(|v| (v - 3.0).abs() < 1e-6), "{out:?}");
        }
    }

    #[test]
    fn doubling_interpolates_at_quarters() {
        assert_eq!(apply(&[0.0, 4.0], 4), [0.0, 1.0, 3.0, 4.0]);
    }

    #[test]
    fn a_ramp_stays_a_ramp_inside() {
        let ramp: Vec<f32> = (0..40).map(|v| v as f32).collect();
        let out = apply(&ramp, 10);
        for (n, v) in out.iter().enumerate().take(9).skip(1) {
            assert!((v - (4.0 * n as f32 + 1.5)).abs() < 1e-4, "{n}: {v}");
        }
    }
}
