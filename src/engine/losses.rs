//! Losses on logits with their gradients, in double precision.
//!
//! Dice follows nnU-Net (code nnunetv2 `dice.py`): softmax probabilities, background left out, loss -mean(dice).

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

/// Calls `visit(start, stride, position)` for every pixel: channel c of it lies at `start + c * stride`.
fn pixels(logits: &Array, mut visit: impl FnMut(usize, usize, usize)) {
    let [batch, channels, h, w] = logits.dims4();
    for image in 0..batch {
        for position in 0..h * w {
            visit(image * channels * h * w + position, h * w, image * h * w + position);
        }
    }
}

fn probabilities(logits: &Array, start: usize, stride: usize, out: &mut Vec<f64>) {
    let channels = logits.shape[1];
    let value = |c: usize| f64::from(logits.values[start + c * stride]);
    let largest = (0..channels).map(value).fold(f64::NEG_INFINITY, f64::max);
    out.clear();
    out.extend((0..channels).map(|c| (value(c) - largest).exp()));
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
    let channels = logits.shape[1];
    let weight_of = |label: u16| class_weights.and_then(|w| w.get(usize::from(label))).copied().unwrap_or(1.0);
    let counts = |label: u16| Some(label) != ignore && usize::from(label) < channels;
    let total: f64 = target.iter().filter(|&&t| counts(t)).map(|&t| weight_of(t)).sum();
    let scale = if mean { 1.0 / total.max(f64::MIN_POSITIVE) } else { 1.0 };
    let mut value = 0.0;
    let mut gradient = Array::zeros(&logits.shape);
    let mut p = Vec::new();
    pixels(logits, |start, stride, position| {
        let label = target[position];
        if !counts(label) {
            return;
        }
        let weight = weight_of(label) * scale;
        probabilities(logits, start, stride, &mut p);
        value -= weight * p[usize::from(label)].max(f64::MIN_POSITIVE).ln();
        for (c, p) in p.iter().enumerate() {
            let truth = if c == usize::from(label) { 1.0 } else { 0.0 };
            gradient.values[start + c * stride] = (weight * (p - truth)) as f32;
        }
    });
    LossGradient { value, gradient }
}

/// Soft Dice loss; uses `batch_dice`, `background`, `smooth` and `ignore` of the settings.
pub fn soft_dice(logits: &Array, target: &[u16], settings: &SegmentationLoss) -> LossGradient {
    let [batch, channels, h, w] = logits.dims4();
    let first = usize::from(!settings.background);
    let groups = if settings.batch_dice { 1 } else { batch };
    let group_of = |position: usize| if settings.batch_dice { 0 } else { position / (h * w) };
    // Per group and class: overlap, and sum of probabilities and truth.
    let mut sums = vec![(0.0f64, 0.0f64); groups * channels];
    let mut p = Vec::new();
    pixels(logits, |start, stride, position| {
        let label = target[position];
        if Some(label) == settings.ignore {
            return;
        }
        probabilities(logits, start, stride, &mut p);
        for (c, &p) in p.iter().enumerate() {
            let truth = f64::from(u8::from(c == usize::from(label)));
            let sum = &mut sums[group_of(position) * channels + c];
            sum.0 += p * truth;
            sum.1 += p + truth;
        }
    });
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
    let mut gradient = Array::zeros(&logits.shape);
    pixels(logits, |start, stride, position| {
        let label = target[position];
        if Some(label) == settings.ignore {
            return;
        }
        probabilities(logits, start, stride, &mut p);
        let slope = |c: usize| {
            let (hit, miss) = slopes[group_of(position) * channels + c];
            if c == usize::from(label) { hit } else { miss }
        };
        let mean: f64 = p.iter().enumerate().map(|(c, p)| p * slope(c)).sum();
        for (c, p) in p.iter().enumerate() {
            gradient.values[start + c * stride] = (p * (slope(c) - mean)) as f32;
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
