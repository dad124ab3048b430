//! What a status of HTTP means for the user.

use crate::remote::RemoteError;

/// Why a server says no.
pub fn refusal(status: u16, server: &str, during: &'static str, has_login: bool) -> RemoteError {
    let server = server.to_string();
    match status {
        401 if has_login => {
            RemoteError::Login { server, why: "the user or the password is wrong; enter them again".into() }
        }
        401 => RemoteError::Login { server, why: "it wants a user and a password; enter them for this server".into() },
        403 => RemoteError::Rejected {
            server,
            why: "the user may not do this; ask who runs the server for the right to it".into(),
        },
        407 => RemoteError::Rejected { server, why: "the proxy on the way wants a login".into() },
        404 | 405 | 410 | 501 => RemoteError::NotOffered {
            server,
            what: format!(
                "{during} at this address (status {status}); check the path: it is /dicom-web for Orthanc and \
                 /dcm4chee-arc/aets/TITLE/rs for dcm4chee"
            ),
        },
        406 | 415 => {
            RemoteError::NotOffered { server, what: format!("{during} in a form that Lamella knows (status {status})") }
        }
        status => RemoteError::Failed { server, during, status: words(status) },
    }
}

/// A status in words.
pub fn words(status: u16) -> String {
    let words = match status {
        400 => "it does not understand the question",
        404 | 410 => "it does not have it",
        408 => "it waited too long",
        409 => "it refused it",
        413 => "it is too large for the server; who runs it can raise the limit",
        429 => "it is asked too often; wait a while and try again",
        500 => "it failed within itself; its log says why",
        502 | 504 => "the server behind it does not answer",
        503 => "it is busy or being serviced; try again later",
        507 => "it has no room left",
        _ => "it gives no reason that is known",
    };
    format!("{words} (status {status})")
}
