//! A second scan laid over the one on screen: which, how strongly, in which colours, with which window; and what turning to it keeps.

use super::window::decimals;
use crate::app::act::overlay;
use crate::app::state::overlay::{Fit, Laid};
use crate::app::{Outbox, Request, Settings, Studio};
use crate::drawing::ColourMap;
use crate::gui::controls::{beside, command_button, list_row, note, row};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::session::ScanId;
use crate::volume::Volume;
use crate::words::{self, say};

/// Height of the strip of colours.
const STRIP: f32 = 3.0 * UNIT;

/// Shows the section.
pub fn overlay_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(view) = studio.view() else { return };
    let others = overlay::others(studio);
    let mut settings = studio.settings.clone();
    if others.is_empty() {
        note(
            ui,
            say!("Open a second scan of the patient to lay it over this one: another series in the list on the left."),
        );
    } else {
        let mut form = view.overlay;
        let chosen = others.iter().find(|(scan, ..)| form.laid.is_some_and(|laid| laid.scan == *scan)).copied();
        scan_ui(ui, &others, chosen, outbox);
        if let (Some((scan, _, fit)), Some(laid)) = (chosen, &mut form.laid)
            && let Some(over) = studio.session.document().scan(scan)
        {
            let shown = ui.checkbox(&mut form.is_on, say!("Show the overlay"));
            beside(&shown, say!("Lays the chosen scan over the images, under the labels (O)"));
            note(ui, words::text(fit.text()));
            if fit == Fit::OtherSpace {
                let all_the_same = ui.checkbox(&mut laid.in_other_space, say!("Lay it over all the same"));
                beside(
                    &all_the_same,
                    say!("Only where the scans were registered: the files do not say that their places agree"),
                );
            }
            colours_ui(ui, &mut settings);
            window_ui(ui, over, laid, &mut settings, studio, outbox);
        }
        if form != view.overlay {
            outbox.send(Request::Overlay(form));
        }
    }
    links_ui(ui, &mut settings);
    if settings != studio.settings {
        outbox.send(Request::Settings(Box::new(settings)));
    }
}

fn scan_ui(
    ui: &mut egui::Ui,
    others: &[(ScanId, &str, Fit)],
    chosen: Option<(ScanId, &str, Fit)>,
    outbox: &mut Outbox,
) {
    let now = chosen.map(|(scan, ..)| scan);
    let list = list_row(ui, say!("Scan"), chosen.map_or(say!("none"), |(_, name, _)| name), |ui| {
        if ui.selectable_label(now.is_none(), say!("none")).clicked() && now.is_some() {
            outbox.send(Request::ChooseOverlay(None));
        }
        for (scan, name, fit) in others {
            let text = match fit {
                Fit::SameSpace | Fit::ByCoordinates => (*name).to_string(),
                Fit::OtherSpace => say!("{name} (other frame of reference)", name),
                Fit::Apart => say!("{name} (elsewhere)", name),
            };
            let entry = egui::Button::selectable(now == Some(*scan), text);
            let entry = ui.add_enabled(*fit != Fit::Apart, entry);
            if entry.on_disabled_hover_text(words::text(fit.text())).clicked() && now != Some(*scan) {
                outbox.send(Request::ChooseOverlay(Some(*scan)));
            }
        }
    });
    beside(&list, say!("The open scan that is laid over this one"));
}

fn colours_ui(ui: &mut egui::Ui, settings: &mut Settings) {
    row(ui, say!("Opacity"), |ui| {
        let opacity = ui.add(egui::Slider::new(&mut settings.overlay_opacity, 0.0..=1.0).fixed_decimals(2));
        opacity.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Slider, true, say!("Overlay opacity")));
        beside(&opacity, say!("How much of the image the overlay covers (Shift+A, Shift+D)"));
    });
    let list = list_row(ui, say!("Colours"), words::text(settings.overlay_colours.name()), |ui| {
        for map in ColourMap::ALL {
            ui.selectable_value(&mut settings.overlay_colours, map, words::text(map.name()));
        }
    });
    beside(&list, say!("Colours of the overlay's values, from the low to the high end of its window"));
    strip_ui(ui, settings.overlay_colours);
}

