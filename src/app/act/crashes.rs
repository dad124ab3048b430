//! Reports of faults of the program: the user is told of new ones once, and they stay on this machine.

use std::path::PathBuf;

use crate::app::state::crashes::CrashAnswer;
use crate::app::state::studio::Studio;
use crate::home::CrashReport;
use crate::jobs::{DeleteCrashReportsJob, FindCrashReportsJob};

/// Looks for reports that the user has not been told of.
pub fn look(studio: &mut Studio, folder: PathBuf) {
    studio.start(
        FindCrashReportsJob { folder },
        |_, ()| {},
        |studio, result| {
            let Some(reports) = studio.told(result) else { return };
            // Names begin with the time.
            studio.crashes.is_open = reports.first().is_some_and(|newest| name(newest) > studio.settings.seen_crash);
            studio.crashes.reports = reports;
        },
    );
}

fn name(report: &CrashReport) -> String {
    report.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Does what the user says.
pub fn answer(studio: &mut Studio, answer: CrashAnswer) {
    match answer {
        CrashAnswer::Show => studio.crashes.is_shown = true,
        CrashAnswer::Keep => {
            if let Some(newest) = studio.crashes.reports.first() {
                studio.settings.seen_crash = name(newest);
            }
            studio.crashes.is_open = false;
        }
        CrashAnswer::Delete => {
            let reports = std::mem::take(&mut studio.crashes).reports;
            let paths = reports.into_iter().map(|report| report.path).collect();
            studio.start(
                DeleteCrashReportsJob { paths },
                |_, ()| {},
                |studio, result| {
                    let _: Option<()> = studio.told(result);
                },
            );
        }
    }
}
