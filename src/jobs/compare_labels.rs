//! Comparing two segmentations of a scan: scores of every label, of the slices of one, and where they differ.

use std::collections::BTreeSet;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::matched::{Matched, matched};
use crate::edit::is_same_name;
use crate::measure::{LabelScores, SliceScores, compare, compare_slices};
use crate::volume::{Label, LabelMap, LabelTable, LabelValue, Plane, PlaneLayout};
use crate::work::numbers::share;
use crate::work::{Stopped, Watch};

/// Values of the map of differences.
const ONLY_FIRST: LabelValue = 1;
const ONLY_SECOND: LabelValue = 2;
const OTHER_LABEL: LabelValue = 3;

/// Colours of differences, which differ for every eye: blue, vermilion and purple (Okabe and Ito 2008).
const COLOURS: [[u8; 3]; 3] = [[0, 114, 178], [213, 94, 0], [204, 121, 167]];

/// A segmentation to be compared.
#[derive(Debug, Clone)]
pub struct Side {
    /// Its name for the user.
    pub name: String,
    /// Its labels.
    pub labels: LabelMap,
    /// Their names.
    pub table: LabelTable,
}

/// Compares two segmentations on one grid. Labels are joined by name.
#[derive(Debug, Clone)]
pub struct CompareLabelsJob {
    /// Both.
    pub sides: [Side; 2],
    /// The label whose slices are compared and whose differences are shown, by its name; none: the differences of all.
    pub label: Option<String>,
    /// The plane of the slices.
    pub plane: Plane,
}

/// A label of both segmentations.
#[derive(Debug, Clone)]
pub struct ComparedLabel {
    /// Its name and colour.
    pub label: Label,
    /// How well both agree.
    pub scores: LabelScores,
}

/// How well two segmentations agree.
#[derive(Debug, Clone)]
pub struct LabelComparison {
    /// Every label that one of both has.
    pub labels: Vec<ComparedLabel>,
    /// Slices of the chosen label in which one of both has it.
    pub slices: Vec<SliceScores>,
    /// Where both differ.
    pub differences: LabelMap,
    /// What its values mean.
    pub table: LabelTable,
    /// How labels were joined, where names or numbers differ.
    pub notices: Vec<String>,
}

impl Job for CompareLabelsJob {
    type Output = LabelComparison;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "compare-labels", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Comparing {} with {}", self.sides[0].name, self.sides[1].name)
    }

    fn run(self, work: &Work<()>) -> Result<LabelComparison, JobError> {
        let [first, second] = &self.sides;
        let names = [first.name.as_str(), second.name.as_str()];
        let Matched { first, second, table, notices } =
            matched((first.labels.clone(), &first.table), (second.labels.clone(), &second.table), names)?;
        let used: BTreeSet<LabelValue> =
            first.voxel_counts().into_keys().chain(second.voxel_counts().into_keys()).collect();
        let values: Vec<LabelValue> = table.0.iter().map(|label| label.value).filter(|v| used.contains(v)).collect();
        let scores = compare(&first, &second, &values, work.watch.stage("Comparing labels"))?;
        let chosen = self.label.as_ref().and_then(|name| table.0.iter().find(|label| is_same_name(&label.name, name)));
        let chosen = chosen.map(|label| label.value);
        let slices = match chosen {
            Some(value) => {
                let layout = PlaneLayout::new(second.geometry(), self.plane);
                compare_slices(&first, &second, value, &layout, work.watch.stage("Comparing slices"))?
            }
            None => Vec::new(),
        };
        let differences = differences([&first, &second], chosen, work.watch.stage("Marking differences"))?;
        let titles = [format!("Only in {}", names[0]), format!("Only in {}", names[1]), "Another label in each".into()];
        let meaning = titles.into_iter().zip(COLOURS).zip(ONLY_FIRST..=OTHER_LABEL);
        let meaning = meaning.map(|((title, colour), value)| Label { colour, ..Label::new(value, title) });
        let labels = values
            .iter()
            .filter_map(|value| Some(ComparedLabel { label: table.get(*value)?.clone(), scores: *scores.get(value)? }));
        Ok(LabelComparison {
            labels: labels.collect(),
            slices,
            differences,
            table: LabelTable(meaning.collect()),
            notices,
        })
    }
}

