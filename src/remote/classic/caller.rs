//! Calling a server: connections, and why they do not come about.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::super::error::{RemoteError, Result};
use super::super::names::AeTitle;
use super::super::server::{Retrieve, Tls};
use super::super::trust::client_config;
use super::agreement::ended;
use super::association::{Association, Proposal};
use super::wire::{Wire, WireEnd};
use crate::work::Watch;

/// How long a server may say nothing.
const SILENCE: Duration = Duration::from_mins(1);

/// Whom we call, and as whom.
pub struct Caller {
    host: String,
    port: u16,
    /// Its title.
    pub called: AeTitle,
    /// Our title.
    pub calling: AeTitle,
    /// How it gives us instances.
    pub retrieve: Retrieve,
    tls: Option<Arc<ClientConfig>>,
    /// For messages.
    pub server: String,
    /// How long it may say nothing.
    pub silence: Duration,
}

impl Caller {
    /// A server; nothing is sent yet.
    ///
    /// # Errors
    /// When the certificates that are to be trusted cannot be read.
    pub fn new(
        server: String,
        (host, port): (&str, u16),
        [called, calling]: [&AeTitle; 2],
        retrieve: Retrieve,
        tls: Option<&Tls>,
    ) -> Result<Self> {
        let tls = tls.map(|tls| client_config(tls.ca_file.as_deref())).transpose()?;
        Ok(Self {
            host: host.into(),
            port,
            called: called.clone(),
            calling: calling.clone(),
            retrieve,
            tls,
            server,
            silence: SILENCE,
        })
    }

    /// Opens an association.
    ///
    /// # Errors
    /// When nobody answers, or we are rejected.
    pub fn open(&self, during: &'static str, proposals: &[Proposal], watch: Watch) -> Result<Association> {
        self.open_patiently(during, proposals, self.silence, watch)
    }

    /// The same, where the server may say nothing for so long once it has accepted us.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_patiently(
        &self,
        during: &'static str,
        proposals: &[Proposal],
        silence: Duration,
        watch: Watch,
    ) -> Result<Association> {
        let wire = Wire::connect(&self.host, self.port, self.tls.clone(), self.silence, watch)
            .map_err(|end| self.no_connection(end))?;
        let titles = [&self.called, &self.calling];
        let mut association = Association::request(wire, self.server.clone(), during, titles, proposals, watch)?;
        association.wait_for(silence);
        Ok(association)
    }

    fn no_connection(&self, end: WireEnd) -> RemoteError {
        let server = self.server.clone();
        match end {
            WireEnd::Failed(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                RemoteError::Unreachable { server, why: "nobody listens there".into() }
            }
            WireEnd::Failed(error) if self.tls.is_some() && error.kind() == std::io::ErrorKind::InvalidData => {
                RemoteError::Insecure {
                    server,
                    why: format!("{error}; if its certificate is right, name the file of its authority"),
                }
            }
            WireEnd::Failed(error) => RemoteError::Unreachable { server, why: error.to_string() },
            WireEnd::Silent(silence) => {
                RemoteError::Unreachable { server, why: format!("there was no answer within {} s", silence.as_secs()) }
            }
            WireEnd::Closed if self.tls.is_some() => RemoteError::Insecure {
                server,
                why: "it closed the connection; the port may not be a secure one".into(),
            },
            end => ended(end, &self.server, "connecting"),
        }
    }
}
