//! The two lines at the bottom: messages and jobs above, and below what lies under the pointer.

use super::notices::notices_ui;
use super::tray::tray_ui;
use crate::app::{Outbox, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::gui::views::number;
use crate::volume::{RAS_LETTERS, Uptake};
use crate::words::say;

/// A part of the line: its width in grid units, its caption, what it says, and more about it.
type Cell = (f32, &'static str, String, &'static str);

/// Shows them. They keep their height, so that no view jumps when a message comes.
pub fn status_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    egui::Panel::bottom("status").exact_size(theme::STATUS_HEIGHT).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0 * UNIT;
            pointer_ui(ui, studio);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| machine_ui(ui, studio));
        });
    });
    egui::Panel::bottom("messages").exact_size(theme::TRAY_HEIGHT).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                tray_ui(ui, studio, outbox);
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    notices_ui(ui, studio, outbox);
                });
            });
        });
    });
}

fn pointer_ui(ui: &mut egui::Ui, studio: &Studio) {
    let t = theme::tokens(ui);
    let small = |text: &str| egui::RichText::new(text).small().color(t.dim);
    let cells = cells(studio);
    if cells.is_empty() {
        ui.label(small(say!("No scan")));
        return;
    }
    for (width, caption, text, hint) in cells {
        let size = egui::vec2(width * UNIT, 4.0 * UNIT);
        let (rect, response) = ui.allocate_exact_size(size, egui::Sense::hover());
        // Laid out to its width instead of clipped to it: a clip of its own would be a call of the device's for each cell.
        let job = cell_text([(caption, t.dim), (&text, t.text)], rect.width());
        let galley = ui.painter().layout_job(job);
        ui.painter().galley(egui::pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, t.text);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, format!("{caption}: {text}")));
        response.on_hover_text(format!("{hint}\n{text}"));
    }
}

/// A caption and what it says in one line, cut with an ellipsis where it is wider than `width` points.
fn cell_text([caption, text]: [(&str, egui::Color32); 2], width: f32) -> egui::text::LayoutJob {
    let font = egui::FontId::proportional(theme::SMALL);
    let mut job = egui::text::LayoutJob::default();
    job.append(caption.0, 0.0, egui::TextFormat::simple(font.clone(), caption.1));
    job.append(text.0, UNIT, egui::TextFormat::simple(font, text.1));
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    job
}

/// What lies under the pointer, or under the cursor where the pointer is elsewhere.
fn cells(studio: &Studio) -> Vec<Cell> {
    let (Some(volume), Some(view)) = (studio.volume(), studio.view()) else { return Vec::new() };
    let voxel = studio.hover.and_then(|hover| hover.voxel).unwrap_or(view.cursor);
    let [i, j, k] = voxel.map(|n| n + 1);
    let mut cells: Vec<Cell> = vec![
        (
            54.0,
            say!("Position"),
            position(volume.geometry.world_at(voxel)),
            say!("Millimetres to the right or left, front or back, head or feet"),
        ),
        (30.0, say!("Voxel"), format!("{i} {j} {k}"), say!("Column, row and slice of the file, counted from 1")),
    ];
    if let Some(hover) = studio.hover
        && let Some(layout) = studio.layout(hover.plane)
    {
        let [.., slice] = layout.screen(view.cursor);
        cells.push((
            24.0,
            say!("Slice"),
            format!("{} / {}", slice + 1, layout.size[2]),
            say!("Slice of the view under the pointer"),
        ));
    }
    if volume.frame_count() > 1 {
        cells.push((
            20.0,
            say!("Frame"),
            format!("{} / {}", view.frame + 1, volume.frame_count()),
            say!("Time point or channel"),
        ));
    }
    cells.push((
        24.0,
        say!("Value"),
        number(volume.value(voxel, view.frame)),
        say!("The image's value, as the file means it"),
    ));
    if let Some(Uptake::Factor(factor)) = &volume.uptake {
        let uptake = number(volume.value(voxel, view.frame) * factor);
        cells.push((
            20.0,
            say!("SUV"),
            uptake,
            say!("Standardised uptake value by body weight, in grams a millilitre"),
        ));
    }
    if studio.overlay().is_some() {
        let value = studio.overlay_value(voxel).map_or_else(|| say!("outside").into(), number);
        cells.push((24.0, say!("Overlay"), value, say!("The value there of the scan that is laid over, interpolated")));
    }
    let label = studio.shown_labels().map_or(0, |(labels, _)| labels.get(voxel));
    let name = match label {
        0 => say!("none").to_string(),
        label => {
            let named = studio.shown_table().and_then(|table| table.get(label)).map(|label| label.name.clone());
            named.unwrap_or_else(|| say!("Label {label}", label))
        }
    };
    cells.push((40.0, say!("Label"), name, say!("The label there")));
    cells
}

/// A place by the directions of the patient: "R 2.1  A 114.0  I 21.6 mm".
fn position(world_mm: [f64; 3]) -> String {
    let along = |axis: usize| {
        let [plus, minus] = RAS_LETTERS[axis];
        let mm = world_mm[axis];
        // What is shown as zero has no direction to the other side.
        let letter = if mm <= -0.05 { minus } else { plus };
        format!("{letter} {:.1}", mm.abs())
    };
    format!("{}  {}  {} mm", along(0), along(1), along(2))
}

fn machine_ui(ui: &mut egui::Ui, studio: &Studio) {
    let dim = theme::tokens(ui).dim;
    if let (Some(volume), Some(segmentation)) = (studio.volume(), studio.segmentation()) {
        let megabytes = (volume.byte_count() + segmentation.labels().byte_count()) as f64 / 1e6;
        let decimals = usize::from(megabytes < 10.0);
        ui.label(
            egui::RichText::new(say!("Memory {megabytes} MB", megabytes = format!("{megabytes:.decimals$}")))
                .small()
                .color(dim),
        )
        .on_hover_text(say!("Voxels and labels of the scan on screen, in memory"));
    }
    if !studio.models.device.is_empty() {
        ui.label(egui::RichText::new(say!("Device {device}", device = studio.models.device)).small().color(dim))
            .on_hover_text(say!("Device of the last network run"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_has_the_patients_directions() {
        assert_eq!(position([-2.1, 114.0, -21.6]), "L 2.1  A 114.0  I 21.6 mm");
        assert_eq!(position([0.0, -0.04, 7.25]), "R 0.0  A 0.0  S 7.2 mm");
    }
}
