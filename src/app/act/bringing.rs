//! Bringing back segmentations that were kept in a journal or a document: their scan is looked for and opened, and they are laid on it.

use std::path::{Path, PathBuf};

use super::scans::{add_label_view, show, show_segmentation, thumbnail};
use super::{documents, kept_overlay, recovery, saving};
use crate::app::state::bringing::{Bringing, BroughtFrom};
use crate::app::state::notices::Kind;
use crate::app::state::paths::Purpose;
use crate::app::state::saving::file_name;
use crate::app::state::scans::Item;
use crate::app::state::studio::Studio;
use crate::app::state::views::ScanView;
use crate::jobs::{FindScanJob, FoundScan, Instead, Job, LoadJob, ScanFound, place_of};
use crate::session::{KeptScan, Likeness, ScanId, ScanPlace, ScanReference, SegmentationId};

/// Looks for the scan, and brings its segmentations back.
pub fn start(studio: &mut Studio, kept: KeptScan, from: BroughtFrom) {
    studio.bringing.next += 1;
    let id = studio.bringing.next;
    let open = studio.session.document().scans().map(|(scan, _)| scan).find(|scan| {
        let own = studio.session.document().reference(*scan);
        own.is_some_and(|own| {
            // What the document holds may be other values than those that the file has now.
            let has_its_values = kept.reference.copy.is_none() || own.checksum == kept.reference.checksum;
            let is_same_file = own.place.is_some() && own.place == kept.reference.place && has_its_values;
            let is_same_copy = own.copy.is_some() && own.copy == kept.reference.copy;
            (is_same_file || is_same_copy) && own.shape == kept.reference.shape
        })
    });
    let (reference, beside) = (kept.reference.clone(), kept.beside.clone());
    studio.bringing.all.push(Bringing { id, kept, from, is_overtaken: false });
    match open {
        Some(scan) => lay_on(studio, id, scan),
        None => look(studio, id, reference, beside.into_iter().collect()),
    }
}

fn look(studio: &mut Studio, id: u64, reference: ScanReference, first: Vec<PathBuf>) {
    studio.start(
        FindScanJob { reference, first },
        |_, ()| {},
        move |studio, result| match studio.told(result) {
            Some(ScanFound::There(found)) => found_it(studio, id, *found),
            Some(ScanFound::Missing) => ask_for_it(studio, id),
            None => give_up(studio, id),
        },
    );
}

/// The user is asked where the scan is now.
fn ask_for_it(studio: &mut Studio, id: u64) {
    let Some(bringing) = studio.bringing.all.iter().find(|bringing| bringing.id == id) else { return };
    let reference = &bringing.kept.reference;
    let place = reference.place.as_ref().map(|place| place.path.display().to_string()).unwrap_or_default();
    let is_folder = reference.place.as_ref().is_some_and(|place| place.path.file_name() != Some(place.id.as_ref()));
    let text = format!(
        "{} is not where it was: it was moved or renamed, or its drive is not connected. Choose where it is now.",
        reference.title()
    );
    studio.notices.push(Kind::Warning, text, place);
    saving::ask(studio, Purpose::FindScan { id, is_folder });
}

/// The user has said where a scan is, or that it is not to be had now.
pub fn take_place(studio: &mut Studio, id: u64, path: Option<&Path>) {
    let Some(bringing) = studio.bringing.all.iter().find(|bringing| bringing.id == id) else { return };
    match path {
        Some(path) => {
            let place = ScanPlace { path: path.to_path_buf(), id: String::new() };
            let reference = ScanReference { place: Some(place), ..bringing.kept.reference.clone() };
            look(studio, id, reference, Vec::new());
        }
        None => give_up(studio, id),
    }
}

/// What was kept stays where it is: it is offered again, and a document is not written over.
fn give_up(studio: &mut Studio, id: u64) {
    let Some(at) = studio.bringing.all.iter().position(|bringing| bringing.id == id) else { return };
    let Bringing { from, .. } = studio.bringing.all.remove(at);
    kept_overlay::bring_back(studio);
    match from {
        BroughtFrom::Journal(journal, scan) => recovery::did_not_come(studio, journal, scan),
        BroughtFrom::Document => documents::is_partial(studio),
    }
}

