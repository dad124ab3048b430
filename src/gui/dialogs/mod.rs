//! File dialogs: the system's, each on a thread of its own so that no frame waits, and the program's own where there is none.

mod own;
mod system;

use std::collections::VecDeque;
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
    /// Questions that come after the one that is open: each gets its answer.
    waiting: VecDeque<(Question, Vec<PathBuf>)>,
    /// Folders to go to at once.
    places: Vec<PathBuf>,
}

impl Dialogs {
    /// No dialog; the system's are used where it has any.
    pub fn new() -> Self {
        let (sender, messages) = channel();
        Self { sender, messages, missing: None, own: None, waiting: VecDeque::new(), places: Vec::new() }
    }

    /// No dialog; the program's own are used.
    pub fn own() -> Self {
        Self { missing: Some(String::new()), ..Self::new() }
    }

    /// Opens a dialog; `places` are folders that the program's own one offers.
    pub fn ask(&mut self, question: Question, places: Vec<PathBuf>, context: &egui::Context) {
        if self.missing.is_some() {
            self.waiting.push_back((question, places));
            return self.open_next(context);
        }
        self.places = places;
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

    /// Opens the program's own dialog for the question that has waited longest, where none is open.
    fn open_next(&mut self, context: &egui::Context) {
        if self.own.is_none()
            && let Some((question, places)) = self.waiting.pop_front()
        {
            let why = self.missing.clone().unwrap_or_default();
            self.own = Some(OwnDialog::new(question, why, places, context));
        }
    }

    /// The next answer.
    pub fn poll(&mut self, context: &egui::Context) -> Option<Answer> {
        loop {
            match self.messages.try_recv().ok()? {
                Message::Answer(answer) => return Some(answer),
                Message::Missing(question, why) => {
                    self.missing = Some(why);
                    self.waiting.push_back((question, self.places.clone()));
                    self.open_next(context);
                }
            }
        }
    }

    /// Shows the program's own dialog; what was chosen comes out of [`Self::poll`].
    pub fn ui(&mut self, context: &egui::Context) {
        let Some(own) = &mut self.own else { return };
        match own.ui(context) {
            Reply::Open => {}
            Reply::Chosen(path) => self.close(Some(path), context),
            Reply::Cancelled => self.close(None, context),
        }
    }

    fn close(&mut self, path: Option<PathBuf>, context: &egui::Context) {
        let Some(OwnDialog { question, .. }) = self.own.take() else { return };
        let _ = self.sender.send(Message::Answer(Answer { purpose: question.purpose, mode: question.mode, path }));
        self.open_next(context);
        context.request_repaint();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::paths::{Mode, Purpose};

    fn find(id: u64) -> Question {
        let purpose = Purpose::FindScan { id, is_folder: false };
        Question { purpose, mode: Mode::Open, title: "Where is the scan?", folder: None, name: String::new() }
    }

    fn answered(answer: Option<Answer>) -> Option<(u64, Option<PathBuf>)> {
        answer.map(|answer| match answer.purpose {
            Purpose::FindScan { id, .. } => (id, answer.path),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn each_of_two_questions_gets_its_answer() {
        let context = egui::Context::default();
        for is_found_out in [false, true] {
            let mut dialogs = if is_found_out { Dialogs::new() } else { Dialogs::own() };
            for id in [1, 2] {
                // Where the system turns out to have no dialog, the questions come back from their threads.
                if is_found_out {
                    dialogs.sender.send(Message::Missing(find(id), "none".into())).unwrap();
                } else {
                    dialogs.ask(find(id), Vec::new(), &context);
                }
            }
            assert_eq!(answered(dialogs.poll(&context)), None);
            assert!(dialogs.is_open());
            dialogs.close(None, &context);
            assert_eq!(answered(dialogs.poll(&context)), Some((1, None)));
            assert!(dialogs.is_open(), "the second question is asked");
            dialogs.close(Some("/data/b.nii".into()), &context);
            assert_eq!(answered(dialogs.poll(&context)), Some((2, Some("/data/b.nii".into()))));
            assert!(!dialogs.is_open());
        }
    }
}
