//! A network that learns: one step at a time, from slices that somebody draws.

use std::collections::BTreeSet;

use super::augment::{Cut, Example};
use super::averaging::WeightAverage;
use super::error::FitError;
use super::examples::{Ahead, Examples, Step};
use super::plan::Plan;
use super::sampling::Drawn;
use crate::engine::{
    Activations, Array, DeviceChoice, EngineError, Gradients, Mode, Network, Optimiser, OptimiserState, Random,
    SegmentationLoss, Weights, free_memory_bytes, is_in_scopes, training_memory_bytes,
};
use crate::graph::{Extent, Graph};
use crate::model::ModelSpec;
use crate::pipeline::{self, nearest};
use crate::work::Watch;

/// Norm that gradients are clipped to, as in nnU-Net.
const CLIP_NORM: f64 = 12.0;

/// Share of the free memory that training may take.
const MEMORY_SHARE: f64 = 0.8;

/// Draws a case and a slice of it, for an example that must hold foreground or for any.
pub type Draw<'a> = &'a (dyn Fn(bool, &mut Random) -> Drawn<'a> + Sync);

/// A network, its optimiser, and how examples are made for it.
pub struct Learner {
    network: Network,
    optimiser: Optimiser,
    average: Option<WeightAverage>,
    decay: f64,
    examples: Examples,
    /// What was read ahead for the next step, from cases on disk.
    ahead: Option<Ahead>,
    goal: Goal,
    channels: usize,
    batch: usize,
    /// What the user must be told.
    notices: Vec<String>,
    /// Steps so far.
    pub steps: u64,
}

/// What a learner knows after a step.
pub struct LearnerState {
    /// The network's weights.
    pub weights: Weights,
    /// Their mean, and the steps in it.
    pub average: Option<(Weights, u64)>,
    /// The optimiser's memory.
    pub optimiser: OptimiserState,
}

/// Scopes that are frozen have parameters, and something is left to learn.
fn check_scopes(graph: &Graph, scopes: &[String]) -> Result<(), FitError> {
    let trainable = || graph.parameters.iter().filter(|p| p.role.is_trainable());
    if let Some(empty) =
        scopes.iter().find(|scope| !trainable().any(|p| is_in_scopes(&p.name, std::slice::from_ref(scope))))
    {
        let first: BTreeSet<&str> = trainable().filter_map(|p| p.name.split('.').next()).collect();
        let first: Vec<&str> = first.into_iter().collect();
        return Err(FitError::Plan(format!(
            "the network has no parameters in {empty:?}; its scopes are {}",
            first.join(", ")
        )));
    }
    if trainable().all(|p| is_in_scopes(&p.name, scopes)) {
        return Err(FitError::Plan("all parameters would be frozen; nothing is left to learn".into()));
    }
    Ok(())
}

impl Learner {
    /// A network with weights to start from. Gives also what the user must be told: inner results are computed again and the
    /// batch is made smaller where the memory asks for it.
    ///
    /// # Errors
    /// When no input covers the patch, a single slice does not fit into the memory, or the device does not work.
    pub fn new(
        spec: &ModelSpec,
        graph: Graph,
        weights: &Weights,
        plan: &Plan,
        ignore: Option<u16>,
        device: DeviceChoice,
    ) -> Result<(Self, Vec<String>), FitError> {
        let fit = pipeline::fit(&graph, plan.patch)
            .ok_or_else(|| FitError::Plan(format!("no input covers the patch {:?}", plan.patch)))?;
        let padded = graph.nodes[graph.outputs[0]].size.extent.iter().all(|e| *e == Extent::INPUT);
        let mut network = Network::new(graph, weights, device)?;
        let mut notices = network.take_notices();
        let (mut batch, mut activations) = (plan.batch, plan.activations);
        // Other devices have memory of their own, and say themselves when it is full.
        if network.is_on_cpu() {
            let fitting = fitting(network.graph(), plan, fit.input)?;
            (batch, activations) = (fitting.batch, fitting.activations);
            notices.extend(fitting.notice);
        }
        network.set_activations(activations);
        if activations == Activations::Recomputed && !network.can_recompute(batch, fit.input)? {
            notices
                .push("Inner results are kept: only networks without dropout, on the CPU, compute them again.".into());
        }
        let mut optimiser = Optimiser::new(plan.recipe, Some(CLIP_NORM));
        check_scopes(network.graph(), &plan.freeze)?;
        optimiser.freeze(&plan.freeze);
        let learner = Self {
            average: (plan.average > 0.0).then(|| WeightAverage::new(plan.average, weights.clone())),
            decay: plan.average,
            network,
            optimiser,
            examples: Examples {
                augmentation: plan.augmentation.clone(),
                cut: Cut {
                    patch: fit.input,
                    output: fit.output,
                    neighbours: plan.neighbours,
                    mirrored_border: !padded,
                },
                forced_share: plan.forced_foreground,
                seed: plan.seed,
            },
            ahead: None,
            goal: Goal {
                loss: SegmentationLoss { ignore, ..SegmentationLoss::default() },
                patch: fit.input,
                output: fit.output,
            },
            channels: spec.input_channels(),
            batch,
            notices: Vec::new(),
            steps: 0,
        };
        Ok((learner, notices))
    }

    /// Slices in a step.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// What the network's device has to say.
    pub fn take_notices(&mut self) -> Vec<String> {
        self.notices.extend(self.network.take_notices());
        std::mem::take(&mut self.notices)
    }

    /// Learns from one batch; gives its loss. Where a GPU has too little memory the batch is halved, where it fails the CPU takes
    /// over; [`Learner::take_notices`] says so.
    ///
    /// # Errors
    /// When the CPU fails, slices cannot be read from the disk, or the work is stopped.
    pub fn step(&mut self, draw: Draw, rate: f64, watch: Watch) -> Result<f64, FitError> {
        let (value, gradients) = loop {
            match self.pass(draw, watch) {
                Err(FitError::Engine(error)) if !self.network.is_on_cpu() => {
                    self.fall_back(&error)?;
                }
                other => break other?,
            }
        };
        self.optimiser.step(&mut self.network, &gradients, rate)?;
        self.steps += 1;
        if let Some(average) = &mut self.average {
            average.add(&self.network.weights()?);
        }
        Ok(value)
    }

    /// Asks less of a GPU that failed, or nothing more.
    fn fall_back(&mut self, error: &EngineError) -> Result<(), FitError> {
        if error.is_out_of_memory() && self.batch > 1 {
            self.batch /= 2;
            let name = self.network.device_name();
            self.notices
                .push(format!("{} slices in a step from here on, because {name} has no memory for more.", self.batch));
            return Ok(());
        }
        let memory = self.optimiser.state(&self.network)?;
        self.network.move_to_cpu(error)?;
        self.optimiser.restore(&self.network, &memory)?;
        Ok(())
    }

    /// The loss of the next batch and its gradients.
    fn pass(&mut self, draw: Draw, watch: Watch) -> Result<(f64, Gradients), FitError> {
        let step = Step { number: self.steps, batch: self.batch };
        let ahead = self.ahead.take().filter(|ahead| ahead.step == step);
        let sights = match ahead {
            Some(ahead) => ahead.sights,
            None => self.examples.look(step, draw)?,
        };
        let is_on_disk = sights.iter().any(|(sight, _)| sight.is_from_disk());
        let examples = self.examples.cut(sights);
        let [h, w] = self.examples.cut.patch;
        let images = examples.iter().flat_map(|e| e.image.iter().copied()).collect();
        let image = Array::new([self.batch, self.channels, h, w], images);
        self.network.draw_dropout_after(self.examples.seed, self.steps);
        let (goal, network) = (&self.goal, &mut self.network);
        if !is_on_disk {
            return goal.gradients(network, &image, &examples, watch);
        }
        // The disk is waited for while the network runs.
        let next = Step { number: self.steps + 1, ..step };
        let (found, ahead) = std::thread::scope(|scope| {
            let reading = scope.spawn(|| self.examples.look_ahead(next, draw, watch));
            let found = goal.gradients(network, &image, &examples, watch);
            (found, reading.join().ok().flatten())
        });
        self.ahead = ahead;
        found
    }

    /// The weights that a model would have now: their mean where one is kept.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn current_weights(&self) -> Result<Weights, FitError> {
        match &self.average {
            Some(average) => Ok(average.mean().clone()),
            None => Ok(self.network.weights()?),
        }
    }

    /// Everything needed to go on another time.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn state(&self) -> Result<LearnerState, FitError> {
        Ok(LearnerState {
            weights: self.network.weights()?,
            average: self.average.as_ref().map(|average| (average.mean().clone(), average.steps())),
            optimiser: self.optimiser.state(&self.network)?,
        })
    }

    /// Goes on after so many steps; the network has its weights already.
    ///
    /// # Errors
    /// When the optimiser's memory is of another network.
    pub fn restore(
        &mut self,
        steps: u64,
        average: Option<(Weights, u64)>,
        optimiser: &OptimiserState,
    ) -> Result<(), FitError> {
        self.optimiser.restore(&self.network, optimiser)?;
        if let Some((mean, count)) = average {
            self.average = Some(WeightAverage::resume(self.decay, mean, count));
        }
        self.steps = steps;
        Ok(())
    }
}

