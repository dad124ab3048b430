//! Opening and saving `.lamella` documents: all that is open, in one file.

use std::path::{Path, PathBuf};

use super::{bringing, kept_overlay, saving};
use crate::app::state::bringing::BroughtFrom;
use crate::app::state::documents::OpenDocument;
use crate::app::state::notices::Kind;
use crate::app::state::paths::Purpose;
use crate::app::state::saving::file_name;
use crate::app::state::studio::Studio;
use crate::disk::ClaimError;
use crate::jobs::{Job, OpenDocumentJob, SaveDocumentJob, SavedDocument};
use crate::session::{DOCUMENT_ENDING, Revision, ScanId, SegmentationId, WrittenDocument};

/// Whether a path is called as a document is.
pub fn is_document_name(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().to_lowercase().ends_with(DOCUMENT_ENDING))
}

/// Opens a document: its scans are looked for, and its segmentations laid on them.
pub fn open(studio: &mut Studio, path: PathBuf) {
    if studio.document.as_ref().is_some_and(|own| own.path == path && own.claim.is_some()) {
        studio.notices.info(format!("{} is open already.", file_name(&path)));
        return;
    }
    studio.start(
        OpenDocumentJob { path: path.clone() },
        |_, ()| {},
        move |studio, result| {
            let Some(opened) = studio.told(result) else { return studio.settings.forget(&path) };
            studio.settings.remember(&path);
            studio.notices.forget_errors();
            let name = file_name(&path);
            let claim = match opened.claim {
                Ok(claim) => Some(claim),
                Err(ClaimError::Held { process }) => {
                    let who = process.map_or("another window".into(), |id| format!("another window (process {id})"));
                    let text = format!("{name} is open in {who}. What you change here is saved under another name.");
                    studio.notices.push(Kind::Warning, text, path.display().to_string());
                    None
                }
                Err(ClaimError::Disk(error)) => {
                    let text = format!(
                        "{name} cannot be saved where it is. What you change here is saved under another name."
                    );
                    studio.notices.push(Kind::Warning, text, error.to_string());
                    None
                }
            };
            // What was open before is no part of it, and would become one.
            let is_alone = studio.session.document().scans().next().is_none();
            let is_partial = !is_alone;
            if is_alone {
                let keeps = opened.scans.iter().all(|kept| kept.reference.copy.is_some());
                studio.session.set_keeps_scans(keeps && !opened.scans.is_empty());
            }
            studio.document = Some(OpenDocument { path, claim, is_partial });
            if opened.scans.is_empty() {
                studio.notices.info(format!("{name} holds no scan."));
            }
            opened.scans.into_iter().for_each(|kept| bringing::start(studio, kept, BroughtFrom::Document));
        },
    );
}

/// A scan goes: the document still has it, and is not written over without a word.
pub(super) fn lacks_scan(studio: &mut Studio) {
    if studio.session.document().scans().next().is_none() {
        studio.document = None;
        studio.session.set_keeps_scans(false);
    }
    studio.document.iter_mut().for_each(|document| document.is_partial = true);
}

/// A scan of the document could not be opened: writing over the document would lose its segmentations.
pub(super) fn is_partial(studio: &mut Studio) {
    if let Some(document) = &mut studio.document {
        document.is_partial = true;
        let name = file_name(&document.path);
        let text = format!(
            "{name} is open without all of its scans. It stays as it is: what is open is saved under another name."
        );
        studio.notices.warn(text);
    }
}

/// Chooses whether documents hold the scans too, or only where they lie.
pub fn keep_scans(studio: &mut Studio, keeps: bool) {
    studio.session.set_keeps_scans(keeps);
    let text = if keeps {
        "The scans go into the document when it is saved next."
    } else {
        "The document only says where its scans lie when it is saved next."
    };
    studio.notices.info(text);
}

