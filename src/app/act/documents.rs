//! Opening and saving `.lamella` documents: all that is open, in one file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{bringing, kept_overlay, saving};
use crate::app::state::bringing::BroughtFrom;
use crate::app::state::documents::{OpenDocument, OpeningDocument};
use crate::app::state::notices::Kind;
use crate::app::state::paths::Purpose;
use crate::app::state::saving::file_name;
use crate::app::state::studio::Studio;
use crate::disk::{ClaimError, follow_links};
use crate::jobs::{Job, LoadJob, OpenDocumentJob, OpenSampleJob, SaveDocumentJob, SavedDocument, ScanJob};
use crate::session::{DOCUMENT_ENDING, Revision, ScanId, SegmentationId, WrittenDocument};

/// Whether a path is called as a document is.
pub fn is_document_name(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().to_lowercase().ends_with(DOCUMENT_ENDING))
}

/// The one path of a document: the whole one, of the file that links lead to. What is open is known by it.
fn whole(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let path = follow_links(&path).unwrap_or(path);
    // Where the system has a form of its own for folders without links it is none to be shown.
    let folder = path.parent().filter(|_| cfg!(unix)).and_then(|folder| folder.canonicalize().ok());
    folder.zip(path.file_name()).map(|(folder, name)| folder.join(name)).unwrap_or(path)
}

/// Something is being opened beside the documents that are being read, and is no part of them.
pub(super) fn comes_beside(studio: &mut Studio) {
    studio.opening.iter_mut().for_each(|opening| opening.is_alone = false);
}

/// Whether nothing is open or on its way but the scans of this document.
fn is_alone(studio: &Studio) -> bool {
    let is_coming =
        [ScanJob::KIND, LoadJob::KIND, OpenSampleJob::KIND].into_iter().any(|kind| studio.tasks.is_running(kind));
    let is_open = studio.session.document().scans().next().is_some();
    !(is_open || is_coming || studio.loading.is_some() || !studio.bringing.all.is_empty())
}

