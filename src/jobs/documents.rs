//! Reading and writing documents, and holding on to them so that no other process writes them meanwhile.

use std::path::PathBuf;
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
        let scans = read_document(&path, work.watch.stage("Opening"));
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
    /// That this process alone writes it, where that is so already.
    pub claim: Option<Claim>,
}

/// What came of it.
pub struct SavedDocument {
    /// That this process alone writes it from now on; none where the file system knows nothing of the kind.
    pub claim: Option<Claim>,
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
        let claim = match claim.map_or_else(|| Claim::take(&path, Duration::from_millis(200)), Ok) {
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
