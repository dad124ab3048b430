//! The table of labels, slice states, segmentations: what lists and keys change.

use super::painting::apply;
use super::traveling::{follow_label, leave_what_is_gone};
use crate::app::state::studio::Studio;
use crate::jobs::{EraseLabelJob, Job, MergeLabelsJob, MergedLabels};
use crate::session::{
    Command, Edit, Maker, MergeKey, PaintRules, Painter, Segmentation, SegmentationId, SliceState, key,
};
use crate::volume::{
    AnatomyPreset, Label, LabelTable, LabelValue, Plane, PlaneLayout, default_colour, with_structures,
};
use crate::words::{self, say};

/// Takes over a table that one control changed. Changes of one control that follow each other are one step.
pub fn set_table(studio: &mut Studio, table: LabelTable, name: String, control: (&'static str, LabelValue)) {
    let (Some(of), Some(segmentation)) = (studio.active(), studio.segmentation()) else { return };
    let before = segmentation.table().clone();
    if before == table {
        return;
    }
    studio.hand.tool.abort();
    studio.pixels.follow(&before, &table);
    let merge = Some(MergeKey { control: control.0, of: u64::from(control.1) });
    let values: Vec<LabelValue> = before.0.iter().map(|label| label.value).collect();
    if apply(studio, Command { merge, ..Command::by_hand(name, vec![Edit::Table(of, table)]) }).is_ok() {
        follow_label(studio, &values);
    }
}

/// Changes the table in one step of its own.
fn change_table(studio: &mut Studio, name: &str, change: impl FnOnce(&mut LabelTable)) {
    let (Some(of), Some(segmentation)) = (studio.active(), studio.segmentation()) else { return };
    let mut table = segmentation.table().clone();
    let values: Vec<LabelValue> = table.0.iter().map(|label| label.value).collect();
    change(&mut table);
    if table == *segmentation.table() {
        return;
    }
    studio.hand.tool.abort();
    if apply(studio, Command::by_hand(name, vec![Edit::Table(of, table)])).is_ok() {
        follow_label(studio, &values);
    }
}

/// Adds a label and makes it the active one.
pub fn add(studio: &mut Studio) {
    let Some(table) = studio.segmentation().map(Segmentation::table) else { return };
    match table.next_value() {
        Some(value) => change_table(studio, "Add label", |table| table.0.push(Label::unnamed(value))),
        None => studio.notices.info("There is no label more: all values that a label can have are used."),
    }
}

/// Adds a label of a name, makes it the active one, and gives its value.
pub fn add_named(studio: &mut Studio, name: &str) -> Option<LabelValue> {
    let value = studio.segmentation()?.table().next_value()?;
    change_table(studio, "Add label", |table| table.0.push(Label::new(value, name)));
    Some(value)
}

/// Shows a label alone; where it is alone already, shows what was shown before.
pub fn solo(studio: &mut Studio, value: LabelValue) {
    let Some(segmentation) = studio.segmentation() else { return };
    let table = segmentation.table();
    if table.get(value).is_none() {
        return;
    }
    let is_alone = table.0.iter().all(|label| label.visible == (label.value == value));
    let hidden: Vec<LabelValue> = table.0.iter().filter(|label| !label.visible).map(|label| label.value).collect();
    let Some(view) = studio.label_view_mut() else { return };
    if is_alone {
        let hidden = view.solo.take().filter(|(of, _)| *of == value).map(|(_, hidden)| hidden).unwrap_or_default();
        change_table(studio, "Show labels again", |table| {
            table.0.iter_mut().for_each(|label| label.visible = !hidden.contains(&label.value));
        });
    } else {
        // From one label to another: what was hidden before the first of them.
        let hidden = view.solo.take().map_or(hidden, |(_, hidden)| hidden);
        view.solo = Some((value, hidden));
        change_table(studio, "Show one label", |table| {
            table.0.iter_mut().for_each(|label| label.visible = label.value == value);
        });
    }
}

/// Changes the active label in a step of its own.
fn change_active(studio: &mut Studio, name: &str, change: impl FnOnce(&mut Label)) {
    let Some(active) = studio.label_view().map(|view| view.active) else { return };
    change_table(studio, name, |table| {
        if let Some(label) = table.get_mut(active) {
            change(label);
        }
    });
}

/// Shows or hides the active label.
pub fn toggle_shown(studio: &mut Studio) {
    change_active(studio, "Show or hide label", |label| label.visible = !label.visible);
}

/// Locks or unlocks the active label.
pub fn toggle_locked(studio: &mut Studio) {
    change_active(studio, "Lock or unlock label", |label| label.locked = !label.locked);
}

/// Gives every label the colour of its place in the list: the first of them are told apart by every eye.
pub fn default_colours(studio: &mut Studio) {
    change_table(studio, "Default colours", |table| {
        for (place, label) in (1..).zip(&mut table.0) {
            label.colour = default_colour(place);
        }
    });
}

/// Moves the active label up or down the list.
pub fn move_active(studio: &mut Studio, steps: i64) {
    let (Some(view), Some(segmentation)) = (studio.label_view(), studio.segmentation()) else { return };
    let (active, table) = (view.active, segmentation.table());
    let Some(at) = table.0.iter().position(|label| label.value == active) else { return };
    let last = table.0.len().saturating_sub(1) as i64;
    let to = (at as i64 + steps).clamp(0, last) as usize;
    let table = moved(table, active, to);
    set_table(studio, table, "Reorder labels".into(), (ORDER, active));
}

/// The control that changes the order of labels.
pub const ORDER: &str = "label order";

/// A table with a label in another place.
pub fn moved(table: &LabelTable, value: LabelValue, to: usize) -> LabelTable {
    let mut table = table.clone();
    if let Some(at) = table.0.iter().position(|label| label.value == value) {
        let label = table.0.remove(at);
        table.0.insert(to.min(table.0.len()), label);
    }
    table
}

/// Adds the structures of a list as labels.
pub fn add_structures(studio: &mut Studio, preset: &AnatomyPreset) {
    let Some(segmentation) = studio.segmentation() else { return };
    let after = with_structures(segmentation.table(), preset.structures);
    if after == *segmentation.table() {
        return studio.notices.info(format!("All labels of {} are there already.", preset.name));
    }
    change_table(studio, &format!("Add labels of {}", preset.name), |table| *table = after);
}

/// Gives a label's voxels to another one and takes it out of the table, in the background; finished slices keep theirs.
pub fn merge(studio: &mut Studio, from: LabelValue, into: LabelValue) {
    let (Some(of), Some(segmentation)) = (studio.active(), studio.segmentation()) else { return };
    let table = segmentation.table();
    let (Some(source), Some(target)) = (table.get(from), table.get(into)) else { return };
    if from == into || studio.tasks.is_running(MergeLabelsJob::KIND) {
        return;
    }
    let locked = [source, target].into_iter().find(|label| label.locked).cloned();
    if let Some(locked) = locked {
        let text = format!("\"{}\" is locked; unlock it to merge labels.", locked.name);
        return studio.notices.info(text);
    }
    studio.hand.tool.abort();
    // A label goes wherever it lies: drawing modes are for drawing.
    let Some(painter) = Painter::new(studio.session.document(), of, &PaintRules::default()) else { return };
    studio.start_for(
        of,
        MergeLabelsJob { painter, from, into },
        |_, ()| {},
        move |studio, result| {
            if let Some(merged) = studio.told(result) {
                take_merged(studio, of, (from, into), merged);
            }
        },
    );
}

fn take_merged(studio: &mut Studio, of: SegmentationId, (from, into): (LabelValue, LabelValue), merged: MergedLabels) {
    let Some(segmentation) = studio.session.document().segmentation(of) else { return };
    let mut table = segmentation.table().clone();
    let name = |value| table.get(value).map(|label| label.name.clone()).unwrap_or_default();
    let (source, target) = (name(from), name(into));
    table.0.retain(|label| label.value != from || merged.is_left);
    let edits = vec![Edit::Labels(merged.painted), Edit::Table(of, table)];
    if apply(studio, Command::by_hand(format!("Merge {source} into {target}"), edits)).is_err() {
        return;
    }
    if let Some(view) = studio.label_views.get_mut(&of).filter(|view| view.active == from) {
        view.active = into;
    }
    if merged.is_left {
        studio.notices.warn(format!(
            "\"{source}\" stays in finished slices and became \"{target}\" in all others. Take their mark back (Enter over the view) \
             to merge it there too."
        ));
    }
}

/// Makes the next (or previous) label of the table the active one.
pub fn cycle(studio: &mut Studio, step: i64) {
    let Some(segmentation) = studio.segmentation() else { return };
    let values: Vec<LabelValue> = segmentation.table().0.iter().map(|label| label.value).collect();
    let Some(view) = studio.label_view_mut().filter(|_| !values.is_empty()) else { return };
    let at = values.iter().position(|&v| v == view.active).unwrap_or(0) as i64;
    view.active = values[(at + step).rem_euclid(values.len() as i64) as usize];
}

/// Takes a label and its voxels away, in the background; finished slices keep theirs.
pub fn delete(studio: &mut Studio, value: LabelValue) {
    let Some(of) = studio.active() else { return };
    let is_locked = studio.segmentation().is_none_or(|segmentation| segmentation.table().is_locked(value));
    if is_locked || studio.tasks.is_running(EraseLabelJob::KIND) {
        return;
    }
    studio.hand.tool.abort();
    // A label goes wherever it lies: drawing modes are for drawing.
    let Some(painter) = Painter::new(studio.session.document(), of, &PaintRules::default()) else { return };
    studio.start_for(
        of,
        EraseLabelJob { painter, value },
        |_, ()| {},
        move |studio, result| {
            if let Some(erased) = studio.told(result) {
                deleted(studio, of, value, erased);
            }
        },
    );
}

fn deleted(studio: &mut Studio, of: SegmentationId, value: LabelValue, erased: crate::jobs::Erased) {
    let Some(segmentation) = studio.session.document().segmentation(of) else { return };
    let mut table = segmentation.table().clone();
    let values: Vec<LabelValue> = table.0.iter().map(|label| label.value).collect();
    let name = table.get(value).map(|label| label.name.clone()).unwrap_or_default();
    table.0.retain(|label| label.value != value || erased.is_left);
    let edits = vec![Edit::Labels(erased.painted), Edit::Table(of, table)];
    if apply(studio, Command::by_hand(format!("Delete {name}"), edits)).is_err() {
        return;
    }
    if studio.active() == Some(of) {
        follow_label(studio, &values);
    }
    if erased.is_left {
        studio.notices.warn(format!(
            "\"{name}\" stays in finished slices and was deleted in all others. Take their mark back (Enter over the view) to delete \
             it there too."
        ));
    }
}

/// Declares the slice of a plane at the cursor finished, or takes that back.
pub fn toggle_done(studio: &mut Studio, plane: Plane) {
    let (Some(of), Some(slice)) = (studio.active(), studio.slice(plane)) else { return };
    let Some(segmentation) = studio.segmentation() else { return };
    let is_done = segmentation.state(plane, slice) == SliceState::Done;
    let state = if is_done { not_done(segmentation, plane, slice) } else { SliceState::Done };
    let name = if is_done { "Take back \"done\"" } else { "Mark slice done" };
    set_states(studio, of, name, vec![(key(plane, slice), state)]);
}

/// What a slice is once it is not done any more: still a draft where nobody has changed what a model made.
fn not_done(segmentation: &Segmentation, plane: Plane, slice: usize) -> SliceState {
    match segmentation.maker(plane, slice) {
        Some(Maker::Model(_)) => SliceState::Draft,
        _ => SliceState::Corrected,
    }
}

/// Which slices are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    /// Those that are neither corrected nor done.
    ToDo,
    /// Those that are done.
    Done,
}

