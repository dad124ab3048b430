//! Teach: labelled scans, a network, a length; then a curve and a model.

use std::path::Path;

use super::{plan_choices, scan_choices, segment};
use crate::gui::app::{Action, App};
use crate::gui::egui;
use crate::gui::refining::REFINING;
use crate::gui::scan_choices::ScanChoices;
use crate::gui::teach::{MINUTES, Slices, TEACHING, Teach, model_id, model_name};
use crate::gui::theme::{self, UNIT};
use crate::jobs::{TrainSummary, ZooRow};
use crate::learn::{CaseDice, mean_dice, worst_first};
use crate::model::is_id;
use egui_plot::{Line, Plot, PlotPoints};

/// Height of the curve.
const CURVE: f32 = 32.0 * UNIT;
/// Longest name of a line under the curve, in letters.
const LONGEST_NAME: usize = 28;
/// Longest name over a column of the cases, in letters.
const LONGEST_HEADING: usize = 10;
/// Most height of the list of cases.
const CASES: f32 = 48.0 * UNIT;

/// Shows the card.
pub fn teach_ui(ui: &mut egui::Ui, app: &mut App) {
    let t = theme::tokens(ui);
    let running = app.tasks.find(TEACHING);
    match running {
        // They cannot be changed now, and the curve has the room.
        Some(_) => {
            for text in [&app.teach.running, &app.teach.planned].into_iter().filter(|text| !text.is_empty()) {
                ui.add(egui::Label::new(egui::RichText::new(text).small().color(t.dim)).wrap());
            }
        }
        None => choices_ui(ui, app),
    }
    if !app.teach.curve.loss.is_empty() {
        curve_ui(ui, &app.teach);
    }
    if let Some(preview) = &app.teach.preview {
        preview.ui(ui);
    }
    match running {
        Some(fraction) => {
            segment::stage_ui(ui, app, TEACHING);
            let bar = egui::ProgressBar::new(fraction).fill(t.accent).desired_height(3.0 * UNIT).corner_radius(2);
            ui.add(bar);
            ui.horizontal(|ui| {
                let paused = app.tasks.is_paused(TEACHING);
                let hint = "The processor is free meanwhile, and the time does not count";
                if ui.button(if paused { "Go on" } else { "Pause" }).on_hover_text(hint).clicked() {
                    app.act(Action::PauseTeaching, ui.ctx());
                }
                let hint = "The best model so far is kept; before the first measurement, what was learned until now";
                if ui.button("Stop and keep the best").on_hover_text(hint).clicked() {
                    app.act(Action::StopTeaching, ui.ctx());
                }
            });
        }
        None => start_ui(ui, app),
    }
    result_ui(ui, app);
}

fn result_ui(ui: &mut egui::Ui, app: &mut App) {
    let Some(result) = &app.teach.result else { return };
    let dice: Vec<String> = result.dice.iter().map(|(name, d)| format!("{name} {d:.3}")).collect();
    let name = result.output.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let id = model_id(&result.output);
    let measured =
        if dice.is_empty() { "no case was held back".to_string() } else { format!("Dice {}", dice.join(", ")) };
    let measurements = result.measurements();
    let response = ui.add(egui::Label::new(format!("{name}: {measured}")).wrap());
    if measurements > 1 {
        response.on_hover_text(format!(
            "The best of {measurements} measurements on the held-back cases, and so a little optimistic"
        ));
    }
    if let Some(before) = &result.before {
        let dice: Vec<String> = mean_dice(before).iter().map(|(name, d)| format!("{name} {d:.3}")).collect();
        ui.add(egui::Label::new(egui::RichText::new(format!("before: {}", dice.join(", "))).small()).wrap());
    }
    let mut wanted = None;
    if !result.cases.is_empty() {
        let count = result.cases.len();
        let title = format!("{count} held-back {}", if count == 1 { "case" } else { "cases" });
        egui::CollapsingHeader::new(title).show(ui, |ui| {
            wanted = cases_ui(ui, result);
        });
    }
    let opened = app.teach.compared.as_ref().filter(|_| !result.cases.is_empty()).and_then(|compared| {
        let t = theme::tokens(ui);
        let text = format!("{}: the slice with the most wrong pixels", compared.name);
        ui.add(egui::Label::new(egui::RichText::new(text).small().color(t.dim)).wrap());
        compared.ui(ui);
        let open = ui.button("Open this scan").on_hover_text("In the three views, without labels");
        open.clicked().then(|| result.image(&compared.name).map(Path::to_path_buf)).flatten()
    });
    if ui
        .button("Save the report")
        .on_hover_text("Curve and cases as tables (CSV), the curve as a picture (SVG)")
        .clicked()
    {
        app.act(Action::SaveReport, ui.ctx());
    }
    if let Some(case) = wanted {
        app.compare_case(&case, ui.ctx());
    }
    if let Some(path) = opened {
        app.open(&path, ui.ctx());
    }
    if app.settings.model != id {
        let button = ui.add_enabled(app.tasks.find(REFINING).is_none(), egui::Button::new("Use this model"));
        let button = button.on_disabled_hover_text("The chosen model is being adapted");
        if button.on_hover_text("Choose it in the Segment card").clicked() {
            app.settings.model = id;
        }
    }
}

