//! `lamella bench`: the figures of the README, and what the peers are compared with.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Result, activations, print_json, use_threads};
use crate::engine::{Activations, DeviceChoice, StageTimes};
use crate::jobs::{BenchInput, BenchLoad, BenchNetwork, EDIT_CASES, EditCase, EditScene, JobError, peak_memory_bytes};

/// Time the project's own benchmarks.
#[derive(Args)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// One forward pass of a network with random weights on one slice
    Segment {
        #[command(flatten)]
        network: NetworkOptions,
        /// Height and width of the slice
        #[arg(long, default_value = "256x256")]
        size: Size,
        /// Print what the pass does and for how long, stage by stage
        #[arg(long)]
        stages: bool,
        /// cpu, gpu, gpu:N, cuda, cuda:N or metal; `lamella devices` lists them
        #[arg(long, default_value = "cpu")]
        device: DeviceChoice,
        #[command(flatten)]
        common: Common,
    },
    /// One forward, backward and AdamW step of mean(logits^2)
    Train {
        #[command(flatten)]
        network: NetworkOptions,
        /// Height and width of the slices
        #[arg(long, default_value = "128x128")]
        size: Size,
        /// Slices per step
        #[arg(long, default_value_t = 8)]
        batch: usize,
        /// Compute inner results again on the way back instead of keeping them
        #[arg(long)]
        recompute: bool,
        /// Print what the passes do and for how long, stage by stage
        #[arg(long)]
        stages: bool,
        /// cpu, gpu, gpu:N, cuda, cuda:N or metal; `lamella devices` lists them
        #[arg(long, default_value = "cpu")]
        device: DeviceChoice,
        #[command(flatten)]
        common: Common,
    },
    /// Editing on a made scan with twenty labels: each figure beside the most that it may be
    Edit {
        /// Columns, rows and slices of the scan
        #[arg(long, default_value = "512x512x600")]
        size: GridSize,
        /// Only these cases; may be given several times
        #[arg(long, value_name = "ID")]
        case: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Surfaces of a mask as the 3-D tile makes and draws them: all, those around a stroke, and frames of a whole turn
    Body(BodyBench),
    /// One read of a series or file into a volume
    Load {
        /// A file or folder
        path: PathBuf,
        #[command(flatten)]
        common: Common,
    },
}

/// What of the 3-D tile is timed; the window's part of the program does it.
#[derive(Args)]
pub struct BodyBench {
    /// The mask
    pub mask: PathBuf,
    /// Width and height of the picture
    #[arg(long, default_value = "640x480", value_parser = picture_size)]
    pub size: [u32; 2],
    /// Frames of the turn
    #[arg(long, default_value_t = 36)]
    pub frames: usize,
    /// Draw without a graphics card, where a driver for that is installed
    #[arg(long)]
    pub software: bool,
    /// A folder for two pictures of the first view as PNG: as it is shown at rest, and of all triangles
    #[arg(long)]
    pub pictures: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

fn picture_size(text: &str) -> std::result::Result<[u32; 2], String> {
    const MOST: u32 = 8192;
    let wrong = || format!("{text:?} is no size of a picture; write for example 640x480");
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    match (width.parse(), height.parse()) {
        (Ok(width), Ok(height)) if (1..=MOST).contains(&width) && (1..=MOST).contains(&height) => Ok([width, height]),
        _ => Err(wrong()),
    }
}

#[derive(Args)]
struct NetworkOptions {
    /// Architecture
    #[arg(long, default_value = "unet")]
    arch: String,
    /// Channels of the first stage (U-Net)
    #[arg(long, default_value_t = 32)]
    width: usize,
    /// Options of the architecture as JSON, instead of the width
    #[arg(long, value_parser = parse_json)]
    options: Option<serde_json::Value>,
}

fn parse_json(text: &str) -> std::result::Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))
}

