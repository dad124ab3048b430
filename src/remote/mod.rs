//! Servers of images: asks them what they have, fetches it, and sends results back, by the classic services of DICOM or by DICOMweb.
//!
//! A [`Server`] is what the user keeps; [`Peer`] is what can be asked of one, whichever protocol it speaks. What is fetched goes through an
//! [`Inbox`] into a folder, where `formats/` reads it as any other files.
//!
//! **Invariant:** an instance gets its name only when it is whole, on disk, and is the one that was announced; a series stands in the
//! user's folder only when all that was asked for has come. What comes before that lies in [`INCOMING`](crate::formats::INCOMING), which
//! no scan looks into, and is not asked for again.
//! **Invariant:** nothing that a peer sends can take more memory than a fixed bound or make the program panic; every wait has an end,
//! and a stop is noticed within 200 ms.
//! **Invariant:** files are sent as they are: nothing is decoded, changed or left out.
//! **Invariant:** passwords are never in the settings, in messages or in arguments; names of patients are never in messages.
//!
//! Deliberately absent: pixels, screens, servers that the user did not name.

mod classic;
pub mod credentials;
mod error;
mod inbox;
mod known;
mod names;
mod peer;
mod query;
mod secret;
mod server;
mod trust;
mod web;
mod whole;

pub use classic::{Heard, Receiver};
pub use error::{RemoteError, Result};
pub use inbox::{Inbox, Order, RefusedInstance, Stored};
pub use known::{KnownServers, servers_file};
pub use names::{AeTitle, Uid};
pub use peer::{Answers, Fetched, Greeting, Peer, RefusedFile, Sent};
pub use query::{Dates, Level, Match, Query, Wanted};
pub use secret::Secret;
pub use server::{Address, Retrieve, Server, Tls};
pub use web::warning_of_open_login;

/// A server that can be asked. Nothing is sent before it is.
///
/// # Errors
/// When the certificates that are to be trusted cannot be read.
pub fn connect(server: &Server, password: Option<Secret>) -> Result<Box<dyn Peer>> {
    let shown = server.address.shown();
    match &server.address {
        Address::Classic { host, port, called, calling, retrieve, tls } => {
            let place = (host.as_str(), *port);
            Ok(Box::new(classic::ClassicPeer::new(shown, place, [called, calling], *retrieve, tls.as_ref())?))
        }
        Address::Web { url, user, ca_file } => {
            let login = user.clone().zip(password).map(|(user, password)| web::Login { user, password });
            Ok(Box::new(web::WebPeer::new(url, login.as_ref(), ca_file.as_deref())?))
        }
    }
}
