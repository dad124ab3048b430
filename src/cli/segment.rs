//! `lamella segment`

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};

use super::guard::guarded;
use super::spacing::Spacing;
use super::terminal::Terminal;
use super::{Result, print_json, use_threads};
use crate::engine::DeviceChoice;
use crate::formats::{self, Entry, For, Kind, endings_of, stem, writer_for};
use crate::jobs::{Inputs, JobError, OutputKind, SaveLabelsJob, SaveVolumeJob, SegmentJob, SegmentNews, Segmented};
use crate::model::{self, Model, SliceAxis};
use crate::pipeline::{SegmentOptions, SegmentSeconds};
use crate::volume::{Annotations, LabelValue, Maker, SliceState, stack_frames};
use crate::work::Watch;
use crate::work::numbers::real;

/// Segment volumes with a model.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "switches of the command line")]
pub struct Segment {
    /// Volumes, DICOM folders, or folders of volumes
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// A bundled or user model's id, or a model file
    #[arg(short, long)]
    model: String,
    /// The mask to write; a folder where there are several inputs
    #[arg(short, long)]
    output: PathBuf,
    /// auto, cpu, gpu, gpu:N, cuda, cuda:N or metal; `lamella devices` lists them
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// Compute in 32 bits on a GPU too, where maps have 16 otherwise
    #[arg(long)]
    full_precision: bool,
    /// Average over mirrored slices (four times the work)
    #[arg(long)]
    tta: bool,
    /// Keep only the largest connected part of every label
    #[arg(long)]
    largest: bool,
    /// Also write the probability of every class but background, into files named like the mask
    #[arg(long)]
    probabilities: bool,
    /// Slice axis instead of the model's own: axial, coronal or sagittal
    #[arg(long)]
    axis: Option<SliceAxis>,
    /// Frame of a 4-D volume, counted from 0
    #[arg(long, default_value_t = 0)]
    frame: usize,
    /// Also segment series with missing or uneven slices: missing ones are left empty, uneven ones interpolated
    #[arg(long)]
    fill_gaps: bool,
    #[command(flatten)]
    spacing: Spacing,
    /// Number of processor threads; all by default
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Print one JSON document about the masks
    #[arg(long)]
    json: bool,
}

/// One input, one file for each channel or one for all, and the name of its mask.
struct Input {
    entries: Vec<Entry>,
    name: String,
}

impl Input {
    fn title(&self) -> &str {
        self.entries.first().map_or("", |entry| &entry.name)
    }
}

/// Joins the files `case_0000`, `case_0001` ... (nnU-Net's names of channels) to one input each; other files stay as they are.
fn join_channels(inputs: Vec<Input>, channels: usize) -> Vec<Input> {
    let mut joined: Vec<Input> = Vec::new();
    let mut cases: BTreeMap<String, BTreeMap<usize, (Entry, String)>> = BTreeMap::new();
    for mut input in inputs {
        let stem = stem(Path::new(&input.name));
        let channel =
            stem.len().checked_sub(5).and_then(|at| Some((stem.get(..at)?, stem.get(at..)?.strip_prefix('_')?)));
        match channel.and_then(|(case, digits)| Some((case.to_string(), digits.parse::<usize>().ok()?))) {
            Some((case, number)) => {
                let ending = input.name[stem.len()..].to_string();
                cases
                    .entry(case + &ending)
                    .or_default()
                    .extend(input.entries.pop().map(|entry| (number, (entry, input.name))));
            }
            None => joined.push(input),
        }
    }
    for (name, files) in cases {
        if files.keys().copied().eq(0..channels) {
            joined.push(Input { entries: files.into_values().map(|(entry, _)| entry).collect(), name });
        } else {
            // Numbers that are none of channels; what does not suit the model is said when it is read.
            joined.extend(files.into_values().map(|(entry, name)| Input { entries: vec![entry], name }));
        }
    }
    joined
}

