//! The program's own file dialog, for systems without one.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use super::{Mode, Question, egui};
use crate::formats::with_ending;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Width of the list of places.
const PLACES: f32 = 38.0 * UNIT;
/// Width of the list of files.
const FILES: f32 = 130.0 * UNIT;
/// Height of both lists.
const LISTS: f32 = 80.0 * UNIT;
/// Most places that are offered.
const MOST_PLACES: usize = 8;

/// A file or folder in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    name: String,
    is_folder: bool,
}

/// What a folder holds.
enum Listing {
    /// It is being read.
    Reading(Receiver<Result<Vec<Row>, String>>),
    Read(Vec<Row>),
    Failed(String),
}

/// What came of a frame.
pub enum Reply {
    /// It is still open.
    Open,
    /// A path was chosen. One to be written is complete, and may be replaced if it is there.
    Chosen(PathBuf),
    /// Nothing was chosen.
    Cancelled,
}

/// An open dialog.
pub struct OwnDialog {
    /// What it asks.
    pub question: Question,
    why: String,
    places: Vec<PathBuf>,
    folder: PathBuf,
    /// The folder as it is typed.
    typed: String,
    listing: Listing,
    name: String,
    selected: Option<String>,
    filter: String,
    hidden: bool,
    all: bool,
    problem: String,
    /// A file that is there, while the user is asked whether to replace it.
    replace: Option<PathBuf>,
    wants_focus: bool,
    /// A file was double-clicked.
    is_accepted: bool,
}

/// Reads a folder; folders come first, names in the order of the alphabet whatever their case.
fn read_folder(folder: &Path) -> Result<Vec<Row>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        let why = error.to_string();
        say!("{folder} cannot be read: {error}.", folder = folder.display(), error = words::shown(&why))
    })?;
    let row = |entry: std::fs::DirEntry| Row {
        name: entry.file_name().to_string_lossy().into_owned(),
        // A link is what it leads to.
        is_folder: entry.path().is_dir(),
    };
    let mut rows: Vec<Row> = entries.flatten().map(row).collect();
    rows.sort_by_key(|row| (!row.is_folder, row.name.to_lowercase(), row.name.clone()));
    Ok(rows)
}

/// The nearest folder above that is there.
fn existing(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    folder.ancestors().find(|folder| folder.is_dir()).map(Path::to_path_buf)
}

fn home() -> Option<PathBuf> {
    etcetera::home_dir().ok()
}

impl OwnDialog {
    /// Opens it; `why` tells why it is not the system's.
    pub fn new(question: Question, why: String, places: Vec<PathBuf>, context: &egui::Context) -> Self {
        let begin = question.folder.as_deref().and_then(existing).or_else(|| home().as_deref().and_then(existing));
        let mut places: Vec<PathBuf> = home().into_iter().chain(places).filter(|place| place.is_dir()).collect();
        places.push(PathBuf::from("/"));
        let mut seen = std::collections::HashSet::new();
        places.retain(|place| seen.insert(place.clone()));
        places.truncate(MOST_PLACES);
        let mut dialog = Self {
            name: question.name.clone(),
            question,
            why,
            places,
            folder: PathBuf::new(),
            typed: String::new(),
            listing: Listing::Read(Vec::new()),
            selected: None,
            filter: String::new(),
            hidden: false,
            all: false,
            problem: String::new(),
            replace: None,
            wants_focus: true,
            is_accepted: false,
        };
        dialog.enter(begin.unwrap_or_else(|| PathBuf::from("/")), context);
        dialog
    }

    fn mode(&self) -> Mode {
        self.question.mode.clone()
    }

    fn is_saving(&self) -> bool {
        matches!(self.mode(), Mode::Save(..))
    }

    /// Goes to a folder and reads it in the background.
    fn enter(&mut self, folder: PathBuf, context: &egui::Context) {
        self.typed = folder.display().to_string();
        self.folder.clone_from(&folder);
        self.selected = None;
        self.filter.clear();
        self.problem.clear();
        if !self.is_saving() {
            self.name.clear();
        }
        let (sender, rows) = channel();
        let context = context.clone();
        std::thread::spawn(move || {
            let _ = sender.send(read_folder(&folder));
            context.request_repaint();
        });
        self.listing = Listing::Reading(rows);
    }

