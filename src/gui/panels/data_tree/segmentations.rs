//! The segmentations of a scan in the data tree: a click takes one in hand, a double click renames it.

use crate::app::state::saving::file_name;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, note};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::session::{ScanId, Segmentation, SegmentationId};
use crate::words::{plural, say};
use egui_phosphor::regular as icon;

/// What a rename is in the middle of.
type Renaming = Option<(SegmentationId, String)>;

/// Shows them.
pub fn segmentations_ui(ui: &mut egui::Ui, scan: ScanId, studio: &Studio, outbox: &mut Outbox) {
    let memory = egui::Id::new("renamed segmentation");
    let mut renaming = ui.data(|data| data.get_temp::<Renaming>(memory)).flatten();
    for (id, segmentation) in studio.session.document().segmentations_of(scan) {
        ui.horizontal(|ui| {
            ui.add_space(3.0 * UNIT);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                match &mut renaming {
                    Some((of, name)) if *of == id => {
                        let field = egui::TextEdit::singleline(name).desired_width(ui.available_width());
                        let field = ui.add(field);
                        field.widget_info(|| {
                            egui::WidgetInfo::labeled(
                                egui::WidgetType::TextEdit,
                                true,
                                say!("Name of the segmentation"),
                            )
                        });
                        if field.lost_focus() {
                            let is_given_up = ui.input(|i| i.key_pressed(egui::Key::Escape));
                            let name = name.trim().to_string();
                            if !is_given_up && !name.is_empty() && name != segmentation.name() {
                                outbox.send(Request::RenameSegmentation(id, name));
                            }
                            renaming = None;
                        } else if !field.has_focus() {
                            field.request_focus();
                        }
                    }
                    _ => {
                        if name_ui(ui, id, segmentation, studio, outbox) {
                            renaming = Some((id, segmentation.name().to_string()));
                        }
                    }
                }
                note(ui, state(segmentation, id, studio));
            });
        });
    }
    ui.data_mut(|data| data.insert_temp(memory, renaming));
}

/// The name; whether it is to be changed.
fn name_ui(
    ui: &mut egui::Ui,
    id: SegmentationId,
    segmentation: &Segmentation,
    studio: &Studio,
    outbox: &mut Outbox,
) -> bool {
    let t = theme::tokens(ui);
    let is_in_hand = studio.active() == Some(id);
    let sign = if is_in_hand { icon::CHECK_CIRCLE } else { icon::CIRCLE };
    let colour = if is_in_hand { t.accent } else { t.text };
    let text = egui::RichText::new(format!("{sign} {}", segmentation.name())).color(colour);
    let label = egui::Label::new(text).truncate().sense(egui::Sense::click());
    let response = ui.add(label);
    let scan = studio.session.document().scan(segmentation.scan()).map(|scan| scan.name.clone()).unwrap_or_default();
    response.widget_info(|| {
        let name = say!("{name} of {scan}", name = segmentation.name(), scan);
        egui::WidgetInfo::selected(egui::WidgetType::Button, true, is_in_hand, name)
    });
    let in_hand = if is_in_hand { say!(", in hand") } else { "" };
    beside(
        &response,
        &say!("{name}{in_hand}\nClick to work on it, double-click to rename it", name = segmentation.name(), in_hand),
    );
    if response.clicked() {
        outbox.send(Request::ShowSegmentation(id));
    }
    let mut is_renamed = response.double_clicked();
    response.context_menu(|ui| {
        if ui.button(say!("Rename")).clicked() {
            is_renamed = true;
            ui.close();
        }
        if ui.button(say!("New segmentation")).clicked() {
            outbox.send(Request::NewSegmentation(segmentation.scan()));
            ui.close();
        }
    });
    is_renamed
}

/// Labels, and whether they are on disk.
fn state(segmentation: &Segmentation, id: SegmentationId, studio: &Studio) -> String {
    let file = studio.label_views.get(&id).and_then(|view| view.file.as_ref()).map(|file| file_name(&file.path));
    state_text(segmentation.table().0.len(), segmentation.is_modified(), file)
}

fn state_text(labels: usize, is_modified: bool, file: Option<String>) -> String {
    let count = match labels {
        0 => say!("empty").to_string(),
        many => plural!(many, "1 label", "{count} labels", count = many),
    };
    match file {
        _ if is_modified => say!("{count}, not saved", count),
        Some(file) => say!("{count}, saved as {file}", count, file),
        None => count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segmentations_state_is_told_in_a_few_words() {
        assert_eq!(state_text(0, false, None), "empty");
        assert_eq!(state_text(1, true, Some("a.nii".into())), "1 label, not saved");
        assert_eq!(state_text(1, false, Some("mask.nii.gz".into())), "1 label, saved as mask.nii.gz");
        assert_eq!(state_text(41, true, None), "41 labels, not saved");
    }
}
