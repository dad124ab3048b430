//! Reading and writing documents, and holding on to them so that no other process writes them meanwhile.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::disk::{Claim, ClaimError, follow_links};
use crate::session::{Document, DocumentError, KeptScan, WrittenDocument, read_document, write_document};

/// Opens a document.
pub struct OpenDocumentJob {
    /// Where.
    pub path: PathBuf,
}

/// A document that was read.
pub struct OpenedDocument {
    /// Its scans.
    pub scans: Vec<KeptScan>,
    /// That this process alone writes it, or why that cannot be.
    pub claim: Result<Claim, ClaimError>,
}

impl Job for OpenDocumentJob {
    type Output = OpenedDocument;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "open-document", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Opening {}", file_name(&self.path))
    }

    fn run(self, work: &Work<()>) -> Result<OpenedDocument, JobError> {
        let path = self.path;
        // It is claimed first, so that what is read is what is there when it is written.
        let claim = Claim::take(&path, Duration::ZERO);
        // As it is written: what lies beside it, or in it, is found from where it is, not from a link to it.
        let whole = follow_links(&path).unwrap_or_else(|_| path.clone());
        let scans = read_document(&whole, work.watch.stage("Opening"));
        let scans = scans.map_err(|error| failed(error, &format!("{} cannot be opened", path.display())))?;
        Ok(OpenedDocument { scans, claim })
    }
}

/// Writes all that is open as a document.
pub struct SaveDocumentJob {
    /// Where to.
    pub path: PathBuf,
    /// What is open.
    pub document: Document,
    /// That this process alone writes it, where that is so already; whoever has the document open keeps it too.
    pub claim: Option<Arc<Claim>>,
}

/// What came of it.
pub struct SavedDocument {
    /// That this process alone writes it from now on; none where the file system knows nothing of the kind.
    pub claim: Option<Arc<Claim>>,
    /// What is on disk, where it is.
    pub result: Result<WrittenDocument, JobError>,
}

impl Job for SaveDocumentJob {
    type Output = SavedDocument;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-document", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Saving {}", file_name(&self.path))
    }

    fn run(self, work: &Work<()>) -> Result<SavedDocument, JobError> {
        let Self { path, document, claim } = self;
        let what = format!("{} was not saved", path.display());
        let claim = match claim.map_or_else(|| Claim::take(&path, Duration::from_millis(200)).map(Arc::new), Ok) {
            Ok(claim) => claim,
            Err(ClaimError::Held { .. }) => {
                let text = format!("{what}: it is open in another window. Save under another name, or close it there.");
                return Ok(SavedDocument { claim: None, result: Err(JobError::Other(text)) });
            }
            Err(ClaimError::Disk(error)) => {
                return Ok(SavedDocument { claim: None, result: Err(JobError::Other(format!("{what}: {error}"))) });
            }
        };
        let written = follow_links(&path).map_err(DocumentError::from);
        let written = written.and_then(|path| write_document(&path, &document, work.watch.stage("Saving")));
        Ok(SavedDocument { claim: Some(claim), result: written.map_err(|error| failed(error, &what)) })
    }
}

fn failed(error: DocumentError, what: &str) -> JobError {
    match error {
        DocumentError::Stopped(stopped) => JobError::Stopped(stopped),
        other => JobError::Other(format!("{what}: {other}")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(unix)]
    fn a_link_to_a_document_is_followed_when_it_is_written_and_when_it_is_opened() {
        use super::*;
        use crate::jobs::run_here;
        use crate::session::Session;
        use crate::volume::{Affine, Geometry, Rescale, Volume, Voxels};
        use crate::work::Signal;

        let folder = tempfile::tempdir().unwrap();
        let [path, link] = ["a.lamella", "link.lamella"].map(|name| folder.path().join(name));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let geometry = Geometry::new([2, 2, 2], Affine::IDENTITY).unwrap();
        let volume = Volume::new(geometry, Voxels::U8(Arc::new(vec![1; 8])), vec![], Rescale::IDENTITY, "CT".into());
        let mut session = Session::default();
        session.add_scan(Arc::new(volume));
        session.set_keeps_scans(true);
        let job = SaveDocumentJob { path: link.clone(), document: session.document().clone(), claim: None };
        let written = run_here(job, &Signal::default(), &|_| {}).unwrap().result.unwrap();
        let [(_, place)] = &written.copies[..] else { panic!("one scan: {written:?}") };
        assert_eq!((&written.path, &place.path), (&path, &path));
        let opened = run_here(OpenDocumentJob { path: link }, &Signal::default(), &|_| {}).unwrap();
        assert_eq!(opened.scans[0].reference.copy.as_ref(), Some(place));
    }
}
