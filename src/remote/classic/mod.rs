//! The classic services of DICOM: associations (PS3.8) with C-ECHO, C-FIND, C-GET, C-MOVE and C-STORE (PS3.7), study root.
//!
//! `dicom-ul` reads and writes the units that go over the wire; connections are ours ([`wire`]), so that every wait can be stopped and has
//! an end. Headers of what comes are walked by `formats/`, which trusts no length.
//!
//! Deliberately absent: patient root, extended negotiation, identities of users, secure connections to our own receiver.

mod agreement;
mod association;
mod caller;
mod command;
mod fetch;
mod find;
mod identifier;
mod kinds;
mod listen;
mod receive;
mod status;
mod store;
#[cfg(test)]
mod tests;
mod wire;

use std::path::PathBuf;
use std::time::Instant;

use super::error::Result;
use super::inbox::Inbox;
use super::names::AeTitle;
use super::peer::{Answers, Fetched, Greeting, Peer, Sent};
use super::query::{Query, Wanted};
use super::server::{Retrieve, Tls};
use crate::work::Watch;
use association::Proposal;
use caller::Caller;
use command::{Command, Field};
use find::Search;
pub use listen::{Heard, Receiver};

/// A server that is spoken with by the classic services.
pub struct ClassicPeer(Caller);

impl ClassicPeer {
    /// A server; nothing is sent yet.
    ///
    /// # Errors
    /// When the certificates that are to be trusted cannot be read.
    pub fn new(
        server: String,
        place: (&str, u16),
        titles: [&AeTitle; 2],
        retrieve: Retrieve,
        tls: Option<&Tls>,
    ) -> Result<Self> {
        Caller::new(server, place, titles, retrieve, tls).map(Self)
    }
}

impl Peer for ClassicPeer {
    fn test(&mut self, watch: Watch) -> Result<Greeting> {
        let started = Instant::now();
        let proposals = [Proposal::of(kinds::VERIFICATION, &kinds::PLAIN)];
        let mut association = self.0.open("testing the connection", &proposals, watch)?;
        let context = association.context_of(kinds::VERIFICATION, "tests of the connection (C-ECHO)")?.id;
        let message = association.next_message();
        let request = Command::request(Field::EchoRequest, message, kinds::VERIFICATION, false);
        association.send_command(context, &request, watch)?;
        let (_, answer) = association.next_command(watch)?;
        if answer.field() != Some(Field::EchoResponse) {
            return Err(association.nonsense("another command than an answer to the test"));
        }
        if answer.status() != Some(status::SUCCESS) {
            return Err(association.failed(status::shown(&answer)));
        }
        let program = association.program.clone();
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        association.release(watch);
        Ok(Greeting { program, milliseconds })
    }

    fn find(&mut self, query: &Query, watch: Watch) -> Result<Answers> {
        let mut search = Search::begin(&self.0, watch)?;
        let answers = search.matches(query, watch)?;
        search.end(watch);
        Ok(answers)
    }

    fn fetch(&mut self, wanted: &Wanted, inbox: &mut Inbox, watch: Watch) -> Result<Fetched> {
        fetch::fetch(&self.0, wanted, inbox, watch)
    }

    fn send(&mut self, files: &[PathBuf], watch: Watch) -> Result<Sent> {
        store::send(&self.0, files, watch)
    }
}
