//! A server while it is filled in: texts as they are typed, and what is wrong with them.

use std::path::PathBuf;

use crate::remote::{Address, AeTitle, RemoteError, Retrieve, Server, Tls, warning_of_open_login};

/// How a server is spoken with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// DICOMweb.
    #[default]
    Web,
    /// The classic services.
    Classic,
}

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The name.
    Name,
    /// The address of the web services.
    Url,
    /// The host.
    Host,
    /// The port.
    Port,
    /// The server's title.
    Called,
    /// Our title.
    Calling,
    /// The port that we listen on.
    OwnPort,
}

/// What is filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerForm {
    /// The server that is changed; none: a new one.
    pub at: Option<usize>,
    /// As the user calls it.
    pub name: String,
    /// How it is spoken with.
    pub protocol: Protocol,
    /// Root of the web services.
    pub url: String,
    /// Who logs in.
    pub user: String,
    /// Certificates of an authority.
    pub ca_file: String,
    /// Name or number of the host.
    pub host: String,
    /// Its port.
    pub port: String,
    /// Its title.
    pub called: String,
    /// Our title.
    pub calling: String,
    /// Whether it sends by calling us back.
    pub moves: bool,
    /// The port that we listen on then.
    pub own_port: String,
    /// Whether the classic services are secure.
    pub is_secure: bool,
}

impl ServerForm {
    /// An empty form.
    pub fn new() -> Self {
        let calling = AeTitle::default().to_string();
        Self { calling, port: "104".into(), own_port: "11112".into(), ..Self::default() }
    }

    /// The form of a server that is kept.
    pub fn of(at: usize, server: &Server) -> Self {
        let form = Self { at: Some(at), name: server.name.clone(), ..Self::new() };
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        match &server.address {
            Address::Web { url, user, ca_file } => {
                Self { url: url.clone(), user: user.clone().unwrap_or_default(), ca_file: path(ca_file), ..form }
            }
            Address::Classic { host, port, called, calling, retrieve, tls } => Self {
                protocol: Protocol::Classic,
                host: host.clone(),
                port: port.to_string(),
                called: called.to_string(),
                calling: calling.to_string(),
                moves: matches!(retrieve, Retrieve::Move { .. }),
                own_port: match retrieve {
                    Retrieve::Move { port } => port.to_string(),
                    Retrieve::Get => form.own_port.clone(),
                },
                is_secure: tls.is_some(),
                ca_file: tls.as_ref().map(|tls| path(&tls.ca_file)).unwrap_or_default(),
                ..form
            },
        }
    }

    /// The server, or the fields that are wrong, each with what is wrong; `names` are those of the other servers.
    ///
    /// # Errors
    /// The fields that are wrong.
    pub fn server(&self, names: &[&str]) -> Result<Server, Vec<(Field, String)>> {
        let mut wrong = Vec::new();
        let name = self.name.trim();
        if name.is_empty() {
            wrong.push((Field::Name, "Give it a name".into()));
        } else if names.contains(&name) {
            wrong.push((Field::Name, "Another server has this name".into()));
        }
        let ca_file = Some(self.ca_file.trim()).filter(|path| !path.is_empty()).map(PathBuf::from);
        let address = match self.protocol {
            Protocol::Web => self.web(ca_file, &mut wrong),
            Protocol::Classic => self.classic(ca_file, &mut wrong),
        };
        match address {
            Some(address) if wrong.is_empty() => Ok(Server { name: name.into(), address }),
            _ => Err(wrong),
        }
    }

    fn web(&self, ca_file: Option<PathBuf>, wrong: &mut Vec<(Field, String)>) -> Option<Address> {
        let typed = self.url.trim();
        if typed.is_empty() {
            wrong.push((Field::Url, "Write https://host/dicom-web".into()));
            return None;
        }
        match Address::parse(typed) {
            Ok(Address::Web { url, .. }) => {
                let user = Some(self.user.trim()).filter(|user| !user.is_empty()).map(str::to_string);
                Some(Address::Web { url, user, ca_file })
            }
            Ok(Address::Classic { .. }) => {
                wrong.push((Field::Url, "This is an address of the classic services".into()));
                None
            }
            Err(error) => {
                wrong.push((Field::Url, said(&error)));
                None
            }
        }
    }

