//! A series or volume of the data tree.

use super::cases::sign;
use crate::app::act::cases::{is_case, state_of};
use crate::app::act::scans::{may_be_mask, may_hold_labels};
use crate::app::act::sizing::can_be_asked;
use crate::app::state::cases::CaseState;
use crate::app::state::scans::Item;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::beside;
use crate::gui::egui;
use crate::gui::paint::textures::Textures;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, plural, say};
use egui_phosphor::regular as icon;

/// Shows an item; a click shows its scan.
pub fn item_ui(
    ui: &mut egui::Ui,
    n: usize,
    item: &Item,
    studio: &Studio,
    outbox: &mut Outbox,
    textures: &mut Textures,
) -> egui::Response {
    let is_shown = item.scan.is_some() && item.scan == studio.shown;
    let size = egui::vec2(ui.available_width(), theme::THUMBNAIL + 2.0 * UNIT);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
    let name = &item.entry.name;
    let state = (is_case(Some(item)) && item.case.problem.is_none()).then(|| state_of(studio, item));
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::selected(egui::WidgetType::Button, true, is_shown, name);
        info.current_text_value = item
            .case
            .problem
            .as_deref()
            .map(|problem| words::shown(problem).into_owned())
            .or(state.map(|state| words::text(state.name()).into()));
        info
    });
    if ui.is_rect_visible(rect) {
        paint(ui, rect, &response, item, (is_shown, studio.loading == Some(n)), textures);
        state.into_iter().for_each(|state| state_ui(ui, rect, state));
    }
    response.context_menu(|ui| menu_ui(ui, n, item, studio, outbox));
    beside(&response, &facts(item, state));
    if response.clicked() {
        outbox.send(Request::ShowItem(n));
    }
    if !is_shown && can_be_mask(item, studio) && is_likely_mask(item, studio) {
        let text = format!("{} {}", icon::STACK_PLUS, say!("Use as segmentation"));
        let button = ui.add(egui::Button::new(egui::RichText::new(text).small()));
        let of = studio.volume().map(|volume| volume.name.clone()).unwrap_or_default();
        button.widget_info(|| {
            let name = say!("Use {name} as segmentation", name);
            egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name)
        });
        beside(&button, &say!("Reads it as labels of {of}, the scan on screen", of));
        if button.clicked() {
            outbox.send(Request::UseAsSegmentation(n));
        }
    }
    response
}

/// The sign of how far a case is, at the right end of its second line.
fn state_ui(ui: &egui::Ui, rect: egui::Rect, state: CaseState) {
    let t = theme::tokens(ui);
    let colour = match state {
        CaseState::NotBegun | CaseState::Saved => t.dim,
        CaseState::Draft => t.warn,
        CaseState::Done => t.good,
    };
    let at = egui::pos2(rect.right() - 1.5 * UNIT, rect.top() + 9.0 * UNIT);
    let font = egui::FontId::proportional(theme::TEXT);
    ui.painter().text(at, egui::Align2::RIGHT_CENTER, sign(state), font, colour);
}

/// Whether it can be the mask of the scan on screen.
fn can_be_mask(item: &Item, studio: &Studio) -> bool {
    studio.shown_item().is_some_and(|shown| may_be_mask(&item.entry, shown.entry.shape))
}

/// Whether that is offered beside it: among many scans of one size, and among cases, only where the name says so; elsewhere it is in the menu.
fn is_likely_mask(item: &Item, studio: &Studio) -> bool {
    const FEW: usize = 4;
    let name = item.entry.name.to_lowercase();
    let are_few = studio.items.len() <= FEW && studio.cases.list.len() <= 2;
    are_few || ["seg", "mask", "label"].iter().any(|part| name.contains(part))
}

fn facts(item: &Item, state: Option<CaseState>) -> String {
    let entry = &item.entry;
    let more = item
        .case
        .problem
        .as_deref()
        .map(|problem| words::shown(problem).into_owned())
        .or(state.map(|state| words::text(state.name()).into()));
    let more = more.map(|more| format!("\n{more}")).unwrap_or_default();
    let files = match entry.file_count {
        0 => say!("in the document").to_string(),
        many => plural!(many, "1 file", "{count} files", count = many),
    };
    format!("{}\n{files}\n{}{more}", entry.name, entry.path.display())
}

