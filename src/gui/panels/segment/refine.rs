//! Adapting the model to the slices that are marked done and to scribbles.

use crate::app::act::scribbling;
use crate::app::{Outbox, Studio};
use crate::gui::controls::{command_button, note};
use crate::gui::egui;
use crate::words::{plural, say};

/// Shows the buttons, and what is missing where nothing can be learned yet.
pub fn refine_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let (done, marked) = (scribbling::done_slices(studio).len(), scribbling::marked_voxels(studio));
    if done == 0 && marked == 0 {
        note(
            ui,
            say!(
                "Correct a slice and mark it done (Enter over its view), or scribble a little of every label; the model then learns from it."
            ),
        );
    } else {
        note(ui, known(done, marked));
    }
    ui.horizontal_wrapped(|ui| {
        let text = if done == 0 { say!("Refine").to_string() } else { say!("Refine from {done} done", done) };
        command_button(ui, studio, outbox, "segment.refine", Some(&text));
        let text = if scribbling::is_scribbling(studio) { say!("Back to the mask") } else { say!("Scribble") };
        command_button(ui, studio, outbox, "segment.scribble", Some(text));
        if studio.models.adapted.is_some() {
            command_button(ui, studio, outbox, "segment.keep", Some(say!("Keep")));
            command_button(ui, studio, outbox, "segment.forget", Some(say!("Forget")));
        }
    });
    if studio.teach.form.scans.is_some() && done > 0 {
        note(
            ui,
            say!("Scans that the Teach task learns from are mixed in, so that the model keeps what it knows of them."),
        );
    }
}

/// What the model takes for right when it is refined.
fn known(done: usize, marked: usize) -> String {
    let slices = match done {
        0 => None,
        n => Some(plural!(n, "one finished slice", "{n} finished slices", n)),
    };
    let scribbles = (marked > 0).then(|| say!("{marked} scribbled voxels", marked));
    let known: Vec<String> = slices.into_iter().chain(scribbles).collect();
    say!("Known: {known}. All else is unknown to it.", known = known.join(say!(" and ")))
}
