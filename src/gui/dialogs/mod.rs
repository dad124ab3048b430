//! File dialogs: the system's, each on a thread of its own so that no frame waits, and the program's own where there is none.

mod own;
mod system;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::egui;
use crate::app::state::paths::{Answer, Mode, Question};
use own::{OwnDialog, Reply};

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
                Ok(path) => Message::Answer(Answer { purpose: question.purpose, mode: question.mode.clone(), path }),
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
        let answer = Answer { purpose: own.question.purpose, mode: own.question.mode.clone(), path };
        self.own = None;
        let _ = self.sender.send(Message::Answer(answer));
        context.request_repaint();
    }
}
