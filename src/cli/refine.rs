//! `lamella refine`

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::spacing::Spacing;
use super::terminal::Terminal;
use super::{Result, print_json, use_threads};
use crate::engine::DeviceChoice;
use crate::formats::{self, Ground};
use crate::jobs::{
    Inputs, JobError, KeepAdaptedJob, OutputKind, REFINE_SECONDS, RefineJob, RefinedLabels, RememberedScans,
    SaveLabelsJob, ScribbledLabels,
};
use crate::model::{self, SliceAxis};
use crate::pipeline::SegmentOptions;
use crate::session::{Command, Edit, Incoming, Origin, PaintRules, Painter, Refused, Session};
use crate::volume::{Annotations, Label, LabelMap, LabelTable, LabelValue, PlaneLayout, SliceKey, SliceState, Volume};
use crate::work::Watch;

/// Adapt a model for a few seconds to finished slices of a scan, and segment its other slices again.
#[derive(Args)]
pub struct Refine {
    /// The scan: a file, or a DICOM folder with one series
    image: PathBuf,
    /// The mask, right in the slices that are done
    #[arg(long)]
    labels: PathBuf,
    /// Numbers of the finished slices, as the window shows them: from 1 at the patient's left (sagittal), back (coronal) or feet (axial)
    #[arg(long, required_unless_present = "scribbles", requires = "axis", value_delimiter = ',')]
    done: Vec<NonZeroUsize>,
    /// Which slices --done counts: axial, coronal or sagittal
    #[arg(long, requires = "done")]
    axis: Option<SliceAxis>,
    /// A mask of scribbles: its marked voxels are known too, all around them is not
    #[arg(long, value_name = "MASK")]
    scribbles: Option<PathBuf>,
    /// The scribbles' label that marks where none of the model's labels is; the one named Outside by default
    #[arg(long, value_name = "LABEL", requires = "scribbles")]
    outside: Option<LabelValue>,
    #[command(flatten)]
    spacing: Spacing,
    /// A bundled or user model's id, or a model file
    #[arg(short, long)]
    model: String,
    /// The mask to write; finished slices and labels that the model does not know stay as they are
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
    /// auto, cpu, gpu, gpu:N, cuda, cuda:N or metal
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
        let model_file = model::file_of(&self.model);
        let read =
            [&self.image, &self.labels].into_iter().chain(&self.memory).chain(&self.scribbles).chain(&model_file);
        let inputs = Inputs::new(read.cloned());
        inputs.allow(&self.output, OutputKind::Image)?;
        if let Some(path) = &self.model_output {
            inputs.allow(path, OutputKind::Model)?;
        }
        let model = Arc::new(model::find(&self.model)?);
        let terminal = Terminal::new("Refining");
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        let volume = Arc::new(self.spacing.open(&self.image, None, watch.quiet())?);
        let open = |path: &Path| {
            let (labels, mask) =
                formats::read_annotated_labels(path, Some(&Ground::of(&volume)), watch, &|text| terminal.warn(&text))?;
            let labels = labels.placed_by(&volume.geometry);
            if labels.geometry().lies_on(&volume.geometry) {
                return Ok((labels, mask));
            }
            Err(JobError::Other(format!("{} does not lie on the grid of {}", path.display(), self.image.display())))
        };
        let (labels, mask) = open(&self.labels)?;
        same_numbers(&mask.table, labels.voxel_counts().into_keys(), &model.spec.label_table())
            .map_err(|problem| JobError::Other(format!("{problem} ({})", self.labels.display())))?;
        let scribbles = match &self.scribbles {
            Some(path) => Some(self.marks(path, open(path)?)?),
            None => None,
        };
        // Asked for together with --done; where there is no finished slice nothing is counted along it.
        let axis = self.axis.unwrap_or(model.spec.slice_axis);
        let [row_axis, column_axis] = axis.in_plane();
        let world_axes = [column_axis, row_axis, axis.world_axis()];
        let layout = PlaneLayout::along(&volume.geometry, world_axes, [true; 3]);
        let slices: Vec<usize> = self.done.iter().map(|slice| slice.get() - 1).collect();
        if let Some(wrong) = slices.iter().find(|&&slice| slice >= layout.size[2]) {
            return Err(JobError::Other(format!(
                "--done {}: there are {} slices, counted from 1",
                wrong + 1,
                layout.size[2]
            )));
        }
        let done: Vec<_> = slices.iter().map(|&slice| (layout, slice)).collect();
        let job = RefineJob {
            volume: volume.clone(),
            model,
            labels: labels.clone(),
            table: mask.table.clone(),
            done,
            scribbles,
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
        let RefinedLabels { labels: refined, mut table, model, steps, loss, doubt } = terminal.run(job, &|_| {})?;
        let world = axis.world_axis();
        let key = u8::try_from(world).unwrap_or(u8::MAX);
        let finished: Vec<_> = slices.iter().map(|&slice| ((key, slice), SliceState::Done)).collect();
        let source = volume.source.clone();
        let known = table.0.iter().map(|label| label.value).collect();
        let refined = with_finished(volume, labels, &finished, (refined, known))
            .map_err(|refused| JobError::Other(refused.to_string()))?;
        // Labels that the model does not know are still there.
        for label in mask.table.0 {
            if table.get(label.value).is_none() {
                table.0.push(label);
            }
        }
        let annotations = Annotations::new(table, finished);
        let save = SaveLabelsJob { path: self.output.clone(), labels: refined, annotations, source, sidecar: false };
        terminal.run(save, &|()| {})?;
        if let Some(path) = &self.model_output {
            terminal.run(KeepAdaptedJob { path: path.clone(), model }, &|()| {})?;
        }
        terminal.finish();
        let seconds = started.elapsed().as_secs_f64();
        let next = doubt.most_unsure(world, |slice| slices.contains(&slice)).map(|slice| slice + 1);
        if self.json {
            return print_json(
                &json!({"output": self.output, "steps": steps, "loss": loss, "done": self.done, "seconds": seconds,
                    "most_unsure": next, "doubt": doubt.along[world]}),
            );
        }
        say!(
            "{}: {steps} steps on {} finished slices{}, loss {:.3} to {:.3}, {seconds:.1} s",
            self.output.display(),
            self.done.len(),
            if self.scribbles.is_some() { " and the scribbles" } else { "" },
            loss[0],
            loss[1]
        );
        Ok(())
    }

