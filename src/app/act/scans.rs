//! Opening what the user named, chose or dropped; showing and closing scans.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{bringing, carrying, cases, documents, linking, putting_away, sizing};
use crate::app::state::cases::{Role, Way};
use crate::app::state::joining::{Arrival, Source};
use crate::app::state::leaving::Leaving;
use crate::app::state::natural_order::NaturalOrder;
use crate::app::state::notices::Kind;
use crate::app::state::picture::Picture;
use crate::app::state::saving::{OtherGrid, file_name};
use crate::app::state::scans::Item;
use crate::app::state::studio::Studio;
use crate::app::state::views::{LabelView, ScanView};
use crate::edit::Resampling;
use crate::formats::{Entry, FORMATS, Findings, Kind as FormatKind};
use crate::jobs::{
    ChecksumJob, DOCUMENT_FORMAT, Job, JobError, LoadJob, Loaded, Names, OpenLabelsJob, OpenSampleJob, Sample, ScanJob,
    WithMasks, place_of,
};
use crate::session::{ScanId, Segmentation, SegmentationId, SliceState};
use crate::volume::{Plane, PlaneLayout, Volume};

/// Most paths opened together that are remembered each by itself.
const FEW_PATHS: usize = 4;
/// Longest side of a thumbnail in pixels.
const THUMBNAIL_PIXELS: usize = 128;

/// Looks at files and folders that were chosen together, the slices of a series for example, and shows the first thing found.
pub fn open(studio: &mut Studio, paths: Vec<PathBuf>) {
    let (paths, missing): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|path| path.exists());
    let (documents, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.into_iter().partition(|path| path.is_file() && documents::is_document_name(path));
    documents.into_iter().for_each(|path| documents::open(studio, path));
    for path in missing {
        studio.settings.forget(&path);
        studio.notices.push(
            Kind::Error,
            format!(
                "{} is not there: it was moved, renamed or deleted, or its drive is not connected.",
                file_name(&path)
            ),
            path.display().to_string(),
        );
    }
    if paths.is_empty() {
        return;
    }
    documents::comes_beside(studio);
    let opened = paths.clone();
    studio.start(
        ScanJob { paths },
        |_, ()| {},
        move |studio, result| match studio.told(result) {
            Some(findings) => found(studio, &opened, findings),
            None => opened.iter().for_each(|path| studio.settings.forget(path)),
        },
    );
}

fn found(studio: &mut Studio, paths: &[PathBuf], findings: Findings) {
    let first = studio.items.len();
    let reasons: Vec<String> = findings.skipped.iter().map(|s| format!("{}: {}", s.path.display(), s.reason)).collect();
    for skipped in findings.skipped {
        if !studio.skipped.iter().any(|known| known.path == skipped.path) {
            studio.skipped.push(skipped);
        }
    }
    if findings.entries.is_empty() {
        let why = reasons.first().cloned().unwrap_or_else(|| "the folder is empty".into());
        let name = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
        studio.notices.push(Kind::Error, format!("Nothing in {name} can be opened: {why}"), reasons.join("\n"));
        return;
    }
    remember(studio, paths);
    studio.notices.forget_errors();
    offer_mask(studio, paths, &findings.entries);
    let mut known = None;
    // Scans of a folder are cases, and so are more than a scan and its mask.
    let are_cases = paths.iter().any(|path| path.is_dir()) || paths.len() > 2;
    let order = |entry: &Entry| are_cases.then(|| NaturalOrder::of(&entry.path));
    let mut entries = findings.entries;
    entries.sort_by_cached_key(order);
    for entry in entries {
        match studio.items.iter().position(|item| item.is_of(&entry)) {
            Some(at) => {
                known = known.or(Some(at));
                renew(studio, at, entry);
                // What was opened alone before its folder is a case of it from now on.
                if let Some(item) = studio.items.get_mut(at).filter(|item| item.case.order.is_none()) {
                    item.case.order = order(&item.entry);
                }
            }
            None => {
                let mut item = Item::new(entry);
                item.case.order = order(&item.entry);
                studio.items.push(item);
            }
        }
    }
    cases::assign(studio);
    let new: Vec<usize> = (first..studio.items.len()).collect();
    cases::look(studio, &new);
    if let Some(mask) = mask_of_shown(studio, &new) {
        use_as_segmentation(studio, mask);
        return;
    }
    // What is new is shown; where nothing is, what was there already.
    let asks = |n: &usize| studio.items.get(*n).is_some_and(|item| item.entry.source.asks().is_some());
    let new_case = studio.cases.list.iter().copied().find(|n| *n >= first && !asks(n));
    let is_seen = |n: &usize| studio.items.get(*n).is_some_and(|item| item.case.role != Role::Mask) && !asks(n);
    let shown = new_case.or(new.into_iter().find(is_seen)).or(known);
    let question = |item: &Item| {
        let (name, what) = (&item.entry.name, item.entry.source.asks()?);
        let text = format!("{name}: {what}. If that is right, choose it in the list on the left.");
        Some((text, item.entry.path.display().to_string()))
    };
    let questions: Vec<_> = studio.items.iter().skip(first).filter_map(question).collect();
    for (text, path) in questions {
        studio.notices.push(Kind::Warning, text, path);
    }
    shown.into_iter().for_each(|n| show_item(studio, n));
    // Where the first of several cannot be read the next one is shown.
    let is_one_of_many = |n: &usize| studio.cases.list.len() > 1 && new_case == Some(*n);
    studio.cases.going = studio.loading.filter(is_one_of_many).map(|n| (n, Way::Next));
}