/// Goes to the next slice of a plane that is sought, upwards or downwards, and says where there is none.
pub fn seek_slice(studio: &mut Studio, plane: Plane, sought: Sought, is_up: bool) {
    let (Some(layout), Some(at), Some(segmentation)) =
        (studio.layout(plane), studio.slice(plane), studio.segmentation())
    else {
        return;
    };
    let fits = |slice: &usize| match (sought, segmentation.state(plane, *slice)) {
        (Sought::ToDo, state) => matches!(state, SliceState::Todo | SliceState::Draft),
        (Sought::Done, state) => state == SliceState::Done,
    };
    let found = if is_up { (at + 1..layout.size[2]).find(fits) } else { (0..at).rev().find(fits) };
    let Some(slice) = found else {
        let plane = words::text(plane.name()).to_lowercase();
        return studio.notices.info(match (sought, is_up) {
            (Sought::Done, true) => say!("No {plane} slice that is done further on.", plane),
            (Sought::Done, false) => say!("No {plane} slice that is done further back.", plane),
            (Sought::ToDo, true) => say!("No {plane} slice to do further on.", plane),
            (Sought::ToDo, false) => say!("No {plane} slice to do further back.", plane),
        });
    };
    if let Some(view) = studio.view_mut() {
        view.step_slice(&layout, slice as i64 - at as i64);
    }
}

