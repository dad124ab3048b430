//! What went wrong on the way, in words for the user.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::patience::Patience;
use crate::remote::RemoteError;

/// An error of the connection with a server, while something was done.
pub fn told(error: &ureq::Error, server: &str, during: &'static str, patience: Patience) -> RemoteError {
    let server = server.to_string();
    if let Some(error) = within::<rustls::Error>(error) {
        return RemoteError::Insecure { server, why: tls(error) };
    }
    match error {
        ureq::Error::Timeout(timeout) => timed_out(*timeout, server, during, patience),
        ureq::Error::Io(error) => io_error(error, server, during),
        ureq::Error::HostNotFound => {
            RemoteError::Unreachable { server, why: "nobody knows a host of this name".into() }
        }
        ureq::Error::ConnectionFailed => RemoteError::Unreachable { server, why: "nothing answers there".into() },
        ureq::Error::ConnectProxyFailed(why) => {
            RemoteError::Unreachable { server, why: format!("the proxy does not let it through ({why})") }
        }
        ureq::Error::InvalidProxyUrl => RemoteError::Unreachable {
            server,
            why: "the proxy of the environment has no address that can be read".into(),
        },
        ureq::Error::Protocol(error) => {
            RemoteError::Nonsense { server, during, why: format!("what comes is not HTTP ({error})") }
        }
        ureq::Error::LargeResponseHeader(..) => {
            RemoteError::Nonsense { server, during, why: "its head is too long".into() }
        }
        // What it says holds the whole address, and that can hold a patient's name.
        ureq::Error::BadUri(_) => RemoteError::Wrong(format!("{server} is no address that can be asked")),
        ureq::Error::Tls(why) => RemoteError::Insecure { server, why: (*why).to_string() },
        other => RemoteError::Broken { server, during, why: other.to_string() },
    }
}

/// The error of a kind that is the reason of another one, however it is wrapped.
fn within<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    if let Some(found) = error.downcast_ref::<T>() {
        return Some(found);
    }
    let inner: Option<&(dyn Error + 'static)> = match error.downcast_ref::<ureq::Error>() {
        Some(ureq::Error::Rustls(error)) => Some(error),
        Some(ureq::Error::Io(error)) => Some(error),
        Some(ureq::Error::Other(error)) => Some(error.as_ref()),
        _ => error.downcast_ref::<io::Error>().and_then(|error| Some(error.get_ref()? as &(dyn Error + 'static))),
    };
    within(inner.or_else(|| error.source())?)
}

fn timed_out(timeout: ureq::Timeout, server: String, during: &'static str, patience: Patience) -> RemoteError {
    if matches!(timeout, ureq::Timeout::Resolve | ureq::Timeout::Connect) {
        let why = format!("nothing answered within {} s", patience.connect.as_secs().max(1));
        return RemoteError::Unreachable { server, why };
    }
    RemoteError::Silent { server, during, seconds: patience.quiet.as_secs().max(1) }
}

fn io_error(error: &io::Error, server: String, during: &'static str) -> RemoteError {
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "no network leads there",
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "nothing answered in time",
        io::ErrorKind::UnexpectedEof => {
            return RemoteError::Broken { server, during, why: "the server closed it before all had come".into() };
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            return RemoteError::Broken { server, during, why: "the server closed it".into() };
        }
        _ => return RemoteError::Broken { server, during, why: error.to_string() },
    };
    RemoteError::Unreachable { server, why: why.into() }
}

/// What is wrong with a secure connection, and what the user can do.
fn tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(error),
        rustls::Error::InvalidMessage(_) => {
            "the server does not speak TLS at this port; check the port, or whether the address begins with http://"
                .into()
        }
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::AccessDenied => {
                "the server wants a certificate from this computer, which Lamella cannot give".into()
            }
            alert => format!("the server ended it ({alert:?})"),
        },
        rustls::Error::PeerIncompatible(_) => {
            "the server offers only versions of TLS that are not safe any more".into()
        }
        other => other.to_string(),
    }
}

fn certificate(error: &CertificateError) -> String {
    let ask =
        "ask who runs the server for the certificate of its authority, and give that file as the CA file of the server";
    match error {
        CertificateError::UnknownIssuer => {
            format!("this computer does not know the authority that signed the server's certificate; {ask}")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired; who runs the server must renew it (or is this computer's clock wrong?)".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet; is this computer's clock right?".into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another host; use the name that stands in it as the server's address".into()
        }
        CertificateError::Revoked => "the server's certificate was revoked; ask who runs the server".into(),
        other => {
            let text = format!("{other:?}");
            if text.contains("CaUsedAsEndEntity") {
                return format!("the server shows the certificate of an authority instead of its own; {ask}");
            }
            format!("the server's certificate is not accepted ({other}); {ask}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_found_however_deep_the_error_lies() {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = ureq::Error::Io(io::Error::new(io::ErrorKind::InvalidData, unknown));
        let told = told(&wrapped, "https://x", "asking", Patience::default());
        assert!(matches!(&told, RemoteError::Insecure { .. }), "{told:?}");
        assert!(told.to_string().contains("CA file"), "{told}");
    }
}
