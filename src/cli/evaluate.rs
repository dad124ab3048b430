//! `lamella evaluate`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{Result, print_json};
use crate::jobs::{EvaluateJob, Evaluation, JobError, compare_evaluations, run_here};
use crate::measure::{LabelScores, SliceScores};
use crate::volume::Plane;
use crate::work::Signal;

/// Compare predicted masks with true ones, paired by file name.
#[derive(Args)]
pub struct Evaluate {
    /// A mask or a folder of masks
    #[arg(long)]
    pred: PathBuf,
    /// The true mask or folder
    #[arg(long)]
    truth: PathBuf,
    /// Masks of another model of the same cases: a paired test of Dice (Wilcoxon's signed ranks) tells whether they differ
    #[arg(long, value_name = "PRED")]
    against: Option<PathBuf>,
    /// Also compare slice by slice: axial, coronal or sagittal. Slices are counted from 1, as in the window
    #[arg(long, value_name = "PLANE", value_parser = plane)]
    slices: Option<Plane>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    fn evaluate(&self, predicted: &Path, slices: Option<Plane>) -> Result<Evaluation> {
        let job = EvaluateJob { predicted: predicted.to_path_buf(), truth: self.truth.clone(), slices };
        run_here(job, &Signal::default(), &|_| {})
    }

    pub(super) fn run(&self) -> Result {
        let evaluation = self.evaluate(&self.pred, self.slices)?;
        for notice in &evaluation.notices {
            eprintln!("note: {notice}");
        }
        let compared = match &self.against {
            Some(other) => {
                let other = self.evaluate(other, None)?;
                for notice in other.notices.iter().filter(|notice| !evaluation.notices.contains(notice)) {
                    eprintln!("note: {notice}");
                }
                Some(compare_evaluations(&evaluation, &other)?)
            }
            None => None,
        };
        if self.json {
            let mut document = serde_json::to_value(&evaluation).map_err(|e| JobError::Other(e.to_string()))?;
            count_from_one(&mut document);
            if let Some(compared) = &compared {
                let [pred, against] = &compared.unmatched;
                document["against"] = json!(compared.tests);
                document["unmatched"] = json!({"pred": pred, "against": against});
            }
            return print_json(&document);
        }
        say!(
            "{:24} {:>5} {:>7} {:>7} {:>8} {:>8} {:>8} {:>8} {:>11} {:>11}",
            "case",
            "label",
            "Dice",
            "IoU",
            "HD mm",
            "HD95 mm",
            "ASSD mm",
            "volume %",
            "pred mm3",
            "truth mm3"
        );
        for case in &evaluation.cases {
            for (label, scores) in &case.labels {
                print_row(&case.name, *label, scores);
            }
            for (label, slices) in case.slices.iter().flatten() {
                for SliceScores { slice, scores } in slices {
                    print_row(&format!("  slice {}", slice + 1), *label, scores);
                }
            }
        }
        for (label, mean) in &evaluation.mean {
            print_row(&named("mean", mean.name.as_deref()), *label, &mean.scores);
        }
        for (label, mean) in evaluation.mean.iter().filter(|(_, mean)| mean.without_distance > 0) {
            let (count, cases) = (mean.without_distance, mean.cases);
            let label = named(&label.to_string(), mean.name.as_deref());
            eprintln!("label {label}: {count} of {cases} cases have it in one mask alone; they have no distance");
        }
        if !evaluation.unpredicted.is_empty() {
            let count = evaluation.unpredicted.len();
            eprintln!(
                "{count} of the true masks have no prediction and do not count: {}",
                shortened(&evaluation.unpredicted)
            );
        }
        let sides = compared.iter().flat_map(|compared| compared.unmatched.iter().zip(["--pred", "--against"]));
        for (names, side) in sides.filter(|(names, _)| !names.is_empty()) {
            let count = names.len();
            eprintln!(
                "{count} masks of {side} have no counterpart in the other and are not compared: {}",
                shortened(names)
            );
        }
        for (label, test) in compared.iter().flat_map(|compared| &compared.tests) {
            let (label, test) = (named(&label.to_string(), test.name.as_deref()), &test.test);
            say!(
                "label {label}: Dice {:+.4} against the other, better in {} of {} cases and worse in {}, p = {:.2e}",
                test.mean_difference,
                test.larger[0],
                test.cases,
                test.larger[1],
                test.p
            );
        }
        Ok(())
    }
}

/// The first of some names.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = if names.len() > SHOWN { " ..." } else { "" };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))
}

/// Slices of a document are counted as the window counts them.
fn count_from_one(document: &mut Value) {
    let cases = document["cases"].as_array_mut().into_iter().flatten();
    let labels =
        cases.filter_map(|case| case.get_mut("slices")?.as_object_mut()).flat_map(|labels| labels.values_mut());
    for slice in labels.filter_map(Value::as_array_mut).flatten() {
        slice["slice"] = json!(slice["slice"].as_u64().map(|number| number + 1));
    }
}

/// What there is, and the name of the structure where it has one.
fn named(what: &str, name: Option<&str>) -> String {
    name.map_or_else(|| what.to_string(), |name| format!("{what} {name}"))
}

/// A plane by its name.
fn plane(text: &str) -> std::result::Result<Plane, String> {
    let found = Plane::ALL.into_iter().find(|plane| plane.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| format!("{text:?} is no plane; write axial, coronal or sagittal"))
}

fn print_row(name: &str, label: u16, s: &LabelScores) {
    let number = |d: Option<f64>, decimals: usize| d.map_or("-".to_string(), |d| format!("{d:.decimals$}"));
    let percent = s.volume_difference.map_or("-".to_string(), |part| format!("{:+.1}", part * 100.0));
    say!(
        "{name:24} {label:>5} {:>7} {:>7} {:>8} {:>8} {:>8} {percent:>8} {:>11.1} {:>11.1}",
        number(s.dice, 4),
        number(s.iou, 4),
        number(s.hd_mm, 3),
        number(s.hd95_mm, 3),
        number(s.assd_mm, 3),
        s.predicted_mm3,
        s.truth_mm3
    );
}
