//! The fourth tile: what is known about the image.

use super::egui;
use super::still;
use super::theme::{self, UNIT};
use super::viewer::Viewer;
use egui_phosphor::regular as icon;

/// Shows geometry, warnings and header fields; whether the tile was double-clicked.
pub fn info_tile_ui(ui: &mut egui::Ui, rect: egui::Rect, viewer: &Viewer) -> bool {
    let response = ui.interact(rect, ui.id().with("info"), egui::Sense::click());
    let t = theme::tokens(ui);
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink(3.0 * UNIT)));
    inside.set_clip_rect(rect);
    egui::ScrollArea::vertical().auto_shrink([false, false]).id_salt("info").show(&mut inside, |ui| {
        let volume = viewer.volume();
        ui.label(egui::RichText::new("Image information").heading());
        for warning in &volume.warnings {
            ui.horizontal_top(|ui| {
                ui.label(egui::RichText::new(icon::WARNING).color(t.warn));
                ui.add(egui::Label::new(egui::RichText::new(warning).color(t.warn)).wrap());
            });
        }
        ui.add_space(UNIT);
        let geometry = &volume.geometry;
        let [si, sj, sk] = geometry.spacing_mm();
        let [ni, nj, nk] = geometry.shape();
        let statistics = volume.statistics();
        let mut rows = vec![
            ("Size".to_string(), format!("{ni} \u{d7} {nj} \u{d7} {nk} voxels")),
            (
                "Spacing".to_string(),
                if si < 0.01 {
                    // Microscopes.
                    let [si, sj, sk] = [si, sj, sk].map(|mm| mm * 1000.0);
                    format!("{si:.3} \u{d7} {sj:.3} \u{d7} {sk:.3} \u{b5}m")
                } else {
                    format!("{si:.3} \u{d7} {sj:.3} \u{d7} {sk:.3} mm")
                },
            ),
            ("Orientation".to_string(), orientation_text(geometry)),
            (
                "Values".to_string(),
                format!(
                    "{} from {} to {}",
                    volume.voxels.voxel_type().name(),
                    number(statistics.min),
                    number(statistics.max)
                ),
            ),
            ("Memory".to_string(), format!("{:.1} MB", volume.byte_count() as f64 / 1e6)),
        ];
        if volume.frame_count() > 1 {
            rows.push(("Frames".to_string(), volume.frame_count().to_string()));
        }
        rows.extend(volume.header.iter().cloned());
        egui::Grid::new("facts").num_columns(2).spacing([4.0 * UNIT, UNIT]).show(ui, |ui| {
            for (name, value) in &rows {
                ui.label(egui::RichText::new(name).color(t.dim));
                ui.add(egui::Label::new(value).wrap());
                ui.end_row();
            }
        });
    });
    still::keep(ui.ctx(), rect);
    response.double_clicked()
}

fn orientation_text(geometry: &crate::volume::Geometry) -> String {
    let oblique = if geometry.is_oblique() { ", oblique (shown along the nearest axes)" } else { "" };
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
