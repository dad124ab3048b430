//! Numbers of labels as rows of a table: one list of columns for files, the clipboard, the terminal and the window.

use serde::Serialize;

use super::label::LabelMeasures;
use super::values::ValueStatistics;
use crate::volume::{Label, LabelValue};

/// A label with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Value in the label map.
    pub label: LabelValue,
    /// Its name.
    pub name: String,
    /// Its numbers; `None` where it has no voxel.
    #[serde(flatten)]
    pub measures: Option<LabelMeasures>,
}

impl Row {
    /// The row of a label.
    pub fn new(label: &Label, measures: Option<LabelMeasures>) -> Self {
        Self { label: label.value, name: label.name.clone(), measures }
    }
}

/// A column of numbers.
pub struct Column {
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
    /// The number of a label.
    pub of: fn(&LabelMeasures) -> Option<f64>,
}

fn value(measures: &LabelMeasures, of: impl Fn(&ValueStatistics) -> Option<f64>) -> Option<f64> {
    measures.values.as_ref().and_then(of)
}

fn percentile(measures: &LabelMeasures, percent: f64) -> Option<f64> {
    value(measures, |v| v.percentiles.iter().find(|p| (p.percent - percent).abs() < 1e-9).map(|p| p.value))
}

/// Writes a column; those with `main` are among the few.
macro_rules! column {
    ($id:literal, $title:literal, $about:literal, $decimals:literal, $is_main:literal, $of:expr) => {
        Column { id: $id, title: $title, about: $about, decimals: $decimals, is_main: $is_main, of: $of }
    };
}

/// Every column, in the order of the table.
pub const COLUMNS: &[Column] = &[
    column!("voxels", "Voxels", "Number of voxels", 0, true, |m| Some(m.voxels as f64)),
    column!("volume_ml", "mL", "Volume of the voxels in millilitres", 3, true, |m| Some(m.volume_ml)),
    column!("mean", "Mean", "Mean value of the image", 2, true, |m| value(m, |v| Some(v.mean))),
    column!("std", "SD", "Standard deviation (n - 1); one voxel has none", 2, true, |m| value(m, |v| v.std)),
    column!("min", "Min", "Smallest value", 2, true, |m| value(m, |v| Some(v.min))),
    column!("p5", "5 %", "5th percentile", 2, false, |m| percentile(m, 5.0)),
    column!("p10", "10 %", "10th percentile", 2, false, |m| percentile(m, 10.0)),
    column!("p25", "25 %", "25th percentile", 2, false, |m| percentile(m, 25.0)),
    column!("median", "Median", "Median value", 2, true, |m| value(m, |v| Some(v.median))),
    column!("p75", "75 %", "75th percentile", 2, false, |m| percentile(m, 75.0)),
    column!("p90", "90 %", "90th percentile", 2, false, |m| percentile(m, 90.0)),
    column!("p95", "95 %", "95th percentile", 2, false, |m| percentile(m, 95.0)),
    column!("max", "Max", "Largest value", 2, true, |m| value(m, |v| Some(v.max))),
    column!("left_out", "No value", "Voxels whose value is no number; statistics leave them out", 0, false, |m| {
        m.left_out.map(|voxels| voxels as f64)
    }),
    column!("surface_mm2", "Surface mm2", "Area of the closed surface in square millimetres", 1, true, |m| {
        m.form.map(|form| form.surface_mm2)
    }),
    column!("diameter_mm", "Diameter mm", "Largest distance between two voxel centres, in 3-D", 2, true, |m| {
        m.form.map(|form| form.diameter.mm)
    }),
    column!("diameter_axial_mm", "Axial mm", "Largest distance within an axial slice", 2, false, |m| {
        m.form.map(|form| form.diameter_in_slice.axial.mm)
    }),
    column!("diameter_coronal_mm", "Coronal mm", "Largest distance within a coronal slice", 2, false, |m| {
        m.form.map(|form| form.diameter_in_slice.coronal.mm)
    }),
    column!("diameter_sagittal_mm", "Sagittal mm", "Largest distance within a sagittal slice", 2, false, |m| {
        m.form.map(|form| form.diameter_in_slice.sagittal.mm)
    }),
    column!("centroid_r_mm", "R mm", "Centroid: right", 2, false, |m| Some(m.centroid_mm[0])),
    column!("centroid_a_mm", "A mm", "Centroid: anterior", 2, false, |m| Some(m.centroid_mm[1])),
    column!("centroid_s_mm", "S mm", "Centroid: superior", 2, false, |m| Some(m.centroid_mm[2])),
    column!("first_i", "First i", "First voxel of the box along i", 0, false, |m| Some(m.first_voxel[0] as f64)),
    column!("first_j", "First j", "First voxel of the box along j", 0, false, |m| Some(m.first_voxel[1] as f64)),
    column!("first_k", "First k", "First voxel of the box along k", 0, false, |m| Some(m.first_voxel[2] as f64)),
    column!("last_i", "Last i", "Last voxel of the box along i", 0, false, |m| Some(m.last_voxel[0] as f64)),
    column!("last_j", "Last j", "Last voxel of the box along j", 0, false, |m| Some(m.last_voxel[1] as f64)),
    column!("last_k", "Last k", "Last voxel of the box along k", 0, false, |m| Some(m.last_voxel[2] as f64)),
    column!("box_i_mm", "Box i mm", "Edge of the box along i", 2, false, |m| Some(m.box_mm[0])),
    column!("box_j_mm", "Box j mm", "Edge of the box along j", 2, false, |m| Some(m.box_mm[1])),
    column!("box_k_mm", "Box k mm", "Edge of the box along k", 2, false, |m| Some(m.box_mm[2])),
    column!(
        "suv_mean",
        "SUV mean",
        "Mean standardised uptake value by body weight, in grams a millilitre",
        2,
        true,
        |m| { m.uptake.map(|uptake| uptake.mean) }
    ),
    column!("suv_median", "SUV median", "Median standardised uptake value", 2, false, |m| {
        m.uptake.map(|uptake| uptake.median)
    }),
    column!("suv_max", "SUV max", "Largest standardised uptake value", 2, true, |m| m.uptake.map(|uptake| uptake.max)),
    column!("suv_peak", "SUV peak", "Largest mean of a ball of 1 mL around a voxel of the label", 2, true, |m| {
        m.uptake.map(|uptake| uptake.peak)
    }),
    column!("tlg_g", "TLG g", "Total lesion glycolysis: mean SUV times volume, in grams", 2, true, |m| {
        m.uptake.map(|uptake| uptake.glycolysis_g)
    }),
];

