//! A process that is killed while it edits and saves: what it had done comes back, but for the stroke in progress, and its document opens.
//!
//! The test starts itself as a child, which edits by a script and says what is on disk. `LAMELLA_KILLS` says how often it is killed.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_possible_truncation, reason = "what tests make fits")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lamella::app::state::journaling::{JournalWriter, Report};
use lamella::session::{
    Command, Edit, KeptScan, PaintRules, Painter, ScanPlace, SegmentationId, Session, key, read_document,
    replay_journal, write_document,
};
use lamella::volume::{Affine, Geometry, Label, LabelMap, LabelTable, Plane, Rescale, SliceState, Volume, Voxels};
use lamella::work::Watch;

/// Where the child writes; the test is a child where it is set.
const FOLDER: &str = "LAMELLA_CRASH_FOLDER";
const SEED: &str = "LAMELLA_CRASH_SEED";
const SIDE: usize = 72;
/// Steps between two saves of the document.
const SAVE_EVERY: usize = 9;
/// Steps between two times that the journal is made smaller.
const COMPACT_EVERY: usize = 13;

/// `SplitMix64` (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

/// A script of edits that is the same for the same seed.
struct Script {
    random: Random,
    session: Session,
    of: [SegmentationId; 2],
}

impl Script {
    fn new(seed: u64) -> Self {
        let geometry = Geometry::new([SIDE; 3], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(Arc::new(vec![0; SIDE.pow(3)]));
        let volume = Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "head".into()));
        let mut session = Session::default();
        session.keep_entries();
        let of = [1, 2].map(|n| {
            let (scan, of) = session.add_scan(volume.clone());
            session.set_place(scan, ScanPlace { path: format!("/data/{n}.nii").into(), id: format!("{n}.nii") });
            of
        });
        Self { random: Random(seed), session, of }
    }

    /// One step: it says its number by the name of the second segmentation.
    fn step(&mut self, number: usize) {
        let Self { random, session, of } = self;
        let which = of[random.below(2)];
        match random.below(10) {
            0 => drop(session.undo()),
            1 => drop(session.redo()),
            2 => {
                let table = LabelTable(vec![Label::new(1, format!("Label of step {number}"))]);
                session.apply(Command::by_hand("Label", vec![Edit::Table(which, table)])).unwrap();
            }
            _ => {
                let mut painter = Painter::new(session.document(), which, &PaintRules::default()).unwrap();
                let centre = [0, 1, 2].map(|_| random.below(SIDE));
                let radius = 2 + random.below(8);
                let near = |axis: usize| centre[axis].saturating_sub(radius)..SIDE.min(centre[axis] + radius);
                let voxels: Vec<[usize; 3]> =
                    near(2).flat_map(|k| near(1).flat_map(move |j| near(0).map(move |i| [i, j, k]))).collect();
                painter.fill(&voxels, random.below(4) as u16);
                let states = vec![(key(Plane::Axial, centre[2]), SliceState::Corrected)];
                let edits = vec![Edit::Labels(painter.finish()), Edit::States(which, states)];
                session.apply(Command::by_hand("Brush", edits)).unwrap();
            }
        }
    }
}

fn journal_in(folder: &Path) -> PathBuf {
    folder.join("a.journal")
}

fn document_in(folder: &Path) -> PathBuf {
    folder.join("a.lamella")
}

/// The child: it edits until it is killed, and says what is on disk.
fn edit_until_killed(folder: &Path, seed: u64) {
    let mut script = Script::new(seed);
    let mut writer = JournalWriter::start(journal_in(folder), Arc::new(|| {})).unwrap();
    let say = |what: &str, number: usize| {
        let mut out = std::io::stdout();
        writeln!(out, "{what} {number}").and_then(|()| out.flush()).unwrap();
    };
    for number in 0..100_000 {
        if number > 0 {
            script.step(number);
        }
        writer.entries(script.session.take_entries());
        for report in writer.wait(Duration::from_mins(1)) {
            assert!(!matches!(report, Report::Failed(_)), "{report:?}");
        }
        say("did", number);
        if number % COMPACT_EVERY == 5 {
            writer.compact(script.session.document().clone());
        }
        if number % SAVE_EVERY == 0 {
            write_document(&document_in(folder), script.session.document(), Watch::unwatched()).unwrap();
            say("saved", number);
        }
    }
}

