//! Window, presets, interpolation, mirrored and inverted display, frame, playing.

use super::histogram::histogram_ui;
use crate::app::commands::{self, WINDOW_PRESETS};
use crate::app::state::cine::CINE_RATES;
use crate::app::state::views::ScanView;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, command_button, icon_command, list_row, note, row};
use crate::gui::egui;
use crate::volume::{Volume, Window};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Shows the section.
pub fn window_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let (Some(volume), Some(view)) = (studio.volume(), studio.view()) else { return };
    let mut window = view.window;
    histogram_ui(ui, volume.statistics(), &mut window);
    levels_ui(ui, volume, &mut window);
    if window != view.window {
        outbox.send(Request::Window(window));
    }
    presets_ui(ui, studio, view.window, outbox);
    ui.horizontal(|ui| {
        command_button(ui, studio, outbox, "view.auto-window", Some(say!("Auto")));
        command_button(ui, studio, outbox, "view.file-window", Some(say!("Reset")));
    });
    if volume.display.window.is_none() && volume.is_ct() {
        note(ui, say!("The file gives no window; its values are those of CT, which begins with soft tissue."));
    }
    let mut settings = studio.settings.clone();
    let smooth = ui.checkbox(&mut settings.smooth, say!("Interpolate the image"));
    beside(&smooth, say!("Off shows every voxel as a block (I)"));
    let right = ui.checkbox(&mut settings.right_drag_windows, say!("Right drag changes the window"));
    beside(&right, say!("With crosshair, hand or window tool: the right button changes width and level, not the zoom"));
    if settings != studio.settings {
        outbox.send(Request::Settings(Box::new(settings)));
    }
    display_ui(ui, studio, view, outbox);
    cine_ui(ui, studio, volume, outbox);
    frame_ui(ui, volume, view.frame, outbox);
}

/// Decimals of a value in a range this wide: three digits of the range, two at least.
pub fn decimals(span: f64) -> usize {
    if span > 0.0 { (3.0 - span.log10()).ceil().clamp(2.0, 9.0) as usize } else { 2 }
}

fn levels_ui(ui: &mut egui::Ui, volume: &Volume, window: &mut Window) {
    let span = volume.statistics().max - volume.statistics().min;
    let speed = (volume.statistics().std / 50.0).max(span / 1e4).max(1e-9);
    let decimals = decimals(span);
    let value = |value| egui::DragValue::new(value).speed(speed).max_decimals(decimals);
    row(ui, say!("Width"), |ui| {
        let width = ui.add(value(&mut window.width).range(1e-6..=f64::MAX));
        beside(&width, say!("Width of the window: the values from black to white"));
    });
    row(ui, say!("Level"), |ui| {
        beside(&ui.add(value(&mut window.level)), say!("Middle of the window: the value that is mid-grey"));
    });
}

fn presets_ui(ui: &mut egui::Ui, studio: &Studio, window: Window, outbox: &mut Outbox) {
    let chosen = WINDOW_PRESETS.iter().find(|preset| preset.window() == window);
    let shown = chosen.map_or(say!("Choose for CT"), |preset| words::text(preset.name));
    let list = list_row(ui, say!("Preset"), shown, |ui| {
        for preset in &WINDOW_PRESETS {
            let Window { width, level } = preset.window();
            let keys = commands::find(preset.id).map(|entry| commands::keys_of(&studio.settings.keys, entry));
            let key = keys.and_then(|keys| keys.first().map(|key| format!("  ({key})"))).unwrap_or_default();
            let text = format!("{}  {width:.0} / {level:.0}{key}", words::text(preset.name));
            if ui.selectable_label(preset.window() == window, text).clicked() {
                outbox.run(preset.id);
            }
        }
    });
    beside(&list, say!("Radiology's usual windows for CT, width and level"));
}

/// Frames are counted from 1, as slices and voxels are.
fn frame_ui(ui: &mut egui::Ui, volume: &Volume, frame: usize, outbox: &mut Outbox) {
    let frames = volume.frame_count();
    if frames < 2 {
        return;
    }
    let mut number = frame + 1;
    row(ui, say!("Frame"), |ui| {
        // Without a step a key moves it by a point of the screen, which may be no frame.
        // The number is a widget of its own: of both together the name and the focus would be those of either, now of one, now of the other.
        let slider = ui.add(egui::Slider::new(&mut number, 1..=frames).step_by(1.0).show_value(false));
        slider.widget_info(|| egui::WidgetInfo::slider(true, number as f64, say!("Frame")));
        beside(&slider, say!("Time point, b-value, phase or channel (Alt+Left, Alt+Right)"));
        let field = ui.add(egui::DragValue::new(&mut number).range(1..=frames));
        field.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::DragValue, true, say!("Number of the frame")));
    });
    if let Some(name) = volume.frame_names.get(frame) {
        note(ui, name);
    }
    if number != frame + 1 {
        outbox.send(Request::Frame(number.saturating_sub(1)));
    }
}

/// Mirrored and inverted display. Each view is mirrored for itself.
fn display_ui(ui: &mut egui::Ui, studio: &Studio, view: &ScanView, outbox: &mut Outbox) {
    ui.horizontal(|ui| {
        command_button(
            ui,
            studio,
            outbox,
            "view.invert",
            Some(if view.inverted { say!("Not inverted") } else { say!("Invert") }),
        );
        if view.flips.iter().flatten().any(|is_on| *is_on) {
            command_button(ui, studio, outbox, "view.unflip", Some(say!("Unflip all views")));
        }
    });
}

/// Plays slices or frames.
fn cine_ui(ui: &mut egui::Ui, studio: &Studio, volume: &Volume, outbox: &mut Outbox) {
    let mut settings = studio.settings.clone();
    row(ui, say!("Play"), |ui| {
        let is_on = studio.cine.is_some();
        let sign = if is_on { icon::STOP } else { icon::PLAY };
        icon_command(ui, studio, outbox, "view.cine", sign);
        if volume.frame_count() > 1 {
            icon_command(ui, studio, outbox, "view.cine-frames", icon::FILM_STRIP);
        }
        let rate = egui::DragValue::new(&mut settings.cine_rate)
            .range(CINE_RATES)
            .speed(0.2)
            .max_decimals(0)
            .suffix(say!(" a second"));
        let rate = ui.add(rate);
        rate.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::DragValue, true, say!("Rate of playing")));
        beside(&rate, say!("Slices or frames a second when they are played; any key stops"));
    });
    if settings != studio.settings {
        outbox.send(Request::Settings(Box::new(settings)));
    }
}