/// Takes over what was found of an item's files. Whether that has changed; of an open scan the user is told.
fn renew(studio: &mut Studio, at: usize, entry: Entry) -> bool {
    let Some(item) = studio.items.get_mut(at) else { return false };
    let (files, path) = (entry.file_count, entry.path.display().to_string());
    let has_changed = item.renew(entry);
    if has_changed && item.scan.is_some() {
        let text = format!(
            "{} has {files} files now, and was opened from {}. It stays as it is; close it and show it again to read them all.",
            item.entry.name, item.entry.file_count
        );
        studio.notices.push(Kind::Warning, text, path);
    }
    has_changed
}

/// Looks whether the files of an item have become more or others, as those of a folder do that is still being written.
pub fn look_again(studio: &mut Studio, n: usize) {
    let Some(looked) = studio.items.get(n).map(|item| item.entry.clone()) else { return };
    let path = &looked.path;
    let folder = if looked.file_count > 1 { path } else { path.parent().unwrap_or(path) };
    studio.start(
        ScanJob { paths: vec![folder.to_path_buf()] },
        |_, ()| {},
        move |studio, result| {
            let Some(findings) = studio.told(result) else { return };
            // The list may have become another one meanwhile.
            let Some(n) = studio.items.iter().position(|item| item.is_of(&looked)) else { return };
            let (item, name) = (&studio.items[n], looked.name);
            match findings.entries.into_iter().find(|entry| item.is_of(entry)) {
                None => {
                    let text = format!("{name} is not found among its files any more; open its folder again.");
                    studio.notices.warn(text);
                }
                Some(entry) => {
                    let files = entry.file_count;
                    if !renew(studio, n, entry) {
                        studio.notices.info(format!("Nothing has changed of {name}."));
                    } else if studio.items.get(n).is_some_and(|item| item.scan.is_none()) {
                        studio.notices.info(format!("{name} has {files} files now."));
                    }
                }
            }
        },
    );
}

/// The one new item where it is a mask that names the scan on screen as the one it was made on.
fn mask_of_shown(studio: &Studio, new: &[usize]) -> Option<usize> {
    let [n] = new else { return None };
    let mask = studio.items.get(*n).filter(|item| is_mask(&item.entry))?;
    let series = mask.entry.source.refers_to()?;
    studio.shown_item().filter(|shown| is_of_series(&shown.entry, series)).map(|_| *n)
}

/// Whether a scan is of a series. One that was split has a number behind its UID.
pub(super) fn is_of_series(scan: &Entry, series: &str) -> bool {
    !is_mask(scan) && scan.id.split('#').next() == Some(series)
}

