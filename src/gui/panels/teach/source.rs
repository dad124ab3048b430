//! What to learn from: a folder of labelled scans, or the finished slices of the scan on screen.

use crate::app::state::saving::file_name;
use crate::app::state::scan_choices::{ScanChoices, ScanUse};
use crate::app::state::teach::TeachForm;
use crate::app::{Outbox, Studio};
use crate::gui::controls::{beside, command_button, note};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::jobs::{Job, LookAtDatasetJob};
use crate::words::{self, say};

/// Most height of a list.
const LIST: f32 = 40.0 * UNIT;
/// Width of a scan's choice.
const CHOICE: f32 = 22.0 * UNIT;

/// Shows the choice.
pub fn source_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, form: &mut TeachForm) {
    if studio.shown.is_some() {
        let done = studio.done_slices().len();
        ui.horizontal(|ui| {
            let folder = ui.selectable_value(&mut form.is_from_scan, false, say!("Folder"));
            beside(&folder, say!("Learn from a folder of labelled scans"));
            let scan = ui.selectable_value(&mut form.is_from_scan, true, say!("This scan, {done} done", done));
            let hint = say!(
                "Learn from the slices of this scan that are marked done (Enter over a view, Shift+Enter for all that \
                        hold labels); what is not done is left open"
            );
            beside(&scan, hint);
        });
    }
    if form.is_from_scan {
        command_button(ui, studio, outbox, "teach.add-scan", Some(say!("Add to a data set")));
        return;
    }
    folder_ui(ui, studio, outbox);
    if let Some(scans) = &mut form.scans {
        scans_ui(ui, scans);
        labels_ui(ui, scans);
    }
}

fn folder_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let dim = theme::tokens(ui).dim;
    ui.horizontal(|ui| {
        command_button(ui, studio, outbox, "teach.choose-dataset", Some(say!("Labelled scans")));
        let shown = studio.teach.dataset.as_deref().map_or_else(|| say!("none chosen").into(), file_name);
        let label = ui.add(egui::Label::new(egui::RichText::new(shown).color(dim)).truncate());
        if let Some(path) = &studio.teach.dataset {
            beside(&label, &path.display().to_string());
        }
    });
    if studio.teach.dataset.is_none() {
        note(ui, say!("nnU-Net's or the Decathlon's form (imagesTr, labelsTr), or the folders images and labels."));
    } else if studio.tasks.is_running(LookAtDatasetJob::KIND) {
        note(ui, say!("The scans are being looked at."));
    }
}

/// What becomes of every scan.
fn scans_ui(ui: &mut egui::Ui, scans: &mut ScanChoices) {
    let [learn, hold_back, leave_out] = ScanUse::ALL.map(|of| scans.count(of));
    let counts =
        [(learn, if learn == 1 { say!("scan to learn from") } else { say!("scans to learn from") })].into_iter().chain(
            [(hold_back, say!("held back")), (leave_out, say!("left out"))].into_iter().filter(|(count, _)| *count > 0),
        );
    let title = counts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ");
    egui::CollapsingHeader::new(egui::RichText::new(title).small()).id_salt("scans to learn").show(ui, |ui| {
        let row = ui.spacing().interact_size.y;
        let list = egui::ScrollArea::vertical().max_height(LIST).auto_shrink([false, true]);
        list.show_rows(ui, row, scans.uses.len(), |ui, rows| {
            for (name, of) in scans.uses.get_mut(rows).into_iter().flatten() {
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
    let choice = egui::ComboBox::from_id_salt(("use", name)).width(CHOICE).selected_text(words::text(of.name()));
    let choice = choice.show_ui(ui, |ui| {
        for one in ScanUse::ALL {
            ui.selectable_value(of, one, words::text(one.name()));
        }
    });
    let choice = choice.response.labelled_by(label.inner.id);
    beside(
        &choice,
        &say!("{name}\nThe model is measured on scans that are held back, and never learns from them", name),
    );
}

/// Which labels are learned.
fn labels_ui(ui: &mut egui::Ui, scans: &mut ScanChoices) {
    let dim = theme::tokens(ui).dim;
    let labels = &scans.facts.labels;
    if labels.len() < 2 {
        let text = say!("Label {labels}", labels = labels.join(", "));
        ui.add(egui::Label::new(egui::RichText::new(text).small().color(dim)).truncate());
        return;
    }
    let chosen = labels.iter().filter(|label| !scans.left_out.contains(*label)).count();
    let title = say!("{chosen} of {labels} labels", chosen, labels = labels.len());
    egui::CollapsingHeader::new(egui::RichText::new(title).small()).id_salt("labels to learn").show(ui, |ui| {
        egui::ScrollArea::vertical().max_height(LIST).auto_shrink([false, true]).show(ui, |ui| {
            for label in labels {
                let mut is_wanted = !scans.left_out.contains(label);
                let choice = ui.add(egui::Checkbox::new(&mut is_wanted, label.as_str()));
                if choice.changed() {
                    if is_wanted {
                        scans.left_out.remove(label);
                    } else {
                        scans.left_out.insert(label.clone());
                    }
                }
                beside(&choice, &say!("{label}\nLabels that are not learned count as background", label));
            }
        });
    });
}
