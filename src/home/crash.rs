//! Reports of faults of the program: written when it panics, kept in its own folder, never sent.
//!
//! What a panic says may name a file, so only texts that are part of the program or of Rust's own library are kept, and a backtrace has names
//! of functions alone.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::folders::data_folder;
use super::trail;
use crate::disk::{create_private_folder, open_regular_file, replace_private_file};
use crate::work::memory::OutOfMemory;

/// The folder of reports in the program's own.
const FOLDER: &str = "crashes";
/// Reports that are kept.
const KEPT: usize = 10;
/// Reports that one process writes: what fails once often fails again at once.
const MOST_OF_A_PROCESS: usize = 3;
/// Most bytes that are read of a report.
const MOST_BYTES: u64 = 1 << 20;
/// What a panic of Rust's own library says, which names numbers and nothing else.
const OF_THE_LIBRARY: [&str; 14] = [
    "index out of bounds: ",
    "range end index ",
    "range start index ",
    "slice index starts at ",
    "attempt to ",
    "called `Option::",
    "capacity overflow",
    "source slice length ",
    "copy_from_slice: ",
    "mid > len",
    "already borrowed",
    "already mutably borrowed",
    "division by zero",
    "assertion failed: ",
];
/// What it says before a value that may be anything.
const BEFORE_A_VALUE: [&str; 3] = [
    "called `Result::unwrap()` on an `Err` value",
    "called `Result::unwrap_err()` on an `Ok` value",
    "assertion `left",
];

static WRITTEN: AtomicUsize = AtomicUsize::new(0);
/// Card and driver that the window is drawn by.
static CARD: Mutex<String> = Mutex::new(String::new());

/// A report on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrashReport {
    /// Its file.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// Remembers the card and its driver for reports.
pub fn note_card(card: String) {
    *CARD.lock().unwrap_or_else(PoisonError::into_inner) = card;
}

/// Writes a report wherever the program panics from now on, before what was done about panics until now.
pub fn keep_reports() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        note_panic(panic);
        usual(panic);
    }));
}

/// Writes a report of a panic; where it is. For the panic hook: it never panics, and says nothing where nothing can be written. Memory that
/// cannot be had is no fault of the program, and has no report.
pub fn note_panic(panic: &PanicHookInfo) -> Option<PathBuf> {
    if panic.payload().is::<OutOfMemory>() || WRITTEN.fetch_add(1, Ordering::Relaxed) >= MOST_OF_A_PROCESS {
        return None;
    }
    let folder = data_folder()?.join(FOLDER);
    write(&folder, &report(panic)).ok()
}

fn report(panic: &PanicHookInfo) -> String {
    let mut text = String::new();
    let version = env!("CARGO_PKG_VERSION");
    let thread = std::thread::current();
    let place = panic.location().map_or(String::new(), |at| format!("{}:{}", in_sources(at.file()), at.line()));
    let card = CARD.try_lock().map(|card| card.clone()).unwrap_or_default();
    let _ = writeln!(
        text,
        "A fault of Lamella {version}. This report was not sent; you may attach it when you report the fault.\n"
    );
    for (caption, said) in [
        ("When", utc(SystemTime::now())),
        ("System", system()),
        ("Card", if card.is_empty() { "none in use".into() } else { card }),
        ("Thread", thread.name().unwrap_or("without a name").to_string()),
        ("Place", place),
        ("Said", why(panic)),
    ] {
        let _ = writeln!(text, "{caption}: {said}");
    }
    text.push_str(&trail::told());
    let _ = writeln!(text, "\nFunctions, the innermost first:");
    for name in functions(&Backtrace::force_capture().to_string()) {
        let _ = writeln!(text, "  {name}");
    }
    text
}

/// What a panic says, as far as it cannot name a file.
fn why(panic: &PanicHookInfo) -> String {
    let payload = panic.payload();
    if let Some(text) = payload.downcast_ref::<&str>() {
        // A text without values is part of the program.
        return (*text).to_string();
    }
    match payload.downcast_ref::<String>() {
        Some(text) => without_values(text),
        None => "something else than a text".into(),
    }
}