/// Opens a document: its scans are looked for, and its segmentations laid on them.
pub fn open(studio: &mut Studio, given: PathBuf) {
    let path = whole(&given);
    if studio.opening.iter().any(|opening| opening.path == path) {
        return studio.notices.info(format!("{} is being opened already.", file_name(&given)));
    }
    if studio.document.as_ref().is_some_and(|own| own.path == path) {
        if studio.session.document().scans().next().is_some() {
            return studio.notices.info(format!("{} is open already.", file_name(&given)));
        }
        // None of its scans came: it is looked at anew.
        studio.document = None;
    }
    let is_alone = is_alone(studio) && studio.opening.is_empty();
    comes_beside(studio);
    studio.opening.push(OpeningDocument { path: path.clone(), is_alone });
    studio.start(
        OpenDocumentJob { path: path.clone() },
        |_, ()| {},
        move |studio, result| {
            let at = studio.opening.iter().position(|opening| opening.path == path);
            let was_alone = at.map(|at| studio.opening.remove(at)).is_some_and(|opening| opening.is_alone);
            let Some(opened) = studio.told(result) else { return studio.settings.forget(&given) };
            studio.settings.remember(&given);
            studio.notices.forget_errors();
            let name = file_name(&given);
            let claim = match opened.claim {
                Ok(claim) => Some(Arc::new(claim)),
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
            // What was open before, or came with it, is no part of it, and would become one.
            let is_alone = was_alone && self::is_alone(studio);
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

/// Whether scans of a document are on their way: what is open is not the whole of it.
fn is_coming(studio: &Studio) -> bool {
    !studio.opening.is_empty() || bringing::is_bringing(studio, |from| *from == BroughtFrom::Document)
}

fn tell_coming(studio: &mut Studio) {
    studio.notices.info("The document is still being opened; save it when that is done.");
}

/// Saves the document to its file, or asks for one where it has none.
pub fn save(studio: &mut Studio) {
    if is_coming(studio) {
        return tell_coming(studio);
    }
    match &studio.document {
        Some(OpenDocument { path, claim: Some(_), is_partial: false }) => {
            let path = path.clone();
            save_to(studio, path);
        }
        _ => saving::ask(studio, Purpose::SaveDocument),
    }
}

/// Writes all that is open.
pub fn save_to(studio: &mut Studio, given: PathBuf) {
    if studio.tasks.is_running(SaveDocumentJob::KIND) {
        studio.notices.info("A document is being written; save again when that is done.");
        return;
    }
    if is_coming(studio) {
        studio.leave_when_saved = None;
        return tell_coming(studio);
    }
    let path = whole(&given);
    kept_overlay::remember(studio);
    let document = studio.session.document().clone();
    let revisions: Vec<(SegmentationId, Revision)> =
        document.segmentations().map(|(id, own)| (id, own.revision())).collect();
    let scans: Vec<ScanId> = document.scans().map(|(scan, _)| scan).collect();
    let measured: Vec<(ScanId, u64)> =
        document.scans().map(|(scan, _)| (scan, document.measurements(scan).revision())).collect();
    // It stays open meanwhile, so that it is known of scans that are closed.
    let claim = studio.document.as_ref().filter(|own| own.path == path).and_then(|own| own.claim.clone());
    studio.start(
        SaveDocumentJob { path: path.clone(), document, claim },
        |_, ()| {},
        move |studio, result| {
            let Some(SavedDocument { claim, result }) = studio.told(result) else {
                return saving::go_on_leaving(studio, false);
            };
            let written = studio.told(result);
            let is_saved = written.is_some();
            if let Some(written) = written {
                tell_written(studio, &path, written);
                revisions.into_iter().for_each(|(of, revision)| studio.session.mark_saved(of, revision));
                for (scan, revision) in measured {
                    studio.session.mark_measurements_saved(scan, revision);
                }
                saving::tell_saved(studio, &given);
                studio.settings.remember(&given);
                // What was closed meanwhile is in the file, and would not be after the next time.
                let now = studio.session.document();
                let is_partial = scans.iter().any(|scan| now.scan(*scan).is_none());
                let is_any = now.scans().next().is_some();
                studio.document = is_any.then_some(OpenDocument { path, claim, is_partial });
            }
            saving::go_on_leaving(studio, is_saved);
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::act::cases::tests::{SHAPE, settle, studio_of, write_scan};
    use crate::app::act::scans;
    use crate::app::state::settings::Settings;
    use crate::session::ScanPlace;
    use crate::volume::{Affine, Geometry, Rescale, Volume, Voxels};

    /// Scans that are saved as a document.
    fn saved(folder: &Path, names: &[&str]) -> (Studio, PathBuf) {
        let mut studio = studio_of(folder, names);
        let path = folder.join("d.lamella");
        save_to(&mut studio, path.clone());
        settle(&mut studio);
        assert!(path.is_file() && !studio.document.as_ref().unwrap().is_partial);
        (studio, path)
    }

    fn opened(paths: &[&Path]) -> Studio {
        let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
        paths.iter().for_each(|path| scans::open(&mut studio, vec![path.to_path_buf()]));
        settle(&mut studio);
        studio
    }

    #[test]
    fn a_scan_that_is_closed_while_the_document_is_saved_stays_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let (mut studio, path) = saved(folder.path(), &["p.nii", "q.nii"]);
        let open: Vec<ScanId> = studio.session.document().scans().map(|(scan, _)| scan).collect();
        save(&mut studio);
        scans::close(&mut studio, open[0]);
        settle(&mut studio);
        let own = studio.document.as_ref().unwrap();
        assert!(own.is_partial && own.claim.is_some(), "the next save asks: {own:?}");
        // With the last scan the document goes too: the next scan is not written over it.
        save_to(&mut studio, path.clone());
        scans::close(&mut studio, open[1]);
        settle(&mut studio);
        assert!(studio.document.is_none());
        assert!(crate::disk::Claim::take(&path, std::time::Duration::ZERO).is_ok(), "nobody holds it");
    }

    #[test]
    fn a_document_that_cannot_be_written_stays_the_one_that_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let (mut studio, path) = saved(folder.path(), &["p.nii"]);
        save_to(&mut studio, folder.path().join("no folder").join("e.lamella"));
        settle(&mut studio);
        let own = studio.document.as_ref().unwrap();
        assert_eq!((own.path.file_name(), own.claim.is_some(), own.is_partial), (path.file_name(), true, false));
    }

    #[test]
    fn a_document_is_open_once_however_its_path_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (studio, path) = saved(folder.path(), &["p.nii"]);
        let count = |studio: &Studio| studio.session.document().segmentations().count();
        assert_eq!(count(&studio), 1);
        drop(studio);
        std::fs::create_dir(folder.path().join("below")).unwrap();
        let other = folder.path().join("below").join("..").join("d.lamella");
        let mut studio = opened(&[&path, &path, &other]);
        assert_eq!(count(&studio), 1);
        let own = studio.document.as_ref().unwrap();
        assert!(own.claim.is_some() && !own.is_partial, "{own:?}");
        open(&mut studio, other.clone());
        settle(&mut studio);
        assert_eq!(count(&studio), 1);
        save_to(&mut studio, other);
        settle(&mut studio);
        assert_eq!(studio.notices.all().last().unwrap().text, "Saved d.lamella.");
    }

    #[test]
    fn what_is_opened_together_with_a_document_is_no_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let (studio, path) = saved(folder.path(), &["p.nii"]);
        drop(studio);
        let other = folder.path().join("c.nii");
        write_scan(&other, SHAPE);
        for paths in [[&*other, &*path], [&*path, &*other]] {
            let studio = opened(&paths);
            assert!(studio.document.as_ref().unwrap().is_partial, "{paths:?}");
        }
        assert!(!opened(&[&path]).document.unwrap().is_partial);
    }

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
