//! Files that were found and are not shown, and why.

use crate::app::state::saving::file_name;
use crate::formats::Skipped;
use crate::gui::controls::beside;
use crate::gui::egui;
use crate::gui::theme::UNIT;
use crate::words::{self, plural, say};

/// Most files that are listed.
const MOST: usize = 200;

/// Shows them, folded.
pub fn skipped_ui(ui: &mut egui::Ui, skipped: &[Skipped]) {
    let title = match skipped.len() {
        0 => return,
        many => plural!(many, "1 file not shown", "{count} files not shown", count = many),
    };
    ui.add_space(2.0 * UNIT);
    egui::CollapsingHeader::new(title).id_salt("files not shown").show(ui, |ui| {
        for file in skipped.iter().take(MOST) {
            let text = format!("{}: {}", file_name(&file.path), words::shown(&file.reason));
            let text = egui::RichText::new(text).small();
            let label = ui.add(egui::Label::new(text).wrap());
            beside(&label, &file.path.display().to_string());
        }
        if let Some(more) = skipped.len().checked_sub(MOST).filter(|more| *more > 0) {
            ui.small(say!("and {more} more", more));
        }
    });
}
