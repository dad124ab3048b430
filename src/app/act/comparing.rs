//! Comparing the segmentation in hand with another one, in the background, while it is looked at.

use std::path::PathBuf;

use crate::app::state::comparing::{CompareForm, ComparedPair, SECTION};
use crate::app::state::request::Effect;
use crate::app::state::settings::Task;
use crate::app::state::studio::Studio;
use crate::jobs::{CompareLabelsJob, Job, Side};
use crate::measure::{LabelScores, scores_csv};
use crate::session::{Segmentation, SegmentationId};

/// Takes over what the user chose.
pub fn set_form(studio: &mut Studio, form: CompareForm) {
    studio.comparing.form = form;
}

/// Whether the comparison is on screen: its section, or its differences.
fn is_shown(studio: &Studio) -> bool {
    let settings = &studio.settings;
    let in_panel =
        settings.panels && settings.task == Task::Look && !settings.folded.iter().any(|title| title == SECTION);
    in_panel || studio.comparing.form.is_on
}

/// The segmentation in hand and the chosen one, where both belong to the scan on screen.
fn pair(studio: &Studio) -> Option<[(SegmentationId, &Segmentation); 2]> {
    let document = studio.session.document();
    let (first, second) = (studio.active()?, studio.comparing.form.with?);
    let pair = [(first, document.segmentation(first)?), (second, document.segmentation(second)?)];
    (first != second && pair[0].1.scan() == pair[1].1.scan()).then_some(pair)
}

/// Compares what has changed, one job at a time.
pub fn follow(studio: &mut Studio) {
    if !is_shown(studio) || studio.tasks.find(CompareLabelsJob::KIND).is_some() {
        return;
    }
    let Some(pair) = pair(studio) else { return };
    let now = ComparedPair {
        of: pair.map(|(id, _)| id),
        labels: pair.map(|(_, segmentation)| segmentation.labels().clone()),
        tables: pair.map(|(_, segmentation)| segmentation.table().clone()),
        form: studio.comparing.form.clone(),
    };
    let done = studio.comparing.found.as_ref().map(|(pair, _)| pair);
    if [done, studio.comparing.failed.as_ref()].into_iter().flatten().any(|other| other.is_like(&now)) {
        return;
    }
    let sides = pair.map(|(_, segmentation)| Side {
        name: segmentation.name().to_string(),
        labels: segmentation.labels().clone(),
        table: segmentation.table().clone(),
    });
    let (label, plane) = (now.form.label.clone(), now.form.plane);
    studio.start(
        CompareLabelsJob { sides, label, plane },
        |_, ()| {},
        move |studio, result| match studio.told(result) {
            Some(found) => studio.comparing.found = Some((now, found)),
            None => studio.comparing.failed = Some(now),
        },
    );
}

/// Reads a mask file as a further segmentation of the scan, and compares the one in hand with it.
pub fn open_second(studio: &mut Studio, of: SegmentationId, path: PathBuf) {
    let Some(scan) = studio.session.document().segmentation(of).map(Segmentation::scan) else { return };
    let name = crate::app::state::saving::file_name(&path);
    let Some((second, command)) = studio.session.new_segmentation(scan, name) else { return };
    if super::painting::apply(studio, command).is_err() {
        return;
    }
    super::scans::add_label_view(studio, second);
    studio.comparing.form.with = Some(second);
    super::scans::open_labels(studio, second, path, None);
}

/// Why there is nothing to copy.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    if studio.volume().is_none() {
        return Some("Open a scan first");
    }
    let found = studio.active().and_then(|of| studio.comparing.of(of));
    found.is_none().then_some("Choose a segmentation to compare with first: in the Look task")
}

/// Puts the scores of labels and slices on the clipboard as CSV.
pub fn copy_csv(studio: &mut Studio) {
    let Some(found) = studio.active().and_then(|of| studio.comparing.of(of)) else { return };
    let labels: Vec<(&str, LabelScores)> =
        found.labels.iter().map(|label| (label.label.name.as_str(), label.scores)).collect();
    let form = &studio.comparing.form;
    let slices = form.label.as_deref().map(|name| (name, form.plane.name(), found.slices.as_slice()));
    let text = scores_csv(&labels, slices);
    studio.effects.push(Effect::Copy(text));
    studio.notices.info("The comparison is on the clipboard as CSV.");
}
