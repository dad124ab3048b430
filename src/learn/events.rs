//! What a running training tells besides how far it is.

use super::checkpoint::Checkpoint;
use super::epoch::Epoch;
use super::plan::Plan;
use super::validation::Preview;
use crate::model::Model;

/// How a training is carried out.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// A sentence about each choice that was left to the data.
    pub why: Vec<String>,
}

/// News from a running training.
#[derive(Debug)]
pub enum FitEvent {
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
