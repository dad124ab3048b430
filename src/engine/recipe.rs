//! Which optimiser, and one step of it.

/// Which optimiser, and its constants.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// Stochastic gradient descent: d = g + wd p; buffer = momentum buffer + d (d at first).
    Sgd {
        /// Share of the buffer that is kept.
        momentum: f64,
        /// Whether to look one step ahead.
        nesterov: bool,
        /// Pull towards zero, added to the gradient.
        weight_decay: f64,
    },
    /// Adam; the weight decay is added to the gradient.
    Adam {
        /// Decay rates of the two moments.
        betas: [f64; 2],
        /// Added to the root of the second moment.
        eps: f64,
        /// Pull towards zero.
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay: p *= 1 - lr wd.
    AdamW {
        /// Decay rates of the two moments.
        betas: [f64; 2],
        /// Added to the root of the second moment.
        eps: f64,
        /// Pull towards zero.
        weight_decay: f64,
    },
}

/// What every parameter goes through in a step.
#[derive(Debug, Clone, Copy)]
pub struct Update {
    /// Which optimiser.
    pub recipe: Recipe,
    /// What gradients are multiplied by first.
    pub clip: f64,
    /// Learning rate.
    pub rate: f64,
    /// Steps so far, this one among them.
    pub steps: i32,
}
