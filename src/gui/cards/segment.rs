//! Segment: pick a model, run it, watch it.

use crate::gui::app::{Action, App, SEGMENTING};
use crate::gui::egui;
use crate::gui::old_jobs::{Misfit, available_devices};
use crate::gui::refining::REFINING;
use crate::gui::teach::model_name;
use crate::gui::theme::{self, UNIT};
use crate::model::{Origin, SliceAxis};
use egui_phosphor::regular as icon;

/// Shows the card.
pub fn segment_ui(ui: &mut egui::Ui, app: &mut App) {
    let t = theme::tokens(ui);
    if app.models.is_empty() {
        ui.label(egui::RichText::new("No model yet. Import one with `lamella models import FILE`.").color(t.dim));
        return;
    }
    let running = app.tasks.find(SEGMENTING);
    let refining = app.tasks.find(REFINING);
    ui.add_enabled_ui(running.is_none() && refining.is_none(), |ui| choices_ui(ui, app));
    if let Some(fraction) = refining {
        stage_ui(ui, app, REFINING);
        ui.add(egui::ProgressBar::new(fraction).fill(t.accent).desired_height(3.0 * UNIT).corner_radius(2));
        if ui.button("Cancel").on_hover_text("Stop learning; nothing changes").clicked() {
            app.tasks.cancel(REFINING);
        }
        return;
    }
    let Some(viewer) = &app.viewer else { return };
    match running {
        Some(fraction) => {
            ui.horizontal(|ui| {
                if ui.button("Cancel").on_hover_text("Stop the network; nothing changes").clicked() {
                    app.tasks.cancel(SEGMENTING);
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    ui.add_sized([9.0 * UNIT, 4.0 * UNIT], egui::Label::new(format!("{:.0} %", fraction * 100.0)));
                    let bar = egui::ProgressBar::new(fraction).fill(t.accent);
                    ui.add(bar.desired_height(3.0 * UNIT).corner_radius(2));
                });
            });
        }
        None => {
            let misfits = app.misfits();
            let text = match app.slices_to_segment(viewer.volume()) {
                1 => "Segment 1 slice".to_string(),
                slices => format!("Segment {slices} slices"),
            };
            let sign = if misfits.is_empty() { String::new() } else { format!("{}  ", icon::WARNING) };
            let strong = egui::RichText::new(format!("{sign}{text}")).strong();
            let button = egui::Button::new(strong).fill(t.accent.gamma_multiply(0.35));
            let size = egui::vec2(ui.available_width(), theme::ACTION_HEIGHT);
            let ready = app.model_is_ready();
            let button = ui.add_enabled_ui(ready, |ui| ui.add_sized(size, button)).inner;
            button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, ready, &text));
            let hint = "Run the model; the result is one undo step";
            if button.on_hover_text(hint).on_disabled_hover_text("The model is being read").clicked() {
                app.act(Action::Segment, ui.ctx());
            }
            misfits_ui(ui, &misfits);
            refine_ui(ui, app);
        }
    }
}

/// What a job of several stages is doing.
pub fn stage_ui(ui: &mut egui::Ui, app: &App, title: &str) {
    if let Some(stage) = app.tasks.stage(title) {
        let dim = theme::tokens(ui).dim;
        ui.add(egui::Label::new(egui::RichText::new(in_sentence_case(&stage)).small().color(dim)).wrap());
    }
}

/// With a capital letter first.
fn in_sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// What of the scan the model did not learn: nobody has to find that out by waiting.
fn misfits_ui(ui: &mut egui::Ui, misfits: &[Misfit]) {
    if misfits.is_empty() {
        return;
    }
    let warn = theme::tokens(ui).warn;
    ui.horizontal_top(|ui| {
        ui.label(egui::RichText::new(icon::WARNING).color(warn));
        ui.vertical(|ui| {
            for misfit in misfits {
                ui.add(egui::Label::new(egui::RichText::new(misfit.to_string()).color(warn)).wrap());
            }
        });
    });
}

/// Where networks run.
pub fn device_ui(ui: &mut egui::Ui, app: &mut App) {
    egui::ComboBox::from_label("Device").selected_text(app.device_choice.to_string()).show_ui(ui, |ui| {
        for device in available_devices() {
            ui.selectable_value(&mut app.device_choice, device, device.to_string());
        }
    });
}

/// Adapting the model to the slices that are marked done.
fn refine_ui(ui: &mut egui::Ui, app: &mut App) {
    let lacks = app.refining_lacks();
    ui.horizontal(|ui| {
        let count = app.done_slices().len();
        let text = if count == 0 { "Refine".to_string() } else { format!("Refine from {count} done") };
        let refine = ui.add_enabled(lacks.is_none(), egui::Button::new(text)).on_hover_text(
            "Adapt the model to the slices marked done for some seconds, and segment the others again; one undo step. Scans that \
             the Teach card learns from are mixed in, so that it keeps what it knows of them",
        );
        if refine.on_disabled_hover_text(lacks.unwrap_or_default()).clicked() {
            app.act(Action::Refine, ui.ctx());
        }
        if app.adapted.is_some() {
            let hint = "Save the adapted model under a name of its own, and go on with it";
            if ui.add_enabled(!app.is_saving(), egui::Button::new("Keep")).on_hover_text(hint).clicked() {
                app.act(Action::KeepRefinement, ui.ctx());
            }
            let hint = "The model was adapted to finished slices; use it again as it was before";
            if ui.button("Forget").on_hover_text(hint).clicked() {
                app.act(Action::ForgetRefinement, ui.ctx());
            }
        }
    });
}

fn choices_ui(ui: &mut egui::Ui, app: &mut App) {
    let t = theme::tokens(ui);
    egui::ComboBox::from_label("Model").selected_text(model_name(&app.settings.model)).show_ui(ui, |ui| {
        for listed in &app.models {
            let place = match &listed.origin {
                Origin::Bundled => "bundled",
                Origin::User(_) => "yours",
            };
            ui.selectable_value(
                &mut app.settings.model,
                listed.id.clone(),
                format!("{} ({place})", model_name(&listed.id)),
            );
        }
    });
    device_ui(ui, app);
    let axes = if app.model_is_fused() { "all axes" } else { app.model_axis().name() };
    let own = format!("{axes} (the model's)");
    let shown = app.axis.map_or(own.clone(), |a| a.name().to_string());
    egui::ComboBox::from_label("Slices").selected_text(shown).show_ui(ui, |ui| {
        ui.selectable_value(&mut app.axis, None, own);
        for axis in [SliceAxis::Axial, SliceAxis::Coronal, SliceAxis::Sagittal] {
            ui.selectable_value(&mut app.axis, Some(axis), axis.name());
        }
    });
    // Some models always average; then the box says so and cannot be cleared.
    let mut always = true;
    let averages = app.model_averages_mirrored();
    let changeable = app.model_allows_mirror() && !averages;
    let mirror = egui::Checkbox::new(if averages { &mut always } else { &mut app.mirror }, "Average mirrored slices");
    ui.add_enabled(changeable, mirror)
        .on_hover_text("Four times the work, a little more accurate; not where left and right matter")
        .on_disabled_hover_text(if averages {
            "This model always averages over mirrored slices"
        } else {
            "This model tells left from right"
        });
    ui.checkbox(&mut app.keep_largest, "Keep the largest part of each label");
    if let Some(provenance) = app.model_facts() {
        ui.add(egui::Label::new(egui::RichText::new(provenance).small().color(t.dim)).wrap());
    }
}
