//! Operations: one is chosen from the list, its parameters follow from its entry.

use crate::app::act::operating;
use crate::app::state::operating::OperationForm;
use crate::app::{Outbox, Request, Studio};
use crate::edit::operations::{Choice, Kind, OPERATIONS, Operation, Parameter, Value, WorksOn};
use crate::gui::controls::{beside, command_button, list_row, note, row, wide_list};
use crate::gui::egui;
use crate::gui::theme;
use crate::volume::{LabelTable, Plane};
use crate::words::{self, say};

/// Shows the section.
pub fn operations_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(segmentation) = studio.segmentation() else { return };
    let before = &studio.operating.form;
    let mut form = before.clone();
    choose_ui(ui, &mut form);
    note(ui, words::text(form.operation.hint));
    if form.operation.id == before.operation.id {
        labels_ui(ui, studio, &mut form, segmentation.table());
        scope_ui(ui, studio, &mut form);
        for parameter in form.operation.parameters {
            if let Some(value) = operating::value_of(studio, parameter)
                && let Some(said) = parameter_ui(ui, studio, parameter, value, segmentation.table())
            {
                form.say(parameter, said);
            }
        }
    }
    if !form.is_same(before) {
        outbox.send(Request::Operation(Box::new(form)));
    }
    let buttons = ui.horizontal_wrapped(|ui| {
        command_button(ui, studio, outbox, "operations.apply", Some(say!("Apply")));
        if operating::has_preview(studio) {
            command_button(ui, studio, outbox, "operations.drop", Some(say!("Drop preview")));
        } else {
            command_button(ui, studio, outbox, "operations.preview", Some(say!("Preview")));
        }
    });
    if is_new_choice(ui, studio.operating.times_chosen) {
        buttons.response.scroll_to_me(None);
    }
}

/// Whether a command has chosen an operation since it was asked last.
fn is_new_choice(ui: &egui::Ui, times_chosen: usize) -> bool {
    let id = egui::Id::new("operations chosen");
    ui.data_mut(|data| {
        let seen = data.get_temp::<usize>(id).unwrap_or(0);
        data.insert_temp(id, times_chosen);
        seen != times_chosen
    })
}

/// The list of operations, in groups.
fn choose_ui(ui: &mut egui::Ui, form: &mut OperationForm) {
    let mut chosen = form.operation.id;
    let list = wide_list(ui, say!("Operation"), words::text(form.operation.name), |ui| {
        let mut all: Vec<&Operation> = OPERATIONS.iter().collect();
        all.sort_by_key(|operation| operation.group);
        for group in all.chunk_by(|a, b| a.group == b.group) {
            if let Some(first) = group.first() {
                let dim = theme::tokens(ui).dim;
                ui.label(egui::RichText::new(words::text(first.group.name())).small().color(dim));
            }
            for operation in group {
                ui.selectable_value(&mut chosen, operation.id, words::text(operation.name));
            }
        }
    });
    beside(&list, say!("What is done to the labels"));
    if let Some(operation) = OPERATIONS.iter().find(|operation| operation.id == chosen) {
        form.operation = operation;
    }
}

/// On which labels.
fn labels_ui(ui: &mut egui::Ui, studio: &Studio, form: &mut OperationForm, table: &LabelTable) {
    let active = studio.label_view().and_then(|view| table.get(view.active));
    let active = active.map_or_else(|| say!("no label is active").to_string(), |label| label.name.clone());
    if form.operation.works_on == WorksOn::One {
        row(ui, say!("Label"), |ui| {
            let label = ui.add(egui::Label::new(&active).truncate());
            beside(
                &label,
                &say!("{active}\nThe active label; choose another one in the list of labels (, and .)", active),
            );
        });
        return;
    }
    let name = |is_for_all: bool| if is_for_all { say!("All labels") } else { active.as_str() };
    let list = list_row(ui, say!("Labels"), name(form.is_for_all), |ui| {
        ui.selectable_value(&mut form.is_for_all, false, name(false));
        ui.selectable_value(&mut form.is_for_all, true, name(true));
    });
    beside(&list, say!("Whether the active label is changed, or all labels"));
}

