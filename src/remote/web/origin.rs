//! Where a DICOMweb service is: scheme, host and port, which a login must not leave, and the path below which the services lie.

use ureq::http::Uri;

use crate::remote::server::{holds_user, may_hold_password};
use crate::remote::{RemoteError, Result};

/// Scheme, host and port of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    /// Host and port as they are written.
    authority: String,
    port: u16,
    host: String,
}

impl Origin {
    /// The origin of a service's root and the path of the root, without a slash at its end.
    ///
    /// # Errors
    /// [`RemoteError::Wrong`] for what is no address of a service.
    pub fn of(url: &str) -> Result<(Self, String)> {
        if may_hold_password(url) {
            return Err(holds_user());
        }
        let wrong = |why: &str| RemoteError::Wrong(format!("{url:?} is no address of a DICOMweb service: {why}"));
        let uri: Uri = url.parse().map_err(|_| wrong("write https://host/dicom-web"))?;
        let origin = Self::of_uri(&uri).ok_or_else(|| wrong("write https://host/dicom-web"))?;
        if uri.query().is_some() || url.contains('#') {
            return Err(wrong("it ends with the path, without ? and #"));
        }
        Ok((origin, uri.path().trim_end_matches('/').to_string()))
    }

    fn of_uri(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme_str().map(str::to_ascii_lowercase).filter(|s| s == "https" || s == "http")?;
        let authority = uri.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let port = authority.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        let host = authority.host().to_ascii_lowercase();
        (!host.is_empty()).then(|| Self { authority: authority.as_str().to_string(), scheme, port, host })
    }

    /// `https://host:port`.
    pub fn text(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Whether what is sent can be read by everybody between here and the server.
    pub fn is_open(&self) -> bool {
        self.scheme == "http"
    }

    /// Whether the server is this very machine.
    pub fn is_here(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Path and query of a place that an answer to a question at `from` points to; none where that is another server.
    pub fn within(&self, location: &str, from: &str) -> Option<String> {
        let location = location.split('#').next().unwrap_or_default();
        if location.starts_with("//") || location.contains('\\') || location.contains(char::is_whitespace) {
            return None;
        }
        if location.starts_with('/') {
            return Some(location.to_string());
        }
        if location.contains("://") {
            let uri: Uri = location.parse().ok()?;
            let other = Self::of_uri(&uri)?;
            let is_same = other.scheme == self.scheme && other.host == self.host && other.port == self.port;
            return is_same.then(|| uri.path_and_query().map_or_else(|| "/".into(), ToString::to_string));
        }
        // A path beside the one that was asked.
        let path = from.split('?').next().unwrap_or_default();
        let folder = path.rfind('/').and_then(|end| path.get(..=end)).unwrap_or("/");
        (!location.is_empty() && !location.contains(':')).then(|| format!("{folder}{location}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_origin_and_a_path() {
        let (origin, path) = Origin::of("https://Pacs.example:8443/dicom-web/").unwrap();
        assert_eq!((origin.text().as_str(), path.as_str()), ("https://Pacs.example:8443", "/dicom-web"));
        assert!(!origin.is_open() && !origin.is_here());
        let (here, path) = Origin::of("http://[::1]:8042").unwrap();
        assert!(here.is_open() && here.is_here() && path.is_empty());
        assert!(Origin::of("http://127.0.0.1/x").unwrap().0.is_here());
        for wrong in [
            "",
            "pacs",
            "ftp://pacs/x",
            "https://",
            "https://me:word@pacs/x",
            "https://pacs/x?a=b",
            "https://pacs/x#y",
            "/x",
        ] {
            assert!(Origin::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_redirect_stays_on_its_server_or_is_none() {
        let (origin, _) = Origin::of("https://pacs.example/dicom-web").unwrap();
        let within = |location| origin.within(location, "/dicom-web/studies?a=b");
        assert_eq!(within("/other?x=1#y").as_deref(), Some("/other?x=1"));
        assert_eq!(within("https://PACS.example:443/a?b").as_deref(), Some("/a?b"));
        assert_eq!(within("series").as_deref(), Some("/dicom-web/series"));
        for elsewhere in [
            "http://pacs.example/a",
            "https://pacs.example:8443/a",
            "https://evil.example/a",
            "//evil.example/a",
            "https://pacs.example@evil.example/a",
            "https://pacs.example.evil/a",
            "/\\evil.example",
            "javascript:x",
            "",
        ] {
            assert_eq!(within(elsewhere), None, "{elsewhere}");
        }
    }
}
