//! The Servers window against a server within the test: a server is written down, tested and searched, a series is fetched and opens.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/made_dicom.rs"]
mod made_dicom;
#[path = "support/web_server.rs"]
mod web_server;
#[path = "support/window.rs"]
mod window;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use eframe::egui::{Key, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::state::paths::{Answer, Mode, Purpose};
use lamella::app::state::servers::{Found, SendAs, ServersRequest};
use web_server::{Archive, Reply, Seen, WebServer, json};
use window::*;

/// A series of small slices.
fn instances() -> Archive {
    let instances = (0_i32..6).map(|n| {
        let made = made_dicom::slice(i64::from(n) + 1, 2.0 * f64::from(n), 100);
        (format!("1.2.3.4.{}", n + 1), made.bytes())
    });
    Archive { study: "1.2.3.1".into(), series: "1.2.3.2".into(), instances: instances.collect() }
}

/// An archive for a user who logs in.
fn archive() -> WebServer {
    let archive = instances();
    // "me:sesame"
    let may = |seen: &Seen| seen.header("authorization") == Some("Basic bWU6c2VzYW1l");
    WebServer::start(move |seen| match (may(seen), seen.method.as_str()) {
        (false, _) => json(401, ""),
        (true, "POST") => json(200, ""),
        (true, _) => archive.answer(seen),
    })
}

fn is_instance(seen: &Seen) -> bool {
    seen.target.contains("/instances/")
}

/// An archive that lets those wait that ask for the last instance, the first time.
fn archive_that_waits() -> WebServer {
    let archive = instances();
    let asked = AtomicBool::new(false);
    WebServer::start(move |seen| {
        let reply = archive.answer(seen);
        let waits = seen.target.ends_with("/1.2.3.4.6") && !asked.swap(true, Ordering::Relaxed);
        if waits { Reply { wait: Duration::from_secs(20), ..reply } } else { reply }
    })
}

/// Types into a field.
fn fill_as(harness: &mut Window, role: Role, label: &str, text: &str) {
    harness.get_by_role_and_label(role, label).focus();
    harness.run_steps(2);
    harness.get_by_role_and_label(role, label).type_text(text);
    harness.run_steps(2);
}

fn fill(harness: &mut Window, label: &str, text: &str) {
    fill_as(harness, Role::TextInput, label, text);
}

fn click(harness: &mut Window, label: &str) {
    harness.get_by_label(label).click();
    harness.run_steps(3);
}

fn said(harness: &Window) -> String {
    harness.state().studio().servers.said.as_ref().map(|said| said.text.clone()).unwrap_or_default()
}

/// Waits until something is so.
fn wait(harness: &mut Window, what: &str, is_so: impl Fn(&Window) -> bool) {
    let begun = Instant::now();
    while !is_so(harness) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {}", said(harness));
        harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    harness.run_steps(3);
}

#[test]
fn a_server_is_added_tested_and_searched_and_its_series_opens() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let (server, folder) = (archive(), tempfile::tempdir().unwrap());
    let mut harness = small_window();
    harness.run_steps(2);
    harness.state_mut().request(Request::Run("file.servers"));
    harness.run_steps(3);
    picture(&mut harness, "servers-empty");
    click(&mut harness, "Add a server");
    fill(&mut harness, "Name", "Archive");
    fill(&mut harness, "Address", "archive");
    // What is typed is checked as it is typed.
    assert!(harness.query_by_label_contains("is no address").is_some());
    picture(&mut harness, "servers-form");
    harness.get_by_role_and_label(Role::TextInput, "Address").focus();
    harness.run_steps(1);
    for _ in 0..7 {
        harness.key_press(Key::Backspace);
    }
    harness.run_steps(2);
    fill(&mut harness, "Address", &server.url());
    fill(&mut harness, "User", "me");
    click(&mut harness, "Save server");
    assert_eq!(harness.state().studio().servers.known.servers.len(), 1);
    // A wrong password is asked for again, the right one is not.
    click(&mut harness, "Test server");
    wait(&mut harness, "asking", |window| window.state().studio().servers.asking.is_some());
    let field = format!("me at {}", server.url());
    fill_as(&mut harness, Role::PasswordInput, &field, "wrong");
    picture(&mut harness, "servers-password");
    click(&mut harness, "Log in");
    wait(&mut harness, "refused", |window| {
        window.state().studio().servers.asking.as_ref().is_some_and(|asking| asking.why.is_some())
    });
    assert!(harness.query_by_label_contains("user or the password is wrong").is_some());
    fill_as(&mut harness, Role::PasswordInput, &field, "sesame");
    click(&mut harness, "Log in");
    wait(&mut harness, "testing", |window| said(window).contains("answers"));
    // Search, unfold, pick.
    fill(&mut harness, "Patient ID", "P1");
    click(&mut harness, "Search");
    wait(&mut harness, "searching", |window| matches!(window.state().studio().servers.found, Found::Studies { .. }));
    harness.get_by_label_contains("Study A made study").click();
    harness.run_steps(2);
    wait(&mut harness, "listing", |window| window.query_by_label_contains("Series A made series").is_some());
    harness.get_by_label_contains("Series A made series").click();
    harness.run_steps(3);
    picture(&mut harness, "servers-found");
    // The folder is asked for once, and remembered.
    let purpose = Purpose::FetchInto { starts: true };
    harness.state_mut().request(Request::Answer(Answer {
        purpose,
        mode: Mode::Folder,
        path: Some(folder.path().into()),
    }));
    harness.step();
    wait(&mut harness, "fetching", |window| window.state().studio().shown.is_some());
    settle(&mut harness);
    let studio = harness.state().studio();
    assert!(!studio.servers.is_open);
    assert_eq!(studio.volume().unwrap().geometry.shape(), [4, 3, 6]);
    assert_eq!(studio.settings.fetch_folder, folder.path());
    assert_eq!(std::fs::read_dir(folder.path().join("1.2.3.2")).unwrap().count(), 6);
    // The password is in no text that the window or the settings hold.
    let settings = serde_json::to_string(&studio.settings).unwrap();
    assert!(!settings.contains("sesame") && !format!("{:?}", studio.servers).contains("sesame"));
    // A stroke goes back as a segmentation.
    task(&mut harness, ANNOTATE);
    harness.key_press(Key::Num4);
    harness.run_steps(2);
    drag_in_axial_view(&mut harness, eframe::egui::vec2(20.0, 0.0));
    assert!(!harness.state().labels().unwrap().counts().is_empty());
    harness.state_mut().request(Request::Run("file.servers"));
    harness.run_steps(3);
    click(&mut harness, "Send segmentation");
    wait(&mut harness, "sending", |window| said(window).contains("has the segmentation"));
    picture(&mut harness, "servers-sent");
    let sent = server.seen().into_iter().find(|seen| seen.method == "POST").unwrap();
    let holds = |part: &[u8]| sent.body.windows(part.len()).any(|bytes| bytes == part);
    // A segmentation object, which names the series that it was made on.
    assert!(holds(b"1.2.840.10008.5.1.4.1.1.66.4") && holds(b"1.2.3.2"));
    // And as contours.
    harness.state_mut().request(Request::Servers(ServersRequest::SendAs(SendAs::Structures)));
    harness.run_steps(2);
    click(&mut harness, "Send segmentation");
    let posts = |server: &WebServer| server.seen().into_iter().filter(|seen| seen.method == "POST").collect::<Vec<_>>();
    wait(&mut harness, "sending", |window| posts(&server).len() == 2 && said(window).contains("has the segmentation"));
    let contours = &posts(&server)[1].body;
    let class = b"1.2.840.10008.5.1.4.1.1.481.3";
    assert!(contours.windows(class.len()).any(|bytes| bytes == class), "no structure set was sent");
    harness.state_mut().request(Request::Run("window.theme"));
    harness.run_steps(3);
    picture(&mut harness, "servers-light");
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(!harness.state().studio().servers.is_open);
}

