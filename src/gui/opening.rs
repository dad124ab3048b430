//! Opening what the user named, chose or dropped.

use std::path::{Path, PathBuf};

use super::app::App;
use super::egui;
use super::tasks::Snapshot;
use crate::gui::old_jobs::Job;

/// Most paths opened together that are remembered each by itself.
const FEW_PATHS: usize = 4;

impl App {
    /// Looks at a file or folder and shows the first thing found.
    pub fn open(&mut self, path: &Path, context: &egui::Context) {
        self.open_together(vec![path.into()], context);
    }

    /// Looks at files and folders that were chosen together, the slices of a series for example, and shows the first thing found.
    pub fn open_together(&mut self, paths: Vec<PathBuf>, context: &egui::Context) {
        let Some(first) = paths.first() else { return };
        let title = match paths.len() {
            1 => format!("Opening {}", first.file_name().map(|n| n.to_string_lossy()).unwrap_or_default()),
            count => format!("Opening {count} files"),
        };
        if paths.len() <= FEW_PATHS {
            paths.iter().for_each(|path| self.settings.remember(path));
        } else if let Some(folder) = first.parent() {
            // Many are the slices of a series, and their folder is what one opens again.
            self.settings.remember(folder);
        }
        self.tasks.start(title, Job::Scan(paths), Snapshot::default(), context);
    }
}
