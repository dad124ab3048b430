//! What servers do wrong, and what becomes of it.

mod archive;

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::association::Association;
use super::*;
use crate::formats::INCOMING;
use crate::remote::RemoteError;
use crate::remote::inbox::Order;
use crate::remote::inbox::tests::object;
use crate::remote::{Level, Uid};
use crate::work::Signal;
use archive::{Archive, Fault, SERIES, STUDY, instances};

fn peer(port: u16) -> ClassicPeer {
    let titles = [&AeTitle::new("THERE").unwrap(), &AeTitle::default()];
    let place = format!("THERE at 127.0.0.1:{port}");
    let mut peer = ClassicPeer::new(place, ("127.0.0.1", port), titles, Retrieve::Get, None).unwrap();
    peer.0.silence = Duration::from_millis(400);
    peer
}

/// A server that answers the first unit of whoever calls with these bytes, and then closes, or stays silent.
fn server_of(answer: Vec<u8>, stays: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 6];
            if stream.read_exact(&mut head).is_ok() {
                let length = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
                let mut rest = vec![0; length as usize];
                drop(stream.read_exact(&mut rest));
                drop(stream.write_all(&answer));
            }
            if stays {
                kept.push(stream);
            }
        }
    });
    port
}

fn test_error(port: u16) -> RemoteError {
    peer(port).test(Watch::unwatched()).unwrap_err()
}

fn wanted() -> Wanted {
    Wanted { study_uid: Uid::new(STUDY).unwrap(), series_uid: None }
}

fn fetch_from(archive: &Archive, folder: &Path) -> Result<Fetched> {
    let mut inbox = Inbox::open(folder).unwrap();
    peer(archive.port).fetch(&wanted(), &mut inbox, Watch::unwatched())
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(listing) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = listing.flatten().map(|e| e.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_no_answer_is_told_apart() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = test_error(nobody).to_string();
    assert!(text.contains(&format!("THERE at 127.0.0.1:{nobody}")) && text.contains("nobody listens there"), "{text}");
    let web = test_error(server_of(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), false));
    assert!(web.to_string().contains("does not speak DICOM"), "{web}");
    let huge = test_error(server_of(b"\x02\x00\xFF\xFF\xFF\xFF".to_vec(), true));
    assert!(matches!(&huge, RemoteError::Nonsense { why, .. } if why.contains("4294967295")), "{huge}");
    let cut = test_error(server_of(b"\x02\x00\x00\x00\x00\x44\x00\x01".to_vec(), false));
    assert!(matches!(cut, RemoteError::Broken { .. }), "{cut}");
    let unlike = test_error(server_of(b"\x02\x00\x00\x00\x00\x04\x00\x01\x00\x00".to_vec(), false));
    assert!(matches!(unlike, RemoteError::Nonsense { .. }), "{unlike}");
    let rejected = test_error(server_of(b"\x03\x00\x00\x00\x00\x04\x00\x01\x01\x07".to_vec(), false));
    assert!(rejected.to_string().contains("the called AE title THERE is not its own"), "{rejected}");
    let unknown = test_error(server_of(b"\x03\x00\x00\x00\x00\x04\x00\x01\x01\x03".to_vec(), false));
    assert!(unknown.to_string().contains("does not know our AE title LAMELLA"), "{unknown}");
    let busy = test_error(server_of(b"\x03\x00\x00\x00\x00\x04\x00\x02\x03\x02".to_vec(), false));
    assert!(busy.to_string().contains("try again later"), "{busy}");
    // One context, not accepted, without a layout.
    let mut answer = b"\x02\x00\x00\x00\x00\x00\x00\x01\x00\x00".to_vec();
    answer.extend([b' '; 64]);
    answer.extend(b"\x10\x00\x00\x151.2.840.10008.3.1.1.1");
    answer.extend(b"\x21\x00\x00\x04\x01\x00\x03\x00");
    answer.extend(b"\x50\x00\x00\x08\x51\x00\x00\x04\x00\x00\x40\x00");
    answer[5] = u8::try_from(answer.len() - 6).unwrap();
    let other = test_error(server_of(answer, true));
    assert!(matches!(&other, RemoteError::NotOffered { what, .. } if what.contains("C-ECHO")), "{other:?}");
    let aborted = test_error(server_of(b"\x07\x00\x00\x00\x00\x04\x00\x00\x00\x00".to_vec(), false));
    assert!(aborted.to_string().contains("aborted"), "{aborted}");
}