/// Where two maps of one grid differ: in one label, or in any.
fn differences(maps: [&LabelMap; 2], of: Option<LabelValue>, watch: Watch) -> Result<LabelMap, Stopped> {
    let geometry = maps[0].geometry();
    let mut found = LabelMap::empty(geometry.clone());
    // Slices as they lie in memory.
    let layouts = Plane::ALL.map(|plane| PlaneLayout::new(geometry, plane));
    let Some(layout) = layouts.iter().find(|layout| layout.axes[2] == 2) else { return Ok(found) };
    let [mut a, mut b] = [Vec::new(), Vec::new()];
    let kind = |a: LabelValue, b: LabelValue| match of {
        Some(of) if a == of => ONLY_FIRST,
        Some(of) if b == of => ONLY_SECOND,
        Some(_) => 0,
        None if b == 0 => ONLY_FIRST,
        None if a == 0 => ONLY_SECOND,
        None => OTHER_LABEL,
    };
    for slice in 0..layout.size[2] {
        watch.at(share(slice, layout.size[2]))?;
        layout.read_labels(maps[0], slice, &mut a);
        layout.read_labels(maps[1], slice, &mut b);
        for (n, (a, b)) in a.iter().zip(&b).enumerate().filter(|(_, (a, b))| a != b) {
            let kind = kind(*a, *b);
            if kind != 0 {
                found.set(layout.voxel([n % layout.size[0], n / layout.size[0], slice]), kind);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::run_here;
    use crate::volume::{Affine, Geometry};
    use crate::work::Signal;

    fn side(name: &str, values: [u16; 5], labels: &[(u16, &str)]) -> Side {
        let affine = Affine::from_columns([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]], [0.0; 3]);
        let geometry = Geometry::new([5, 2, 2], affine).unwrap();
        Side {
            name: name.into(),
            labels: LabelMap::from_fn(geometry, |[i, j, _]| if j == 0 { values[i] } else { 0 }),
            table: LabelTable(labels.iter().map(|(value, name)| Label::new(*value, *name)).collect()),
        }
    }

    fn run(label: Option<&str>) -> LabelComparison {
        let sides = [
            side("reader 1", [1, 1, 2, 0, 2], &[(1, "Liver"), (2, "Cyst")]),
            side("reader 2", [2, 0, 2, 2, 1], &[(1, "Cyst"), (2, "liver")]),
        ];
        let job = CompareLabelsJob { sides, label: label.map(str::to_string), plane: Plane::Axial };
        run_here(job, &Signal::default(), &|_| {}).unwrap()
    }

    #[test]
    fn labels_are_compared_by_name_and_differences_are_marked() {
        let found = run(None);
        let of = |name: &str| found.labels.iter().find(|l| is_same_name(&l.label.name, name)).unwrap().scores.dice;
        // Liver: places 0, 1 and 0, 2, 3; cyst: places 2, 4 and 4.
        assert_eq!((of("liver"), of("cyst")), (Some(2.0 / 5.0), Some(2.0 / 3.0)));
        let marks = |map: &LabelMap| [0, 1, 2, 3, 4].map(|i| map.get([i, 0, 1]));
        assert_eq!(marks(&found.differences), [0, ONLY_FIRST, OTHER_LABEL, ONLY_SECOND, 0]);
        assert!(found.slices.is_empty() && found.table.get(1).unwrap().name == "Only in reader 1");
        let liver = run(Some("LIVER"));
        assert_eq!(marks(&liver.differences), [0, ONLY_FIRST, ONLY_SECOND, ONLY_SECOND, 0]);
        assert_eq!(liver.slices.len(), 2);
        let signal = Signal::default();
        signal.stop();
        let sides = [side("a", [1; 5], &[]), side("b", [0; 5], &[])];
        let job = CompareLabelsJob { sides, label: None, plane: Plane::Axial };
        assert!(run_here(job, &signal, &|_| {}).unwrap_err().is_stop());
    }
}
