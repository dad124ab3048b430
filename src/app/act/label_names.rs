//! Names and colours of labels from and to files of their own.

use std::path::PathBuf;

use super::painting::apply;
use super::traveling::follow_label;
use crate::app::state::saving::file_name;
use crate::app::state::studio::Studio;
use crate::jobs::{OpenNamesJob, SaveNamesJob};
use crate::session::{Command, Edit, SegmentationId};
use crate::volume::{LabelTable, LabelValue};
use crate::words::plural;

/// Reads names and colours for a segmentation.
pub fn open(studio: &mut Studio, of: SegmentationId, path: PathBuf) {
    let name = file_name(&path);
    studio.start_for(
        of,
        OpenNamesJob { path },
        |_, ()| {},
        move |studio, result| {
            if let Some(table) = studio.told(result) {
                take(studio, of, &table, &name);
            }
        },
    );
}

/// Takes names and colours over: one undo step.
fn take(studio: &mut Studio, of: SegmentationId, named: &LabelTable, from: &str) {
    let Some(segmentation) = studio.session.document().segmentation(of) else { return };
    let before = segmentation.table().clone();
    let (table, changed) = renamed(&before, named);
    if table == before {
        return studio.notices.info(format!("{from} names the labels as they are named already."));
    }
    let values: Vec<LabelValue> = before.0.iter().map(|label| label.value).collect();
    studio.hand.tool.abort();
    if apply(studio, Command::by_hand("Import label names", vec![Edit::Table(of, table)])).is_err() {
        return;
    }
    if studio.active() == Some(of) {
        follow_label(studio, &values);
    }
    studio.notices.info(plural!(
        changed,
        "1 label taken over from {from}.",
        "{changed} labels taken over from {from}.",
        changed,
        from
    ));
}

/// A table with the names, colours and visibility of another one, label by label by its number; labels that are new come behind. How many
/// labels differ.
fn renamed(table: &LabelTable, named: &LabelTable) -> (LabelTable, usize) {
    let mut after = table.clone();
    let mut changed = 0;
    for label in &named.0 {
        match after.get_mut(label.value) {
            Some(own) => {
                let before = own.clone();
                own.name.clone_from(&label.name);
                (own.colour, own.visible) = (label.colour, label.visible);
                own.term = label.term.clone().or(own.term.take().filter(|_| before.name == own.name));
                changed += usize::from(*own != before);
            }
            None => {
                after.0.push(label.clone());
                changed += 1;
            }
        }
    }
    (after, changed)
}

/// Writes the names and colours of a segmentation.
pub fn save(studio: &mut Studio, of: SegmentationId, path: PathBuf) {
    let Some(segmentation) = studio.session.document().segmentation(of) else { return };
    let table = segmentation.table().clone();
    super::saving::save_other(studio, SaveNamesJob { path: path.clone(), table }, path);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{ANATOMY, Label};

    #[test]
    fn names_are_taken_by_number_and_the_rest_stays() {
        let liver = ANATOMY[0].structures[5].term();
        let table = LabelTable(vec![
            Label { locked: true, ..Label::new(2, "Two") },
            Label { term: Some(Box::new(liver)), ..Label::new(1, "Liver") },
            Label::new(7, "Mine"),
        ]);
        let mut spleen = Label::new(2, "Spleen");
        (spleen.colour, spleen.visible) = ([1, 2, 3], false);
        let (after, changed) = renamed(&table, &LabelTable(vec![Label::new(9, "New"), spleen, Label::new(1, "Liver")]));
        assert_eq!(changed, 2);
        assert_eq!(after.0.iter().map(|label| label.value).collect::<Vec<_>>(), [2, 1, 7, 9]);
        let two = after.get(2).unwrap();
        assert_eq!((two.name.as_str(), two.colour, two.visible, two.locked), ("Spleen", [1, 2, 3], false, true));
        assert!(after.get(1).unwrap().term.is_some(), "the same name means the same");
        let (other, _) = renamed(&table, &LabelTable(vec![Label::new(1, "Stomach")]));
        assert!(other.get(1).unwrap().term.is_none(), "another name does not mean liver");
    }
}