impl Column {
    /// The number of a label as people read it; a dash where there is none. Labels without voxels have 0 of them, and nothing else.
    pub fn shown(&self, measures: Option<&LabelMeasures>) -> String {
        self.number(measures).map_or_else(|| "-".into(), |number| format!("{number:.*}", self.decimals))
    }

    fn number(&self, measures: Option<&LabelMeasures>) -> Option<f64> {
        match measures {
            Some(measures) => (self.of)(measures),
            None => matches!(self.id, "voxels" | "volume_ml").then_some(0.0),
        }
    }
}

/// How every CSV of ours begins.
pub const CSV_START: &str = "label,name,voxels,volume_ml,";

/// The rows as CSV (RFC 4180) with all digits; what has no number is empty.
pub fn csv(rows: &[Row]) -> String {
    let mut lines =
        vec![["label", "name"].into_iter().chain(COLUMNS.iter().map(|column| column.id)).collect::<Vec<_>>().join(",")];
    lines.extend(rows.iter().map(|row| {
        let numbers = COLUMNS
            .iter()
            .map(|column| column.number(row.measures.as_ref()).map_or_else(String::new, |n| n.to_string()));
        [row.label.to_string(), quoted(&row.name)].into_iter().chain(numbers).collect::<Vec<_>>().join(",")
    }));
    lines.join("\n") + "\n"
}

/// The rows for a document or a sheet: tabs between columns, digits as people read them.
pub fn text(rows: &[Row]) -> String {
    let has_any = |column: &&Column| rows.iter().any(|row| column.number(row.measures.as_ref()).is_some());
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| column.is_main).filter(has_any).collect();
    let mut lines =
        vec![std::iter::once("Label").chain(columns.iter().map(|column| column.title)).collect::<Vec<_>>().join("\t")];
    lines.extend(rows.iter().map(|row| {
        let name = row.name.replace(['\t', '\n', '\r'], " ");
        std::iter::once(name)
            .chain(columns.iter().map(|column| column.shown(row.measures.as_ref())))
            .collect::<Vec<_>>()
            .join("\t")
    }));
    lines.join("\n") + "\n"
}

/// A field of CSV: in quotation marks where it has to be.
pub fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Measuring, Wanted, measure};
    use crate::volume::{Affine, Geometry, LabelMap};
    use crate::work::Watch;

    #[test]
    fn rows_have_a_field_for_every_column_and_empty_labels_no_numbers() {
        let mut labels = LabelMap::empty(Geometry::new([4, 4, 4], Affine::IDENTITY).unwrap());
        labels.set([1, 2, 3], 1);
        let what = Measuring { image: None, forms: true };
        let mut found = measure(&labels, &Wanted::All, what, Watch::unwatched()).unwrap();
        let rows =
            [Row::new(&Label::new(1, "Liver, \"left\""), found.remove(&1)), Row::new(&Label::new(2, "Spleen"), None)];
        let csv = csv(&rows);
        assert!(csv.starts_with(CSV_START));
        let lines: Vec<&str> = csv.lines().collect();
        assert!(lines[1].starts_with("1,\"Liver, \"\"left\"\"\",1,0.001,,,,"), "{}", lines[1]);
        assert_eq!(lines[2], format!("2,Spleen,0,0{}", ",".repeat(COLUMNS.len() - 2)));
        let text = text(&rows);
        assert_eq!(text.lines().next(), Some("Label\tVoxels\tmL\tSurface mm2\tDiameter mm"));
        assert_eq!(text.lines().nth(2), Some("Spleen\t0\t0.000\t-\t-"));
        let ids: std::collections::BTreeSet<&str> = COLUMNS.iter().map(|column| column.id).collect();
        assert_eq!(ids.len(), COLUMNS.len());
    }
}
