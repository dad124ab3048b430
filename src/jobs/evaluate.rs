//! Comparing predicted with true label maps.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use super::error::JobError;
use super::grids::difference;
use super::job::{Job, JobKind, Work};
use super::matched::{Matched, matched};
use super::structures::{CaseLabels, Structures, structures};
use super::title::file_name;
use crate::formats::{
    For, Kind, complete_annotations, endings_of, is_picture, needs_source, read_labels_in_file, scan, stem,
};
use crate::measure::{LabelScores, SliceScores, compare, compare_slices};
use crate::pipeline::{PairedTest, wilcoxon};
use crate::volume::{Geometry, LabelMap, Plane, PlaneLayout};
use crate::work::Watch;

/// Scores of one case by label value.
#[derive(Debug, Serialize)]
pub struct CaseScores {
    /// File name without extension.
    pub name: String,
    /// By label value: that of the truth; a label that only the prediction has keeps its own where it is free.
    pub labels: BTreeMap<u16, LabelScores>,
    /// Names of these labels.
    pub names: BTreeMap<u16, String>,
    /// By label value, slice by slice, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slices: Option<BTreeMap<u16, Vec<SliceScores>>>,
}

impl CaseScores {
    /// Its labels with their names.
    fn named(&self) -> CaseLabels<'_> {
        self.labels.keys().map(|value| (*value, self.names.get(value).map(String::as_str))).collect()
    }
}

/// Means of a structure.
#[derive(Debug, Clone, Serialize)]
pub struct MeanScores {
    /// What the cases call it; none where it has a number alone.
    pub name: Option<String>,
    /// Over the cases where the truth or the prediction has the label; distances over those where both have it.
    #[serde(flatten)]
    pub scores: LabelScores,
    /// Cases that count.
    pub cases: usize,
    /// Those of them in which only one of both has the label, so that there is no distance.
    pub without_distance: usize,
}

/// Scores of all cases.
#[derive(Debug, Serialize)]
pub struct Evaluation {
    /// In the order of names.
    pub cases: Vec<CaseScores>,
    /// Means of every structure: labels of one name are one, whatever their numbers; the number is that of the first case.
    pub mean: BTreeMap<u16, MeanScores>,
    /// True masks of the folder that have no prediction, and do not count.
    pub unpredicted: Vec<String>,
    /// What the user must know of the masks: values that were rounded, grids that were moved onto each other.
    pub notices: Vec<String>,
}

/// Pairs files by name (or two single files) and scores every label. It fails where a prediction has no truth, a file cannot be read, or
/// grids differ.
#[derive(Debug, Clone)]
pub struct EvaluateJob {
    /// A predicted mask, or a folder of them.
    pub predicted: PathBuf,
    /// The true mask, or the folder of the true masks.
    pub truth: PathBuf,
    /// The plane whose slices are compared one by one too.
    pub slices: Option<Plane>,
}

impl Job for EvaluateJob {
    type Output = Evaluation;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "evaluate", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Comparing {} with {}", file_name(&self.predicted), file_name(&self.truth))
    }

    fn run(self, work: &Work<()>) -> Result<Evaluation, JobError> {
        evaluate(&self, work.watch.quiet())
    }
}

