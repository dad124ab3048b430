//! Which model, where, along which slices.

use crate::app::act::models::facts;
use crate::app::state::models::model_name;
use crate::app::state::segmenting::SegmentForm;
use crate::app::{Outbox, Request, Studio};
use crate::engine::{OfferedDevice, available_devices};
use crate::gui::controls::{beside, list_row, note};
use crate::gui::egui;
use crate::model::{ListedModel, Origin, SliceAxis};
use crate::words::{self, say};

/// Shows the choices.
pub fn model_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    if studio.models.listed.is_empty() {
        note(
            ui,
            say!("There is no model yet. Import one with `lamella models import FILE`, or train one under Teach."),
        );
        return;
    }
    list_ui(ui, studio, outbox);
    let mut form = studio.segment.clone();
    device_ui(ui, &mut form);
    slices_ui(ui, studio, &mut form);
    averaging_ui(ui, studio, &mut form);
    let largest = ui.checkbox(&mut form.keep_largest, say!("Keep the largest part of each label"));
    beside(&largest, say!("Smaller parts that touch it nowhere are dropped"));
    if let Some(facts) = facts(&studio.models) {
        note(ui, facts);
    }
    if form != studio.segment {
        outbox.send(Request::Segment(Box::new(form)));
    }
}

fn title(model: &ListedModel) -> String {
    let place = match &model.origin {
        Origin::Bundled => say!("bundled"),
        Origin::User(_) => say!("yours"),
    };
    format!("{} ({place})", model_name(&model.id))
}

fn list_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let chosen = &studio.settings.model;
    let list = list_row(ui, say!("Model"), model_name(chosen), |ui| {
        for model in &studio.models.listed {
            if ui.selectable_label(model.id == *chosen, title(model)).clicked() && model.id != *chosen {
                outbox.send(Request::Model(model.id.clone()));
            }
        }
    });
    beside(&list, &say!("{chosen}\nModels in the program, and those that you trained or imported", chosen));
}

/// Where networks run.
pub fn device_ui(ui: &mut egui::Ui, form: &mut SegmentForm) {
    let list = list_row(ui, say!("Device"), form.device.to_string(), |ui| {
        for OfferedDevice { choice, name } in available_devices() {
            let title = name.map_or_else(|| choice.to_string(), |name| format!("{choice} ({name})"));
            ui.selectable_value(&mut form.device, choice, title);
        }
    });
    beside(&list, say!("Where networks run; auto takes the fastest that there is"));
}

fn slices_ui(ui: &mut egui::Ui, studio: &Studio, form: &mut SegmentForm) {
    let axes = if studio.models.is_fused() { say!("all axes") } else { words::text(studio.models.axis().name()) };
    let own = say!("{axes} (the model's)", axes);
    let shown = form.axis.map_or_else(|| own.clone(), |axis| words::text(axis.name()).to_string());
    let list = list_row(ui, say!("Slices"), shown, |ui| {
        ui.selectable_value(&mut form.axis, None, own);
        for axis in [SliceAxis::Axial, SliceAxis::Coronal, SliceAxis::Sagittal] {
            ui.selectable_value(&mut form.axis, Some(axis), words::text(axis.name()));
        }
    });
    beside(&list, say!("Along which axis the model sees the scan slice by slice; its own is the most accurate"));
}

/// Some models always average, others never may; then the box says so and cannot be changed.
fn averaging_ui(ui: &mut egui::Ui, studio: &Studio, form: &mut SegmentForm) {
    let spec = studio.models.model().map(|model| &model.spec);
    let always = spec.is_some_and(|spec| spec.average_mirrored);
    let may = spec.is_some_and(|spec| spec.mirror);
    let mut shown = always || (form.mirror && may);
    let mirror = ui.add_enabled(may && !always, egui::Checkbox::new(&mut shown, say!("Average mirrored slices")));
    if mirror.changed() {
        form.mirror = shown;
    }
    beside(
        &mirror,
        match (always, may) {
            (true, _) => say!("This model always averages over mirrored slices"),
            (false, true) => say!("Four times the work, a little more accurate"),
            (false, false) if spec.is_none() => say!("The model is being read"),
            (false, false) => say!("This model tells left from right"),
        },
    );
}
