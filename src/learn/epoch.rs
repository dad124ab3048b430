//! What is known of a training after each pass over its slices.

use std::collections::BTreeMap;

/// What happened in an epoch.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Epoch {
    /// Counted from 1.
    pub number: usize,
    /// Share of the budget used.
    pub done: f64,
    /// Mean training loss.
    pub loss: f64,
    /// Mean validation Dice per label name, where it was measured.
    pub dice: Option<BTreeMap<String, f64>>,
    /// Whether this is the best so far.
    pub best: bool,
    /// Seconds since the start.
    pub seconds: f64,
    /// Learning rate of its last step.
    #[serde(default)]
    pub rate: f64,
}
