//! What is asked of a server in the background, and what is done with its answer.

use std::path::Path;

use super::{asking, sending};
use crate::app::act::scans;
use crate::app::state::notices::Kind;
use crate::app::state::saving::file_name;
use crate::app::state::servers::{Deed, Found, Said, SeriesOfStudy, StudyRow, account_of};
use crate::app::state::studio::Studio;
use crate::jobs::{Job, JobError, RemoteFetchJob, RemoteFindJob, RemoteSendJob, RemoteTestJob};
use crate::remote::{Answers, Fetched, Greeting, Level, Query, RemoteError, Secret, Sent, Server, Uid, Wanted};
use crate::words::{self, plural, say};

/// Does something on the chosen server.
pub fn speak(studio: &mut Studio, password: Option<Secret>, deed: Deed) {
    let Some(server) = studio.servers.server().cloned() else { return };
    match deed {
        Deed::Test => test(studio, server, password),
        Deed::Search => search(studio, server, password),
        Deed::Series(study) => list_series(studio, server, password, study),
        Deed::Fetch(wanted) => fetch(studio, server, password, wanted),
        Deed::Send(path, is_made) => send(studio, server, password, Deed::Send(path, is_made)),
    }
}

/// The answer to something that was asked of a server, where that is still the chosen one. A login that was refused is asked for again, a
/// failure is said; then there is none.
fn heard<T>(
    studio: &mut Studio,
    server: &Server,
    deed: &Deed,
    result: Result<T, JobError>,
) -> Option<Result<T, String>> {
    let is_chosen = studio.servers.server() == Some(server);
    match result {
        Ok(answer) => {
            if is_chosen {
                asking::accepted(studio, account_of(server).as_ref());
            }
            Some(Ok(answer))
        }
        Err(error) if error.is_stop() => {
            asking::given_up(studio, deed);
            None
        }
        Err(JobError::Remote(RemoteError::Login { why, .. })) if is_chosen && studio.servers.account().is_some() => {
            let account = studio.servers.account()?;
            asking::refused(studio, account, deed.clone(), &why);
            None
        }
        Err(error) => Some(Err(Said::bad(error.to_string()).text)),
    }
}

fn test(studio: &mut Studio, server: Server, password: Option<Secret>) {
    studio.tasks.stop(RemoteTestJob::KIND);
    let job = RemoteTestJob { server: server.clone(), password };
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| {
            let Some(heard) = heard(studio, &server, &Deed::Test, result) else { return };
            if studio.servers.server() == Some(&server) {
                studio.servers.said = Some(match heard {
                    Ok(greeting) => Said::good(greeted(&server, &greeting)),
                    Err(why) => Said::bad(why),
                });
            }
        },
    );
}

fn greeted(server: &Server, greeting: &Greeting) -> String {
    let program = if greeting.program.is_empty() { String::new() } else { format!(" ({})", greeting.program) };
    format!("{} answers{program}, after {} ms.", server.name, greeting.milliseconds)
}

fn search(studio: &mut Studio, server: Server, password: Option<Secret>) {
    let query = match studio.servers.search.query() {
        Ok(query) => query,
        Err(error) => {
            studio.servers.found = Found::Failed(Said::bad(error.to_string()).text);
            return;
        }
    };
    studio.tasks.stop(RemoteFindJob::KIND);
    (studio.servers.found, studio.servers.picked) = (Found::Waiting, None);
    studio.servers.search_number += 1;
    let number = studio.servers.search_number;
    let job = RemoteFindJob { server: server.clone(), password, query };
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| {
            // The end of a search that another one took the place of is no news.
            if studio.servers.search_number != number {
                return;
            }
            let Some(heard) = heard(studio, &server, &Deed::Search, result) else { return };
            if studio.servers.server() == Some(&server) {
                studio.servers.found = heard.map_or_else(Found::Failed, studies);
            }
        },
    );
}

fn studies(answers: Answers) -> Found {
    let row = |study| StudyRow { study, is_open: false, series: SeriesOfStudy::Unknown };
    let rows = answers.matches.into_iter().map(row).collect();
    Found::Studies { rows, is_cut: answers.is_cut, warnings: answers.warnings }
}

fn list_series(studio: &mut Studio, server: Server, password: Option<Secret>, study: Uid) {
    set_series(studio, &study, &SeriesOfStudy::Waiting);
    let query = Query { level: Level::Series, study_uid: Some(study.clone()), ..Query::default() };
    let job = RemoteFindJob { server: server.clone(), password, query };
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| {
            let Some(heard) = heard(studio, &server, &Deed::Series(study.clone()), result) else { return };
            if studio.servers.server() == Some(&server) {
                let series = match heard {
                    Ok(answers) => SeriesOfStudy::Known(answers.matches),
                    Err(why) => SeriesOfStudy::Failed(why),
                };
                set_series(studio, &study, &series);
            }
        },
    );
}

