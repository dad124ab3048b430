//! Which server a command talks with, and how.

use std::path::PathBuf;

use clap::Args;

use super::password::{VARIABLE, ask, password_of};
use crate::cli::Result;
use crate::jobs::JobError;
use crate::remote::{
    Address, AeTitle, KnownServers, RemoteError, Retrieve, Secret, Server, Tls, servers_file, warning_of_open_login,
};

/// Which server.
#[derive(Args)]
pub struct ServerChoice {
    /// The name of a kept server, or an address: `dicom://TITLE@host:port` or `https://host/dicom-web`
    server: String,
    /// Our AE title, for the classic services [default: LAMELLA]
    #[arg(long, value_name = "TITLE", value_parser = AeTitle::new)]
    calling: Option<AeTitle>,
    /// Fetch by C-MOVE to this port of ours, which the server must know, not by C-GET
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    move_port: Option<u16>,
    /// Connect securely, for the classic services
    #[arg(long)]
    tls: bool,
    /// Trust this certificate authority too (a PEM file)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Who logs in, for DICOMweb; the password is in the system's keyring, in `LAMELLA_REMOTE_PASSWORD`, or asked for
    #[arg(long)]
    user: Option<String>,
}

impl ServerChoice {
    /// The server, with what the options change of it.
    pub fn server(&self) -> Result<Server> {
        let known = match servers_file() {
            // An address needs no list, and so no list that can be read.
            Some(path) if !self.server.contains("://") => KnownServers::read(&path)?,
            _ => KnownServers::default(),
        };
        let mut server = known.named_or_at(&self.server)?;
        let wrong = |option: &str, kind: &str| Err(JobError::Other(format!("{option} is only for {kind}")));
        match &mut server.address {
            Address::Classic { calling, retrieve, tls, .. } => {
                if self.user.is_some() {
                    return wrong("--user", "DICOMweb");
                }
                if let Some(title) = &self.calling {
                    *calling = title.clone();
                }
                if let Some(port) = self.move_port {
                    *retrieve = Retrieve::Move { port };
                }
                if self.tls || self.ca.is_some() {
                    let ca_file = self.ca.clone().or_else(|| tls.take().and_then(|tls| tls.ca_file));
                    *tls = Some(Tls { ca_file });
                }
            }
            Address::Web { user, ca_file, .. } => {
                const CLASSIC: &str = "the classic services (dicom://)";
                if self.calling.is_some() {
                    return wrong("--calling", CLASSIC);
                }
                if self.move_port.is_some() {
                    return wrong("--move-port", CLASSIC);
                }
                if self.tls {
                    return wrong("--tls", CLASSIC);
                }
                if self.user.is_some() {
                    user.clone_from(&self.user);
                }
                if self.ca.is_some() {
                    ca_file.clone_from(&self.ca);
                }
            }
        }
        Ok(server)
    }

    /// Talks with a server, with the password that it needs, from wherever that is. One of the keyring that is wrong is asked for.
    pub fn talk<T>(server: &Server, talk: impl Fn(Option<Secret>) -> Result<T>) -> Result<T> {
        let Address::Web { url, user: Some(user), .. } = &server.address else { return talk(None) };
        if let Some(warning) = warning_of_open_login(url) {
            tell!("note: {warning}");
        }
        let (password, is_asked_for) = password_of(url, user)?;
        let said = match talk(password) {
            Err(JobError::Remote(error @ RemoteError::Login { .. })) => error,
            other => return other,
        };
        if !is_asked_for && let Some(password) = ask(url, user)? {
            tell!("note: {said}");
            return talk(Some(password));
        }
        tell!(
            "note: the password is read from {VARIABLE}, from the system's keyring, or asked for on the terminal, in this order"
        );
        Err(said.into())
    }
}