/// A table of Dice by case and label, the worst case first; the case that was clicked.
fn cases_ui(ui: &mut egui::Ui, result: &TrainSummary) -> Option<String> {
    let mut wanted = None;
    let t = theme::tokens(ui);
    let small = |text: String| egui::Label::new(egui::RichText::new(text).small().color(t.dim)).extend();
    let before = result.before.as_deref().unwrap_or_default();
    // The panel around it scrolls too and leaves it no height of its own.
    let list = egui::ScrollArea::both().id_salt("list of cases").max_height(CASES).min_scrolled_height(CASES);
    list.auto_shrink([false, true]).show(ui, |ui| {
        egui::Grid::new("cases").striped(true).spacing([2.0 * UNIT, UNIT]).show(ui, |ui| {
            ui.add(small("case".into())).on_hover_text("The worst first");
            if !before.is_empty() {
                ui.add(small("before".into())).on_hover_text("Mean Dice of the model that the training started from");
                ui.add(small("after".into())).on_hover_text("Mean Dice of the labels that are there or found");
            }
            for name in result.dice.keys() {
                ui.add(small(shortened(name, LONGEST_HEADING))).on_hover_text(format!("Dice of {name}"));
            }
            ui.end_row();
            for case in worst_first(&result.cases) {
                let hint = "Show the slice where the model errs most";
                let button = egui::Button::new(egui::RichText::new(&case.name).small())
                    .frame(false)
                    .wrap_mode(egui::TextWrapMode::Extend);
                let response = ui.add(button).on_hover_text(hint);
                let label = format!("Where the model errs in {}", case.name);
                response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &label));
                if response.clicked() {
                    wanted = Some(case.name.clone());
                }
                // A label that is neither there nor found has none.
                let text =
                    |dice: Option<f64>| egui::RichText::new(dice.map_or("-".into(), |d| format!("{d:.3}"))).small();
                let mut number = |dice| ui.label(text(dice));
                let mean = |case: &CaseDice| (!case.dice.is_empty()).then(|| case.mean());
                if !before.is_empty() {
                    number(before.iter().find(|other| other.name == case.name).and_then(mean));
                    number(mean(case));
                }
                result.dice.keys().for_each(|name| drop(number(case.dice.get(name).copied())));
                ui.end_row();
            }
        });
    });
    wanted
}

/// What the choices lack for a plan to be made of them.
pub fn lacks(app: &mut App) -> Option<&'static str> {
    let unchosen = app.teach.folder_scans().and_then(ScanChoices::problem);
    match () {
        () if app.teach.from_scan && app.done_slices().is_empty() => {
            Some("Label a slice and mark it done first (Enter over its view; Shift+Enter: all that hold labels)")
        }
        () if !app.teach.from_scan && app.teach.dataset.is_none() => Some("Choose a folder of labelled scans first"),
        () if !app.teach.from_scan && app.looks_at_dataset() => Some("The scans are being looked at"),
        () if unchosen.is_some() => unchosen,
        () if !app.teach.from_model && app.teach.problem().is_some() => Some("This network cannot be built"),
        () if app.teach.from_model && !app.model_is_ready() => Some("The model is being read"),
        () if app.teach.from_model && app.adapted.is_some() => {
            Some("The model was adapted to finished slices: keep it or forget that first (Segment card)")
        }
        () => None,
    }
}

