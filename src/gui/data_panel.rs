//! The panel on the left: what was found and opened.

use super::app::{App, Item};
use super::egui;
use super::saving::file_name;
use super::still;
use super::theme::{self, UNIT};
use egui_phosphor::regular as icon;

/// Shows the panel.
pub fn data_panel_ui(ui: &mut egui::Ui, app: &mut App) {
    let mut chosen = None;
    let panel =
        egui::Panel::left("data").default_size(app.settings.widths[0]).size_range(160.0..=420.0).show(ui, |ui| {
            ui.add_space(2.0 * UNIT);
            let t = theme::tokens(ui);
            ui.label(egui::RichText::new("Data").heading());
            if app.items.is_empty() {
                ui.label(egui::RichText::new("Series and volumes appear here.").color(t.dim));
            }
            egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                for (n, item) in app.items.iter().enumerate() {
                    if item_ui(ui, item, app.shown == Some(n)) {
                        chosen = Some(n);
                    }
                }
                if let Some(viewer) = &app.viewer {
                    segmentation_ui(ui, viewer);
                }
                skipped_ui(ui, app);
            });
        });
    still::keep(ui.ctx(), panel.response.rect);
    app.settings.widths[0] = panel.response.rect.width().round();
    if let Some(n) = chosen {
        app.show_item(n, ui.ctx());
    }
}

fn item_ui(ui: &mut egui::Ui, item: &Item, shown: bool) -> bool {
    let t = theme::tokens(ui);
    let (rect, response) =
        ui.allocate_exact_size(egui::vec2(ui.available_width(), theme::THUMBNAIL + 2.0 * UNIT), egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::Button, true, shown, &item.entry.name));
    let fill = if shown || response.hovered() { t.card } else { t.panel };
    let stroke = if shown {
        t.accent
    } else if response.has_focus() {
        t.text
    } else {
        fill
    };
    ui.painter().rect(rect, 4.0, fill, egui::Stroke::new(1.0, stroke), egui::StrokeKind::Inside);
    let thumbnail = egui::Rect::from_min_size(rect.min + egui::vec2(UNIT, UNIT), egui::Vec2::splat(theme::THUMBNAIL));
    match &item.thumbnail {
        Some(texture) => {
            let size = texture.size_vec2();
            let fitted = size * (theme::THUMBNAIL / size.max_elem());
            let place = egui::Rect::from_center_size(thumbnail.center(), fitted);
            let all = egui::Rect::from_min_max(egui::Pos2::ZERO, egui::pos2(1.0, 1.0));
            ui.painter().image(texture.id(), place, all, egui::Color32::WHITE);
        }
        None => {
            let font = egui::FontId::proportional(theme::HEADING);
            ui.painter().text(thumbnail.center(), egui::Align2::CENTER_CENTER, icon::IMAGE, font, t.dim);
        }
    }
    let text = egui::Rect::from_min_max(
        thumbnail.right_top() + egui::vec2(2.0 * UNIT, 0.0),
        rect.max - egui::vec2(UNIT, UNIT),
    );
    let painter = ui.painter().with_clip_rect(text);
    let [i, j, k] = item.entry.shape;
    let modality = if item.entry.modality.is_empty() { String::new() } else { format!("{}  ", item.entry.modality) };
    painter.text(
        text.min + egui::vec2(0.0, UNIT),
        egui::Align2::LEFT_TOP,
        &item.entry.name,
        egui::FontId::proportional(theme::TEXT),
        t.text,
    );
    let facts = format!("{modality}{i} \u{d7} {j} \u{d7} {k}");
    painter.text(
        text.min + egui::vec2(0.0, 5.5 * UNIT),
        egui::Align2::LEFT_TOP,
        facts,
        egui::FontId::proportional(theme::SMALL),
        t.dim,
    );
    response
        .on_hover_text(format!("{}\n{} file(s)\n{}", item.entry.name, item.entry.file_count, item.entry.path.display()))
        .clicked()
}

fn segmentation_ui(ui: &mut egui::Ui, viewer: &super::viewer::Viewer) {
    let t = theme::tokens(ui);
    ui.add_space(2.0 * UNIT);
    ui.label(egui::RichText::new("Segmentation").heading());
    let count = viewer.session.document().table.0.len();
    let saved = match &viewer.saved_as {
        Some(file) if !viewer.session.is_modified() => Some(format!("saved as {}", file_name(&file.path))),
        _ if viewer.session.is_modified() => Some("not saved".to_string()),
        _ => None,
    };
    let text = if count == 0 {
        "empty".to_string()
    } else if count == 1 {
        "1 label".to_string()
    } else {
        format!("{count} labels")
    };
    ui.label(
        egui::RichText::new([Some(text), saved].into_iter().flatten().collect::<Vec<_>>().join(", ")).color(t.dim),
    );
}

fn skipped_ui(ui: &mut egui::Ui, app: &App) {
    if app.skipped.is_empty() {
        return;
    }
    ui.add_space(2.0 * UNIT);
    egui::CollapsingHeader::new(format!("{} file(s) not shown", app.skipped.len())).show(ui, |ui| {
        for skipped in app.skipped.iter().take(200) {
            let name = skipped.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let text = format!("{name}: {}", skipped.reason);
            ui.add(egui::Label::new(egui::RichText::new(text).small()).wrap())
                .on_hover_text(skipped.path.display().to_string());
        }
    });
}