fn found_it(studio: &mut Studio, id: u64, found: FoundScan) {
    let Some(bringing) = studio.bringing.all.iter().find(|bringing| bringing.id == id) else { return };
    let FoundScan { entry, volume, checksum, likeness, instead } = found;
    let title = bringing.kept.reference.title();
    let ScanReference { place: kept_place, copy, .. } = bringing.kept.reference.clone();
    let place = match &instead {
        None => Some(place_of(&entry)),
        // It is found there again when the file comes back.
        Some(Instead::OfNone) => kept_place,
        Some(Instead::OfAnother(_)) => None,
    };
    if let Some(instead) = &instead {
        tell_instead(studio, &title, &file_name(&entry.path), instead);
    }
    let at = studio.items.iter().position(|item| item.entry.id == entry.id && item.entry.path == entry.path);
    if let Some(scan) = at.and_then(|at| studio.items.get(at)).and_then(|item| item.scan) {
        return lay_on(studio, id, scan);
    }
    if likeness == Likeness::Changed {
        tell_changed(studio, &title, entry.path.display().to_string());
    }
    let Some(bringing) = studio.bringing.all.iter().find(|bringing| bringing.id == id) else { return };
    let kept = bringing.kept.segmentations.clone();
    let (scan, ids) = match studio.session.add_scan_with(&volume, kept) {
        Ok(opened) => opened,
        Err(other) => return refuse(studio, id, &title, &other.to_string()),
    };
    place.into_iter().for_each(|place| studio.session.set_place(scan, place));
    studio.session.set_checksum(scan, checksum);
    studio.session.set_copy(scan, copy);
    let at = at.unwrap_or_else(|| {
        studio.items.push(Item::new(entry));
        studio.items.len() - 1
    });
    if let Some(item) = studio.items.get_mut(at) {
        item.thumbnail = Some(thumbnail(&volume));
        item.scan = Some(scan);
    }
    if let Some(first) = ids.first() {
        studio.scan_views.insert(scan, ScanView::new(&volume, *first));
    }
    came(studio, id, scan, &ids);
}

/// Labels that may lie beside what they were drawn on are not taken for right.
fn tell_changed(studio: &mut Studio, title: &str, path: String) {
    let text = format!(
        "{title} is not as it was when the labels were made: its voxels or its place in the patient differ. Look whether the labels fit."
    );
    studio.notices.push(Kind::Warning, text, path);
}

/// Where a scan came from is not left to be guessed.
fn tell_instead(studio: &mut Studio, title: &str, document: &str, instead: &Instead) {
    match instead {
        Instead::OfNone => studio.notices.info(format!("{title} is shown from {document}: its file is not there.")),
        Instead::OfAnother(path) => {
            let text = format!(
                "{title} is shown as {document} holds it: the file that is there now has other values or cannot be read."
            );
            studio.notices.push(Kind::Warning, text, path.display().to_string());
        }
    }
}

/// The scan is open already.
fn lay_on(studio: &mut Studio, id: u64, scan: ScanId) {
    let Some(bringing) = studio.bringing.all.iter().find(|bringing| bringing.id == id) else { return };
    let title = bringing.kept.reference.title();
    let kept = bringing.kept.segmentations.clone();
    let own = studio.session.document().reference(scan);
    let reference = &bringing.kept.reference;
    // What is open was read by itself: what was found on the disk says nothing about it.
    let changed = own.filter(|own| own.differs_from(reference)).map(|own| own.place.clone());
    let is_same = |own: &ScanReference| own.copy.is_none() && own.checksum == reference.checksum;
    let copy = reference.copy.clone().filter(|_| own.is_some_and(is_same));
    if let Some(place) = changed {
        tell_changed(studio, &title, place.map(|place| place.path.display().to_string()).unwrap_or_default());
    }
    // What the user or a job is in the middle of changing has a place to come to.
    let drawn = studio.active().filter(|_| studio.hand.tool.is_busy());
    let is_in_hand = |id| drawn == Some(id) || studio.tasks.is_computing(|of| of == id);
    match studio.session.take_in(scan, kept, is_in_hand) {
        Ok(ids) => {
            if copy.is_some() {
                studio.session.set_copy(scan, copy);
            }
            came(studio, id, scan, &ids);
        }
        Err(other) => refuse(studio, id, &title, &other.to_string()),
    }
}

fn refuse(studio: &mut Studio, id: u64, title: &str, why: &str) {
    let text = format!(
        "The labels of {title} were not brought back: {why}. They are kept; choose the scan that they belong to."
    );
    studio.notices.push(Kind::Error, text, "");
    give_up(studio, id);
}

