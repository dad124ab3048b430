//! Keeping the journal: what was done is on disk before the next frame.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::app::state::journaling::{JournalWriter, Journaling, Report};
use crate::app::state::notices::Kind;
use crate::app::state::studio::Studio;

/// Most that a frame waits for the disk. Where it is slower the window goes on, and the writer catches up.
const MOST_WAIT: Duration = Duration::from_millis(16);
/// Until a journal that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// A journal that has more bytes than this, and than several times the document, is made smaller.
const LARGE_BYTES: u64 = 32 << 20;
const LARGE_TIMES: u64 = 4;
/// What is said once when it cannot be written.
const FAILURE: &str = "The journal cannot be written, so a crash would lose what you do now. Your work goes on; save it often. \
                       Lamella tries again by itself.";

/// Begins to keep a journal in a folder. Its file is made when there is something to write.
pub fn start(studio: &mut Studio, folder: PathBuf, wake: std::sync::Arc<dyn Fn() + Send + Sync>) {
    // A process number may come again: the time tells them apart.
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let path = folder.join(format!("{}-{}.journal", since.as_millis(), std::process::id()));
    studio.session.keep_entries();
    let writer = match JournalWriter::start(path, wake) {
        Ok(writer) => Some(writer),
        Err(error) => {
            tell_failure(studio, &error.to_string());
            None
        }
    };
    studio.journaling = Journaling { writer, folder, ..Journaling::default() };
}

/// Writes what was done since the last call, and waits for it as long as a frame may take.
pub fn keep(studio: &mut Studio) {
    let entries = studio.session.take_entries();
    let Journaling { writer: Some(writer), behind_since, is_beginning, smallest_bytes, is_compacting, .. } =
        &mut studio.journaling
    else {
        return;
    };
    match behind_since {
        // Nothing can be written behind a gap: it begins anew with all that is there.
        Some(since) if !*is_beginning && since.elapsed() >= RETRY => {
            (*since, *is_beginning) = (Instant::now(), true);
            writer.afresh(studio.session.document().clone());
        }
        Some(_) if !*is_beginning => {}
        // Where it cannot begin anew the writer leaves out what comes behind that.
        _ if !entries.is_empty() => writer.entries(entries),
        _ => {}
    }
    let (mut failure, mut is_again) = (None, false);
    let mut bytes = 0;
    for report in writer.wait(MOST_WAIT) {
        match report {
            Report::Written(all) => {
                bytes = all;
                is_again |= behind_since.take().is_some();
                *is_beginning = false;
            }
            Report::Compacted(all) => (*smallest_bytes, *is_compacting) = (all, false),
            Report::Failed(error) => {
                failure = behind_since.is_none().then_some(error);
                behind_since.get_or_insert_with(Instant::now);
                *is_beginning = false;
            }
            Report::Behind => {}
        }
    }
    let is_large = bytes > LARGE_BYTES.max(*smallest_bytes * LARGE_TIMES);
    if is_large && behind_since.is_none() && !*is_compacting {
        *is_compacting = true;
        writer.compact(studio.session.document().clone());
    }
    if is_again {
        let at = studio.notices.all().iter().position(|notice| notice.text == FAILURE);
        at.into_iter().for_each(|at| studio.notices.dismiss(at));
        studio.notices.info("The journal is written again: a crash loses nothing.");
    }
    if let Some(error) = failure {
        tell_failure(studio, &error);
    }
}

/// The time until a journal that could not be written is tried again, if one waits for that.
pub fn next_look(studio: &Studio) -> Option<Duration> {
    let Journaling { writer, behind_since, is_beginning, .. } = &studio.journaling;
    let since = behind_since.filter(|_| writer.is_some() && !is_beginning)?;
    Some(RETRY.saturating_sub(since.elapsed()))
}

/// Tells once that a crash would lose work, until it could be written again.
fn tell_failure(studio: &mut Studio, error: &str) {
    let folder = studio.journaling.folder.display().to_string();
    studio.notices.push(Kind::Error, FAILURE, format!("{folder}\n{error}"));
}

/// The window ends: a journal with nothing unsaved in it, or of work that the user gives up, goes.
pub fn end(studio: &mut Studio) {
    keep(studio);
    let is_over = studio.is_closing || !studio.is_unsaved();
    if let Some(writer) = studio.journaling.writer.take() {
        writer.end(is_over);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::app::act::following;
    use crate::app::state::settings::Settings;
    use crate::session::{Command, Edit, PaintRules, Painter, SegmentationId, replay_journal};
    use crate::volume::{Affine, Geometry, Rescale, Volume, Voxels};

    fn stroke(studio: &mut Studio, of: SegmentationId, n: usize) {
        let mut painter = Painter::new(studio.session.document(), of, &PaintRules::default()).unwrap();
        painter.fill(&[[n, 1, 1]], 1);
        studio.session.apply(Command::by_hand("Brush", vec![Edit::Labels(painter.finish())])).unwrap();
        keep(studio);
    }

    fn wait_for(studio: &mut Studio, is_so: impl Fn(&Journaling) -> bool) {
        let began = Instant::now();
        while !is_so(&studio.journaling) {
            keep(studio);
            assert!(began.elapsed() < Duration::from_mins(1), "{:?}", studio.journaling);
        }
    }

    #[test]
    fn what_is_painted_while_the_journal_begins_anew_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let journals = folder.path().join("journals");
        std::fs::write(&journals, b"in the way").unwrap();
        let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
        // The writer waits behind each report while this is held.
        let gate = Arc::new(Mutex::new(()));
        let own = gate.clone();
        start(&mut studio, journals.clone(), Arc::new(move || drop(own.lock())));
        let geometry = Geometry::new([9, 3, 3], Affine::IDENTITY).unwrap();
        let volume = Volume::new(geometry, Voxels::U8(Arc::new(vec![0; 81])), vec![], Rescale::IDENTITY, "CT".into());
        let (_, of) = studio.session.add_scan(Arc::new(volume));
        assert_eq!(following::next_look(&studio), None);
        let held = gate.lock().unwrap();
        stroke(&mut studio, of, 0);
        wait_for(&mut studio, |own| own.behind_since.is_some());
        let next = following::next_look(&studio).unwrap();
        assert!(next <= RETRY, "it is tried again without an input: {next:?}");
        std::fs::remove_file(&journals).unwrap();
        studio.journaling.behind_since = Instant::now().checked_sub(RETRY);
        keep(&mut studio);
        assert!(studio.journaling.is_beginning && following::next_look(&studio).is_none());
        stroke(&mut studio, of, 1);
        stroke(&mut studio, of, 2);
        assert!(studio.journaling.behind_since.is_some(), "the writer has not answered");
        drop(held);
        wait_for(&mut studio, Journaling::is_up_to_date);
        stroke(&mut studio, of, 3);
        wait_for(&mut studio, Journaling::is_up_to_date);
        let files = std::fs::read_dir(&journals).unwrap().map(|file| file.unwrap().path());
        let path = files.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "journal")).unwrap();
        assert_eq!(replay_journal(&path).unwrap().0.difference(studio.session.document()), None);
    }
}
