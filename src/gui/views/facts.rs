//! A tile with what is known about the scan.

use crate::gui::egui;
use crate::gui::paint::still;
use crate::gui::theme::{self, UNIT};
use crate::volume::{Geometry, Volume};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Room for a fact's name.
const NAME: f32 = 34.0 * UNIT;

/// Shows geometry, warnings and header fields; whether the tile was double-clicked.
pub fn facts_ui(ui: &mut egui::Ui, rect: egui::Rect, volume: &Volume) -> bool {
    let response = ui.interact(rect, ui.id().with("facts"), egui::Sense::click());
    let t = theme::tokens(ui);
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink(3.0 * UNIT)));
    inside.set_clip_rect(rect);
    egui::ScrollArea::vertical().auto_shrink([false, false]).id_salt("facts").show(&mut inside, |ui| {
        ui.label(egui::RichText::new(say!("Facts")).heading());
        for warning in &volume.warnings {
            ui.horizontal_top(|ui| {
                ui.label(egui::RichText::new(icon::WARNING).color(t.warn));
                ui.add(egui::Label::new(egui::RichText::new(words::shown(warning)).color(t.warn)).wrap());
            });
        }
        ui.add_space(UNIT);
        for (name, value) in rows(volume) {
            ui.horizontal_top(|ui| {
                let size = egui::vec2(NAME, 4.0 * UNIT);
                ui.allocate_ui(size, |ui| {
                    ui.set_min_width(NAME);
                    ui.add(egui::Label::new(egui::RichText::new(name).color(t.dim)).truncate());
                });
                ui.add(egui::Label::new(value).wrap());
            });
        }
    });
    still::keep(ui.ctx(), rect);
    response.double_clicked()
}

fn rows(volume: &Volume) -> Vec<(String, String)> {
    let geometry = &volume.geometry;
    let [si, sj, sk] = geometry.spacing_mm();
    let [ni, nj, nk] = geometry.shape();
    let statistics = volume.statistics();
    let spacing = if si < 0.01 {
        // Microscopes.
        let [si, sj, sk] = [si, sj, sk].map(|mm| mm * 1000.0);
        format!("{si:.3} \u{d7} {sj:.3} \u{d7} {sk:.3} \u{b5}m")
    } else {
        format!("{si:.3} \u{d7} {sj:.3} \u{d7} {sk:.3} mm")
    };
    let values = say!(
        "{low} to {high}, stored as {voxel_type}",
        low = number(statistics.min),
        high = number(statistics.max),
        voxel_type = volume.voxels.voxel_type().name()
    );
    let mut rows = vec![
        (say!("Size").to_string(), say!("{ni} \u{d7} {nj} \u{d7} {nk} voxels", ni, nj, nk)),
        (say!("Spacing").to_string(), spacing),
        (say!("Orientation").to_string(), orientation_text(geometry)),
        (say!("Values").to_string(), values),
        (say!("Memory").to_string(), format!("{:.1} MB", volume.byte_count() as f64 / 1e6)),
    ];
    if volume.frame_count() > 1 {
        rows.push((say!("Frames").to_string(), volume.frame_count().to_string()));
    }
    rows.extend(volume.header.iter().map(|(name, value)| (words::text(name).to_string(), value.clone())));
    rows
}

fn orientation_text(geometry: &Geometry) -> String {
    let oblique = if geometry.is_oblique() { say!(", oblique (shown along the nearest axes)") } else { "" };
    format!("{}{oblique}", geometry.orientation().code())
}

/// A value with as many digits as it deserves.
pub fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e9 {
        format!("{value:.0}")
    } else if value.abs() >= 1e6 || (value != 0.0 && value.abs() < 1e-2) {
        format!("{value:.3e}")
    } else {
        format!("{value:.3}")
    }
}