fn evaluate(asked: &EvaluateJob, watch: Watch) -> Result<Evaluation, JobError> {
    let (predicted, truth) = (asked.predicted.as_path(), asked.truth.as_path());
    let (pairs, unpredicted) = if predicted.is_dir() {
        pair(predicted, truth)?
    } else {
        check_alone(predicted, truth, watch)?;
        (vec![(predicted.to_path_buf(), truth.to_path_buf())], Vec::new())
    };
    let cases = pairs
        .par_iter()
        .map(|(p, t)| {
            watch.check()?;
            score(p, t, asked.slices, watch)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (cases, told): (Vec<CaseScores>, Vec<Vec<String>>) = cases.into_iter().unzip();
    let mut notices: Vec<String> = Vec::new();
    for notice in told.into_iter().flatten() {
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    }
    let found = structures(&cases.iter().map(CaseScores::named).collect::<Vec<_>>());
    let mean = mean(&cases, &found);
    notices.extend(found.notice);
    Ok(Evaluation { cases, mean, unpredicted, notices })
}

/// A structure in two evaluations.
#[derive(Debug, Serialize)]
pub struct StructureTest {
    /// What the cases call it; none where it has a number alone.
    pub name: Option<String>,
    /// Dice of the cases that both have, the first minus the second.
    #[serde(flatten)]
    pub test: PairedTest,
}

/// Two evaluations beside each other.
#[derive(Debug)]
pub struct Comparison {
    /// By structure, numbered as in [`Evaluation::mean`].
    pub tests: BTreeMap<u16, StructureTest>,
    /// Cases of the first and of the second alone, which do not count.
    pub unmatched: [Vec<String>; 2],
}

/// Compares the Dice of two evaluations on the cases that both have, structure by structure.
///
/// # Errors
/// When they have no case in common.
pub fn compare_evaluations(first: &Evaluation, second: &Evaluation) -> Result<Comparison, JobError> {
    let mut pairs: BTreeMap<u16, Vec<(f64, f64)>> = BTreeMap::new();
    let single = first.cases.len() == 1 && second.cases.len() == 1;
    let fits = |a: &CaseScores, b: &CaseScores| single || a.name == b.name;
    let alone = |of: &Evaluation, than: &Evaluation| -> Vec<String> {
        let missing = |case: &&CaseScores| !than.cases.iter().any(|other| fits(case, other));
        of.cases.iter().filter(missing).map(|case| case.name.clone()).collect()
    };
    let unmatched = [alone(first, second), alone(second, first)];
    let Structures { of_cases, names, .. } =
        structures(&first.cases.iter().chain(&second.cases).map(CaseScores::named).collect::<Vec<_>>());
    let (of_first, of_second) = of_cases.split_at(first.cases.len());
    // A structure that neither the truth nor a model has is found rightly by that model.
    let dice = |case: &CaseScores, numbers: &BTreeMap<u16, u16>, structure: u16| {
        let mut own = case.labels.iter().filter(|(value, _)| numbers.get(value) == Some(&structure));
        own.next().and_then(|(_, scores)| scores.dice).unwrap_or(1.0)
    };
    for (case, numbers) in first.cases.iter().zip(of_first) {
        let found = second.cases.iter().zip(of_second).find(|(other, _)| fits(case, other));
        let Some((other, others)) = found else { continue };
        let both: BTreeSet<u16> = numbers.values().chain(others.values()).copied().collect();
        for structure in both {
            let pair = (dice(case, numbers, structure), dice(other, others, structure));
            pairs.entry(structure).or_default().push(pair);
        }
    }
    if pairs.is_empty() {
        return Err(JobError::Other("the two folders have no mask of the same name".into()));
    }
    let test = |(number, pairs): (u16, Vec<(f64, f64)>)| {
        (number, StructureTest { name: names.get(&number).cloned(), test: wilcoxon(&pairs) })
    };
    let tests = pairs.into_iter().map(test).collect();
    Ok(Comparison { tests, unmatched })
}

/// Whether a file is a mask by its name; what begins with a dot is a file of the system.
fn has_ending(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let endings = endings_of(Kind::Labels, For::Opening);
    !name.starts_with('.') && endings.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
}

/// A single mask is compared with a single one, which may be the only one of a folder.
fn check_alone(predicted: &Path, truth: &Path, watch: Watch) -> Result<(), JobError> {
    if !truth.is_dir() {
        return Ok(());
    }
    let what = match scan(truth, watch.quiet())?.entries.len() {
        0 => "without a mask",
        1 => return Ok(()),
        _ => "of several files",
    };
    let (file, folder) = (predicted.display(), truth.display());
    Err(JobError::Other(format!("{folder} is a folder {what} and {file} is one file; name two masks or two folders")))
}

/// A predicted and a true mask.
type Pair = (PathBuf, PathBuf);

/// Predictions with their truths, and the names of truths without a prediction.
fn pair(predicted: &Path, truth: &Path) -> Result<(Vec<Pair>, Vec<String>), JobError> {
    let list = |folder: &Path| -> Result<BTreeMap<String, PathBuf>, JobError> {
        let listing = std::fs::read_dir(folder)
            .map_err(|e| JobError::Other(format!("cannot read the folder {}: {e}", folder.display())))?;
        let is_mask = |p: &PathBuf| p.is_file() && has_ending(p);
        let files = listing.flatten().map(|e| e.path()).filter(is_mask);
        let mut by_name = BTreeMap::new();
        for path in files {
            if let Some(other) = by_name.insert(stem(&path), path.clone()) {
                let (a, b) = (other.display(), path.display());
                return Err(JobError::Other(format!("{a} and {b} have the same name; keep one of them")));
            }
        }
        Ok(by_name)
    };
    let (predicted_files, truth_files) = (list(predicted)?, list(truth)?);
    if predicted_files.is_empty() {
        return Err(JobError::Other(format!(
            "there is no mask ({}) in {}",
            endings_of(Kind::Labels, For::Opening).join(", "),
            predicted.display()
        )));
    }
    let unpredicted = truth_files.keys().filter(|name| !predicted_files.contains_key(*name)).cloned().collect();
    let pairs = predicted_files
        .into_iter()
        .map(|(name, path)| match truth_files.get(&name) {
            Some(truth) => Ok((path, truth.clone())),
            None => Err(JobError::Other(format!(
                "{} has no counterpart of the same name in {}",
                path.display(),
                truth.display()
            ))),
        })
        .collect::<Result<Vec<Pair>, JobError>>()?;
    Ok((pairs, unpredicted))
}

/// Masks beside each other by less than this share of the finest spacing are compared as if they lay on each other, as in training.
const REPAIRED_SHARE: f64 = 0.1;

/// Labels that lie on a part of a grid as labels on all of it; others as they are.
fn on_whole_grid(labels: LabelMap, grid: &Geometry) -> LabelMap {
    let laid = labels.laid_on(grid, REPAIRED_SHARE * grid.finest_mm()).filter(|laid| laid.outside == 0);
    laid.map_or(labels, |laid| laid.labels)
}

fn score(
    predicted: &Path,
    truth: &Path,
    slices: Option<Plane>,
    watch: Watch,
) -> Result<(CaseScores, Vec<String>), JobError> {
    let (p, t) = (read_labels_in_file(predicted, None, watch)?, read_labels_in_file(truth, None, watch)?);
    let mut notices: Vec<String> = p.notice.into_iter().chain(t.notice).collect();
    let [one, other] = [predicted, truth].map(|path| path.display().to_string());
    let tables = [complete_annotations(predicted, p.annotations), complete_annotations(truth, t.annotations)]
        .map(|found| found.annotations.table);
    let (mut p, mut t) = (p.labels, t.labels);
    // Segmentation objects leave out empty slices: they are parts of the other mask's grid.
    if needs_source(predicted) && !p.geometry().lies_on(t.geometry()) {
        p = on_whole_grid(p, t.geometry());
    }
    if needs_source(truth) && !p.geometry().lies_on(t.geometry()) {
        t = on_whole_grid(t, p.geometry());
    }
    // Sizes come from whichever knows them.
    let was_apart = !p.geometry().lies_on(t.geometry());
    let scan = if t.geometry().is_size_assumed() {
        t = t.placed_by(p.geometry());
        &one
    } else {
        p = p.placed_by(t.geometry());
        &other
    };
    if was_apart && p.geometry().lies_on(t.geometry()) {
        notices.push(format!("a picture has no place in the patient; pixels are compared on the grid of {scan}."));
    }
    if !p.geometry().lies_on(t.geometry()) {
        let (a, b) = (p.geometry(), t.geometry());
        let same_axes = a.shape() == b.shape() && a.orientation() == b.orientation();
        if a.matches(b, REPAIRED_SHARE * b.finest_mm()) {
            notices.push(format!(
                "{one} lies beside {other} by up to {:.2e} mm, less than a tenth of a voxel; they are compared as if they lay on each \
                 other.",
                a.distance_mm(b)
            ));
            p = p.on(t.geometry());
        } else if same_axes && is_picture(predicted) != is_picture(truth) {
            // A picture says nothing about its place, and mostly nothing about its size.
            let scan = if is_picture(truth) { &one } else { &other };
            notices.push(format!("a picture has no place in the patient; pixels are compared on the grid of {scan}."));
            if is_picture(truth) {
                t = t.on(p.geometry());
            } else {
                p = p.on(t.geometry());
            }
        } else {
            let how = difference(a, b);
            return Err(JobError::Other(format!("{one} and {other} lie on different grids: {how}")));
        }
    }
    let Matched { first: p, second: t, table, notices: told } =
        matched((p, &tables[0]), (t, &tables[1]), [&one, &other])?;
    notices.extend(told);
    let values: BTreeSet<u16> = p.voxel_counts().into_keys().chain(t.voxel_counts().into_keys()).collect();
    let values: Vec<u16> = values.into_iter().collect();
    let labels = compare(&p, &t, &values, watch)?;
    let of_slices = |plane: Plane| -> Result<BTreeMap<u16, Vec<SliceScores>>, JobError> {
        let layout = PlaneLayout::new(t.geometry(), plane);
        values.iter().map(|value| Ok((*value, compare_slices(&p, &t, *value, &layout, watch)?))).collect()
    };
    let slices = slices.map(of_slices).transpose()?;
    let name_of = |value: &u16| Some((*value, table.get(*value)?.name.clone()));
    let names = values.iter().filter_map(name_of).collect();
    Ok((CaseScores { name: stem(predicted), labels, names, slices }, notices))
}

fn mean(cases: &[CaseScores], found: &Structures) -> BTreeMap<u16, MeanScores> {
    let mut by_structure: BTreeMap<u16, Vec<LabelScores>> = BTreeMap::new();
    for (case, numbers) in cases.iter().zip(&found.of_cases) {
        // What neither has is nothing to agree on.
        for (value, scores) in case.labels.iter().filter(|(_, scores)| scores.dice.is_some()) {
            by_structure.entry(numbers.get(value).copied().unwrap_or(*value)).or_default().push(*scores);
        }
    }
    let average = |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    by_structure
        .into_iter()
        .map(|(number, all)| {
            let of = |f: &dyn Fn(&LabelScores) -> Option<f64>| average(all.iter().filter_map(f).collect());
            let scores = LabelScores {
                dice: of(&|s| s.dice),
                iou: of(&|s| s.iou),
                volume_difference: of(&|s| s.volume_difference),
                hd_mm: of(&|s| s.hd_mm),
                hd95_mm: of(&|s| s.hd95_mm),
                assd_mm: of(&|s| s.assd_mm),
                predicted_mm3: of(&|s| Some(s.predicted_mm3)).unwrap_or(0.0),
                truth_mm3: of(&|s| Some(s.truth_mm3)).unwrap_or(0.0),
            };
            let without_distance = all.iter().filter(|s| s.assd_mm.is_none()).count();
            let name = found.names.get(&number).cloned();
            (number, MeanScores { name, scores, cases: all.len(), without_distance })
        })
        .collect()
}
