//! Attention: where the network looks.

use crate::gui::app::App;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use egui_plot::{Bar, BarChart, Plot};

/// Height of the chart of channels.
const CHART: f32 = 24.0 * UNIT;

/// Shows the card.
pub fn attention_ui(ui: &mut egui::Ui, app: &mut App) {
    let t = theme::tokens(ui);
    if !app.model_has_attention() {
        let text = "The chosen model has no attention. Teach one that has to see where it looks.";
        ui.add(egui::Label::new(egui::RichText::new(text).small().color(t.dim)).wrap());
        return;
    }
    let hint =
        "Runs the model on the slice at the cursor, along the model's axis, and lays over it what a block weighs";
    ui.checkbox(&mut app.attending.on, "Show where the network looks").on_hover_text(hint);
    let Some(view) = app.attending.view.clone().filter(|_| app.attending.on) else { return };
    let name =
        |n: usize| view.blocks.get(n).map_or(String::new(), |block| format!("{} ({})", block.name, block.kind()));
    app.attending.block = app.attending.block.min(view.blocks.len().saturating_sub(1));
    let width = ui.available_width() - 16.0 * UNIT;
    let list = egui::ComboBox::from_label("Block").width(width).truncate();
    list.selected_text(name(app.attending.block)).show_ui(ui, |ui| {
        for n in 0..view.blocks.len() {
            ui.selectable_value(&mut app.attending.block, n, name(n));
        }
    });
    let Some(block) = view.blocks.get(app.attending.block) else { return };
    match block.channels() {
        Some(weights) => {
            let bars = weights.iter().enumerate().map(|(n, w)| Bar::new(n as f64, f64::from(*w)).width(1.0)).collect();
            let plot = Plot::new("channels").height(CHART).include_y(0.0).include_y(1.0);
            plot.allow_drag(false).allow_zoom(false).allow_scroll(false).show_x(false).show(ui, |plot| {
                plot.bar_chart(BarChart::new("weight", bars).color(t.accent));
            });
            ui.label(egui::RichText::new("Weight of each channel, the same everywhere").small().color(t.dim));
        }
        None => {
            let text = format!(
                "In the {} view; what is weighed most is brightest. Pairs, rows and columns are those of the cursor's position.",
                view.axis.name()
            );
            ui.add(egui::Label::new(egui::RichText::new(text).small().color(t.dim)).wrap());
        }
    }
}
