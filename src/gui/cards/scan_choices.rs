//! Of the Teach card: what to learn from.

use crate::gui::app::{Action, App};
use crate::gui::egui;
use crate::gui::scan_choices::{ScanChoices, ScanUse};
use crate::gui::theme::{self, UNIT};
use egui_phosphor::regular as icon;

/// Most height of a list.
const LIST: f32 = 48.0 * UNIT;
/// Width of a scan's choice.
const CHOICE: f32 = 22.0 * UNIT;

/// A folder of labelled scans, or the finished slices of the one that is shown.
pub fn source_ui(ui: &mut egui::Ui, app: &mut App) {
    let t = theme::tokens(ui);
    let done = app.done_slices().len();
    // Without an image there is nothing else to choose.
    app.teach.from_scan &= app.viewer.is_some();
    if app.viewer.is_some() {
        ui.horizontal(|ui| {
            let hint = "Learn from a folder of labelled scans";
            ui.selectable_value(&mut app.teach.from_scan, false, "Folder").on_hover_text(hint);
            let text = format!("This scan, {done} done");
            let hint = "Learn from the slices of this scan that are marked done (Enter over a view, Shift+Enter for all that \
                        hold labels); what is not done is left open";
            ui.selectable_value(&mut app.teach.from_scan, true, text).on_hover_text(hint);
        });
    }
    if app.teach.from_scan {
        let hint = "Write the scan and its finished slices into a folder, to learn from several scans together";
        let button = ui.add_enabled(done > 0, egui::Button::new(format!("{} Add to a data set", icon::PLUS)));
        if button.on_hover_text(hint).clicked() {
            app.act(Action::AddToDataset, ui.ctx());
        }
        return;
    }
    ui.horizontal(|ui| {
        let hint = "A folder in nnU-Net's or the Medical Segmentation Decathlon's form (imagesTr, labelsTr, dataset.json), or \
                    one with the folders images and labels";
        if ui.button(format!("{} Labelled scans", icon::FOLDER_OPEN)).on_hover_text(hint).clicked() {
            app.act(Action::ChooseDataset, ui.ctx());
        }
        let name = app.teach.dataset.as_ref().and_then(|path| path.file_name());
        let shown = name.map_or("none chosen".into(), |n| n.to_string_lossy().into_owned());
        ui.add(egui::Label::new(egui::RichText::new(shown).color(t.dim)).truncate());
    });
    if let Some(scans) = &mut app.teach.scans {
        scans_ui(ui, scans);
        labels_ui(ui, scans);
    }
}

/// What becomes of every scan.
fn scans_ui(ui: &mut egui::Ui, scans: &mut ScanChoices) {
    let [learn, hold_back, leave_out] = ScanUse::ALL.map(|of| scans.count(of));
    let counts = [(learn, if learn == 1 { "scan to learn from" } else { "scans to learn from" })]
        .into_iter()
        .chain([(hold_back, "held back"), (leave_out, "left out")].into_iter().filter(|(count, _)| *count > 0));
    let title = counts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ");
    egui::CollapsingHeader::new(egui::RichText::new(title).small()).id_salt("scans to learn").show(ui, |ui| {
        let row = ui.spacing().interact_size.y;
        let list = egui::ScrollArea::vertical().max_height(LIST).auto_shrink([false, true]);
        list.show_rows(ui, row, scans.uses.len(), |ui, rows| {
            for (name, of) in &mut scans.uses[rows] {
                ui.horizontal(|ui| scan_ui(ui, name, of));
            }
        });
    });
}

/// A scan's name and what becomes of it.
fn scan_ui(ui: &mut egui::Ui, name: &str, of: &mut ScanUse) {
    let width = ui.available_width() - CHOICE - 2.0 * ui.spacing().item_spacing.x;
    let size = egui::vec2(width.max(CHOICE), ui.spacing().interact_size.y);
    let left = egui::Layout::left_to_right(egui::Align::Center);
    let label = ui.allocate_ui_with_layout(size, left, |ui| {
        ui.set_min_width(size.x);
        ui.add(egui::Label::new(egui::RichText::new(name).small()).truncate())
    });
    let choice = egui::ComboBox::from_id_salt(("use", name)).width(CHOICE).selected_text(of.name());
    let choice = choice.show_ui(ui, |ui| {
        for one in ScanUse::ALL {
            ui.selectable_value(of, one, one.name());
        }
    });
    let hint = "The model is measured on scans that are held back, and never learns from them";
    choice.response.labelled_by(label.inner.id).on_hover_text(hint);
}

/// Which labels are learned.
fn labels_ui(ui: &mut egui::Ui, scans: &mut ScanChoices) {
    let t = theme::tokens(ui);
    let labels = &scans.facts.labels;
    if labels.len() < 2 {
        let text = format!("Label {}", labels.join(", "));
        ui.add(egui::Label::new(egui::RichText::new(text).small().color(t.dim)).truncate());
        return;
    }
    let chosen = labels.iter().filter(|label| !scans.left_out.contains(*label)).count();
    let title = match labels.len() {
        all if chosen == all => format!("All {all} labels"),
        all => format!("{chosen} of {all} labels"),
    };
    egui::CollapsingHeader::new(egui::RichText::new(title).small()).id_salt("labels to learn").show(ui, |ui| {
        egui::ScrollArea::vertical().max_height(LIST).auto_shrink([false, true]).show(ui, |ui| {
            for label in labels {
                let mut wanted = !scans.left_out.contains(label);
                let hint = "Labels that are not learned count as background";
                if ui.checkbox(&mut wanted, label).on_hover_text(hint).changed() {
                    if wanted {
                        scans.left_out.remove(label);
                    } else {
                        scans.left_out.insert(label.clone());
                    }
                }
            }
        });
    });
}
