//! C-STORE as the user: files are sent as they are, each in the layout that it has. One with explicit representations is rewritten on the way
//! for a server that takes them only without: every server has to take those (PS3.5 10.1). What is compressed stays so.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::PathBuf;

use dicom_dictionary_std::uids::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};

use super::super::error::{RemoteError, Result};
use super::super::peer::{RefusedFile, Sent};
use super::super::whole::Whole;
use super::association::{Association, MOST_CONTEXTS, Proposal};
use super::caller::Caller;
use super::command::{Command, Field};
use super::identifier::MOST_BYTES;
use super::kinds::name_of;
use super::status::{SUCCESS, is_warning, shown};
use crate::disk::open_regular_file;
use crate::formats::{ImplicitReader, ObjectNames, object_names};
use crate::work::Watch;
use crate::work::numbers::share;

/// A file to send.
struct Outgoing {
    path: PathBuf,
    names: ObjectNames,
}

/// What became of a file.
enum Outcome {
    Accepted,
    Coerced,
    Refused(String),
}

/// Sends files; see [`Peer::send`](super::super::Peer::send).
pub fn send(caller: &Caller, files: &[PathBuf], watch: Watch) -> Result<Sent> {
    let mut sent = Sent::default();
    let mut outgoing = Vec::new();
    for (n, path) in files.iter().enumerate() {
        watch.part(0.0, 0.1).at(share(n, files.len()))?;
        match object_names(path) {
            Ok(names) => outgoing.push(Outgoing { path: path.clone(), names }),
            Err(why) => sent.refused.push(RefusedFile { path: path.clone(), why }),
        }
    }
    let total = outgoing.len();
    let watch = watch.part(0.1, 1.0);
    for batch in batches(outgoing) {
        if let Err(error) = send_batch(caller, batch, total, &mut sent, watch) {
            return Err(match error {
                RemoteError::Stopped(stopped) => RemoteError::Stopped(stopped),
                // Nothing is there yet: what went wrong says it all.
                error if sent.accepted + sent.coerced == 0 => error,
                error => RemoteError::Unsent {
                    server: caller.server.clone(),
                    accepted: sent.accepted + sent.coerced,
                    total,
                    why: error.to_string(),
                },
            });
        }
    }
    Ok(sent)
}

/// Kinds and layouts that fit into one association each, with their files in order.
fn batches(files: Vec<Outgoing>) -> Vec<Vec<Outgoing>> {
    let mut batch_of: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut batches: Vec<Vec<Outgoing>> = Vec::new();
    for file in files {
        let kinds = batch_of.len();
        let key = (file.names.class_uid.clone(), file.names.transfer_syntax.clone());
        // Each may be proposed in two layouts.
        let at = *batch_of.entry(key).or_insert(kinds / (MOST_CONTEXTS / 2));
        if batches.len() <= at {
            batches.resize_with(at + 1, Vec::new);
        }
        if let Some(batch) = batches.get_mut(at) {
            batch.push(file);
        }
    }
    batches
}

fn send_batch(caller: &Caller, batch: Vec<Outgoing>, total: usize, sent: &mut Sent, watch: Watch) -> Result<()> {
    let mut kinds: Vec<(&str, &str)> =
        batch.iter().map(|file| (file.names.class_uid.as_str(), file.names.transfer_syntax.as_str())).collect();
    kinds.sort_unstable();
    kinds.dedup();
    // In contexts of their own: the server says of each layout whether it takes it.
    let own = kinds.iter().map(|(class, syntax)| Proposal::of(class, &[syntax]));
    let rewritten = kinds.iter().filter(|(_, syntax)| *syntax == EXPLICIT_VR_LITTLE_ENDIAN);
    let rewritten = rewritten.map(|(class, _)| Proposal::of(class, &[IMPLICIT_VR_LITTLE_ENDIAN]));
    let known = |proposal: &Proposal| {
        kinds.iter().any(|(class, syntax)| proposal.class == *class && proposal.syntaxes == [*syntax])
    };
    let proposals: Vec<Proposal> = own.chain(rewritten.filter(|proposal| !known(proposal))).collect();
    let mut association = caller.open("sending", &proposals, watch)?;
    for file in batch {
        match send_one(&mut association, &file, watch)? {
            Outcome::Accepted => sent.accepted += 1,
            Outcome::Coerced => sent.coerced += 1,
            Outcome::Refused(why) => sent.refused.push(RefusedFile { path: file.path, why }),
        }
        watch.at(share(sent.accepted + sent.coerced + sent.refused.len(), total))?;
    }
    association.release(watch);
    Ok(())
}

