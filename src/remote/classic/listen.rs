//! A receiver: others send us instances (C-STORE) and ask whether we are there (C-ECHO).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::super::error::{RemoteError, Result};
use super::super::inbox::{Inbox, RefusedInstance, Stored};
use super::super::names::{AeTitle, Uid};
use super::association::{Association, Next};
use super::command::Field;
use super::receive::take_instance;
use super::{kinds, status};
use crate::work::Watch;

/// Associations at a time.
const MOST_AT_ONCE: usize = 16;
/// How long whoever sends may say nothing.
const SILENCE: Duration = Duration::from_mins(1);
/// Between two looks at whether somebody calls.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A port that is listened on.
pub struct Receiver {
    listener: TcpListener,
    title: AeTitle,
}

/// What a receiver hears.
#[derive(Debug)]
pub enum Heard {
    /// An instance is on disk.
    Kept,
    /// An instance was not taken.
    Refused(RefusedInstance),
    /// A series is in its folder: whoever sent it ended in order.
    Finished {
        /// The folder.
        folder: PathBuf,
        /// Who sent it: title and address.
        from: String,
    },
    /// A conversation did not end in order; what came of its series is kept, but not in place.
    Broken(RemoteError),
}

/// What goes on while a receiver serves.
struct Service<'a> {
    receiver: &'a Receiver,
    inbox: &'a Inbox,
    /// Whether series are put into place here; a fetch does it itself.
    finishes: bool,
    tell: &'a (dyn Fn(Heard) + Sync),
    /// How many conversations send of a series.
    senders: Mutex<BTreeMap<Uid, usize>>,
    at_once: AtomicUsize,
}

impl Receiver {
    /// Listens on a port of these addresses of ours; port 0 is any that is free.
    ///
    /// # Errors
    /// [`RemoteError::Wrong`] for a port that cannot be listened on.
    pub fn open(address: IpAddr, port: u16, title: AeTitle) -> Result<Self> {
        let failed = |e: std::io::Error| {
            RemoteError::Wrong(format!("port {port} cannot be listened on: {e}; choose another one, above 1023"))
        };
        let listener = TcpListener::bind((address, port)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self { listener, title })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.listener.local_addr().map_or(0, |address| address.port())
    }

    /// Takes what others send until `is_over` says so or the work is stopped; conversations under way are ended then. With `finishes` a
    /// series is put into place when whoever sent it ends in order.
    pub fn serve(
        &self,
        inbox: &Inbox,
        finishes: bool,
        watch: Watch,
        is_over: &dyn Fn() -> bool,
        tell: &(dyn Fn(Heard) + Sync),
    ) {
        let senders = Mutex::new(BTreeMap::new());
        let service = Service { receiver: self, inbox, finishes, tell, senders, at_once: AtomicUsize::new(0) };
        let service = &service;
        std::thread::scope(|scope| {
            while watch.check().is_ok() && !(is_over() && service.at_once.load(Ordering::SeqCst) == 0) {
                // A call that failed before it was heard is the caller's matter.
                let Ok((stream, _)) = self.listener.accept() else {
                    std::thread::sleep(LOOK_AGAIN);
                    continue;
                };
                if service.at_once.load(Ordering::SeqCst) >= MOST_AT_ONCE {
                    Association::turn_away(stream);
                    continue;
                }
                service.at_once.fetch_add(1, Ordering::SeqCst);
                scope.spawn(move || {
                    service.converse(stream, watch);
                    service.at_once.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
    }
}

impl Service<'_> {
    fn converse(&self, stream: TcpStream, watch: Watch) {
        let mut series = BTreeSet::new();
        let outcome = self.take_all(stream, &mut series, watch);
        let is_whole = outcome.is_ok();
        let mut from = String::new();
        match outcome {
            Ok(sender) => from = sender,
            Err(RemoteError::Stopped(_)) => {}
            Err(error) => (self.tell)(Heard::Broken(error)),
        }
        for uid in series {
            let is_last = self.leave(&uid);
            if !(self.finishes && is_whole && is_last) {
                continue;
            }
            (self.tell)(match self.inbox.finish(&uid) {
                Ok(folder) => Heard::Finished { folder, from: from.clone() },
                Err(error) => Heard::Broken(error),
            });
        }
    }

    /// Takes what comes over one association; gives who sent it.
    fn take_all(&self, stream: TcpStream, series: &mut BTreeSet<Uid>, watch: Watch) -> Result<String> {
        let title = self.receiver.title.as_str();
        let from = stream.peer_addr().map_or_else(|_| String::new(), |address| address.to_string());
        let mut association = Association::accept(stream, SILENCE, |called| called == title, choose, watch)?;
        loop {
            let (context, request) = match association.next(watch)? {
                Next::Command(context, request) => (context, request),
                Next::Released => {
                    return Ok(format!("{} at {from}", super::association::printable(&association.calling)));
                }
            };
            match request.field() {
                Some(Field::EchoRequest) => {
                    let answer = request.response(Field::EchoResponse, status::SUCCESS);
                    association.send_command(context, &answer, watch)?;
                }
                Some(Field::StoreRequest) => {
                    match take_instance(&mut association, context, &request, self.inbox, watch)? {
                        Stored::Kept { series: uid } => {
                            if !series.contains(&uid) {
                                self.enter(&uid);
                                series.insert(uid);
                            }
                            (self.tell)(Heard::Kept);
                        }
                        Stored::Refused(refused) => (self.tell)(Heard::Refused(refused)),
                    }
                }
                // What it asked to cancel is done already.
                Some(Field::CancelRequest) => {}
                _ => return Err(association.nonsense("a command that a receiver does not know")),
            }
        }
    }

    fn enter(&self, series: &Uid) {
        *self.senders.lock().unwrap_or_else(PoisonError::into_inner).entry(series.clone()).or_default() += 1;
    }

    /// Whether nobody else sends of this series.
    fn leave(&self, series: &Uid) -> bool {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = senders.get_mut(series) else { return true };
        *count = count.saturating_sub(1);
        let is_last = *count == 0;
        if is_last {
            senders.remove(series);
        }
        is_last
    }
}

/// The layout that a kind of object is taken in: the sender's first that is known, so that nothing need be changed on the way.
fn choose(class: &str, offered: &[String]) -> Option<String> {
    if class == kinds::VERIFICATION {
        return offered.iter().find(|syntax| kinds::PLAIN.contains(&syntax.as_str())).cloned();
    }
    let is_known = |syntax: &&String| kinds::SYNTAXES.contains(&syntax.as_str());
    offered.iter().find(is_known).filter(|_| kinds::may_be_stored(class)).cloned()
}
