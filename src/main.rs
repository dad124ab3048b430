//! Parses arguments, starts the command line or the window; nothing else.

use std::process::ExitCode;

use clap::Parser;
use lamella::cli::{Arguments, BodyBench, Request};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

fn main() -> ExitCode {
    // LAMELLA_LOG=level, or target=level with commas between.
    let told = std::env::var("LAMELLA_LOG").ok().and_then(|told| told.parse::<Targets>().ok());
    let told = told.unwrap_or_else(|| Targets::new().with_default(LevelFilter::ERROR));
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(told))
        .with(Places.with_filter(LevelFilter::WARN))
        .init();
    match lamella::cli::run(Arguments::parse()) {
        Request::Exit(code) => ExitCode::from(code),
        Request::Window(paths) => window(paths),
        Request::BenchBody(asked) => bench_body(&asked),
    }
}

/// Remembers where something was logged, for reports of faults.
struct Places;

impl<S: tracing::Subscriber> Layer<S> for Places {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let of = event.metadata();
        lamella::home::note_log(of.level().as_str(), of.target(), of.line());
    }
}

#[cfg(feature = "gui")]
fn window(paths: Vec<std::path::PathBuf>) -> ExitCode {
    lamella::home::keep_reports();
    match lamella::gui::run(paths) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: the window cannot be opened: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(feature = "gui"))]
fn window(_: Vec<std::path::PathBuf>) -> ExitCode {
    eprintln!("error: this build has no window; see `lamella --help` for the commands");
    ExitCode::from(2)
}

#[cfg(feature = "gui")]
fn bench_body(asked: &BodyBench) -> ExitCode {
    match lamella::gui::bench_body(&asked.mask, asked.size, asked.frames, asked.software, asked.pictures.as_deref()) {
        Ok(times) => ExitCode::from(lamella::cli::show_times(&times, asked.json)),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(feature = "gui"))]
fn bench_body(_: &BodyBench) -> ExitCode {
    eprintln!("error: this build has no window and cannot draw");
    ExitCode::from(2)
}