fn send_one(association: &mut Association, file: &Outgoing, watch: Watch) -> Result<Outcome> {
    let ObjectNames { class_uid, instance_uid, transfer_syntax, .. } = &file.names;
    let is_explicit = transfer_syntax == EXPLICIT_VR_LITTLE_ENDIAN;
    let agreed_in = |syntax: &str| {
        let mut agreed = association.contexts.iter();
        agreed.find(|context| context.class == *class_uid && context.syntax == syntax).map(|context| context.id)
    };
    let rewritten = || agreed_in(IMPLICIT_VR_LITTLE_ENDIAN).filter(|_| is_explicit);
    let own = agreed_in(transfer_syntax);
    let Some(context) = own.or_else(rewritten) else {
        let kind = name_of(class_uid);
        return Ok(Outcome::Refused(if is_explicit {
            format!(
                "the server does not take {kind} in the transfer syntax {transfer_syntax}, nor in Implicit VR Little Endian"
            )
        } else {
            format!("the server does not take {kind} in the transfer syntax {transfer_syntax}")
        }));
    };
    let opened = if own.is_some() {
        data_set(file).map(|(reader, _)| Box::new(reader) as Box<dyn Read>)
    } else {
        rewritten_data_set(file, watch)?.map(|reader| Box::new(reader) as Box<dyn Read>)
    };
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(error) => return Ok(Outcome::Refused(format!("it cannot be read: {error}"))),
    };
    let message = association.next_message();
    let request = Command::request(Field::StoreRequest, message, class_uid, true).of_instance(instance_uid);
    association.send_command(context, &request, watch)?;
    if let Err(error) = association.send_data(context, &mut *reader, watch)? {
        // The server waits for the rest; only a new association is of use.
        return Err(RemoteError::file(&file.path, format!("it could not be read to its end: {error}")));
    }
    let (context, answer) = association.next_command(watch)?;
    if answer.has_data_set() {
        association.receive_short(context, MOST_BYTES, watch)?;
    }
    match (answer.field(), answer.status()) {
        (Some(Field::StoreResponse), Some(SUCCESS)) => Ok(Outcome::Accepted),
        (Some(Field::StoreResponse), Some(status)) if is_warning(status) => Ok(Outcome::Coerced),
        (Some(Field::StoreResponse), Some(_)) => Ok(Outcome::Refused(shown(&answer))),
        _ => Err(association.nonsense("another command than an answer to what was sent")),
    }
}

/// The bytes of the data set, of the object that was looked into, and how many there are.
fn data_set(file: &Outgoing) -> std::io::Result<(Whole<BufReader<File>>, u64)> {
    let mut opened = open_regular_file(&file.path)?;
    let length = opened.metadata()?.len();
    if object_names(&file.path).as_ref() != Ok(&file.names) {
        return Err(std::io::Error::other("it was changed while it waited; send it again"));
    }
    opened.seek(SeekFrom::Start(file.names.head))?;
    // What is appended meanwhile is not sent.
    let length = length.saturating_sub(file.names.head);
    Ok((Whole::new(BufReader::new(opened), length), length))
}

/// The same without representations. What cannot be rewritten is found before anything is sent.
fn rewritten_data_set(
    file: &Outgoing,
    watch: Watch,
) -> Result<std::io::Result<ImplicitReader<Whole<BufReader<File>>>>> {
    let rewritten = || data_set(file).map(|(reader, length)| ImplicitReader::new(reader, length));
    let mut reader = match rewritten() {
        Ok(reader) => reader,
        Err(error) => return Ok(Err(error)),
    };
    let mut part = vec![0; 1 << 18];
    loop {
        watch.check()?;
        match reader.read(&mut part) {
            Ok(0) => return Ok(rewritten()),
            Ok(_) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
}