/// What the child had said when it was killed.
struct Said {
    did: Option<usize>,
    saved: Option<usize>,
}

fn killed_after(folder: &Path, seed: u64, delay: Duration) -> Said {
    let mut child = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_process_loses_at_most_the_stroke_in_progress", "--nocapture"])
        .env(FOLDER, folder)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        let mut said = Said { did: None, saved: None };
        for line in out.lines().map_while(Result::ok) {
            // The line of the test harness may stand before the first word.
            let Some((what, number)) = line.rsplit_once(' ').and_then(|(a, b)| Some((a, b.parse().ok()?))) else {
                continue;
            };
            match what.rsplit(' ').next() {
                Some("did") => said.did = Some(number),
                Some("saved") => said.saved = Some(number),
                _ => {}
            }
        }
        said
    });
    std::thread::sleep(delay);
    // `kill` is SIGKILL.
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "it did not end by itself: {status}");
    reader.join().unwrap()
}

fn labels_of(session: &Session, of: SegmentationId) -> LabelMap {
    session.document().segmentation(of).unwrap().labels().clone()
}

/// Whether a document holds what the script had after a step.
fn is_document_of(script: &Script, path: &Path) -> bool {
    let scans = read_document(path, Watch::unwatched()).unwrap();
    assert_eq!(scans.len(), 2);
    scans.iter().zip(script.of).all(|(scan, of)| {
        let own = script.session.document().segmentation(of).unwrap();
        let kept = &scan.segmentations[0];
        kept.labels.same_labels(own.labels()) && kept.table == *own.table()
    })
}

/// Kills a child once; what came back of its steps.
fn kill_once(seed: u64, delay: Duration) -> Option<usize> {
    let folder = tempfile::tempdir().unwrap();
    let Said { did, saved } = killed_after(folder.path(), seed, delay);
    let Some(did) = did else {
        // It was killed before its first step was done; there may be no journal.
        assert_eq!(saved, None);
        return None;
    };
    let (replay, _) = replay_journal(&journal_in(folder.path())).unwrap();
    assert_eq!(replay.problem(), None, "seed {seed}");
    let mut script = Script::new(seed);
    let mut number = 0;
    let mut is_found = false;
    let mut last_document = None;
    // All that was said is there, and at most one step more. A document may have been saved that was not said yet.
    while number <= did + 1 {
        if number > 0 {
            script.step(number);
        }
        is_found |= number >= did && replay.difference(script.session.document()).is_none();
        let may_be_saved = number % SAVE_EVERY == 0 && saved.is_none_or(|saved| number >= saved) && number <= did;
        if may_be_saved && document_in(folder.path()).exists() && is_document_of(&script, &document_in(folder.path())) {
            last_document = Some(number);
        }
        number += 1;
    }
    assert!(is_found, "seed {seed}: step {did} was done, and what came back is neither it nor the next");
    if let Some(saved) = saved {
        assert!(last_document.is_some_and(|last| last >= saved), "seed {seed}: saved {saved}, found {last_document:?}");
    }
    assert!(labels_of(&script.session, script.of[0]).geometry().shape() == [SIDE; 3]);
    // The next process takes the journal up, whatever was left beside it.
    let (file, again, _) = lamella::session::JournalFile::take_up(&journal_in(folder.path())).unwrap();
    assert_eq!(again.entries(), replay.entries());
    file.remove().unwrap();
    Some(did)
}

#[test]
fn a_killed_process_loses_at_most_the_stroke_in_progress() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let seed = std::env::var(SEED).unwrap().parse().unwrap();
        return edit_until_killed(Path::new(&folder), seed);
    }
    let kills: u64 = std::env::var("LAMELLA_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let mut random = Random(kills);
    let mut steps = Vec::new();
    for seed in 0..kills {
        steps.extend(kill_once(seed, Duration::from_micros(3_000 + random.below(250_000) as u64)));
    }
    let (most, all): (usize, usize) = (steps.iter().copied().max().unwrap_or(0), steps.iter().sum());
    println!(
        "crash: {kills} kills, {} after the first step, {all} steps done, {most} at most; none of them lost",
        steps.len()
    );
    assert!(steps.len() as u64 * 10 > kills * 7, "most children had something to lose: {}", steps.len());
}

