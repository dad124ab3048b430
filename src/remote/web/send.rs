//! Sending (STOW-RS, PS3.18, section 10.5): one file a request, so that what the server says of it is certain, and a break loses one only.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use super::answers::{self, JSON, MOST_JSON, StoreAnswer, StoredRow};
use super::exchange::{Answer, Outgoing, Question};
use super::services::Services;
use super::status;
use crate::disk::open_regular_file;
use crate::formats::object_names;
use crate::remote::whole::Whole;
use crate::remote::{RefusedFile, RemoteError, Result, Sent};
use crate::work::Watch;
use crate::work::numbers::share;

const DURING: &str = "sending a file";

/// What became of a file.
enum Outcome {
    Accepted,
    Coerced,
    Refused(String),
}

/// Sends files; those that are no DICOM files, or that the server refuses, are named.
pub fn send(services: &Services, files: &[PathBuf], watch: Watch) -> Result<Sent> {
    let watch = watch.stage("Sending");
    let mut sent = Sent::default();
    for (n, path) in files.iter().enumerate() {
        let part = watch.part(share(n, files.len()), share(n + 1, files.len()));
        part.at(0.0)?;
        match send_one(services, path, part).map_err(|error| unsent(services, error, &sent, files.len()))? {
            Outcome::Accepted => sent.accepted += 1,
            Outcome::Coerced => sent.coerced += 1,
            Outcome::Refused(why) => sent.refused.push(RefusedFile { path: path.clone(), why }),
        }
    }
    watch.at(1.0)?;
    Ok(sent)
}

/// An error after some files were sent says how many; where nothing is there yet, what went wrong says it all.
fn unsent(services: &Services, error: RemoteError, sent: &Sent, total: usize) -> RemoteError {
    let accepted = sent.accepted + sent.coerced;
    if error.is_stop() || matches!(error, RemoteError::Login { .. }) || accepted == 0 {
        return error;
    }
    RemoteError::Unsent { server: services.client.server.clone(), accepted, total, why: error.to_string() }
}

fn send_one(services: &Services, path: &Path, watch: Watch) -> Result<Outcome> {
    let opened = open_regular_file(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (length, file) = match opened {
        Ok(opened) => opened,
        Err(error) => return Ok(Outcome::Refused(format!("it cannot be read: {error}"))),
    };
    let names = match object_names(path) {
        Ok(names) => names,
        Err(why) => return Ok(Outcome::Refused(format!("it is no DICOM file: {why}"))),
    };
    let boundary = boundary();
    let head =
        format!("--{boundary}\r\nContent-Type: application/dicom\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    let tail = format!("\r\n--{boundary}--\r\n").into_bytes();
    let outgoing = Outgoing {
        content_type: format!("multipart/related; type=\"application/dicom\"; boundary={boundary}"),
        length: head.len() as u64 + length + tail.len() as u64,
        bytes: Box::new(Cursor::new(head).chain(Whole::new(file, length)).chain(Cursor::new(tail))),
    };
    let target = format!("{}/studies", services.root);
    let question = Question { target, accept: JSON, during: DURING, outgoing: Some(outgoing) };
    let sent = |bytes: u64| {
        // A stop is noticed by whoever waits for the answer.
        let _ = watch.at(share(bytes, length.max(1)).min(1.0));
    };
    let answer = services.client.ask(question, watch, &sent)?;
    outcome(services, answer, &names.instance_uid)
}

/// What the answer says of the file.
fn outcome(services: &Services, mut answer: Answer, uid: &str) -> Result<Outcome> {
    let code = answer.status;
    match code {
        401 | 403 | 404 | 405 | 407 | 501 => return Err(services.refusal(code, DURING)),
        429 | 502..=504 => {
            let server = services.client.server.clone();
            return Err(RemoteError::Failed { server, during: DURING, status: status::words(code) });
        }
        _ => {}
    }
    let text = answer.body.all(MOST_JSON)?;
    let is_ok = (200..300).contains(&code);
    let is_empty = text.trim_ascii().is_empty();
    let said = match answers::stored(&text) {
        Ok(said) => Some(said),
        // The page of a login or a proxy says yes to everything.
        Err(why) if is_ok && !is_empty => {
            let why = format!("{why}; whether it has the file is not known");
            return Err(services.nonsense(DURING, why));
        }
        Err(_) => None,
    };
    Ok(match said.as_ref().and_then(|said| told(said, uid)) {
        Some(Outcome::Refused(why)) => Outcome::Refused(why),
        Some(outcome) if is_ok => outcome,
        // Who says yes and nothing else has taken it; who lists what was taken, and not this one, has not.
        None if is_ok && said.is_none() && code != 202 => Outcome::Accepted,
        None if is_ok => Outcome::Refused("the server does not say that it has taken it, nor why not".into()),
        _ => Outcome::Refused(status::words(code)),
    })
}

/// What an answer says of an instance; none where it does not name it.
fn told(said: &StoreAnswer, uid: &str) -> Option<Outcome> {
    let of = |rows: &[StoredRow]| rows.iter().find(|row| row.instance.first() == uid).cloned();
    let reason = |row: &StoredRow| match row.failure.count() {
        Some(code) => answers::reason(code),
        None => "the server refused it and gives no reason".into(),
    };
    // One file was sent: what is refused without a name is this one.
    let nameless = said.refused.0.iter().find(|row| row.instance.first().is_empty()).or(said.others.0.first());
    if let Some(row) = of(&said.refused.0).or_else(|| nameless.cloned()) {
        return Some(Outcome::Refused(reason(&row)));
    }
    let taken = of(&said.taken.0)?;
    Some(if taken.warning.count().is_some() { Outcome::Coerced } else { Outcome::Accepted })
}

/// What parts the parts: no file holds it but by a chance of 2^-128.
fn boundary() -> String {
    let number = || RandomState::new().build_hasher().finish();
    format!("lamella-{:016x}{:016x}", number(), number())
}
