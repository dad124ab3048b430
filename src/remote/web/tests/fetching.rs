//! Fetches: whole, in pieces, broken off and gone on with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::web_server::{Reply, Seen, WebServer, json, parts, reply};
use super::{SHORT, archive, inbox, login, patient, peer, stop_after, unwatched, wanted};
use crate::remote::{Peer as _, RemoteError, Wanted};
use crate::work::Watch;

/// Makes an answer, again and again.
type Answering = Box<dyn Fn() -> Reply + Send + Sync>;

/// Questions for the bytes of an instance.
fn is_instance(seen: &Seen) -> bool {
    seen.target.contains("/instances/")
}

fn fetched_with(count: usize, answer: impl Fn(&Seen, Reply) -> Reply + Send + Sync + 'static) -> WebServer {
    let archive = archive(count);
    WebServer::start(move |seen| {
        let reply = archive.answer(seen);
        if is_instance(seen) { answer(seen, reply) } else { reply }
    })
}

#[test]
fn a_series_comes_whole_and_is_not_asked_for_again() {
    let server = fetched_with(7, |_, reply| reply);
    let (folder, mut inbox) = inbox();
    let fetched = peer(&server).fetch(&wanted(), &mut inbox, unwatched()).unwrap();
    assert_eq!((fetched.received, fetched.already_there, fetched.refused.len()), (7, 0, 0));
    assert_eq!(fetched.folders, [folder.path().join("1.2.3.2")]);
    for (uid, bytes) in archive(7).instances {
        assert_eq!(std::fs::read(folder.path().join("1.2.3.2").join(format!("{uid}.dcm"))).unwrap(), bytes);
    }
    let asked = |server: &WebServer| server.seen().iter().filter(|seen| is_instance(seen)).count();
    assert_eq!(asked(&server), 7);
    assert!(server.seen().iter().any(|seen| seen.header("accept").unwrap().ends_with("transfer-syntax=*")));
    // The whole study, again: nothing is left to fetch.
    let study = Wanted { series_uid: None, ..wanted() };
    let again = peer(&server).fetch(&study, &mut inbox, unwatched()).unwrap();
    assert_eq!((again.received, again.already_there, again.folders.len(), asked(&server)), (0, 7, 1, 7));
}

#[test]
fn a_break_leaves_nothing_that_looks_like_a_series_and_is_gone_on_with() {
    let is_broken = Arc::new(AtomicUsize::new(1));
    let broken = is_broken.clone();
    let server = fetched_with(12, move |seen, reply| {
        let is_cut = broken.load(Ordering::Relaxed) == 1 && seen.target.ends_with("1.2.3.4.9");
        if is_cut { Reply { cut: Some(reply.body.len() / 2), ..reply } } else { reply }
    });
    let (folder, mut inbox) = inbox();
    let error = peer(&server).fetch(&wanted(), &mut inbox, unwatched()).unwrap_err();
    let RemoteError::Incomplete { received, expected, why, kept, .. } = &error else { panic!("{error:?}") };
    assert!((8..12).contains(received) && *expected == 12, "{received} of {expected}");
    assert!(why.contains("ended while fetching an instance"), "{why}");
    assert!(kept.starts_with(folder.path()) && !folder.path().join("1.2.3.2").exists());
    // Nothing that is half there lies among what came.
    let files: Vec<_> =
        std::fs::read_dir(kept.join("1.2.3.2")).unwrap().flatten().map(|file| file.file_name()).collect();
    assert_eq!((files.len(), files.iter().any(|name| name == "1.2.3.4.9.dcm")), (*received, false));
    is_broken.store(0, Ordering::Relaxed);
    let fetched = peer(&server).fetch(&wanted(), &mut inbox, unwatched()).unwrap();
    assert_eq!((fetched.received + fetched.already_there, fetched.already_there), (12, files.len()));
    assert_eq!(std::fs::read_dir(folder.path().join("1.2.3.2")).unwrap().count(), 12);
}

