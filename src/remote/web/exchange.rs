//! Questions and answers over HTTP. Each runs on a thread of its own, so that a stop is noticed whatever the network does: the thread of a
//! question that nobody waits for ends by its time limits.

use std::io::{self, Read};
use std::net::ToSocketAddrs as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use ureq::http::{Request, Response};
use ureq::{Body, SendBody};

use super::origin::Origin;
use super::patience::Patience;
use crate::remote::{RemoteError, Result, Secret};
use crate::work::{Stopped, Watch};

/// How often a stop is looked for.
const TICK: Duration = Duration::from_millis(40);
/// Bytes that travel between the two threads at a time, and how many such pieces wait.
const PIECE: usize = 128 * 1024;
const WAITING: usize = 4;
/// Redirects within a server that are followed.
const REDIRECTS: usize = 5;

/// One server, and how it is spoken with.
pub struct Client {
    agent: ureq::Agent,
    /// For messages.
    pub server: String,
    origin: Origin,
    /// The value of the header, with the password in it.
    login: Option<Secret>,
    patience: Patience,
}

/// What is asked.
pub struct Question<'a> {
    /// Path and query behind the host, for example `/dicom-web/studies?limit=1`.
    pub target: String,
    /// Kinds of answers that are taken.
    pub accept: &'a str,
    /// What is being done, for messages.
    pub during: &'static str,
    /// What is sent, if anything.
    pub outgoing: Option<Outgoing>,
}

/// What is sent.
pub struct Outgoing {
    /// Its content type.
    pub content_type: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its bytes.
    pub bytes: Box<dyn Read + Send>,
}

/// The head of an answer; its bytes are read from `body`.
pub struct Answer<'a> {
    /// Status of HTTP.
    pub status: u16,
    /// Its content type.
    pub content_type: String,
    /// What the server warns of (RFC 7234, section 5.5).
    pub warning: Option<String>,
    /// The program of the server, as far as it says so.
    pub program: String,
    /// Its bytes.
    pub body: Incoming<'a>,
}

struct Head {
    status: u16,
    content_type: String,
    warning: Option<String>,
    program: String,
    location: Option<String>,
}

enum News {
    Head(Head),
    Piece(Vec<u8>),
    End,
    Failed(ureq::Error),
}

/// The bytes of an answer, as they come. A stop and a failure are errors of [`io::Error`]; [`Incoming::failure`] says more.
pub struct Incoming<'a> {
    news: Receiver<News>,
    piece: Vec<u8>,
    at: usize,
    is_over: bool,
    watch: Watch<'a>,
    failure: Option<RemoteError>,
    server: String,
    during: &'static str,
    patience: Patience,
    traffic: Arc<Traffic>,
}

/// What both threads of a question know.
#[derive(Default)]
struct Traffic {
    /// Bytes that went out.
    sent: AtomicU64,
    /// Nobody waits for the answer any more.
    is_left: AtomicBool,
}

impl Client {
    /// A client of the server at an origin; `login` is what the Authorization header says.
    pub fn new(
        config: &ureq::config::Config,
        origin: Origin,
        server: String,
        login: Option<Secret>,
        patience: Patience,
    ) -> Self {
        Self { agent: config.new_agent(), server, origin, login, patience }
    }

