//! Searches: pages, refusals, answers that make no sense, servers that are slow or elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::web_server::{Reply, WebServer, json, reply};
use super::{SHORT, archive, login, patient, peer, stop_after, unwatched};
use crate::remote::{Level, Peer as _, Query, RemoteError, Uid};
use crate::work::Watch;

fn find_with(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Result<crate::remote::Answers, RemoteError> {
    let server = WebServer::start(move |_| answer());
    peer(&server).find(&Query::default(), unwatched())
}

fn said(answer: impl Fn() -> Reply + Send + Sync + 'static) -> String {
    find_with(answer).unwrap_err().to_string()
}

#[test]
fn a_study_and_its_series_are_found_and_the_server_greets() {
    let server = WebServer::start({
        let archive = archive(3);
        move |seen| archive.answer(seen)
    });
    let mut peer = peer(&server);
    let greeting = peer.test(unwatched()).unwrap();
    assert_eq!(greeting.program, "Made/1");
    let studies = peer.find(&Query { patient_id: Some("P1".into()), ..Query::default() }, unwatched()).unwrap();
    let study = &studies.matches[0];
    assert_eq!((study.patient_name.as_str(), study.modality.as_str(), study.instances), ("MADE^ONE", "MR", Some(3)));
    assert_eq!((study.series, study.series_uid.as_ref(), studies.is_cut), (Some(1), None, false));
    let query = Query { level: Level::Series, study_uid: Some(study.study_uid.clone()), ..Query::default() };
    let series = peer.find(&query, unwatched()).unwrap().matches;
    assert_eq!((series[0].description.as_str(), series[0].number.as_str()), ("A made series", "3"));
    assert_eq!(series[0].series_uid, Some(Uid::new("1.2.3.2").unwrap()));
    // What was not heeded is told.
    let other = peer.find(&Query { patient_id: Some("P2".into()), ..Query::default() }, unwatched()).unwrap();
    assert!(other.warnings[0].contains("does not heed the patient ID"), "{:?}", other.warnings);
    for seen in server.seen() {
        assert_eq!(
            (seen.header("accept"), seen.header("accept-encoding")),
            (Some("application/dicom+json"), Some("identity"))
        );
        assert_eq!(seen.header("authorization"), None);
    }
}

#[test]
fn pages_are_read_to_the_end_and_a_server_without_pages_ends_too() {
    let row = |n: usize| format!("{{\"0020000D\": {{\"vr\": \"UI\", \"Value\": [\"1.{n}\"]}}}}");
    let rows = move |from: usize, to: usize| format!("[{}]", (from..to).map(row).collect::<Vec<_>>().join(","));
    let offset = |target: &str| target.split("offset=").nth(1).unwrap().parse::<usize>().unwrap();
    let paged = WebServer::start(move |seen| {
        let from = offset(&seen.target);
        json(200, &rows(from, (from + 200).min(450)))
    });
    let answers = peer(&paged).find(&Query::default(), unwatched()).unwrap();
    assert_eq!((answers.matches.len(), answers.is_cut, paged.seen().len()), (450, false, 4));
    // At most a hundred a page, and it does not say so.
    let silent = WebServer::start(move |seen| {
        let from = offset(&seen.target);
        json(200, &rows(from.min(250), (from + 100).min(250)))
    });
    assert_eq!(peer(&silent).find(&Query::default(), unwatched()).unwrap().matches.len(), 250);
    // Nothing more is not found, by the older standard.
    let older = WebServer::start(move |seen| match offset(&seen.target) {
        0 => json(200, &rows(0, 30)),
        _ => json(404, ""),
    });
    assert_eq!(peer(&older).find(&Query::default(), unwatched()).unwrap().matches.len(), 30);
    // At most fifty a page, and it says so.
    let small = WebServer::start(move |seen| {
        let from = offset(&seen.target);
        let reply = json(200, &rows(from, (from + 50).min(120)));
        if from + 50 < 120 {
            reply.with("Warning", "299 x: \"There are 70 additional results that can be requested\"")
        } else {
            reply
        }
    });
    let answers = peer(&small).find(&Query::default(), unwatched()).unwrap();
    assert_eq!((answers.matches.len(), answers.warnings.len()), (120, 0), "{:?}", answers.warnings);
    // The same page again and again, all at once, and without end.
    let stuck = WebServer::start(move |_| json(200, &rows(0, 200)));
    let answers = peer(&stuck).find(&Query::default(), unwatched()).unwrap();
    assert_eq!((answers.matches.len(), answers.is_cut), (200, true));
    let whole = WebServer::start(move |_| json(200, &rows(0, 700)));
    let answers = peer(&whole).find(&Query::default(), unwatched()).unwrap();
    assert_eq!((answers.matches.len(), answers.is_cut), (700, false));
    let endless = WebServer::start(move |seen| {
        let from = offset(&seen.target);
        json(200, &rows(from, from + 200))
    });
    let answers = peer(&endless).find(&Query::default(), unwatched()).unwrap();
    assert_eq!((answers.matches.len(), answers.is_cut), (1000, true));
}

#[test]
fn nothing_found_is_no_error_and_warnings_reach_the_user() {
    assert_eq!(find_with(|| json(200, "[]")).unwrap().matches, []);
    assert_eq!(find_with(|| json(204, "")).unwrap().matches, []);
    let answers = find_with(|| json(200, "[{}]").with("Warning", "299 x: \"no fuzzy matching\"")).unwrap();
    assert_eq!(answers.warnings[0], "the server warns: no fuzzy matching");
    assert!(answers.warnings[1].contains("1 of the answers have no UID"), "{:?}", answers.warnings);
}

#[test]
fn each_refusal_says_what_the_user_can_do() {
    for (status, words) in [
        (401, "enter them for this server"),
        (403, "ask who runs the server for the right"),
        (404, "check the path: it is /dicom-web for Orthanc"),
        (500, "its log says why (status 500)"),
        (503, "try again later"),
        (418, "no reason that is known (status 418)"),
    ] {
        let text = said(move || reply(status, "text/plain", "Doe^John is not known"));
        assert!(
            text.contains(words) && text.contains("http://127.0.0.1:") && !text.contains("Doe"),
            "{status}: {text}"
        );
    }
    let server = WebServer::start(|seen| {
        if seen.header("authorization") == Some("Basic bWU6c2VzYW1l") { json(200, "[]") } else { json(401, "") }
    });
    let mut right = patient(&server.url(), Some(&login("sesame")), None, SHORT).unwrap();
    assert!(right.test(unwatched()).is_ok());
    let mut wrong = patient(&server.url(), Some(&login("Sesame")), None, SHORT).unwrap();
    let error = wrong.test(unwatched()).unwrap_err();
    assert!(matches!(&error, RemoteError::Login { why, .. } if why.contains("is wrong")), "{error}");
    assert!(!format!("{error:?} {:?}", login("Sesame")).contains("esame"), "a password is shown");
}

#[test]
fn answers_that_make_no_sense_are_told_without_what_they_hold() {
    let html = said(|| reply(200, "text/html; charset=utf-8", "<html>Doe^John</html>"));
    assert!(html.contains("is this the path of its DICOMweb service?") && !html.contains("Doe"), "{html}");
    assert!(
        said(|| json(200, "[{\"00100010\": {\"vr\": \"PN\", \"Value\": [{\"Alphabetic\": \"Doe"))
            .contains("ends too early")
    );
    let cut = said(|| Reply { cut: Some(10), ..json(200, "[{},{},{},{},{},{}]") });
    assert!(cut.contains("ended while finding studies"), "{cut}");
    let huge = said(|| Reply { length: Some(u64::MAX / 2), cut: Some(4), ..json(200, "[{}]") });
    assert!(huge.contains("ended while finding studies"), "{huge}");
    // More than is taken, never in memory.
    let long = said(|| json(200, &format!("[{}]", " ".repeat(33 << 20))));
    assert!(long.contains("longer than 32 MB"), "{long}");
    let packed = said(|| reply(200, "application/dicom+json", [0x1f, 0x8b, 8, 0]).with("Content-Encoding", "gzip"));
    assert!(packed.contains("no JSON text"), "{packed}");
    let other = WebServer::start(|_| json(200, "[]"));
    drop(other);
    let text = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut nobody = patient(&format!("http://127.0.0.1:{port}/dicom-web"), None, None, SHORT).unwrap();
        nobody.test(unwatched()).unwrap_err().to_string()
    };
    assert!(text.contains("nothing listens there"), "{text}");
    let mut nowhere = patient("http://no-such-host.invalid/dicom-web", None, None, SHORT).unwrap();
    let text = nowhere.test(unwatched()).unwrap_err().to_string();
    assert!(text.contains("nobody knows a host of this name"), "{text}");
}