/// A file that was named beside a scan and has its grid may be its mask.
fn offer_mask(studio: &mut Studio, paths: &[PathBuf], entries: &[Entry]) {
    if let ([_, _], [scan, mask]) = (paths, entries)
        && may_be_mask(mask, scan.shape)
    {
        studio.notices.info(format!(
            "{} has as many voxels as {}. If it is its mask, choose \"Use as segmentation\" beside it in the list on the left.",
            mask.name, scan.name
        ));
    }
}

/// Whether an entry is a mask by its header.
pub(super) fn is_mask(entry: &Entry) -> bool {
    matches!(entry.kind, FormatKind::Labels | FormatKind::Contours)
}

/// Whether an entry can be the mask of a scan of this size: its header says that it is a mask, or it may hold labels, and it has the size.
pub fn may_be_mask(entry: &Entry, shape: [usize; 3]) -> bool {
    is_mask(entry) || (may_hold_labels(entry) && entry.shape == shape && shape != [0; 3])
}

/// Whether an entry can be a mask, on whatever grid: its format holds labels, and it does not say that it is a scan.
pub fn may_hold_labels(entry: &Entry) -> bool {
    let holds_labels = FORMATS.iter().any(|f| f.id == entry.format && f.kinds.contains(&FormatKind::Labels));
    // What names its modality is a scan.
    is_mask(entry) || (holds_labels && entry.modality.is_empty())
}

fn remember(studio: &mut Studio, paths: &[PathBuf]) {
    if paths.len() <= FEW_PATHS {
        paths.iter().for_each(|path| studio.settings.remember(path));
    } else if let Some(folder) = paths.first().and_then(|path| path.parent()) {
        // Many are the slices of a series, and their folder is what one opens again.
        studio.settings.remember(folder);
    }
}

/// Unpacks and shows the sample.
pub fn open_sample(studio: &mut Studio) {
    documents::comes_beside(studio);
    studio.start(
        OpenSampleJob,
        |_, ()| {},
        |studio, result| {
            if let Some(Sample { entry, volume }) = studio.told(result) {
                let n = studio.items.len();
                studio.items.push(Item::new(entry));
                studio.loading = Some(n);
                loaded(studio, n, Loaded { volume, masks: Vec::new() });
            }
        },
    );
}

/// Shows an item of the data tree; it is read first where it was not.
pub fn show_item(studio: &mut Studio, n: usize) {
    let Some(scan) = studio.items.get(n).map(|item| item.scan) else { return };
    if studio.loading == Some(n) {
        return;
    }
    // Whatever was on its way is not to be shown any more.
    bringing::overtake(studio);
    (studio.loading, studio.cases.going) = (None, None);
    studio.tasks.stop(LoadJob::KIND);
    match scan {
        Some(scan) => show(studio, scan),
        None if sizing::must_wait(studio, n) => {}
        None => {
            let Some(item) = studio.items.get(n) else { return };
            let entry = item.entry.clone();
            let left =
                item.case.left.as_ref().map(|left| left.masks.iter().map(|mask| mask.file.path.clone()).collect());
            let masks = match left {
                // A mask has no mask of its own, whatever lies beside it.
                _ if !cases::is_case(Some(item)) => WithMasks::Newest(Vec::new()),
                Some(paths) if !Vec::is_empty(&paths) => WithMasks::All(paths),
                _ => WithMasks::NewestAnd(item.case.places.clone(), item.case.attached.clone()),
            };
            studio.loading = Some(n);
            documents::comes_beside(studio);
            studio.start(
                LoadJob { entry, masks },
                |_, ()| {},
                move |studio, result| match result {
                    Ok(found) => loaded(studio, n, found),
                    Err(error) => not_loaded(studio, n, &error),
                },
            );
        }
    }
}

fn not_loaded(studio: &mut Studio, n: usize, error: &JobError) {
    // One that was stopped may have been asked for again since.
    if studio.loading == Some(n) && !studio.tasks.is_running(LoadJob::KIND) {
        studio.loading = None;
    }
    if error.is_stop() {
        return;
    }
    let (why, details) = (error.to_string(), format!("{error:?}"));
    match studio.items.get(n).filter(|_| studio.cases.going.is_some_and(|(going, _)| going == n)) {
        // The step goes on, so this is no end of it.
        Some(item) => {
            let text = format!("Skipped {}: {why}", item.entry.name);
            studio.notices.push(Kind::Warning, text, details);
        }
        None => studio.notices.push(Kind::Error, why.clone(), details),
    }
    cases::could_not_be_read(studio, n, &why);
}

