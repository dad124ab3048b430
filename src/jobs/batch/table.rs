//! The table at the end of a batch: a line for every scan, with the millilitres of every label.

use serde::Serialize;

use super::record::LabelVolume;
use crate::measure::quoted;
use crate::volume::LabelTable;

/// What became of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its mask was made.
    Made,
    /// Its mask was there, complete.
    There,
    /// Its mask was there and was changed since: it was left as it is.
    Changed,
    /// It could not be segmented.
    Failed,
    /// The run was stopped before.
    Missing,
}

impl Outcome {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::There => "there",
            Self::Changed => "changed",
            Self::Failed => "failed",
            Self::Missing => "missing",
        }
    }
}

/// A line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct BatchRow {
    /// The scan's place below the folder of scans.
    pub scan: String,
    /// The mask's place below the folder of masks.
    pub mask: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took; `None` where nothing was done.
    pub seconds: Option<f64>,
    /// What its mask holds; empty where there is none.
    pub labels: Vec<LabelVolume>,
    /// Why it could not be segmented, and what to do; empty where it could.
    pub problem: String,
}

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// `.tsv`, as in BIDS.
    Tab,
    /// `.csv`.
    Comma,
}

/// How every table of a batch begins, whatever stands between its fields.
pub const BATCH_STARTS: &[&str] = &["scan\tmask\toutcome\tseconds", "scan,mask,outcome,seconds"];

/// Heads and lines; the labels are the model's.
fn fields(rows: &[BatchRow], labels: &LabelTable, absent: &str) -> Vec<Vec<String>> {
    let heads = ["scan", "mask", "outcome", "seconds"].map(str::to_string).into_iter();
    let of_labels = labels.0.iter().map(|label| format!("{}_ml", label.name));
    let mut lines = vec![heads.chain(of_labels).chain(["problem".to_string()]).collect()];
    for row in rows {
        let absent = || absent.to_string();
        let seconds = row.seconds.map_or_else(absent, |seconds| format!("{seconds:.2}"));
        let mut line = vec![row.scan.clone(), row.mask.clone(), row.outcome.word().to_string(), seconds];
        for label in &labels.0 {
            let volume = row.labels.iter().find(|volume| volume.value == label.value);
            line.push(volume.map_or_else(absent, |volume| format!("{:.4}", volume.volume_ml)));
        }
        line.push(if row.problem.is_empty() { absent() } else { row.problem.clone() });
        lines.push(line);
    }
    lines
}

/// The table as a file.
pub fn batch_table(rows: &[BatchRow], labels: &LabelTable, separator: Separator) -> String {
    let mut text = String::new();
    // What is absent is `n/a` in tables of BIDS.
    let absent = if separator == Separator::Tab { "n/a" } else { "" };
    for line in fields(rows, labels, absent) {
        let line: Vec<String> = line.into_iter().map(|field| one_field(&field, separator)).collect();
        text.push_str(&line.join(if separator == Separator::Tab { "\t" } else { "," }));
        text.push('\n');
    }
    text
}

/// A field on one line that its neighbours are told from.
fn one_field(field: &str, separator: Separator) -> String {
    let field: String = field.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match separator {
        Separator::Comma => quoted(&field),
        Separator::Tab => field,
    }
}

/// The table for people: columns under each other, problems left out.
pub fn batch_lines(rows: &[BatchRow], labels: &LabelTable) -> Vec<String> {
    let mut lines = fields(rows, labels, "-");
    for line in &mut lines {
        line.pop();
        // The mask's place follows from the scan's.
        line.remove(1);
    }
    let widths: Vec<usize> = (0..lines.first().map_or(0, Vec::len))
        .map(|column| lines.iter().filter_map(|line| Some(line.get(column)?.chars().count())).max().unwrap_or(0))
        .collect();
    let is_number = |column: usize| column >= 2;
    let padded = |line: &Vec<String>| {
        let each = line.iter().zip(&widths).enumerate().map(|(column, (field, &width))| {
            if is_number(column) { format!("{field:>width$}") } else { format!("{field:<width$}") }
        });
        each.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    lines.iter().map(padded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Label;

    #[test]
    fn a_table_has_a_column_for_every_label_and_a_line_for_every_scan() {
        let labels = LabelTable(vec![Label::new(1, "Liver"), Label::new(2, "Spleen, left")]);
        let liver = LabelVolume { value: 1, name: "Liver".into(), voxels: 10, volume_ml: 1.5 };
        let row = |scan: &str, outcome, seconds, labels, problem: &str| BatchRow {
            scan: scan.into(),
            mask: format!("{scan}_dseg.nii.gz"),
            outcome,
            seconds,
            labels,
            problem: problem.into(),
        };
        let rows = [
            row("a", Outcome::Made, Some(1.234), vec![liver], ""),
            row("b,c", Outcome::Failed, None, vec![], "it says \"no\"\nand ends"),
        ];
        let csv = batch_table(&rows, &labels, Separator::Comma);
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(
            lines,
            [
                "scan,mask,outcome,seconds,Liver_ml,\"Spleen, left_ml\",problem",
                "a,a_dseg.nii.gz,made,1.23,1.5000,,",
                "\"b,c\",\"b,c_dseg.nii.gz\",failed,,,,\"it says \"\"no\"\" and ends\"",
            ]
        );
        let tsv = batch_table(&rows, &labels, Separator::Tab);
        assert_eq!(tsv.lines().nth(2), Some("b,c\tb,c_dseg.nii.gz\tfailed\tn/a\tn/a\tn/a\tit says \"no\" and ends"));
        assert!(
            BATCH_STARTS.iter().any(|start| csv.starts_with(start)) && BATCH_STARTS.iter().any(|s| tsv.starts_with(s))
        );
        let shown = batch_lines(&rows, &labels);
        assert_eq!(shown[1], "a     made        1.23    1.5000                -");
        assert_eq!(shown[2], "b,c   failed         -         -                -");
    }
}
