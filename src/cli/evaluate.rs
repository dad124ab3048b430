//! `lamella evaluate`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Result, print_json};
use crate::jobs::{self, JobError, LabelScores};
use crate::work::Watch;

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
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub(super) fn run(&self) -> Result {
        let evaluation = jobs::evaluate(&self.pred, &self.truth, Watch::unwatched())?;
        for notice in &evaluation.notices {
            eprintln!("note: {notice}");
        }
        let compared = match &self.against {
            Some(other) => {
                let other = jobs::evaluate(other, &self.truth, Watch::unwatched())?;
                for notice in other.notices.iter().filter(|notice| !evaluation.notices.contains(notice)) {
                    eprintln!("note: {notice}");
                }
                Some(jobs::compare_evaluations(&evaluation, &other)?)
            }
            None => None,
        };
        if self.json {
            let mut document = serde_json::to_value(&evaluation).map_err(|e| JobError::Other(e.to_string()))?;
            if let Some(compared) = &compared {
                let [pred, against] = &compared.unmatched;
                document["against"] = json!(compared.tests);
                document["unmatched"] = json!({"pred": pred, "against": against});
            }
            return print_json(&document);
        }
        say!(
            "{:24} {:>5} {:>7} {:>7} {:>8} {:>8} {:>11} {:>11}",
            "case",
            "label",
            "Dice",
            "IoU",
            "HD95 mm",
            "ASSD mm",
            "pred mm3",
            "truth mm3"
        );
        for case in &evaluation.cases {
            for (label, scores) in &case.labels {
                print_row(&case.name, *label, scores);
            }
        }
        for (label, scores) in &evaluation.mean {
            print_row("mean", *label, scores);
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

fn print_row(name: &str, label: u16, s: &LabelScores) {
    let distance = |d: Option<f64>| d.map_or("-".to_string(), |d| format!("{d:.3}"));
    say!(
        "{name:24} {label:>5} {:>7.4} {:>7.4} {:>8} {:>8} {:>11.1} {:>11.1}",
        s.dice,
        s.iou,
        distance(s.hd95_mm),
        distance(s.assd_mm),
        s.predicted_mm3,
        s.truth_mm3
    );
}
