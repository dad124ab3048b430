//! A small HTTP server within a test: it says what the test wants said, and remembers what it was asked. And an archive of DICOM files that
//! speaks DICOMweb as far as fetching a series needs it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What is answered.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Announced instead of the true length.
    pub length: Option<u64>,
    /// Bytes of the body after which the connection is closed.
    pub cut: Option<usize>,
    /// How long nothing comes before the head.
    pub wait: Duration,
    /// How long nothing comes after the first bytes of the body.
    pub pause: Duration,
}

pub fn reply(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Reply {
    Reply {
        status,
        headers: vec![("Content-Type".into(), content_type.into())],
        body: body.into(),
        length: None,
        cut: None,
        wait: Duration::ZERO,
        pause: Duration::ZERO,
    }
}

pub fn json(status: u16, body: &str) -> Reply {
    reply(status, "application/dicom+json", body.as_bytes())
}

impl Reply {
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// A running server; its threads end with the test.
pub struct WebServer {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl WebServer {
    pub fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let known = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (known, answer) = (known.clone(), answer.clone());
                std::thread::spawn(move || {
                    // The other side may be gone at any time.
                    let _ = serve(&stream, &known, &*answer);
                });
            }
        });
        Self { port, seen }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/dicom-web", self.port)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(stream: &TcpStream, known: &Mutex<Vec<Seen>>, answer: &dyn Fn(&Seen) -> Reply) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // What comes is no HTTP.
            Err(_) => {
                let mut stream: &TcpStream = stream;
                return stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
            }
        }
        let mut words = line.split_whitespace().map(str::to_string);
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_string())),
                None => break,
            }
        }
        let mut seen = Seen { method, target, headers, body: Vec::new() };
        let length = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        reader.by_ref().take(length).read_to_end(&mut seen.body)?;
        known.lock().unwrap().push(seen.clone());
        let reply = answer(&seen);
        std::thread::sleep(reply.wait);
        write(stream, &reply)?;
        if reply.cut.is_some() {
            return stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn write(mut stream: &TcpStream, reply: &Reply) -> std::io::Result<()> {
    let length = reply.length.unwrap_or(reply.body.len() as u64);
    let mut head = format!("HTTP/1.1 {} x\r\nContent-Length: {length}\r\nServer: Made/1\r\n", reply.status);
    for (name, value) in &reply.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let body = &reply.body[..reply.cut.unwrap_or(reply.body.len()).min(reply.body.len())];
    let (first, rest) = body.split_at(body.len().min(8));
    stream.write_all(first)?;
    std::thread::sleep(reply.pause);
    stream.write_all(rest)
}

/// An answer in parts as Orthanc writes it.
pub fn parts(bodies: &[&[u8]]) -> Reply {
    let boundary = "b".repeat(70);
    let mut body = Vec::new();
    for part in bodies {
        body.extend(
            format!("--{boundary}\r\nContent-Type: application/dicom\r\nContent-Length: {}\r\n\r\n", part.len())
                .bytes(),
        );
        body.extend(*part);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    reply(200, &format!("multipart/related; type=\"application/dicom\"; boundary={boundary}"), body)
}

/// One study with one series: instances by their UIDs.
#[derive(Clone)]
pub struct Archive {
    pub study: String,
    pub series: String,
    pub instances: Vec<(String, Vec<u8>)>,
}

impl Archive {
    /// What it answers.
    pub fn answer(&self, seen: &Seen) -> Reply {
        let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        let path = path.strip_prefix("/dicom-web").unwrap_or(path);
        let page = |rows: Vec<String>| {
            let number = |name: &str| {
                query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('=')?.parse::<usize>().ok())
            };
            let (offset, limit) = (number("offset").unwrap_or(0), number("limit").unwrap_or(usize::MAX));
            let rows: Vec<String> = rows.into_iter().skip(offset).take(limit).collect();
            json(200, &format!("[{}]", rows.join(",")))
        };
        let (study, series) = (&self.study, &self.series);
        let count = self.instances.len();
        let text =
            |tag: &str, vr: &str, value: &str| format!("\"{tag}\": {{\"vr\": \"{vr}\", \"Value\": [\"{value}\"]}}");
        let patient = format!(
            "\"00100010\": {{\"vr\": \"PN\", \"Value\": [{{\"Alphabetic\": \"MADE^ONE\"}}]}}, {}, {}, {}",
            text("00100020", "LO", "P1"),
            text("00080020", "DA", "20260102"),
            text("0020000D", "UI", study)
        );
        if path == "/studies" && seen.method == "GET" {
            return page(vec![format!(
                "{{{patient}, {}, {}, \"00201206\": {{\"vr\": \"IS\", \"Value\": [1]}}, \"00201208\": {{\"vr\": \"IS\", \"Value\": [{count}]}}}}",
                text("00080061", "CS", "MR"),
                text("00081030", "LO", "A made study")
            )]);
        }
        if path == format!("/studies/{study}/series") {
            return page(vec![format!(
                "{{{patient}, {}, {}, {}, {}, \"00201209\": {{\"vr\": \"IS\", \"Value\": [{count}]}}}}",
                text("0020000E", "UI", series),
                text("00080060", "CS", "MR"),
                text("0008103E", "LO", "A made series"),
                text("00200011", "IS", "3")
            )]);
        }
        if path == format!("/studies/{study}/series/{series}/instances") {
            return page(
                self.instances.iter().map(|(uid, _)| format!("{{{}}}", text("00080018", "UI", uid))).collect(),
            );
        }
        let prefix = format!("/studies/{study}/series/{series}/instances/");
        let one = path.strip_prefix(&prefix).and_then(|uid| self.instances.iter().find(|(known, _)| known == uid));
        match one {
            Some((_, bytes)) if seen.header("accept").is_some_and(|accept| accept.starts_with("multipart/related")) => {
                parts(&[bytes])
            }
            Some(_) => reply(406, "text/plain", "only in parts"),
            None => json(404, "{}"),
        }
    }
}
