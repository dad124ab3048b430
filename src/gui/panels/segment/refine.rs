//! Adapting the model to the slices that are marked done and to scribbles.

use crate::app::act::scribbling;
use crate::app::{Outbox, Studio};
use crate::gui::controls::{command_button, note};
use crate::gui::egui;

/// Shows the buttons, and what is missing where nothing can be learned yet.
pub fn refine_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let (done, marked) = (scribbling::done_slices(studio).len(), scribbling::marked_voxels(studio));
    if done == 0 && marked == 0 {
        note(
            ui,
            "Correct a slice and mark it done (Enter over its view), or scribble a little of every label; the model then learns from it.",
        );
    } else {
        note(ui, known(done, marked));
    }
    ui.horizontal_wrapped(|ui| {
        let text = if done == 0 { "Refine".to_string() } else { format!("Refine from {done} done") };
        command_button(ui, studio, outbox, "segment.refine", Some(&text));
        let text = if scribbling::is_scribbling(studio) { "Back to the mask" } else { "Scribble" };
        command_button(ui, studio, outbox, "segment.scribble", Some(text));
        if studio.models.adapted.is_some() {
            command_button(ui, studio, outbox, "segment.keep", Some("Keep"));
            command_button(ui, studio, outbox, "segment.forget", Some("Forget"));
        }
    });
    if studio.teach.form.scans.is_some() && done > 0 {
        note(ui, "Scans that the Teach task learns from are mixed in, so that the model keeps what it knows of them.");
    }
}

/// What the model takes for right when it is refined.
fn known(done: usize, marked: usize) -> String {
    let slices = match done {
        0 => None,
        1 => Some("one finished slice".to_string()),
        n => Some(format!("{n} finished slices")),
    };
    let scribbles = (marked > 0).then(|| format!("{marked} scribbled voxels"));
    let known: Vec<String> = slices.into_iter().chain(scribbles).collect();
    format!("Known: {}. All else is unknown to it.", known.join(" and "))
}
