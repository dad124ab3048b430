//! Passwords: from this run, from the system's keyring, or from the user.

use super::speaking;
use crate::app::state::notices::Kind;
use crate::app::state::servers::{Asking, Deed, Found, Said, SeriesOfStudy};
use crate::app::state::studio::Studio;
use crate::jobs::{PasswordErrand, ServerPasswordJob};
use crate::remote::Secret;
use crate::remote::credentials::{Account, KeyringError};

/// Does something on the chosen server, after its password is known where a user logs in.
pub fn begin(studio: &mut Studio, deed: Deed) {
    studio.servers.said = None;
    match studio.servers.account() {
        Some(account) if !studio.servers.passwords.contains_key(&account) => look_up(studio, account, deed),
        account => {
            let password = account.and_then(|account| studio.servers.passwords.get(&account).cloned());
            speaking::speak(studio, password, deed);
        }
    }
}

fn look_up(studio: &mut Studio, account: Account, deed: Deed) {
    if !studio.servers.uses_keyring {
        ask(studio, account, deed, None);
        return;
    }
    studio.start(
        ServerPasswordJob { account: account.clone(), errand: PasswordErrand::Read },
        |_, ()| {},
        move |studio, result| {
            // Meanwhile another server may have been chosen.
            if studio.servers.account().as_ref() != Some(&account) {
                given_up(studio, &deed);
                return;
            }
            match result {
                Ok(Ok(Some(password))) => {
                    studio.servers.passwords.insert(account, password);
                    begin(studio, deed);
                }
                Ok(Ok(None)) => ask(studio, account, deed, None),
                Ok(Err(KeyringError::None(_))) => {
                    // The question says so.
                    studio.servers.uses_keyring = false;
                    ask(studio, account, deed, None);
                }
                Ok(Err(error)) => ask(studio, account, deed, Some(Said::bad(error.to_string()).text)),
                Err(error) => {
                    given_up(studio, &deed);
                    studio.told::<()>(Err(error));
                }
            }
        },
    );
}

/// Asks the user for a password.
pub fn ask(studio: &mut Studio, account: Account, deed: Deed, why: Option<String>) {
    studio.servers.asking = Some(Asking { account, deed, why });
}

/// Takes the password that was asked for, and goes on.
pub fn take(studio: &mut Studio, password: Secret, is_kept: bool) {
    let Some(Asking { account, deed, .. }) = studio.servers.asking.take() else { return };
    studio.servers.to_keep = is_kept.then(|| account.clone());
    studio.servers.passwords.insert(account, password);
    begin(studio, deed);
}

/// No password is given: nothing is done.
pub fn leave(studio: &mut Studio) {
    if let Some(Asking { deed, .. }) = studio.servers.asking.take() {
        given_up(studio, &deed);
    }
}

/// What waited for something that is not done any more waits no longer.
pub fn given_up(studio: &mut Studio, deed: &Deed) {
    match (deed, &mut studio.servers.found) {
        (Deed::Search, Found::Waiting) => studio.servers.found = Found::Nothing,
        (Deed::Series(study), Found::Studies { rows, .. }) => {
            for row in rows.iter_mut().filter(|row| row.study.study_uid == *study) {
                (row.is_open, row.series) = (false, SeriesOfStudy::Unknown);
            }
        }
        _ => {}
    }
    super::sending::clear(studio, deed);
}

/// A server has accepted the password of an account: now it may be kept.
pub fn accepted(studio: &mut Studio, proved: Option<&Account>) {
    if studio.servers.to_keep.as_ref() != proved {
        return;
    }
    let Some(account) = studio.servers.to_keep.take() else { return };
    let Some(password) = studio.servers.passwords.get(&account).cloned() else { return };
    let job = ServerPasswordJob { account, errand: PasswordErrand::Keep(password) };
    studio.start(
        job,
        |_, ()| {},
        |studio, result| {
            if let Some(Err(why)) = studio.told(result) {
                studio.notices.push(Kind::Warning, why.to_string(), format!("{why:?}"));
            }
        },
    );
}

/// The server did not accept it: it is asked for again.
pub fn refused(studio: &mut Studio, account: Account, deed: Deed, why: &str) {
    studio.servers.passwords.remove(&account);
    studio.servers.to_keep = None;
    ask(studio, account, deed, Some(Said::bad(why).text));
}

/// Forgets the password of the chosen server, in this run and in the keyring.
pub fn forget(studio: &mut Studio) {
    let Some(account) = studio.servers.account() else { return };
    studio.servers.passwords.remove(&account);
    let user = account.user.clone();
    let done = move |studio: &mut Studio, problem: Option<String>| {
        studio.servers.said = Some(match problem {
            None => Said::good(format!("The password of {user} is forgotten.")),
            Some(why) => Said::bad(why),
        });
    };
    if !studio.servers.uses_keyring {
        done(studio, None);
        return;
    }
    studio.start(
        ServerPasswordJob { account, errand: PasswordErrand::Forget },
        |_, ()| {},
        move |studio, result| {
            if let Some(result) = studio.told(result) {
                done(studio, result.err().map(|error| error.to_string()));
            }
        },
    );
}
