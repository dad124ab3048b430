//! Unsaved work that a crash left: it is offered scan by scan.

use std::time::SystemTime;

use crate::app::state::recovery::{Offer, RecoveryAnswer};
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::theme::UNIT;
use crate::words::{plural, say};

/// Most height of the list.
const LIST: f32 = 80.0 * UNIT;

/// Asks, while there is something to be asked.
pub fn recovery_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    if !studio.recovery.is_open {
        return;
    }
    let offers: Vec<(usize, &Offer)> =
        studio.recovery.offers.iter().enumerate().filter(|(_, offer)| !offer.is_coming).collect();
    let mut answer = None;
    let modal = egui::Modal::new(egui::Id::new("recovery")).show(ui.ctx(), |ui| {
        ui.set_width(130.0 * UNIT);
        ui.label(egui::RichText::new(say!("Unsaved work was found")).heading());
        let text = say!(
            "Lamella did not end as it should: a crash, or a power cut. What was done after the last save is kept. \
                    Nothing is written to your files by restoring it."
        );
        ui.add(egui::Label::new(text).wrap());
        ui.add_space(UNIT);
        egui::ScrollArea::vertical().max_height(LIST).auto_shrink([false, true]).show(ui, |ui| {
            for (n, offer) in &offers {
                ui.separator();
                let is_doubted = studio.recovery.doubted == Some(offer.key());
                answer = offer_ui(ui, *n, offer, is_doubted).or(answer);
            }
        });
        ui.add_space(2.0 * UNIT);
        ui.horizontal(|ui| {
            let all = say!("Open every scan of the list and bring its labels back");
            if offers.len() > 1 && ui.button(say!("Restore all")).on_hover_text(all).clicked() {
                answer = Some(RecoveryAnswer::RestoreAll);
            }
            let later = say!("Ask again at the next start, or by File > Restore unsaved work (Esc)");
            if ui.button(say!("Later")).on_hover_text(later).clicked() {
                answer = Some(RecoveryAnswer::Later);
            }
        });
    });
    if modal.should_close() {
        answer = answer.or(Some(RecoveryAnswer::Later));
    }
    if let Some(answer) = answer {
        outbox.send(Request::Recovery(answer));
    }
}

fn offer_ui(ui: &mut egui::Ui, n: usize, offer: &Offer, is_doubted: bool) -> Option<RecoveryAnswer> {
    let mut answer = None;
    let title = offer.left.kept.reference.title();
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if is_doubted {
                let keep = ui.button(say!("Keep"));
                keep.widget_info(|| {
                    egui::WidgetInfo::labeled(egui::WidgetType::Button, true, say!("Keep {title}", title))
                });
                let discard = ui.button(say!("Discard for good"));
                let name = say!("Discard {title} for good", title);
                discard.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &name));
                if keep.clicked() {
                    answer = Some(RecoveryAnswer::Keep);
                }
                if discard.on_hover_text(say!("It cannot be brought back then")).clicked() {
                    answer = Some(RecoveryAnswer::Discard(n));
                }
                return;
            }
            let discard = ui.button(say!("Discard"));
            discard.widget_info(|| {
                egui::WidgetInfo::labeled(egui::WidgetType::Button, true, say!("Discard {title}", title))
            });
            if discard.on_hover_text(say!("Throw this work away")).clicked() {
                answer = Some(RecoveryAnswer::Doubt(n));
            }
            let restore = ui.button(say!("Restore"));
            restore.widget_info(|| {
                egui::WidgetInfo::labeled(egui::WidgetType::Button, true, say!("Restore {title}", title))
            });
            if restore.on_hover_text(say!("Open the scan and bring its labels back")).clicked() {
                answer = Some(RecoveryAnswer::Restore(n));
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(egui::RichText::new(&title).strong()).truncate());
            });
        });
    });
    ui.add(egui::Label::new(offer.summary()).wrap());
    let when = offer.when.map(ago).unwrap_or_default();
    note(ui, say!("{content}. {when}", content = offer.content(), when));
    if let Some(place) = &offer.left.kept.reference.place {
        note(ui, place.path.display().to_string());
    }
    answer
}

/// How long ago something was.
fn ago(when: SystemTime) -> String {
    let minutes = when.elapsed().unwrap_or_default().as_secs() / 60;
    let (hours, days) = (minutes / 60, minutes / 1440);
    match minutes {
        0 => say!("Last change less than a minute ago.").into(),
        1..60 => plural!(minutes, "Last change 1 minute ago.", "Last change {minutes} minutes ago.", minutes),
        60..1440 => plural!(hours, "Last change 1 hour ago.", "Last change {hours} hours ago.", hours),
        _ => plural!(days, "Last change 1 day ago.", "Last change {days} days ago.", days),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_past_is_told_in_the_largest_unit_that_fits() {
        let before = |secs| ago(SystemTime::now() - Duration::from_secs(secs));
        assert_eq!(before(5), "Last change less than a minute ago.");
        assert_eq!(before(61), "Last change 1 minute ago.");
        assert_eq!(before(3 * 3600 + 5), "Last change 3 hours ago.");
        assert_eq!(before(86_400), "Last change 1 day ago.");
    }
}
