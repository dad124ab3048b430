//! `lamella evaluate`

use std::path::PathBuf;

use clap::Args;

use super::{Result, print_json};
use crate::jobs::{self, Cancel, LabelScores};

/// Compare predicted masks with true ones, paired by file name.
#[derive(Args)]
pub struct Evaluate {
    /// A mask or a folder of masks
    #[arg(long)]
    pred: PathBuf,
    /// The true mask or folder
    #[arg(long)]
    truth: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub(super) fn run(&self) -> Result {
        let evaluation = jobs::evaluate(&self.pred, &self.truth, &Cancel::default())?;
        if self.json {
            return print_json(&evaluation);
        }
        println!(
            "{:24} {:>5} {:>7} {:>7} {:>8} {:>8} {:>11} {:>11}",
            "case", "label", "Dice", "IoU", "HD95 mm", "ASSD mm", "pred mm3", "truth mm3"
        );
        for case in &evaluation.cases {
            for (label, scores) in &case.labels {
                print_row(&case.name, *label, scores);
            }
        }
        for (label, scores) in &evaluation.mean {
            print_row("mean", *label, scores);
        }
        Ok(())
    }
}

fn print_row(name: &str, label: u16, s: &LabelScores) {
    let distance = |d: Option<f64>| d.map_or("-".to_string(), |d| format!("{d:.3}"));
    println!(
        "{name:24} {label:>5} {:>7.4} {:>7.4} {:>8} {:>8} {:>11.1} {:>11.1}",
        s.dice,
        s.iou,
        distance(s.hd95_mm),
        distance(s.assd_mm),
        s.predicted_mm3,
        s.truth_mm3
    );
}