/// The colours from the low to the high end.
fn strip_ui(ui: &mut egui::Ui, map: ColourMap) {
    row(ui, "", |ui| {
        let size = egui::vec2(ui.available_width(), STRIP);
        let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
        let mut mesh = egui::Mesh::default();
        let table = map.table();
        for (n, [r, g, b]) in table.iter().enumerate() {
            let x = rect.left() + rect.width() * n as f32 / (table.len() - 1) as f32;
            let colour = egui::Color32::from_rgb(*r, *g, *b);
            mesh.colored_vertex(egui::pos2(x, rect.top()), colour);
            mesh.colored_vertex(egui::pos2(x, rect.bottom()), colour);
            if n > 0 {
                let last = 2 * n as u32;
                mesh.add_triangle(last - 2, last - 1, last);
                mesh.add_triangle(last - 1, last, last + 1);
            }
        }
        ui.painter().add(mesh);
        ui.painter().rect_stroke(rect, 0.0, (1.0, theme::tokens(ui).line), egui::StrokeKind::Inside);
    });
}

fn window_ui(
    ui: &mut egui::Ui,
    over: &Volume,
    laid: &mut Laid,
    settings: &mut Settings,
    studio: &Studio,
    outbox: &mut Outbox,
) {
    let statistics = over.statistics();
    let span = statistics.max - statistics.min;
    let speed = (statistics.std / 50.0).max(span / 1e4).max(1e-9);
    let value = |ui: &mut egui::Ui, caption: &str, number: &mut f64, least: f64, about: &str| {
        row(ui, caption, |ui| {
            let control =
                ui.add(egui::DragValue::new(number).speed(speed).range(least..=f64::MAX).max_decimals(decimals(span)));
            let name = say!("Overlay {caption}", caption = caption.to_lowercase());
            control.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::DragValue, true, &name));
            beside(&control, about);
        });
    };
    value(
        ui,
        say!("Width"),
        &mut laid.window.width,
        1e-6,
        say!("The overlay's values from the lowest to the highest colour"),
    );
    value(ui, say!("Level"), &mut laid.window.level, f64::MIN, say!("The overlay's value that has the middle colour"));
    command_button(ui, studio, outbox, "view.overlay-window", Some(say!("Auto window")));
    let hides = ui.checkbox(&mut settings.overlay_hides_low, say!("Clear below the window"));
    beside(&hides, say!("Values below the window's low end leave the image as it is, as PET is laid over CT"));
    let frames = over.frame_count();
    if frames > 1 {
        let mut number = laid.frame + 1;
        row(ui, say!("Frame"), |ui| {
            let slider = ui.add(egui::Slider::new(&mut number, 1..=frames));
            beside(&slider, say!("The time point or channel that is laid over"));
        });
        laid.frame = number.saturating_sub(1).min(frames - 1);
        note(ui, say!("Frame {frame} of {frames} is laid over.", frame = laid.frame + 1, frames));
    }
}

fn links_ui(ui: &mut egui::Ui, settings: &mut Settings) {
    let links = ui.checkbox(&mut settings.links_scans, say!("Keep the place between scans"));
    beside(
        &links,
        say!(
            "Turning to another scan with the same frame of reference, or one that is laid over, keeps cursor, zoom and middle of the views"
        ),
    );
    ui.add_enabled_ui(settings.links_scans, |ui| {
        let more = ui.checkbox(&mut settings.links_by_coordinates, say!("Also without a frame of reference"));
        beside(
            &more,
            say!("NIfTI and other files state none: say so where open scans are of one patient and one space"),
        );
    });
}
