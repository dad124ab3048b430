//! A training in the middle: everything that is needed to go on as if it had never stopped.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dataset::Split;
use super::epoch::Epoch;
use super::plan::{Budget, Plan};
use super::validation::CaseDice;
use crate::engine::{Array, OptimiserState, Weights};
use crate::model::{Model, tensor_file};

/// Key of the text in the file's metadata.
const METADATA_KEY: &str = "lamella-training";

/// The state of a training after a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Numbers.
    pub progress: TrainingProgress,
    /// The network's weights.
    pub weights: Weights,
    /// Their mean over steps.
    pub average: Option<Weights>,
    /// What the optimiser remembers; its count of steps is in the numbers.
    pub optimiser: OptimiserState,
    /// The weights of the best validation.
    pub best: Option<Weights>,
}

/// The numbers of a training in the middle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingProgress {
    /// What the training was decided by, see [`signature`].
    pub signature: Value,
    /// Names of the labels that are learned, without the background; files of earlier versions do not tell.
    #[serde(default)]
    pub labels: Option<Vec<String>>,
    /// Seconds it has run.
    pub seconds: f64,
    /// Steps it has made.
    pub steps: u64,
    /// Slices in a step, as the memory allowed.
    pub batch: usize,
    /// Threads that the steps were made on; files of earlier versions do not tell.
    #[serde(default)]
    pub threads: Option<usize>,
    /// The epochs so far.
    pub epochs: Vec<Epoch>,
    /// Dice of the model that training started from, where it was measured.
    pub before: Option<Vec<CaseDice>>,
    /// Sum and count of the losses of the epoch that is going on.
    pub losses: (f64, usize),
    /// Seconds that validations took.
    #[serde(default)]
    pub measuring: f64,
    /// Steps of an epoch; files of earlier versions do not tell.
    #[serde(default)]
    pub steps_per_epoch: Option<usize>,
    /// Steps in the mean of the weights.
    pub average_steps: u64,
    /// Steps of the optimiser.
    pub optimiser_steps: i32,
    /// The best validation.
    pub best: Option<BestSoFar>,
    /// Whether an earlier model has the name of the one that is trained, so that the best so far lies beside it.
    #[serde(default)]
    pub keeps_earlier: bool,
}

/// The best validation of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestSoFar {
    /// Mean Dice over labels.
    pub mean: f64,
    /// Epoch.
    pub epoch: usize,
    /// Dice of every held-back case.
    pub cases: Vec<CaseDice>,
}

/// What decides how a training goes: only with the same one it can go on.
pub fn signature(plan: &Plan, split: &Split, budget: Budget, init: Option<&Model>) -> Value {
    json!({
        PLAN: plan,
        BUDGET: budget,
        TRAINING: split.train,
        VALIDATION: split.validation,
        START: init.map(|model| &model.spec.sha256),
    })
}

/// Key of a signature's plan.
const PLAN: &str = "plan";
/// Key of a signature's length.
const BUDGET: &str = "budget";
/// Key of the checksum of the model that a training started from.
const START: &str = "start";
/// Key of a signature's training cases.
const TRAINING: &str = "training cases";
/// Key of a signature's validation cases.
const VALIDATION: &str = "validation cases";
/// Key of a signature's checksum of what is learned from, which is known later than the rest.
pub const DATA: &str = "scans and labels";

/// The path of the first value that differs, for a message.
fn difference(of: &Value, now: &Value) -> Option<String> {
    match (of, now) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys());
            keys.filter(|key| a.get(*key) != b.get(*key)).find_map(|key| {
                let inner = difference(a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                inner.map(|rest| if rest.is_empty() { key.clone() } else { format!("{key} / {rest}") })
            })
        }
        _ => (of != now).then(String::new),
    }
}

impl Checkpoint {
    /// Whether a training with this signature may go on from here.
    ///
    /// # Errors
    /// Names what was decided otherwise.
    pub fn fits(&self, signature: &Value) -> Result<(), String> {
        // Numbers are compared as a file gives them back.
        let written = |value: &Value| serde_json::from_str(&value.to_string()).unwrap_or(Value::Null);
        match difference(&written(&self.progress.signature), &written(signature)) {
            None => Ok(()),
            Some(what) => Err(format!(
                "the interrupted training was begun otherwise ({what}), or by another version; repeat its command, or start anew"
            )),
        }
    }

    /// The plan and the length that it was begun with; `None` where another version wrote them in another form.
    pub fn choices(&self) -> Option<(Plan, Budget)> {
        let read = |key: &str| self.progress.signature[key].clone();
        Some((serde_json::from_value(read(PLAN)).ok()?, serde_json::from_value(read(BUDGET)).ok()?))
    }

    /// Checksum of the model that it started from.
    pub fn start(&self) -> Option<&str> {
        self.progress.signature[START].as_str()
    }

    /// The training and validation cases that it was begun with.
    pub fn split(&self) -> Split {
        let names = |key: &str| {
            let names = self.progress.signature[key].as_array().into_iter().flatten();
            names.filter_map(|name| name.as_str().map(String::from)).collect()
        };
        Split { train: names(TRAINING), validation: names(VALIDATION) }
    }

    /// Whether a file is the state of a training; only its header is read.
    pub fn is_at(path: &Path) -> bool {
        tensor_file::has_text(path, METADATA_KEY)
    }

    /// Writes the state in place of an older one.
    ///
    /// # Errors
    /// When the file cannot be written; the older one is untouched then.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let text = serde_json::to_string(&self.progress).map_err(std::io::Error::other)?;
        tensor_file::write(path, METADATA_KEY, text, self.arrays())
    }

    fn arrays(&self) -> impl Iterator<Item = (String, &Array)> {
        let groups = [
            ("weights", Some(&self.weights)),
            ("average", self.average.as_ref()),
            ("first", Some(&self.optimiser.memory[0])),
            ("second", Some(&self.optimiser.memory[1])),
            ("best", self.best.as_ref()),
        ];
        groups
            .into_iter()
            .filter_map(|(group, weights)| weights.map(|weights| (group, weights)))
            .flat_map(|(group, weights)| weights.iter().map(move |(name, array)| (format!("{group}/{name}"), array)))
    }

    /// Reads a state.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub fn load(path: &Path) -> Result<Self, String> {
        let problem = |what: String| format!("the interrupted training in {} cannot be read: {what}", path.display());
        let bytes = tensor_file::read(path).map_err(|e| problem(e.to_string()))?;
        let text = tensor_file::text(&bytes, METADATA_KEY).map_err(problem)?;
        let text = text.ok_or_else(|| problem("it is none of Lamella's".into()))?;
        let progress: TrainingProgress = serde_json::from_str(&text).map_err(|e| problem(e.to_string()))?;
        let mut groups: BTreeMap<String, Weights> = BTreeMap::new();
        for (name, array) in tensor_file::arrays(&bytes).map_err(problem)? {
            let Some((group, name)) = name.split_once('/') else {
                return Err(problem(format!("the array {name:?} belongs to nothing")));
            };
            groups.entry(group.into()).or_default().insert(name.into(), array);
        }
        let mut take = |group: &str| groups.remove(group);
        let memory = [take("first").unwrap_or_default(), take("second").unwrap_or_default()];
        let optimiser = OptimiserState { steps: progress.optimiser_steps, memory };
        let weights = take("weights").ok_or_else(|| problem("the weights are missing".into()))?;
        Ok(Self { weights, average: take("average"), optimiser, best: take("best"), progress })
    }
}
