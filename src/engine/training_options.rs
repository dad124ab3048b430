//! What a training pass is to give, and how.

/// What a pass is to give beside the gradients of parameters, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrainingOptions {
    /// The image's gradient too.
    pub input_gradient: bool,
    /// What becomes of inner results.
    pub activations: Activations,
}

/// What becomes of inner results until the way back needs them. The gradients are the same bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activations {
    /// They are kept.
    #[default]
    Kept,
    /// They are computed again: less memory, more time.
    Recomputed,
}
