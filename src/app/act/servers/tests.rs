//! The list of servers and what is asked of them, in a studio without a window.

use std::sync::Arc;

use super::*;
use crate::app::Settings;
use crate::app::act::leaving;
use crate::app::state::leaving::{Leaving, Loss};
use crate::app::state::servers::{Content, Made, Protocol, SendAs};
use crate::remote::KnownServers;

fn settle(studio: &mut Studio) {
    while !studio.tasks.is_empty() {
        studio.tasks.drain().into_iter().for_each(|deed| deed(studio));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn opened(file: PathBuf) -> Studio {
    let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
    studio.servers.file = Some(file);
    open(&mut studio);
    settle(&mut studio);
    studio
}

fn add(studio: &mut Studio, name: &str) {
    answer(studio, ServersRequest::Add);
    let form = ServerForm { name: name.into(), url: "http://127.0.0.1:1/dicom-web".into(), ..ServerForm::new() };
    answer(studio, ServersRequest::Form(Box::new(form)));
    answer(studio, ServersRequest::KeepForm);
    settle(studio);
}

#[test]
fn the_window_asks_while_files_are_sent_and_none_that_were_made_for_it_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut studio = opened(folder.path().join("servers.json"));
    add(&mut studio, "A");
    let made = folder.path().join("outgoing");
    std::fs::create_dir(&made).unwrap();
    let path = made.join("segmentation.dcm");
    std::fs::write(&path, b"of a patient").unwrap();
    studio.servers.outgoing.push(made.clone());
    asking::begin(&mut studio, Deed::Send(path, true));
    assert_eq!(leaving::loss(&studio, Leaving::Window), Some(Loss::Sending));
    end(&mut studio);
    assert!(!made.exists());
    settle(&mut studio);
    assert_eq!(leaving::loss(&studio, Leaving::Window), None);
}

fn names(studio: &Studio) -> Vec<&str> {
    studio.servers.known.servers.iter().map(|server| server.name.as_str()).collect()
}

#[test]
fn servers_are_kept_removed_and_brought_back_in_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("servers.json");
    let mut studio = opened(file.clone());
    ["A", "B", "C"].into_iter().for_each(|name| add(&mut studio, name));
    assert_eq!((names(&studio), studio.servers.chosen), (vec!["A", "B", "C"], Some(2)));
    // A second one of a name is not kept, and the form stays.
    add(&mut studio, "B");
    assert!(studio.servers.form.is_some() && names(&studio).len() == 3);
    answer(&mut studio, ServersRequest::LeaveForm);
    answer(&mut studio, ServersRequest::Choose(1));
    answer(&mut studio, ServersRequest::Remove);
    settle(&mut studio);
    assert_eq!(names(&studio), ["A", "C"]);
    assert_eq!(KnownServers::read(&file).unwrap(), studio.servers.known);
    answer(&mut studio, ServersRequest::BringBack);
    answer(&mut studio, ServersRequest::Edit);
    let form = studio.servers.form.clone().unwrap();
    assert_eq!((form.name.as_str(), form.protocol), ("B", Protocol::Web));
    settle(&mut studio);
    assert_eq!(names(&opened(file)), ["A", "B", "C"]);
}

#[test]
fn a_list_that_cannot_be_read_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("servers.json");
    std::fs::write(&file, "{\"servers\": [{}]}").unwrap();
    let mut studio = opened(file.clone());
    assert!(studio.servers.problem.as_ref().unwrap().contains("servers.json"));
    add(&mut studio, "A");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"servers\": [{}]}");
    assert!(studio.notices.all().iter().any(|notice| notice.text.contains("not saved")));
}

#[test]
fn what_was_found_goes_with_the_server_and_a_password_that_is_not_given_ends_the_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut studio = opened(folder.path().join("servers.json"));
    add(&mut studio, "A");
    answer(&mut studio, ServersRequest::Search);
    assert!(matches!(studio.servers.found, Found::Waiting));
    settle(&mut studio);
    assert!(matches!(&studio.servers.found, Found::Failed(why) if why.contains("nothing listens there")));
    answer(
        &mut studio,
        ServersRequest::SearchForm(Box::new(crate::app::state::servers::SearchForm {
            dates: "yesterday".into(),
            ..Default::default()
        })),
    );
    answer(&mut studio, ServersRequest::Search);
    assert!(matches!(&studio.servers.found, Found::Failed(why) if why.contains("yesterday")));
    answer(&mut studio, ServersRequest::Edit);
    let form = ServerForm { user: "me".into(), ..studio.servers.form.clone().unwrap() };
    answer(&mut studio, ServersRequest::Form(Box::new(form)));
    answer(&mut studio, ServersRequest::KeepForm);
    settle(&mut studio);
    assert!(matches!(studio.servers.found, Found::Nothing));
    // Without a keyring the password is asked for, and a file that was made to be sent goes when none is given.
    let made = folder.path().join("made");
    std::fs::create_dir(&made).unwrap();
    asking::begin(&mut studio, Deed::Send(made.join("segmentation.dcm"), true));
    assert!(studio.servers.asking.is_some() && made.is_dir());
    answer(&mut studio, ServersRequest::NoPassword);
    assert!(studio.servers.asking.is_none() && !made.exists());
}