    fn take_rows(&mut self) {
        let Listing::Reading(rows) = &self.listing else { return };
        match rows.try_recv() {
            Ok(Ok(rows)) => self.listing = Listing::Read(rows),
            Ok(Err(problem)) => self.listing = Listing::Failed(problem),
            Err(TryRecvError::Disconnected) => {
                self.listing = Listing::Failed(say!("The folder cannot be read.").into())
            }
            Err(TryRecvError::Empty) => {}
        }
    }

    /// The rows that are wanted.
    fn rows(&self) -> Vec<Row> {
        let Listing::Read(rows) = &self.listing else { return Vec::new() };
        let filter = self.filter.trim().to_lowercase();
        let wanted = |row: &&Row| {
            let name = row.name.to_lowercase();
            let of_kind = match self.mode() {
                Mode::Open => true,
                Mode::Folder => row.is_folder,
                Mode::Save(_, endings) => {
                    row.is_folder || self.all || endings.iter().any(|ending| name.ends_with(ending))
                }
            };
            of_kind && (self.hidden || !name.starts_with('.')) && name.contains(&filter)
        };
        rows.iter().filter(wanted).cloned().collect()
    }

    fn select(&mut self, row: &Row) {
        self.selected = Some(row.name.clone());
        if !row.is_folder || self.mode() == Mode::Folder {
            self.name.clone_from(&row.name);
        }
        self.problem.clear();
    }

    /// Moves the selection by the arrow keys.
    fn step(&mut self, rows: &[Row], step: isize) {
        if rows.is_empty() {
            return;
        }
        let at = self.selected.as_ref().and_then(|name| rows.iter().position(|row| row.name == *name));
        let next = match at {
            Some(at) => at.saturating_add_signed(step).min(rows.len() - 1),
            None if step > 0 => 0,
            None => rows.len() - 1,
        };
        self.select(&rows[next]);
    }

    /// What the main button does: goes into a folder, or chooses.
    fn accept(&mut self, rows: &[Row], context: &egui::Context) -> Option<PathBuf> {
        let name = self.name.trim().to_string();
        let path = self.folder.join(&name);
        let selected = self.selected.as_ref().and_then(|name| rows.iter().find(|row| row.name == *name));
        match self.mode() {
            Mode::Folder if name.is_empty() => return Some(self.folder.clone()),
            Mode::Folder if path.is_dir() => return Some(path),
            Mode::Folder => self.problem = say!("There is no folder {name} here.", name),
            Mode::Open if name.is_empty() => match selected.filter(|row| row.is_folder) {
                Some(row) => self.enter(self.folder.join(&row.name), context),
                None => self.problem = say!("Choose a file.").into(),
            },
            Mode::Open | Mode::Save(..) if !name.is_empty() && path.is_dir() => self.enter(path, context),
            Mode::Open if path.exists() => return Some(path),
            Mode::Open => self.problem = say!("There is no file {name} here.", name),
            Mode::Save(_, endings) => match with_ending(&path, &endings) {
                Err(problem) => self.problem = problem,
                Ok(path) if path.exists() => self.replace = Some(path),
                Ok(path) => return Some(path),
            },
        }
        // What was refused is mended where it was typed.
        self.wants_focus = !self.problem.is_empty();
        None
    }

    /// Shows it.
    pub fn ui(&mut self, context: &egui::Context) -> Reply {
        self.take_rows();
        let mut reply = Reply::Open;
        let modal = egui::Modal::new(egui::Id::new("file dialog")).show(context, |ui| {
            ui.set_width(PLACES + FILES + 2.0 * UNIT);
            ui.label(egui::RichText::new(words::text(self.question.title)).heading());
            if !self.why.is_empty() {
                let dim = theme::tokens(ui).dim;
                ui.add(egui::Label::new(egui::RichText::new(words::shown(&self.why)).small().color(dim)).wrap());
            }
            if let Some(path) = self.replace.clone() {
                reply = self.replace_ui(ui, path);
            } else {
                reply = self.choose_ui(ui, context);
            }
        });
        if modal.should_close() && matches!(reply, Reply::Open) && self.replace.take().is_none() {
            return Reply::Cancelled;
        }
        reply
    }

