//! Whom a secure connection trusts: the certificates of the system, and an authority that the user names.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::error::{RemoteError, Result};
use crate::disk::open_regular_file;

/// Longest file of certificates that is read, in bytes.
const LONGEST: u64 = 4 << 20;

/// The certificates that are trusted: the system's, and those of a file.
///
/// # Errors
/// [`RemoteError::File`] for a file that holds none, [`RemoteError::Wrong`] where the system has none and no file is named.
pub fn certificates(ca_file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>> {
    let mut all = ca_file.map(in_file).transpose()?.unwrap_or_default();
    all.extend(rustls_native_certs::load_native_certs().certs);
    if all.is_empty() {
        return Err(RemoteError::Wrong(
            "the system has no certificates that could be trusted; name a file of the server's authority".into(),
        ));
    }
    Ok(all)
}

/// The certificates of a file.
fn in_file(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let mut text = Vec::new();
    open_regular_file(path)
        .and_then(|file: File| file.take(LONGEST).read_to_end(&mut text))
        .map_err(|e| RemoteError::file(path, e))?;
    let certificates: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates =
        certificates.map_err(|e| RemoteError::file(path, format!("its certificates cannot be read: {e}")))?;
    if certificates.is_empty() {
        return Err(RemoteError::file(path, "it holds no certificate; a file in PEM form is needed"));
    }
    Ok(certificates)
}

/// How a secure connection to a server is made.
///
/// # Errors
/// As [`certificates`].
pub fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| RemoteError::Wrong(format!("secure connections cannot be made: {e}")))?;
    let mut roots = RootCertStore::empty();
    // Certificates that make no sense are not trusted; the others are.
    roots.add_parsable_certificates(certificates(ca_file)?);
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
