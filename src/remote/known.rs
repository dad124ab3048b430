//! The servers that the user keeps, in a file of their own beside the settings. Only the user may read it; it holds no password.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{RemoteError, Result};
use super::server::{Address, Server, holds_user, may_hold_password};
use crate::disk::{create_private_folder, open_regular_file, replace_private_file};

/// Longest list that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// Servers by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownServers {
    /// In the user's order; names are unique.
    pub servers: Vec<Server>,
}

/// Where the list lies: beside the settings.
pub fn servers_file() -> Option<PathBuf> {
    Some(crate::home::config_folder()?.join("servers.json"))
}

impl KnownServers {
    /// Reads a list; none is an empty one.
    ///
    /// # Errors
    /// [`RemoteError::File`] for one that cannot be read, so that nobody writes over it.
    pub fn read(path: &Path) -> Result<Self> {
        let mut text = String::new();
        match open_regular_file(path) {
            Ok(file) => {
                file.take(LONGEST).read_to_string(&mut text).map_err(|e| RemoteError::file(path, e))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(RemoteError::file(path, error)),
        }
        let known: Self = serde_json::from_str(&text)
            .map_err(|e| RemoteError::file(path, format!("it is no list of servers: {e}; mend it or move it away")))?;
        for (n, server) in known.servers.iter().enumerate() {
            if let Address::Web { url, .. } = &server.address
                && may_hold_password(url)
            {
                return Err(RemoteError::file(path, format!("server {}: {}", n + 1, holds_user())));
            }
        }
        Ok(known)
    }

    /// Writes the list.
    ///
    /// # Errors
    /// [`RemoteError::File`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|e| RemoteError::file(path, e))?;
        path.parent()
            .map_or(Ok(()), create_private_folder)
            .and_then(|()| replace_private_file(path, |w| w.write_all(text.as_bytes())))
            .map_err(|e| RemoteError::file(path, e))
    }

    /// The server of a name, or at an address that is written out.
    ///
    /// # Errors
    /// [`RemoteError::Wrong`] for what is neither.
    pub fn named_or_at(&self, text: &str) -> Result<Server> {
        if let Some(server) = self.servers.iter().find(|server| server.name == text) {
            return Ok(server.clone());
        }
        if text.contains("://") {
            return Ok(Server { name: text.into(), address: Address::parse(text)? });
        }
        if may_hold_password(text) {
            return Err(holds_user());
        }
        let names: Vec<&str> = self.servers.iter().map(|server| server.name.as_str()).collect();
        let known =
            if names.is_empty() { "none is kept yet".into() } else { format!("known are {}", names.join(", ")) };
        Err(RemoteError::Wrong(format!(
            "there is no server {text:?}: {known}; write an address as dicom://TITLE@host:port or https://host/dicom-web"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_kept_for_the_user_alone_and_a_broken_one_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("servers.json");
        assert_eq!(KnownServers::read(&path).unwrap(), KnownServers::default());
        let address = Address::parse("dicom://A@h:1").unwrap();
        let list = KnownServers { servers: vec![Server { name: "Ward".into(), address: address.clone() }] };
        list.write(&path).unwrap();
        assert_eq!(KnownServers::read(&path).unwrap(), list);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(list.named_or_at("Ward").unwrap().address, address);
        assert_eq!(list.named_or_at("dicom://A@h:1").unwrap().address, address);
        assert!(list.named_or_at("Wand").unwrap_err().to_string().contains("known are Ward"));
        assert!(!list.named_or_at("me:word@host/x").unwrap_err().to_string().contains("me:word"));
        let by_hand = r#"{"servers": [{"name": "x", "address": {"web": {"url": "https://me:word@host"}}}]}"#;
        std::fs::write(&path, by_hand).unwrap();
        let error = KnownServers::read(&path).unwrap_err().to_string();
        assert!(error.contains("server 1") && !error.contains("word@"), "{error}");
        std::fs::write(&path, "{\"servers\": [{}]}").unwrap();
        assert!(KnownServers::read(&path).unwrap_err().to_string().contains("servers.json"));
    }
}
