//! The thread that writes the journal. It begins the file when there is something to write.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::disk::LogError;
use crate::session::{Document, Entry, JournalDraft, JournalFile};

/// What the thread is told.
enum Message {
    /// This happened.
    Entries(Vec<Entry>),
    /// Begin anew with the document as it is: something before it could not be written.
    Afresh(Box<Document>),
    /// Make the file smaller: it begins with the document as it is.
    Compact(Box<Document>),
    /// The smaller file is written, but for what happened meanwhile.
    Drafted(u64, std::io::Result<JournalDraft>),
    /// End; where nothing in the file is needed any more it goes too.
    End { removes: bool },
}

/// What the thread has to say, once for each thing that it was told.
#[derive(Debug)]
pub enum Report {
    /// It is on disk; so many bytes the file has.
    Written(u64),
    /// The file begins with the document, and has so many bytes.
    Compacted(u64),
    /// It could not be written, and neither can what follows until the file begins anew.
    Failed(String),
    /// Nothing was written, because something before it could not be.
    Behind,
}

/// Writes a journal on a thread of its own.
#[derive(Debug)]
pub struct JournalWriter {
    to: Sender<Message>,
    from: Receiver<Report>,
    thread: Option<JoinHandle<()>>,
    sent: u64,
    done: u64,
}

impl JournalWriter {
    /// A writer of a journal that there is not yet. `wake` is called when something was written.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn start(path: PathBuf, wake: Arc<dyn Fn() + Send + Sync>) -> std::io::Result<Self> {
        let (to, inbox) = channel();
        let (reports, from) = channel();
        let own = to.clone();
        let thread = std::thread::Builder::new().name("journal".into()).spawn(move || {
            let mut worker = Worker { path, file: None, is_behind: false, since: None, drafts: 0, own };
            while let Ok(message) = inbox.recv() {
                match worker.take(message) {
                    Next::Go(report) => {
                        // Whoever held the session may be gone; what was written stays.
                        let _ = reports.send(report);
                        wake();
                    }
                    Next::Quiet => {}
                    Next::End => return,
                }
            }
        })?;
        Ok(Self { to, from, thread: Some(thread), sent: 0, done: 0 })
    }

    /// Writes what happened.
    pub fn entries(&mut self, entries: Vec<Entry>) {
        self.send(Message::Entries(entries));
    }

    /// Begins the file anew.
    pub fn afresh(&mut self, document: Document) {
        self.send(Message::Afresh(Box::new(document)));
    }

    /// Makes the file smaller while what happens is still written to it. `document` is as all that was sent so far made it.
    pub fn compact(&mut self, document: Document) {
        // It is reported once it is done, like all that was sent, but nobody waits for it.
        let _ = self.to.send(Message::Compact(Box::new(document)));
    }

    fn send(&mut self, message: Message) {
        // Where the thread has ended there is no report, and waiting ends at once.
        if self.to.send(message).is_ok() {
            self.sent += 1;
        }
    }

    /// Whether all that was sent is done with.
    pub fn is_done(&self) -> bool {
        self.done == self.sent
    }

    /// Waits so long at most until all that was sent is on disk, and gives what was reported.
    pub fn wait(&mut self, most: Duration) -> Vec<Report> {
        let until = Instant::now() + most;
        let mut reports = Vec::new();
        loop {
            let report = if self.is_done() {
                self.from.try_recv().ok()
            } else {
                self.from.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
            };
            let Some(report) = report else { return reports };
            self.done += u64::from(!matches!(report, Report::Compacted(_)));
            reports.push(report);
        }
    }

    /// Writes what was sent and ends; where nothing of it is needed any more the file goes.
    pub fn end(mut self, removes: bool) {
        let _ = self.to.send(Message::End { removes });
        self.join();
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // It ends by itself, and a panic of it was printed.
            let _ = thread.join();
        }
    }
}

impl Drop for JournalWriter {
    fn drop(&mut self) {
        let _ = self.to.send(Message::End { removes: false });
        self.join();
    }
}

/// What is on the thread.
struct Worker {
    path: PathBuf,
    file: Option<JournalFile>,
    is_behind: bool,
    /// What happened since the last smaller file was begun.
    since: Option<Vec<Entry>>,
    /// How many were begun: one that is out of date is not used.
    drafts: u64,
    own: Sender<Message>,
}

/// How it goes on.
enum Next {
    Go(Report),
    Quiet,
    End,
}

impl Worker {
    fn take(&mut self, message: Message) -> Next {
        let result = match message {
            Message::Entries(_) if self.is_behind => return Next::Go(Report::Behind),
            Message::Entries(entries) => self.append(&entries).map(Report::Written),
            Message::Afresh(document) => self.afresh(&document).map(Report::Written),
            Message::Compact(document) => return self.begin_draft(*document),
            Message::Drafted(number, draft) => return Next::Go(self.replace(number, draft)),
            Message::End { removes } => {
                if removes && let Some(file) = self.file.take() {
                    // What is left has nothing unsaved in it, and the next start removes it.
                    let _ = file.remove();
                }
                return Next::End;
            }
        };
        Next::Go(result.unwrap_or_else(|error| {
            self.is_behind = true;
            Report::Failed(error.to_string())
        }))
    }