    /// Asks, and gives the head of the answer; `sent` hears how many bytes went out. An answer that points elsewhere is followed on the same
    /// server, where nothing is sent; the login never goes to another one.
    ///
    /// # Errors
    /// [`RemoteError`] where no answer comes, the user stops it, or the answer points to another server.
    pub fn ask<'a>(&self, mut question: Question, watch: Watch<'a>, sent: &dyn Fn(u64)) -> Result<Answer<'a>> {
        for _ in 0..=REDIRECTS {
            let is_repeatable = question.outgoing.is_none();
            let (head, body) = self.ask_once(&mut question, watch, sent)?;
            let Some(location) = head.location.filter(|_| matches!(head.status, 301 | 302 | 303 | 307 | 308)) else {
                let Head { status, content_type, warning, program, .. } = head;
                return Ok(Answer { status, content_type, warning, program, body });
            };
            question.target =
                self.origin.within(&location, &question.target).ok_or_else(|| self.elsewhere(&location))?;
            if !is_repeatable {
                return Err(self.nonsense(question.during, format!("it points to {}", without_query(&location))));
            }
        }
        Err(self.nonsense(question.during, "it points from one place to another without end".into()))
    }

    /// The answer points to another server: neither login nor question goes there.
    fn elsewhere(&self, location: &str) -> RemoteError {
        let to = without_query(location);
        RemoteError::Rejected {
            server: self.server.clone(),
            why: format!("it points to another server, {to}; if that one is meant, give it as the server's address"),
        }
    }

    fn nonsense(&self, during: &'static str, why: String) -> RemoteError {
        RemoteError::Nonsense { server: self.server.clone(), during, why }
    }

    fn ask_once<'a>(
        &self,
        question: &mut Question,
        watch: Watch<'a>,
        sent: &dyn Fn(u64),
    ) -> Result<(Head, Incoming<'a>)> {
        watch.check()?;
        let request = self.request(question)?;
        let outgoing = question.outgoing.take();
        let traffic = Arc::new(Traffic::default());
        let (sender, news) = sync_channel(WAITING);
        let (agent, known) = (self.agent.clone(), traffic.clone());
        std::thread::spawn(move || converse(&agent, request, outgoing, &known, &sender));
        let body = Incoming {
            news,
            piece: Vec::new(),
            at: 0,
            is_over: false,
            watch,
            failure: None,
            server: self.server.clone(),
            during: question.during,
            patience: self.patience,
            traffic,
        };
        let count = |body: &Incoming| sent(body.traffic.sent.load(Ordering::Relaxed));
        let head = match body.wait(|| count(&body))? {
            News::Head(head) => head,
            News::Piece(_) | News::End => return Err(body.broken("the answer has no head".into())),
            News::Failed(error) => return Err(body.told(&error)),
        };
        count(&body);
        Ok((head, body))
    }

    fn request(&self, question: &Question) -> Result<Request<()>> {
        let url = format!("{}{}", self.origin.text(), question.target);
        let mut request = Request::builder()
            .method(if question.outgoing.is_some() { "POST" } else { "GET" })
            .uri(&url)
            .header("Accept", question.accept)
            // What comes is packed in its own way already, and a small answer must not grow into a large one.
            .header("Accept-Encoding", "identity");
        if let Some(login) = &self.login {
            let value = ureq::http::HeaderValue::from_str(login.reveal()).ok().map(|mut value| {
                value.set_sensitive(true);
                value
            });
            let value = value.ok_or_else(|| {
                RemoteError::Wrong("the user or the password has letters that HTTP cannot send".into())
            })?;
            request = request.header("Authorization", value);
        }
        if let Some(outgoing) = &question.outgoing {
            request = request.header("Content-Type", &outgoing.content_type).header("Content-Length", outgoing.length);
        }
        let wrong = |_| RemoteError::Wrong(format!("{} is no address of a DICOMweb service", self.server));
        request.body(()).map_err(wrong)
    }
}

/// What the thread of a question does.
fn converse(
    agent: &ureq::Agent,
    request: Request<()>,
    outgoing: Option<Outgoing>,
    traffic: &Arc<Traffic>,
    to: &SyncSender<News>,
) {
    let host = (request.uri().host().map(str::to_string), request.uri().port_u16().unwrap_or(443));
    let exchanged = exchange(agent, request, outgoing, traffic, to);
    // The system says of a name that nobody knows no more than a text.
    let is_nameless = |error: &ureq::Error| match (error, &host) {
        (ureq::Error::Io(_), (Some(name), port)) => (name.as_str(), *port).to_socket_addrs().is_err(),
        _ => false,
    };
    // Where nobody listens any more the thread ends.
    let _ = match exchanged {
        Ok(()) => to.send(News::End),
        Err(error) if is_nameless(&error) => to.send(News::Failed(ureq::Error::HostNotFound)),
        Err(error) => to.send(News::Failed(error)),
    };
}

