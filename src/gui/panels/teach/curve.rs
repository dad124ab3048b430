//! Loss, rate and Dice over the share of the budget.

use crate::app::state::teach::Curve;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::say;
use egui_plot::{Line, Plot, PlotPoints};

/// Height of the curve.
const HEIGHT: f32 = 32.0 * UNIT;
/// Longest name of a line below it, in letters.
const LONGEST_NAME: usize = 28;

/// Shows it; what is what stands below, where it hides no line.
pub fn curve_ui(ui: &mut egui::Ui, curve: &Curve) {
    let t = theme::tokens(ui);
    let highest = curve.rate.iter().map(|[_, rate]| *rate).fold(0.0, f64::max);
    let rate: Vec<[f64; 2]> = curve.rate.iter().map(|[done, rate]| [*done, rate / highest.max(1e-12)]).collect();
    let mut lines = vec![
        (say!("loss").to_string(), curve.loss.clone(), t.dim, 1.0),
        (say!("learning rate / {highest}", highest = format!("{highest:.0e}")), rate, t.warn, 1.0),
    ];
    for (n, (name, points)) in curve.dice.iter().enumerate() {
        let [r, g, b] = crate::volume::default_colour(n as u16 + 1);
        lines.push((format!("Dice {name}"), points.clone(), egui::Color32::from_rgb(r, g, b), 2.0));
    }
    let plot = Plot::new("teaching")
        .height(HEIGHT)
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
            ui.label(egui::RichText::new("\u{2014}").small().color(colour));
            // Names are read in the text's colour: a label's colour may be too light for it.
            ui.add(egui::Label::new(egui::RichText::new(shortened(&name, LONGEST_NAME)).small()).extend());
        }
    });
}

/// The first letters of a name, with a sign where there are more.
pub fn shortened(name: &str, letters: usize) -> String {
    let short: String = name.chars().take(letters).collect();
    if short.len() < name.len() { short + "\u{2026}" } else { short }
}