fn set_series(studio: &mut Studio, study: &Uid, series: &SeriesOfStudy) {
    let Found::Studies { rows, .. } = &mut studio.servers.found else { return };
    for row in rows.iter_mut().filter(|row| row.study.study_uid == *study) {
        row.series = series.clone();
    }
}

fn fetch(studio: &mut Studio, server: Server, password: Option<Secret>, wanted: Wanted) {
    if studio.tasks.is_running(RemoteFetchJob::KIND) {
        return;
    }
    let folder = studio.settings.fetch_folder.clone();
    let job = RemoteFetchJob { server: server.clone(), password, wanted: wanted.clone(), folder };
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| match heard(studio, &server, &Deed::Fetch(wanted.clone()), result) {
            Some(Ok(fetched)) => came(studio, &server, fetched),
            Some(Err(why)) => studio.servers.said = Some(Said::bad(why)),
            None => {}
        },
    );
}

/// What was fetched is opened as any folder; what was not whole is said, and not opened.
fn came(studio: &mut Studio, server: &Server, fetched: Fetched) {
    let Fetched { folders, received, already_there, refused } = fetched;
    let all = received + already_there;
    let before = match already_there {
        0 => String::new(),
        count => say!(", {count} of them fetched before", count),
    };
    let name = &server.name;
    let text =
        plural!(all, "1 image came from {name}{before}.", "{all} images came from {name}{before}.", all, name, before);
    let Some(first) = refused.first() else {
        studio.notices.info(text.clone());
        studio.servers.said = Some(Said::good(text));
        studio.servers.is_open = false;
        scans::open(studio, folders);
        return;
    };
    let others = refused.len() - 1;
    let more = if others > 0 { say!(", and {others} more", others) } else { String::new() };
    let text = say!(
        "{text} {uid} was not taken: {why}{more}. What is not whole is not opened.",
        text,
        uid = first.uid,
        why = words::shown(&first.why),
        more
    );
    let list: Vec<String> = refused.iter().map(|one| format!("{}: {}", one.uid, one.why)).collect();
    studio.notices.push(Kind::Warning, text.clone(), list.join("\n"));
    studio.servers.said = Some(Said::bad(text));
    scans::open(studio, folders);
}

fn send(studio: &mut Studio, server: Server, password: Option<Secret>, deed: Deed) {
    let Deed::Send(path, _) = &deed else { return };
    let job = RemoteSendJob { server: server.clone(), password, inputs: vec![path.clone()] };
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| {
            let may_be_there = result.as_ref().err().is_some_and(may_have_arrived);
            let Some(heard) = heard(studio, &server, &deed, result) else { return };
            // Written once more it would be another object, and the server might have two.
            let is_kept = heard.is_err() && matches!(&deed, Deed::Send(path, true) if is_made(studio, path));
            if !is_kept {
                sending::clear(studio, &deed);
            }
            studio.servers.said = Some(match heard {
                Ok(answer) => sent_words(&server, &deed, &answer.sent),
                Err(why) if may_be_there && is_kept => Said::bad(format!(
                    "{} It may have arrived. Send it again: as long as nothing in it is changed, it is the same object, and the server has it once.",
                    as_sentence(&why)
                )),
                Err(why) => Said::bad(why),
            });
        },
    );
}

/// Whether this is the file of the segmentation that was written last.
fn is_made(studio: &Studio, path: &Path) -> bool {
    studio.servers.made.as_ref().is_some_and(|made| made.path == path)
}

/// Whether what was sent may be there although the server did not say so.
fn may_have_arrived(error: &JobError) -> bool {
    use RemoteError::{Broken, Nonsense, Silent, Unsent};
    matches!(error, JobError::Remote(Broken { .. } | Nonsense { .. } | Silent { .. } | Unsent { .. }))
}

fn as_sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

fn sent_words(server: &Server, deed: &Deed, sent: &Sent) -> Said {
    let name = &server.name;
    let what = match deed {
        Deed::Send(path, false) => file_name(path),
        _ => say!("the segmentation").into(),
    };
    if let Some(refused) = sent.refused.first() {
        return Said::bad(say!("{name} did not take {what}: {why}.", name, what, why = words::shown(&refused.why)));
    }
    if sent.coerced > 0 {
        return Said::good(say!("{name} has {what}, but changed or left out some of its values.", name, what));
    }
    Said::good(say!("{name} has {what}.", name, what))
}
