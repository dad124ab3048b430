//! System file dialogs, each on a thread of its own so that no frame waits.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::egui;
use crate::volume::Plane;

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

/// A chosen path.
pub struct Answer {
    /// What it is for.
    pub purpose: Purpose,
    /// Number of the image that was shown when the dialog opened.
    pub image: u64,
    /// The path.
    pub path: PathBuf,
}

/// Open dialogs and their answers.
pub struct Dialogs {
    sender: Sender<Answer>,
    answers: Receiver<Answer>,
}

impl Dialogs {
    /// No dialog.
    pub fn new() -> Self {
        let (sender, answers) = channel();
        Self { sender, answers }
    }

    /// Opens a dialog about an image; `name` is the suggested file name.
    pub fn ask(&self, purpose: Purpose, image: u64, name: String, context: &egui::Context) {
        let (sender, context) = (self.sender.clone(), context.clone());
        std::thread::spawn(move || {
            let dialog = rfd::FileDialog::new();
            let path = match purpose {
                Purpose::OpenFile | Purpose::OpenLabels => dialog.set_title("Open").pick_file(),
                Purpose::OpenFolder => dialog.set_title("Open a folder").pick_folder(),
                Purpose::Dataset => dialog.set_title("Folder of labelled scans").pick_folder(),
                Purpose::AddToDataset => dialog.set_title("Folder of the data set").pick_folder(),
                Purpose::Report => dialog.set_title("Folder for the report").pick_folder(),
                Purpose::SaveLabels | Purpose::SaveImage => {
                    dialog.add_filter("NIfTI", &["nii.gz", "nii"]).set_file_name(name).save_file()
                }
                Purpose::SavePicture(_) => dialog.add_filter("PNG", &["png"]).set_file_name(name).save_file(),
            };
            if let Some(path) = path {
                // The window may be closed by now.
                let _ = sender.send(Answer { purpose, image, path });
                context.request_repaint();
            }
        });
    }

    /// The next chosen path.
    pub fn poll(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}
