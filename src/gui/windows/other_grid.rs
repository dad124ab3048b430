//! The question what becomes of labels that lie on another grid than the scan.

use crate::app::state::saving::{OtherGrid, file_name};
use crate::app::{Outbox, Request, Studio};
use crate::edit::Resampling;
use crate::gui::egui;
use crate::gui::theme::UNIT;
use crate::words::say;

/// Asks, while such labels wait for the answer.
pub fn other_grid_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(OtherGrid { path, difference, .. }) = &studio.other_grid else { return };
    let mut answer = None;
    let modal = egui::Modal::new(egui::Id::new("other grid")).show(ui.ctx(), |ui| {
        ui.set_width(120.0 * UNIT);
        ui.label(egui::RichText::new(say!("Resample the mask onto the scan?")).heading());
        let text = say!("{file} lies on another grid than the scan: {difference}.", file = file_name(path), difference);
        ui.add(egui::Label::new(text).wrap());
        ui.add_space(2.0 * UNIT);
        ui.horizontal(|ui| {
            for (name, hint, word) in [
                (
                    say!("Keep shapes smooth"),
                    say!("Each voxel gets the label with the largest share among the eight voxels around it"),
                    Some(Resampling::LinearShares),
                ),
                (
                    say!("Nearest voxel"),
                    say!("Each voxel gets the label of the nearest voxel: nothing is invented, borders may have steps"),
                    Some(Resampling::Nearest),
                ),
                (say!("Cancel"), say!("Open nothing (Esc)"), None),
            ] {
                if ui.button(name).on_hover_text(hint).clicked() {
                    answer = Some(word);
                }
            }
        });
    });
    if modal.should_close() {
        answer = answer.or(Some(None));
    }
    if let Some(answer) = answer {
        outbox.send(Request::OtherGrid(answer));
    }
}
