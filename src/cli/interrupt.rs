//! Signals that ask a command to end: the first lets it end cleanly, the second ends it at once.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "numbers of signals"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::work;

/// The last signal's number; 0 while there was none.
static SIGNAL: AtomicUsize = AtomicUsize::new(0);

/// What shells add to the number of the signal that ended a command.
const SIGNALLED: usize = 128;

/// Hears signals from now on.
pub fn listen() {
    for signal in signals() {
        // Where signals cannot be heard, the system's own way of ending stays. The order counts: the second signal finds the flag set.
        let heard = flag::register_conditional_shutdown(signal, SIGNALLED as i32 + signal, work::ending())
            .and_then(|_| flag::register_usize(signal, &SIGNAL, signal as usize))
            .and_then(|_| flag::register(signal, work::ending()));
        if let Err(error) = heard {
            tracing::warn!("signal {signal} is not heard: {error}");
        }
    }
}

#[cfg(unix)]
fn signals() -> Vec<i32> {
    use signal_hook::consts::{SIGHUP, SIGXFSZ};
    // A file that becomes too large is an error of writing, which is reported with its name; the flag is of no use.
    static TOO_LARGE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    let _ = flag::register(SIGXFSZ, &TOO_LARGE);
    // Whoever started the command with `nohup` wants it to stay.
    if is_ignored(SIGHUP) { vec![SIGINT, SIGTERM] } else { vec![SIGINT, SIGTERM, SIGHUP] }
}

#[cfg(not(unix))]
fn signals() -> Vec<i32> {
    vec![SIGINT, SIGTERM]
}

/// Whether whoever started this process lets it ignore a signal.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    // Where that cannot be known it is left as it is.
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
}

/// The exit code where a signal asked the command to end.
pub fn exit_code() -> Option<u8> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => None,
        signal => Some(u8::try_from(SIGNALLED + signal).unwrap_or(1)),
    }
}