/// A folder on a disk of this many kilobytes, for which a child asks the system; the test is a child where it is set.
const SMALL_DISK: &str = "LAMELLA_SMALL_DISK";
const SMALL_DISK_KB: usize = 512;

/// Runs a test of this file as a child for which the folder is a small disk of its own; `false` where the system gives none.
fn on_a_small_disk(test: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size={SMALL_DISK_KB}k small \"${SMALL_DISK}\"");
    let in_own_space = |script: &str| {
        let mut child = Process::new("unshare");
        child.args(["-rm", "sh", "-c", script]).arg(std::env::current_exe().unwrap()).env(SMALL_DISK, folder.path());
        child.output()
    };
    if !in_own_space(&mount).is_ok_and(|output| output.status.success()) {
        return false;
    }
    let output = in_own_space(&format!("{mount} && exec \"$0\" --exact {test} --nocapture")).unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    print!("{out}");
    true
}

/// Fills the disk of a folder but for so many bytes.
fn fill_disk(folder: &Path, but: u64) -> PathBuf {
    let path = folder.join("ballast");
    let mut file = std::fs::File::create(&path).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    let length = file.metadata().unwrap().len();
    file.set_len(length - but).unwrap();
    path
}

fn replayed(folder: &Path) -> lamella::session::Replay {
    replay_journal(&journal_in(folder)).unwrap().0
}

/// The child on a small disk: it edits until the disk is full, saves in vain, and goes on once there is room.
fn edit_on_a_full_disk(folder: &Path) {
    let mut script = Script::new(5);
    let mut writer = JournalWriter::start(journal_in(folder), Arc::new(|| {})).unwrap();
    let mut tell = |script: &mut Script| {
        writer.entries(script.session.take_entries());
        writer.wait(Duration::from_mins(1))
    };
    assert!(matches!(tell(&mut script)[..], [Report::Written(_)]));
    write_document(&document_in(folder), script.session.document(), Watch::unwatched()).unwrap();
    let saved = read_document(&document_in(folder), Watch::unwatched()).unwrap();
    let ballast = fill_disk(folder, 64 * 1024);
    let mut last = script.session.document().clone();
    let mut steps = 0;
    let why = loop {
        steps += 1;
        script.step(steps);
        match &tell(&mut script)[..] {
            [Report::Written(_)] => last = script.session.document().clone(),
            [Report::Failed(why)] => break why.clone(),
            other => panic!("step {steps}: {other:?}"),
        }
    };
    println!("full disk: after {steps} steps: {why}");
    assert!(steps > 10 && why.contains("space"), "{steps}: {why}");
    assert_eq!(replayed(folder).difference(&last), None, "all that was written is there");
    // What follows is not written behind a gap.
    script.step(steps + 1);
    assert!(matches!(tell(&mut script)[..], [Report::Behind]));
    assert_eq!(replayed(folder).difference(&last), None);
    // The document that is there stays as it is, and nothing lies beside it.
    let error = write_document(&document_in(folder), script.session.document(), Watch::unwatched()).unwrap_err();
    assert!(error.to_string().contains("space"), "{error}");
    let kept = read_document(&document_in(folder), Watch::unwatched()).unwrap();
    let is_same = |(a, b): (&KeptScan, &KeptScan)| a.segmentations[0].labels.same_labels(&b.segmentations[0].labels);
    assert!(kept.len() == 2 && kept.iter().zip(&saved).all(is_same));
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".a.journal.lamella-claim", "a.journal", "a.lamella", "ballast"]);
    // There is room again.
    std::fs::remove_file(ballast).unwrap();
    writer.afresh(script.session.document().clone());
    assert!(matches!(writer.wait(Duration::from_mins(1))[..], [Report::Written(_)]));
    assert_eq!(replayed(folder).difference(script.session.document()), None);
    write_document(&document_in(folder), script.session.document(), Watch::unwatched()).unwrap();
    assert!(is_document_of(&script, &document_in(folder)));
}

#[test]
fn a_full_disk_loses_nothing_that_was_kept() {
    if let Some(folder) = std::env::var_os(SMALL_DISK) {
        return edit_on_a_full_disk(Path::new(&folder));
    }
    if !on_a_small_disk("a_full_disk_loses_nothing_that_was_kept") {
        eprintln!("skipped: this system mounts no small disk for a test");
    }
}