    fn file(&mut self) -> Result<&mut JournalFile, LogError> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => {
                if let Some(folder) = self.path.parent() {
                    crate::disk::create_private_folder(folder)?;
                }
                Ok(none.insert(JournalFile::create(&self.path)?))
            }
        }
    }

    fn append(&mut self, entries: &[Entry]) -> Result<u64, LogError> {
        let file = self.file()?;
        file.append(entries)?;
        let bytes = file.byte_count();
        self.since.iter_mut().for_each(|since| since.extend(entries.iter().cloned()));
        Ok(bytes)
    }

    fn afresh(&mut self, document: &Document) -> Result<u64, LogError> {
        // A draft that is under way lacks what could not be written.
        self.since = None;
        let file = self.file()?;
        file.replace(JournalFile::draft(file.path(), document)?, &[])?;
        let bytes = file.byte_count();
        self.is_behind = false;
        Ok(bytes)
    }

    /// Writes the draft on another thread, so that what happens meanwhile does not wait.
    fn begin_draft(&mut self, document: Document) -> Next {
        self.since = Some(Vec::new());
        self.drafts += 1;
        let (number, path, own) = (self.drafts, self.path.clone(), self.own.clone());
        std::thread::spawn(move || {
            // Nobody waits for it where the window was closed.
            let _ = own.send(Message::Drafted(number, JournalFile::draft(&path, &document)));
        });
        Next::Quiet
    }

    fn replace(&mut self, number: u64, draft: std::io::Result<JournalDraft>) -> Report {
        if number != self.drafts {
            // Another was begun since, and what happened before that is not kept for this one.
            return Report::Compacted(self.file.as_ref().map_or(0, JournalFile::byte_count));
        }
        let (Some(since), Some(file)) = (self.since.take(), &mut self.file) else { return Report::Compacted(0) };
        // Where it fails the longer file is as good; it is tried again when that has grown further.
        let _ = draft.and_then(|draft| file.replace(draft, &since));
        Report::Compacted(file.byte_count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Command, Edit, PaintRules, Painter, SegmentationId, Session, replay_journal};
    use crate::volume::{Affine, Geometry, Rescale, Volume, Voxels};

    const LONG: Duration = Duration::from_secs(20);

    fn session() -> (Session, SegmentationId) {
        let geometry = Geometry::new([64, 64, 8], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(Arc::new(vec![0; 64 * 64 * 8]));
        let mut session = Session::default();
        session.keep_entries();
        let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "head".into());
        let (_, of) = session.add_scan(Arc::new(volume));
        (session, of)
    }

    fn stroke(session: &mut Session, of: SegmentationId, n: usize) -> Vec<Entry> {
        let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
        painter.fill(&[[n % 64, n / 64, 3]], 1);
        session.apply(Command::by_hand("Brush", vec![Edit::Labels(painter.finish())])).unwrap();
        session.take_entries()
    }

    fn failures(reports: &[Report]) -> Vec<&str> {
        reports.iter().filter_map(|r| if let Report::Failed(text) = r { Some(text.as_str()) } else { None }).collect()
    }

    #[test]
    fn what_happens_while_the_file_is_made_smaller_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journals/a.journal");
        let (mut session, of) = session();
        let mut writer = JournalWriter::start(path.clone(), Arc::new(|| {})).unwrap();
        for n in 0..600 {
            let entries = stroke(&mut session, of, n);
            writer.entries(entries);
            // Also while the last one is still being made smaller.
            if n % 5 == 2 {
                writer.compact(session.document().clone());
            }
            let reports = writer.wait(LONG);
            assert!(writer.is_done() && failures(&reports).is_empty(), "{reports:?}");
            if n % 150 == 0 {
                assert_eq!(replay_journal(&path).unwrap().0.difference(session.document()), None, "stroke {n}");
            }
        }
        assert_eq!(replay_journal(&path).unwrap().0.difference(session.document()), None);
        writer.end(true);
        assert_eq!(std::fs::read_dir(folder.path().join("journals")).unwrap().count(), 0, "a clean end leaves nothing");
    }

    #[test]
    fn after_a_failure_the_journal_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journals/a.journal");
        std::fs::write(folder.path().join("journals"), b"in the way").unwrap();
        let (mut session, of) = session();
        let mut writer = JournalWriter::start(path.clone(), Arc::new(|| {})).unwrap();
        writer.entries(stroke(&mut session, of, 1));
        assert_eq!(failures(&writer.wait(LONG)).len(), 1);
        writer.entries(stroke(&mut session, of, 2));
        assert!(matches!(writer.wait(LONG)[..], [Report::Behind]), "told once");
        std::fs::remove_file(folder.path().join("journals")).unwrap();
        writer.afresh(session.document().clone());
        writer.entries(stroke(&mut session, of, 3));
        assert!(failures(&writer.wait(LONG)).is_empty());
        assert_eq!(replay_journal(&path).unwrap().0.difference(session.document()), None);
        drop(writer);
        assert!(path.exists(), "without a word it stays");
    }
}
