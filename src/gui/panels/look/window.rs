//! Window, presets, interpolation, frame.

use super::histogram::histogram_ui;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, command_button, list_row, note, row};
use crate::gui::egui;
use crate::volume::{Volume, Window};

/// Radiology's usual windows, width and level.
const PRESETS: [(&str, f64, f64); 9] = [
    ("Brain", 80.0, 40.0),
    ("Stroke", 40.0, 40.0),
    ("Subdural", 200.0, 75.0),
    ("Abdomen", 400.0, 40.0),
    ("Liver", 150.0, 90.0),
    ("Mediastinum", 400.0, 50.0),
    ("Lung", 1500.0, -600.0),
    ("Bone", 2000.0, 400.0),
    ("CTA", 600.0, 200.0),
];

/// Shows the section.
pub fn window_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let (Some(volume), Some(view)) = (studio.volume(), studio.view()) else { return };
    let mut window = view.window;
    histogram_ui(ui, volume.statistics(), &mut window);
    levels_ui(ui, volume, &mut window);
    presets_ui(ui, &mut window);
    if window != view.window {
        outbox.send(Request::Window(window));
    }
    ui.horizontal(|ui| {
        command_button(ui, studio, outbox, "view.auto-window", Some("Auto"));
        command_button(ui, studio, outbox, "view.file-window", Some("Reset"));
    });
    if volume.display.window.is_none() && volume.is_ct() {
        note(ui, "The file gives no window; its values are those of CT, which begins with soft tissue.");
    }
    let mut settings = studio.settings.clone();
    let smooth = ui.checkbox(&mut settings.smooth, "Interpolate the image");
    beside(&smooth, "Off shows every voxel as a block (I)");
    if smooth.changed() {
        outbox.send(Request::Settings(Box::new(settings)));
    }
    frame_ui(ui, volume, view.frame, outbox);
}

fn levels_ui(ui: &mut egui::Ui, volume: &Volume, window: &mut Window) {
    let span = volume.statistics().max - volume.statistics().min;
    let speed = (volume.statistics().std / 50.0).max(span / 1e4).max(1e-9);
    // Three digits of the range, two at least.
    let decimals = if span > 0.0 { (3.0 - span.log10()).ceil().clamp(2.0, 9.0) as usize } else { 2 };
    let value = |value| egui::DragValue::new(value).speed(speed).max_decimals(decimals);
    row(ui, "Width", |ui| {
        let width = ui.add(value(&mut window.width).range(1e-6..=f64::MAX));
        beside(&width, "Width of the window: the values from black to white");
    });
    row(ui, "Level", |ui| {
        beside(&ui.add(value(&mut window.level)), "Middle of the window: the value that is mid-grey");
    });
}

fn presets_ui(ui: &mut egui::Ui, window: &mut Window) {
    let is_chosen = |width: f64, level: f64| (window.width, window.level) == (width, level);
    let chosen = PRESETS.iter().find(|(_, width, level)| is_chosen(*width, *level));
    let shown = chosen.map_or("Choose for CT", |(name, ..)| name);
    let list = list_row(ui, "Preset", shown, |ui| {
        for (name, width, level) in PRESETS {
            let text = format!("{name}  {width:.0} / {level:.0}");
            if ui.selectable_label(chosen.is_some_and(|(of, ..)| *of == name), text).clicked() {
                *window = Window { level, width };
            }
        }
    });
    beside(&list, "Radiology's usual windows for CT, width and level");
}

/// Frames are counted from 1, as slices and voxels are.
fn frame_ui(ui: &mut egui::Ui, volume: &Volume, frame: usize, outbox: &mut Outbox) {
    let frames = volume.frame_count();
    if frames < 2 {
        return;
    }
    let mut number = frame + 1;
    row(ui, "Frame", |ui| {
        let slider = ui.add(egui::Slider::new(&mut number, 1..=frames));
        beside(&slider, "Time point or channel");
    });
    if number != frame + 1 {
        outbox.send(Request::Frame(number.saturating_sub(1)));
    }
}