/// Declares all slices of a plane that hold labels finished; where they all are, takes that back. One undo step.
pub fn toggle_all_done(studio: &mut Studio, plane: Plane) {
    let (Some(of), Some(segmentation)) = (studio.active(), studio.segmentation()) else { return };
    let layout = PlaneLayout::new(segmentation.labels().geometry(), plane);
    let occupied = &segmentation.labels().occupied()[layout.axes[2]];
    let holds_labels = |slice: &usize| occupied[layout.voxel([0, 0, *slice])[layout.axes[2]]];
    let labelled: Vec<usize> = (0..layout.size[2]).filter(holds_labels).collect();
    let all_done = labelled.iter().all(|&slice| segmentation.state(plane, slice) == SliceState::Done);
    let state = |slice: usize| if all_done { not_done(segmentation, plane, slice) } else { SliceState::Done };
    let states: Vec<_> = labelled.into_iter().map(|slice| (key(plane, slice), state(slice))).collect();
    if !states.is_empty() {
        set_states(studio, of, if all_done { "Take back \"done\"" } else { "Mark slices done" }, states);
    }
}

/// Declares all axial slices of the segmentation in hand finished and saves it; where they all are, takes that back. One undo step.
pub fn toggle_case_done(studio: &mut Studio) {
    let (Some(of), Some(segmentation)) = (studio.active(), studio.segmentation()) else { return };
    let layout = PlaneLayout::new(segmentation.labels().geometry(), Plane::Axial);
    let is_done = |slice: usize| segmentation.state(Plane::Axial, slice) == SliceState::Done;
    let all_done = (0..layout.size[2]).all(is_done);
    let occupied = &segmentation.labels().occupied()[layout.axes[2]];
    let state = |slice: usize| match segmentation.maker(Plane::Axial, slice) {
        _ if !all_done => SliceState::Done,
        // Nobody has ever done anything in it.
        None if !occupied[layout.voxel([0, 0, slice])[layout.axes[2]]] => SliceState::Todo,
        _ => not_done(segmentation, Plane::Axial, slice),
    };
    let states: Vec<_> = (0..layout.size[2]).map(|slice| (key(Plane::Axial, slice), state(slice))).collect();
    set_states(studio, of, if all_done { "Take back \"done\"" } else { "Mark case done" }, states);
    if !all_done {
        super::saving::save(studio, of);
    }
}

