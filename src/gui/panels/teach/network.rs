//! Which network learns, and from which slices.

use crate::app::state::models::model_name;
use crate::app::state::segmenting::SegmentForm;
use crate::app::state::teach::TeachForm;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, list_row, note};
use crate::gui::egui;
use crate::gui::panels::segment::model::device_ui;
use crate::jobs::ZooRow;
use crate::learn::{PlanChoices, Slices};
use crate::words::{self, say};

/// The network where none is chosen.
const UNET: &str = "unet";
/// The encoder where none is chosen.
const PLAIN: &str = "plain";
/// The attention where none is chosen.
const NONE: &str = "none";

/// Shows the choices.
pub fn network_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, form: &mut TeachForm) {
    let start = say!("Start from {model}", model = model_name(&studio.settings.model));
    let start = ui.add(egui::Checkbox::new(&mut form.is_from_model, start));
    beside(
        &start,
        say!("Fine-tune the model of the Segment task: its network, its preparation; a classifier becomes the encoder"),
    );
    if studio.shown.is_none() {
        // With a scan the Segment task has it.
        let mut device = studio.segment.clone();
        device_ui(ui, &mut device);
        send_device(studio, outbox, device);
    }
    if !form.is_from_model {
        match &studio.teach.zoo {
            Some(zoo) => zoo_ui(ui, zoo, &mut form.plan),
            None => drop(note(ui, say!("Listing the networks"))),
        }
    }
    slices_ui(ui, form);
    let plan = &mut form.plan;
    let sided = ui.checkbox(&mut plan.is_sided, say!("Left and right are labelled"));
    beside(&sided, say!("Then slices are never mirrored"));
    averaging_ui(ui, plan);
}

fn send_device(studio: &Studio, outbox: &mut Outbox, form: SegmentForm) {
    if form != studio.segment {
        outbox.send(Request::Segment(Box::new(form)));
    }
}

fn zoo_ui(ui: &mut egui::Ui, [architectures, encoders, attention]: &[Vec<ZooRow>; 3], plan: &mut PlanChoices) {
    let mut chosen = plan.architecture.clone().unwrap_or_else(|| UNET.into());
    rows_ui(ui, say!("Network"), architectures, None, &mut chosen);
    // The U-Net is what a plan has where nothing is chosen; its size is left to the scans then.
    let network = Some(chosen).filter(|id| id != UNET);
    if network != plan.architecture {
        (plan.encoder, plan.attention) = (None, Vec::new());
        plan.architecture = network;
    }
    if plan.architecture.is_none() {
        let mut encoder = plan.encoder.clone().unwrap_or_else(|| PLAIN.into());
        rows_ui(ui, say!("Encoder"), encoders, Some(PLAIN), &mut encoder);
        plan.encoder = Some(encoder).filter(|id| id != PLAIN);
        let mut one = plan.attention.first().cloned().unwrap_or_else(|| NONE.into());
        rows_ui(ui, say!("Attention"), attention, None, &mut one);
        plan.attention = Some(one).filter(|id| id != NONE).into_iter().collect();
    }
}

/// A list of networks; when to choose each stands beside it.
fn rows_ui(ui: &mut egui::Ui, caption: &str, rows: &[ZooRow], first: Option<&str>, chosen: &mut String) {
    let about = rows.iter().find(|row| row.id == *chosen).map(hint).unwrap_or_default();
    let shown = chosen.clone();
    let list = list_row(ui, caption, shown, |ui| {
        if let Some(first) = first {
            ui.selectable_value(chosen, first.to_string(), first);
        }
        for row in rows {
            beside(&ui.selectable_value(chosen, row.id.clone(), &row.id), &hint(row));
        }
    });
    beside(&list, &about);
}

/// A title, and behind a colon what the network is good for.
fn said(title: &str) -> String {
    match (words::translated(title), title.split_once(": ")) {
        (None, Some((name, hint))) => say!("{name}: {hint}", name = words::text(name), hint = words::text(hint)),
        (known, _) => known.unwrap_or(title).to_string(),
    }
}

fn hint(row: &ZooRow) -> String {
    let size = say!(
        "{millions:.1} M parameters, {gmac:.1} GMAC for a slice of 256 x 256",
        millions = row.parameters as f64 / 1e6,
        gmac = row.gmac
    );
    format!("{}\n{size}", said(&row.title).replace('`', ""))
}

fn slices_ui(ui: &mut egui::Ui, form: &mut TeachForm) {
    // A model that training starts from has its own.
    let open = if form.is_from_model { say!("as the model's") } else { say!("as the scans suggest") };
    let name = |slices: Option<Slices>| slices.map_or(open, |slices| words::text(slices.name()));
    let chosen = &mut form.plan.slices;
    let list = list_row(ui, say!("Slices"), name(*chosen), |ui| {
        for slices in std::iter::once(None).chain(Slices::ALL.map(Some)) {
            ui.selectable_value(chosen, slices, name(slices));
        }
    });
    beside(&list, say!("Slices that the network learns; all three axes need scans of nearly equal spacings"));
}

/// A model averages unless it is told not to, and never where left and right are labelled.
fn averaging_ui(ui: &mut egui::Ui, plan: &mut PlanChoices) {
    let mut averages = !plan.is_sided && plan.average_mirrored.unwrap_or(true);
    let average = ui.add_enabled(!plan.is_sided, egui::Checkbox::new(&mut averages, say!("Average mirrored slices")));
    if average.changed() {
        plan.average_mirrored = if averages { None } else { Some(false) };
    }
    beside(
        &average,
        say!("The model is more exact, and takes twice as long where slices show the left and the right side"),
    );
}