fn menu_ui(ui: &mut egui::Ui, n: usize, item: &Item, studio: &Studio, outbox: &mut Outbox) {
    let mut entry = |ui: &mut egui::Ui, is_possible: bool, text: &str, why_not: &str, request: Request| {
        let button = ui.add_enabled(is_possible, egui::Button::new(text)).on_disabled_hover_text(why_not);
        if button.clicked() {
            outbox.send(request);
            ui.close();
        }
    };
    entry(ui, true, say!("Show"), "", Request::ShowItem(n));
    let is_shown = item.scan.is_some() && item.scan == studio.shown;
    let fits = !is_shown && studio.shown.is_some() && may_hold_labels(&item.entry);
    let why = say!("Only a file of labels can be the segmentation of the scan on screen");
    entry(ui, fits, say!("Use as segmentation of the scan on screen"), why, Request::UseAsSegmentation(n));
    if can_be_asked(item) {
        entry(ui, true, say!("Voxel size..."), "", Request::AskVoxelSize(n));
    }
    if item.can_grow() {
        entry(ui, true, say!("Look for more files"), "", Request::LookAgain(n));
    }
    if let Some(scan) = item.scan {
        entry(ui, true, say!("New segmentation"), "", Request::NewSegmentation(scan));
        entry(ui, true, say!("Close scan"), "", Request::Close(scan));
    }
}

fn paint(
    ui: &egui::Ui,
    rect: egui::Rect,
    response: &egui::Response,
    item: &Item,
    (is_shown, is_loading): (bool, bool),
    textures: &mut Textures,
) {
    let t = theme::tokens(ui);
    let fill = if is_shown || response.hovered() { t.card } else { t.panel };
    let stroke = match () {
        () if is_shown => t.accent,
        () if response.has_focus() => t.text,
        () => fill,
    };
    ui.painter().rect(rect, 4.0, fill, egui::Stroke::new(1.0, stroke), egui::StrokeKind::Inside);
    let thumbnail = egui::Rect::from_min_size(rect.min + egui::vec2(UNIT, UNIT), egui::Vec2::splat(theme::THUMBNAIL));
    match &item.thumbnail {
        Some(picture) => {
            let texture = textures.of(ui.ctx(), picture, egui::TextureOptions::LINEAR);
            let size = texture.size_vec2();
            let fitted = size * (theme::THUMBNAIL / size.max_elem().max(1.0));
            let place = egui::Rect::from_center_size(thumbnail.center(), fitted);
            let all = egui::Rect::from_min_max(egui::Pos2::ZERO, egui::pos2(1.0, 1.0));
            ui.painter().image(texture.id(), place, all, egui::Color32::WHITE);
        }
        None => {
            let sign = if is_loading { icon::HOURGLASS_MEDIUM } else { icon::IMAGE };
            let font = egui::FontId::proportional(theme::HEADING);
            ui.painter().text(thumbnail.center(), egui::Align2::CENTER_CENTER, sign, font, t.dim);
        }
    }
    let at = thumbnail.right_top() + egui::vec2(2.0 * UNIT, 0.0);
    let room = rect.right() - UNIT - at.x;
    line(ui, at + egui::vec2(0.0, UNIT), room, &item.entry.name, theme::TEXT, t.text);
    let [i, j, k] = item.entry.shape;
    let modality = if item.entry.modality.is_empty() { String::new() } else { format!("{}  ", item.entry.modality) };
    let (facts, colour) = match &item.case.problem {
        _ if is_loading => (say!("Reading").to_string(), t.dim),
        Some(problem) => (words::shown(problem).into_owned(), t.bad),
        None => (format!("{modality}{i} \u{d7} {j} \u{d7} {k}"), t.dim),
    };
    // The sign of its state stands at the end of this line.
    let room = if item.case.problem.is_some() { room } else { room - 5.0 * UNIT };
    line(ui, at + egui::vec2(0.0, 5.5 * UNIT), room, &facts, theme::SMALL, colour);
}

/// A line of text that ends in an ellipsis where it is too long.
pub fn line(ui: &egui::Ui, at: egui::Pos2, room: f32, text: &str, size: f32, colour: egui::Color32) {
    let font = egui::FontId::proportional(size);
    let mut job = egui::text::LayoutJob::simple_singleline(text.into(), font, colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(room.max(1.0));
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    ui.painter().galley(at, galley, colour);
}
