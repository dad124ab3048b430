//! Where the network looks.

use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, list_row, note};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};
use egui_plot::{Bar, BarChart, Plot};

/// Height of the chart of channels.
const CHART: f32 = 24.0 * UNIT;

/// Shows the section.
pub fn attention_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let attending = &studio.attending;
    if !studio.models.model().is_some_and(|model| attending.has_attention(model)) {
        note(ui, say!("The chosen model has no attention. Train one with attention to see where it looks."));
        return;
    }
    let mut form = attending.form;
    let shown = ui.checkbox(&mut form.is_on, say!("Show where the network looks"));
    beside(
        &shown,
        say!("Runs the model on the slice at the cursor, along the model's axis, and lays over it what a block weighs"),
    );
    if let Some(view) = attending.view.as_ref().filter(|_| form.is_on) {
        let name =
            |n: usize| view.blocks.get(n).map_or(String::new(), |block| format!("{} ({})", block.name, block.kind()));
        form.block = form.block.min(view.blocks.len().saturating_sub(1));
        list_row(ui, say!("Block"), name(form.block), |ui| {
            for n in 0..view.blocks.len() {
                ui.selectable_value(&mut form.block, n, name(n));
            }
        });
        match view.blocks.get(form.block).map(|block| block.channels()) {
            Some(Some(weights)) => channels_ui(ui, weights),
            Some(None) => {
                let text = say!(
                    "In the {axis} view; what is weighed most is brightest. Pairs, rows and columns are those of the cursor's position.",
                    axis = words::text(view.axis.name())
                );
                note(ui, text);
            }
            None => {}
        }
    }
    if form != attending.form {
        outbox.send(Request::Attention(form));
    }
}

fn channels_ui(ui: &mut egui::Ui, weights: &[f32]) {
    let accent = theme::tokens(ui).accent;
    let bars = weights.iter().enumerate().map(|(n, w)| Bar::new(n as f64, f64::from(*w)).width(1.0)).collect();
    let plot = Plot::new("channels").height(CHART).include_y(0.0).include_y(1.0);
    plot.allow_drag(false).allow_zoom(false).allow_scroll(false).show_x(false).show(ui, |plot| {
        plot.bar_chart(BarChart::new("weight", bars).color(accent));
    });
    note(ui, say!("Weight of each channel, the same everywhere"));
}
