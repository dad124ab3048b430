//! Progress on a terminal.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "shares of progress"
)]

use std::io::IsTerminal;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

use crate::jobs::{Job, JobError, Told, Work};
use crate::work::{Share, Watch};

/// A progress bar on stderr; silent where that is no terminal.
pub struct Terminal {
    bar: ProgressBar,
    epochs: Mutex<()>,
}

impl Terminal {
    /// A bar for work that is called `title`.
    pub fn new(title: &str) -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(1000) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3} % {msg} {eta}") {
            bar.set_style(style);
        }
        bar.set_prefix(title.to_string());
        Self { bar, epochs: Mutex::new(()) }
    }

    /// Shows how far the work is.
    pub fn progress(&self, share: Share) {
        self.bar.set_position((share.fraction * 1000.0) as u64);
        self.bar.set_message(share.stage);
    }

    /// Runs a job, showing how far it is and what it warns of; its events go to `on_event`.
    ///
    /// # Errors
    /// As of the job.
    pub fn run<J: Job>(&self, job: J, on_event: &(dyn Fn(J::Event) + Sync)) -> Result<J::Output, JobError> {
        let report = |share| self.progress(share);
        let tell = |told| match told {
            Told::Event(event) => on_event(event),
            Told::Warning(text) => self.warn(&text),
            Told::Stage(stage) => {
                self.bar.reset();
                self.bar.set_message(stage.name);
            }
        };
        job.run(&Work::new(Watch::unwatched().reporting(&report), &tell))
    }

    /// Prints something that the user must know.
    pub fn warn(&self, text: &str) {
        self.line(&format!("note: {text}"));
    }

    /// Prints a line of JSON to standard output, past the bar.
    pub fn print(&self, line: &serde_json::Value) {
        let _guard = self.epochs.lock();
        self.bar.suspend(|| say!("{line}"));
    }

    /// Prints a line to standard error, past the bar.
    pub fn line(&self, text: &str) {
        let _guard = self.epochs.lock();
        if self.bar.is_hidden() {
            tell!("{text}");
        } else {
            self.bar.println(text);
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
