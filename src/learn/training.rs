//! What a training is asked for, and how it becomes one that is ready to begin.

use std::borrow::Cow;

use super::checkpoint::{Checkpoint, DATA, signature};
use super::dataset::{Dataset, Split, SplitChoice};
use super::error::FitError;
use super::events::{FitEvent, Planned};
use super::facts::ScanFacts;
use super::fingerprint::Fingerprint;
use super::fit::Fit;
use super::learner::Learner;
use super::measuring::HeldBack;
use super::pace::Pace;
use super::plan::{Budget, Plan};
use super::reading::Loader;
use super::record::Record;
use super::room::Room;
use super::sampling::{PreparedCase, checksum};
use super::scans::{Asked, Scans};
use super::specification::{asked_frames, is_ct_by_values, prepared_for, prepared_like, specification, started_from};
use super::stages::{PREPARING, READING};
use super::start;
use crate::engine::{DeviceChoice, KeepFreedMemory};
use crate::graph::Graph;
use crate::model::{self, Model, ModelSpec};
use crate::work::Watch;

/// Seconds between two checkpoints where nothing else is said.
pub const CHECKPOINT_SECONDS: f64 = 60.0;

/// What a training is asked for.
pub struct Training<'a> {
    /// What is learned from; [`Training::choose`] chooses of it.
    pub dataset: Dataset,
    /// Which cases are learned from, and which are held back.
    pub split: Split,
    /// The plan; what it leaves open follows from the cases.
    pub plan: Plan,
    /// Length.
    pub budget: Budget,
    /// Device.
    pub device: DeviceChoice,
    /// A model to start from instead of random weights.
    pub init: Option<Cow<'a, Model>>,
    /// A model whose network and preparation of scans are taken over, with random weights.
    pub like: Option<&'a ModelSpec>,
    /// Epochs between validations; none: after every epoch of a budget in epochs, and a tenth of the time of one in time.
    pub validate_every: Option<usize>,
    /// Validations without a better one after which training ends; none: only with the budget.
    pub patience: Option<usize>,
    /// Seconds between two checkpoints.
    pub checkpoint_seconds: f64,
    /// The state of an interrupted training to continue.
    pub resume: Option<Checkpoint>,
    /// Where scans go that do not fit into the memory.
    pub room: Room,
}

/// What follows from the cases.
struct Decided {
    plan: Plan,
    why: Vec<String>,
    spec: ModelSpec,
}