impl NetworkOptions {
    fn bench(&self, input: BenchInput) -> std::result::Result<BenchNetwork, JobError> {
        let options = match (&self.options, self.arch.as_str()) {
            (Some(options), _) => options.clone(),
            (None, "unet") => json!({"width": self.width}),
            (None, _) => serde_json::Value::Null,
        };
        BenchNetwork::new(&self.arch, &options, input)
    }
}

#[derive(Clone, Copy)]
struct Size([usize; 2]);

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("{text:?} is no size; write for example 256x256");
        let (h, w) = text.split_once('x').unwrap_or((text, text));
        match (h.parse(), w.parse()) {
            (Ok(h), Ok(w)) if h > 0 && w > 0 => Ok(Self([h, w])),
            _ => Err(wrong()),
        }
    }
}

#[derive(Clone, Copy)]
struct GridSize([usize; 3]);

impl std::str::FromStr for GridSize {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("{text:?} is no size of a grid; write for example 512x512x600");
        let sizes: Vec<usize> =
            text.split('x').map(str::parse).collect::<std::result::Result<_, _>>().map_err(|_| wrong())?;
        sizes.try_into().map(Self).map_err(|_| wrong())
    }
}

/// Runs the cases of editing, each on the same scene.
fn bench_edit(size: [usize; 3], wanted: &[String], common: &Common) -> Result {
    if let Some(unknown) = wanted.iter().find(|id| EDIT_CASES.iter().all(|case| case.id != id.as_str())) {
        let ids: Vec<&str> = EDIT_CASES.iter().map(|case| case.id).collect();
        return Err(JobError::Other(format!("there is no case {unknown:?}; there are {}", ids.join(", "))));
    }
    let scene = EditScene::new(size)?;
    let mut cases = Vec::new();
    for case in EDIT_CASES.iter().filter(|case| wanted.is_empty() || wanted.iter().any(|id| id == case.id)) {
        let mut samples = (case.run)(&scene, common.repeat.max(1))?;
        samples.sort_by(f64::total_cmp);
        let figures = figures(case, &samples);
        if !common.json {
            let number = |key: &str| shown(case, figures[key].as_f64().unwrap_or(f64::NAN));
            let bound = case.bound.map_or_else(String::new, |bound| format!(", at most {}", shown(case, bound)));
            say!(
                "{:12} median {}, min {}, max {}{bound}: {}",
                case.id,
                number("median"),
                number("min"),
                number("max"),
                case.title
            );
        }
        cases.push(figures);
    }
    if common.json {
        print_json(&json!({
            "bench": "edit", "size": size, "labelled_voxels": scene.labelled(), "cases": cases,
            "peak_memory_bytes": peak_memory_bytes(),
        }))?;
    }
    Ok(())
}

/// Figures of a case from sorted samples.
fn figures(case: &EditCase, samples: &[f64]) -> serde_json::Value {
    let (min, max) = (samples.first().copied(), samples.last().copied());
    let median = samples.get(samples.len() / 2).copied();
    let is_within = median.zip(case.bound).map(|(median, bound)| median <= bound);
    json!({
        "id": case.id, "title": case.title, "unit": case.unit, "bound": case.bound, "min": min, "median": median, "max": max,
        "samples": samples.len(), "is_within": is_within,
    })
}

fn shown(case: &EditCase, value: f64) -> String {
    if case.unit == "bytes" {
        format!("{:.1} MiB", value / 1024.0 / 1024.0)
    } else {
        format!("{:.2} ms", value * 1000.0)
    }
}