/// What of the open scans has no file but the document: these stay in it.
fn tell_written(studio: &mut Studio, path: &Path, written: WrittenDocument) {
    let WrittenDocument { path: whole, copies, only_there } = written;
    let name = |scan: &ScanId| studio.session.document().scan(*scan).map(|volume| volume.name.clone());
    let names: Vec<String> = only_there.iter().filter_map(name).collect();
    if !names.is_empty() {
        let text = format!(
            "{} holds {} all the same: no file of it is there, and it would be lost.",
            file_name(path),
            names.join(", ")
        );
        studio.notices.push(Kind::Warning, text, path.display().to_string());
    }
    let gone: Vec<ScanId> = (studio.session.document().scans().map(|(scan, _)| scan))
        .filter(|scan| copies.iter().all(|(of, _)| of != scan))
        .filter(|scan| {
            let own = studio.session.document().reference(*scan).and_then(|own| own.copy.as_ref());
            own.is_some_and(|own| own.path == whole)
        })
        .collect();
    gone.into_iter().for_each(|scan| studio.session.set_copy(scan, None));
    copies.into_iter().for_each(|(scan, place)| studio.session.set_copy(scan, Some(place)));
}

/// Saves the document to its file, or asks for one where it has none.
pub fn save(studio: &mut Studio) {
    let is_coming = bringing::is_bringing(studio, |from| *from == BroughtFrom::Document);
    match &studio.document {
        Some(_) if is_coming => studio.notices.info("The document is still being opened; save it when that is done."),
        Some(OpenDocument { path, claim: Some(_), is_partial: false }) => {
            let path = path.clone();
            save_to(studio, path);
        }
        _ => saving::ask(studio, Purpose::SaveDocument),
    }
}

/// Writes all that is open.
pub fn save_to(studio: &mut Studio, path: PathBuf) {
    if studio.tasks.is_running(SaveDocumentJob::KIND) {
        studio.notices.info("A document is being written; save again when that is done.");
        return;
    }
    kept_overlay::remember(studio);
    let document = studio.session.document().clone();
    let revisions: Vec<(SegmentationId, Revision)> =
        document.segmentations().map(|(id, own)| (id, own.revision())).collect();
    let measured: Vec<(ScanId, u64)> =
        document.scans().map(|(scan, _)| (scan, document.measurements(scan).revision())).collect();
    let own = studio.document.take_if(|own| own.path == path && own.claim.is_some());
    let was_partial = own.as_ref().is_some_and(|own| own.is_partial);
    let claim = own.and_then(|own| own.claim);
    studio.start(
        SaveDocumentJob { path: path.clone(), document, claim },
        |_, ()| {},
        move |studio, result| {
            let Some(SavedDocument { claim, result }) = studio.told(result) else { return };
            let written = studio.told(result);
            let is_saved = written.is_some();
            if let Some(written) = written {
                tell_written(studio, &path, written);
                revisions.into_iter().for_each(|(of, revision)| studio.session.mark_saved(of, revision));
                for (scan, revision) in measured {
                    studio.session.mark_measurements_saved(scan, revision);
                }
                saving::tell_saved(studio, &path);
                studio.settings.remember(&path);
            }
            // Where it failed the document is what it was.
            if is_saved || claim.is_some() {
                studio.document = Some(OpenDocument { path, claim, is_partial: was_partial && !is_saved });
            }
            saving::go_on_leaving(studio, is_saved);
        },
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::state::settings::Settings;
    use crate::session::ScanPlace;
    use crate::volume::{Affine, Geometry, Rescale, Volume, Voxels};

    #[test]
    fn what_a_document_holds_no_longer_is_not_looked_for_in_it_also_where_it_was_saved_by_a_link() {
        let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
        let geometry = Geometry::new([2, 2, 2], Affine::IDENTITY).unwrap();
        let volume = Volume::new(geometry, Voxels::U8(Arc::new(vec![1; 8])), vec![], Rescale::IDENTITY, "CT".into());
        let (scan, _) = studio.session.add_scan(Arc::new(volume));
        let place = |path: &str| ScanPlace { path: path.into(), id: "scan-1".into() };
        for (copy, wanted) in [("/data/a.lamella", None), ("/data/b.lamella", Some("/data/b.lamella"))] {
            studio.session.set_copy(scan, Some(place(copy)));
            let written = WrittenDocument { path: "/data/a.lamella".into(), copies: vec![], only_there: vec![] };
            tell_written(&mut studio, Path::new("/link.lamella"), written);
            assert_eq!(studio.session.document().reference(scan).unwrap().copy, wanted.map(place));
        }
    }
}