    fn classic(&self, ca_file: Option<PathBuf>, wrong: &mut Vec<(Field, String)>) -> Option<Address> {
        let host = self.host.trim();
        if host.is_empty() || host.contains(|letter: char| letter.is_whitespace() || letter == '/') {
            wrong.push((Field::Host, "Write the name or the number of a host".into()));
        }
        let mut port = |field, text: &str| {
            let port = text.trim().parse::<u16>().ok().filter(|port| *port > 0);
            if port.is_none() {
                wrong.push((field, "A port is a number from 1 to 65535".into()));
            }
            port
        };
        let its_port = port(Field::Port, &self.port);
        let own_port = if self.moves { port(Field::OwnPort, &self.own_port) } else { Some(0) };
        let mut title = |field, text: &str| match AeTitle::new(text) {
            Ok(title) => Some(title),
            Err(_) => {
                wrong.push((field, "A title has 1 to 16 letters, digits and signs".into()));
                None
            }
        };
        let (called, calling) = (title(Field::Called, &self.called), title(Field::Calling, &self.calling));
        Some(Address::Classic {
            host: host.to_string(),
            port: its_port?,
            called: called?,
            calling: calling?,
            retrieve: if self.moves { Retrieve::Move { port: own_port? } } else { Retrieve::Get },
            tls: self.is_secure.then_some(Tls { ca_file }),
        })
    }

    /// What the user should know of a server that can be kept.
    pub fn warning(&self) -> Option<String> {
        let is_open = self.protocol == Protocol::Web && !self.user.trim().is_empty();
        is_open.then(|| warning_of_open_login(self.url.trim())).flatten()
    }
}

fn said(error: &RemoteError) -> String {
    super::super::notices::in_sentence_case(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_is_wrong_field_by_field_and_is_that_of_its_server() {
        let fields = |form: &ServerForm| -> Vec<Field> {
            form.server(&["Ward"]).unwrap_err().into_iter().map(|(field, _)| field).collect()
        };
        let web = ServerForm { name: "Ward".into(), url: "pacs".into(), ..ServerForm::new() };
        assert_eq!(fields(&web), [Field::Name, Field::Url]);
        let classic = ServerForm {
            protocol: Protocol::Classic,
            port: "0".into(),
            moves: true,
            own_port: "x".into(),
            calling: "SEVENTEEN_LETTERS".into(),
            ..ServerForm::new()
        };
        let all = [Field::Name, Field::Host, Field::Port, Field::OwnPort, Field::Called, Field::Calling];
        assert_eq!(fields(&classic), all);
        let right = ServerForm {
            name: " A ".into(),
            url: "https://h/dicom-web/".into(),
            user: "me".into(),
            ..ServerForm::new()
        };
        let server = right.server(&["Ward"]).unwrap();
        assert_eq!((server.name.as_str(), server.address.shown().as_str()), ("A", "https://h/dicom-web"));
        assert_eq!(ServerForm::of(3, &server).server(&[]).unwrap(), server);
        let right = ServerForm {
            name: "B".into(),
            protocol: Protocol::Classic,
            host: "h".into(),
            called: "ORTHANC".into(),
            moves: true,
            is_secure: true,
            ca_file: "ca.pem".into(),
            ..ServerForm::new()
        };
        let server = right.server(&[]).unwrap();
        assert_eq!(ServerForm::of(0, &server).server(&[]).unwrap(), server);
        assert_eq!(right.warning(), None);
        assert!(ServerForm { user: "me".into(), url: "http://h/x".into(), ..web }.warning().is_some());
    }
}