#[test]
fn a_connection_that_breaks_once_is_tried_again() {
    let breaks = Arc::new(AtomicUsize::new(0));
    let counted = breaks.clone();
    let server = fetched_with(3, move |seen, reply| {
        let is_first = seen.target.ends_with(".2") && counted.fetch_add(1, Ordering::Relaxed) == 0;
        if is_first { Reply { cut: Some(100), ..reply } } else { reply }
    });
    let (_folder, mut inbox) = inbox();
    assert_eq!(peer(&server).fetch(&wanted(), &mut inbox, unwatched()).unwrap().received, 3);
    assert_eq!(breaks.load(Ordering::Relaxed), 2);
}

#[test]
fn what_is_not_what_was_asked_for_is_refused() {
    let first = archive(3).instances.remove(0).1;
    let cases: Vec<(&str, Answering)> = vec![
        ("another instance came", {
            let first = first.clone();
            Box::new(move || parts(&[&first]))
        }),
        ("no whole DICOM object", Box::new(|| parts(&[b"no DICOM at all"]))),
        ("the server lists it, but it does not have it", Box::new(|| json(404, ""))),
        ("more than one instance", {
            let second = archive(3).instances.remove(1).1;
            Box::new(move || parts(&[&second, &first]))
        }),
        ("has no part", Box::new(|| parts(&[]))),
        ("it is text/html, no DICOM", Box::new(|| reply(200, "text/html", "<html>"))),
        ("names no boundary", Box::new(|| reply(200, "multipart/related", "--a--"))),
        (
            "first boundary is missing",
            Box::new(|| reply(200, "multipart/related; boundary=other", vec![b'x'; 100_000])),
        ),
        (
            "the end of the answer is missing",
            Box::new(|| reply(200, "multipart/related; boundary=a", "--a\r\n\r\nbytes")),
        ),
        (
            "a part of 3 bytes has 5",
            Box::new(|| reply(200, "multipart/related; boundary=a", "--a\r\nContent-Length: 3\r\n\r\nbytes\r\n--a--")),
        ),
        (
            "its part is application/json",
            Box::new(|| {
                reply(200, "multipart/related; boundary=a", "--a\r\nContent-Type: application/json\r\n\r\n{}\r\n--a--")
            }),
        ),
        ("failed within itself", Box::new(|| json(500, ""))),
        ("only a part of it", Box::new(|| parts(&[b"x"]).status(206))),
    ];
    for (words, answer) in cases {
        let server = fetched_with(3, move |seen, reply| if seen.target.ends_with(".2") { answer() } else { reply });
        let (folder, mut inbox) = inbox();
        let error = peer(&server).fetch(&wanted(), &mut inbox, unwatched()).unwrap_err();
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert!(!folder.path().join("1.2.3.2").exists(), "{words}: half a series stands in the folder");
    }
}

#[test]
fn one_that_cannot_be_had_leaves_the_others_whole_and_a_short_list_is_told() {
    // Of two series one has an instance that the server cannot give.
    let uid = |series: usize, n: usize| format!("1.2.9.{series}.{n}");
    let text = |tag: &str, value: &str| format!("\"{tag}\": {{\"vr\": \"UI\", \"Value\": [\"{value}\"]}}");
    let list = |seen: &Seen, rows: Vec<String>| {
        let is_first = seen.target.contains("offset=0");
        json(200, &format!("[{}]", if is_first { rows.join(",") } else { String::new() }))
    };
    let serve = move |counted: usize| {
        WebServer::start(move |seen| {
            let path = seen.target.split('?').next().unwrap().trim_start_matches("/dicom-web/studies/1.2.1/series");
            let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
            match parts.as_slice() {
                [""] => {
                    let count = format!("\"00201209\": {{\"vr\": \"IS\", \"Value\": [{counted}]}}");
                    list(
                        seen,
                        vec![
                            format!("{{{}, {count}}}", text("0020000E", "1.2.9.1")),
                            format!("{{{}}}", text("0020000E", "1.2.9.2")),
                        ],
                    )
                }
                [series, "instances"] => {
                    let number = if series.ends_with('1') { 1 } else { 2 };
                    list(seen, (1..=3).map(|n| format!("{{{}}}", text("00080018", &uid(number, n)))).collect())
                }
                [_, _, "1.2.9.2.2"] => json(500, ""),
                [series, _, one] => parts_of(series, one),
                _ => json(404, ""),
            }
        })
    };
    let (folder, mut inbox) = inbox();
    let study = Wanted { series_uid: None, ..wanted() };
    let server = serve(3);
    let fetched = peer(&server).fetch(&study, &mut inbox, unwatched()).unwrap();
    assert_eq!((fetched.received, &fetched.folders), (5, &vec![folder.path().join("1.2.9.1")]));
    let [refused] = fetched.refused.as_slice() else { panic!("{fetched:?}") };
    assert!(refused.uid == "1.2.9.2.2" && refused.why.contains("status 500"), "{refused:?}");
    assert!(!folder.path().join("1.2.9.2").exists());
    // A list that is shorter than the server's own count.
    let (other, mut inbox) = super::inbox();
    let error = peer(&serve(4)).fetch(&study, &mut inbox, unwatched()).unwrap_err().to_string();
    assert!(error.contains("says that it has 4 instances, and lists 3"), "{error}");
    assert!(!other.path().join("1.2.9.1").exists());
}

