//! How connections are made: which authorities are trusted, how long is waited, which proxy is used.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::config::Config;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use super::origin::Origin;
use super::patience::Patience;
use crate::remote::Result;
use crate::remote::trust::certificates;

/// Connections with a server, which trust the system's authorities and those of a file.
///
/// # Errors
/// As [`certificates`].
pub fn config(origin: &Origin, ca_file: Option<&Path>, patience: Patience) -> Result<Config> {
    // Without TLS nobody is trusted, and nothing needs to be read.
    let trusted = if origin.is_open() { Vec::new() } else { certificates(ca_file)? };
    let roots: Vec<Certificate<'static>> = trusted.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::from(roots))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // Whoever follows a redirect must know whether the login may go there.
        .max_redirects(0)
        .tls_config(tls)
        .user_agent(concat!("Lamella/", env!("CARGO_PKG_VERSION")))
        // Orthanc closes what is idle for a second.
        .max_idle_age(Duration::from_millis(800))
        .max_idle_connections_per_host(4)
        .timeout_resolve(Some(patience.connect))
        .timeout_connect(Some(patience.connect))
        .timeout_per_read(Some(patience.quiet))
        .timeout_per_write(Some(patience.quiet));
    // A proxy of the environment cannot lead to this very machine.
    Ok(if origin.is_here() { config.proxy(None) } else { config }.build())
}
