//! Why a server did not do what it was asked.

use std::path::{Path, PathBuf};

use crate::work::Stopped;

/// What talking with a server gives.
pub type Result<T> = std::result::Result<T, RemoteError>;

/// Why a server did not do what it was asked. `server` is [`Address::shown`](super::Address::shown).
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// No connection came about.
    #[error("{server} cannot be reached: {why}; check the host and the port, and whether the server runs")]
    Unreachable {
        /// Which one.
        server: String,
        /// As the system says it.
        why: String,
    },
    /// There was no answer in time.
    #[error("{server} did not answer for {seconds} s while {during}; try again, or ask who runs the server")]
    Silent {
        /// Which one.
        server: String,
        /// What was being done, for example "finding studies".
        during: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The server does not want to talk with us: titles, limits.
    #[error("{server} rejected the connection: {why}")]
    Rejected {
        /// Which one.
        server: String,
        /// Its reason, and what the user can do.
        why: String,
    },
    /// A name or a password is wrong or missing.
    #[error("{server} did not accept the login: {why}")]
    Login {
        /// Which one.
        server: String,
        /// What it says, and what the user can do.
        why: String,
    },
    /// The connection is not secure.
    #[error("no secure connection with {server}: {why}")]
    Insecure {
        /// Which one.
        server: String,
        /// What is wrong with it.
        why: String,
    },
    /// The connection ended in the middle.
    #[error("the connection with {server} ended while {during}: {why}")]
    Broken {
        /// Which one.
        server: String,
        /// What was being done.
        during: &'static str,
        /// How it ended.
        why: String,
    },
    /// Not all that was asked for came.
    #[error(
        "{received} of {expected} instances came from {server}: {why}; run it again to fetch the others: what came is kept in {}",
        kept.display()
    )]
    Incomplete {
        /// Which one.
        server: String,
        /// Instances that are here, those of earlier tries among them.
        received: usize,
        /// Instances that were asked for.
        expected: usize,
        /// What went wrong.
        why: String,
        /// Where those lie that came.
        kept: PathBuf,
    },
    /// Not all files were sent.
    #[error("{server} has {accepted} of {total} files: {why}; send them again, what is there is only replaced")]
    Unsent {
        /// Which one.
        server: String,
        /// Files that it has.
        accepted: usize,
        /// Files that it should have.
        total: usize,
        /// What went wrong.
        why: String,
    },
    /// The server answered that it could not.
    #[error("{server} could not finish {during}: {status}")]
    Failed {
        /// Which one.
        server: String,
        /// What was being done.
        during: &'static str,
        /// The status with its meaning and the server's comment.
        status: String,
    },
    /// The server does not offer what was asked for.
    #[error("{server} does not offer {what}")]
    NotOffered {
        /// Which one.
        server: String,
        /// A service, and what the user can do.
        what: String,
    },
    /// The answer makes no sense.
    #[error("{server} sent what is no answer to {during}: {why}")]
    Nonsense {
        /// Which one.
        server: String,
        /// What was being done.
        during: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A file or folder here.
    #[error("{}: {why}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// What the user wrote: an address, a date, a title.
    #[error("{0}")]
    Wrong(String),
}

impl RemoteError {
    /// What is wrong with a file or folder here.
    #[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
    pub fn file(path: &Path, why: impl ToString) -> Self {
        Self::File { path: path.to_path_buf(), why: why.to_string() }
    }

    /// Whether the user's own stop is the reason.
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Stopped(_))
    }
}