#[test]
fn whoever_says_nothing_is_not_waited_for_without_end() {
    let started = Instant::now();
    let silent = test_error(server_of(Vec::new(), true));
    assert!(matches!(silent, RemoteError::Silent { .. }), "{silent}");
    assert!(started.elapsed() >= Duration::from_millis(400));
}

#[test]
fn a_stop_is_noticed_while_a_server_is_waited_for() {
    let port = server_of(Vec::new(), true);
    let signal = Signal::default();
    let stopper = signal.clone();
    let mut patient = peer(port);
    patient.0.silence = Duration::from_mins(1);
    let (sender, stopped_at) = mpsc::channel();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        sender.send(Instant::now()).unwrap();
        stopper.stop();
    });
    let error = patient.test(Watch::new(&signal)).unwrap_err();
    let took = stopped_at.recv().unwrap().elapsed();
    assert!(error.is_stop(), "{error}");
    // The rule is 200 ms; the machine may have other things to do.
    assert!(took < Duration::from_secs(2), "{took:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_answer_is_an_error(kind in 0u8..9, body in proptest::collection::vec(any::<u8>(), 0..120), honest in any::<bool>()) {
        let length = if honest { u32::try_from(body.len()).unwrap() } else { 1 << 18 };
        let mut answer = vec![kind, 0];
        answer.extend(length.to_be_bytes());
        answer.extend(body);
        let port = server_of(answer, false);
        prop_assert!(peer(port).test(Watch::unwatched()).is_err());
    }
}

#[test]
fn a_server_is_tested_and_searched() {
    let archive = Archive::start(3, Fault::Nothing);
    let mut peer = peer(archive.port);
    assert!(peer.test(Watch::unwatched()).unwrap().program.starts_with("DICOM-rs"));
    let query = Query { level: Level::Series, study_uid: Some(wanted().study_uid), ..Query::default() };
    let answers = peer.find(&query, Watch::unwatched()).unwrap();
    let [only] = answers.matches.as_slice() else { panic!("{answers:?}") };
    assert_eq!((only.series_uid.as_ref().unwrap().as_str(), only.patient_name.as_str()), (SERIES, "Doe^J"));
    let confused = Archive::start(1, Fault::Confused);
    let error = super::tests::peer(confused.port).find(&query, Watch::unwatched()).unwrap_err().to_string();
    assert!(error.contains("0xC001") && error.contains("no idea"), "{error}");
}

#[test]
fn what_is_here_is_not_fetched_again() {
    let (archive, folder) = (Archive::start(4, Fault::Nothing), tempfile::tempdir().unwrap());
    let fetched = fetch_from(&archive, folder.path()).unwrap();
    assert_eq!((fetched.received, fetched.already_there), (4, 0));
    let place = folder.path().join(SERIES);
    assert_eq!(fetched.folders, std::slice::from_ref(&place));
    assert_eq!(files(folder.path()), [SERIES]);
    let expected: Vec<String> = instances(4).iter().map(|uid| format!("{uid}.dcm")).collect();
    assert_eq!(files(&place), expected);
    let before = archive.sendings.load(Ordering::SeqCst);
    let again = fetch_from(&archive, folder.path()).unwrap();
    assert_eq!((again.received, again.already_there, again.folders), (0, 4, vec![place]));
    assert_eq!(archive.sendings.load(Ordering::SeqCst), before);
}