impl Training<'_> {
    /// A training on a data set: its own split, a plan that is left to its cases, 50 epochs from random weights.
    pub fn on(dataset: Dataset) -> Self {
        Self {
            split: dataset.default_split(),
            dataset,
            plan: Plan::default(),
            budget: Budget::Epochs(50),
            device: DeviceChoice::default(),
            init: None,
            like: None,
            validate_every: None,
            patience: None,
            checkpoint_seconds: CHECKPOINT_SECONDS,
            resume: None,
            room: Room::default(),
        }
    }

    /// Chooses labels (none: all) and cases. With [`SplitChoice::AsBegun`] they are those of the interrupted training, with its plan,
    /// its length and its start.
    ///
    /// # Errors
    /// When the data set lacks what is chosen, or the model that the interrupted training started from is gone.
    pub fn choose(&mut self, labels: &[String], split: &SplitChoice) -> Result<(), FitError> {
        let begun = self.resume.as_ref().filter(|_| *split == SplitChoice::AsBegun);
        let labels = begun.and_then(|begun| begun.progress.labels.as_deref()).unwrap_or(labels);
        self.dataset.choose(labels)?;
        self.split = self.dataset.split(split, begun.map(Checkpoint::split))?;
        if let Some(begun) = begun {
            if let Some((plan, budget)) = begun.choices() {
                (self.plan, self.budget) = (plan, budget);
            }
            self.init = start_of(begun, self.init.take())?;
        }
        Ok(())
    }

    /// Reads the cases, makes the plan, and prepares what is learned from; nothing is learned yet. Where the cases do not fit into the
    /// memory they are brought to the folder of [`Training::room`].
    ///
    /// # Errors
    /// When data, plan or device do not work, the interrupted training was begun otherwise, there is no room, or the work is stopped.
    pub fn build<'l>(
        mut self,
        load: Loader<'l>,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<Fit<'l>, FitError> {
        let (mut signature, [mut train, held_back], decided) = self.begin(load, watch, on_event)?;
        let Decided { plan, why, spec } = decided;
        let cases = self.room.prepare(&mut train, &spec, self.dataset.ignore, watch.stage(PREPARING), on_event)?;
        drop(train);
        let memory = KeepFreedMemory::start();
        signature[DATA] = checksum(&cases, held_back.facts()).into();
        if let Some(checkpoint) = &self.resume {
            checkpoint.fits(&signature).map_err(FitError::Plan)?;
        }
        let (planned, learner) = self.planned(plan, why, &spec, on_event)?;
        self.ready(spec, planned, signature, (cases, held_back), learner, memory)
    }

    /// Reads the cases and makes the plan; nothing is prepared or written.
    ///
    /// # Errors
    /// As [`Training::build`].
    pub fn plan(mut self, load: Loader, watch: Watch, on_event: &mut dyn FnMut(FitEvent)) -> Result<Planned, FitError> {
        let (_, [mut train, _held_back], decided) = self.begin(load, watch, on_event)?;
        let Decided { plan, why, spec } = decided;
        // The memory that is left decides how many slices a step has.
        let _cases = if self.room.fits(&train, &spec)? {
            self.room.prepare(&mut train, &spec, self.dataset.ignore, watch.stage(PREPARING), on_event)?
        } else {
            Vec::new()
        };
        drop(train);
        Ok(self.planned(plan, why, &spec, on_event)?.0)
    }

    /// Reads the cases and decides what follows from them. Gives also what can be said of the signature by then.
    fn begin<'l>(
        &mut self,
        load: Loader<'l>,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<(serde_json::Value, [Scans<'l>; 2], Decided), FitError> {
        // From here on what is freed is given back at once, so that scans that are let go leave room for others.
        drop(KeepFreedMemory::start());
        if let Some(like) = self.like {
            self.plan.take_over(like);
        }
        let mut signature = signature(&self.plan, &self.split, self.budget, self.init.as_deref());
        if let Some(checkpoint) = &self.resume {
            // What can be said before anything is read.
            signature[DATA] = checkpoint.progress.signature[DATA].clone();
            checkpoint.fits(&signature).map_err(FitError::Plan)?;
        }
        let scans = self.read(load, watch.stage(READING), on_event)?;
        let (decided, notices) = self.decide(scans[0].facts())?;
        notices.into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
        Ok((signature, scans, decided))
    }

    /// The cases that are learned from, and those that are held back.
    fn read<'l>(
        &self,
        load: Loader<'l>,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<[Scans<'l>; 2], FitError> {
        let Split { train, validation } = &self.split;
        let share = train.len() as f32 / (train.len() + validation.len()).max(1) as f32;
        let mut notice = |notice| on_event(FitEvent::Notice(notice));
        let [most, most_held_back] = self.room.for_scans();
        let frames = asked_frames(&self.dataset, &self.plan);
        let asked = Asked { frames: &frames, ignore: self.dataset.ignore, most_bytes: most };
        let learned = Scans::read(&self.dataset, train, load, &asked, watch.part(0.0, share), &mut notice)?;
        let asked = Asked { frames: &[], most_bytes: most_held_back, ..asked };
        let held_back = Scans::read(&self.dataset, validation, load, &asked, watch.part(share, 1.0), &mut notice)?;
        if learned.count() == 0 {
            return Err(FitError::Plan("there is no training case".into()));
        }
        Ok([learned, held_back])
    }

    /// The plan and the model's specification, as the cases and the start ask for, and what the user must know.
    fn decide(&self, train: &[ScanFacts]) -> Result<(Decided, Vec<String>), FitError> {
        let mut fingerprint = Fingerprint::new(train, self.dataset.labels.values().map(String::as_str));
        // What is to be like another model, as the folds of a data set are, is planned for as many scans.
        fingerprint.scans = self.like.map_or(train.len(), |like| like.provenance.cases[0]);
        let (plan, mut why) = fingerprint.decide(&self.plan);
        let spec = specification(&self.dataset, &self.split, &plan, train, &fingerprint)?;
        let mut notices = fingerprint.rare_labels();
        if plan.intensities.is_none() && is_ct_by_values(&self.dataset, &fingerprint) {
            let [low, high] = fingerprint.values;
            why.push(format!("Intensities are prepared as those of CT, because they reach from {low} to {high}."));
        }
        let (mut spec, more) = match (self.like, &self.init) {
            (Some(like), _) => (prepared_like(spec, like), Vec::new()),
            (None, Some(init)) => prepared_for(spec, &init.spec, &plan),
            (None, None) => (spec, Vec::new()),
        };
        notices.extend(more);
        if let Some(init) = &self.init {
            spec = started_from(spec, &init.spec);
        }
        spec.check().map_err(FitError::Plan)?;
        Ok((Decided { plan, why, spec }, notices))
    }

    /// How the training is carried out, which depends on the memory that is left, and who learns.
    fn planned(
        &self,
        plan: Plan,
        why: Vec<String>,
        spec: &ModelSpec,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<(Planned, Learner), FitError> {
        let (learner, notices) = self.learner(spec, &plan, on_event)?;
        let planned = Planned { plan: Plan { batch: learner.batch(), ..plan }, why };
        on_event(FitEvent::Planned(Box::new(planned.clone())));
        notices.into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
        Ok((planned, learner))
    }

    /// The network with its first weights, and what the user must be told of its memory.
    fn learner(
        &self,
        spec: &ModelSpec,
        plan: &Plan,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<(Learner, Vec<String>), FitError> {
        let graph = spec.graph()?;
        let threads = rayon::current_num_threads();
        if let Some(before) = self.resume.as_ref().and_then(|state| state.progress.threads).filter(|&n| n != threads) {
            on_event(FitEvent::Notice(format!(
                "The training began on {before} threads and continues with {threads}: sums come in another order, so the weights \
                 will not be the same to the last digit."
            )));
        }
        let first = self.first_weights(spec, &graph, plan.seed)?;
        first.notices.into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
        // As many slices in a step as before, so that the same ones come in the same steps.
        let batch = self.resume.as_ref().map_or(plan.batch, |checkpoint| checkpoint.progress.batch);
        let plan = Plan { batch, ..plan.clone() };
        Learner::new(spec, graph, &first.weights, &plan, self.dataset.ignore, self.device)
    }

    fn first_weights(&self, spec: &ModelSpec, graph: &Graph, seed: u64) -> Result<start::Start, FitError> {
        match (&self.resume, &self.init) {
            (Some(checkpoint), _) => Ok(start::Start { weights: checkpoint.weights.clone(), notices: Vec::new() }),
            (None, Some(model)) => {
                let target = start::Target::of(&model.spec, spec);
                start::from_model(model, graph, target, seed).map_err(FitError::Plan)
            }
            (None, None) => Ok(start::random(graph, seed)),
        }
    }

    fn ready(
        self,
        mut spec: ModelSpec,
        planned: Planned,
        signature: serde_json::Value,
        (cases, held_back): (Vec<PreparedCase>, Scans<'_>),
        mut learner: Learner,
        memory: KeepFreedMemory,
    ) -> Result<Fit<'_>, FitError> {
        spec.provenance.plan = serde_json::json!({"budget": self.budget, "choices": planned.plan});
        let slices: usize = cases.iter().map(|case| case.index.known.len()).sum();
        let mut steps_per_epoch = planned.plan.epoch_steps.unwrap_or(slices.div_ceil(learner.batch())).max(1);
        let (mut record, mut seconds) = (Record::default(), 0.0);
        if let Some(Checkpoint { progress, average, optimiser, best, .. }) = self.resume {
            let average = average.map(|mean| (mean, progress.average_steps));
            learner.restore(progress.steps, average, &optimiser)?;
            seconds = progress.seconds;
            // The batch may have shrunk since, or memory be shorter now: an epoch stays as long as it was.
            steps_per_epoch = progress.steps_per_epoch.unwrap_or(steps_per_epoch);
            record = Record::restored(progress, best);
        }
        Ok(Fit {
            start: self.init.filter(|_| learner.steps == 0).map(Cow::into_owned),
            pace: Pace::new(self.validate_every, self.budget),
            held_back: HeldBack { cases: held_back, ignore: self.dataset.ignore, device: self.device },
            stored: self
                .dataset
                .stored
                .filter(|values| !values.iter().copied().eq(0..values.len() as u16))
                .unwrap_or_default(),
            patience: self.patience,
            budget: self.budget,
            checkpoint_seconds: self.checkpoint_seconds,
            planned,
            spec,
            signature,
            cases,
            learner,
            record,
            steps_per_epoch,
            seconds,
            _memory: memory,
        })
    }
}

/// The model that an interrupted training started from, which is the chosen one or another of the library.
fn start_of<'a>(begun: &Checkpoint, chosen: Option<Cow<'a, Model>>) -> Result<Option<Cow<'a, Model>>, FitError> {
    let Some(sha256) = begun.start() else { return Ok(None) };
    let is_chosen = |model: &Cow<Model>| model.spec.sha256 == sha256;
    let found = chosen.filter(is_chosen).or_else(|| model::find_by_checksum(sha256).map(Cow::Owned));
    found.map(Some).ok_or_else(|| {
        FitError::Plan(format!(
            "the model that the interrupted training started from (checksum {}) is not among the models any more; put it back, \
             or discard the training",
            sha256.get(..12).unwrap_or(sha256)
        ))
    })
}