/// A text with values, where it is known that they are numbers, or its beginning.
fn without_values(text: &str) -> String {
    if OF_THE_LIBRARY.iter().any(|start| text.starts_with(start)) {
        return text.lines().next().unwrap_or_default().to_string();
    }
    let known = BEFORE_A_VALUE.iter().find(|start| text.starts_with(*start));
    known.map_or_else(|| "left out, because it could name a file".into(), |start| format!("{start} ..."))
}

/// A file's name in the sources, without where they lay when the program was built.
fn in_sources(file: &str) -> String {
    let file = file.replace('\\', "/");
    let parts: Vec<&str> = file.split('/').collect();
    let source = parts.iter().rposition(|part| *part == "src");
    // Of a dependency the folder before tells which one it is.
    let start = source.map_or(parts.len().saturating_sub(1), |at| at.saturating_sub(usize::from(!file.contains(".."))));
    parts.get(start..).unwrap_or_default().join("/")
}

/// The names of functions in a backtrace; files and addresses are left out.
fn functions(backtrace: &str) -> Vec<String> {
    let names = backtrace.lines().filter_map(|line| {
        let (number, name) = line.trim_start().split_once(": ")?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| name.trim().to_string())
    });
    names.collect()
}

/// The system, as it calls itself.
fn system() -> String {
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    let told = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = told.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).map(|name| name.trim_matches('"'));
    format!("{}, {system}, {processor}", name.unwrap_or("unnamed"))
}

/// Date and time of day in UTC, after Hinnant, "chrono-Compatible Low-Level Date Algorithms" (`howardhinnant.github.io/date_algorithms.html`).
fn utc(time: SystemTime) -> String {
    let secs = time.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
    let (days, of_day) = (secs / 86_400, secs % 86_400);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", of_day / 3600, of_day / 60 % 60)
}

/// Writes a report, which only the user may read, and removes the oldest where there are many.
fn write(folder: &Path, text: &str) -> std::io::Result<PathBuf> {
    create_private_folder(folder)?;
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_nanos()).unwrap_or_default();
    let path = folder.join(format!("crash-{nanos:020}-{}.txt", std::process::id()));
    replace_private_file(&path, |writer| writer.write_all(text.as_bytes()))?;
    let there = listed(folder);
    for old in there.iter().take(there.len().saturating_sub(KEPT)) {
        // One that cannot be removed is only one too many.
        let _ = std::fs::remove_file(old);
    }
    Ok(path)
}

/// The files of reports, the oldest first.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_report = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("crash-") && path.extension().is_some_and(|ending| ending == "txt")
    };
    let mut files: Vec<PathBuf> = files.filter(is_report).collect();
    files.sort();
    files
}

/// The reports in a folder of the program, the newest first; those that cannot be read are passed over.
pub fn reports(data: &Path) -> Vec<CrashReport> {
    let read = |path: PathBuf| {
        let mut text = String::new();
        open_regular_file(&path).ok()?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
        Some(CrashReport { path, text })
    };
    listed(&data.join(FOLDER)).into_iter().rev().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_could_name_a_file_is_left_out() {
        for (said, kept) in [
            (
                "index out of bounds: the len is 3 but the index is 9",
                "index out of bounds: the len is 3 but the index is 9",
            ),
            (
                "called `Result::unwrap()` on an `Err` value: \"/home/a/b.nii\"",
                "called `Result::unwrap()` on an `Err` value ...",
            ),
            ("cannot read Smith John.nii", "left out, because it could name a file"),
        ] {
            assert_eq!(without_values(said), kept);
        }
        let backtrace = "   0: std::backtrace::create\n             at /rustc/1/library/std/src/backtrace.rs:331:13\n   1: lamella::main\n";
        assert_eq!(functions(backtrace), ["std::backtrace::create", "lamella::main"]);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (secs, said) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(secs)), said);
        }
    }

    #[test]
    fn the_last_ten_reports_are_kept() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join(FOLDER);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("notes.txt"), "mine").unwrap();
        for number in 0..13 {
            write(&folder, &format!("report {number}")).unwrap();
        }
        let kept = reports(data.path());
        let texts: Vec<&str> = kept.iter().map(|report| report.text.as_str()).collect();
        assert_eq!(texts.len(), KEPT);
        assert_eq!((texts[0], texts[9]), ("report 12", "report 3"));
        assert!(folder.join("notes.txt").exists());
    }
}
