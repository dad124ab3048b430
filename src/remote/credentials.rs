//! Passwords in the system's keyring: the Secret Service of a Linux desktop, the keychain of macOS, the credentials of Windows.
//!
//! A keyring may ask the user to unlock it, for as long as that takes: each question runs on a thread of its own, so that a stop is noticed.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::error::RemoteError;
use super::secret::Secret;
use crate::work::{Stopped, Watch};

/// How often a stop is looked for.
const TICK: Duration = Duration::from_millis(40);

/// Under which the keyring lists what is ours.
const SERVICE: &str = "Lamella";

/// Why the keyring did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// There is none; what the system says of it.
    #[error(
        "this system has no keyring that answers; the password is kept until Lamella is closed, and asked for again then"
    )]
    None(String),
    /// It is locked, or the user refused to unlock it.
    #[error("the system's keyring is locked; unlock it, or enter the password again when Lamella asks for it")]
    Locked,
    /// Anything else.
    #[error("the system's keyring failed: {0}; the password is kept until Lamella is closed")]
    Failed(String),
}

impl From<KeyringError> for RemoteError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Stopped(stopped) => stopped.into(),
            other => Self::Wrong(other.to_string()),
        }
    }
}

/// Whose password it is: a user at a server's address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// The address, without the user.
    pub url: String,
    /// The user.
    pub user: String,
}

impl Account {
    /// The name of the keyring's entry: one for each user of each server.
    fn entry(&self) -> Result<keyring::Entry, KeyringError> {
        if let Err(error) = keyring::Entry::store_status() {
            return Err(KeyringError::None(reason(error)));
        }
        let entry = keyring::Entry::new(&format!("{SERVICE}: {}", self.url), &self.user);
        entry.map_err(|error| told(&error))
    }
}

/// The password of an account; none where none is kept.
///
/// # Errors
/// [`KeyringError`] where there is no keyring, it is locked or fails, or the user stops it.
pub fn password(account: &Account, watch: Watch) -> Result<Option<Secret>, KeyringError> {
    let account = account.clone();
    aside(watch, move || match account.entry()?.get_password() {
        Ok(password) => Ok(Some(Secret::new(password))),
        Err(keyring::Error::NoEntry) => Ok(None),
        Err(error) => Err(told(&error)),
    })
}

/// Keeps the password of an account.
///
/// # Errors
/// As [`password`].
pub fn keep_password(account: &Account, password: &Secret, watch: Watch) -> Result<(), KeyringError> {
    let (account, password) = (account.clone(), password.clone());
    aside(watch, move || account.entry()?.set_password(password.reveal()).map_err(|error| told(&error)))
}

/// Forgets the password of an account; that there was none is no error.
///
/// # Errors
/// As [`password`].
pub fn forget_password(account: &Account, watch: Watch) -> Result<(), KeyringError> {
    let account = account.clone();
    aside(watch, move || match account.entry()?.delete_credential() {
        Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
        Err(error) => Err(told(&error)),
    })
}

/// Runs a question on a thread of its own; one that is stopped goes on alone until the keyring answers.
fn aside<T: Send + 'static>(
    watch: Watch,
    question: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let (sender, answer) = channel();
    std::thread::spawn(move || {
        let _ = sender.send(question());
    });
    loop {
        watch.check()?;
        match answer.recv_timeout(TICK) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(KeyringError::Failed("it ended without an answer".into()));
            }
        }
    }
}

/// What a keyring says. Some errors hold what was read, which is never shown.
fn told(error: &keyring::Error) -> KeyringError {
    match error {
        keyring::Error::NoStorageAccess(_) => KeyringError::Locked,
        keyring::Error::NoDefaultStore => KeyringError::None(reason(error)),
        other => KeyringError::Failed(reason(other)),
    }
}

fn reason(error: &keyring::Error) -> String {
    match error {
        keyring::Error::BadEncoding(_) | keyring::Error::BadDataFormat(..) => "what it keeps is no password".into(),
        keyring::Error::Ambiguous(found) => format!("it keeps {} passwords under one name", found.len()),
        other => other.to_string().chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Signal;
    use std::time::Instant;

    #[test]
    fn a_keyring_that_does_not_answer_can_be_left_alone() {
        let signal = Signal::default();
        let (stop, begun) = (signal.clone(), Instant::now());
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            stop.stop();
        });
        let answer = aside(Watch::new(&signal), || {
            std::thread::sleep(Duration::from_secs(5));
            Ok(())
        });
        assert!(matches!(answer, Err(KeyringError::Stopped(_))));
        assert!(begun.elapsed() < Duration::from_millis(250), "{:?}", begun.elapsed());
    }

    #[test]
    fn what_a_keyring_holds_is_never_in_an_error() {
        let error = told(&keyring::Error::BadEncoding(b"open sesame".to_vec()));
        assert!(!format!("{error} {error:?}").contains("sesame"), "{error:?}");
        let broken = keyring::Error::BadDataFormat(b"sesame".to_vec(), "sesame".into());
        assert!(!format!("{}", told(&broken)).contains("sesame"));
        assert!(told(&keyring::Error::NoDefaultStore).to_string().contains("kept until Lamella is closed"));
        let account = Account { url: "https://x".into(), user: "me".into() };
        assert!(matches!(
            aside(Watch::unwatched(), || -> Result<(), _> { panic!("on its own thread") }),
            Err(KeyringError::Failed(_))
        ));
        assert_eq!(format!("{account:?}"), "Account { url: \"https://x\", user: \"me\" }");
    }
}
