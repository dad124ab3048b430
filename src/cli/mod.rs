//! The command line: the contract that scripts rely on.
//!
//! **Invariant:** exit code 0 is success, 1 a reported error (also a panic), 2 wrong usage, and 128 with a signal's number added where a
//! signal ended the command: 130 after Ctrl-C; with `--json` stdout holds one JSON document
//! (of `train` one on each line) and nothing else; progress goes to stderr and only to a terminal.
//!
//! Deliberately absent: work; every command parses, calls a job and prints.

/// Prints a line to standard output.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::print_line(format_args!($($text)*)) };
}

/// Prints a line to standard error; that nobody can read it is no error.
macro_rules! tell {
    ($($text:tt)*) => { $crate::cli::tell_line(format_args!($($text)*)) };
}

mod batch;
mod bench;
mod check;
mod convert;
mod deidentify;
mod devices;
mod edit;
mod evaluate;
mod guard;
mod import;
mod info;
mod interrupt;
mod licences;
mod measure;
mod measure_document;
mod models;
mod named_labels;
mod refine;
mod remote;
mod reslice;
mod sample;
mod scan_look;
mod segment;
mod sheet;
mod slice_choice;
mod slices;
mod spacing;
mod structures;
mod terminal;
mod touch;
mod train;
mod train_touch;

use std::io::{ErrorKind, Write as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Parser, Subcommand};

pub use bench::BodyBench;

use crate::engine::Activations;
use crate::jobs::JobError;

/// Segment medical images slice by slice. For research use; not for diagnosis.
#[derive(Parser)]
#[command(name = "lamella", version, about, long_about = None, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Files or folders to open in the window
    paths: Vec<PathBuf>,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there are few of them, and none lives long")]
enum Command {
    /// Show every series and volume of a file or folder
    Info(info::Info),
    /// Convert a volume or mask to another format, keeping its geometry
    Convert(convert::Convert),
    /// Look at a mask: its labels, and whether it lies on its scan
    Check(check::Check),
    /// Take the patients out of DICOM files
    Deidentify(deidentify::Deidentify),
    /// Change the labels of a mask: islands, holes, logic between labels and more
    Edit(edit::Edit),
    /// Segment volumes with a model
    Segment(segment::Segment),
    /// Segment every scan of a folder: resumed where it was ended, with a table at the end
    Batch(batch::Batch),
    /// Adapt a model to finished slices of a scan, and segment the others again
    Refine(refine::Refine),
    /// Make a mask of strokes on and off a structure
    Touch(touch::Touch),
    /// Train a model on a labelled data set
    Train(train::Train),
    /// Train the network that answers strokes
    TrainTouch(train_touch::TrainTouch),
    /// Compare predicted masks with true ones
    Evaluate(evaluate::Evaluate),
    /// Measure the labels of a mask: volumes, values of the image, surfaces, diameters
    Measure(measure::Measure),
    /// List, show, import and export models
    Models(models::Models),
    /// Write slices as pictures, or a stack of them
    Slices(slices::Slices),
    /// Cut a scan along any plane, or straighten it along a path
    Reslice(reslice::ResliceScan),
    /// Draw many slices in one figure, for papers
    Sheet(sheet::SheetFigure),
    /// Talk with servers of images: test, find, get, send, receive
    Remote(remote::Remote),
    /// List the devices that networks can run on, with their memory
    Devices(devices::Devices),
    /// List whose work is in the program, with the texts of the licences
    #[command(alias = "licenses")]
    Licences(licences::Licences),
    /// Time the project's own benchmarks
    Bench(bench::Bench),
    /// Draw the synthetic sample from the appearance of a data set
    MakeSample(sample::MakeSample),
}

/// What the arguments ask for.
pub enum Request {
    /// Open the window with these paths.
    Window(Vec<PathBuf>),
    /// Time the 3-D tile, which the window's part of the program does.
    BenchBody(BodyBench),
    /// A command was run; leave with this code.
    Exit(u8),
}

/// Runs a command, or asks for the window.
pub fn run(arguments: Arguments) -> Request {
    match arguments.command {
        None => Request::Window(arguments.paths),
        Some(Command::Bench(command)) => match command.of_window() {
            Ok(asked) => Request::BenchBody(asked),
            Err(command) => Request::Exit(guard::run(Command::Bench(*command))),
        },
        Some(command) => Request::Exit(guard::run(command)),
    }
}