/// The user chooses what to look at: what comes from now on is not shown in its place.
pub fn overtake(studio: &mut Studio) {
    studio.bringing.all.iter_mut().for_each(|bringing| bringing.is_overtaken = true);
}

/// They are in the session.
fn came(studio: &mut Studio, id: u64, scan: ScanId, ids: &[SegmentationId]) {
    let Some(at) = studio.bringing.all.iter().position(|bringing| bringing.id == id) else { return };
    let Bringing { from, kept, is_overtaken, .. } = studio.bringing.all.remove(at);
    // What is being drawn was begun without them, and what the user asked for since is what he wants to see.
    let is_shown = !is_overtaken && !studio.hand.tool.is_busy();
    studio.session.take_in_measurements(scan, &kept.reference, kept.measurements.clone(), kept.measurements_saved);
    super::traveling::leave_what_is_gone(studio);
    ids.iter().for_each(|id| add_label_view(studio, *id));
    let first_label = |id: &SegmentationId| {
        studio.session.document().segmentation(*id).and_then(|own| own.table().0.first().map(|label| label.value))
    };
    let labels: Vec<_> = ids.iter().map(|id| (*id, first_label(id))).collect();
    for (id, label) in labels {
        if let (Some(view), Some(label)) = (studio.label_views.get_mut(&id), label) {
            view.active = label;
        }
    }
    if is_shown {
        // What was on its way to the screen is not to be shown over it.
        (studio.loading, studio.cases.going) = (None, None);
        studio.tasks.stop(LoadJob::KIND);
        match ids.first() {
            Some(first) => show_segmentation(studio, *first),
            None => show(studio, scan),
        }
    } else {
        studio.notices.info(format!("{} has come with its labels; choose it in the list.", kept.reference.title()));
    }
    studio.bringing.overlays.extend(kept.overlay.clone().map(|overlay| (scan, overlay)));
    kept_overlay::bring_back(studio);
    match from {
        BroughtFrom::Journal(journal, old) => {
            studio.notices.info(format!("Restored what was done on {}. It is not saved yet.", kept.reference.title()));
            recovery::came(studio, journal, old);
        }
        BroughtFrom::Document => {}
    }
}