fn parts_of(series: &str, instance: &str) -> Reply {
    parts(&[&crate::remote::inbox::tests::object(series, instance, 50)])
}

#[test]
fn what_belongs_to_another_study_is_refused() {
    let (folder, mut inbox) = inbox();
    let other = Wanted { study_uid: crate::remote::Uid::new("9.9").unwrap(), ..wanted() };
    let named = WebServer::start({
        let archive = archive(1);
        move |seen| archive.answer(&Seen { target: seen.target.replace("9.9", "1.2.1"), ..seen.clone() })
    });
    let error = peer(&named).fetch(&other, &mut inbox, unwatched()).unwrap_err().to_string();
    assert!(error.contains("it belongs to the study \"1.2.1\", not to 9.9"), "{error}");
    assert!(!folder.path().join("1.2.3.2").exists());
}

#[test]
fn servers_that_take_no_star_or_no_parts_are_asked_in_their_way() {
    let whole = archive(5);
    let plain = fetched_with(5, move |seen, _| match seen.header("accept") {
        Some("application/dicom") => {
            let uid = seen.target.rsplit('/').next().unwrap();
            reply(200, "application/dicom", whole.instances.iter().find(|(known, _)| known == uid).unwrap().1.clone())
        }
        _ => reply(406, "text/plain", ""),
    });
    let starless = fetched_with(5, |seen, reply_| match seen.header("accept") {
        Some(accept) if accept.contains('*') => reply(400, "text/plain", ""),
        _ => reply_,
    });
    for server in [plain, starless] {
        let (_folder, mut inbox) = inbox();
        assert_eq!(peer(&server).fetch(&wanted(), &mut inbox, unwatched()).unwrap().received, 5);
    }
}

#[test]
fn what_the_server_does_not_have_and_a_wrong_password_are_said() {
    let server = WebServer::start(|_| json(200, "[]"));
    let (_folder, mut inbox) = inbox();
    let error = peer(&server).fetch(&wanted(), &mut inbox, unwatched()).unwrap_err().to_string();
    assert!(error.contains("it has no instances of 1.2.3.2"), "{error}");
    let gone = WebServer::start(|_| json(404, ""));
    let error = peer(&gone).fetch(&wanted(), &mut inbox, unwatched()).unwrap_err().to_string();
    assert!(error.contains("does not have this study or series (any more)"), "{error}");
    let server = fetched_with(3, |_, _| json(401, ""));
    let mut peer = patient(&server.url(), Some(&login("x")), None, SHORT).unwrap();
    let error = peer.fetch(&wanted(), &mut inbox, unwatched()).unwrap_err();
    assert!(matches!(error, RemoteError::Login { .. }), "{error:?}");
}

#[test]
fn a_fetch_stops_at_once() {
    let server = fetched_with(8, |_, reply| Reply { pause: Duration::from_secs(5), ..reply });
    let (folder, mut inbox) = inbox();
    let signal = stop_after(Duration::from_millis(200));
    let begun = Instant::now();
    let error = peer(&server).fetch(&wanted(), &mut inbox, Watch::new(&signal)).unwrap_err();
    assert!(error.is_stop(), "{error:?}");
    assert!(begun.elapsed() < Duration::from_millis(200 + 200), "{:?}", begun.elapsed());
    assert!(!folder.path().join("1.2.3.2").exists());
}
