//! Pixels: a classifier that learns from scribbles while they are painted.

use crate::app::state::pixels::PixelForm;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, command_button, list_row, note};
use crate::gui::egui;
use crate::learn::PixelRule;
use crate::volume::Label;
use crate::words::{self, say};

fn rule_name(rule: PixelRule) -> &'static str {
    match rule {
        PixelRule::Perceptron => say!("Linear"),
        PixelRule::MultiLayer => say!("Neural network"),
    }
}

/// Shows the section.
pub fn pixels_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(segmentation) = studio.segmentation() else { return };
    note(ui, say!("Paint a little of each label in one slice: what looks alike becomes alike."));
    let mut form = studio.pixels.form.clone();
    background_ui(ui, studio, &segmentation.table().0, &mut form, outbox);
    let list = list_row(ui, say!("Rule"), rule_name(form.rule), |ui| {
        for rule in [PixelRule::MultiLayer, PixelRule::Perceptron] {
            ui.selectable_value(&mut form.rule, rule, rule_name(rule));
        }
    });
    beside(&list, say!("How brightness and texture decide: a small neural network, or one weight for each of them"));
    let live = ui.checkbox(&mut form.is_live, say!("Preview while painting"));
    beside(&live, say!("Shows after every stroke what the classifier makes of the slice; nothing changes yet"));
    if form != studio.pixels.form {
        outbox.send(Request::Pixels(Box::new(form)));
    }
    if let Some(lacks) = studio.pixels.lacks {
        note(ui, words::text(lacks));
    }
    ui.horizontal(|ui| {
        command_button(ui, studio, outbox, "pixels.take", Some(say!("Use in this slice")));
        command_button(ui, studio, outbox, "pixels.all", Some(say!("Use in all slices")));
    });
}

/// Which label's scribbles stand for the background.
fn background_ui(ui: &mut egui::Ui, studio: &Studio, labels: &[Label], form: &mut PixelForm, outbox: &mut Outbox) {
    let chosen = crate::app::act::pixels::background(studio);
    let mut background = chosen;
    let name_of = |label: &Label| format!("{} {}", label.value, label.name);
    let shown =
        labels.iter().find(|label| Some(label.value) == chosen).map_or_else(|| say!("none").to_string(), name_of);
    let mut is_new = false;
    // The caption is longer than others, so it stands above its list.
    let caption = ui.label(say!("Stands for background"));
    let list = egui::ComboBox::from_id_salt("background").width(ui.available_width()).truncate().selected_text(shown);
    let list = list.show_ui(ui, |ui| {
        ui.selectable_value(&mut background, None, say!("none"));
        for label in labels {
            ui.selectable_value(&mut background, Some(label.value), name_of(label));
        }
        is_new = ui.button(say!("a new label")).clicked();
    });
    let list = list.response.labelled_by(caption.id);
    beside(&list, say!("What looks like the scribbles of this label stays without a label"));
    if is_new {
        outbox.send(Request::NewBackground);
    } else if background != chosen {
        let label = labels.iter().find(|label| Some(label.value) == background);
        form.background = label.map(|label| (label.value, label.name.clone()));
    }
}
