//! Connections by TLS: who is trusted, and what is said where nobody is.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{SHORT, login, patient, unwatched};
use crate::remote::{Peer as _, RemoteError, warning_of_open_login};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// A server by TLS that answers everything with an empty list; its port.
fn secure_server() -> u16 {
    let chain = vec![CertificateDer::from_pem_file(fixture("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            let mut asked = [0; 4096];
            if stream.read(&mut asked).is_ok() {
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\nContent-Length: 2\r\n\r\n[]",
                );
                let _ = stream.flush();
            }
        }
    });
    port
}

fn tested(host: &str, port: u16, ca_file: Option<&Path>) -> Result<(), RemoteError> {
    let url = format!("https://{host}:{port}/dicom-web");
    patient(&url, Some(&login("sesame")), ca_file, SHORT)?.test(unwatched()).map(|_| ())
}

#[test]
fn a_server_is_trusted_by_the_file_of_its_authority_and_else_the_user_is_told_what_to_do() {
    let port = secure_server();
    let authority = fixture("authority.pem");
    tested("localhost", port, Some(&authority)).unwrap();
    let told = |host: &str, ca_file: Option<&Path>| {
        let error = tested(host, port, ca_file).unwrap_err();
        assert!(matches!(error, RemoteError::Insecure { .. }), "{error:?}");
        error.to_string()
    };
    assert!(told("localhost", None).contains("does not know the authority"));
    assert!(told("127.0.0.1", Some(&authority)).contains("is for another host"));
    // Plain HTTP at a secure port, and the other way round.
    let plain = super::WebServer::start(|_| super::web_server::json(200, "[]"));
    let error = tested("localhost", plain.port, Some(&authority)).unwrap_err().to_string();
    assert!(error.contains("does not speak TLS"), "{error}");
    let mut open = patient(&format!("http://127.0.0.1:{port}/dicom-web"), None, None, SHORT).unwrap();
    assert!(open.test(unwatched()).is_err());
}

#[test]
fn a_file_without_a_certificate_is_refused_by_name() {
    for wrong in
        [fixture("server.key"), fixture("no-such-file.pem"), Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")]
    {
        let error = tested("localhost", 1, Some(&wrong)).unwrap_err();
        assert!(matches!(&error, RemoteError::File { path, .. } if *path == wrong), "{error:?}");
    }
}

#[test]
fn a_password_over_an_open_line_is_warned_of() {
    assert!(warning_of_open_login("http://pacs.example/dicom-web").unwrap().contains("everybody on the network"));
    for secure in ["https://pacs.example/dicom-web", "http://127.0.0.1:8042/dicom-web", "http://localhost/x"] {
        assert_eq!(warning_of_open_login(secure), None);
    }
}
