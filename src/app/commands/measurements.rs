//! Rulers, angles and regions: deleting the one under the pointer, copying and saving all.

use super::{CommandEntry, Group, no_view};
use crate::app::act::{measuring, saving};
use crate::app::state::paths::Purpose;
use crate::app::state::studio::Studio;

fn none_under_pointer(studio: &Studio) -> Option<&'static str> {
    let lacks = || measuring::under_pointer(studio).is_none().then_some("There is no measurement under the pointer");
    no_view(studio).or_else(lacks)
}

/// In the order of the palette.
pub const MEASUREMENTS: &[CommandEntry] = &[
    CommandEntry::new(
        "measurements.delete",
        "Delete the measurement under the pointer",
        Group::Tools,
        measuring::delete_under_pointer,
    )
    .hint("Take the ruler, angle or region under the pointer away")
    .keys(&["Backspace"])
    .unless(none_under_pointer),
    CommandEntry::new("measurements.copy", "Copy measurements", Group::Tools, measuring::copy_text)
        .hint("Put all rulers, angles and regions of the scan on the clipboard, for a document or a sheet")
        .unless(measuring::lacks),
    CommandEntry::new("measurements.copy-csv", "Copy measurements as CSV", Group::Tools, measuring::copy_csv)
        .hint("Put all rulers, angles and regions of the scan on the clipboard as CSV, with all columns and digits")
        .unless(measuring::lacks),
    CommandEntry::new("measurements.save-csv", "Save measurements...", Group::Tools, |studio| {
        if let Some(scan) = studio.shown {
            saving::ask(studio, Purpose::SaveMeasurements(scan));
        }
    })
    .hint("Write all rulers, angles and regions of the scan as CSV")
    .unless(measuring::lacks)
    .in_menu(),
];