impl Segment {
    pub(super) fn run(&self) -> Result {
        use_threads(self.threads)?;
        let model = Arc::new(model::find(&self.model)?);
        let (inputs, single) = self.find_inputs(model.spec.image_channels)?;
        let sources = inputs.iter().flat_map(|input| &input.entries).map(|entry| entry.path.clone());
        let read = Inputs::new(sources.chain(model::file_of(&self.model)));
        if !single {
            std::fs::create_dir_all(&self.output)
                .map_err(|e| JobError::Other(format!("cannot make the folder {}: {e}", self.output.display())))?;
        }
        let target = |input: &Input| if single { self.output.clone() } else { self.output.join(&input.name) };
        for input in &inputs {
            self.allow(&target(input), &model, &read)?;
        }
        let mut reports = Vec::new();
        for input in &inputs {
            let path = target(input);
            match guarded(|| self.segment(input, &path, &model)) {
                Ok(report) => reports.push(report),
                Err(error) if error.is_stop() => return Err(error),
                Err(error) if inputs.len() == 1 => return Err(error),
                // One damaged file among many is told of and left out.
                Err(error) => tell!("error: {}: {error}", input.name),
            }
        }
        if self.json {
            print_json(&json!({"model": model.spec.id, "masks": reports}))?;
        }
        match inputs.len() - reports.len() {
            0 => Ok(()),
            missing => Err(JobError::Other(format!("{missing} of {} volumes were not segmented", inputs.len()))),
        }
    }

    /// Checks that a mask, and the probabilities where they are wanted, may be written.
    fn allow(&self, mask: &Path, model: &Model, read: &Inputs) -> Result {
        read.allow(mask, OutputKind::Image)?;
        let table = model.spec.label_table();
        for label in table.0.iter().filter(|_| self.probabilities) {
            read.allow(&probability_path(mask, label.value, &label.name), OutputKind::Image)?;
        }
        Ok(())
    }

    /// All volumes behind the inputs; whether the output is a single file.
    fn find_inputs(&self, channels: usize) -> Result<(Vec<Input>, bool)> {
        let mut inputs = Vec::new();
        let mut taken = HashSet::new();
        for path in &self.inputs {
            let findings = formats::scan(path, Watch::unwatched())?;
            if findings.entries.is_empty() {
                let reason = findings.skipped.first().map_or("it holds no image".to_string(), |s| s.reason.clone());
                return Err(JobError::Other(format!("nothing in {} can be opened: {reason}", path.display())));
            }
            let only_one = self.inputs.len() == 1 && findings.entries.len() == 1;
            for skipped in &findings.skipped {
                tell!("note: left out {}: {}", skipped.path.display(), skipped.reason);
            }
            for entry in findings.entries {
                if let Some(what) = entry.source.asks().filter(|_| !self.fill_gaps) {
                    let name = if entry.name.is_empty() { &entry.id } else { &entry.name };
                    let text = format!("{name} in {}: {what}; --fill-gaps does that", path.display());
                    if only_one {
                        return Err(JobError::Other(text));
                    }
                    tell!("note: left out {text}");
                    continue;
                }
                let name = mask_name(&entry, path, &mut taken);
                inputs.push(Input { entries: vec![entry], name });
            }
        }
        if channels > 1 {
            inputs = join_channels(inputs, channels);
        }
        let is_file_name = self.output.extension().is_some() && !self.output.is_dir();
        if inputs.len() == 1 && is_file_name {
            // A misspelt ending is no folder's name.
            writer_for(&self.output)?;
        }
        let single = inputs.len() == 1 && is_file_name;
        if !single && writer_for(&self.output).is_ok() {
            return Err(JobError::Other(format!(
                "{} volumes were found, so the output must be a folder, not {}",
                inputs.len(),
                self.output.display()
            )));
        }
        Ok((inputs, single))
    }