/// Whether scans of a kind are still on their way.
pub fn is_bringing(studio: &Studio, is_meant: impl Fn(&BroughtFrom) -> bool) -> bool {
    studio.bringing.all.iter().any(|bringing| is_meant(&bringing.from))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::app::act::{following, painting};
    use crate::app::state::settings::Settings;
    use crate::session::{read_document, write_document};
    use crate::tools::{self, Button, Pointer, PointerKind};
    use crate::volume::{Affine, Geometry, Plane, Rescale, Volume, Voxels};
    use crate::work::Watch;

    /// A program with a scan of one value, from a file.
    fn studio(value: u8, place: &ScanPlace) -> (Studio, ScanId) {
        let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
        let geometry = Geometry::new([10, 10, 10], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(Arc::new(vec![value; 1000]));
        let volume = Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "head".into()));
        let (scan, of) = studio.session.add_scan(volume.clone());
        studio.session.set_place(scan, place.clone());
        studio.session.set_checksum(scan, volume.checksum());
        studio.scan_views.insert(scan, ScanView::new(&volume, of));
        (studio, scan)
    }

    #[test]
    fn labels_of_a_scan_in_a_document_are_not_laid_on_other_values_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let [file, path] = ["head.nii", "a.lamella"].map(|name| folder.path().join(name));
        std::fs::write(&file, "no scan").unwrap();
        let place = ScanPlace { path: file, id: "head.nii".into() };
        let (mut first, _) = studio(1, &place);
        first.session.set_keeps_scans(true);
        write_document(&path, first.session.document(), Watch::unwatched()).unwrap();
        for (value, wanted) in [(1, vec![1.0]), (2, vec![1.0, 2.0])] {
            let (mut studio, scan) = studio(value, &place);
            let scans = read_document(&path, Watch::unwatched()).unwrap();
            scans.into_iter().for_each(|kept| start(&mut studio, kept, BroughtFrom::Document));
            let began = Instant::now();
            while !studio.bringing.all.is_empty() {
                following::follow(&mut studio);
                assert!(began.elapsed() < Duration::from_mins(1), "the scan did not come");
                std::thread::sleep(Duration::from_millis(2));
            }
            let document = studio.session.document();
            let mut values: Vec<f64> = document.scans().map(|(_, volume)| volume.value([5, 5, 5], 0)).collect();
            values.sort_unstable_by(f64::total_cmp);
            assert_eq!(values, wanted, "{value}");
            assert_eq!(document.reference(scan).unwrap().copy.is_some(), value == 1, "{value}");
        }
    }

    /// A document of the scan with the value 1, and the place of the file.
    fn written(folder: &Path) -> (PathBuf, ScanPlace) {
        let [file, path] = ["head.nii", "a.lamella"].map(|name| folder.join(name));
        std::fs::write(&file, "no scan").unwrap();
        let place = ScanPlace { path: file, id: "head.nii".into() };
        let (mut first, _) = studio(1, &place);
        first.session.set_keeps_scans(true);
        write_document(&path, first.session.document(), Watch::unwatched()).unwrap();
        (path, place)
    }

    fn bring(studio: &mut Studio, path: &Path) {
        let scans = read_document(path, Watch::unwatched()).unwrap();
        scans.into_iter().for_each(|kept| start(studio, kept, BroughtFrom::Document));
    }

    fn point(studio: &mut Studio, kind: PointerKind, at: [f64; 2]) {
        let (moved_points, pixels_per_point) = ([0.0; 2], [1.0; 2]);
        let pointer = Pointer { kind, at, is_alt: false, moved_points, mm_per_point: 1.0, pixels_per_point };
        painting::pointer(studio, Plane::Axial, &pointer);
    }

    fn settle(studio: &mut Studio, is_settled: impl Fn(&Studio) -> bool) {
        let began = Instant::now();
        while !is_settled(studio) {
            following::follow(studio);
            assert!(began.elapsed() < Duration::from_mins(1), "the scan did not come");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn a_stroke_under_way_is_ended_before_a_scan_that_comes_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let (path, place) = written(folder.path());
        let (mut studio, scan) = studio(2, &place);
        show(&mut studio, scan);
        let of = studio.active().unwrap();
        add_label_view(&mut studio, of);
        painting::take_tool(&mut studio, tools::find("brush").unwrap());
        point(&mut studio, PointerKind::Press(Button::Primary), [2.5, 2.5]);
        bring(&mut studio, &path);
        settle(&mut studio, |studio| studio.tasks.all().next().is_none());
        following::follow(&mut studio);
        assert!(studio.hand.tool.is_busy() && studio.shown == Some(scan) && !studio.bringing.all.is_empty());
        point(&mut studio, PointerKind::Release(Button::Primary), [2.5, 2.5]);
        settle(&mut studio, |studio| studio.bringing.all.is_empty());
        let drawn = studio.session.document().segmentation(of).map(|own| own.labels().voxel_counts());
        assert!(drawn.is_some_and(|drawn| drawn.contains_key(&1)), "the stroke is there");
        assert_ne!(studio.shown, Some(scan), "what came is shown once the hand is free");
    }

    #[test]
    fn what_comes_is_not_shown_over_what_is_drawn_or_was_chosen_since() {
        let folder = tempfile::tempdir().unwrap();
        let (path, place) = written(folder.path());
        // The scan is open: labels come at once, to where an outline is being drawn.
        let (mut studio_of_one, scan) = studio(1, &place);
        let studio = &mut studio_of_one;
        show(studio, scan);
        let of = studio.active().unwrap();
        add_label_view(studio, of);
        painting::take_tool(studio, tools::find("polygon").unwrap());
        for kind in [PointerKind::Press(Button::Primary), PointerKind::Release(Button::Primary)] {
            point(studio, kind, [2.5, 2.5]);
        }
        bring(studio, &path);
        assert!(studio.bringing.all.is_empty() && studio.hand.tool.is_busy() && studio.active() == Some(of));
        assert_eq!(studio.session.document().segmentations_of(scan).count(), 2);
        // Another scan was asked for while the document's was on its way.
        let (mut studio, scan) = self::studio(2, &place);
        show(&mut studio, scan);
        bring(&mut studio, &path);
        overtake(&mut studio);
        settle(&mut studio, |studio| studio.bringing.all.is_empty());
        assert_eq!((studio.shown, studio.session.document().scans().count()), (Some(scan), 2));
    }
}