#[test]
fn a_password_is_kept_only_when_its_own_server_has_accepted_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut studio = opened(folder.path().join("servers.json"));
    add(&mut studio, "A");
    add(&mut studio, "B");
    let account = |user: &str| crate::remote::credentials::Account { url: "http://x".into(), user: user.into() };
    studio.servers.to_keep = Some(account("me"));
    for other in [None, Some(account("somebody"))] {
        asking::accepted(&mut studio, other.as_ref());
        assert_eq!(studio.servers.to_keep, Some(account("me")));
    }
    answer(&mut studio, ServersRequest::Choose(0));
    assert_eq!(studio.servers.to_keep, None);
}

#[test]
fn the_late_end_of_an_older_search_does_not_end_the_wait_for_the_newer_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut studio = opened(folder.path().join("servers.json"));
    // A server that takes calls and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/dicom-web", silent.local_addr().unwrap());
    let address = crate::remote::Address::parse(&address).unwrap();
    let server = crate::remote::Server { name: "A".into(), address };
    studio.servers.known.servers.push(server);
    studio.servers.chosen = Some(0);
    answer(&mut studio, ServersRequest::Search);
    answer(&mut studio, ServersRequest::Search);
    let begun = std::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_millis(600) {
        studio.tasks.drain().into_iter().for_each(|deed| deed(&mut studio));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(matches!(studio.servers.found, Found::Waiting), "{:?}", studio.servers.found);
    studio.tasks.stop(RemoteFindJob::KIND);
    settle(&mut studio);
}

#[test]
fn a_segmentation_that_may_have_arrived_is_kept_to_be_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made");
    std::fs::create_dir(&made).unwrap();
    let path = made.join("segmentation.dcm");
    // A name, a kind and a layout are an object.
    let element = |[group, element]: [u16; 2], text: &str| {
        let length = u16::try_from(text.len()).unwrap().to_le_bytes();
        [&group.to_le_bytes()[..], &element.to_le_bytes(), b"UI", &length, text.as_bytes()].concat()
    };
    let layout = element([2, 0x10], "1.2.840.10008.1.2.1\0");
    let names = [element([8, 0x16], "1.2.840.10008.5.1.4.1.1.66.4"), element([8, 0x18], "1.23")].concat();
    std::fs::write(&path, [&[0; 128][..], b"DICM", &layout, &names].concat()).unwrap();
    let mut studio = opened(folder.path().join("servers.json"));
    add(&mut studio, "A");
    let content = content();
    studio.servers.made = Some(Made { path: path.clone(), content: content.clone() });
    asking::begin(&mut studio, Deed::Send(path.clone(), true));
    settle(&mut studio);
    assert!(studio.servers.said.as_ref().unwrap().is_error);
    assert!(path.is_file() && studio.servers.made.as_ref().unwrap().content.is_that_of(&content));
    // Nobody can send it any more.
    drop(studio);
    assert!(!made.exists());
}

fn content() -> Content {
    let grid = crate::volume::Geometry::new([40, 3, 2], crate::volume::Affine::IDENTITY).unwrap();
    let labels = crate::volume::LabelMap::from_fn(grid, |[i, ..]| u16::from(i == 35));
    Content { labels, annotations: crate::volume::Annotations::default(), source: None, send_as: SendAs::default() }
}

#[test]
fn a_file_is_sent_again_only_for_what_it_holds() {
    let content = content();
    assert!(content.clone().is_that_of(&content));
    let mut other = content.clone();
    other.labels.set([35, 0, 0], 0);
    assert!(!other.is_that_of(&content));
    let mut named = content.clone();
    named.annotations.table.cover([1]);
    assert!(!named.is_that_of(&content));
    assert!(!Content { send_as: SendAs::Structures, ..content.clone() }.is_that_of(&content));
}