    fn replace_ui(&mut self, ui: &mut egui::Ui, path: PathBuf) -> Reply {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        ui.add_space(2.0 * UNIT);
        ui.add(
            egui::Label::new(say!("{name} is there already. What it holds is lost when it is replaced.", name)).wrap(),
        );
        ui.add_space(2.0 * UNIT);
        let mut reply = Reply::Open;
        ui.horizontal(|ui| {
            if ui.button(say!("Replace")).on_hover_text(say!("Write over the file")).clicked() {
                reply = Reply::Chosen(path);
            }
            if ui.button(say!("Choose another name")).on_hover_text(say!("Back to the list (Esc)")).clicked() {
                self.replace = None;
            }
        });
        reply
    }

    fn choose_ui(&mut self, ui: &mut egui::Ui, context: &egui::Context) -> Reply {
        self.folder_ui(ui, context);
        let rows = self.rows();
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.set_width(PLACES);
                ui.set_height(LISTS);
                self.places_ui(ui, context);
            });
            ui.vertical(|ui| {
                ui.set_width(FILES);
                ui.set_height(LISTS);
                self.rows_ui(ui, context, &rows);
            });
        });
        if !self.problem.is_empty() {
            let bad = theme::tokens(ui).bad;
            ui.add(egui::Label::new(egui::RichText::new(words::shown(&self.problem)).color(bad)).wrap());
        }
        self.foot_ui(ui, context, &rows)
    }

    fn folder_ui(&mut self, ui: &mut egui::Ui, context: &egui::Context) {
        let mut wanted = None;
        ui.horizontal(|ui| {
            let up = ui.button(icon::ARROW_UP);
            up.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, say!("Folder above")));
            let up = up.on_hover_text(say!("Folder above (Alt+Up)")).clicked()
                || ui.input_mut(|i| i.consume_key(egui::Modifiers::ALT, egui::Key::ArrowUp));
            if up {
                wanted = self.folder.parent().map(Path::to_path_buf);
            }
            let label = ui.label(say!("Folder"));
            let field = ui.add(egui::TextEdit::singleline(&mut self.typed).desired_width(FILES));
            let field = field.labelled_by(label.id);
            if field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter)) {
                let typed = PathBuf::from(self.typed.trim());
                if typed.is_dir() {
                    wanted = Some(typed);
                } else {
                    self.problem = say!("There is no folder {typed}.", typed = typed.display());
                }
                // The key is not the main button's.
                ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, egui::Key::Enter));
            }
        });
        if let Some(folder) = wanted {
            self.enter(folder, context);
        }
    }

    fn places_ui(&mut self, ui: &mut egui::Ui, context: &egui::Context) {
        let dim = theme::tokens(ui).dim;
        ui.label(egui::RichText::new(say!("Places")).small().color(dim));
        let mut wanted = None;
        for place in &self.places {
            let is_home = home().as_deref() == Some(place);
            let name = match place.file_name() {
                _ if is_home => say!("Home").to_string(),
                Some(name) => name.to_string_lossy().into_owned(),
                None => say!("Computer").to_string(),
            };
            let sign = if is_home { icon::HOUSE } else { icon::FOLDER };
            let button = egui::Button::selectable(*place == self.folder, format!("{sign} {name}")).truncate();
            let button = ui.add(button);
            button
                .widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, say!("Place {name}", name)));
            if button.on_hover_text(place.display().to_string()).clicked() {
                wanted = Some(place.clone());
            }
        }
        if let Some(place) = wanted {
            self.enter(place, context);
        }
    }

    fn rows_ui(&mut self, ui: &mut egui::Ui, context: &egui::Context, rows: &[Row]) {
        let dim = theme::tokens(ui).dim;
        let note = match &self.listing {
            Listing::Reading(_) => say!("Reading the folder"),
            Listing::Failed(problem) => problem,
            Listing::Read(_) if rows.is_empty() => say!("Nothing to show here"),
            Listing::Read(_) => "",
        };
        if !note.is_empty() {
            ui.label(egui::RichText::new(note).color(dim));
            return;
        }
        let mut wanted = None;
        let mut chosen = None;
        let height = ui.spacing().interact_size.y;
        egui::ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, height, rows.len(), |ui, range| {
            for row in &rows[range] {
                let sign = if row.is_folder { icon::FOLDER } else { icon::FILE };
                let is_chosen = self.selected.as_deref() == Some(&row.name);
                let size = egui::vec2(ui.available_width(), height);
                let button = egui::Button::selectable(is_chosen, format!("{sign}  {}", row.name)).truncate();
                let button = ui.add(button.min_size(size));
                button.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::Button, true, is_chosen, &row.name));
                if button.clicked() {
                    chosen = Some(row.clone());
                }
                if button.double_clicked() {
                    wanted = Some(row.clone());
                }
            }
        });
        if let Some(row) = chosen {
            self.select(&row);
        }
        match wanted {
            Some(row) if row.is_folder => self.enter(self.folder.join(&row.name), context),
            Some(_) => self.is_accepted = true,
            None => {}
        }
    }

    fn foot_ui(&mut self, ui: &mut egui::Ui, context: &egui::Context, rows: &[Row]) -> Reply {
        let caption = if self.mode() == Mode::Folder { say!("Folder name") } else { say!("File name") };
        ui.horizontal(|ui| {
            let label = ui.label(caption);
            let field = ui.add(egui::TextEdit::singleline(&mut self.name).desired_width(FILES));
            let field = field.labelled_by(label.id);
            if std::mem::take(&mut self.wants_focus) {
                field.request_focus();
            }
        });
        ui.horizontal(|ui| {
            let label = ui.label(say!("Show names with"));
            let field = ui.add(egui::TextEdit::singleline(&mut self.filter).desired_width(30.0 * UNIT));
            field.labelled_by(label.id).on_hover_text(say!("Only names that have this text in them"));
            ui.checkbox(&mut self.hidden, say!("Hidden files")).on_hover_text(say!("Names that begin with a dot"));
            if let Mode::Save(_, endings) = self.mode() {
                let hint = say!("Not only {endings}", endings = endings.join(say!(" and ")));
                ui.checkbox(&mut self.all, say!("All files")).on_hover_text(hint);
            }
        });
        ui.add_space(UNIT);
        let mut reply = Reply::Open;
        let mut accepted = std::mem::take(&mut self.is_accepted);
        accepted |= ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, egui::Key::Enter));
        for (key, step) in [(egui::Key::ArrowDown, 1), (egui::Key::ArrowUp, -1)] {
            if ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, key)) {
                self.step(rows, step);
            }
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let (name, hint) = match self.mode() {
                Mode::Open => (say!("Open"), say!("Open the file or folder (Enter)")),
                Mode::Folder => (say!("Choose folder"), say!("The named folder, or the one that is shown (Enter)")),
                Mode::Save(..) => (say!("Save"), say!("Write the file (Enter)")),
            };
            let fill = theme::tokens(ui).accent.gamma_multiply(0.35);
            accepted |= ui.add(egui::Button::new(name).fill(fill)).on_hover_text(hint).clicked();
            if ui.button(say!("Cancel")).on_hover_text(say!("Choose nothing (Esc)")).clicked() {
                reply = Reply::Cancelled;
            }
        });
        if accepted && let Some(path) = self.accept(rows, context) {
            return Reply::Chosen(path);
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_listed_with_folders_first_whatever_the_case_of_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.nii", "A.nii", "c"] {
            std::fs::write(folder.path().join(name), []).unwrap();
        }
        std::fs::create_dir(folder.path().join("Zebra")).unwrap();
        let names: Vec<String> = read_folder(folder.path()).unwrap().into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["Zebra", "A.nii", "b.nii", "c"]);
        let missing = folder.path().join("not/there");
        assert!(read_folder(&missing).unwrap_err().contains("there"));
        assert_eq!(existing(&missing).as_deref(), Some(folder.path()));
    }
}
