//! Parses arguments, starts the command line or the window; nothing else.

use std::process::ExitCode;

use clap::Parser;
use lamella::cli::{Arguments, Request};

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("LAMELLA_LOG").unwrap_or_else(|_| "error".into()))
        .with_writer(std::io::stderr)
        .init();
    match lamella::cli::run(Arguments::parse()) {
        Request::Exit(code) => ExitCode::from(code),
        Request::Window(paths) => window(paths),
    }
}

#[cfg(feature = "gui")]
fn window(paths: Vec<std::path::PathBuf>) -> ExitCode {
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
