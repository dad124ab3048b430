//! What every command is run in: panics become messages, signals end it cleanly, and errors name their files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Command, Result, UNPRINTED, interrupt};
use crate::disk::remove_unfinished;
use crate::home;
use crate::jobs::{JobError, panic_reason};
use crate::work::memory::OutOfMemory;

/// Bytes of a command's stack, as those of a main thread.
const STACK_BYTES: usize = 8 << 20;
/// Between two looks at whether a signal has come.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Where the last panic happened, and why.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Runs a command; gives the exit code.
pub fn run(command: Command) -> u8 {
    interrupt::listen();
    note_panics();
    let patience = command.patience();
    let (sender, done) = channel();
    let work = move || {
        let _doing = home::doing(command.name());
        // Nobody waits for a command that took too long to end.
        let _ = sender.send(code_of(guarded(|| command.run())));
    };
    // Work is done beside this thread, which listens. Where there is no room for a thread there is none for the work either.
    if let Err(error) = std::thread::Builder::new().name("command".into()).stack_size(STACK_BYTES).spawn(work) {
        tell!("error: no thread can be started: {error}");
        return 1;
    }
    let mut asked: Option<Instant> = None;
    loop {
        match done.recv_timeout(LOOK_AGAIN) {
            Ok(code) => return code,
            Err(RecvTimeoutError::Disconnected) => return 1,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let Some(code) = interrupt::exit_code() else { continue };
        if asked.get_or_insert_with(Instant::now).elapsed() > patience {
            remove_unfinished();
            tell!("stopped");
            return code;
        }
    }
}

/// The exit code of an outcome, which is told where it is an error.
fn code_of(outcome: Result) -> u8 {
    match (outcome, interrupt::exit_code()) {
        (Ok(()), _) => u8::from(UNPRINTED.load(Ordering::Relaxed)),
        (Err(error), Some(code)) if error.is_stop() => {
            tell!("stopped");
            code
        }
        (Err(error), code) => {
            tell!("error: {}", with_files(&error, &files_of_command()));
            code.unwrap_or(1)
        }
    }
}

/// Does work; a panic becomes an error.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let noted = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(refused) = panic.downcast_ref::<OutOfMemory>() {
            return Err(JobError::Memory(*refused));
        }
        let what = noted.unwrap_or_else(|| panic_reason(&*panic));
        Err(JobError::Broken(format!("an internal error: {what}; please report it, with the file if you may")))
    })
}

/// Keeps what a panic says for the message, instead of printing it.
fn note_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), |at| format!(" ({}:{})", in_sources(at.file()), at.line()));
        let report = home::note_panic(panic);
        let kept = report.map_or(String::new(), |path| format!(" (a report is kept in {})", path.display()));
        let text = format!("{}{place}{kept}", panic_reason(panic.payload()));
        tracing::debug!("{text}\n{}", std::backtrace::Backtrace::force_capture());
        PANIC.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
    }));
}

/// A file's name in the sources. The compiler names it from the manifest of its part, or from where a dependency is kept.
fn in_sources(file: &str) -> &str {
    let starts = ["/src/", "\\src\\"].into_iter().filter_map(|folder| file.rfind(folder)).max();
    match starts {
        // Of a dependency the folder before tells which one it is.
        Some(at) if !file.contains("..") => {
            let before = file.get(..at).and_then(|path| path.rfind(['/', '\\'])).map_or(0, |slash| slash + 1);
            file.get(before..).unwrap_or(file)
        }
        Some(at) => file.get(at + 1..).unwrap_or(file),
        None => file,
    }
}

/// Files and folders that the command was given, without what it writes.
fn files_of_command() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut words = std::env::args_os().skip(1);
    while let Some(word) = words.next() {
        if word == "-o" || word == "--output" {
            words.next();
        } else if Path::new(&word).exists() {
            files.push(PathBuf::from(word));
        }
    }
    files
}

/// An error's text, which names the files at work where it names none of them itself.
fn with_files(error: &JobError, files: &[PathBuf]) -> String {
    const SHOWN: usize = 3;
    let text = error.to_string();
    let is_of_work = matches!(
        error,
        JobError::Broken(_)
            | JobError::Memory(_)
            | JobError::Segment(_)
            | JobError::Engine(_)
            | JobError::Fit(_)
            | JobError::Dataset(_)
    );
    let names = |file: &PathBuf| file.file_name().is_some_and(|name| text.contains(&*name.to_string_lossy()));
    if !is_of_work || files.is_empty() || files.iter().any(names) {
        return text;
    }
    let shown: Vec<String> = files.iter().take(SHOWN).map(|file| file.display().to_string()).collect();
    let more = if files.len() > SHOWN { " and others" } else { "" };
    format!("{text} ({}{more})", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::FitError;

    #[test]
    fn places_are_named_as_in_the_sources() {
        for (named, shown) in [
            ("crates/base/../../src/work/memory.rs", "src/work/memory.rs"),
            ("/home/builder/lamella/crates/images/../../src/formats/scan.rs", "src/formats/scan.rs"),
            (r"crates\base\..\..\src\work\memory.rs", r"src\work\memory.rs"),
            ("src/cli/guard.rs", "src/cli/guard.rs"),
            ("/home/builder/.cargo/registry/src/index/rayon-1.10.0/src/lib.rs", "rayon-1.10.0/src/lib.rs"),
            ("/rustc/0123abcd/library/core/src/slice/mod.rs", "core/src/slice/mod.rs"),
            ("<unnamed>", "<unnamed>"),
        ] {
            assert_eq!(in_sources(named), shown, "{named}");
        }
    }

    #[test]
    fn panics_become_errors_wherever_they_happen() {
        note_panics();
        let works: [fn() -> Result<usize>; 4] = [
            || Err(JobError::Other(String::new())),
            || Ok([1, 2, 3].into_iter().position(|n| n == 9).unwrap_or_else(|| panic!("no {}", "nine"))),
            || Ok(rayon::join(|| panic!("in another thread"), || 1).1),
            || std::thread::spawn(|| -> usize { panic!("joined") }).join().map_err(|_| panic!("and thrown again")),
        ];
        let texts = works.map(|work| guarded(work).unwrap_err().to_string());
        assert_eq!(texts[0], "");
        for (text, said) in texts[1..].iter().zip(["no nine", "in another thread", "joined"]) {
            assert!(text.contains(said) && text.contains("guard.rs:") && text.contains("report"), "{text}");
        }
        assert!(PANIC.lock().unwrap().is_none());
        let _ = std::panic::take_hook();
    }

    #[test]
    fn errors_of_the_work_name_its_files() {
        let files = ["a/scan.nii.gz", "b/mask.nii.gz", "c.nii", "d.nii"].map(PathBuf::from);
        let error = JobError::from(FitError::Plan("the image has 1 channel, 2 are needed".into()));
        assert_eq!(
            with_files(&error, &files),
            "the image has 1 channel, 2 are needed (a/scan.nii.gz, b/mask.nii.gz, c.nii and others)"
        );
        assert_eq!(with_files(&error, &[]), error.to_string());
        for own in ["scan.nii.gz is odd", "case of b/mask.nii.gz"] {
            assert_eq!(with_files(&JobError::Broken(own.into()), &files), own);
        }
        let usage = JobError::Other("--rate must be above 0".into());
        assert_eq!(with_files(&usage, &files), usage.to_string());
    }
}