fn exchange(
    agent: &ureq::Agent,
    request: Request<()>,
    outgoing: Option<Outgoing>,
    traffic: &Arc<Traffic>,
    to: &SyncSender<News>,
) -> std::result::Result<(), ureq::Error> {
    let response = match outgoing {
        None => agent.run(request)?,
        Some(outgoing) => {
            let bytes = Counted { bytes: outgoing.bytes, traffic: traffic.clone() };
            agent.run(request.map(|()| SendBody::from_owned_reader(bytes)))?
        }
    };
    if to.send(News::Head(head_of(&response))).is_err() {
        return Ok(());
    }
    let mut reader = response.into_body().into_reader();
    loop {
        let mut piece = vec![0; PIECE];
        let count = reader.read(&mut piece)?;
        piece.truncate(count);
        if count == 0 || to.send(News::Piece(piece)).is_err() {
            return Ok(());
        }
    }
}

fn head_of(response: &Response<Body>) -> Head {
    let text = |name: &str| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).chars().take(1000).collect::<String>())
    };
    Head {
        status: response.status().as_u16(),
        content_type: text("content-type").unwrap_or_default(),
        warning: text("warning"),
        program: text("server").unwrap_or_default(),
        location: text("location"),
    }
}

/// What goes out, counted.
struct Counted {
    bytes: Box<dyn Read + Send>,
    traffic: Arc<Traffic>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.traffic.is_left.load(Ordering::Relaxed) {
            return Err(io::Error::other(Stopped));
        }
        let read = self.bytes.read(into)?;
        self.traffic.sent.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        self.traffic.is_left.store(true, Ordering::Relaxed);
    }
}

impl Incoming<'_> {
    /// The next news; a stop is an error. `tick` is called while nothing comes.
    fn wait(&self, tick: impl Fn()) -> Result<News> {
        loop {
            self.watch.check()?;
            match self.news.recv_timeout(TICK) {
                Ok(news) => return Ok(news),
                Err(RecvTimeoutError::Timeout) => tick(),
                Err(RecvTimeoutError::Disconnected) => return Err(self.broken("the connection was lost".into())),
            }
        }
    }

    fn broken(&self, why: String) -> RemoteError {
        RemoteError::Broken { server: self.server.clone(), during: self.during, why }
    }

    fn told(&self, error: &ureq::Error) -> RemoteError {
        super::trouble::told(error, &self.server, self.during, self.patience)
    }

    /// Why reading failed, in words for the user; to be asked after reading gave an error.
    pub fn failure(&mut self) -> Option<RemoteError> {
        self.failure.take()
    }

    /// All bytes, where they are not more than so many.
    ///
    /// # Errors
    /// [`RemoteError`] where the transfer breaks off, there are more, or the user stops it.
    pub fn all(&mut self, most: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = Read::take(&mut *self, most + 1).read_to_end(&mut bytes);
        if let Err(error) = read {
            return Err(self.failure().unwrap_or_else(|| self.broken(error.to_string())));
        }
        if bytes.len() as u64 > most {
            let why = format!("it is longer than {} MB", most >> 20);
            return Err(RemoteError::Nonsense { server: self.server.clone(), during: self.during, why });
        }
        Ok(bytes)
    }

    fn fail(&mut self, error: RemoteError) -> io::Error {
        let told = error.to_string();
        self.is_over = true;
        self.failure = Some(error);
        io::Error::other(told)
    }
}

impl Read for Incoming<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            if self.is_over {
                return Ok(0);
            }
            match self.wait(|| {}) {
                Ok(News::Piece(piece)) => (self.piece, self.at) = (piece, 0),
                Ok(News::End) => self.is_over = true,
                Ok(News::Failed(error)) => {
                    let error = self.told(&error);
                    return Err(self.fail(error));
                }
                Ok(News::Head(_)) => {
                    let error = self.broken("the answer has two heads".into());
                    return Err(self.fail(error));
                }
                Err(error) => return Err(self.fail(error)),
            }
        }
        if self.watch.should_stop() {
            return Err(self.fail(Stopped.into()));
        }
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let count = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

/// A URL without what stands behind `?`: that can hold a patient's name.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
