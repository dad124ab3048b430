//! What the status codes of answers mean. Source: PS3.7 annex C, PS3.4 annexes B.2.3, C.4.1 to C.4.3.

use super::command::Command;

/// Success.
pub const SUCCESS: u16 = 0x0000;
/// More is to come.
pub const PENDING: [u16; 2] = [0xFF00, 0xFF01];
/// Refused: out of resources.
pub const OUT_OF_RESOURCES: u16 = 0xA700;
/// Cannot understand.
pub const CANNOT_UNDERSTAND: u16 = 0xC000;
/// The object was not taken because there is another one of its UID.
pub const DUPLICATE: u16 = 0x0111;
/// The object was not taken because its UID is none.
pub const INVALID_INSTANCE: u16 = 0x0117;

/// Whether something was done although the status warns.
pub fn is_warning(status: u16) -> bool {
    matches!(status, 0x0001 | 0x0107 | 0x0116 | 0xB000..=0xBFFF)
}

/// A status with its meaning and what the server says to it: `0xA801 (it does not know our AE title ...)`.
pub fn shown(answer: &Command) -> String {
    let Some(status) = answer.status() else { return "its answer has no status".into() };
    let (what, comment) = (meaning(status), answer.comment());
    if comment.is_empty() {
        format!("status 0x{status:04X}, {what}")
    } else {
        format!("status 0x{status:04X}, {what}: \"{comment}\"")
    }
}

fn meaning(status: u16) -> &'static str {
    match status {
        0x0000 => "success",
        0x0105 => "no such attribute",
        0x0106 => "an invalid attribute value",
        0x0110 => "a failure while processing",
        0x0111 => "the instance is there already",
        0x0112 => "no such instance",
        0x0117 => "an invalid instance UID",
        0x0119 => "a class and an instance that do not fit",
        0x0120 | 0x0121 => "a missing attribute",
        0x0122 => "the kind of object is not supported",
        0x0124 => "not authorised; ask who runs the server",
        0x0210 => "a message ID twice",
        0x0211 => "the operation is not known",
        0x0212 => "a command that it does not understand",
        0x0213 => "limited resources",
        0xA701 => "out of resources: it cannot count what matches",
        0xA702 => "out of resources: it cannot send what matches",
        0xA700..=0xA7FF => "out of resources; its disk may be full",
        0xA801 => {
            "it does not know our AE title as a destination; ask who runs the server to enter our title, host and port"
        }
        0xA900..=0xA9FF => "the data set does not fit its class",
        0xB000 => "some instances could not be sent, or were changed",
        0xB006 => "elements were left out",
        0xB007 => "the data set does not fit its class, but was taken",
        0xC000..=0xCFFF => "it cannot process what was sent",
        0xFE00 => "cancelled",
        0xFF00 | 0xFF01 => "more to come",
        _ => "a meaning of its own",
    }
}
