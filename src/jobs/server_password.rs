//! Passwords of servers in the system's keyring.

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::remote::Secret;
use crate::remote::credentials::{self, Account, KeyringError};

/// What is done with a password.
#[derive(Debug, Clone)]
pub enum PasswordErrand {
    /// Read it.
    Read,
    /// Keep it.
    Keep(Secret),
    /// Forget it.
    Forget,
}

/// Asks the keyring, which may ask the user to unlock it.
#[derive(Debug, Clone)]
pub struct ServerPasswordJob {
    /// Whose password it is.
    pub account: Account,
    /// What is done.
    pub errand: PasswordErrand,
}

impl Job for ServerPasswordJob {
    /// The password that was read, if there is one; why the keyring did not do it.
    type Output = Result<Option<Secret>, KeyringError>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "server-password", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Asking the system's keyring".into()
    }

    fn run(self, work: &Work<()>) -> Result<Self::Output, JobError> {
        let (account, watch) = (&self.account, work.watch.stage("Waiting for the keyring"));
        let done = match &self.errand {
            PasswordErrand::Read => credentials::password(account, watch),
            PasswordErrand::Keep(password) => credentials::keep_password(account, password, watch).map(|()| None),
            PasswordErrand::Forget => credentials::forget_password(account, watch).map(|()| None),
        };
        match done {
            Err(KeyringError::Stopped(stopped)) => Err(stopped.into()),
            done => Ok(done),
        }
    }
}
