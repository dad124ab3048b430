//! DICOMweb (PS3.18): searches by QIDO-RS, fetches by WADO-RS, sends by STOW-RS.
//!
//! **Invariant:** the login goes to the server that the user named, and to no other one, wherever an answer points.
//! **Invariant:** an instance is never in memory as a whole: it goes from the connection into its file, and from its file into the
//! connection. Answers to searches have a bound.

mod answers;
mod exchange;
mod fetch;
mod find;
mod multipart;
mod origin;
mod pages;
mod patience;
mod roots;
mod send;
mod services;
mod status;
#[cfg(test)]
mod tests;
mod trouble;

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Answers, Fetched, Greeting, Inbox, Peer, Query, Result, Sent, Wanted};
use crate::work::Watch;
use answers::JSON;
use origin::Origin;
use patience::Patience;
pub use services::Login;
use services::Services;

/// A server that speaks DICOMweb.
pub struct WebPeer(Services);

impl WebPeer {
    /// The services at a root such as `https://host/dicom-web`. `ca_file` holds certificates of authorities besides the system's, as PEM.
    ///
    /// # Errors
    /// [`RemoteError::Wrong`](super::RemoteError::Wrong) for an address that is none, [`RemoteError::File`](super::RemoteError::File) for
    /// certificates that cannot be read.
    pub fn new(url: &str, login: Option<&Login>, ca_file: Option<&Path>) -> Result<Self> {
        Services::new(url, login, ca_file, Patience::default()).map(Self)
    }
}

impl Peer for WebPeer {
    fn test(&mut self, watch: Watch) -> Result<Greeting> {
        let begun = Instant::now();
        let mut answer = self.0.get("/studies?limit=1", JSON, "testing the connection", watch)?;
        let program = std::mem::take(&mut answer.program);
        self.0.rows(answer, "testing the connection")?;
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Greeting { program, milliseconds })
    }

    fn find(&mut self, query: &Query, watch: Watch) -> Result<Answers> {
        find::find(&self.0, query, watch)
    }

    fn fetch(&mut self, wanted: &Wanted, inbox: &mut Inbox, watch: Watch) -> Result<Fetched> {
        fetch::fetch(&self.0, wanted, inbox, watch)
    }

    fn send(&mut self, files: &[PathBuf], watch: Watch) -> Result<Sent> {
        send::send(&self.0, files, watch)
    }
}

/// What everybody can read between here and the server where a user logs in without TLS; none where nobody can.
pub fn warning_of_open_login(url: &str) -> Option<String> {
    let (origin, _) = Origin::of(url).ok()?;
    (origin.is_open() && !origin.is_here()).then(|| {
        format!(
            "{url} is not secure: everybody on the network can read the password and the images; use https:// where the server has it"
        )
    })
}
