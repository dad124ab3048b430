//! Templates: the user's own ones, and the one that waits for a scan.

use std::path::PathBuf;

use super::common_jobs::CommonJob;
use super::template::Template;
use crate::session::ScanId;

/// A template of the user's own.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnTemplate {
    /// Its file.
    pub path: PathBuf,
    /// What is in it, or why it is not used.
    pub read: Result<Template, String>,
}

/// What waits until there is a scan.
pub struct WaitingTemplate {
    /// The template.
    pub template: Template,
    /// The common job that it is of.
    pub job: Option<&'static CommonJob>,
}

/// Templates, and the window that shows them.
#[derive(Default)]
pub struct Templates {
    /// Where the user's own ones lie; none where the account has no folder for them.
    pub folder: Option<PathBuf>,
    /// The user's own ones, by their files' names.
    pub own: Vec<OwnTemplate>,
    /// Whether their window is open.
    pub is_open: bool,
    /// The name that the present settings are saved under.
    pub name: String,
    /// What is applied to the next scan on screen.
    pub waiting: Option<WaitingTemplate>,
    /// The ending that masks of a scan are saved with, where a template said so.
    pub saves: Vec<(ScanId, &'static str)>,
}

/// What is asked for.
#[derive(Debug)]
pub enum TemplateRequest {
    /// Open or close their window.
    Show(bool),
    /// The name that the present settings are saved under.
    Name(String),
    /// Use one of the user's own, by its file.
    Use(PathBuf),
    /// Save the present settings under the name.
    Save,
    /// Delete one of the user's own.
    Delete(PathBuf),
    /// Forget the one that waits for a scan.
    Forget,
}