#[test]
fn a_transfer_that_breaks_leaves_no_series_and_goes_on_later() {
    let (archive, folder) = (Archive::start(5, Fault::Cut(3)), tempfile::tempdir().unwrap());
    let error = fetch_from(&archive, folder.path()).unwrap_err();
    let RemoteError::Incomplete { received, expected, .. } = &error else { panic!("{error}") };
    assert_eq!((*received, *expected), (3, 5));
    assert!(error.to_string().contains("run it again"), "{error}");
    assert_eq!(files(folder.path()), [INCOMING]);
    assert_eq!(files(&folder.path().join(INCOMING)), [SERIES]);
    assert_eq!(files(&folder.path().join(INCOMING).join(SERIES)).len(), 3);
    let rest = fetch_from(&archive, folder.path()).unwrap();
    assert_eq!((rest.received, rest.already_there), (2, 3));
    assert_eq!(files(folder.path()), [SERIES]);
}

#[test]
fn a_series_with_an_instance_that_is_no_good_is_not_in_place_until_it_came() {
    for (fault, why) in [(Fault::Other(1), "another instance came: 9.9.9"), (Fault::Noise(1), "no whole DICOM object")]
    {
        let (archive, folder) = (Archive::start(3, fault), tempfile::tempdir().unwrap());
        let error = fetch_from(&archive, folder.path()).unwrap_err();
        assert!(matches!(error, RemoteError::Incomplete { received: 2, expected: 3, .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("1.2.3.02 was refused") && text.contains(why), "{text}");
        assert_eq!(files(folder.path()), [INCOMING]);
        assert_eq!(files(&folder.path().join(INCOMING).join(SERIES)), ["1.2.3.01.dcm", "1.2.3.03.dcm"]);
        // A server that has it as it should be.
        let mended = fetch_from(&Archive::start(3, Fault::Nothing), folder.path()).unwrap();
        assert_eq!((mended.received, mended.already_there, mended.refused.len()), (1, 2, 0));
        assert_eq!(files(&folder.path().join(SERIES)).len(), 3);
    }
}

#[test]
fn what_the_server_cannot_send_is_counted() {
    let (archive, folder) = (Archive::start(3, Fault::Failed(0)), tempfile::tempdir().unwrap());
    let error = fetch_from(&archive, folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("2 of 3 instances came") && error.contains("failed to send 1"), "{error}");
    assert_eq!(files(folder.path()), [INCOMING]);
    // Asked for again, one by one, it is the only one that is missing still.
    let error = fetch_from(&archive, folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("2 of 3 instances came") && error.contains("1.2.3.01 was refused"), "{error}");
}

/// Files to send, in a folder that lives as long as it is kept.
fn outgoing(count: usize) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |uid: String| {
        let path = folder.path().join(format!("{uid}.dcm"));
        std::fs::write(&path, object(SERIES, &uid, 300_000)).unwrap();
        path
    };
    let paths = instances(count).into_iter().map(write).collect();
    (folder, paths)
}

#[test]
fn files_that_are_refused_are_named_and_the_others_sent() {
    let (archive, (folder, mut files)) = (Archive::start(0, Fault::Full), outgoing(3));
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no DICOM").unwrap();
    files.push(text.clone());
    let sent = peer(archive.port).send(&files, Watch::unwatched()).unwrap();
    assert_eq!(sent.accepted, 2);
    let refused: Vec<&Path> = sent.refused.iter().map(|file| file.path.as_path()).collect();
    assert_eq!(refused, [text.as_path(), files[1].as_path()]);
    assert!(sent.refused[1].why.contains("0xA700") && sent.refused[1].why.contains("disk may be full"), "{sent:?}");
    let leaving = Archive::start(0, Fault::Leaves);
    let error = peer(leaving.port).send(&files, Watch::unwatched()).unwrap_err();
    assert!(matches!(error, RemoteError::Unsent { accepted: 1, total: 3, .. }), "{error}");
}

/// A receiver and what it heard, while `act` runs against its port.
fn with_receiver(folder: &Path, act: impl FnOnce(u16)) -> Vec<String> {
    with_order(folder, None, act)
}

fn with_order(folder: &Path, order: Option<Order>, act: impl FnOnce(u16)) -> Vec<String> {
    let here = AeTitle::new("THERE").unwrap();
    let receiver = Receiver::open(IpAddr::V4(Ipv4Addr::LOCALHOST), 0, here).unwrap();
    let (inbox, is_over, heard) = (Inbox::open(folder).unwrap(), AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            receiver.serve(&inbox, order, Watch::unwatched(), &|| is_over.load(Ordering::SeqCst), &|news| {
                let text = match news {
                    Heard::Kept => "kept".into(),
                    Heard::Refused(refused) => format!("refused {}", refused.uid),
                    Heard::Finished { folder, from } => format!("{} from {from}", folder.display()),
                    Heard::Broken(error) => format!("broken {error}"),
                    Heard::Unfinished { earlier, .. } => format!("unfinished {earlier}"),
                };
                heard.lock().unwrap().push(text);
            });
        });
        act(receiver.port());
        is_over.store(true, Ordering::SeqCst);
    });
    heard.into_inner().unwrap()
}

