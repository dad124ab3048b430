//! `lamella segment`

mod choices;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};

pub use choices::Choices;

use super::guard::guarded;
use super::terminal::Terminal;
use super::{Result, print_json, use_threads};
use crate::formats::{self, labels_writer_for, stem, writer_for};
use crate::jobs::{
    Inputs, JobError, Naming, OutputKind, SaveLabelsJob, SaveVolumeJob, ScanInput, SegmentJob, SegmentNews, Segmented,
    make_folder, scans_to_segment,
};
use crate::model::{self, Model, ModelSpec};
use crate::pipeline::{Misfit, SegmentSeconds, misfits};
use crate::volume::{Annotations, LabelValue, Maker, SliceState, Volume, stack_frames};
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
    /// Also write the probability of every class but background, into files named like the mask
    #[arg(long)]
    probabilities: bool,
    #[command(flatten)]
    choices: Choices,
    /// Replace whatever the output's name holds: without it only masks that a model made and nobody has changed since are replaced
    #[arg(long)]
    overwrite: bool,
    /// Number of processor threads; all by default
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Print one JSON document about the masks
    #[arg(long)]
    json: bool,
}

impl Segment {
    pub(super) fn run(&self) -> Result {
        use_threads(self.threads)?;
        let model = Arc::new(model::find(&self.model)?);
        let (inputs, single) = self.find_inputs(&model.spec)?;
        let sources = inputs.iter().flat_map(|input| &input.entries).map(|entry| entry.path.clone());
        let read = Inputs::new(sources.chain(model::file_of(&self.model)));
        if !single {
            make_folder(&self.output)?;
        }
        let target = |input: &ScanInput| if single { self.output.clone() } else { self.output.join(&input.name) };
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
        let kind = if self.overwrite { OutputKind::Image } else { OutputKind::Draft };
        read.allow(mask, kind)?;
        // Probabilities say of themselves neither who made them nor of what: they go with their mask.
        let kind = if mask.exists() { OutputKind::Image } else { kind };
        let table = model.spec.label_table();
        for label in table.0.iter().filter(|_| self.probabilities) {
            read.allow(&probability_path(mask, label.value, &label.name), kind)?;
        }
        Ok(())
    }

    /// All volumes behind the inputs; whether the output is a single file.
    fn find_inputs(&self, spec: &ModelSpec) -> Result<(Vec<ScanInput>, bool)> {
        let naming = Naming::Flat;
        let found = scans_to_segment(&self.inputs, spec, self.choices.fill_gaps, naming, Watch::unwatched())?;
        if let ([], [refused]) = (&found.scans[..], &found.refused[..]) {
            return Err(JobError::Other(format!("{}: {}", refused.path.display(), refused.reason)));
        }
        found.notes.iter().for_each(|note| tell!("note: {note}"));
        for refused in &found.refused {
            tell!("note: left out {}: {}", refused.path.display(), refused.reason);
        }
        let inputs = found.scans;
        let is_file_name = self.output.extension().is_some() && !self.output.is_dir();
        if inputs.len() == 1 && is_file_name {
            // A misspelt ending is no folder's name.
            labels_writer_for(&self.output)?;
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

    fn segment(&self, input: &ScanInput, path: &Path, model: &Arc<Model>) -> Result<Value> {
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
            volumes.push(formats::load(&self.choices.spacing.of(entry)?, Watch::unwatched())?);
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
        let unfit = self.tell_of_misfits(&volume, model, input.title());
        let volume = Arc::new(volume);
        let source = volume.source.clone();
        let job = SegmentJob {
            volume,
            model: model.clone(),
            device: self.choices.device,
            options: self.choices.options(),
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
                "misfits": unfit, "probabilities": maps, "seconds": seconds}))
    }

    /// Tells what of a scan the model did not learn, and which of several frames it sees.
    fn tell_of_misfits(&self, volume: &Volume, model: &Model, title: &str) -> Vec<String> {
        let found = misfits(&model.spec, volume);
        let frames = volume.frame_count();
        let mut told: Vec<String> = found.iter().map(ToString::to_string).collect();
        if model.spec.image_channels == 1 && frames > 1 && self.choices.frame.is_none() {
            let seen = if found.contains(&Misfit::Colour) { "the first one, red," } else { "the first one" };
            told.push(format!(
                "This image has {frames} frames, of which {seen} is segmented; --frame 0 to {} chooses.",
                frames - 1
            ));
        }
        told.iter().for_each(|misfit| tell!("note: {title}: {misfit}"));
        told
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
