//! Messages at the lower edge of the images: what happened, to which file, what to do; details fold out.

use super::egui;
use super::theme::{self, UNIT};
use egui_phosphor::regular as icon;

/// How serious a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Good to know.
    Info,
    /// Doubtful.
    Warning,
    /// Failed.
    Error,
}

/// A message.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Seriousness.
    pub kind: Kind,
    /// One or two sentences.
    pub text: String,
    /// More for those who want it.
    pub details: String,
    born: f64,
}

/// Seconds until an information goes by itself.
const INFO_SECONDS: f64 = 6.0;
/// Most notices shown at a time.
const SHOWN: usize = 4;

/// The messages on screen.
#[derive(Default)]
pub struct Notices(Vec<Notice>);

impl Notices {
    /// Shows a message.
    pub fn push(&mut self, kind: Kind, text: impl Into<String>, details: impl Into<String>) {
        let text = text.into();
        self.0.retain(|n| n.text != text);
        self.0.push(Notice { kind, text, details: details.into(), born: f64::NAN });
        if self.0.len() > SHOWN {
            self.0.remove(0);
        }
    }

    /// Messages on screen, oldest first.
    pub fn all(&self) -> &[Notice] {
        &self.0
    }

    /// Paints the messages above the lower edge of `area`.
    pub fn ui(&mut self, ui: &egui::Ui, area: egui::Rect) {
        let now = ui.input(|i| i.time);
        for notice in &mut self.0 {
            if notice.born.is_nan() {
                notice.born = now;
            }
        }
        self.0.retain(|n| n.kind != Kind::Info || now - n.born < INFO_SECONDS);
        if self.0.iter().any(|n| n.kind == Kind::Info) {
            ui.ctx().request_repaint_after_secs(1.0);
        }
        if self.0.is_empty() {
            return;
        }
        let mut closed = None;
        egui::Area::new(egui::Id::new("notices"))
            .order(egui::Order::Foreground)
            .pivot(egui::Align2::CENTER_BOTTOM)
            .fixed_pos(area.center_bottom() - egui::vec2(0.0, 3.0 * UNIT))
            .show(ui.ctx(), |ui| {
                ui.set_max_width(area.width().min(140.0 * UNIT));
                for (n, notice) in self.0.iter().enumerate() {
                    if notice_ui(ui, notice, n) {
                        closed = Some(n);
                    }
                }
            });
        if let Some(n) = closed {
            self.0.remove(n);
        }
    }
}

/// Paints one message; whether it was closed.
fn notice_ui(ui: &mut egui::Ui, notice: &Notice, number: usize) -> bool {
    let t = theme::tokens(ui);
    let (colour, sign) = match notice.kind {
        Kind::Info => (t.accent, icon::INFO),
        Kind::Warning => (t.warn, icon::WARNING),
        Kind::Error => (t.bad, icon::WARNING_OCTAGON),
    };
    theme::card_frame(ui)
        .stroke(egui::Stroke::new(1.0, colour))
        .show(ui, |ui| {
            let mut closed = false;
            ui.horizontal_top(|ui| {
                ui.label(egui::RichText::new(sign).color(colour).size(theme::HEADING));
                ui.vertical(|ui| {
                    ui.set_width(ui.available_width() - 12.0 * UNIT);
                    ui.add(egui::Label::new(&notice.text).wrap());
                    if !notice.details.is_empty() {
                        egui::CollapsingHeader::new("Details").id_salt(("details", number, &notice.text)).show(
                            ui,
                            |ui| {
                                ui.add(egui::Label::new(egui::RichText::new(&notice.details).small()).wrap());
                                if ui.button("Copy").on_hover_text("Copy message and details").clicked() {
                                    ui.ctx().copy_text(format!("{}\n{}", notice.text, notice.details));
                                }
                            },
                        );
                    }
                });
                closed = ui.button(icon::X).on_hover_text("Dismiss this message").clicked();
            });
            closed
        })
        .inner
}
