//! Pixels: a classifier that learns from scribbles while they are painted.

use crate::gui::app::{Action, App};
use crate::gui::egui;
use crate::gui::old_jobs::PixelRule;
use crate::gui::theme;
use crate::volume::Label;

/// Name of the label that stands for the background.
const BACKGROUND: &str = "Background";

fn rule_name(rule: PixelRule) -> &'static str {
    match rule {
        PixelRule::Perceptron => "perceptron",
        PixelRule::MultiLayer => "perceptron with a hidden layer",
    }
}

/// Shows the card.
pub fn pixels_ui(ui: &mut egui::Ui, app: &mut App) {
    let t = theme::tokens(ui);
    let help = "Paint a little of each label in one slice: what looks alike becomes alike. For outlines the eye finds by \
                brightness and texture; a network knows shapes too.";
    ui.add(egui::Label::new(egui::RichText::new(help).small().color(t.dim)).wrap());
    let Some(viewer) = &app.viewer else { return };
    let table = viewer.session.document().table.0.clone();
    let name_of = |label: &Label| format!("{} {}", label.value, label.name);
    let before = app.background();
    let mut background = before;
    let chosen = table.iter().find(|label| Some(label.value) == background);
    let shown = chosen.map_or("none".to_string(), name_of);
    let mut add = false;
    egui::ComboBox::from_label("Stands for background")
        .selected_text(shown)
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut background, None, "none");
            for label in &table {
                ui.selectable_value(&mut background, Some(label.value), name_of(label));
            }
            add = ui.button("a new label").clicked();
        })
        .response
        .on_hover_text("What looks like the scribbles of this label stays without a label");
    if add {
        let viewer = app.viewer.as_mut();
        app.pixels.background = viewer.map(|viewer| (viewer.add_label(BACKGROUND), BACKGROUND.to_string()));
    } else if background != before {
        let label = table.iter().find(|label| Some(label.value) == background);
        app.pixels.background = label.map(|label| (label.value, label.name.clone()));
    }
    egui::ComboBox::from_label("Rule").selected_text(rule_name(app.pixels.rule)).show_ui(ui, |ui| {
        for rule in [PixelRule::MultiLayer, PixelRule::Perceptron] {
            ui.selectable_value(&mut app.pixels.rule, rule, rule_name(rule));
        }
    });
    let mut live = app.pixels.live;
    let hint = "Shows after every stroke what the classifier makes of the slice; nothing changes yet";
    if ui.checkbox(&mut live, "Preview while painting").on_hover_text(hint).changed() {
        app.end_preview();
        app.pixels.live = live;
    }
    if let Some(lacks) = app.pixels.lacks {
        ui.add(egui::Label::new(egui::RichText::new(lacks).small().color(t.dim)).wrap());
    }
    let ready = app.has_preview();
    ui.horizontal(|ui| {
        let slice = ui.add_enabled(ready, egui::Button::new("Use in this slice"));
        if slice.on_hover_text("The preview becomes labels in place of the scribbles: one undo step").clicked() {
            app.act(Action::TakePreview, ui.ctx());
        }
        let all = ui.add_enabled(app.can_classify_all(), egui::Button::new("Use in all slices"));
        if all.on_hover_text("Classify every slice of this plane; finished slices stay").clicked() {
            app.act(Action::ClassifyAll, ui.ctx());
        }
    });
}