#[test]
fn a_slow_server_is_given_up_and_a_stop_is_noticed_at_once() {
    let slow = || WebServer::start(|_| Reply { wait: Duration::from_secs(4), ..json(200, "[]") });
    let server = slow();
    let error = peer(&server).find(&Query::default(), unwatched()).unwrap_err();
    assert!(matches!(&error, RemoteError::Silent { seconds: 1, .. }), "{error:?}");
    for server in
        [slow(), WebServer::start(|_| Reply { pause: Duration::from_secs(4), ..json(200, "[             ]") })]
    {
        let signal = stop_after(Duration::from_millis(150));
        let begun = Instant::now();
        let error = peer(&server).find(&Query::default(), Watch::new(&signal)).unwrap_err();
        assert!(error.is_stop(), "{error:?}");
        assert!(begun.elapsed() < Duration::from_millis(150 + 200), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_login_never_goes_to_another_server() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let other = WebServer::start(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        json(200, "[]")
    });
    let to = format!("http://127.0.0.1:{}/dicom-web/studies?PatientName=Doe", other.port);
    let server = WebServer::start(move |seen| match seen.target.split('?').next() {
        Some("/dicom-web/studies") => json(307, "").with("Location", &to),
        Some("/here/studies") => json(302, "").with("Location", "/there/studies"),
        Some("/there/studies") => json(200, "[]"),
        _ => json(302, "").with("Location", &seen.target),
    });
    let mut away = patient(&server.url(), Some(&login("sesame")), None, SHORT).unwrap();
    let error = away.test(unwatched()).unwrap_err().to_string();
    assert!(error.contains("points to another server") && !error.contains("Doe"), "{error}");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    // On the same server it is followed, with the login.
    let mut here = patient(&server.url().replace("dicom-web", "here"), Some(&login("sesame")), None, SHORT).unwrap();
    here.test(unwatched()).unwrap();
    assert!(server.seen().iter().any(|seen| seen.target == "/there/studies" && seen.header("authorization").is_some()));
    let mut round = patient(&server.url().replace("dicom-web", "round"), None, None, SHORT).unwrap();
    assert!(round.test(unwatched()).unwrap_err().to_string().contains("without end"));
}
