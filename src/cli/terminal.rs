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

use crate::jobs::JobEvent;

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

    /// Shows an event.
    pub fn show(&self, event: JobEvent) {
        match event {
            JobEvent::Progress { fraction, stage } => {
                self.bar.set_position((fraction * 1000.0) as u64);
                self.bar.set_message(stage);
            }
            JobEvent::Warning(text) => self.line(&format!("note: {text}")),
            JobEvent::Epoch(epoch) => {
                let dice = epoch.dice.as_ref().map_or(String::new(), |dice| {
                    let each: Vec<String> = dice.iter().map(|(name, d)| format!("{name} {d:.4}")).collect();
                    format!("  Dice {}{}", each.join(", "), if epoch.best { "  best" } else { "" })
                });
                let minutes = epoch.seconds / 60.0;
                self.line(&format!("epoch {:3}  {minutes:6.1} min  loss {:.4}{dice}", epoch.number, epoch.loss));
            }
            JobEvent::Planned { why, .. } if !why.is_empty() => {
                self.line(&format!("note: Chosen for these scans: {}", why.join(" ")));
            }
            JobEvent::Fold { fold, count } => self.line(&format!("fold {fold}/{count}")),
            JobEvent::Stage { name, .. } => {
                self.bar.reset();
                self.bar.set_message(name);
            }
            JobEvent::Preview(_)
            | JobEvent::Planned { .. }
            | JobEvent::Device(_)
            | JobEvent::Slices { .. }
            | JobEvent::Took(_)
            | JobEvent::Loss { .. } => {}
        }
    }

    /// Prints a line of JSON to standard output, past the bar.
    pub fn print(&self, line: &serde_json::Value) {
        let _guard = self.epochs.lock();
        self.bar.suspend(|| say!("{line}"));
    }

    fn line(&self, text: &str) {
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