impl Command {
    fn run(self) -> Result {
        match self {
            Self::Info(command) => command.run(),
            Self::Convert(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Deidentify(command) => command.run(),
            Self::Edit(command) => command.run(),
            Self::Segment(command) => command.run(),
            Self::Batch(command) => command.run(),
            Self::Refine(command) => command.run(),
            Self::Touch(command) => command.run(),
            Self::Train(command) => command.run(),
            Self::TrainTouch(command) => command.run(),
            Self::Evaluate(command) => command.run(),
            Self::Measure(command) => command.run(),
            Self::Models(command) => command.run(),
            Self::Slices(command) => command.run(),
            Self::Reslice(command) => command.run(),
            Self::Sheet(command) => command.run(),
            Self::Remote(command) => command.run(),
            Self::Devices(command) => command.run(),
            Self::Licences(command) => command.run(),
            Self::Bench(command) => command.run(),
            Self::MakeSample(command) => command.run(),
        }
    }

    /// Its name, for reports of faults.
    fn name(&self) -> &'static str {
        match self {
            Self::Info(_) => "info",
            Self::Convert(_) => "convert",
            Self::Check(_) => "check",
            Self::Deidentify(_) => "deidentify",
            Self::Edit(_) => "edit",
            Self::Segment(_) => "segment",
            Self::Batch(_) => "batch",
            Self::Refine(_) => "refine",
            Self::Touch(_) => "touch",
            Self::Train(_) => "train",
            Self::TrainTouch(_) => "train-touch",
            Self::Evaluate(_) => "evaluate",
            Self::Measure(_) => "measure",
            Self::Models(_) => "models",
            Self::Slices(_) => "slices",
            Self::Reslice(_) => "reslice",
            Self::Sheet(_) => "sheet",
            Self::Remote(_) => "remote",
            Self::Devices(_) => "devices",
            Self::Licences(_) => "licences",
            Self::Bench(_) => "bench",
            Self::MakeSample(_) => "make-sample",
        }
    }

    /// How long it may take to end once a signal asks it to: a training saves its state first.
    fn patience(&self) -> Duration {
        Duration::from_secs(if matches!(self, Self::Train(_) | Self::TrainTouch(_)) { 120 } else { 3 })
    }
}

/// Result of a command.
type Result<T = ()> = std::result::Result<T, JobError>;

/// Uses so many processor threads, at most as many as there are; all of them where nothing is said.
fn use_threads(threads: Option<NonZeroUsize>) -> Result {
    let Some(asked) = threads else { return Ok(()) };
    let there = std::thread::available_parallelism().unwrap_or(asked);
    let threads = asked.min(there);
    if threads < asked {
        tell!("note: there are {there} processor threads, so that --threads {asked} uses {there}");
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global();
    pool.map_err(|e| JobError::Other(format!("cannot use {threads} threads: {e}")))
}

/// What `--recompute` asks for.
fn activations(recompute: bool) -> Activations {
    if recompute { Activations::Recomputed } else { Activations::Kept }
}

/// Whether something could not be printed.
static UNPRINTED: AtomicBool = AtomicBool::new(false);

/// Prints a line. That its reader has gone away (`lamella models list | head`) is no error; a full disk is.
fn print_line(line: std::fmt::Arguments) {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe && !UNPRINTED.swap(true, Ordering::Relaxed) => {
            tell!("error: the output cannot be written: {error}");
        }
        _ => {}
    }
}

fn tell_line(line: std::fmt::Arguments) {
    // There is nowhere left to report to.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints what was timed, as one JSON document or in words; the exit code.
pub fn show_times(times: &(impl serde::Serialize + std::fmt::Display), json: bool) -> u8 {
    if !json {
        say!("{times}");
        return 0;
    }
    u8::from(print_json(times).is_err())
}

/// Prints a JSON document.
fn print_json(value: &impl serde::Serialize) -> Result {
    let text = serde_json::to_string_pretty(value).map_err(|e| JobError::Other(e.to_string()))?;
    say!("{text}");
    Ok(())
}
