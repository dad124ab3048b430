//! A connection whose every wait ends: at an answer, at a stop within 100 ms, or when the other side says nothing for too long.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::work::{Stopped, Watch};

/// Between two looks at whether to stop.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// A connection.
pub struct Wire {
    stream: Stream,
    silence: Duration,
    /// When it ends, whatever comes.
    end: Option<Instant>,
}

enum Stream {
    Plain(TcpStream),
    Secure(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// Why a connection is of no more use.
#[derive(Debug)]
pub enum WireEnd {
    /// The user stopped it.
    Stopped(Stopped),
    /// Nothing came, or nothing was taken, for so long.
    Silent(Duration),
    /// The other side closed it.
    Closed,
    /// The system or TLS.
    Failed(io::Error),
}

impl From<Stopped> for WireEnd {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl Wire {
    /// Connects; with `tls` securely.
    pub fn connect(
        host: &str,
        port: u16,
        tls: Option<Arc<ClientConfig>>,
        silence: Duration,
        watch: Watch,
    ) -> Result<Self, WireEnd> {
        let stream = open(host, port, watch)?;
        let mut wire = Self::over(stream, silence).map_err(WireEnd::Failed)?;
        if let (Some(config), Stream::Plain(stream)) = (tls, &wire.stream) {
            let failed = |why: String| WireEnd::Failed(io::Error::new(ErrorKind::InvalidData, why));
            let name = ServerName::try_from(host.to_string()).map_err(|e| failed(e.to_string()))?;
            let client = ClientConnection::new(config, name).map_err(|e| failed(e.to_string()))?;
            let stream = stream.try_clone().map_err(WireEnd::Failed)?;
            wire.stream = Stream::Secure(Box::new(StreamOwned::new(client, stream)));
            wire.shake_hands(watch)?;
        }
        Ok(wire)
    }

    /// A connection that somebody else made.
    pub fn over(stream: TcpStream, silence: Duration) -> io::Result<Self> {
        // On some systems an accepted connection is as its listener was.
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOOK_AGAIN))?;
        stream.set_write_timeout(Some(LOOK_AGAIN))?;
        Ok(Self { stream: Stream::Plain(stream), silence, end: None })
    }

    /// Fills the buffer.
    pub fn receive(&mut self, buffer: &mut [u8], watch: Watch) -> Result<(), WireEnd> {
        let mut done = 0;
        let (silence, end) = (self.silence, self.end);
        let mut last = Instant::now();
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read(rest),
                Stream::Secure(stream) => stream.read(rest),
            };
            match outcome(read)? {
                Some(0) => return Err(WireEnd::Closed),
                Some(count) => {
                    done += count;
                    last = Instant::now();
                    watch.check()?;
                    in_time(silence, end)?;
                }
                None => wait(last, silence, end, watch)?,
            }
        }
        Ok(())
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8], watch: Watch) -> Result<(), WireEnd> {
        let mut rest = bytes;
        let (silence, end) = (self.silence, self.end);
        let mut last = Instant::now();
        while !rest.is_empty() {
            let written = match &mut self.stream {
                Stream::Plain(stream) => stream.write(rest),
                Stream::Secure(stream) => stream.write(rest),
            };
            match outcome(written)? {
                Some(0) => return Err(WireEnd::Closed),
                Some(count) => {
                    rest = rest.get(count..).unwrap_or_default();
                    last = Instant::now();
                    watch.check()?;
                }
                None => wait(last, silence, end, watch)?,
            }
        }
        loop {
            let flushed = match &mut self.stream {
                Stream::Plain(stream) => stream.flush(),
                Stream::Secure(stream) => stream.flush(),
            };
            match outcome(flushed.map(|()| 1))? {
                Some(_) => return Ok(()),
                None => wait(last, silence, end, watch)?,
            }
        }
    }

    /// From now on the other side is waited for only so long.
    pub fn hurry(&mut self, silence: Duration) {
        self.silence = silence;
    }

    /// From now on all that is still said and heard takes no longer than this.
    pub fn end_within(&mut self, time: Duration) {
        self.silence = self.silence.min(time);
        self.end = Some(Instant::now() + time);
    }

    /// Says a last word, unless the other side does not take it at once.
    pub fn say_at_once(&mut self, bytes: &[u8]) {
        self.end_within(Duration::ZERO);
        // Nobody waits for an answer.
        drop(self.send(bytes, Watch::unwatched()));
    }

    /// Closes it; what was sent arrives.
    pub fn close(&mut self) {
        let stream = match &mut self.stream {
            Stream::Plain(stream) => stream,
            Stream::Secure(stream) => {
                stream.conn.send_close_notify();
                // The other side may be gone.
                drop(stream.flush());
                stream.get_mut()
            }
        };
        // The same.
        drop(stream.shutdown(Shutdown::Both));
    }

    fn shake_hands(&mut self, watch: Watch) -> Result<(), WireEnd> {
        let Stream::Secure(stream) = &mut self.stream else { return Ok(()) };
        let started = Instant::now();
        while stream.conn.is_handshaking() {
            match stream.conn.complete_io(&mut stream.sock) {
                Ok((0, 0)) => return Err(WireEnd::Closed),
                other => {
                    if outcome(other.map(|_| 1))?.is_none() {
                        wait(started, CONNECT, None, watch)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// `None` where the system only asks to wait.
fn outcome(outcome: io::Result<usize>) -> Result<Option<usize>, WireEnd> {
    match outcome {
        Ok(count) => Ok(Some(count)),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(None),
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
            | ErrorKind::UnexpectedEof => Err(WireEnd::Closed),
            _ => Err(WireEnd::Failed(error)),
        },
    }
}

/// Whether there is time left.
fn in_time(silence: Duration, end: Option<Instant>) -> Result<(), WireEnd> {
    if end.is_some_and(|end| Instant::now() > end) { Err(WireEnd::Silent(silence)) } else { Ok(()) }
}

fn wait(last: Instant, silence: Duration, end: Option<Instant>, watch: Watch) -> Result<(), WireEnd> {
    watch.check()?;
    in_time(silence, end)?;
    if last.elapsed() > silence { Err(WireEnd::Silent(silence)) } else { Ok(()) }
}

/// Names and connections are looked for on a thread of their own, which nobody waits for after a stop.
fn open(host: &str, port: u16, watch: Watch) -> Result<TcpStream, WireEnd> {
    let (sender, opened) = channel();
    let place = (host.to_string(), port);
    let look = move || {
        // Nobody may be waiting any more.
        drop(sender.send(try_all(&place)));
    };
    std::thread::Builder::new().name("connect".into()).spawn(look).map_err(WireEnd::Failed)?;
    let started = Instant::now();
    loop {
        match opened.recv_timeout(LOOK_AGAIN) {
            Ok(stream) => return stream.map_err(WireEnd::Failed),
            Err(RecvTimeoutError::Timeout) => wait(started, CONNECT * 2, None, watch)?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(WireEnd::Failed(io::Error::other("no connection could be tried")));
            }
        }
    }
}

fn try_all((host, port): &(String, u16)) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in (host.as_str(), *port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
