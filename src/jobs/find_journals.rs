//! Looking for journals that processes left which are gone.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::disk::LogError;
use crate::session::{JournalFile, KeptScan, ScanId, is_journal};
use crate::volume::LabelCounts;

/// Looks through the folder of journals.
pub struct FindJournalsJob {
    /// The folder; it need not exist.
    pub folder: PathBuf,
}

/// A journal with unsaved work, which this process has taken up.
#[derive(Debug)]
pub struct LeftJournal {
    /// The file; nobody else offers it meanwhile.
    pub file: JournalFile,
    /// Scans with unsaved work.
    pub scans: Vec<LeftScan>,
    /// When it was written last.
    pub when: Option<SystemTime>,
}

/// A scan with unsaved work.
#[derive(Debug, Clone)]
pub struct LeftScan {
    /// Its number in the journal.
    pub scan: ScanId,
    /// The work.
    pub kept: KeptScan,
    /// Labels with voxels, and all their voxels.
    pub content: [usize; 2],
}

impl LeftScan {
    fn new((scan, kept): (ScanId, KeptScan)) -> Self {
        let counts: Vec<LabelCounts> = kept.segmentations.iter().map(|own| own.labels.voxel_counts()).collect();
        let content = [counts.iter().map(LabelCounts::len).sum(), counts.iter().flat_map(LabelCounts::values).sum()];
        Self { scan, kept, content }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct FoundJournals {
    /// Journals with unsaved work, the oldest first.
    pub journals: Vec<LeftJournal>,
    /// What the user must know of others.
    pub problems: Vec<String>,
}

impl Job for FindJournalsJob {
    type Output = FoundJournals;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "find-journals", is_kept_when_stopped: true };

    fn title(&self) -> String {
        "Looking for unsaved work".into()
    }

    fn run(self, work: &Work<()>) -> Result<FoundJournals, JobError> {
        let mut found = FoundJournals::default();
        let Ok(listing) = std::fs::read_dir(&self.folder) else { return Ok(found) };
        let mut paths: Vec<PathBuf> =
            listing.flatten().map(|entry| entry.path()).filter(|path| is_journal(path)).collect();
        paths.sort();
        for path in paths {
            work.watch.check()?;
            take_up(&path, &mut found);
        }
        Ok(found)
    }
}

fn take_up(path: &Path, found: &mut FoundJournals) {
    let when = std::fs::metadata(path).and_then(|facts| facts.modified()).ok();
    match JournalFile::take_up(path) {
        Ok((file, replay, _)) => {
            let scans: Vec<LeftScan> = replay.unsaved().into_iter().map(LeftScan::new).collect();
            if let Some(problem) = replay.problem() {
                found.problems.push(format!(
                    "A journal of unsaved work is damaged; what was done last is missing from what is offered ({}: {problem}).",
                    path.display()
                ));
            }
            if !scans.is_empty() {
                found.journals.push(LeftJournal { file, scans, when });
            } else if replay.problem().is_none() {
                // All of it was saved. What cannot be removed is looked at again next time.
                let _ = file.remove();
            }
        }
        // Its process is at work.
        Err(LogError::Held(_)) => {}
        // It was begun and nothing was written.
        Err(LogError::NoLog) if std::fs::metadata(path).is_ok_and(|facts| facts.len() < 16) => {
            let _ = std::fs::remove_file(path);
        }
        Err(error) => {
            found.problems.push(format!("A journal of unsaved work cannot be read: {error} ({}).", path.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::run_here;
    use crate::session::{Command, Edit, Session};
    use crate::volume::{Affine, Geometry, Label, LabelTable, Rescale, Volume, Voxels};
    use crate::work::Signal;
    use std::sync::Arc;

    fn journal(path: &Path, is_saved: bool) -> JournalFile {
        let voxels = Voxels::U8(Arc::new(vec![0; 8]));
        let geometry = Geometry::new([2, 2, 2], Affine::IDENTITY).unwrap();
        let mut session = Session::default();
        session.keep_entries();
        let (_, of) =
            session.add_scan(Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "head".into())));
        let table = LabelTable(vec![Label::new(1, "Liver")]);
        session.apply(Command::by_hand("Add label", vec![Edit::Table(of, table)])).unwrap();
        if is_saved {
            let revision = session.document().segmentation(of).unwrap().revision();
            session.mark_saved(of, revision);
        }
        let mut file = JournalFile::create(path).unwrap();
        file.append(&session.take_entries()).unwrap();
        file
    }

    #[test]
    fn only_journals_of_others_that_hold_unsaved_work_are_offered() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        drop(journal(&at("1.journal"), false));
        drop(journal(&at("2.journal"), true));
        let at_work = journal(&at("3.journal"), false);
        std::fs::write(at("4.journal"), b"").unwrap();
        std::fs::write(at("5.journal"), b"something that is no journal").unwrap();
        std::fs::write(at("6.txt"), b"").unwrap();
        let look = || run_here(FindJournalsJob { folder: folder.path().into() }, &Signal::default(), &|_| {}).unwrap();
        let found = look();
        let [LeftJournal { scans, when, .. }] = &found.journals[..] else { panic!("{found:?}") };
        assert_eq!((scans[0].kept.steps.clone(), when.is_some()), (vec!["Add label".to_string()], true));
        assert!(found.problems.len() == 1 && found.problems[0].contains("5.journal"), "{:?}", found.problems);
        assert!(!at("2.journal").exists() && !at("4.journal").exists() && at("3.journal").exists());
        assert!(look().journals.is_empty(), "who has taken it up offers it alone");
        drop((found, at_work));
        assert_eq!(look().journals.len(), 2);
        let none = FindJournalsJob { folder: at("none") };
        assert!(run_here(none, &Signal::default(), &|_| {}).unwrap().journals.is_empty());
    }
}
