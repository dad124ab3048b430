//! What a training comes to.

use std::collections::BTreeMap;

use super::epoch::Epoch;
use super::validation::CaseDice;
use crate::model::Model;

/// How a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its budget was used.
    Budget,
    /// Measurements had become no better for as many times as there was patience for.
    Patience,
    /// The loss grew beyond all numbers after something was measured.
    Diverged,
    /// The user stopped it.
    Stopped,
}

/// A finished training.
pub struct TrainedModel {
    /// The best model by mean validation Dice; the last one where training was stopped before the first validation.
    pub model: Model,
    /// Epoch it is from.
    pub epoch: usize,
    /// Its mean Dice per label name.
    pub dice: BTreeMap<String, f64>,
    /// Its Dice on every held-back case.
    pub cases: Vec<CaseDice>,
    /// The same of the model that training started from, where it has the same classes.
    pub before: Option<Vec<CaseDice>>,
    /// Every epoch.
    pub epochs: Vec<Epoch>,
    /// How it ended.
    pub ending: Ending,
}
