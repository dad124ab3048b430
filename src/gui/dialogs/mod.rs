//! File dialogs: the system's, each on a thread of its own so that no frame waits, and the program's own where there is none.

mod names;
mod own;
mod system;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::egui;
use crate::jobs::{For, Kind, endings_of, names_of};
use crate::volume::Plane;
pub use names::with_ending;
use own::{OwnDialog, Reply};

/// Endings of files that labels and images are saved to.
static LABEL_ENDINGS: LazyLock<Vec<&'static str>> = LazyLock::new(|| endings_of(Kind::Labels, For::Saving));
static IMAGE_ENDINGS: LazyLock<Vec<&'static str>> = LazyLock::new(|| endings_of(Kind::Volume, For::Saving));

/// What a chosen path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Open an image file.
    OpenFile,
    /// Open a folder.
    OpenFolder,
    /// Labelled scans to learn from.
    Dataset,
    /// A data set that the shown scan is added to.
    AddToDataset,
    /// Write the report of a training.
    Report,
    /// Open a mask on the current image.
    OpenLabels,
    /// Write the segmentation.
    SaveLabels,
    /// Write the image.
    SaveImage,
    /// Write a picture of a view.
    SavePicture(Plane),
}

/// What a dialog chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A file that is there.
    Open,
    /// A folder.
    Folder,
    /// A file to be written, whose name ends in one of these, the preferred one first.
    Save(&'static [&'static str]),
}

impl Purpose {
    /// What its dialog chooses.
    pub fn mode(self) -> Mode {
        match self {
            Self::OpenFile | Self::OpenLabels => Mode::Open,
            Self::OpenFolder | Self::Dataset | Self::AddToDataset | Self::Report => Mode::Folder,
            Self::SaveLabels => Mode::Save(&LABEL_ENDINGS),
            Self::SaveImage => Mode::Save(&IMAGE_ENDINGS),
            Self::SavePicture(_) => Mode::Save(&[".png"]),
        }
    }

    /// The dialog's title.
    fn title(self) -> &'static str {
        match self {
            Self::OpenFile => "Open a file",
            Self::OpenFolder => "Open a folder",
            Self::Dataset => "Folder of labelled scans",
            Self::AddToDataset => "Folder of the data set",
            Self::Report => "Folder for the report",
            Self::OpenLabels => "Open a segmentation",
            Self::SaveLabels => "Save the segmentation",
            Self::SaveImage => "Save the image",
            Self::SavePicture(_) => "Save the picture",
        }
    }

    /// Name of the kind of file.
    fn kind(self) -> String {
        match self {
            Self::SavePicture(_) => "PNG".into(),
            Self::SaveLabels => names_of(Kind::Labels, For::Saving),
            _ => names_of(Kind::Volume, For::Saving),
        }
    }
}

/// What a dialog is to ask.
#[derive(Debug, Clone)]
pub struct Question {
    /// What the path is for.
    pub purpose: Purpose,
    /// Number of the image that was shown when the dialog opened.
    pub image: u64,
    /// Where it begins.
    pub folder: Option<PathBuf>,
    /// The suggested file name.
    pub name: String,
}

/// What came of a dialog.
pub struct Answer {
    /// What the path is for.
    pub purpose: Purpose,
    /// Number of the image that was shown when the dialog opened.
    pub image: u64,
    /// The path; none where the user chose none.
    pub path: Option<PathBuf>,
}

/// What comes from a dialog's thread.
enum Message {
    Answer(Answer),
    /// The system has no dialog; why.
    Missing(Question, String),
}

/// Open dialogs and their answers.
pub struct Dialogs {
    sender: Sender<Message>,
    messages: Receiver<Message>,
    /// Why the program's own dialog is used, where it is.
    missing: Option<String>,
    own: Option<OwnDialog>,
    /// Folders to go to at once.
    places: Vec<PathBuf>,
}

impl Dialogs {
    /// No dialog; the system's are used where it has any.
    pub fn new() -> Self {
        let (sender, messages) = channel();
        Self { sender, messages, missing: None, own: None, places: Vec::new() }
    }

    /// No dialog; the program's own are used.
    pub fn own() -> Self {
        Self { missing: Some(String::new()), ..Self::new() }
    }

    /// Opens a dialog; `places` are folders that the program's own one offers.
    pub fn ask(&mut self, question: Question, places: Vec<PathBuf>, context: &egui::Context) {
        self.places = places;
        if let Some(why) = &self.missing {
            self.own = Some(OwnDialog::new(question, why.clone(), self.places.clone(), context));
            return;
        }
        let (sender, context) = (self.sender.clone(), context.clone());
        std::thread::spawn(move || {
            // The window may be closed by the time there is an answer.
            let _ = sender.send(match system::ask(&question) {
                Ok(path) => Message::Answer(Answer { purpose: question.purpose, image: question.image, path }),
                Err(why) => Message::Missing(question, why),
            });
            context.request_repaint();
        });
    }

    /// Whether the program's own dialog is open.
    pub fn is_open(&self) -> bool {
        self.own.is_some()
    }

    /// The next answer.
    pub fn poll(&mut self, context: &egui::Context) -> Option<Answer> {
        match self.messages.try_recv().ok()? {
            Message::Answer(answer) => Some(answer),
            Message::Missing(question, why) => {
                self.own = Some(OwnDialog::new(question, why.clone(), self.places.clone(), context));
                self.missing = Some(why);
                None
            }
        }
    }

    /// Shows the program's own dialog; what was chosen comes out of [`Self::poll`].
    pub fn ui(&mut self, context: &egui::Context) {
        let Some(own) = &mut self.own else { return };
        let path = match own.ui(context) {
            Reply::Open => return,
            Reply::Chosen(path) => Some(path),
            Reply::Cancelled => None,
        };
        let answer = Answer { purpose: own.question.purpose, image: own.question.image, path };
        self.own = None;
        let _ = self.sender.send(Message::Answer(answer));
        context.request_repaint();
    }
}
