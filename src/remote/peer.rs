//! What can be asked of a server, whichever protocol it speaks.

use std::path::PathBuf;

use super::error::Result;
use super::inbox::{Inbox, RefusedInstance};
use super::query::{Match, Query, Wanted};
use crate::work::Watch;

/// A server that can be asked. It is made without a word on the wire; each service makes the connections that it needs.
pub trait Peer: Send {
    /// Whether the server is there and speaks with us.
    ///
    /// # Errors
    /// What stands in the way.
    fn test(&mut self, watch: Watch) -> Result<Greeting>;

    /// What the server has.
    ///
    /// # Errors
    /// When it does not answer, or cannot look.
    fn find(&mut self, query: &Query, watch: Watch) -> Result<Answers>;

    /// Fetches what is not in the inbox yet. A series is in the inbox's folder only when all of it has come.
    ///
    /// # Errors
    /// [`RemoteError::Incomplete`](super::RemoteError::Incomplete) when the transfer broke off or no series is whole; what came is kept and not
    /// asked for again. Where others are whole, what the server could not give is named in [`Fetched::refused`].
    fn fetch(&mut self, wanted: &Wanted, inbox: &mut Inbox, watch: Watch) -> Result<Fetched>;

    /// Sends DICOM files as they are. A file that cannot be sent or is refused is named, the others are sent.
    ///
    /// # Errors
    /// When the server cannot be reached, or the connection ends with files unsent.
    fn send(&mut self, files: &[PathBuf], watch: Watch) -> Result<Sent>;
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Its program, as far as it says so.
    pub program: String,
    /// Time from the question to the answer, in milliseconds.
    pub milliseconds: u64,
}

/// What a server answers to a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// What matches, in the server's order.
    pub matches: Vec<Match>,
    /// Whether there are more than are taken.
    pub is_cut: bool,
    /// What the user must know: answers without a UID, servers that ignore a part of the query.
    pub warnings: Vec<String>,
}

/// What was fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Folders of the series that are whole, in the inbox's folder.
    pub folders: Vec<PathBuf>,
    /// Instances that came now.
    pub received: usize,
    /// Instances that were there already.
    pub already_there: usize,
    /// Instances that came or should have come and are no good, and series that are not whole on the server. A series with one of them is
    /// not in its folder.
    pub refused: Vec<RefusedInstance>,
}

/// What was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Files that the server has as they are.
    pub accepted: usize,
    /// Files that it has, but not as they are: the server says so.
    pub coerced: usize,
    /// Files that it does not have.
    pub refused: Vec<RefusedFile>,
}

/// A file that was not sent or not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedFile {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}
