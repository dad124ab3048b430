//! What the benchmarks time.

use std::path::Path;
use std::time::Instant;

use super::error::JobError;
use crate::engine::{
    Activations, Array, DeviceChoice, KeepFreedMemory, Mode, Network, Optimiser, Random, Recipe, StageTimes,
    initial_weights, training_memory_bytes,
};
use crate::formats;
use crate::volume::{Plane, PlaneLayout};
use crate::work::Watch;
use crate::zoo::{self, Ends};

/// A network with random weights and an input of noise.
pub struct BenchNetwork {
    network: Network,
    optimiser: Optimiser,
    input: Array,
    activations: Activations,
    /// While a training is timed.
    memory: Option<KeepFreedMemory>,
}

/// What a network is timed with.
#[derive(Debug, Clone, Copy)]
pub struct BenchInput {
    /// Slices at a time.
    pub batch: usize,
    /// Their height and width.
    pub size: [usize; 2],
    /// What becomes of inner results in training.
    pub activations: Activations,
    /// Where it runs.
    pub device: DeviceChoice,
}

impl BenchNetwork {
    /// One input channel, two classes; `options` are those of the architecture.
    ///
    /// # Errors
    /// For an unknown architecture, or a device that cannot be used.
    pub fn new(arch: &str, options: &serde_json::Value, input: BenchInput) -> Result<Self, JobError> {
        let BenchInput { batch, size: [h, w], activations, device } = input;
        let graph = zoo::build(arch, Ends { in_channels: 1, classes: 2 }, options)
            .map_err(|e| JobError::Other(e.to_string()))?;
        let weights = initial_weights(&graph, 0);
        let mut random = Random::new(0, 0);
        let input = Array::new([batch, 1, h, w], (0..batch * h * w).map(|_| random.normal() as f32).collect());
        let recipe = Recipe::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 1e-2 };
        let mut network = Network::new(graph, &weights, device)?;
        network.set_activations(activations);
        if activations == Activations::Recomputed && !network.can_recompute(batch, [h, w])? {
            return Err(JobError::Other(format!(
                "{arch} has dropout, so its inner results are kept; leave out --recompute"
            )));
        }
        Ok(Self { network, optimiser: Optimiser::new(recipe, None), input, activations, memory: None })
    }

    /// Where it runs.
    pub fn device_name(&self) -> &str {
        self.network.device_name()
    }

    /// Trainable values.
    pub fn parameters(&self) -> usize {
        self.network.graph().trainable_count()
    }

    /// One forward pass.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn infer(&mut self) -> Result<(), JobError> {
        self.network.infer(&self.input, Watch::unwatched())?;
        self.stays_on_its_device()
    }

    /// A device that gave way to the CPU would be timed as itself.
    fn stays_on_its_device(&mut self) -> Result<(), JobError> {
        match self.network.take_notices().pop() {
            Some(notice) => Err(JobError::Other(notice)),
            None => Ok(()),
        }
    }

    /// What a forward pass does and for how long.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn stages(&mut self) -> Result<StageTimes, JobError> {
        Ok(self.network.stage_times(&self.input)?)
    }

    /// What a training step's passes do and for how long; nothing where they are not compiled.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn training_stages(&mut self) -> Result<StageTimes, JobError> {
        Ok(self.network.training_stage_times(&self.input)?)
    }

    /// Bytes that training takes by the engine's own estimate.
    ///
    /// # Errors
    /// When the input does not fit.
    pub fn training_bytes(&self) -> Result<usize, JobError> {
        let [batch, _, h, w] = self.input.dims4();
        Ok(training_memory_bytes(self.network.graph(), batch, [h, w], self.activations)?)
    }

    /// One forward, backward and optimiser step of mean(logits^2).
    ///
    /// # Errors
    /// When the engine fails, or gives way to the CPU.
    pub fn train_step(&mut self) -> Result<(), JobError> {
        self.memory.get_or_insert_with(KeepFreedMemory::start);
        self.stays_on_its_device()?;
        let pass = self.network.run(&self.input, Mode::Training, Watch::unwatched())?;
        let mut gradient = pass.outputs()?;
        for output in &mut gradient {
            let count = output.values.len() as f32;
            output.values.iter_mut().for_each(|v| *v *= 2.0 / count);
        }
        let gradients = pass.backward(&gradient, Watch::unwatched())?;
        self.optimiser.step(&mut self.network, &gradients, 1e-3)?;
        Ok(())
    }
}

/// One read of a path, step by step.
pub struct BenchLoad {
    /// Grid size.
    pub shape: [usize; 3],
    /// Bytes of the voxels.
    pub voxel_bytes: usize,
    /// Seconds to look through the files.
    pub scan_s: f64,
    /// Seconds to read the voxels.
    pub load_s: f64,
    /// Seconds for range, histogram and percentiles.
    pub statistics_s: f64,
    /// Seconds from the path to the pixels of the first slice: all of the above and one slice.
    pub first_slice_s: f64,
    /// Seconds to turn one slice into pixels, slowest of the three planes: what scrolling costs.
    pub slice_s: f64,
}

impl BenchLoad {
    /// Scans and loads the first volume, nothing else: what peers are compared with.
    ///
    /// # Errors
    /// When nothing can be loaded.
    pub fn read(path: &Path) -> Result<(), JobError> {
        let findings = formats::scan(path, Watch::unwatched())?;
        let entry = findings
            .entries
            .first()
            .ok_or_else(|| JobError::Other(format!("nothing in {} can be opened", path.display())))?;
        formats::load(entry, Watch::unwatched())?;
        Ok(())
    }

    /// Scans and loads the first volume, timing each step.
    ///
    /// # Errors
    /// When nothing can be loaded.
    pub fn run(path: &Path) -> Result<Self, JobError> {
        let start = Instant::now();
        let findings = formats::scan(path, Watch::unwatched())?;
        let scan_s = start.elapsed().as_secs_f64();
        let entry = findings
            .entries
            .first()
            .ok_or_else(|| JobError::Other(format!("nothing in {} can be opened", path.display())))?;
        let start = Instant::now();
        let volume = formats::load(entry, Watch::unwatched())?;
        let load_s = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let window = volume.default_window();
        let statistics_s = start.elapsed().as_secs_f64();
        let mut slice_s: f64 = 0.0;
        let mut first_slice_s = 0.0;
        let mut pixels = Vec::new();
        for plane in Plane::ALL {
            let layout = PlaneLayout::new(&volume.geometry, plane);
            let start = Instant::now();
            layout.grey_slice(&volume, 0, layout.size[2] / 2, window, &mut pixels);
            let seconds = start.elapsed().as_secs_f64();
            slice_s = slice_s.max(seconds);
            if plane == Plane::Axial {
                first_slice_s = scan_s + load_s + statistics_s + seconds;
            }
        }
        Ok(Self {
            shape: volume.geometry.shape(),
            voxel_bytes: volume.byte_count(),
            scan_s,
            load_s,
            statistics_s,
            first_slice_s,
            slice_s,
        })
    }
}

/// The process's largest resident size so far, where the system tells.
pub fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}
