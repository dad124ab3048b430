//! How it is trained, for those who want to choose it; and what the scans suggest.

use crate::app::act::teach::suggested_plan;
use crate::app::{Outbox, Studio};
use crate::gui::controls::{beside, command_button, list_row, note};
use crate::gui::egui;
use crate::jobs::{Job, PlanJob};
use crate::learn::{Augmentation, Intensities, Plan, PlanChoices};
use crate::words::{self, say};

/// Whether something of these lists was chosen.
fn is_chosen(plan: &PlanChoices) -> bool {
    plan.patch.is_some()
        || plan.spacing_mm.is_some()
        || plan.intensities.is_some()
        || plan.batch.is_some()
        || plan.neighbours.is_some()
        || plan.rate.is_some()
        || plan.augmentation.is_some()
}

/// A list for each choice; the first entry leaves it to the scans.
pub fn plan_ui(ui: &mut egui::Ui, chosen: &mut PlanChoices, is_from_model: bool) {
    let title = if is_chosen(chosen) { say!("Plan, chosen by hand") } else { say!("Plan") };
    egui::CollapsingHeader::new(egui::RichText::new(title).small()).id_salt("plan").show(ui, |ui| {
        image_lists_ui(ui, chosen, is_from_model);
        step_lists_ui(ui, chosen, is_from_model);
    });
}

/// What the network sees of a scan.
fn image_lists_ui(ui: &mut egui::Ui, chosen: &mut PlanChoices, is_from_model: bool) {
    let open = if is_from_model { say!("as the model's") } else { say!("as the scans suggest") };
    let square = |[height, width]: &[usize; 2]| format!("{height} x {width}");
    let hint =
        say!("Pixels of a training slice at the model's spacing; larger slices are learned in parts of this size");
    choice_ui(ui, say!("Patch"), open, &PlanChoices::PATCHES, square, &mut chosen.patch, hint);
    let side = |[side, _]: &[f64; 2]| format!("{side} mm");
    let hint = say!("Slices are brought to it; larger pixels show more around and less detail");
    choice_ui(ui, say!("Pixel size"), open, &PlanChoices::SPACINGS_MM, side, &mut chosen.spacing_mm, hint);
    let name = |of: &Intensities| words::text(of.name()).to_string();
    let hint = say!(
        "z-score: by each scan's mean and deviation; nonzero: by those of voxels other than 0, where the surroundings were \
                cut away; ct: by the range of the labelled voxels, where values mean the same in every scan"
    );
    choice_ui(ui, say!("Intensities"), open, &Intensities::ALL, name, &mut chosen.intensities, hint);
    let sides = |count: &usize| if *count == 0 { say!("none").into() } else { say!("{count} on either side", count) };
    let neighbours = if is_from_model { open.to_string() } else { sides(&Plan::default().neighbours) };
    let hint = say!("Neighbouring slices that the network sees beside the one that it segments");
    choice_ui(ui, say!("Neighbours"), &neighbours, &PlanChoices::NEIGHBOURS, sides, &mut chosen.neighbours, hint);
}

/// How it learns.
fn step_lists_ui(ui: &mut egui::Ui, chosen: &mut PlanChoices, is_from_model: bool) {
    let open = say!("as the scans suggest");
    let hint = say!("Slices in a step; more make each step steadier and slower");
    choice_ui(ui, say!("Batch size"), open, &PlanChoices::BATCHES, usize::to_string, &mut chosen.batch, hint);
    let rate = if is_from_model { say!("that of fine-tuning").to_string() } else { Plan::default().rate.to_string() };
    let hint = say!("First learning rate (AdamW); too large a rate spoils the model, too small a one wastes time");
    choice_ui(ui, say!("Rate"), &rate, &PlanChoices::RATES, f64::to_string, &mut chosen.rate, hint);
    let name = |of: &Augmentation| of.name().map_or(say!("by hand"), words::text).to_string();
    let named = Augmentation::NAMED.map(|(_, of_name)| of_name());
    let hint = say!(
        "How slices are changed while learning: light (rotation, size, noise, contrast, gamma), in-plane (also blur and \
                resolution), full (also elastic and tilted), strong (larger changes, for a handful of scans)"
    );
    choice_ui(ui, say!("Augmentation"), open, &named, name, &mut chosen.augmentation, hint);
}

fn choice_ui<T: PartialEq + Clone>(
    ui: &mut egui::Ui,
    caption: &str,
    open: &str,
    values: &[T],
    name: impl Fn(&T) -> String,
    chosen: &mut Option<T>,
    hint: &str,
) {
    let shown = chosen.as_ref().map_or_else(|| open.to_string(), &name);
    let list = list_row(ui, caption, shown, |ui| {
        ui.selectable_value(chosen, None, open);
        for value in values {
            ui.selectable_value(chosen, Some(value.clone()), name(value));
        }
    });
    beside(&list, hint);
}

/// What the scans suggest: asked for by a button, since they must be read for it.
pub fn suggestion_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    match suggested_plan(studio) {
        // Of the choices as they are now; they may have changed since it was asked for.
        Some("") if studio.tasks.is_running(PlanJob::KIND) => {
            note(ui, say!("The scans are being read for the plan."));
        }
        Some(plan) if !plan.is_empty() => {
            note(ui, words::shown(plan));
        }
        _ => {
            command_button(ui, studio, outbox, "teach.plan", None);
        }
    }
}
