//! The options of the tool in hand, as it declares them, and what it does with the mouse.

use crate::app::commands::profile;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, icon_button, list_row, note, row};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::tools::{OptionKind, OptionValue, ToolOption, window_values};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Height of the hint: three small lines.
const HINT: f32 = 12.0 * UNIT;

/// Height of what is shown, so that the list of labels leaves it room.
pub fn height(ui: &egui::Ui, studio: &Studio) -> f32 {
    let rows = studio.hand.entry.options.len() as f32;
    let more = if right_zooms(studio) { theme::SMALL + ui.spacing().item_spacing.y } else { 0.0 };
    HINT + more + rows * (ui.spacing().interact_size.y + ui.spacing().item_spacing.y)
}

/// Whether the right button does something else than the tool's hint says.
fn right_zooms(studio: &Studio) -> bool {
    studio.hand.entry.paints && profile(studio.settings.keys.profile()).right_zooms
}

/// Shows the tool's hint and its options.
pub fn options_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let entry = studio.hand.entry;
    note(ui, say!("{tool}: {hint}.", tool = words::text(entry.name), hint = words::text(entry.hint)));
    if right_zooms(studio) {
        note(ui, say!("With these keys the right button zooms."));
    }
    for option in entry.options {
        let chosen = studio.settings.tools.get(option);
        let value = option_ui(ui, studio, option, chosen);
        if value != chosen {
            outbox.send(Request::ToolOption(option, value));
        }
    }
}

fn option_ui(ui: &mut egui::Ui, studio: &Studio, option: &ToolOption, chosen: OptionValue) -> OptionValue {
    match (option.kind, chosen) {
        (OptionKind::Millimetres { range, .. }, OptionValue::Number(number)) => {
            // A logarithm begins above 0.
            number_ui(ui, option, number, range, |slider| slider.logarithmic(range[0] > 0.0).step_by(0.5).suffix(" mm"))
        }
        (OptionKind::Percent { range, .. }, OptionValue::Number(number)) => {
            number_ui(ui, option, number, range, |slider| slider.step_by(1.0).suffix(" %"))
        }
        (OptionKind::Choice(choices), OptionValue::Choice(mut id)) => {
            let name = choices.iter().find(|choice| choice.id == id).map_or("", |choice| words::text(choice.name));
            let list = list_row(ui, words::text(option.name), name, |ui| {
                for choice in choices {
                    ui.selectable_value(&mut id, choice.id, words::text(choice.name));
                }
            });
            beside(&list, words::text(option.hint));
            OptionValue::Choice(id)
        }
        (OptionKind::Flag(_), OptionValue::Flag(mut is_on)) => {
            beside(&ui.checkbox(&mut is_on, words::text(option.name)), words::text(option.hint));
            OptionValue::Flag(is_on)
        }
        (OptionKind::Values, OptionValue::Values(range)) => values_ui(ui, studio, option, range),
        _ => chosen,
    }
}

/// A slider with its caption on the left, by which it is found.
fn number_ui(
    ui: &mut egui::Ui,
    option: &ToolOption,
    mut number: f64,
    [low, high]: [f64; 2],
    style: impl FnOnce(egui::Slider<'_>) -> egui::Slider<'_>,
) -> OptionValue {
    ui.horizontal(|ui| {
        let size = egui::vec2(theme::CAPTION, ui.spacing().interact_size.y);
        let left = egui::Layout::left_to_right(egui::Align::Center);
        let caption = ui.allocate_ui_with_layout(size, left, |ui| {
            ui.set_min_width(theme::CAPTION);
            ui.add(egui::Label::new(words::text(option.name)).truncate())
        });
        let slider = ui.add(style(egui::Slider::new(&mut number, low..=high)));
        beside(&slider.labelled_by(caption.inner.id), words::text(option.hint));
    });
    OptionValue::Number(number)
}

/// From and to, and back to the display window's.
fn values_ui(ui: &mut egui::Ui, studio: &Studio, option: &ToolOption, range: Option<[f64; 2]>) -> OptionValue {
    let (Some(volume), Some(view)) = (studio.volume(), studio.view()) else { return OptionValue::Values(range) };
    let values = volume.statistics();
    let speed = ((values.max - values.min) / 500.0).max(1e-6);
    let shown = range.unwrap_or_else(|| window_values(view.window));
    let [mut low, mut high] = shown;
    let mut is_reset = false;
    row(ui, words::text(option.name), |ui| {
        for (value, name) in [(&mut low, say!("Lowest value painted")), (&mut high, say!("Highest value painted"))] {
            let field = ui.add(egui::DragValue::new(value).speed(speed).max_decimals(2));
            field.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::DragValue, true, name));
            beside(&field, words::text(option.hint));
        }
        if range.is_some() {
            let button = icon_button(ui, icon::ARROW_COUNTER_CLOCKWISE, say!("Values of the display window"));
            beside(&button, say!("Paint the values that the display window shows, also when it changes"));
            is_reset = button.clicked();
        }
    });
    let is_same = shown.map(f64::to_bits) == [low, high].map(f64::to_bits);
    match () {
        () if is_reset => OptionValue::Values(None),
        () if is_same => OptionValue::Values(range),
        () => OptionValue::Values(Some([low, high])),
    }
}
