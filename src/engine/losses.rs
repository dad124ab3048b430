//! Losses on logits with their gradients, in double precision.
//!
//! Dice follows nnU-Net (code nnunetv2 `dice.py`): softmax probabilities, background left out, loss -mean(dice).

use rayon::prelude::*;

use super::array::Array;

/// A loss and its gradient with respect to the logits.
#[derive(Debug, Clone)]
pub struct LossGradient {
    /// The loss.
    pub value: f64,
    /// Its gradient, shaped like the logits.
    pub gradient: Array,
}

/// Cross entropy plus soft Dice, as nnU-Net trains.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentationLoss {
    /// Weight of the cross entropy.
    pub cross_entropy: f64,
    /// Weight of the Dice term.
    pub dice: f64,
    /// Whether Dice sums over the whole batch before the ratio.
    pub batch_dice: bool,
    /// Whether the background counts in Dice.
    pub background: bool,
    /// Added to numerator and denominator.
    pub smooth: f64,
    /// Label whose positions are left out of everything.
    pub ignore: Option<u16>,
}

impl Default for SegmentationLoss {
    fn default() -> Self {
        Self { cross_entropy: 1.0, dice: 1.0, batch_dice: true, background: false, smooth: 1e-5, ignore: None }
    }
}

impl SegmentationLoss {
    /// Loss of logits `[B, C, H, W]` against labels `[B, H, W]`.
    pub fn of(&self, logits: &Array, target: &[u16]) -> LossGradient {
        let mut total = LossGradient { value: 0.0, gradient: Array::zeros(&logits.shape) };
        if self.cross_entropy != 0.0 {
            add(&mut total, self.cross_entropy, cross_entropy(logits, target, None, self.ignore, true));
        }
        if self.dice != 0.0 {
            add(&mut total, self.dice, soft_dice(logits, target, self));
        }
        total
    }
}

fn add(total: &mut LossGradient, weight: f64, part: LossGradient) {
    total.value += weight * part.value;
    for (sum, value) in total.gradient.values.iter_mut().zip(part.gradient.values) {
        *sum += (weight * f64::from(value)) as f32;
    }
}

/// Calls `work(image, logits, gradient)` for all images at once, with what is of that image; gives the results in their order.
fn by_image<R: Send>(
    logits: &Array,
    gradient: &mut Array,
    work: impl Fn(usize, &[f32], &mut [f32]) -> R + Sync,
) -> Vec<R> {
    let [_, channels, h, w] = logits.dims4();
    let length = (channels * h * w).max(1);
    let images = logits.values.par_chunks(length).zip(gradient.values.par_chunks_mut(length));
    images.enumerate().map(|(image, (logits, gradient))| work(image, logits, gradient)).collect()
}

/// Softmax of the values `start`, `start + stride` ... into `out`.
fn probabilities(logits: &[f32], start: usize, stride: usize, out: &mut Vec<f64>) {
    let values = || logits[start..].iter().step_by(stride).map(|&value| f64::from(value));
    let largest = values().fold(f64::NEG_INFINITY, f64::max);
    out.clear();
    out.extend(values().map(|value| (value - largest).exp()));
    let sum: f64 = out.iter().sum();
    out.iter_mut().for_each(|p| *p /= sum);
}

/// Cross entropy of labels, with optional class weights; `mean` divides by the sum of the weights.
pub fn cross_entropy(
    logits: &Array,
    target: &[u16],
    class_weights: Option<&[f64]>,
    ignore: Option<u16>,
    mean: bool,
) -> LossGradient {
    let [_, channels, h, w] = logits.dims4();
    let weight_of = |label: u16| class_weights.and_then(|w| w.get(usize::from(label))).copied().unwrap_or(1.0);
    let counts = |label: u16| Some(label) != ignore && usize::from(label) < channels;
    let total: f64 = target.iter().filter(|&&t| counts(t)).map(|&t| weight_of(t)).sum();
    let scale = if mean { 1.0 / total.max(f64::MIN_POSITIVE) } else { 1.0 };
    let mut gradient = Array::zeros(&logits.shape);
    let values = by_image(logits, &mut gradient, |image, logits, gradient| {
        let (mut value, mut p) = (0.0, Vec::new());
        for (position, &label) in target[image * h * w..][..h * w].iter().enumerate() {
            if !counts(label) {
                continue;
            }
            let weight = weight_of(label) * scale;
            probabilities(logits, position, h * w, &mut p);
            value -= weight * p[usize::from(label)].max(f64::MIN_POSITIVE).ln();
            for (c, p) in p.iter().enumerate() {
                let truth = if c == usize::from(label) { 1.0 } else { 0.0 };
                gradient[position + c * h * w] = (weight * (p - truth)) as f32;
            }
        }
        value
    });
    LossGradient { value: values.into_iter().sum(), gradient }
}