fn set_states(
    studio: &mut Studio,
    of: SegmentationId,
    name: &str,
    states: Vec<(crate::session::SliceKey, SliceState)>,
) {
    studio.hand.tool.abort();
    let _ = apply(studio, Command::by_hand(name, vec![Edit::States(of, states)]));
    // What is finished has changed, so what keeps voxels may be told again.
    if let Some(view) = studio.label_views.get_mut(&of) {
        view.told.1.clear();
    }
}

/// Adds an empty segmentation to the scan on screen and takes it in hand.
pub fn new_segmentation(studio: &mut Studio) {
    let Some(scan) = studio.shown else { return };
    let count = studio.session.document().segmentations_of(scan).count();
    let name = format!("Segmentation {}", count + 1);
    let Some((id, command)) = studio.session.new_segmentation(scan, name) else { return };
    if apply(studio, command).is_ok() {
        super::scans::show_segmentation(studio, id);
    }
}

/// Takes the segmentation in hand out of the document; undo brings it back.
pub fn delete_segmentation(studio: &mut Studio) {
    let (Some(scan), Some(id)) = (studio.shown, studio.active()) else { return };
    if studio.session.document().segmentations_of(scan).count() < 2 {
        return;
    }
    studio.hand.tool.abort();
    if apply(studio, Command::by_hand("Delete segmentation", vec![Edit::Remove(id)])).is_ok() {
        leave_what_is_gone(studio);
    }
}

/// Gives a segmentation another name.
pub fn rename_segmentation(studio: &mut Studio, id: SegmentationId, name: String) {
    let merge = Some(MergeKey { control: "segmentation name", of: 0 });
    let _ = apply(studio, Command { merge, ..Command::by_hand("Rename segmentation", vec![Edit::Rename(id, name)]) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::act::cases::tests::studio_of;

    #[test]
    fn a_label_is_added_beside_the_highest_value_and_what_changes_nothing_is_no_step() {
        let folder = tempfile::tempdir().unwrap();
        let mut studio = studio_of(folder.path(), &["a.nii"]);
        change_table(&mut studio, "Begin", |table| *table = LabelTable(vec![Label::unnamed(1), Label::unnamed(65535)]));
        add(&mut studio);
        assert_eq!(studio.label_view().unwrap().active, 2);
        default_colours(&mut studio);
        let steps = studio.session.undo_names().len();
        default_colours(&mut studio);
        assert_eq!(studio.session.undo_names().len(), steps);
    }
}
