//! What came of the last training.

use std::path::Path;

use super::cases::cases_ui;
use super::preview::preview_ui;
use crate::app::state::models::model_id;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, command_button, note};
use crate::gui::egui;
use crate::gui::paint::textures::Textures;
use crate::jobs::{Job, RefineJob, TrainSummary};
use crate::learn::mean_dice;
use crate::words::{plural, say};
use std::collections::BTreeMap;

fn listed(dice: &BTreeMap<String, f64>) -> String {
    dice.iter().map(|(name, dice)| format!("{name} {dice:.3}")).collect::<Vec<_>>().join(", ")
}

/// Shows the accuracy, the cases, and what can be done with the model.
pub fn result_ui(
    ui: &mut egui::Ui,
    studio: &Studio,
    outbox: &mut Outbox,
    textures: &mut Textures,
    result: &TrainSummary,
) {
    accuracy_ui(ui, result);
    if !result.cases.is_empty() {
        let count = result.cases.len();
        let title = plural!(count, "1 held-back case", "{count} held-back cases", count);
        egui::CollapsingHeader::new(title).id_salt("held-back cases").show(ui, |ui| {
            if let Some(case) = cases_ui(ui, result) {
                outbox.send(Request::CompareCase(case));
            }
        });
        compared_ui(ui, studio, outbox, textures, result);
    }
    ui.horizontal_wrapped(|ui| {
        use_ui(ui, studio, outbox, result);
        command_button(ui, studio, outbox, "teach.report", Some(say!("Save the report")));
    });
}

fn accuracy_ui(ui: &mut egui::Ui, result: &TrainSummary) {
    let name = result.output.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let measured = if result.dice.is_empty() {
        say!("no case was held back").to_string()
    } else {
        format!("Dice {}", listed(&result.dice))
    };
    let label = ui.add(egui::Label::new(format!("{name}: {measured}")).wrap());
    let measurements = result.measurements();
    if measurements > 1 {
        let hint = say!(
            "The best of {measurements} measurements on the held-back cases, and so a little optimistic",
            measurements
        );
        beside(&label, &hint);
    }
    if let Some(before) = &result.before {
        note(ui, say!("Before: {listed}", listed = listed(&mean_dice(before))));
    }
}

/// A held-back case beside what the model makes of it.
fn compared_ui(
    ui: &mut egui::Ui,
    studio: &Studio,
    outbox: &mut Outbox,
    textures: &mut Textures,
    result: &TrainSummary,
) {
    let Some(compared) = &studio.teach.compared else { return };
    note(ui, say!("{case}: the slice with the most wrong pixels", case = compared.name));
    preview_ui(ui, compared, textures);
    let open = ui.button(say!("Open this scan"));
    beside(&open, say!("Show it in the views, without labels"));
    if open.clicked()
        && let Some(path) = result.image(&compared.name).map(Path::to_path_buf)
    {
        outbox.send(Request::Open(vec![path]));
    }
}

fn use_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, result: &TrainSummary) {
    let id = model_id(&result.output);
    if studio.settings.model == id {
        return;
    }
    let is_free = studio.tasks.find(RefineJob::KIND).is_none();
    let button = ui.add_enabled(is_free, egui::Button::new(say!("Use this model")));
    beside(
        &button,
        if is_free { say!("Choose it for the Segment task") } else { say!("The chosen model is being refined") },
    );
    if button.clicked() {
        outbox.send(Request::Model(id));
    }
}
