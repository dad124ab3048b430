//! Measuring the labels of the segmentation in hand, in the background, while their numbers are on screen; copying and saving them.

use std::path::PathBuf;

use crate::app::state::numbers::{MeasuredLabels, SECTION};
use crate::app::state::request::Effect;
use crate::app::state::settings::Task;
use crate::app::state::studio::Studio;
use crate::app::state::tiles::TileContent;
use crate::jobs::{Job, MeasureJob, SaveTableJob};
use crate::measure::{Row, Wanted, csv, text};
use crate::session::SegmentationId;
use crate::volume::LabelMap;

/// Whether the numbers are on screen.
fn is_shown(studio: &Studio) -> bool {
    let settings = &studio.settings;
    let in_panel =
        settings.panels && settings.task == Task::Export && !settings.folded.iter().any(|title| title == SECTION);
    in_panel || studio.shows(TileContent::Numbers)
}

/// The labels of the segmentation in hand as they are on screen, those of a stroke under way included.
fn labels_now(studio: &Studio) -> Option<(SegmentationId, LabelMap)> {
    let (of, segmentation) = (studio.active()?, studio.segmentation()?);
    Some(match studio.hand.tool.labels() {
        Some((painted, labels)) if painted == of => (of, labels.clone()),
        _ => (of, segmentation.labels().clone()),
    })
}

/// Measures what has changed, one job at a time.
pub fn follow(studio: &mut Studio) {
    if !is_shown(studio) || studio.tasks.find(MeasureJob::KIND).is_some() {
        return;
    }
    let Some((of, labels)) = labels_now(studio) else { return };
    let (Some(volume), Some(frame)) = (studio.volume().cloned(), studio.view().map(|view| view.frame)) else { return };
    let before = studio.numbers.of(of).filter(|measured| measured.frame == frame);
    let is_same = |other: &LabelMap| labels.is_same_snapshot(other);
    if before.is_some_and(|before| is_same(&before.labels)) || studio.numbers.failed.as_ref().is_some_and(is_same) {
        return;
    }
    let since = before.map(|before| (before.labels.clone(), before.numbers.clone()));
    let tried = labels.clone();
    let job = MeasureJob { labels, image: Some((volume, frame)), wanted: Wanted::All, forms: true, since };
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| match studio.told(result) {
            Some((labels, numbers)) => studio.numbers.measured = Some(MeasuredLabels { of, frame, labels, numbers }),
            None => studio.numbers.failed = Some(tried),
        },
    );
}

/// The rows of the table, while all labels are measured as they are.
fn rows(studio: &mut Studio) -> Option<Vec<Row>> {
    let current = labels_now(studio).and_then(|(of, labels)| {
        let measured = studio.numbers.of(of)?;
        let is_current = measured.labels.is_same_snapshot(&labels);
        let listed = studio.segmentation()?.table().0.iter();
        is_current.then(|| listed.map(|label| Row::new(label, measured.numbers.get(&label.value).cloned())).collect())
    });
    if current.is_none() {
        studio.notices.info("The labels are still being measured; try again when their numbers are there.");
    }
    current
}

/// Why the numbers cannot be copied now.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    if studio.volume().is_none() {
        return Some("Open a scan first");
    }
    let is_there = studio.active().is_some_and(|of| studio.numbers.of(of).is_some());
    (!is_there).then_some("Show the numbers first: in the Export task or in a tile")
}

/// Puts the table on the clipboard, for a document or a sheet.
pub fn copy_text(studio: &mut Studio) {
    if let Some(rows) = rows(studio) {
        studio.effects.push(Effect::Copy(text(&rows)));
        studio.notices.info("The numbers are on the clipboard.");
    }
}

/// Puts the table on the clipboard as CSV, with all columns and digits.
pub fn copy_csv(studio: &mut Studio) {
    if let Some(rows) = rows(studio) {
        studio.effects.push(Effect::Copy(csv(&rows)));
        studio.notices.info("The numbers are on the clipboard as CSV.");
    }
}

/// Writes the table as CSV.
pub fn save_csv(studio: &mut Studio, path: PathBuf) {
    if let Some(rows) = rows(studio) {
        let job = SaveTableJob { path: path.clone(), text: csv(&rows) };
        super::saving::save_other(studio, job, path);
    }
}
