//! What the program does at the moment and did last, in words that are part of the program: no word of a user is among them.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

/// Steps and places of the log that are remembered.
const MOST: usize = 30;

/// What is remembered.
struct Trail {
    doing: Vec<&'static str>,
    steps: VecDeque<&'static str>,
    log: VecDeque<String>,
}

static TRAIL: Mutex<Trail> = Mutex::new(Trail { doing: Vec::new(), steps: VecDeque::new(), log: VecDeque::new() });

fn change<T>(change: impl FnOnce(&mut Trail) -> T) -> T {
    change(&mut TRAIL.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Work that goes on until this is dropped.
#[derive(Debug)]
pub struct Doing(&'static str);

/// Remembers that work of this name, one of the program's lists, is being done.
pub fn doing(work: &'static str) -> Doing {
    change(|trail| trail.doing.push(work));
    Doing(work)
}

impl Drop for Doing {
    fn drop(&mut self) {
        change(|trail| {
            let place = trail.doing.iter().rposition(|work| *work == self.0);
            place.map(|place| trail.doing.remove(place));
        });
    }
}

/// Remembers that a command was given, by its name in the program's list.
pub fn note_step(step: &'static str) {
    change(|trail| {
        trail.steps.push_back(step);
        if trail.steps.len() > MOST {
            trail.steps.pop_front();
        }
    });
}

/// Remembers where in the program something was logged, and how serious it was; what was said may name files, and is not kept.
pub fn note_log(level: &str, target: &str, line: Option<u32>) {
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    change(|trail| {
        trail.log.push_back(format!("{level} {target}{line}"));
        if trail.log.len() > MOST {
            trail.log.pop_front();
        }
    });
}

/// All of it, for a report. Where a thread panics while it holds the trail, nothing is said rather than waited for.
pub(super) fn told() -> String {
    let Ok(trail) = TRAIL.try_lock() else { return String::new() };
    let mut text = String::new();
    let lines = |text: &mut String, title: &str, lines: &mut dyn Iterator<Item = &str>| {
        let mut lines = lines.peekable();
        if lines.peek().is_some() {
            let _ = writeln!(text, "\n{title}");
            lines.for_each(|line| {
                let _ = writeln!(text, "  {line}");
            });
        }
    };
    lines(&mut text, "Work that was being done:", &mut trail.doing.iter().copied());
    lines(&mut text, "Last commands:", &mut trail.steps.iter().copied());
    lines(&mut text, "Last places that were logged:", &mut trail.log.iter().map(String::as_str));
    text
}