#[derive(Args)]
struct Common {
    /// Number of timed runs
    #[arg(long, default_value_t = 5)]
    repeat: usize,
    /// Number of threads
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Common {
    /// Prints what a network's stages take, or puts it among the facts.
    fn show_stages(&self, times: &StageTimes, facts: &mut serde_json::Value) {
        if self.json {
            let stage = |(name, seconds): &(String, f64)| json!({"stage": name, "seconds": seconds});
            facts["stages"] = times.stages.iter().map(stage).collect();
            return;
        }
        for (name, seconds) in &times.stages {
            say!("{:9.3} ms  {name}", seconds * 1000.0);
        }
    }

    fn time(&self, name: &str, mut run: impl FnMut() -> Result, facts: &serde_json::Value) -> Result {
        run()?;
        let mut times = Vec::new();
        for _ in 0..self.repeat.max(1) {
            let start = Instant::now();
            run()?;
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let (median, min) = (times[times.len() / 2], times[0]);
        if self.json {
            return print_json(
                &json!({"bench": name, "median_s": median, "min_s": min, "runs": times.len(), "facts": facts}),
            );
        }
        say!("{name}: median {median:.4} s, min {min:.4} s over {} runs {facts}", times.len());
        Ok(())
    }
}

impl Bench {
    /// The benchmark of the window's part, where that is asked for.
    pub(super) fn of_window(self) -> std::result::Result<BodyBench, Box<Self>> {
        match self.what {
            What::Body(asked) => Ok(asked),
            what => Err(Box::new(Self { what })),
        }
    }

    pub(super) fn run(&self) -> Result {
        let common = match &self.what {
            What::Segment { common, .. }
            | What::Train { common, .. }
            | What::Edit { common, .. }
            | What::Load { common, .. } => common,
            What::Body(_) => return Err(JobError::Other("this build has no window and cannot draw".into())),
        };
        use_threads(common.threads)?;
        match &self.what {
            What::Segment { network, size, stages, device, common } => {
                let (batch, activations) = (1, Activations::Kept);
                let mut bench = network.bench(BenchInput { batch, size: size.0, activations, device: *device })?;
                let times = bench.stages()?;
                let mut facts = json!({
                    "arch": network.arch, "parameters": bench.parameters(), "size": size.0, "device": bench.device_name(),
                    "instructions": times.instructions, "packed_weight_bytes": times.weight_bytes, "map_bytes": times.map_bytes,
                });
                if *stages {
                    common.show_stages(&times, &mut facts);
                }
                facts["peak_memory_bytes"] = peak_memory_bytes().into();
                common.time("segment", || bench.infer(), &facts)
            }
            What::Train { network, size, batch, recompute, stages, device, common } => {
                let (size, activations) = (size.0, activations(*recompute));
                let mut bench = network.bench(BenchInput { batch: *batch, size, activations, device: *device })?;
                let times = bench.training_stages()?;
                let mut facts = json!({
                    "arch": network.arch, "parameters": bench.parameters(), "size": size, "batch": batch, "recompute": recompute,
                    "device": bench.device_name(),
                    "instructions": times.instructions, "map_bytes": times.map_bytes,
                });
                if *stages {
                    common.show_stages(&times, &mut facts);
                }
                bench.train_step()?;
                facts["estimated_bytes"] = bench.training_bytes()?.into();
                facts["peak_memory_bytes"] = peak_memory_bytes().into();
                common.time("train", || bench.train_step(), &facts)
            }
            What::Edit { size, case, common } => bench_edit(size.0, case, common),
            What::Body(_) => Ok(()),
            What::Load { path, common } => {
                let before = peak_memory_bytes();
                let first = BenchLoad::run(path)?;
                let grown = peak_memory_bytes().zip(before).map(|(after, before)| after.saturating_sub(before));
                let facts = json!({
                    "shape": first.shape,
                    "voxel_bytes": first.voxel_bytes,
                    "peak_memory_growth_bytes": grown,
                    "scan_s": first.scan_s,
                    "load_s": first.load_s,
                    "statistics_s": first.statistics_s,
                    "first_slice_s": first.first_slice_s,
                    "slice_repaint_s": first.slice_s,
                });
                common.time("load", || BenchLoad::read(path), &facts)
            }
        }
    }
}
