//! How good a model is on held-back cases, measured with the pipeline that users run.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::FitError;
use super::reading::LabelledScan;
use crate::engine::{DeviceChoice, Network};
use crate::model::Model;
use crate::pipeline::{SegmentError, SegmentOptions, segment};
use crate::volume::{LabelMap, PlaneLayout};
use crate::work::Watch;

/// Dice of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseDice {
    /// Name of the case.
    pub name: String,
    /// Dice per label name, where either map has the label.
    pub dice: BTreeMap<String, f64>,
}

impl CaseDice {
    /// Mean over labels.
    pub fn mean(&self) -> f64 {
        self.dice.values().sum::<f64>() / self.dice.len().max(1) as f64
    }
}

/// Mean Dice per label name over the cases that have it.
pub fn mean_dice(cases: &[CaseDice]) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, (f64, usize)> = BTreeMap::new();
    for (name, dice) in cases.iter().flat_map(|case| &case.dice) {
        let sum = sums.entry(name.clone()).or_default();
        *sum = (sum.0 + dice, sum.1 + 1);
    }
    sums.into_iter().map(|(name, (sum, count))| (name, sum / count as f64)).collect()
}

/// One slice of a held-back case, as the model sees it now. Rows from the top, columns from the left of a radiological view.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// Name of the case.
    pub name: String,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Height and width of a pixel in millimetres.
    pub pixel_mm: [f64; 2],
    /// Grey values from 0 to 255.
    pub grey: Vec<u8>,
    /// True labels.
    pub truth: Vec<u16>,
    /// The model's labels.
    pub predicted: Vec<u16>,
}

/// News while cases are measured.
pub enum Measured {
    /// Some slices are segmented: a place to pause.
    Slices,
    /// The first case's slice with the most labels.
    Preview(Preview),
}

/// Dice of every case. Voxels to be ignored in the truth count nowhere.
///
/// # Errors
/// When the network cannot be made, a case cannot be segmented, or the work is stopped.
pub fn validate(
    model: &Model,
    cases: &[LabelledScan],
    ignore: Option<u16>,
    device: DeviceChoice,
    watch: Watch,
    on_event: &mut dyn FnMut(Measured),
) -> Result<Vec<CaseDice>, FitError> {
    let scan = |n: usize| Ok(Cow::Borrowed(&cases[n]));
    validate_each(model, (cases.len(), &scan), ignore, device, watch, on_event)
}

/// The same for so many cases, each of which is asked for when it is measured.
///
/// # Errors
/// Also when a case cannot be had.
pub fn validate_each<'a>(
    model: &Model,
    (count, scan): (usize, &dyn Fn(usize) -> Result<Cow<'a, LabelledScan>, FitError>),
    ignore: Option<u16>,
    device: DeviceChoice,
    watch: Watch,
    on_event: &mut dyn FnMut(Measured),
) -> Result<Vec<CaseDice>, FitError> {
    let mut network = model.network(device)?;
    let mut measured = Vec::with_capacity(count);
    for n in 0..count {
        let share = |n: usize| n as f32 / count as f32;
        let own = watch.part(share(n), share(n + 1));
        own.at(0.0)?;
        let held = scan(n)?;
        let scan = &*held;
        let predicted = predict(model, &mut network, scan, own, &mut || on_event(Measured::Slices))?;
        if measured.is_empty() {
            let is_label = |truth: u16, _| truth > 0 && Some(truth) != ignore;
            let seen = preview(model, scan, &predicted, ignore, &is_label);
            seen.into_iter().for_each(|preview| on_event(Measured::Preview(preview)));
        }
        let mut dice = BTreeMap::new();
        for ((place, class), value) in (0..).zip(&model.spec.classes).zip(model.spec.values()).skip(1) {
            let (both, total) = overlap((&predicted, value), (&scan.labels, place), ignore);
            if total > 0 {
                dice.insert(class.name.clone(), 2.0 * both as f64 / total as f64);
            }
        }
        measured.push(CaseDice { name: scan.name.clone(), dice });
    }
    Ok(measured)
}

