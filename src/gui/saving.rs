//! Saving: to the same file again, to another one, and before the image or the window is left.

use std::path::{Path, PathBuf};

use super::app::{App, SAVING};
use super::dialogs::{Answer, Mode, Purpose, Question, with_ending};
use super::egui;
use super::notices::Kind;
use super::tasks::Snapshot;
use super::theme::UNIT;
use super::unsaved::Leaving;
use super::viewer::SavedFile;
use crate::gui::old_jobs::{Job, stem};
use crate::volume::LabelTable;

/// What the dialog proposes to append to the scan's name.
const SUFFIX: &str = "_seg.nii.gz";

/// A file that is there, while the user is asked whether to write over it.
pub struct Replacing {
    purpose: Purpose,
    path: PathBuf,
    why: &'static str,
}

/// What is being written of the labels, so that it is known what is on disk then.
pub struct BeingSaved {
    path: PathBuf,
    table: LabelTable,
}

/// The last part of a path.
pub fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A name without what file systems do not allow.
fn plain(name: &str) -> String {
    let is_bad = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    let name: String = name.trim().chars().map(|c| if is_bad(c) { '_' } else { c }).collect();
    let name = name.trim_start_matches('.').to_string();
    if name.is_empty() { "scan".into() } else { name }
}

impl App {
    /// The folder beside the shown scan: that of its file, or the one above its folder of slices.
    fn folder_of_scan(&self) -> Option<PathBuf> {
        let path = &self.shown.and_then(|n| self.items.get(n))?.entry.path;
        let path = std::path::absolute(path).ok()?;
        if !path.exists() {
            return None;
        }
        path.parent().map(Path::to_path_buf).or(Some(path))
    }

    /// Asks for a path.
    pub(super) fn ask(&mut self, purpose: Purpose, context: &egui::Context) {
        let item = self.shown.and_then(|n| self.items.get(n));
        let scan = item.map(|item| &item.entry).filter(|entry| entry.path.is_file());
        let scan = scan.map_or_else(
            || plain(&self.viewer.as_ref().map(|viewer| viewer.volume().name.clone()).unwrap_or_default()),
            |entry| stem(&entry.path),
        );
        let name = match purpose {
            Purpose::SaveLabels => match self.viewer.as_ref().and_then(|viewer| viewer.saved_as.as_ref()) {
                Some(file) => file_name(&file.path),
                None => format!("{scan}{SUFFIX}"),
            },
            Purpose::SaveImage => format!("{scan}.nii.gz"),
            Purpose::SavePicture(plane) => format!("{scan}_{}.png", plane.name().to_lowercase()),
            _ => String::new(),
        };
        let last = Some(self.settings.folder.clone()).filter(|folder| folder.is_dir());
        let saved = self.viewer.as_ref().and_then(|viewer| viewer.saved_as.as_ref());
        let saved = saved.and_then(|file| file.path.parent()).map(Path::to_path_buf);
        let folder = match purpose {
            Purpose::SaveLabels => saved.or_else(|| self.folder_of_scan()).or(last),
            Purpose::OpenLabels | Purpose::SaveImage | Purpose::SavePicture(_) => self.folder_of_scan().or(last),
            _ => last,
        };
        let recent = self
            .settings
            .recent
            .iter()
            .filter_map(|path| if path.is_dir() { Some(path.as_path()) } else { path.parent() });
        let places = self.folder_of_scan().into_iter().chain(recent.map(Path::to_path_buf)).collect();
        let question = Question { purpose, image: self.images, folder, name };
        self.dialogs.ask(question, places, context);
    }

    /// Saves the labels to their file, or asks for one where they have none.
    pub(super) fn save(&mut self, context: &egui::Context) {
        let Some(viewer) = &self.viewer else { return };
        match &viewer.saved_as {
            Some(file) if file.is_changed() => {
                let why = "Another program has written it since Lamella did.";
                self.replacing = Some(Replacing { purpose: Purpose::SaveLabels, path: file.path.clone(), why });
            }
            Some(file) => {
                let path = file.path.clone();
                self.save_labels(path, context);
            }
            None => self.ask(Purpose::SaveLabels, context),
        }
    }

    /// Writes the segmentation.
    pub fn save_labels(&mut self, path: PathBuf, context: &egui::Context) {
        let Some(viewer) = &self.viewer else { return };
        if self.is_saving() {
            self.leave_when_saved = None;
            self.notices.push(Kind::Info, "A file is being written; save again when it is there.", "");
            return;
        }
        let document = viewer.session.document();
        let (labels, annotations) = (document.labels.clone(), document.annotations());
        self.being_saved = Some(BeingSaved { path: path.clone(), table: document.table.clone() });
        self.tasks.start(
            SAVING,
            Job::SaveLabels { path, labels, annotations, sidecar: true },
            self.snapshot(),
            context,
        );
    }