#[test]
fn a_fetch_that_is_stopped_leaves_no_series_and_is_gone_on_with() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let (server, folder) = (archive_that_waits(), tempfile::tempdir().unwrap());
    let mut harness = small_window();
    harness.run_steps(2);
    harness.state_mut().request(Request::Run("file.servers"));
    harness.run_steps(3);
    click(&mut harness, "Add server");
    fill(&mut harness, "Name", "Slow");
    fill(&mut harness, "Address", &server.url());
    click(&mut harness, "Save server");
    click(&mut harness, "Search");
    wait(&mut harness, "searching", |window| matches!(window.state().studio().servers.found, Found::Studies { .. }));
    harness.get_by_label_contains("Study A made study").click();
    harness.run_steps(2);
    wait(&mut harness, "listing", |window| window.query_by_label_contains("Series A made series").is_some());
    let purpose = Purpose::FetchInto { starts: true };
    let path = Some(folder.path().to_path_buf());
    harness.state_mut().request(Request::Answer(Answer { purpose, mode: Mode::Folder, path }));
    harness.run_steps(2);
    wait(&mut harness, "beginning", |_| server.seen().iter().filter(|seen| is_instance(seen)).count() > 4);
    picture(&mut harness, "servers-fetching");
    let begun = Instant::now();
    click(&mut harness, "Stop: Fetching from Slow");
    wait(&mut harness, "stopping", |window| window.state().studio().tasks.is_empty());
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(!folder.path().join("1.2.3.2").exists());
    assert!(harness.state().studio().shown.is_none());
    // What came is not fetched again.
    click(&mut harness, "Fetch study");
    wait(&mut harness, "fetching", |window| window.state().studio().shown.is_some());
    settle(&mut harness);
    let told = harness.state().messages().join("\n");
    assert!(told.contains("6 images came from Slow, ") && told.contains("fetched before"), "{told}");
}

#[test]
fn what_goes_wrong_is_said_and_a_removed_server_comes_back() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut harness = small_window();
    harness.run_steps(2);
    harness.state_mut().request(Request::Run("file.servers"));
    harness.run_steps(3);
    click(&mut harness, "Add server");
    fill(&mut harness, "Name", "Nobody");
    fill(&mut harness, "Address", &format!("http://127.0.0.1:{port}/dicom-web"));
    click(&mut harness, "Save server");
    click(&mut harness, "Search");
    wait(&mut harness, "searching", |window| matches!(window.state().studio().servers.found, Found::Failed(_)));
    assert!(harness.query_by_label_contains("nothing listens there").is_some());
    picture(&mut harness, "servers-failed");
    click(&mut harness, "Remove server");
    assert!(harness.state().studio().servers.known.servers.is_empty());
    click(&mut harness, "Bring back");
    assert_eq!(harness.state().studio().servers.known.servers[0].name, "Nobody");
    // Esc leaves the form first, then the window.
    click(&mut harness, "Edit server");
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(harness.state().studio().servers.form.is_none() && harness.state().studio().servers.is_open);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(!harness.state().studio().servers.is_open);
}

/// The smallest window that everything must fit into.
fn small_window() -> Window {
    egui_kittest::Harness::builder()
        .with_size(eframe::egui::Vec2::new(1280.0, 720.0))
        .wgpu()
        .build_eframe(|context| lamella::gui::App::ephemeral(context, Vec::new()))
}
