//! Sends: what arrives, and what the server says of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::web_server::{Reply, WebServer, json, reply};
use super::{peer, stop_after, unwatched};
use crate::remote::inbox::tests::object;
use crate::remote::web::multipart::Multipart;
use crate::remote::{Peer as _, RemoteError, Sent};
use crate::work::Watch;

fn files(folder: &tempfile::TempDir, count: usize) -> Vec<PathBuf> {
    let write = |n: usize| {
        let path = folder.path().join(format!("{n}.dcm"));
        std::fs::write(&path, object("1.2.3.2", &format!("1.2.3.4.{n}"), 500)).unwrap();
        path
    };
    (1..=count).map(write).collect()
}

fn sent_with(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Result<Sent, RemoteError> {
    let folder = tempfile::tempdir().unwrap();
    let server = WebServer::start(move |_| answer());
    peer(&server).send(&files(&folder, 1), unwatched())
}

fn refusal(answer: impl Fn() -> Reply + Send + Sync + 'static) -> String {
    let sent = sent_with(answer).unwrap();
    assert_eq!((sent.accepted, sent.refused.len()), (0, 1));
    sent.refused[0].why.clone()
}

const TAKEN: &str = r#"{"00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3.4.1"]}}]}}"#;

#[test]
fn files_arrive_as_they_are_and_others_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = files(&folder, 2);
    let text = folder.path().join("text.txt");
    std::fs::write(&text, "no DICOM").unwrap();
    paths.push(text);
    paths.push(folder.path().join("gone.dcm"));
    let server = WebServer::start(|_| json(200, ""));
    let sent = peer(&server).send(&paths, unwatched()).unwrap();
    assert_eq!((sent.accepted, sent.coerced, sent.refused.len()), (2, 0, 2));
    assert!(sent.refused[0].path.ends_with("text.txt") && sent.refused[0].why.contains("no DICOM file"), "{sent:?}");
    for (seen, path) in server.seen().iter().zip(&paths) {
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/dicom-web/studies"));
        assert_eq!(seen.header("accept"), Some("application/dicom+json"));
        let mut parts = Multipart::new(&seen.body[..], seen.header("content-type").unwrap()).unwrap();
        let header = parts.next_part().unwrap().unwrap();
        assert_eq!(header.content_type, "application/dicom");
        let (mut bytes, mut some) = (Vec::<u8>::new(), [0; 100]);
        while let count @ 1.. = parts.read_part(&mut some).unwrap() {
            bytes.extend(&some[..count]);
        }
        assert_eq!(bytes, std::fs::read(path).unwrap());
        assert_eq!(parts.next_part().unwrap(), None);
    }
}

#[test]
fn what_the_server_says_of_a_file_is_told() {
    assert_eq!(sent_with(|| json(200, TAKEN)).unwrap(), Sent { accepted: 1, ..Sent::default() });
    let changed = TAKEN.replace("]}}]", "]}, \"00081196\": {\"vr\": \"US\", \"Value\": [45056]}}]");
    assert_eq!(sent_with(move || json(202, &changed)).unwrap(), Sent { coerced: 1, ..Sent::default() });
    let failed = |uid: &str| {
        format!(
            "{{\"00081198\": {{\"vr\": \"SQ\", \"Value\": [{{\"00081155\": {{\"vr\": \"UI\", \"Value\": [\"{uid}\"]}}, \"00081197\": {{\"vr\": \"US\", \"Value\": [290]}}}}]}}}}"
        )
    };
    let (named, nameless) = (failed("1.2.3.4.1"), failed(""));
    for text in [named, nameless] {
        for status in [200, 202, 409] {
            let text = text.clone();
            assert_eq!(
                refusal(move || json(status, &text)),
                "the server does not take this kind of object (code 0x0122)"
            );
        }
    }
    // A page that a login shows is no yes.
    for page in ["<html>Log in</html>", "ok", "<?xml version=\"1.0\"?><NativeDicomModel/>"] {
        let error = sent_with(move || reply(200, "text/html", page)).unwrap_err();
        assert!(matches!(&error, RemoteError::Nonsense { why, .. } if why.contains("is not known")), "{error:?}");
    }
    assert_eq!(sent_with(|| reply(200, "text/plain", " \r\n")).unwrap().accepted, 1);
    // Orthanc says so of objects without a UID in their data set.
    let neither = r#"{"00081198": {"vr": "SQ"}, "00081199": {"vr": "SQ"}}"#;
    assert!(refusal(move || json(200, neither)).contains("does not say that it has taken it"));
    assert!(refusal(|| json(202, "")).contains("does not say that it has taken it"));
    assert!(refusal(|| json(409, "")).contains("refused it (status 409)"));
    assert!(refusal(|| reply(413, "text/html", "<html>")).contains("too large for the server"));
    assert!(refusal(|| json(400, "")).contains("status 400"));
}

#[test]
fn where_nothing_can_be_sent_that_is_an_error() {
    for (status, words) in
        [(401, "enter them"), (403, "may not do this"), (404, "check the path"), (503, "try again later")]
    {
        let error = sent_with(move || json(status, "")).unwrap_err().to_string();
        assert!(error.contains(words), "{status}: {error}");
    }
    let error = sent_with(|| json(307, "").with("Location", "http://127.0.0.1:1/studies")).unwrap_err().to_string();
    assert!(error.contains("points to another server"), "{error}");
    let error = sent_with(|| Reply { wait: Duration::from_secs(4), ..json(200, "") }).unwrap_err();
    assert!(matches!(&error, RemoteError::Silent { during: "sending a file", .. }), "{error:?}");
}

#[test]
fn a_send_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = WebServer::start(|_| Reply { wait: Duration::from_secs(5), ..json(200, "") });
    let signal = stop_after(Duration::from_millis(150));
    let begun = Instant::now();
    let error = peer(&server).send(&files(&folder, 1), Watch::new(&signal)).unwrap_err();
    assert!(error.is_stop() && begun.elapsed() < Duration::from_millis(350), "{error:?} after {:?}", begun.elapsed());
}
