//! Of the Teach card: how it is trained, for those who want to choose it.

use super::teach::lacks;
use crate::gui::app::{Action, App};
use crate::gui::egui;
use crate::gui::teach::PLANNING;
use crate::gui::theme::{self, UNIT};
use crate::learn::{Augmentation, Intensities, Plan, PlanChoices};

/// Width of the lists; the longest entry fits.
const WIDTH: f32 = 39.0 * UNIT;

/// A list for each choice; the first entry leaves it to the scans.
pub fn plan_ui(ui: &mut egui::Ui, chosen: &mut PlanChoices, from_model: bool) {
    let open = if from_model { "as the model's" } else { "as the scans suggest" };
    let title = if chosen.any() { "Plan, chosen by hand" } else { "Plan" };
    egui::CollapsingHeader::new(egui::RichText::new(title).small()).id_salt("plan").show(ui, |ui| {
        let square = |[height, width]: &[usize; 2]| format!("{height} x {width}");
        list_ui(ui, "Patch", open, &PlanChoices::PATCHES, square, &mut chosen.patch).on_hover_text(
            "Pixels of a training slice at the model's spacing; larger slices are learned in parts of this size",
        );
        let side = |[side, _]: &[f64; 2]| format!("{side} mm");
        list_ui(ui, "Pixel size", open, &PlanChoices::SPACINGS_MM, side, &mut chosen.spacing_mm)
            .on_hover_text("Slices are brought to it; larger pixels show more around and less detail");
        list_ui(ui, "Intensities", open, &Intensities::ALL, |of| of.name().into(), &mut chosen.intensities).on_hover_text(
            "z-score: by each scan's mean and deviation; nonzero: by those of voxels other than 0, where the surroundings were \
             cut away; ct: by the range of the labelled voxels, where values mean the same in every scan",
        );
        list_ui(ui, "Slices in a step", "as the scans suggest", &PlanChoices::BATCHES, usize::to_string, &mut chosen.batch)
            .on_hover_text("More make each step steadier and slower");
        let planned = Plan::default();
        let sides = |count: &usize| if *count == 0 { "none".into() } else { format!("{count} on either side") };
        let neighbours = if from_model { open.to_string() } else { sides(&planned.neighbours) };
        list_ui(ui, "Neighbours", &neighbours, &PlanChoices::NEIGHBOURS, sides, &mut chosen.neighbours)
            .on_hover_text("Neighbouring slices that the network sees beside the one that it segments");
        let rate = if from_model { "that of fine-tuning".to_string() } else { planned.rate.to_string() };
        list_ui(ui, "Rate", &rate, &PlanChoices::RATES, f64::to_string, &mut chosen.rate)
            .on_hover_text("First learning rate (AdamW); too large a rate spoils the model, too small a one wastes time");
        let name = |of: &Augmentation| of.name().unwrap_or("by hand").to_string();
        let named = Augmentation::NAMED.map(|(_, of_name)| of_name());
        list_ui(ui, "Augmentation", "as the scans suggest", &named, name, &mut chosen.augmentation).on_hover_text(
            "How slices are changed while learning: light (rotation, size, noise, contrast, gamma), in-plane (also blur and \
             resolution), full (also elastic and tilted), strong (larger changes, for a handful of scans)",
        );
    });
}

/// What the scans suggest: asked for by a button, since they must be read for it.
pub fn suggestion_ui(ui: &mut egui::Ui, app: &mut App) {
    let t = theme::tokens(ui);
    let dim = |text: &str| egui::Label::new(egui::RichText::new(text).small().color(t.dim)).wrap();
    let lacks = lacks(app);
    match app.suggested_plan() {
        // Of the choices as they are now; they may have changed since it was asked for.
        Some("") if app.tasks.is_running(PLANNING) => drop(ui.add(dim("The scans are being read for the plan"))),
        Some(plan) if !plan.is_empty() => drop(ui.add(dim(plan))),
        _ => {
            let hint = "Reads the scans and says how they would be learned; nothing is trained yet";
            let button = ui.add_enabled(lacks.is_none(), egui::Button::new("Show the plan")).on_hover_text(hint);
            if button.on_disabled_hover_text(lacks.unwrap_or_default()).clicked() {
                app.act(Action::PlanTeaching, ui.ctx());
            }
        }
    }
}

fn list_ui<T: PartialEq + Clone>(
    ui: &mut egui::Ui,
    label: &str,
    open: &str,
    values: &[T],
    name: impl Fn(&T) -> String,
    chosen: &mut Option<T>,
) -> egui::Response {
    let shown = chosen.as_ref().map_or_else(|| open.to_string(), &name);
    let list = egui::ComboBox::from_label(label).width(WIDTH).selected_text(shown).show_ui(ui, |ui| {
        ui.selectable_value(chosen, None, open);
        for value in values {
            ui.selectable_value(chosen, Some(value.clone()), name(value));
        }
    });
    list.response
}
