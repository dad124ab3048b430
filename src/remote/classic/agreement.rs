//! What both sides say of themselves before they agree: titles, kinds of objects, who calls.

use std::net::{SocketAddr, TcpStream};

use dicom_ul::pdu::{
    AssociationRJ, AssociationRJResult, AssociationRJServiceUserReason, AssociationRJSource, Pdu,
    PresentationContextProposed, PresentationContextResult, PresentationContextResultReason, UserVariableItem,
};

use dicom_dictionary_std::uids;

use super::super::error::RemoteError;
use super::kinds;
use super::wire::WireEnd;
use crate::formats::IMPLEMENTATION_CLASS_UID;

/// Most bytes of data in one unit, ours and theirs, whatever they would take.
pub const MOST_DATA: u32 = 1 << 17;
/// How this program calls itself.
pub const VERSION_NAME: &str =
    concat!("LAMELLA_", env!("CARGO_PKG_VERSION_MAJOR"), "_", env!("CARGO_PKG_VERSION_MINOR"));

/// Who calls: the address, that of IPv4 as such.
pub fn caller_of(stream: &TcpStream) -> String {
    stream.peer_addr().map_or_else(
        |_| "somebody".to_string(),
        |address| SocketAddr::new(address.ip().to_canonical(), address.port()).to_string(),
    )
}

/// The error for a connection that is of no more use.
pub fn ended(end: WireEnd, server: &str, during: &'static str) -> RemoteError {
    let server = server.to_string();
    match end {
        WireEnd::Stopped(stopped) => RemoteError::Stopped(stopped),
        WireEnd::Silent(silence) => RemoteError::Silent { server, during, seconds: silence.as_secs() },
        WireEnd::Closed => RemoteError::Broken { server, during, why: "the other side closed it".into() },
        WireEnd::Failed(error) => RemoteError::Broken { server, during, why: error.to_string() },
    }
}

/// A title without what pads it; some programs pad by zeros.
pub fn title_of(padded: &str) -> String {
    padded.trim_matches(['\0', ' ']).to_string()
}

/// What comes from the other side, as it may stand in a message.
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// What we say of ourselves.
pub fn about_us() -> Vec<UserVariableItem> {
    vec![
        UserVariableItem::MaxLength(MOST_DATA),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.into()),
        UserVariableItem::ImplementationVersionName(VERSION_NAME.into()),
    ]
}

fn is_known(class: &str) -> bool {
    class == kinds::VERIFICATION || kinds::may_be_stored(class)
}

/// Whoever calls another title than ours is turned away.
pub fn called_is_unknown() -> Pdu {
    Pdu::AssociationRJ(AssociationRJ {
        result: AssociationRJResult::Permanent,
        source: AssociationRJSource::ServiceUser(AssociationRJServiceUserReason::CalledAETitleNotRecognized),
    })
}

/// What we answer to a kind of object or service.
pub fn answer_to(
    proposed: &PresentationContextProposed,
    choose: &impl Fn(&str, &[String]) -> Option<String>,
) -> PresentationContextResult {
    let chosen = choose(&proposed.abstract_syntax, &proposed.transfer_syntaxes);
    let reason = match chosen {
        Some(_) => PresentationContextResultReason::Acceptance,
        None if !is_known(&proposed.abstract_syntax) => PresentationContextResultReason::AbstractSyntaxNotSupported,
        None => PresentationContextResultReason::TransferSyntaxesNotSupported,
    };
    // A syntax stands there in any case (PS3.8, 9.3.3.2).
    let any = || proposed.transfer_syntaxes.first().cloned().unwrap_or_default();
    PresentationContextResult { id: proposed.id, reason, transfer_syntax: chosen.unwrap_or_else(any) }
}

/// An answer to a request, where each kind that is not accepted has a layout all the same: there are servers that leave it out, for it means
/// nothing, and without it the whole answer could not be read.
pub fn with_layouts(answer: Vec<u8>) -> Vec<u8> {
    const ACCEPTED: u8 = 2;
    /// Bytes before the items: head, version, titles, what is reserved.
    const BEFORE: usize = 74;
    const CONTEXT: u8 = 0x21;
    if answer.first() != Some(&ACCEPTED) {
        return answer;
    }
    let Some((before, mut rest)) = answer.split_at_checked(BEFORE) else { return answer };
    let mut whole = before.to_vec();
    while let Some((&[kind, zero, high, low], after)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some((content, next)) = after.split_at_checked(length) else { break };
        if let (CONTEXT, &[id, r1, result, r2]) = (kind, content)
            && result > 0
        {
            let layout = uids::IMPLICIT_VR_LITTLE_ENDIAN.as_bytes();
            let size = u8::try_from(layout.len()).unwrap_or(0);
            whole.extend([kind, zero, 0, size + 8, id, r1, result, r2, 0x40, 0, 0, size]);
            whole.extend(layout);
        } else {
            whole.extend([kind, zero, high, low]);
            whole.extend(content);
        }
        rest = next;
    }
    whole.extend(rest);
    let length = u32::try_from(whole.len().saturating_sub(6)).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(place) = whole.get_mut(2..6) {
        place.copy_from_slice(&length);
    }
    whole
}
