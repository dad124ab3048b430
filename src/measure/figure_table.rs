//! Rulers, angles and regions as rows of a table, for files, the clipboard, the terminal and the window.

use serde::Serialize;

use super::figure::{FigureMeasures, RegionStatistics};
use super::table::quoted;
use crate::volume::{Geometry, Measurement, Plane, Vec3, Volume};

/// A measurement with what it gives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FigureRow {
    /// What its scan is called.
    pub scan: String,
    /// Its name.
    pub name: String,
    /// What it is: `ruler`, `angle`, `ellipse` or `rectangle`.
    pub kind: &'static str,
    /// The plane that it was drawn in.
    pub plane: Plane,
    /// Its slice in that plane, counted from 1 as the window does; `None` where it lies beside the scan.
    pub slice: Option<usize>,
    /// Its points in patient RAS millimetres.
    pub points_mm: Vec<Vec3>,
    /// What it gives; `None` where it is not measured.
    #[serde(flatten)]
    pub measures: Option<FigureMeasures>,
}

impl FigureRow {
    /// The row of a figure.
    pub fn new(scan: &Volume, own: &Measurement, measures: Option<FigureMeasures>) -> Self {
        Self::on(&scan.name, &scan.geometry, own, measures)
    }

    /// The row of a figure on a scan of which only name and grid are at hand.
    pub fn on(scan: &str, geometry: &Geometry, own: &Measurement, measures: Option<FigureMeasures>) -> Self {
        let Measurement { name, plane, figure } = own;
        Self {
            scan: scan.into(),
            name: name.clone(),
            kind: figure.id(),
            plane: *plane,
            slice: own.slice(geometry).map(|slice| slice + 1),
            points_mm: figure.points().to_vec(),
            measures,
        }
    }
}

/// How numbers of a scan are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FigureUnits {
    /// Whether nobody knows how large a pixel is: lengths are then in pixels.
    pub in_pixels: bool,
    /// Whether values are Hounsfield units.
    pub is_ct: bool,
}

/// A number with a few significant digits.
fn short(number: f64) -> String {
    let decimals = match number.abs() {
        size if size >= 1000.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 || size == 0.0 => 2,
        // As many as show three digits that count: 0.000712.
        size => (2 - size.log10().floor() as i32).clamp(2, 12) as usize,
    };
    format!("{number:.decimals$}")
}

/// What a figure gives, for people: its main numbers in one or two lines, then what else there is.
pub fn figure_lines(measures: &FigureMeasures, units: FigureUnits) -> Vec<String> {
    let [length, area] = if units.in_pixels { ["px", "px2"] } else { ["mm", "mm2"] };
    match measures {
        FigureMeasures::Length { length_mm } => vec![format!("{} {length}", short(*length_mm))],
        FigureMeasures::Angle { angle_degrees } => {
            vec![angle_degrees.map_or_else(|| "no angle".into(), |degrees| format!("{degrees:.1}\u{b0}"))]
        }
        FigureMeasures::Region { area_mm2, values } => {
            let hounsfield = if units.is_ct { " HU" } else { "" };
            let (mut lines, mut more) = (Vec::new(), None);
            match values.as_ref().map(|values| (values, &values.statistics)) {
                Some((_, Some(RegionStatistics { mean, std, min, median, max }))) => {
                    let std = std.map_or_else(String::new, |std| format!("  SD {}", short(std)));
                    lines.push(format!("Mean {}{hounsfield}{std}", short(*mean)));
                    more = Some(format!("{} to {}, median {}", short(*min), short(*max), short(*median)));
                }
                Some((values, None)) if values.voxels == 0 => lines.push("No voxel".into()),
                Some((_, None)) => lines.push("No value".into()),
                None => {}
            }
            let size = values.as_ref().map_or_else(String::new, |values| {
                format!(", {} voxel{}", values.voxels, if values.voxels == 1 { "" } else { "s" })
            });
            lines.push(format!("{} {area}{size}", short(*area_mm2)));
            lines.extend(more);
            lines
        }
    }
}

/// How every CSV of figures begins.
pub const FIGURES_CSV_START: &str = "scan,name,kind,plane,slice,length_mm,";
const HEADS: &str =
    "scan,name,kind,plane,slice,length_mm,angle_degrees,area_mm2,voxels,left_out,mean,std,min,median,max";
/// Most points of a figure.
const POINTS: usize = 3;

/// The rows as CSV (RFC 4180) with all digits; what has no number is empty.
pub fn figures_csv(rows: &[FigureRow]) -> String {
    let points = (1..=POINTS).flat_map(|n| ["r", "a", "s"].map(|axis| format!("point{n}_{axis}_mm")));
    let mut lines = vec![std::iter::once(HEADS.to_string()).chain(points).collect::<Vec<_>>().join(",")];
    lines.extend(rows.iter().map(|row| {
        let text = |number: f64| number.to_string();
        let mut fields = vec![
            quoted(&row.scan),
            quoted(&row.name),
            row.kind.into(),
            row.plane.name().to_lowercase(),
            row.slice.map_or_else(String::new, |slice| slice.to_string()),
        ];
        fields.extend(numbers(row.measures.as_ref()).map(|number| number.map_or_else(String::new, text)));
        let mut points: Vec<String> = row.points_mm.iter().flatten().copied().map(text).collect();
        points.resize(3 * POINTS, String::new());
        fields.extend(points);
        fields.join(",")
    }));
    lines.join("\n") + "\n"
}

