//! Agreement of two segmentations as rows of a table: one list of columns for the clipboard and the window.

use super::overlap::{LabelScores, SliceScores};
use super::table::quoted;

/// A column of scores.
pub struct ScoreColumn {
    /// For programs: the head in CSV.
    pub id: &'static str,
    /// For people, with its unit.
    pub title: &'static str,
    /// What it is, for a tooltip.
    pub about: &'static str,
    /// Decimals that people are shown.
    pub decimals: usize,
    /// Whether it is among the few that fit beside each other.
    pub is_main: bool,
    /// The number.
    pub of: fn(&LabelScores) -> Option<f64>,
}

/// Every column, in the order of the table.
pub const SCORE_COLUMNS: &[ScoreColumn] = &[
    ScoreColumn {
        id: "dice",
        title: "Dice",
        about: "Twice the overlap over the sum of both",
        decimals: 3,
        is_main: true,
        of: |s| s.dice,
    },
    ScoreColumn {
        id: "jaccard",
        title: "IoU",
        about: "Overlap over union",
        decimals: 3,
        is_main: false,
        of: |s| s.iou,
    },
    ScoreColumn {
        id: "volume_difference",
        title: "Volume",
        about: "First minus second over the mean of both; signed",
        decimals: 3,
        is_main: true,
        of: |s| s.volume_difference,
    },
    ScoreColumn {
        id: "hd_mm",
        title: "HD mm",
        about: "Largest distance between the surfaces",
        decimals: 2,
        is_main: false,
        of: |s| s.hd_mm,
    },
    ScoreColumn {
        id: "hd95_mm",
        title: "HD95 mm",
        about: "95th percentile of the distances between surfaces, the larger of both directions",
        decimals: 2,
        is_main: true,
        of: |s| s.hd95_mm,
    },
    ScoreColumn {
        id: "assd_mm",
        title: "ASSD mm",
        about: "Mean distance between the surfaces",
        decimals: 2,
        is_main: true,
        of: |s| s.assd_mm,
    },
    ScoreColumn {
        id: "first_mm3",
        title: "First mm3",
        about: "Volume in the first",
        decimals: 1,
        is_main: false,
        of: |s| Some(s.predicted_mm3),
    },
    ScoreColumn {
        id: "second_mm3",
        title: "Second mm3",
        about: "Volume in the second",
        decimals: 1,
        is_main: false,
        of: |s| Some(s.truth_mm3),
    },
];

impl ScoreColumn {
    /// The number as people read it; a dash where there is none.
    pub fn shown(&self, scores: &LabelScores) -> String {
        (self.of)(scores).map_or_else(|| "-".into(), |number| format!("{number:.*}", self.decimals))
    }
}

/// Scores of labels, and of slices of one of them (counted from 1), as CSV with all digits; what has no number is empty.
pub fn scores_csv(labels: &[(&str, LabelScores)], slices: Option<(&str, &str, &[SliceScores])>) -> String {
    let heads = SCORE_COLUMNS.iter().map(|column| column.id);
    let mut lines = vec![["label", "plane", "slice"].into_iter().chain(heads).collect::<Vec<_>>().join(",")];
    let mut add = |name: &str, plane: &str, slice: String, scores: &LabelScores| {
        let numbers =
            SCORE_COLUMNS.iter().map(|column| (column.of)(scores).map_or_else(String::new, |n| n.to_string()));
        let fields = [quoted(name), plane.to_string(), slice].into_iter().chain(numbers);
        lines.push(fields.collect::<Vec<_>>().join(","));
    };
    for (name, scores) in labels {
        add(name, "", String::new(), scores);
    }
    if let Some((name, plane, slices)) = slices {
        for SliceScores { slice, scores } in slices {
            add(name, plane, (slice + 1).to_string(), scores);
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_slices_are_rows_and_no_number_is_an_empty_field() {
        let scores = LabelScores { dice: Some(0.5), truth_mm3: 3.5, ..LabelScores::default() };
        let slices = [SliceScores { slice: 4, scores: LabelScores::default() }];
        let text = scores_csv(&[("Liver, left", scores)], Some(("Liver, left", "axial", &slices)));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "label,plane,slice,dice,jaccard,volume_difference,hd_mm,hd95_mm,assd_mm,first_mm3,second_mm3"
        );
        assert_eq!(lines[1], "\"Liver, left\",,,0.5,,,,,,0,3.5");
        assert_eq!(lines[2], "\"Liver, left\",axial,5,,,,,,,0,0");
        let shown: Vec<String> = SCORE_COLUMNS.iter().map(|column| column.shown(&scores)).collect();
        assert_eq!(shown, ["0.500", "-", "-", "-", "-", "-", "0.0", "3.5"]);
    }
}
