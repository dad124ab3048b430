//! The Servers window: the list of servers, and what is asked of the chosen one.

mod asking;
mod sending;
mod speaking;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use sending::{end, lacks as lacks_to_send};

use super::saving;
use crate::app::state::notices::Kind;
use crate::app::state::paths::Purpose;
use crate::app::state::servers::{Deed, Found, Said, SeriesOfStudy, ServerForm, ServersRequest};
use crate::app::state::studio::Studio;
use crate::jobs::{Job, ListServersJob, RemoteFetchJob, RemoteFindJob, RemoteSendJob, SaveLabelsJob};
use crate::jobs::{RemoteTestJob, ServerPasswordJob};
use crate::remote::Wanted;

/// Opens the window; the list is read at the first time.
pub fn open(studio: &mut Studio) {
    studio.servers.is_open = true;
    if studio.servers.is_read {
        return;
    }
    studio.servers.is_read = true;
    let Some(file) = studio.servers.file.clone() else { return };
    studio.start(
        ListServersJob { file, written: None },
        |_, ()| {},
        |studio, result| match result {
            Ok(known) => {
                studio.servers.chosen = (!known.servers.is_empty()).then_some(0);
                studio.servers.known = known;
            }
            Err(error) => studio.servers.problem = Some(Said::bad(error.to_string()).text),
        },
    );
}

/// Does what the window asks for.
pub fn answer(studio: &mut Studio, request: ServersRequest) {
    match request {
        ServersRequest::Close => studio.servers.is_open = false,
        ServersRequest::Choose(n) => choose(studio, Some(n)),
        ServersRequest::Add => studio.servers.form = Some(ServerForm::new()),
        ServersRequest::Edit => {
            let at = studio.servers.chosen.zip(studio.servers.server());
            studio.servers.form = at.map(|(at, server)| ServerForm::of(at, server));
        }
        ServersRequest::Remove => remove(studio),
        ServersRequest::BringBack => bring_back(studio),
        ServersRequest::Form(form) => studio.servers.form = Some(*form),
        ServersRequest::KeepForm => keep_form(studio),
        ServersRequest::LeaveForm => studio.servers.form = None,
        ServersRequest::Test => asking::begin(studio, Deed::Test),
        ServersRequest::Forget => asking::forget(studio),
        ServersRequest::SearchForm(form) => studio.servers.search = *form,
        ServersRequest::Search => asking::begin(studio, Deed::Search),
        ServersRequest::Unfold(n) => unfold(studio, n),
        ServersRequest::Pick(wanted) => studio.servers.picked = Some(wanted),
        ServersRequest::Fetch => fetch(studio),
        ServersRequest::ChooseFolder => saving::ask(studio, Purpose::FetchInto { starts: false }),
        ServersRequest::SendAs(send_as) => studio.servers.send_as = send_as,
        ServersRequest::Send => sending::send_segmentation(studio),
        ServersRequest::SendFile => saving::ask(studio, Purpose::SendFile),
        ServersRequest::Password(password, is_kept) => asking::take(studio, password, is_kept),
        ServersRequest::NoPassword => asking::leave(studio),
    }
}

/// Whether something is being asked of a server, by the window, or written for one.
pub fn is_waiting(studio: &Studio) -> bool {
    let kinds = [
        RemoteTestJob::KIND,
        RemoteFindJob::KIND,
        RemoteFetchJob::KIND,
        RemoteSendJob::KIND,
        ServerPasswordJob::KIND,
        SaveLabelsJob::KIND,
    ];
    kinds.into_iter().any(|kind| studio.tasks.is_running(kind))
}

/// What was found on one server is not that of another.
fn choose(studio: &mut Studio, n: Option<usize>) {
    if studio.servers.chosen != n {
        studio.tasks.stop(RemoteFindJob::KIND);
        asking::leave(studio);
        let servers = &mut studio.servers;
        (servers.found, servers.picked, servers.said) = (Found::Nothing, None, None);
        // A password that no answer has proved is not kept.
        servers.to_keep = None;
    }
    studio.servers.chosen = n;
    studio.servers.form = None;
}

fn keep_form(studio: &mut Studio) {
    let Some(form) = &studio.servers.form else { return };
    let (at, servers) = (form.at, &studio.servers.known.servers);
    let others = servers.iter().enumerate().filter(|(n, _)| Some(*n) != at);
    let names: Vec<&str> = others.map(|(_, server)| server.name.as_str()).collect();
    // The form shows what is wrong.
    let Ok(server) = form.server(&names) else { return };
    let n = at.unwrap_or(servers.len());
    match studio.servers.known.servers.get_mut(n) {
        Some(place) => *place = server,
        None => studio.servers.known.servers.push(server),
    }
    // What was found belongs to the address as it was.
    studio.servers.chosen = None;
    choose(studio, Some(n));
    write(studio);
}

fn remove(studio: &mut Studio) {
    let Some(n) = studio.servers.chosen.filter(|n| *n < studio.servers.known.servers.len()) else { return };
    let server = studio.servers.known.servers.remove(n);
    studio.servers.removed = Some((n, server));
    let last = studio.servers.known.servers.len().checked_sub(1);
    studio.servers.chosen = None;
    choose(studio, last.map(|last| n.min(last)));
    write(studio);
}

fn bring_back(studio: &mut Studio) {
    let Some((n, server)) = studio.servers.removed.take() else { return };
    let n = n.min(studio.servers.known.servers.len());
    studio.servers.known.servers.insert(n, server);
    studio.servers.chosen = None;
    choose(studio, Some(n));
    write(studio);
}

/// Writes the list; one that could not be read is not written over.
fn write(studio: &mut Studio) {
    let Some(file) = studio.servers.file.clone() else { return };
    if let Some(problem) = &studio.servers.problem {
        let text = format!("The list of servers is not saved: {problem}");
        studio.notices.push(Kind::Warning, text, file.display().to_string());
        return;
    }
    let written = Some(studio.servers.known.clone());
    studio.start(
        ListServersJob { file, written },
        |_, ()| {},
        |studio, result| {
            studio.told(result);
        },
    );
}

/// Shows or hides the series of a study, and picks the study.
fn unfold(studio: &mut Studio, n: usize) {
    let Found::Studies { rows, .. } = &mut studio.servers.found else { return };
    let Some(row) = rows.get_mut(n) else { return };
    row.is_open = !row.is_open;
    let study = row.study.study_uid.clone();
    let asks = row.is_open && !matches!(row.series, SeriesOfStudy::Known(_) | SeriesOfStudy::Waiting);
    studio.servers.picked = Some(Wanted { study_uid: study.clone(), series_uid: None });
    if asks {
        asking::begin(studio, Deed::Series(study));
    }
}

/// Fetches what is picked, into the folder that is asked for at the first time.
fn fetch(studio: &mut Studio) {
    let Some(wanted) = studio.servers.picked.clone() else { return };
    if studio.settings.fetch_folder.as_os_str().is_empty() {
        saving::ask(studio, Purpose::FetchInto { starts: true });
    } else {
        asking::begin(studio, Deed::Fetch(wanted));
    }
}

/// Takes the folder that is fetched into.
pub fn set_folder(studio: &mut Studio, folder: PathBuf, starts: bool) {
    studio.settings.fetch_folder = folder;
    if starts {
        fetch(studio);
    }
}

/// Sends a file that was chosen.
pub fn send_file(studio: &mut Studio, path: PathBuf) {
    asking::begin(studio, Deed::Send(path, false));
}
