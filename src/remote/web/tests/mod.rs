//! Against servers that do what servers should not.

mod fetching;
mod finding;
mod secure;
mod sending;
#[path = "../../../../tests/support/web_server.rs"]
mod web_server;

use std::path::Path;
use std::time::Duration;

use super::services::Services;
use super::{Login, WebPeer};
use crate::remote::Result;
use crate::remote::inbox::tests::object;
use crate::remote::{Inbox, Secret, Uid, Wanted};
use crate::work::{Signal, Watch};
use web_server::{Archive, WebServer};

use super::patience::Patience;

/// Short waits, so that tests need none.
const SHORT: Patience = Patience { connect: Duration::from_secs(5), quiet: Duration::from_secs(1) };

/// A peer that waits for so long.
fn patient(url: &str, login: Option<&Login>, ca_file: Option<&Path>, patience: Patience) -> Result<WebPeer> {
    Services::new(url, login, ca_file, patience).map(WebPeer)
}

fn peer(server: &WebServer) -> WebPeer {
    patient(&server.url(), None, None, SHORT).unwrap()
}

fn login(password: &str) -> Login {
    Login { user: "me".into(), password: Secret::new(password) }
}

/// A series of small objects.
fn archive(count: usize) -> Archive {
    let instances = (1..=count).map(|n| {
        let uid = format!("1.2.3.4.{n}");
        let bytes = object("1.2.3.2", &uid, 500);
        (uid, bytes)
    });
    Archive { study: "1.2.1".into(), series: "1.2.3.2".into(), instances: instances.collect() }
}

fn wanted() -> Wanted {
    Wanted { study_uid: Uid::new("1.2.1").unwrap(), series_uid: Some(Uid::new("1.2.3.2").unwrap()) }
}

fn inbox() -> (tempfile::TempDir, Inbox) {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(folder.path()).unwrap();
    (folder, inbox)
}

/// Stops a signal after a while.
fn stop_after(wait: Duration) -> Signal {
    let signal = Signal::default();
    let stop = signal.clone();
    std::thread::spawn(move || {
        std::thread::sleep(wait);
        stop.stop();
    });
    signal
}

fn unwatched() -> Watch<'static> {
    Watch::unwatched()
}