fn start_ui(ui: &mut egui::Ui, app: &mut App) {
    let t = theme::tokens(ui);
    let problem = if app.teach.from_model { None } else { app.teach.problem() };
    if let Some(problem) = &problem {
        ui.add(egui::Label::new(egui::RichText::new(problem).small().color(t.bad)).wrap());
    }
    let there = app.taught_before();
    let interrupted = there.training;
    let lacks = lacks(app);
    let missing = match () {
        () if lacks.is_some() => lacks,
        () if !is_id(&app.teach.name) => Some("A name has letters, digits, - _ ."),
        () if there.model && !interrupted => {
            Some("There is a model of this name; choose another, nothing is overwritten")
        }
        () if interrupted => Some("A training of this name was interrupted; go on with it, or choose another name"),
        () => None,
    };
    let minutes = app.teach.minutes;
    let text = format!("Teach for {minutes} {}", if minutes == 1 { "minute" } else { "minutes" });
    let button = egui::Button::new(egui::RichText::new(text).strong()).fill(t.accent.gamma_multiply(0.35));
    let size = egui::vec2(ui.available_width(), theme::ACTION_HEIGHT);
    let response = ui.add_enabled_ui(missing.is_none(), |ui| ui.add_sized(size, button)).inner;
    if interrupted && (app.teach.from_scan || app.teach.dataset.is_some()) {
        let hint = "It goes on where it was, with the choices that it was begun with";
        if ui.button("Go on with the interrupted training").on_hover_text(hint).clicked() {
            app.act(Action::ResumeTeaching, ui.ctx());
        }
    }
    if interrupted {
        let hint = "Deletes the state of the interrupted training; the best model that it had saved stays";
        if ui.button("Discard it").on_hover_text(hint).clicked() {
            app.discard_training();
        }
    }
    let response = response.on_hover_text("Train in the background; the best model so far is always on disk");
    if response.on_disabled_hover_text(missing.unwrap_or_default()).clicked() {
        app.act(Action::Teach, ui.ctx());
    }
}

fn choices_ui(ui: &mut egui::Ui, app: &mut App) {
    let t = theme::tokens(ui);
    scan_choices::source_ui(ui, app);
    let start = format!("Start from {}", model_name(&app.settings.model));
    ui.checkbox(&mut app.teach.from_model, start).on_hover_text(
        "Fine-tune the model of the Segment card: its network, its preparation; a classifier becomes the encoder",
    );
    if app.viewer.is_none() {
        // With an image the Segment card has it.
        segment::device_ui(ui, app);
    }
    let teach = &mut app.teach;
    if !teach.from_model {
        match &teach.zoo {
            Some([architectures, encoders, attention]) => {
                rows_ui(ui, "Network", architectures, None, &mut teach.architecture);
                if teach.architecture == "unet" {
                    rows_ui(ui, "Encoder", encoders, Some("plain"), &mut teach.encoder);
                    rows_ui(ui, "Attention", attention, None, &mut teach.attention);
                }
            }
            None => {
                ui.label(egui::RichText::new("Listing the networks").color(t.dim));
            }
        }
    }
    // A model that training starts from has its own.
    let name = |slices: Slices, from_model: bool| match slices {
        Slices::FromData if from_model => "as the model's",
        slices => slices.name(),
    };
    egui::ComboBox::from_label("Slices")
        .selected_text(name(teach.slices, teach.from_model))
        .show_ui(ui, |ui| {
            for slices in Slices::ALL {
                ui.selectable_value(&mut teach.slices, slices, name(slices, teach.from_model));
            }
        })
        .response
        .on_hover_text("Slices that the network learns; all three axes need scans of nearly equal spacings");
    ui.checkbox(&mut teach.sided, "Left and right are labelled").on_hover_text("Then slices are never mirrored");
    ui.add_enabled(!teach.sided, egui::Checkbox::new(&mut teach.average_mirrored, "Average mirrored slices"))
        .on_hover_text(
            "The model is more exact, and takes twice as long where slices show the left and the right side",
        );
    plan_choices::plan_ui(ui, &mut teach.plan, teach.from_model);
    plan_choices::suggestion_ui(ui, app);
    let teach = &mut app.teach;
    ui.horizontal(|ui| {
        ui.add(egui::DragValue::new(&mut teach.minutes).range(MINUTES).suffix(" min"))
            .on_hover_text("Length of the training; the rate falls to zero by its end");
        ui.add(egui::TextEdit::singleline(&mut teach.name).desired_width(f32::INFINITY))
            .on_hover_text("Name of the new model");
    });
}

