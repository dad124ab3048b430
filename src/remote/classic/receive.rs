//! C-STORE as the provider: an instance that comes is on disk while it comes, and never as a whole in memory.

use std::io::Write as _;

use super::super::error::{RemoteError, Result};
use super::super::inbox::{Inbox, Order, RefusedInstance, Stored};
use super::agreement::VERSION_NAME;
use super::association::{Association, MOST_DATA_SET};
use super::command::{Command, Field};
use super::status;
use crate::formats::IMPLEMENTATION_CLASS_UID;
use crate::work::Watch;

/// Most bytes of an instance that are read although it is not kept, so that the other side can be told.
const MOST_WASTE: u64 = 1 << 30;

/// Takes the instance that a request announces, where it is one that was ordered, and answers it.
///
/// # Errors
/// When the connection ends, or the folder cannot be written to, which the other side is told first.
pub fn take_instance(
    association: &mut Association,
    context: u8,
    request: &Command,
    inbox: &Inbox,
    order: Order,
    watch: Watch,
) -> Result<Stored> {
    let Some(agreed) = association.contexts.iter().find(|agreed| agreed.id == context).cloned() else {
        return Err(association.nonsense("an instance in a context that was not agreed on"));
    };
    if !request.has_data_set() {
        return Err(association.nonsense("an instance without a data set"));
    }
    let Some(announced) = request.instance() else {
        association.receive_data(context, MOST_WASTE, watch, |_| Ok(()))?;
        answer(association, context, request, status::INVALID_INSTANCE, "the SOP Instance UID is none", watch)?;
        let why = "its SOP Instance UID is none".into();
        return Ok(Stored::Refused(RefusedInstance { uid: String::new(), why }));
    };
    if order.instances.is_some_and(|listed| !listed.contains(&announced)) {
        // Whoever sends it may send it again later, when somebody waits for it.
        association.receive_data(context, MOST_WASTE, watch, |_| Ok(()))?;
        answer(association, context, request, status::OUT_OF_RESOURCES, "only what was ordered is taken now", watch)?;
        let why = "it was not asked for".into();
        return Ok(Stored::Refused(RefusedInstance { uid: announced.to_string(), why }));
    }
    let class = if request.class().is_empty() { agreed.class.clone() } else { request.class() };
    let head = file_head(&class, announced.as_str(), &agreed.syntax, &association.calling);
    // Whether all of it was read off the connection: only then can anything be answered.
    let mut is_read = false;
    let mut wasted = 0;
    let stored = inbox.store(&announced, order, |file| {
        let mut written = file.write_all(&head);
        association.receive_data(context, MOST_DATA_SET, watch, |part| {
            match &written {
                Ok(()) => written = file.write_all(part),
                Err(error) if wasted > MOST_WASTE => return Err(RemoteError::file(inbox.folder(), error)),
                Err(_) => wasted += part.len() as u64,
            }
            Ok(())
        })?;
        is_read = true;
        written.map_err(|e| RemoteError::file(inbox.folder(), e))
    });
    if !is_read && stored.as_ref().is_err_and(|error| matches!(error, RemoteError::File { .. })) {
        // Not even a file could be made.
        association.receive_data(context, MOST_WASTE.saturating_sub(wasted), watch, |_| Ok(()))?;
        is_read = true;
    }
    let (code, why) = match &stored {
        Ok(Stored::Kept { .. }) => (status::SUCCESS, String::new()),
        Ok(Stored::Refused(refused)) => (status::CANNOT_UNDERSTAND, refused.why.clone()),
        Ok(Stored::Differs(_)) => (status::DUPLICATE, "another object of this UID is here".into()),
        Err(_) => (status::OUT_OF_RESOURCES, "it cannot be written".into()),
    };
    if is_read {
        answer(association, context, request, code, &why, watch)?;
    }
    stored
}

fn answer(
    association: &mut Association,
    context: u8,
    request: &Command,
    code: u16,
    why: &str,
    watch: Watch,
) -> Result<()> {
    let response = request.response(Field::StoreResponse, code);
    let response = if why.is_empty() { response } else { response.saying(why) };
    association.send_command(context, &response, watch)
}

/// What stands before the data set in a file (PS3.10, 7.1).
fn file_head(class: &str, instance: &str, syntax: &str, from: &str) -> Vec<u8> {
    let mut meta = Vec::new();
    put(&mut meta, 0x0001, *b"OB", &[0, 1]);
    put(&mut meta, 0x0002, *b"UI", class.as_bytes());
    put(&mut meta, 0x0003, *b"UI", instance.as_bytes());
    put(&mut meta, 0x0010, *b"UI", syntax.as_bytes());
    put(&mut meta, 0x0012, *b"UI", IMPLEMENTATION_CLASS_UID.as_bytes());
    put(&mut meta, 0x0013, *b"SH", VERSION_NAME.as_bytes());
    put(&mut meta, 0x0016, *b"AE", from.as_bytes());
    let mut head = vec![0; 128];
    head.extend(b"DICM");
    put(&mut head, 0x0000, *b"UL", &u32::try_from(meta.len()).unwrap_or(0).to_le_bytes());
    head.extend(meta);
    head
}

/// Appends an element of the file meta information.
fn put(bytes: &mut Vec<u8>, element: u16, vr: [u8; 2], value: &[u8]) {
    // Names that come from outside are short enough, or were cut when they came.
    let value = value.get(..value.len().min(1024)).unwrap_or_default();
    let padding = usize::from(value.len() % 2 == 1);
    let length = u16::try_from(value.len() + padding).unwrap_or(0);
    bytes.extend([2, 0]);
    bytes.extend(element.to_le_bytes());
    bytes.extend(vr);
    if vr == *b"OB" {
        bytes.extend([0, 0]);
        bytes.extend(u32::from(length).to_le_bytes());
    } else {
        bytes.extend(length.to_le_bytes());
    }
    bytes.extend(value);
    bytes.extend(std::iter::repeat_n(if vr == *b"UI" { 0 } else { b' ' }, padding));
}