    /// The labels are in their file as they were at `snapshot`; what waited for that is done.
    pub(super) fn labels_are_saved(&mut self, path: &Path, snapshot: Snapshot, context: &egui::Context) {
        let written = self.being_saved.take().filter(|written| written.path == path);
        if let Some(viewer) = self.viewer.as_mut().filter(|_| snapshot.image == self.images) {
            if let Some(written) = written {
                viewer.session.mark_saved(snapshot.revision, &written.table);
            }
            viewer.saved_as = Some(SavedFile::new(path));
        }
        self.tell_saved(path);
        if let Some((leaving, image)) = self.leave_when_saved.take().filter(|(_, image)| *image == self.images) {
            if self.is_busy() {
                // Something was painted while it was written.
                self.leaving = Some(leaving);
            } else {
                debug_assert_eq!(image, self.images);
                self.leave(leaving, context);
            }
        }
    }

    /// Saves the labels, and leaves when they are on disk.
    pub(super) fn save_and_leave(&mut self, leaving: Leaving, context: &egui::Context) {
        self.leave_when_saved = Some((leaving, self.images));
        self.save(context);
    }

    /// Nothing was saved: what waited for that does not happen.
    pub(super) fn saving_failed(&mut self) {
        if self.being_saved.is_some() && !self.is_saving() {
            self.leave_when_saved = None;
            self.being_saved = None;
        }
    }

    /// Takes the path that a dialog gave. A name without an ending gets one; a file that the dialog did not ask about is not written over
    /// without a word.
    pub(super) fn take_answer(&mut self, answer: Answer, context: &egui::Context) {
        let Answer { purpose, image, path } = answer;
        let Some(chosen) = path else {
            if purpose == Purpose::SaveLabels {
                self.leave_when_saved = None;
            }
            return;
        };
        let path = match purpose.mode() {
            Mode::Save(endings) => match with_ending(&chosen, endings) {
                Ok(path) => path,
                Err(problem) => {
                    self.leave_when_saved = None;
                    self.notices.push(
                        Kind::Error,
                        format!("Nothing was saved. {problem}"),
                        chosen.display().to_string(),
                    );
                    return;
                }
            },
            Mode::Open | Mode::Folder => chosen.clone(),
        };
        let folder = if purpose.mode() == Mode::Folder { Some(path.as_path()) } else { path.parent() };
        if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
            self.settings.folder = folder.to_path_buf();
        }
        if path != chosen && image == self.images && path.exists() {
            self.replacing = Some(Replacing { purpose, path, why: "What it holds is lost when it is replaced." });
            return;
        }
        self.use_path(purpose, image, path, context);
    }

    /// Asks before a file is written over.
    pub(super) fn replacing_ui(&mut self, ui: &egui::Ui) {
        let Some(Replacing { purpose, path, why }) = &self.replacing else { return };
        let mut word = None;
        let modal = egui::Modal::new(egui::Id::new("replacing")).show(ui.ctx(), |ui| {
            ui.set_width(100.0 * UNIT);
            ui.label(egui::RichText::new("Replace the file?").heading());
            ui.add(egui::Label::new(format!("{} is there already. {why}", path.display())).wrap());
            ui.add_space(2.0 * UNIT);
            ui.horizontal(|ui| {
                if ui.button("Replace").on_hover_text("Write over the file").clicked() {
                    word = Some(true);
                }
                if ui.button("Choose another name").on_hover_text("Open the dialog again").clicked() {
                    word = Some(false);
                }
            });
        });
        let (purpose, path) = (*purpose, path.clone());
        match word {
            Some(true) => {
                self.replacing = None;
                self.use_path(purpose, self.images, path, ui.ctx());
            }
            Some(false) => {
                self.replacing = None;
                self.ask(purpose, ui.ctx());
            }
            None if modal.should_close() => {
                self.replacing = None;
                self.leave_when_saved = None;
            }
            None => {}
        }
    }

    /// A line for the user: where the labels go when they are saved.
    pub(super) fn where_saved(&self) -> String {
        match self.viewer.as_ref().and_then(|viewer| viewer.saved_as.as_ref()) {
            Some(file) => format!("They are saved to {}.", file.path.display()),
            None => "They are in no file yet: you choose one when you save.".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_name_becomes_a_files_name() {
        assert_eq!(plain("T1 axial"), "T1 axial");
        assert_eq!(plain("AX/T2: \"fat sat\""), "AX_T2_ _fat sat_");
        assert_eq!([plain("  "), plain("..x")], ["scan", "x"]);
    }
}