#[test]
fn a_receiver_takes_what_is_sent_and_turns_strangers_away() {
    let (folder, (_kept, files_sent)) = (tempfile::tempdir().unwrap(), outgoing(3));
    let heard = with_receiver(folder.path(), |port| {
        let mut peer = peer(port);
        peer.test(Watch::unwatched()).unwrap();
        assert_eq!(peer.send(&files_sent, Watch::unwatched()).unwrap().accepted, 3);
        peer.0.called = AeTitle::new("ELSEWHERE").unwrap();
        let error = peer.test(Watch::unwatched()).unwrap_err().to_string();
        assert!(error.contains("ELSEWHERE is not its own"), "{error}");
    });
    assert_eq!(files(folder.path()), [SERIES]);
    for (uid, path) in instances(3).iter().zip(&files_sent) {
        let came = std::fs::read(folder.path().join(SERIES).join(format!("{uid}.dcm"))).unwrap();
        let sent = std::fs::read(path).unwrap();
        assert!(came.ends_with(&sent[160..]), "{uid}");
    }
    assert_eq!(heard.iter().filter(|text| *text == "kept").count(), 3);
    assert!(heard.iter().any(|text| text.contains("LAMELLA at 127.0.0.1")), "{heard:?}");
}

#[test]
fn a_sender_that_leaves_in_the_middle_leaves_no_series() {
    let (folder, (_kept, files_sent)) = (tempfile::tempdir().unwrap(), outgoing(2));
    let heard = with_receiver(folder.path(), |port| {
        let proposal = Proposal::of("1.2.840.10008.5.1.4.1.1.2", &["1.2.840.10008.1.2.1"]);
        let watch = Watch::unwatched();
        let mut association = peer(port).0.open("sending", &[proposal], watch).unwrap();
        let send = |association: &mut Association, n: usize, bytes: &[u8]| {
            let request = Command::request(Field::StoreRequest, 1, "1.2.840.10008.5.1.4.1.1.2", true);
            association.send_command(1, &request.of_instance(&instances(2)[n]), watch).unwrap();
            association.send_data(1, &mut &bytes[160..], watch).unwrap().unwrap();
        };
        send(&mut association, 0, &std::fs::read(&files_sent[0]).unwrap());
        assert_eq!(association.next_command(watch).unwrap().1.status(), Some(0));
        // A path for a UID.
        let request = Command::request(Field::StoreRequest, 2, "1.2.840.10008.5.1.4.1.1.2", true);
        association.send_command(1, &request.of_instance("../../evil"), watch).unwrap();
        association.send_data(1, &mut [0u8; 64].as_slice(), watch).unwrap().unwrap();
        assert_eq!(association.next_command(watch).unwrap().1.status(), Some(status::INVALID_INSTANCE));
        // The second instance ends in the middle.
        let request = Command::request(Field::StoreRequest, 3, "1.2.840.10008.5.1.4.1.1.2", true);
        association.send_command(1, &request.of_instance(&instances(2)[1]), watch).unwrap();
        drop(association);
        // Somebody who says nothing in DICOM.
        TcpStream::connect(("127.0.0.1", port)).unwrap().write_all(b"\x01\x00\xFF\xFF\xFF\xFF").unwrap();
        std::thread::sleep(Duration::from_millis(300));
    });
    assert_eq!(files(folder.path()), [INCOMING]);
    assert_eq!(files(&folder.path().join(INCOMING).join(SERIES)), ["1.2.3.01.dcm"]);
    assert_eq!(heard.iter().filter(|text| text.starts_with("broken")).count(), 2, "{heard:?}");
}

