//! What a running training tells, and what it is told.

use std::collections::BTreeMap;

use super::checkpoint::Checkpoint;
use super::fit::Planned;
use super::validation::Preview;
use crate::model::Model;

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

/// When held-back cases are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measurement {
    /// Before the first step: the model that training starts from.
    Start,
    /// Between two steps.
    Between,
    /// When the time is over.
    Last,
}

/// News from a running training.
#[derive(Debug)]
pub enum FitEvent {
    /// Cases are being read.
    Preparing {
        /// Cases read.
        done: usize,
        /// Cases to read.
        count: usize,
    },
    /// Held-back cases are being measured.
    Measuring {
        /// Cases measured.
        done: usize,
        /// Cases to measure.
        count: usize,
        /// When.
        when: Measurement,
    },
    /// A step is done.
    Step {
        /// Share of the budget used.
        done: f64,
        /// Its loss.
        loss: f64,
        /// Its learning rate.
        rate: f64,
    },
    /// An epoch is done.
    Epoch(Epoch),
    /// The best model so far, so that an interrupted training leaves something.
    Best(Box<Model>),
    /// The state of the training, from which it can go on another time.
    Checkpoint(Box<Checkpoint>),
    /// How a held-back slice is segmented now.
    Preview(Box<Preview>),
    /// What was decided, and a sentence about each choice that was left to the data.
    Planned(Box<Planned>),
    /// Something the user must know.
    Notice(String),
}
