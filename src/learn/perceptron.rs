//! Rosenblatt's rule: on every mistake the weights move towards the point, by its label.

/// What an activation of exactly zero counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// A mistake, whatever the label.
    Mistake,
    /// The positive class.
    Positive,
}

/// A linear classifier of points while it learns.
#[derive(Debug, Clone, PartialEq)]
pub struct Rosenblatt {
    /// One weight per coordinate.
    pub weights: Vec<f64>,
    /// Constant.
    pub bias: f64,
    /// What an activation of zero counts as.
    pub tie: Tie,
}

impl Rosenblatt {
    /// All weights zero.
    pub fn new(dimensions: usize, tie: Tie) -> Self {
        Self { weights: vec![0.0; dimensions], bias: 0.0, tie }
    }

    /// Whether a point with this label (true: positive) lies on its side.
    pub fn is_right(&self, point: &[f32], label: bool) -> bool {
        let products = self.weights.iter().zip(point).map(|(w, x)| w * f64::from(*x));
        let activation = products.sum::<f64>() + self.bias;
        if activation == 0.0 { self.tie == Tie::Positive && label } else { (activation > 0.0) == label }
    }

    /// One pass over points `[count, dimensions]` in their order; the number of mistakes.
    pub fn epoch(&mut self, points: &[f32], labels: &[bool], rate: f64) -> usize {
        let mut mistakes = 0;
        for (point, &label) in points.chunks_exact(self.weights.len().max(1)).zip(labels) {
            if !self.is_right(point, label) {
                let step = if label { rate } else { -rate };
                self.weights.iter_mut().zip(point).for_each(|(w, x)| *w += step * f64::from(*x));
                self.bias += step;
                mistakes += 1;
            }
        }
        mistakes
    }
}
