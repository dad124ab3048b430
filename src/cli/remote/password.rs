//! The password of a server: from the environment, the system's keyring, or the terminal. Never from an argument, which others can see.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::cli::Result;
use crate::jobs::JobError;
use crate::remote::Secret;
use crate::remote::credentials::{self, Account, KeyringError};
use crate::work::Watch;

/// The variable of the environment that holds a password.
pub const VARIABLE: &str = "LAMELLA_REMOTE_PASSWORD";
/// Between two looks at whether a signal has come.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The password of a user, none where nobody says it; and whether the user said it for this time.
pub fn password_of(url: &str, user: &str) -> Result<(Option<Secret>, bool)> {
    if let Some(word) = std::env::var(VARIABLE).ok().filter(|word| !word.is_empty()) {
        return Ok((Some(Secret::new(word)), true));
    }
    let account = Account { url: url.to_string(), user: user.to_string() };
    match credentials::password(&account, Watch::unwatched()) {
        Ok(Some(word)) => return Ok((Some(word), false)),
        Err(KeyringError::Stopped(stopped)) => return Err(stopped.into()),
        // There is none, or no keyring: the user is asked.
        Ok(None) | Err(_) => {}
    }
    Ok((ask(url, user)?, true))
}

/// Asks on the terminal, which does not show what is typed; none where there is no terminal, or it cannot be kept from showing it.
pub fn ask(url: &str, user: &str) -> Result<Option<Secret>> {
    let question = format!("Password of {user} at {url}: ");
    let Some(terminal) = terminal() else { return Ok(None) };
    let Some(hidden) = Hidden::begin(&terminal) else { return Ok(None) };
    let mut shown = &terminal;
    // A question that is not seen is still waiting for its answer.
    drop(write!(shown, "{question}").and_then(|()| shown.flush()));
    let (sender, typed) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(terminal).read_line(&mut line);
        // Nobody may be waiting any more.
        drop(sender.send(read.map(|_| line)));
    });
    let line = loop {
        match typed.recv_timeout(LOOK_AGAIN) {
            Ok(line) => break line,
            Err(RecvTimeoutError::Timeout) => Watch::unwatched().check()?,
            Err(RecvTimeoutError::Disconnected) => break Ok(String::new()),
        }
    };
    drop(hidden);
    let line = line.map_err(|e| JobError::Other(format!("the password cannot be read: {e}")))?;
    let word = line.trim_end_matches(['\r', '\n']);
    Ok((!word.is_empty()).then(|| Secret::new(word)))
}

fn terminal() -> Option<File> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    terminal.is_terminal().then_some(terminal)
}

/// A terminal that does not show what is typed, until it is dropped.
struct Hidden(File);

impl Hidden {
    fn begin(terminal: &File) -> Option<Self> {
        let own = terminal.try_clone().ok()?;
        stty(&own, "-echo").then_some(Self(own))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        stty(&self.0, "echo");
        // The line that was not shown ends nowhere.
        drop(writeln!(&self.0));
    }
}

/// The program of every Unix that sets up terminals; elsewhere there is none.
fn stty(terminal: &File, setting: &str) -> bool {
    let Ok(input) = terminal.try_clone() else { return false };
    let done = Command::new("stty").arg(setting).stdin(input).stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}