pub(super) fn loaded(studio: &mut Studio, n: usize, found: Loaded) {
    let Loaded { volume, mut masks } = found;
    let is_wanted = studio.loading == Some(n);
    // It was brought meanwhile, by a document or from a journal: that one has the user's strokes.
    if let Some(scan) = studio.items.get(n).and_then(|item| item.scan) {
        if is_wanted {
            (studio.loading, studio.cases.going) = (None, None);
            show(studio, scan);
        }
        return;
    }
    // What is on screen now is what the new scan is looked at like.
    carrying::leave(studio);
    let kept = carrying::kept(studio, n, &volume, &masks);
    let Some(item) = studio.items.get_mut(n) else { return };
    item.thumbnail = Some(thumbnail(&volume));
    item.case.problem = None;
    let (scan, ids) = studio.session.add_scan_with(&volume, kept).unwrap_or_else(|_| {
        let (scan, id) = studio.session.add_scan(volume.clone());
        masks.clear();
        (scan, vec![id])
    });
    item.scan = Some(scan);
    if item.entry.format == DOCUMENT_FORMAT {
        studio.session.set_copy(scan, Some(place_of(&item.entry)));
    } else {
        studio.session.set_place(scan, place_of(&item.entry));
    }
    if let Some(first) = ids.first() {
        studio.scan_views.insert(scan, ScanView::new(&volume, *first));
    }
    carrying::arrive(studio, n, scan, &ids, masks);
    ids.iter().for_each(|id| add_label_view(studio, *id));
    sum_up(studio, scan, &volume);
    if is_wanted {
        (studio.loading, studio.cases.going) = (None, None);
        show(studio, scan);
    }
}

/// Finds out by what a scan is known again, in a journal or a document.
fn sum_up(studio: &mut Studio, scan: ScanId, volume: &Arc<Volume>) {
    studio.start(
        ChecksumJob { volume: volume.clone() },
        |_, ()| {},
        move |studio, result| {
            if let Some(checksum) = studio.told(result) {
                studio.session.set_checksum(scan, checksum);
            }
        },
    );
}

/// Makes the view of a segmentation that has come.
pub fn add_label_view(studio: &mut Studio, id: SegmentationId) {
    if let Some(segmentation) = studio.session.document().segmentation(id) {
        studio.label_views.entry(id).or_insert_with(|| LabelView::new(segmentation.labels()));
    }
}

/// A small picture of the middle slice, no larger than it is seen.
pub(super) fn thumbnail(volume: &Volume) -> Picture {
    let layout = PlaneLayout::new(&volume.geometry, Plane::Axial);
    let mut grey = Vec::new();
    layout.grey_slice(volume, 0, layout.size[2] / 2, volume.default_window(), &mut grey);
    let side = layout.size[0].max(layout.size[1]);
    let step = side.div_ceil(THUMBNAIL_PIXELS).max(1);
    let rows = grey.chunks_exact(layout.size[0].max(1)).step_by(step);
    let small: Vec<u8> = rows.flat_map(|row| row.iter().copied().step_by(step)).collect();
    Picture::from_grey([layout.size[0].div_ceil(step), layout.size[1].div_ceil(step)], &small)
}

/// Shows a scan that was read. What was shown before stays open with all its labels.
pub fn show(studio: &mut Studio, scan: ScanId) {
    if studio.shown == Some(scan) || studio.session.document().scan(scan).is_none() {
        return;
    }
    studio.hand.tool.abort();
    carrying::leave(studio);
    let before = studio.shown.replace(scan);
    if studio.rules.region.take().is_some() {
        studio.notices.info("The box in which is painted was the other scan's, and is off.");
    }
    studio.hover = None;
    studio.pixels.lacks = None;
    before.into_iter().for_each(|before| linking::turn(studio, before, scan));
    putting_away::make_room(studio, scan);
}

