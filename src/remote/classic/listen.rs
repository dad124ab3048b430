//! A receiver: others send us instances (C-STORE) and ask whether we are there (C-ECHO).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::error::{RemoteError, Result};
use super::super::inbox::{Inbox, Order, RefusedInstance, Stored};
use super::super::names::{AeTitle, Uid};
use super::agreement::{caller_of, printable};
use super::association::{Association, Next};
use super::command::Field;
use super::receive::take_instance;
use super::{kinds, status};
use crate::work::Watch;

/// Associations at a time.
const MOST_AT_ONCE: usize = 16;
/// How long whoever sends may say nothing.
const SILENCE: Duration = Duration::from_mins(1);
/// How long a server that we ordered something from may say nothing: its shelves may be far away.
pub const ORDERED_SILENCE: Duration = Duration::from_mins(10);
/// How long conversations may take to end once all is over.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Between two looks at whether somebody calls.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A port that is listened on.
pub struct Receiver {
    /// One of each kind of addresses that is listened on.
    listeners: Vec<TcpListener>,
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
    /// Whoever sent of a series ended in order, but of what came over connections that broke before, not all came again: what else those
    /// would have brought nobody knows, and the series is not put into place.
    Unfinished {
        /// Series Instance UID.
        series: Uid,
        /// Instances that did not come again.
        earlier: usize,
    },
}

/// What goes on while a receiver serves.
struct Service<'a> {
    receiver: &'a Receiver,
    inbox: &'a Inbox,
    /// What is taken; none: everything, and series are put into place here. A fetch does that itself.
    order: Option<Order<'a>>,
    tell: &'a (dyn Fn(Heard) + Sync),
    senders: Mutex<BTreeMap<Uid, Senders>>,
    at_once: AtomicUsize,
    /// Connections of the conversations under way.
    open: Mutex<BTreeMap<usize, TcpStream>>,
}

/// Who sends of a series.
#[derive(Default)]
struct Senders {
    /// Conversations under way.
    count: usize,
    /// Whether one of them did not end in order, or had something that was not taken.
    is_broken: bool,
    /// Instances that lay here before, by their names on disk, as long as they have not come again.
    earlier: BTreeSet<String>,
}

/// What a conversation brought of each series.
type Brought = BTreeMap<Uid, BTreeSet<Uid>>;

impl Receiver {
    /// Listens on a port of this address of ours, of all where it is `0.0.0.0` or `::`; port 0 is any that is free.
    ///
    /// # Errors
    /// [`RemoteError::Wrong`] for a port that cannot be listened on.
    pub fn open(address: IpAddr, port: u16, title: AeTitle) -> Result<Self> {
        let failed = |e: std::io::Error| {
            RemoteError::Wrong(format!("port {port} cannot be listened on: {e}; choose another one, above 1023"))
        };
        let listen = |address: IpAddr, port: u16| {
            let listener = TcpListener::bind((address, port))?;
            listener.set_nonblocking(true)?;
            io::Result::Ok(listener)
        };
        let mut listeners = Vec::new();
        if address.is_unspecified() {
            // On most systems this one hears callers of both kinds, and there is no room for a second.
            listeners.extend(listen(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port));
        }
        let taken = listeners.first().and_then(|first| first.local_addr().ok()).map_or(port, |first| first.port());
        match listen(address, taken) {
            Ok(listener) => listeners.push(listener),
            Err(error) if listeners.is_empty() => return Err(failed(error)),
            Err(_) => {}
        }
        Ok(Self { listeners, title })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.listeners.first().and_then(|first| first.local_addr().ok()).map_or(0, |address| address.port())
    }

    /// Takes what others send until `is_over` says so or the work is stopped; conversations under way are ended then. With an order only
    /// what was ordered is taken; without one a series is put into place when whoever sent it ends in order.
    pub fn serve(
        &self,
        inbox: &Inbox,
        order: Option<Order>,
        watch: Watch,
        is_over: &(dyn Fn() -> bool + Sync),
        tell: &(dyn Fn(Heard) + Sync),
    ) {
        let (senders, open) = (Mutex::default(), Mutex::default());
        let service = Service { receiver: self, inbox, order, tell, senders, at_once: AtomicUsize::new(0), open };
        let service = &service;
        std::thread::scope(|scope| {
            let mut number = 0;
            while watch.check().is_ok() && !is_over() {
                let mut callers = self.listeners.iter().filter_map(|listener| listener.accept().ok()).peekable();
                // A call that failed before it was heard is the caller's matter.
                if callers.peek().is_none() {
                    std::thread::sleep(LOOK_AGAIN);
                    continue;
                }
                for (stream, _) in callers {
                    if service.at_once.load(Ordering::SeqCst) >= MOST_AT_ONCE {
                        Association::turn_away(stream);
                        continue;
                    }
                    number += 1;
                    service.at_once.fetch_add(1, Ordering::SeqCst);
                    service.remember(number, &stream);
                    scope.spawn(move || {
                        service.converse(stream, watch);
                        service.open().remove(&number);
                        service.at_once.fetch_sub(1, Ordering::SeqCst);
                    });
                }
            }
            let over = Instant::now();
            while service.at_once.load(Ordering::SeqCst) > 0 && watch.check().is_ok() && over.elapsed() < LAST_WORDS {
                std::thread::sleep(LOOK_AGAIN);
            }
            for stream in service.open().values() {
                // It may have ended by itself.
                drop(stream.shutdown(Shutdown::Both));
            }
        });
    }
}

