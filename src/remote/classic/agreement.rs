//! What both sides say of themselves before they agree: titles, kinds of objects, who calls.

use std::net::{SocketAddr, TcpStream};

use dicom_ul::pdu::{
    AssociationRJ, AssociationRJResult, AssociationRJServiceUserReason, AssociationRJSource, Pdu,
    PresentationContextProposed, PresentationContextResult, PresentationContextResultReason, UserVariableItem,
};

use super::super::error::RemoteError;
use super::association::{MOST_DATA, VERSION_NAME};
use super::kinds;
use super::wire::WireEnd;
use crate::formats::IMPLEMENTATION_CLASS_UID;

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