/// A list of networks, and below it when to choose the one that is chosen.
fn rows_ui(ui: &mut egui::Ui, label: &str, rows: &[ZooRow], first: Option<&str>, chosen: &mut String) {
    let size = rows.iter().find(|row| row.id == *chosen).map(hint).unwrap_or_default();
    let shown = chosen.clone();
    egui::ComboBox::from_label(label)
        .selected_text(shown)
        .show_ui(ui, |ui| {
            if let Some(first) = first {
                ui.selectable_value(chosen, first.to_string(), first);
            }
            for row in rows {
                ui.selectable_value(chosen, row.id.clone(), &row.id).on_hover_text(hint(row));
            }
        })
        .response
        .on_hover_text(size);
    if let Some(row) = rows.iter().find(|row| row.id == *chosen) {
        let t = theme::tokens(ui);
        ui.add(egui::Label::new(egui::RichText::new(row.title.replace('`', "")).small().color(t.dim)).wrap());
    }
}

fn hint(row: &ZooRow) -> String {
    format!(
        "{}\n{:.1} M parameters, {:.1} GMAC for a slice of 256 x 256",
        row.title,
        row.parameters as f64 / 1e6,
        row.gmac
    )
}

/// The first letters of a name, with a sign where there are more.
fn shortened(name: &str, letters: usize) -> String {
    let short: String = name.chars().take(letters).collect();
    if short.len() < name.len() { short + "\u{2026}" } else { short }
}

/// Loss and Dice over the share of the budget; what is what stands below, where it hides no line.
fn curve_ui(ui: &mut egui::Ui, teach: &Teach) {
    let t = theme::tokens(ui);
    let highest = teach.curve.rate.iter().map(|[_, rate]| *rate).fold(0.0, f64::max);
    let rate: Vec<[f64; 2]> = teach.curve.rate.iter().map(|[done, rate]| [*done, rate / highest.max(1e-12)]).collect();
    let mut lines = vec![
        ("loss".to_string(), teach.curve.loss.clone(), t.dim, 1.0),
        (format!("rate, of {highest:.0e}"), rate, t.warn, 1.0),
    ];
    for (n, (name, points)) in teach.curve.dice.iter().enumerate() {
        let [r, g, b] = crate::volume::default_colour(n as u16 + 1);
        lines.push((format!("Dice {name}"), points.clone(), egui::Color32::from_rgb(r, g, b), 2.0));
    }
    let plot = Plot::new("teaching")
        .height(CURVE)
        .include_x(0.0)
        .include_y(1.0)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .show_x(false)
        .x_axis_formatter(|mark, _| format!("{:.0} %", 100.0 * mark.value));
    let names: Vec<_> = lines.iter().map(|(name, _, colour, _)| (name.clone(), *colour)).collect();
    plot.show(ui, |plot| {
        for (name, points, colour, width) in lines {
            plot.line(Line::new(name, PlotPoints::from(points)).color(colour).width(width));
        }
    });
    ui.horizontal_wrapped(|ui| {
        for (name, colour) in names {
            let text =
                egui::RichText::new(format!("\u{2014} {}", shortened(&name, LONGEST_NAME))).small().color(colour);
            ui.add(egui::Label::new(text).extend());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn summary(cases: usize) -> TrainSummary {
        let case = |n: usize| CaseDice { name: format!("case{n:02}"), dice: BTreeMap::from([("liver".into(), 0.5)]) };
        TrainSummary {
            output: "model.safetensors".into(),
            epoch: 1,
            dice: BTreeMap::from([("liver".into(), 0.5)]),
            cases: (0..cases).map(case).collect(),
            before: None,
            epochs: Vec::new(),
            dataset: crate::learn::Dataset {
                folder: "scans".into(),
                name: String::new(),
                licence: String::new(),
                channels: Vec::new(),
                ignore: None,
                labels: BTreeMap::new(),
                stored: None,
                unchosen: Vec::new(),
                cases: Vec::new(),
                endings: crate::learn::Endings::default(),
                notices: Vec::new(),
            },
        }
    }

    #[test]
    fn the_cases_have_room_for_many_rows_also_at_the_foot_of_the_panel() {
        let summary = summary(40);
        let context = egui::Context::default();
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(300.0, 400.0))),
            ..egui::RawInput::default()
        };
        let mut heights = Vec::new();
        for _ in 0..3 {
            let _ = context.run_ui(input.clone(), |ui| {
                egui::ScrollArea::vertical().show(ui, |ui| {
                    // What stands above fills the panel.
                    ui.add_space(380.0);
                    let top = ui.cursor().top();
                    cases_ui(ui, &summary);
                    heights.push(ui.cursor().top() - top);
                });
            });
        }
        assert!(heights.iter().all(|height| *height >= CASES), "{heights:?}");
    }
}