impl Service<'_> {
    fn open(&self) -> MutexGuard<'_, BTreeMap<usize, TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that cannot be remembered ends by its own time limit.
    fn remember(&self, number: usize, stream: &TcpStream) {
        if let Ok(stream) = stream.try_clone() {
            self.open().insert(number, stream);
        }
    }

    fn converse(&self, stream: TcpStream, watch: Watch) {
        let (mut brought, mut is_all_taken) = (Brought::new(), true);
        let outcome = self.take_all(stream, &mut brought, &mut is_all_taken, watch);
        let is_whole = outcome.is_ok() && is_all_taken;
        let mut from = String::new();
        match outcome {
            Ok(sender) => from = sender,
            Err(RemoteError::Stopped(_)) => {}
            Err(error) => (self.tell)(Heard::Broken(error)),
        }
        for (uid, instances) in brought {
            let Some(earlier) = self.leave(&uid, &instances, is_whole).filter(|_| self.order.is_none()) else {
                continue;
            };
            if earlier > 0 {
                (self.tell)(Heard::Unfinished { series: uid, earlier });
                continue;
            }
            match self.inbox.finish(&uid, None) {
                Ok(finished) => {
                    finished.left.into_iter().for_each(|left| (self.tell)(Heard::Refused(left)));
                    (self.tell)(Heard::Finished { folder: finished.folder, from: from.clone() });
                }
                Err(error) => (self.tell)(Heard::Broken(error)),
            }
        }
    }

    /// Takes what comes over one association; gives who sent it.
    fn take_all(
        &self,
        stream: TcpStream,
        brought: &mut Brought,
        is_all_taken: &mut bool,
        watch: Watch,
    ) -> Result<String> {
        let title = self.receiver.title.as_str();
        let from = caller_of(&stream);
        let mut association = Association::accept(stream, SILENCE, |called| called == title, choose, watch)?;
        if self.order.is_some() {
            association.wait_for(ORDERED_SILENCE);
        }
        loop {
            let (context, request) = match association.next(watch)? {
                Next::Command(context, request) => (context, request),
                Next::Released => {
                    return Ok(format!("{} at {from}", printable(&association.calling)));
                }
            };
            match request.field() {
                Some(Field::EchoRequest) => {
                    let answer = request.response(Field::EchoResponse, status::SUCCESS);
                    association.send_command(context, &answer, watch)?;
                }
                Some(Field::StoreRequest) => {
                    let order = self.order.unwrap_or_default();
                    match take_instance(&mut association, context, &request, self.inbox, order, watch)? {
                        Stored::Kept { series } => {
                            if !brought.contains_key(&series) {
                                self.enter(&series, request.instance().as_ref());
                            }
                            brought.entry(series).or_default().extend(request.instance());
                            (self.tell)(Heard::Kept);
                        }
                        Stored::Refused(refused) | Stored::Differs(refused) => {
                            *is_all_taken = false;
                            (self.tell)(Heard::Refused(refused));
                        }
                    }
                }
                // What it asked to cancel is done already.
                Some(Field::CancelRequest) => {}
                _ => return Err(association.nonsense("a command that a receiver does not know")),
            }
        }
    }

    /// Somebody begins to send of a series; the first instance is here already.
    fn enter(&self, series: &Uid, first: Option<&Uid>) {
        let mut all = self.senders();
        let senders = all.entry(series.clone()).or_insert_with(|| {
            let mut earlier = self.inbox.waiting(series);
            first.map(Uid::on_disk).into_iter().for_each(|name| {
                earlier.remove(&name);
            });
            Senders { earlier, ..Senders::default() }
        });
        senders.count += 1;
    }

    /// Somebody who brought these instances has left. Where nobody else sends of the series and nobody who did broke off: how many of
    /// those that lay here before did not come again.
    fn leave(&self, series: &Uid, brought: &BTreeSet<Uid>, is_whole: bool) -> Option<usize> {
        let mut all = self.senders();
        let senders = all.get_mut(series)?;
        senders.count = senders.count.saturating_sub(1);
        senders.is_broken |= !is_whole;
        for instance in brought {
            senders.earlier.remove(&instance.on_disk());
        }
        if senders.count > 0 {
            return None;
        }
        all.remove(series).filter(|senders| !senders.is_broken).map(|senders| senders.earlier.len())
    }

    fn senders(&self) -> MutexGuard<'_, BTreeMap<Uid, Senders>> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
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
