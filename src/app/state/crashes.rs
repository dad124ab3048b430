//! Reports of faults of the program that the user is told of.

use crate::home::CrashReport;

/// What the user is told.
#[derive(Debug, Default)]
pub struct Crashes {
    /// The reports, the newest first.
    pub reports: Vec<CrashReport>,
    /// Whether the user is asked now.
    pub is_open: bool,
    /// Whether the newest one's text is shown.
    pub is_shown: bool,
}

/// The user's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashAnswer {
    /// Show what the newest one says.
    Show,
    /// Delete all of them.
    Delete,
    /// Keep them, and do not ask about these again.
    Keep,
}
