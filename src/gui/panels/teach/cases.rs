//! A table of Dice by held-back case and label.

use super::curve::shortened;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::jobs::TrainSummary;
use crate::learn::{CaseDice, worst_first};
use crate::words::say;

/// Longest name over a column, in letters.
const LONGEST_HEADING: usize = 10;
/// Most height of the list.
const CASES: f32 = 48.0 * UNIT;

/// A table of Dice by case and label, the worst case first; the case that was clicked.
pub fn cases_ui(ui: &mut egui::Ui, result: &TrainSummary) -> Option<String> {
    let mut wanted = None;
    let t = theme::tokens(ui);
    let small = |text: String| egui::Label::new(egui::RichText::new(text).small().color(t.dim)).extend();
    let before = result.before.as_deref().unwrap_or_default();
    // The panel around it scrolls too and leaves it no height of its own.
    let list = egui::ScrollArea::both().id_salt("list of cases").max_height(CASES).min_scrolled_height(CASES);
    list.auto_shrink([false, true]).show(ui, |ui| {
        egui::Grid::new("cases").striped(true).spacing([2.0 * UNIT, UNIT]).show(ui, |ui| {
            ui.add(small(say!("case").into())).on_hover_text(say!("The worst first"));
            if !before.is_empty() {
                ui.add(small(say!("before").into()))
                    .on_hover_text(say!("Mean Dice of the model that the training started from"));
                ui.add(small(say!("after").into()))
                    .on_hover_text(say!("Mean Dice of the labels that are there or found"));
            }
            for name in result.dice.keys() {
                ui.add(small(shortened(name, LONGEST_HEADING))).on_hover_text(say!("Dice of {name}", name));
            }
            ui.end_row();
            for case in worst_first(&result.cases) {
                let hint = say!("Show the slice where the model errs most");
                let button = egui::Button::new(egui::RichText::new(&case.name).small())
                    .frame(false)
                    .wrap_mode(egui::TextWrapMode::Extend);
                let response = ui.add(button).on_hover_text(hint);
                let label = say!("Where the model errs in {case}", case = case.name);
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
                endings: crate::learn::Endings::default(),
                labels: BTreeMap::new(),
                stored: None,
                unchosen: Vec::new(),
                cases: Vec::new(),
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
