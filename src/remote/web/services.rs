//! The services of one server: questions below their root, and what is wrong where an answer says no.

use std::path::Path;

use base64::Engine as _;

use super::exchange::{Answer, Client, Question};
use super::origin::Origin;
use super::patience::Patience;
use super::{roots, status};
use crate::remote::{RemoteError, Result, Secret};
use crate::work::Watch;

/// Who logs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// The services of a server, below their root.
pub struct Services {
    /// The server.
    pub client: Client,
    /// Path below which they lie, without a slash at its end.
    pub root: String,
    /// Whether a user logs in.
    has_login: bool,
}

impl Services {
    /// Those at a root such as `https://host/dicom-web`.
    ///
    /// # Errors
    /// [`RemoteError::Wrong`] for an address that is none, [`RemoteError::File`] for certificates that cannot be read.
    pub fn new(url: &str, login: Option<&Login>, ca_file: Option<&Path>, patience: Patience) -> Result<Self> {
        let (origin, root) = Origin::of(url)?;
        let config = roots::config(&origin, ca_file, patience)?;
        let client = Client::new(&config, origin, url.to_string(), login.map(basic).transpose()?, patience);
        Ok(Self { client, root, has_login: login.is_some() })
    }

    /// Asks for something, and gives the answer where it is one.
    ///
    /// # Errors
    /// As [`Client::ask`], and where the status says no.
    pub fn get<'a>(&self, target: &str, accept: &str, during: &'static str, watch: Watch<'a>) -> Result<Answer<'a>> {
        let answer = self.answer(target, accept, during, watch)?;
        match answer.status {
            200..=299 => Ok(answer),
            status => Err(self.refusal(status, during)),
        }
    }

    /// Asks for something, and gives the answer whatever its status is.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn answer<'a>(&self, target: &str, accept: &str, during: &'static str, watch: Watch<'a>) -> Result<Answer<'a>> {
        let question = Question { target: format!("{}{target}", self.root), accept, during, outgoing: None };
        self.client.ask(question, watch, &|_| {})
    }

    /// What a status that says no means.
    pub fn refusal(&self, status: u16, during: &'static str) -> RemoteError {
        status::refusal(status, &self.client.server, during, self.has_login)
    }

    /// An answer that makes no sense.
    pub fn nonsense(&self, during: &'static str, why: impl Into<String>) -> RemoteError {
        RemoteError::Nonsense { server: self.client.server.clone(), during, why: why.into() }
    }

    /// A connection that broke.
    pub fn broken(&self, during: &'static str, why: String) -> RemoteError {
        RemoteError::Broken { server: self.client.server.clone(), during, why }
    }
}

/// The header that a user logs in with (RFC 7617).
fn basic(login: &Login) -> Result<Secret> {
    if login.user.contains(':') {
        return Err(RemoteError::Wrong("the name of a user holds no colon".into()));
    }
    let plain = Secret::new(format!("{}:{}", login.user, login.password.reveal()));
    let packed = base64::engine::general_purpose::STANDARD.encode(plain.reveal());
    Ok(Secret::new(format!("Basic {packed}")))
}