/// Soft Dice loss; uses `batch_dice`, `background`, `smooth` and `ignore` of the settings.
pub fn soft_dice(logits: &Array, target: &[u16], settings: &SegmentationLoss) -> LossGradient {
    let [batch, channels, h, w] = logits.dims4();
    let first = usize::from(!settings.background);
    let groups = if settings.batch_dice { 1 } else { batch };
    let mut gradient = Array::zeros(&logits.shape);
    let truth_of = |image: usize| target[image * h * w..][..h * w].iter().enumerate();
    let of_images = by_image(logits, &mut gradient, |image, logits, _| {
        let (mut sums, mut p) = (vec![(0.0f64, 0.0f64); channels], Vec::new());
        for (position, &label) in truth_of(image).filter(|(_, label)| Some(**label) != settings.ignore) {
            probabilities(logits, position, h * w, &mut p);
            for (c, (sum, &p)) in sums.iter_mut().zip(&p).enumerate() {
                let truth = f64::from(u8::from(c == usize::from(label)));
                sum.0 += p * truth;
                sum.1 += p + truth;
            }
        }
        sums
    });
    let group_of = |image: usize| if settings.batch_dice { 0 } else { image };
    // Per group and class: overlap, and sum of probabilities and truth.
    let mut sums = vec![(0.0f64, 0.0f64); groups * channels];
    for (image, of_image) in of_images.iter().enumerate() {
        for (sum, part) in sums[group_of(image) * channels..].iter_mut().zip(of_image) {
            *sum = (sum.0 + part.0, sum.1 + part.1);
        }
    }
    let terms = (groups * (channels - first)).max(1) as f64;
    let mut value = 0.0;
    // Derivatives of the loss by a probability: for a hit and for a miss.
    let mut slopes = vec![(0.0f64, 0.0f64); groups * channels];
    for group in 0..groups {
        for c in first..channels {
            let (overlap, total) = sums[group * channels + c];
            let numerator = 2.0 * overlap + settings.smooth;
            let raw = total + settings.smooth;
            let denominator = raw.max(1e-8);
            value -= numerator / denominator / terms;
            // Where the denominator is clamped it is a constant.
            let miss = if raw > 1e-8 { numerator / (denominator * denominator) } else { 0.0 };
            slopes[group * channels + c] = ((miss - 2.0 / denominator) / terms, miss / terms);
        }
    }
    by_image(logits, &mut gradient, |image, logits, gradient| {
        let (slopes, mut p) = (&slopes[group_of(image) * channels..][..channels], Vec::new());
        for (position, &label) in truth_of(image).filter(|(_, label)| Some(**label) != settings.ignore) {
            probabilities(logits, position, h * w, &mut p);
            let slope = |c: usize| if c == usize::from(label) { slopes[c].0 } else { slopes[c].1 };
            let mean: f64 = p.iter().enumerate().map(|(c, p)| p * slope(c)).sum();
            for (c, p) in p.iter().enumerate() {
                gradient[position + c * h * w] = (p * (slope(c) - mean)) as f32;
            }
        }
    });
    LossGradient { value, gradient }
}

/// Binary cross entropy on logits, mean over all values.
pub fn bce_with_logits(logits: &Array, target: &[f32]) -> LossGradient {
    let count = logits.values.len().max(1) as f64;
    let mut value = 0.0;
    let gradient = logits
        .values
        .iter()
        .zip(target)
        .map(|(&x, &t)| {
            let (x, t) = (f64::from(x), f64::from(t));
            value += (x.max(0.0) - x * t + (-x.abs()).exp().ln_1p()) / count;
            ((1.0 / (1.0 + (-x).exp()) - t) / count) as f32
        })
        .collect();
    LossGradient { value, gradient: Array::new(logits.shape.clone(), gradient) }
}