/// Takes a segmentation in hand, and shows its scan.
pub fn show_segmentation(studio: &mut Studio, id: SegmentationId) {
    let Some(scan) = studio.session.document().segmentation(id).map(Segmentation::scan) else { return };
    show(studio, scan);
    add_label_view(studio, id);
    let Some(view) = studio.scan_views.get_mut(&scan) else { return };
    if view.segmentation != id {
        studio.hand.tool.abort();
        view.segmentation = id;
    }
}

/// Closes a scan with its segmentations; it stays in the data tree, to be read again.
pub fn close(studio: &mut Studio, scan: ScanId) {
    studio.hand.tool.abort();
    let gone: Vec<SegmentationId> = studio.session.document().segmentations_of(scan).map(|(id, _)| id).collect();
    if studio.shown == Some(scan) {
        carrying::leave(studio);
    }
    let unknown = putting_away::remember(studio, scan);
    studio.session.remove_scan(scan);
    documents::lacks_scan(studio);
    studio.scan_views.remove(&scan);
    studio.label_views.retain(|id, _| !gone.contains(id));
    studio.joining.retain(|(arrival, _)| !gone.contains(&arrival.of));
    for item in studio.items.iter_mut().filter(|item| item.scan == Some(scan)) {
        item.scan = None;
        item.take_renewed();
    }
    if studio.shown == Some(scan) {
        studio.shown = None;
        studio.hover = None;
    }
    if studio.leaving == Some(Leaving::Scan(scan)) {
        studio.leaving = None;
    }
    cases::look(studio, unknown.as_slice());
}

/// Reads a mask for a segmentation; `id` says which one of a file that holds several.
pub fn open_labels(studio: &mut Studio, of: SegmentationId, path: PathBuf, id: Option<String>) {
    read_labels(studio, of, path, id, None);
}

/// The user's word on labels that lie on another grid.
pub fn answer_other_grid(studio: &mut Studio, resampling: Option<Resampling>) {
    if let (Some(OtherGrid { of, path, id, .. }), Some(_)) = (studio.other_grid.take(), resampling) {
        read_labels(studio, of, path, id, resampling);
    }
}

fn read_labels(
    studio: &mut Studio,
    of: SegmentationId,
    path: PathBuf,
    id: Option<String>,
    resampling: Option<Resampling>,
) {
    let document = studio.session.document();
    let Some(segmentation) = document.segmentation(of) else { return };
    let Some(volume) = document.scan(segmentation.scan()).cloned() else { return };
    let made_on = segmentation.revision();
    let job = OpenLabelsJob { path: path.clone(), id: id.clone(), volume, resampling };
    studio.start_for(
        of,
        job,
        |_, ()| {},
        move |studio, result| {
            if let Err(JobError::OtherGrid { difference, .. }) = result {
                studio.other_grid = Some(OtherGrid { of, path, id, difference });
                return;
            }
            let Some(opened) = studio.told(result) else { return };
            studio.notices.forget_errors();
            super::joining::take(
                studio,
                Arrival {
                    source: Source::File(path),
                    of,
                    made_on,
                    labels: opened.labels,
                    names: Names::Own(opened.table),
                    state: SliceState::Todo,
                    states: opened.states,
                    makers: opened.makers,
                    only: None,
                },
            );
        },
    );
}

/// Reads an item's file as the segmentation of the shown scan.
pub fn use_as_segmentation(studio: &mut Studio, n: usize) {
    let (Some(of), Some(item)) = (studio.active(), studio.items.get(n)) else { return };
    let (path, id) = (item.entry.path.clone(), is_mask(&item.entry).then(|| item.entry.id.clone()));
    open_labels(studio, of, path, id);
}

/// The folder beside a scan: that of its file, or the one above its folder of slices.
pub fn folder_of(studio: &Studio, scan: ScanId) -> Option<PathBuf> {
    let path = std::path::absolute(&studio.item_of(scan)?.entry.path).ok()?;
    if !path.exists() {
        return None;
    }
    path.parent().map(Path::to_path_buf).or(Some(path))
}