/// The slice of a case where a model errs most; `None` where there is no slice.
///
/// # Errors
/// As [`validate`].
pub fn worst_slice(
    model: &Model,
    scan: &LabelledScan,
    ignore: Option<u16>,
    device: DeviceChoice,
    watch: Watch,
) -> Result<Option<Preview>, FitError> {
    let mut network = model.network(device)?;
    let predicted = predict(model, &mut network, scan, watch, &mut || {})?;
    let values = model.spec.values();
    let is_wrong = |truth: u16, predicted: u16| {
        Some(truth) != ignore && values.get(usize::from(truth)).is_none_or(|&value| value != predicted)
    };
    Ok(preview(model, scan, &predicted, ignore, &is_wrong))
}

/// The model's labels of a case; `between` is called between two groups of slices.
fn predict(
    model: &Model,
    network: &mut Network,
    scan: &LabelledScan,
    watch: Watch,
    between: &mut dyn FnMut(),
) -> Result<LabelMap, FitError> {
    let options = SegmentOptions { full_precision: true, ..SegmentOptions::default() };
    match segment(&scan.image, &model.spec, network, &options, watch, &mut |_| between()) {
        Ok(labels) => Ok(labels),
        Err(SegmentError::Stopped(stopped)) => Err(stopped.into()),
        Err(error) => Err(FitError::Case { name: scan.name.clone(), problem: error.to_string() }),
    }
}

/// Voxels of a class in both maps (each has a value of its own for it), and the sum of its voxels in each.
fn overlap(
    (predicted, value): (&LabelMap, u16),
    (truth, place): (&LabelMap, u16),
    ignore: Option<u16>,
) -> (usize, usize) {
    let (mut both, mut total) = (0, 0);
    predicted.for_each_labelled(|voxel, at| {
        if at == value && ignore.is_none_or(|ignore| truth.get(voxel) != ignore) {
            total += 1;
            both += usize::from(truth.get(voxel) == place);
        }
    });
    truth.for_each_labelled(|_, at| total += usize::from(at == place));
    (both, total)
}

/// The slice with the most pixels whose true and predicted label `counts`; labels are shown by the values of the masks, and
/// what is to be ignored as background.
fn preview(
    model: &Model,
    scan: &LabelledScan,
    predicted: &LabelMap,
    ignore: Option<u16>,
    counts: &dyn Fn(u16, u16) -> bool,
) -> Option<Preview> {
    let axis = model.spec.slice_axis;
    let [row_axis, column_axis] = axis.in_plane();
    // Columns run to the patient's left (or back), rows downwards (or to the back), as in a radiological view.
    let layout =
        PlaneLayout::along(&scan.image.geometry, [column_axis, row_axis, axis.world_axis()], [false, false, true]);
    let [columns, rows, slices] = layout.size;
    let (mut image, mut truth, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let mut count = |slice: usize| {
        layout.read_labels(&scan.labels, slice, &mut truth);
        layout.read_labels(predicted, slice, &mut found);
        truth.iter().zip(&found).filter(|&(&truth, &found)| counts(truth, found)).count()
    };
    let slice = (0..slices).max_by_key(|&slice| count(slice))?;
    layout.read_slice(&scan.image, 0, slice, &mut image);
    layout.read_labels(&scan.labels, slice, &mut truth);
    layout.read_labels(predicted, slice, &mut found);
    let values = model.spec.values();
    for truth in &mut truth {
        *truth = if Some(*truth) == ignore { 0 } else { values.get(usize::from(*truth)).copied().unwrap_or(0) };
    }
    let finite = || image.iter().copied().filter(|v| v.is_finite());
    let (low, high) = finite().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let span = (high - low).max(f32::MIN_POSITIVE);
    let [column_mm, row_mm, _] = layout.pixel_mm(&scan.image.geometry);
    Some(Preview {
        name: scan.name.clone(),
        size: [rows, columns],
        pixel_mm: [row_mm, column_mm],
        grey: image.iter().map(|v| (255.0 * (v - low) / span) as u8).collect(),
        truth,
        predicted: found,
    })
}
