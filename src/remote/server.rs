//! Servers that the user names: where they are and how they are spoken with. Never a password.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::{RemoteError, Result};
use super::names::AeTitle;

/// A server that the user keeps under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// As the user calls it.
    pub name: String,
    /// Where it is.
    pub address: Address,
}

/// Where a server is and how it is spoken with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// The classic services: associations (PS3.8) with C-ECHO, C-FIND, C-GET, C-MOVE, C-STORE (PS3.7).
    Classic {
        /// Name or number of the host.
        host: String,
        /// Port that it listens on.
        port: u16,
        /// Its title.
        called: AeTitle,
        /// Our title.
        #[serde(default)]
        calling: AeTitle,
        /// How it gives us instances.
        #[serde(default)]
        retrieve: Retrieve,
        /// Whether the connection is secure.
        #[serde(default)]
        tls: Option<Tls>,
    },
    /// DICOMweb (PS3.18): QIDO, WADO, STOW.
    Web {
        /// The root of the services, for example `https://host/dicom-web`.
        url: String,
        /// Who logs in, if anybody; the password is asked for or in the system's keyring.
        #[serde(default)]
        user: Option<String>,
        /// A certificate authority besides the system's.
        #[serde(default)]
        ca_file: Option<PathBuf>,
    },
}

/// How a server gives us instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Retrieve {
    /// By C-GET, over the connection that we made.
    #[default]
    Get,
    /// By C-MOVE: the server calls us back, and must know our title, host and port.
    Move {
        /// Port that we listen on meanwhile.
        port: u16,
    },
}

/// A connection by TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// A certificate authority besides the system's, as PEM.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// What an address of the classic services begins with.
const CLASSIC: &str = "dicom://";

impl Address {
    /// An address as the user writes it: `dicom://CALLED@host:port`, or the `http://` or `https://` root of a DICOMweb service.
    ///
    /// # Errors
    /// [`RemoteError::Wrong`] for what is no address, and for one that holds a password.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(rest) = text.strip_prefix(CLASSIC) {
            return classic(rest)
                .ok_or_else(|| RemoteError::Wrong(format!("{text:?} is no address; write dicom://TITLE@host:port")))
                .and_then(|(called, host, port)| {
                    Ok(Self::Classic {
                        host: host.to_string(),
                        port,
                        called: AeTitle::new(called)?,
                        calling: AeTitle::default(),
                        retrieve: Retrieve::default(),
                        tls: None,
                    })
                });
        }
        if may_hold_password(text) {
            return Err(holds_user());
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains(char::is_whitespace)) {
            return Err(RemoteError::Wrong(format!(
                "{text:?} is no address; write dicom://TITLE@host:port or https://host/dicom-web"
            )));
        }
        Ok(Self::Web { url: text.trim_end_matches('/').to_string(), user: None, ca_file: None })
    }

    /// For messages: `ORTHANC at host:4242`, or the URL.
    pub fn shown(&self) -> String {
        match self {
            Self::Classic { host, port, called, .. } => format!("{called} at {host}:{port}"),
            Self::Web { url, .. } => url.clone(),
        }
    }
}

/// Whether a text that is no address of the classic services could hold a password: then it is shown nowhere.
pub fn may_hold_password(text: &str) -> bool {
    !text.starts_with(CLASSIC) && text.contains('@')
}

/// What is wrong with such a text.
pub fn holds_user() -> RemoteError {
    RemoteError::Wrong(
        "an address holds no user and no password; name the user beside it, and the password is asked for".into(),
    )
}

/// Title, host and port; hosts of IPv6 stand in brackets.
fn classic(rest: &str) -> Option<(&str, &str, u16)> {
    let (called, place) = rest.trim_end_matches('/').rsplit_once('@')?;
    let (host, port) = place.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/');
    let port = port.parse::<u16>().ok().filter(|&port| port > 0)?;
    is_host.then_some((called, host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        let Address::Classic { host, port, called, calling, retrieve, tls } =
            Address::parse("dicom://ORTHANC@pacs.example:4242").unwrap()
        else {
            panic!("no classic address")
        };
        assert_eq!((host.as_str(), port, called.as_str()), ("pacs.example", 4242, "ORTHANC"));
        assert_eq!((calling.as_str(), retrieve, tls), ("LAMELLA", Retrieve::Get, None));
        let six = Address::parse("dicom://A@[::1]:104").unwrap();
        assert!(matches!(&six, Address::Classic { host, port: 104, .. } if host == "::1"));
        let web = Address::parse("https://pacs.example/dicom-web/").unwrap();
        assert_eq!(web.shown(), "https://pacs.example/dicom-web");
        let wrong = [
            "",
            "ORTHANC",
            "dicom://host:1",
            "dicom://A@host",
            "dicom://A@host:0",
            "dicom://A@host:99999",
            "dicom://A@:1",
            "dicom://@host:1",
            "ftp://host/x",
            "https://",
            "https://me:word@host/x",
            "https://a b/",
        ];
        for text in wrong {
            assert!(matches!(Address::parse(text), Err(RemoteError::Wrong(_))), "{text:?}");
        }
        for text in ["https://me:word@host/x", "HTTPS://me:word@host", "me:word@host/x", "https:/me:word@host"] {
            assert!(!Address::parse(text).unwrap_err().to_string().contains("me:word"), "{text}");
        }
    }

    #[test]
    fn a_server_is_kept_and_read_back() {
        let address = Address::Classic {
            host: "::1".into(),
            port: 104,
            called: AeTitle::new("A").unwrap(),
            calling: AeTitle::default(),
            retrieve: Retrieve::Move { port: 11112 },
            tls: Some(Tls { ca_file: Some("ca.pem".into()) }),
        };
        let server = Server { name: "Ward".into(), address };
        let text = serde_json::to_string(&server).unwrap();
        assert_eq!(serde_json::from_str::<Server>(&text).unwrap(), server);
        let short = r#"{"name": "x", "address": {"classic": {"host": "h", "port": 1, "called": "B"}}}"#;
        let read: Server = serde_json::from_str(short).unwrap();
        assert_eq!(read.address.shown(), "B at h:1");
    }
}