/// What the network's output is held against.
struct Goal {
    loss: SegmentationLoss,
    /// Height and width of a patch.
    patch: [usize; 2],
    /// Height and width of the network's output.
    output: [usize; 2],
}

impl Goal {
    /// The loss of examples and its gradients.
    fn gradients(
        &self,
        network: &mut Network,
        image: &Array,
        examples: &[Example],
        watch: Watch,
    ) -> Result<(f64, Gradients), FitError> {
        let pass = network.run(image, Mode::Training, watch)?;
        let outputs = pass.outputs()?;
        let weights = network.graph().output_weights();
        let mut value = 0.0;
        let mut gradients = Vec::with_capacity(outputs.len());
        for (logits, weight) in outputs.iter().zip(weights) {
            let [_, _, oh, ow] = logits.dims4();
            let target: Vec<u16> = examples.iter().flat_map(|e| self.target(&e.labels, [oh, ow])).collect();
            let mut loss = self.loss.of(logits, &target);
            value += weight * loss.value;
            loss.gradient.values.iter_mut().for_each(|g| *g *= weight as f32);
            gradients.push(loss.gradient);
        }
        Ok((value, pass.backward(&gradients, watch)?))
    }

    /// The middle of a patch's labels, at the resolution of an output.
    fn target(&self, labels: &[u16], size: [usize; 2]) -> Vec<u16> {
        let offset = [0, 1].map(|axis| (self.patch[axis] - self.output[axis]) / 2);
        (0..size[0] * size[1])
            .map(|n| {
                let row = offset[0] + nearest(n / size[1], self.output[0], size[0]);
                let column = offset[1] + nearest(n % size[1], self.output[1], size[1]);
                labels[row * self.patch[1] + column]
            })
            .collect()
    }
}

