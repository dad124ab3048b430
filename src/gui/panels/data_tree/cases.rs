//! Where one is in a folder of scans: "Case 3 of 12", and how many are done.

use crate::app::act::cases::{place, state_of};
use crate::app::state::cases::CaseState;
use crate::app::{Outbox, Studio};
use crate::gui::controls::{icon_command, note};
use crate::gui::egui;
use crate::gui::theme::UNIT;
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Shows it where there are several cases.
pub fn cases_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let count = studio.cases.list.len();
    if count < 2 {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = UNIT;
        icon_command(ui, studio, outbox, "cases.previous", icon::CARET_LEFT);
        ui.label(
            place(studio)
                .map_or_else(|| say!("{count} cases", count), |n| say!("Case {n} of {count}", n = n + 1, count)),
        );
        icon_command(ui, studio, outbox, "cases.next", icon::CARET_RIGHT);
        ui.add_space(UNIT);
        icon_command(ui, studio, outbox, "cases.next-open", icon::CARET_DOUBLE_RIGHT);
        icon_command(ui, studio, outbox, "cases.done", icon::CHECK_CIRCLE);
    });
    let items = studio.cases.list.iter().filter_map(|n| studio.items.get(*n));
    note(ui, counted(&items.map(|item| state_of(studio, item)).collect::<Vec<_>>()));
    ui.add_space(UNIT);
}

/// "3 done, 1 draft, 8 not begun".
fn counted(states: &[CaseState]) -> String {
    let all = [CaseState::Done, CaseState::Saved, CaseState::Draft, CaseState::NotBegun];
    let count = |state: CaseState| states.iter().filter(|other| **other == state).count();
    let parts = all.into_iter().filter(|state| count(*state) > 0);
    let texts: Vec<String> =
        parts.map(|state| format!("{} {}", count(state), words::text(state.name()).to_lowercase())).collect();
    texts.join(", ")
}

/// The sign of a state in the list.
pub fn sign(state: CaseState) -> &'static str {
    match state {
        CaseState::NotBegun => icon::CIRCLE_DASHED,
        CaseState::Draft => icon::PENCIL_SIMPLE,
        CaseState::Saved => icon::FLOPPY_DISK,
        CaseState::Done => icon::CHECK_CIRCLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_counted_in_words() {
        use CaseState::{Done, Draft, NotBegun, Saved};
        assert_eq!(counted(&[NotBegun, Done, NotBegun, Draft]), "1 done, 1 draft, 2 not begun");
        assert_eq!(counted(&[Saved]), "1 saved");
    }
}