#[test]
fn while_something_is_ordered_nothing_else_is_taken() {
    let (folder, (_kept, files_sent)) = (tempfile::tempdir().unwrap(), outgoing(3));
    let (study, series) = (Uid::new(STUDY).unwrap(), Uid::new(SERIES).unwrap());
    let listed = std::iter::once(Uid::new("1.2.3.02").unwrap()).collect();
    let order = Order { study: Some(&study), series: Some(&series), instances: Some(&listed) };
    let heard = with_order(folder.path(), Some(order), |port| {
        let sent = peer(port).send(&files_sent, Watch::unwatched()).unwrap();
        assert_eq!((sent.accepted, sent.refused.len()), (1, 2));
        assert!(sent.refused[0].why.contains("0xA700") && sent.refused[0].why.contains("ordered"), "{sent:?}");
    });
    assert_eq!(files(&folder.path().join(INCOMING).join(SERIES)), ["1.2.3.02.dcm"]);
    assert_eq!(heard, ["refused 1.2.3.01", "kept", "refused 1.2.3.03"]);
}

#[test]
fn a_receiver_does_not_replace_what_it_has_and_says_so() {
    let (folder, (kept, files_sent)) = (tempfile::tempdir().unwrap(), outgoing(2));
    with_receiver(folder.path(), |port| {
        assert_eq!(peer(port).send(&files_sent, Watch::unwatched()).unwrap().accepted, 2);
    });
    let place = folder.path().join(SERIES).join("1.2.3.01.dcm");
    let before = std::fs::read(&place).unwrap();
    let forged = kept.path().join("forged.dcm");
    std::fs::write(&forged, object(SERIES, "1.2.3.01", 200_000)).unwrap();
    let heard = with_receiver(folder.path(), |port| {
        let sent = peer(port).send(&[forged, files_sent[1].clone()], Watch::unwatched()).unwrap();
        assert_eq!((sent.accepted, sent.refused.len()), (1, 1));
        assert!(sent.refused[0].why.contains("0x0111"), "{sent:?}");
    });
    assert!(std::fs::read(&place).unwrap() == before, "the file of the user was replaced");
    assert_eq!(heard[..2], ["refused 1.2.3.01", "kept"]);
}

#[test]
fn a_series_is_whole_only_if_nobody_who_sent_of_it_broke_off() {
    let (folder, (_kept, files_sent)) = (tempfile::tempdir().unwrap(), outgoing(2));
    let heard = with_receiver(folder.path(), |port| {
        let watch = Watch::unwatched();
        let proposal = [Proposal::of("1.2.840.10008.5.1.4.1.1.2", &["1.2.840.10008.1.2.1"])];
        let mut both = [0, 1].map(|_| peer(port).0.open("sending", &proposal, watch).unwrap());
        for (n, association) in both.iter_mut().enumerate() {
            let request = Command::request(Field::StoreRequest, 1, "1.2.840.10008.5.1.4.1.1.2", true);
            association.send_command(1, &request.of_instance(&instances(2)[n]), watch).unwrap();
            let bytes = std::fs::read(&files_sent[n]).unwrap();
            association.send_data(1, &mut &bytes[160..], watch).unwrap().unwrap();
            assert_eq!(association.next_command(watch).unwrap().1.status(), Some(0));
        }
        // An instance is counted just after it was answered.
        std::thread::sleep(Duration::from_millis(300));
        let [broken, whole] = both;
        drop(broken);
        std::thread::sleep(Duration::from_millis(300));
        whole.release(watch);
        std::thread::sleep(Duration::from_millis(300));
    });
    assert_eq!(files(folder.path()), [INCOMING], "{heard:?}");
}