    /// The scribbles of a file.
    fn marks(
        &self,
        path: &Path,
        (labels, mask): (LabelMap, Annotations),
    ) -> std::result::Result<ScribbledLabels, JobError> {
        let marks = ScribbledLabels::new(labels, mask.table);
        let Some(outside) = self.outside else { return Ok(marks) };
        if !marks.labels.voxel_counts().contains_key(&outside) {
            return Err(JobError::Other(format!(
                "--outside {outside}: {} has no voxel with that label",
                path.display()
            )));
        }
        Ok(ScribbledLabels { outside: Some(outside), ..marks })
    }
}

/// The refined labels with the mask's own in its finished slices, and where the model knows nothing of them: the same law as in the window.
/// `known` are the values of the model's classes.
fn with_finished(
    volume: Arc<Volume>,
    mask: LabelMap,
    finished: &[(SliceKey, SliceState)],
    (refined, known): (LabelMap, BTreeSet<LabelValue>),
) -> std::result::Result<LabelMap, Refused> {
    let mut session = Session::default();
    let (_, of) = session.add_scan(volume);
    let painter = |session: &Session| Painter::new(session.document(), of, &PaintRules::default()).ok_or(Refused::Gone);
    let mut opened = painter(&session)?;
    opened.take(mask, &Incoming::default());
    let edits = vec![Edit::Labels(opened.finish()), Edit::States(of, finished.to_vec())];
    session.apply(Command { origin: Origin::File, ..Command::by_hand("Open", edits) })?;
    let mut painter = painter(&session)?;
    painter.take(refined, &Incoming { known: Some(known), corrected: Vec::new() });
    Ok(painter.finish().labels)
}

/// The finished slices keep the mask's numbers, and all others get the model's: both must mean the same by them.
///
/// A mask without any names has nothing but numbers, which are the model's then.
fn same_numbers(
    own: &LabelTable,
    used: impl Iterator<Item = LabelValue>,
    model: &LabelTable,
) -> std::result::Result<(), String> {
    if own.0.iter().all(Label::is_unnamed) {
        return Ok(());
    }
    let plain = |name: &str| name.trim().to_lowercase();
    for value in used {
        let label = own.get(value).cloned().unwrap_or_else(|| Label::unnamed(value));
        let namesake = model.0.iter().find(|class| plain(&class.name) == plain(&label.name));
        let there = namesake.or_else(|| model.get(value));
        if let Some(class) = there.filter(|class| class.value != value || namesake.is_none()) {
            return Err(format!(
                "label {value} is called {:?} in the mask, and the model calls its label {} {:?}; give both the same number and name",
                label.name, class.value, class.name
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Rescale, Voxels};

    #[test]
    fn labels_that_the_model_does_not_know_stay_outside_the_finished_slices_too() {
        let geometry = Geometry::new([4, 1, 3], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(Arc::new(vec![0; 12]));
        let volume = Arc::new(Volume::new(geometry.clone(), voxels, vec![], Rescale::IDENTITY, String::new()));
        // In every slice a class of the model (1), a label of the hand (7), a class that is not found again (2), and nothing.
        let mask = LabelMap::from_fn(geometry.clone(), |[i, ..]| [1, 7, 2, 0][i]);
        let refined = LabelMap::from_fn(geometry, |[i, ..]| [2, 2, 0, 1][i]);
        let finished = [((2, 1), SliceState::Done)];
        let found = with_finished(volume, mask, &finished, (refined, BTreeSet::from([1, 2]))).unwrap();
        let row = |k: usize| [0, 1, 2, 3].map(|i| found.get([i, 0, k]));
        assert_eq!([row(0), row(1), row(2)], [[2, 7, 0, 1], [1, 7, 2, 0], [2, 7, 0, 1]]);
    }

    #[test]
    fn a_number_that_means_something_else_to_the_model_is_refused() {
        let table = |labels: &[(LabelValue, &str)]| {
            LabelTable(labels.iter().map(|(value, name)| Label::new(*value, *name)).collect())
        };
        let model = table(&[(1, "Anterior"), (2, "Posterior")]);
        let check = |own: &[(LabelValue, &str)]| same_numbers(&table(own), own.iter().map(|(value, _)| *value), &model);
        for fits in [&[][..], &[(1, "Label 1"), (2, "Label 2")], &[(1, " anterior"), (7, "Tumour")]] {
            assert_eq!(check(fits), Ok(()), "{fits:?}");
        }
        for (other, word) in [
            (&[(1, "Tumour")][..], "\"Tumour\""),
            (&[(2, "Anterior")], "its label 1"),
            (&[(5, "Anterior"), (1, "Label 1")], "its label 1"),
            (&[(1, "Label 1"), (2, "Posterior")], "\"Label 1\""),
        ] {
            let problem = check(other).unwrap_err();
            assert!(problem.contains(word), "{problem}");
        }
    }
}