/// Length to largest value, as the heads name them.
fn numbers(measures: Option<&FigureMeasures>) -> [Option<f64>; 10] {
    match measures {
        None => [None; 10],
        Some(FigureMeasures::Length { length_mm }) => {
            let mut numbers = [None; 10];
            numbers[0] = Some(*length_mm);
            numbers
        }
        Some(FigureMeasures::Angle { angle_degrees }) => {
            let mut numbers = [None; 10];
            numbers[1] = *angle_degrees;
            numbers
        }
        Some(FigureMeasures::Region { area_mm2, values }) => {
            let counts = values.as_ref().map(|values| [values.voxels as f64, values.left_out as f64]);
            let own = values.as_ref().and_then(|values| values.statistics.as_ref());
            [
                None,
                None,
                Some(*area_mm2),
                counts.map(|[voxels, _]| voxels),
                counts.map(|[_, left_out]| left_out),
                own.map(|own| own.mean),
                own.and_then(|own| own.std),
                own.map(|own| own.min),
                own.map(|own| own.median),
                own.map(|own| own.max),
            ]
        }
    }
}

/// The rows for a document or a sheet: tabs between columns, digits as people read them.
pub fn figures_text(rows: &[FigureRow], units: FigureUnits) -> String {
    let mut lines = vec!["Name\tPlane\tSlice\tValue".to_string()];
    lines.extend(rows.iter().map(|row| {
        let value = row.measures.as_ref().map_or_else(|| vec!["-".into()], |measures| figure_lines(measures, units));
        let slice = row.slice.map_or_else(|| "-".into(), |slice| slice.to_string());
        [row.name.replace(['\t', '\n', '\r'], " "), row.plane.name().into(), slice, value.join("; ")].join("\t")
    }));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::RegionValues;
    use crate::volume::{Affine, Figure};

    #[test]
    fn rows_have_a_field_for_every_head() {
        let statistics = RegionStatistics { mean: 40.25, std: None, min: -3.5, median: 41.0, max: 1234.0 };
        let region = |statistics| FigureMeasures::Region {
            area_mm2: 12.5,
            values: Some(RegionValues { voxels: 9, left_out: 8, statistics }),
        };
        let geometry = Geometry::new([9, 9, 9], Affine::IDENTITY).unwrap();
        let row = |name: &str, figure: Figure, measures| {
            let own = Measurement { name: name.into(), plane: Plane::Axial, figure };
            FigureRow::on("head", &geometry, &own, measures)
        };
        let (length, angle) =
            (FigureMeasures::Length { length_mm: 5.5 }, FigureMeasures::Angle { angle_degrees: None });
        let rows = [
            row("A, left", Figure::Ruler([[1.0, 2.0, 4.0], [4.5, 5.0, 4.0]]), Some(length)),
            row("B", Figure::Angle([[0.0, 0.0, 4.0]; 3]), Some(angle)),
            row("C", Figure::Ellipse([[0.0, 0.0, 4.0]; 2]), Some(region(Some(statistics)))),
            row("D", Figure::Rectangle([[0.0, 0.0, 99.0]; 2]), None),
        ];
        let csv = figures_csv(&rows);
        let lines: Vec<&str> = csv.lines().collect();
        assert!(csv.starts_with(FIGURES_CSV_START));
        assert_eq!(lines[1], "head,\"A, left\",ruler,axial,5,5.5,,,,,,,,,,1,2,4,4.5,5,4,,,");
        assert_eq!(lines[3], "head,C,ellipse,axial,5,,,12.5,9,8,40.25,,-3.5,41,1234,0,0,4,0,0,4,,,");
        let heads = lines[0].split(',').count();
        assert!([lines[2], lines[3], lines[4]].iter().all(|line| line.split(',').count() == heads), "{csv}");
        let units = FigureUnits { in_pixels: false, is_ct: true };
        let text = figures_text(&rows, units);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "A, left\tAxial\t5\t5.50 mm");
        assert_eq!(lines[2], "B\tAxial\t5\tno angle");
        assert_eq!(lines[3], "C\tAxial\t5\tMean 40.2 HU; 12.5 mm2, 9 voxels; -3.50 to 1234, median 41.0");
        assert_eq!(lines[4], "D\tAxial\t-\t-");
        assert_eq!([0.000_712_4, -0.05, 0.0, 1.5].map(short), ["0.000712", "-0.0500", "0.00", "1.50"]);
        let of_picture = figure_lines(&region(None), FigureUnits { in_pixels: true, is_ct: false });
        assert_eq!(of_picture, ["No value", "12.5 px2, 9 voxels"]);
    }
}
