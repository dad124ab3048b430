//! Fetching into a folder, sending, and what came of it.

use crate::app::act::servers::{is_waiting, lacks_to_send};
use crate::app::state::servers::{SendAs, ServersRequest};
use crate::app::state::tasks::TaskState;
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::jobs::{Job, RemoteFetchJob, RemoteFindJob, RemoteSendJob, RemoteTestJob, SaveLabelsJob, ServerPasswordJob};
use crate::session::Segmentation;
use crate::words::{self, say};

/// Rows at the foot: what is said has two lines.
const ROWS: f32 = 4.0;
/// Width of the captions.
const CAPTION: f32 = 18.0 * UNIT;

/// Height of all of it.
pub fn height(ui: &egui::Ui) -> f32 {
    ROWS * (ui.spacing().interact_size.y + ui.spacing().item_spacing.y) + 3.0 * UNIT
}

/// Shows it.
pub fn foot_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    ui.separator();
    fetch_ui(ui, studio, outbox);
    send_ui(ui, studio, outbox);
    said_ui(ui, studio, outbox);
}

fn caption_ui(ui: &mut egui::Ui, caption: &str) {
    let size = egui::vec2(CAPTION, ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.set_min_width(CAPTION);
        ui.label(caption);
    });
}

fn fetch_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    ui.horizontal(|ui| {
        caption_ui(ui, say!("Fetch into"));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let t = theme::tokens(ui);
            let picked = studio.servers.picked.as_ref();
            let name = if picked.is_some_and(|wanted| wanted.series_uid.is_some()) {
                say!("Fetch series")
            } else {
                say!("Fetch study")
            };
            let text = egui::RichText::new(name).strong().color(t.on_accent);
            let can = picked.is_some() && !is_waiting(studio);
            let button = ui.add_enabled(can, egui::Button::new(text).fill(t.accent_fill));
            let why = if picked.is_none() {
                say!("Choose a study or a series first")
            } else {
                say!("Wait until the server has answered")
            };
            let hint = say!("Fetch it into the folder and open it; what came before is not fetched again");
            if button.on_hover_text(hint).on_disabled_hover_text(why).clicked() {
                outbox.send(Request::Servers(ServersRequest::Fetch));
            }
            if ui.button(say!("Change...")).on_hover_text(say!("Choose the folder that is fetched into")).clicked() {
                outbox.send(Request::Servers(ServersRequest::ChooseFolder));
            }
            let folder = &studio.settings.fetch_folder;
            let text = if folder.as_os_str().is_empty() {
                say!("a folder that you are asked for").into()
            } else {
                folder.display().to_string()
            };
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(egui::RichText::new(&text).color(t.dim)).truncate()).on_hover_text(&text);
            });
        });
    });
}

fn send_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    ui.horizontal(|ui| {
        caption_ui(ui, say!("Send"));
        let chosen = studio.servers.send_as;
        let list = egui::ComboBox::from_id_salt("send as").width(48.0 * UNIT).selected_text(words::text(chosen.name()));
        let list = list.show_ui(ui, |ui| {
            for kind in SendAs::ALL {
                if ui.selectable_label(kind == chosen, words::text(kind.name())).clicked() {
                    outbox.send(Request::Servers(ServersRequest::SendAs(kind)));
                }
            }
        });
        list.response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::ComboBox, true, say!("Send as")));
        let lacks =
            lacks_to_send(studio).or(is_waiting(studio).then_some(say!("Wait until what is under way is done")));
        let button = ui.add_enabled(lacks.is_none(), egui::Button::new(say!("Send segmentation")));
        let what = what_is_sent(studio);
        let hint = say!("Write {what}, check it and send it", what);
        if button.on_hover_text(hint).on_disabled_hover_text(lacks.map(words::text).unwrap_or_default()).clicked() {
            outbox.send(Request::Servers(ServersRequest::Send));
        }
        let file = ui.add_enabled(!is_waiting(studio), egui::Button::new(say!("Send a file...")));
        if file.on_hover_text(say!("Send a DICOM file as it is")).clicked() {
            outbox.send(Request::Servers(ServersRequest::SendFile));
        }
        if lacks_to_send(studio).is_none() {
            let t = theme::tokens(ui);
            ui.add(egui::Label::new(egui::RichText::new(&what).color(t.dim)).truncate()).on_hover_text(&what);
        }
    });
}

/// Which segmentation of which scan goes where.
fn what_is_sent(studio: &Studio) -> String {
    let name = studio.segmentation().map(Segmentation::name).unwrap_or_default();
    let scan = studio.shown_item().map(|item| item.entry.name.as_str()).unwrap_or_default();
    let server = studio.servers.server().map(|server| server.name.as_str()).unwrap_or_default();
    say!("\u{201c}{name}\u{201d} of {scan} to {server}", name, scan, server)
}

/// What is being done, with its share and a way to stop it; or what came of it.
fn said_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let kinds = [
        RemoteFetchJob::KIND,
        RemoteSendJob::KIND,
        RemoteFindJob::KIND,
        RemoteTestJob::KIND,
        SaveLabelsJob::KIND,
        ServerPasswordJob::KIND,
    ];
    if let Some(task) = kinds.into_iter().find_map(|kind| studio.tasks.find(kind)) {
        task_ui(ui, task, outbox);
    } else if let Some(said) = &studio.servers.said {
        let t = theme::tokens(ui);
        let colour = if said.is_error { t.bad } else { t.good };
        let height = 2.0 * ui.spacing().interact_size.y;
        egui::ScrollArea::vertical().id_salt("said").max_height(height).show(ui, |ui| {
            ui.add(egui::Label::new(egui::RichText::new(words::shown(&said.text)).color(colour)).wrap());
        });
    }
}

fn task_ui(ui: &mut egui::Ui, task: &TaskState, outbox: &mut Outbox) {
    ui.horizontal(|ui| {
        ui.add(egui::ProgressBar::new(task.fraction).desired_width(40.0 * UNIT).desired_height(3.0 * UNIT));
        let stop = ui.add_enabled(!task.is_stopping, egui::Button::new(say!("Stop")));
        stop.widget_info(|| {
            egui::WidgetInfo::labeled(
                egui::WidgetType::Button,
                true,
                say!("Stop: {task}", task = words::shown(&task.title)),
            )
        });
        if stop.on_hover_text(say!("Stop it; what has come is kept for the next time")).clicked() {
            outbox.send(Request::Cancel(task.id));
        }
        let left = task.time_left();
        let title = words::shown(&task.title);
        let text = if left.is_empty() { title.into_owned() } else { format!("{title}, {}", words::shown(&left)) };
        ui.add(egui::Label::new(text).truncate());
    });
    ui.ctx().request_repaint_after_secs(0.2);
}