#[test]
fn what_broke_off_is_no_part_of_a_series_until_it_is_sent_again() {
    let (folder, (_kept, files_sent)) = (tempfile::tempdir().unwrap(), outgoing(3));
    let watch = Watch::unwatched();
    let half = |port| {
        let proposal = [Proposal::of("1.2.840.10008.5.1.4.1.1.2", &["1.2.840.10008.1.2.1"])];
        let mut association = peer(port).0.open("sending", &proposal, watch).unwrap();
        let request = Command::request(Field::StoreRequest, 1, "1.2.840.10008.5.1.4.1.1.2", true);
        association.send_command(1, &request.of_instance(&instances(3)[0]), watch).unwrap();
        let bytes = std::fs::read(&files_sent[0]).unwrap();
        association.send_data(1, &mut &bytes[160..], watch).unwrap().unwrap();
        assert_eq!(association.next_command(watch).unwrap().1.status(), Some(0));
        drop(association);
        std::thread::sleep(Duration::from_millis(300));
    };
    let send = |port, files: &[PathBuf]| {
        assert_eq!(peer(port).send(files, watch).unwrap().accepted, files.len());
        std::thread::sleep(Duration::from_millis(300));
    };
    // The rest alone says nothing of what the first one still had; nor does it to a receiver that was started meanwhile.
    let heard = with_receiver(folder.path(), |port| {
        half(port);
        send(port, &files_sent[1..2]);
    });
    assert_eq!(heard.last().unwrap(), "unfinished 1", "{heard:?}");
    let heard = with_receiver(folder.path(), |port| send(port, &files_sent[2..]));
    assert_eq!(heard, ["kept", "unfinished 2"]);
    assert_eq!(files(folder.path()), [INCOMING]);
    let heard = with_receiver(folder.path(), |port| send(port, &files_sent));
    assert!(heard.last().unwrap().contains("LAMELLA at 127.0.0.1"), "{heard:?}");
    assert_eq!(files(folder.path()), [SERIES]);
    assert_eq!(files(&folder.path().join(SERIES)).len(), 3);
}

#[test]
fn what_is_explicit_is_rewritten_for_a_server_that_takes_it_only_implicit() {
    let (archive, (_kept, mut files)) = (Archive::start(0, Fault::Old), outgoing(2));
    let sent = peer(archive.port).send(&files, Watch::unwatched()).unwrap();
    assert_eq!((sent.accepted, sent.refused.len()), (2, 0), "{sent:?}");
    // What is compressed is never sent as something else.
    let compressed = files[0].with_file_name("compressed.dcm");
    let bytes = std::fs::read(&files[0]).unwrap();
    let syntax = b"1.2.840.10008.1.2.1\0";
    let at = bytes.windows(syntax.len()).position(|part| part == syntax).unwrap();
    std::fs::write(&compressed, [&bytes[..at], b"1.2.840.10008.1.2.5\0", &bytes[at + syntax.len()..]].concat())
        .unwrap();
    files.push(compressed.clone());
    let sent = peer(archive.port).send(&files, Watch::unwatched()).unwrap();
    assert_eq!((sent.accepted, sent.refused.len()), (2, 1), "{sent:?}");
    assert_eq!(sent.refused[0].path, compressed);
    assert!(sent.refused[0].why.ends_with("in the transfer syntax 1.2.840.10008.1.2.5"), "{sent:?}");
}
