//! `lamella refine`

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::terminal::Terminal;
use super::{Result, print_json, use_threads};
use crate::jobs::{
    self, Cancel, DeviceChoice, Job, JobError, Outcome, REFINE_SECONDS, RefineJob, RememberedScans, SegmentOptions,
    keep_done,
};
use crate::model::{self, SliceAxis};
use crate::volume::{Annotations, PlaneLayout, SliceState};

/// Adapt a model for a few seconds to finished slices of a scan, and segment its other slices again.
#[derive(Args)]
pub struct Refine {
    /// The scan: a file, or a DICOM folder with one series
    image: PathBuf,
    /// The mask, right in the slices that are done
    #[arg(long)]
    labels: PathBuf,
    /// Numbers of the finished slices, from 0 at the patient's left (sagittal), back (coronal) or feet (axial)
    #[arg(long, required = true, value_delimiter = ',')]
    done: Vec<usize>,
    /// Which slices --done counts: axial, coronal or sagittal
    #[arg(long)]
    axis: SliceAxis,
    /// A bundled or user model's id, or a model file
    #[arg(short, long)]
    model: String,
    /// The mask to write; finished slices stay as they are
    #[arg(short, long)]
    output: PathBuf,
    /// Write the adapted model here
    #[arg(long, value_name = "FILE")]
    model_output: Option<PathBuf>,
    /// A data set that the model learned from: some of its scans, but not this one, are mixed in
    #[arg(long, value_name = "DATASET")]
    memory: Option<PathBuf>,
    /// How long to learn
    #[arg(long, default_value_t = REFINE_SECONDS)]
    seconds: f64,
    /// auto, cpu, gpu, cuda, cuda:N or metal
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// Number of processor threads; all by default
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Refine {
    pub(super) fn run(&self) -> Result {
        use_threads(self.threads)?;
        if !(0.1..=600.0).contains(&self.seconds) {
            return Err(JobError::Other(format!("--seconds must be from 0.1 to 600, not {}", self.seconds)));
        }
        let started = Instant::now();
        jobs::writer_for(&self.output)?;
        let model = Arc::new(model::find(&self.model)?);
        let terminal = Terminal::new("Refining");
        let (cancel, show) = (Cancel::default(), |event| terminal.show(event));
        let volume = Arc::new(jobs::open_one(&self.image, None, &|_| std::ops::ControlFlow::Continue(()))?);
        let (labels, known) = jobs::read_annotated_labels(&self.labels, &cancel, &show)?;
        if !labels.geometry().lies_on(&volume.geometry) {
            return Err(JobError::Other(format!(
                "{} does not lie on the grid of {}",
                self.labels.display(),
                self.image.display()
            )));
        }
        let [row_axis, column_axis] = self.axis.in_plane();
        let world_axes = [column_axis, row_axis, self.axis.world_axis()];
        let layout = PlaneLayout::along(&volume.geometry, world_axes, [true; 3]);
        if let Some(wrong) = self.done.iter().find(|&&slice| slice >= layout.size[2]) {
            return Err(JobError::Other(format!(
                "--done {wrong}: there are {} slices, counted from 0",
                layout.size[2]
            )));
        }
        let done: Vec<_> = self.done.iter().map(|&slice| (layout, slice)).collect();
        let job = RefineJob {
            volume,
            model,
            labels: labels.clone(),
            table: known.table.clone(),
            done: done.clone(),
            memory: self.memory.clone().map(|folder| RememberedScans {
                folder,
                names: None,
                except: Some(self.image.clone()),
            }),
            memory_is_wanted: true,
            seconds: self.seconds,
            device: self.device,
            options: SegmentOptions::default(),
        };
        let outcome = jobs::run(Job::Refine(Box::new(job)), &show, &cancel)?;
        let Outcome::Refined { labels: mut refined, mut table, model, steps, loss, doubt } = outcome else {
            return Err(JobError::Other("the job gave no labels".into()));
        };
        keep_done(&mut refined, &labels, &table, &done);
        // Labels that the model does not know are still in the finished slices.
        for label in known.table.0 {
            if table.get(label.value).is_none() {
                table.0.push(label);
            }
        }
        let finished = self.done.iter().map(|&slice| ((self.axis.world_axis() as u8, slice), SliceState::Done));
        let annotations = Annotations::new(table, finished);
        let save = Job::SaveLabels { path: self.output.clone(), labels: refined, annotations, sidecar: false };
        jobs::run(save, &show, &cancel)?;
        if let Some(path) = &self.model_output {
            jobs::run(Job::KeepAdapted { path: path.clone(), model }, &show, &cancel)?;
        }
        terminal.finish();
        let seconds = started.elapsed().as_secs_f64();
        let world = self.axis.world_axis();
        let next = doubt.most_unsure(world, |slice| self.done.contains(&slice));
        if self.json {
            return print_json(
                &json!({"output": self.output, "steps": steps, "loss": loss, "done": self.done, "seconds": seconds,
                    "most_unsure": next, "doubt": doubt.along[world]}),
            );
        }
        say!(
            "{}: {steps} steps on {} finished slices, loss {:.3} to {:.3}, {seconds:.1} s",
            self.output.display(),
            done.len(),
            loss[0],
            loss[1]
        );
        Ok(())
    }
}