/// In the whole volume or a slice.
fn scope_ui(ui: &mut egui::Ui, studio: &Studio, form: &mut OperationForm) {
    let name = |plane: Option<Plane>| match plane.and_then(|plane| Some((plane, studio.slice(plane)?))) {
        Some((plane, slice)) => say!("{plane} slice {slice}", plane = words::text(plane.name()), slice = slice + 1),
        None => say!("Whole volume").to_string(),
    };
    let list = list_row(ui, say!("Where"), name(form.plane), |ui| {
        for plane in [None, Some(Plane::Axial), Some(Plane::Coronal), Some(Plane::Sagittal)] {
            ui.selectable_value(&mut form.plane, plane, name(plane));
        }
    });
    beside(&list, say!("In the whole volume, or in the slice at the cursor as if there were no others"));
}

/// One parameter; what the user says about it.
fn parameter_ui(
    ui: &mut egui::Ui,
    studio: &Studio,
    parameter: &Parameter,
    value: Value,
    table: &LabelTable,
) -> Option<Value> {
    let mut said = value.clone();
    match (&parameter.kind, &mut said) {
        (Kind::Number { unit, min, max, step, .. }, Value::Number(number)) => {
            let field = egui::DragValue::new(number).range(*min..=*max).speed(*step).max_decimals(4);
            let field = if unit.is_empty() { field } else { field.suffix(format!(" {}", words::text(unit))) };
            field_ui(ui, parameter, field);
        }
        (Kind::Count { unit, min, max, .. }, Value::Count(count)) => {
            let unit = if *unit == "voxels" && *count == 1 { say!("voxel") } else { words::text(unit) };
            let field = egui::DragValue::new(count).range(*min..=*max).speed(0.1);
            let field = if unit.is_empty() { field } else { field.suffix(format!(" {unit}")) };
            field_ui(ui, parameter, field);
        }
        (Kind::Intensity(_), Value::Number(number)) => {
            let speed = studio.volume().map_or(1.0, |volume| {
                let statistics = volume.statistics();
                ((statistics.max - statistics.min) / 500.0).max(1e-6)
            });
            field_ui(ui, parameter, egui::DragValue::new(number).speed(speed).max_decimals(3));
        }
        (Kind::Choice(choices), Value::Choice(chosen)) => choice_ui(ui, parameter, choices, chosen),
        (Kind::Flag { .. }, Value::Flag(is)) => {
            beside(&ui.checkbox(is, words::text(parameter.name)), words::text(parameter.hint));
        }
        (Kind::Label, Value::Label(chosen)) => {
            let active = studio.label_view().map(|view| view.active);
            let name = table.get(*chosen).map(|label| label.name.clone()).unwrap_or_default();
            let list = list_row(ui, words::text(parameter.name), name, |ui| {
                for label in table.0.iter().filter(|label| Some(label.value) != active) {
                    ui.selectable_value(chosen, label.value, &label.name);
                }
            });
            beside(&list, words::text(parameter.hint));
        }
        (Kind::Mask, Value::Mask(chosen)) => {
            let list = list_row(ui, words::text(parameter.name), chosen.name.clone(), |ui| {
                for mask in operating::other_masks(studio) {
                    let is_chosen = mask.name == chosen.name;
                    if ui.selectable_label(is_chosen, &mask.name).clicked() {
                        **chosen = mask;
                    }
                }
            });
            beside(&list, words::text(parameter.hint));
        }
        (Kind::Voxel, Value::Voxel([i, j, k])) => {
            row(ui, words::text(parameter.name), |ui| {
                let label = ui.label(say!("the cursor: {i} {j} {k}", i = *i + 1, j = *j + 1, k = *k + 1));
                beside(&label, words::text(parameter.hint));
            });
        }
        _ => {}
    }
    // The cursor is where it is.
    (said != value).then_some(said)
}

fn field_ui(ui: &mut egui::Ui, parameter: &Parameter, field: egui::DragValue) {
    let field = row(ui, words::text(parameter.name), |ui| ui.add(field));
    field.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::DragValue, true, words::text(parameter.name)));
    beside(&field, &format!("{}; {}", words::text(parameter.hint), words::shown(&parameter.allowed())));
}

fn choice_ui(ui: &mut egui::Ui, parameter: &Parameter, choices: &'static [Choice], chosen: &mut &'static str) {
    let name = choices.iter().find(|choice| choice.id == *chosen).map_or(*chosen, |choice| words::text(choice.name));
    let list = list_row(ui, words::text(parameter.name), name, |ui| {
        for choice in choices {
            ui.selectable_value(chosen, choice.id, words::text(choice.name));
        }
    });
    beside(&list, words::text(parameter.hint));
}
