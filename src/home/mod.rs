//! Where the program's own files lie, and the reports of its faults that are kept there.
//!
//! **Invariant:** nothing here is ever sent anywhere.
//! **Invariant:** a report holds nothing of a user's files: no path, no name of a file, no text that could contain one.
//!
//! Deliberately absent: what the files hold.

mod crash;
mod folders;
mod trail;

pub use crash::{CrashReport, keep_reports, note_card, note_panic, reports};
pub use folders::{config_folder, data_folder, is_portable};
pub use trail::{Doing, doing, note_log, note_step};