/// How a step fits into the memory.
struct Fitting {
    batch: usize,
    activations: Activations,
    /// Where it is not as planned.
    notice: Option<String>,
}

/// As planned if that fits into the memory that is free; else with inner results computed again; else with the batch halved until
/// it fits.
fn fitting(graph: &Graph, plan: &Plan, size: [usize; 2]) -> Result<Fitting, FitError> {
    let wanted = plan.batch.max(1);
    let Some(free) = free_memory_bytes() else {
        return Ok(Fitting { batch: wanted, activations: plan.activations, notice: None });
    };
    let others = match plan.activations {
        Activations::Kept => Activations::Recomputed,
        Activations::Recomputed => Activations::Kept,
    };
    let mut batch = wanted;
    loop {
        let mut least = usize::MAX;
        for activations in [plan.activations, others] {
            let needed = training_memory_bytes(graph, batch, size, activations)?;
            if needed as f64 <= MEMORY_SHARE * free as f64 {
                let mut changes = Vec::new();
                if batch < wanted {
                    changes.push(format!("{batch} slices in a step instead of {wanted}"));
                }
                if activations != plan.activations && activations == Activations::Recomputed {
                    changes.push(
                        "inner results are computed again instead of kept, which takes a quarter more time".into(),
                    );
                }
                let text = format!("So that training fits into {} MB: {}.", free >> 20, changes.join(", and "));
                return Ok(Fitting { batch, activations, notice: Some(text).filter(|_| !changes.is_empty()) });
            }
            least = least.min(needed);
        }
        if batch == 1 {
            return Err(FitError::Plan(format!(
                "training would take {} MB even with one slice of {} x {} in a step, and {} MB are free; choose a smaller \
                 --patch or a smaller network",
                least >> 20,
                size[0],
                size[1],
                free >> 20
            )));
        }
        batch /= 2;
    }
}