    fn segment(&self, input: &Input, path: &Path, model: &Arc<Model>) -> Result<Value> {
        let terminal = Terminal::new(input.title());
        let took = Mutex::new(SegmentSeconds::default());
        let note_seconds = |news| {
            if let SegmentNews::Took(seconds) = news {
                *took.lock().unwrap_or_else(PoisonError::into_inner) = seconds;
            }
        };
        let started = Instant::now();
        let mut volumes = Vec::new();
        for entry in &input.entries {
            volumes.push(formats::load(&self.spacing.of(entry)?, Watch::unwatched())?);
        }
        let volume = match volumes.len() {
            1 => volumes.remove(0),
            _ => stack_frames(&volumes).map_err(|e| JobError::Other(format!("{}: {e}", input.name)))?,
        };
        drop(volumes);
        let load_s = started.elapsed().as_secs_f64();
        for warning in &volume.warnings {
            tell!("note: {}: {warning}", input.title());
        }
        let options = SegmentOptions {
            axis: self.axis,
            mirror: self.tta,
            keep_largest: self.largest,
            frame: self.frame,
            from_voxel: None,
            full_precision: self.full_precision,
        };
        let volume = Arc::new(volume);
        let source = volume.source.clone();
        let job = SegmentJob {
            volume,
            model: model.clone(),
            device: self.device,
            options,
            probabilities: self.probabilities,
            shown_as: std::collections::BTreeMap::new(),
        };
        let Segmented { labels, table, device, probabilities } = terminal.run(job, &note_seconds)?;
        let counts = labels.counts();
        let voxel = labels.geometry().voxel_volume_mm3();
        let writing = Instant::now();
        let annotations = Annotations::of_labels(&labels, table.clone(), SliceState::Draft)
            .made_by(&Maker::Model(model.spec.title.clone()));
        terminal.run(SaveLabelsJob { path: path.into(), labels, annotations, source, sidecar: false }, &|()| {})?;
        let mut maps = Vec::new();
        for (label, volume) in table.0.iter().zip(probabilities) {
            let map = probability_path(path, label.value, &volume.name);
            maps.push(map.clone());
            terminal.run(SaveVolumeJob { path: map, volume: Arc::new(volume) }, &|()| {})?;
        }
        let (write_s, total_s) = (writing.elapsed().as_secs_f64(), started.elapsed().as_secs_f64());
        terminal.finish();
        let volumes: Vec<Value> = table
            .0
            .iter()
            .map(|label| {
                let voxels = counts.get(&label.value).copied().unwrap_or(0);
                json!({"label": label.value, "name": label.name, "voxels": voxels, "mm3": real(voxels) * voxel})
            })
            .collect();
        if !self.json {
            let each: Vec<String> = volumes
                .iter()
                .map(|v| {
                    format!("{} {:.0} mm3", v["name"].as_str().unwrap_or_default(), v["mm3"].as_f64().unwrap_or(0.0))
                })
                .collect();
            say!("{}: {} ({device})", path.display(), each.join(", "));
        }
        let first = &input.entries[0];
        let parts = *took.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = json!({
            "total": total_s, "load": load_s, "prepare": parts.prepare, "network": parts.network,
            "labels": parts.labels, "write": write_s,
        });
        Ok(json!({"input": first.path, "id": first.id, "output": path, "device": device, "labels": volumes,
                "probabilities": maps, "seconds": seconds}))
    }
}

/// Beside the mask: `case.nii.gz` becomes `case_probability_1_Anterior.nii.gz`.
fn probability_path(mask: &Path, value: LabelValue, class: &str) -> PathBuf {
    let file = mask.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = stem(Path::new(&file));
    let class: String = class.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect();
    // A mask's ending may say that it is one.
    let ending = writer_for(mask).map_or(&file[stem.len()..], |(_, ending)| ending);
    mask.with_file_name(format!("{stem}_probability_{value}_{class}{ending}"))
}

/// A volume file gives its own name to its mask, a DICOM series its description.
fn mask_name(entry: &Entry, root: &Path, taken: &mut HashSet<String>) -> String {
    let file = entry.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let preferred = endings_of(Kind::Labels, For::Saving).first().copied().unwrap_or_default();
    let is_volume_file = entry.path.is_file() && writer_for(&entry.path).is_ok();
    let base = if is_volume_file {
        file
    } else {
        let described: String =
            entry.name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
        let folder = root.file_name().map_or_else(|| "series".into(), |n| n.to_string_lossy().into_owned());
        format!("{}{preferred}", if described.is_empty() { folder } else { described })
    };
    let mut name = base.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        let stem = stem(Path::new(&base));
        name = format!("{stem}_{number}{preferred}");
        number += 1;
    }
    name
}
