//! Where the segmentation of a case is saved: as that of the case before was, so that one is asked for a name only once.

use std::path::{Path, PathBuf};

use crate::app::state::cases::{MaskFolder, MaskPlace};
use crate::app::state::saving::file_name;
use crate::app::state::scans::Item;
use crate::app::state::studio::Studio;
use crate::formats::{stem, writer_for};
use crate::jobs::{case_and_channel, labels_folder, plain_name};
use crate::session::SegmentationId;

/// The name with which that of a segmentation begins.
fn base(item: &Item) -> String {
    if item.entry.file_count == 1 { stem(&item.entry.path) } else { plain_name(&item.entry.name) }
}

fn without_channel(name: &str) -> &str {
    case_and_channel(name).map_or(name, |(case, _)| case)
}

/// The folder beside a scan that is only this scan's where names are the same in several folders.
pub(in crate::app) fn folder_beside(item: &Item) -> Option<PathBuf> {
    let beside = item.entry.path.parent().map(Path::to_path_buf);
    if item.entry.file_count == 1 {
        return beside;
    }
    let places = &item.case.places;
    let is_own = places.is_empty() || places.iter().any(|place| place.parent() == beside.as_deref());
    if is_own { beside } else { places.first().and_then(|place| place.parent()).map(Path::to_path_buf) }
}

/// Learns from a file of a case's segmentation where those of others lie. A name that does not begin as the case's teaches nothing.
pub(super) fn learn(studio: &mut Studio, n: usize, mask: &Path) {
    let Some(item) = studio.items.get(n).filter(|item| super::cases::is_case(Some(item))) else { return };
    let (name, base) = (file_name(mask), base(item));
    let behind = |base: &str| {
        let rest = name.strip_prefix(base)?;
        rest.starts_with(|c: char| !c.is_alphanumeric()).then(|| rest.to_string())
    };
    let found = match behind(&base) {
        Some(rest) => Some((rest, false)),
        None => behind(without_channel(&base)).map(|rest| (rest, true)),
    };
    let (Some(folder), Some(of)) = (mask.parent().map(Path::to_path_buf), folder_of(item)) else { return };
    let folder = match () {
        () if Some(&folder) == folder_beside(item).as_ref() => MaskFolder::Beside,
        () if Some(&folder) == labels_folder(&of).as_ref() => MaskFolder::OfLabels,
        () => MaskFolder::Chosen { folder, of },
    };
    if let Some((rest, is_without_channel)) = found {
        let place = MaskPlace { folder, is_without_channel, rest };
        // Over the scan itself nothing is ever written.
        studio.cases.place = (place_in(item, &place).as_deref() != Some(&*item.entry.path)).then_some(place);
    }
}

fn place_in(item: &Item, place: &MaskPlace) -> Option<PathBuf> {
    let base = base(item);
    let name = if place.is_without_channel { without_channel(&base) } else { &base };
    let folder = match &place.folder {
        MaskFolder::Beside => folder_beside(item)?,
        MaskFolder::OfLabels => labels_folder(&folder_of(item)?)?,
        // Scans of another folder are of another data set, and their masks do not go among those of this one.
        MaskFolder::Chosen { folder, of } => Some(folder.clone()).filter(|_| folder_of(item).as_ref() == Some(of))?,
    };
    Some(folder.join(format!("{name}{}", place.rest)))
}

/// The folder that a scan lies in.
fn folder_of(item: &Item) -> Option<PathBuf> {
    item.entry.path.parent().map(Path::to_path_buf)
}

/// Where the first segmentation of a case goes, where that is known and nothing is there yet.
pub(super) fn remembered(studio: &Studio, of: SegmentationId) -> Option<PathBuf> {
    let scan = studio.session.document().segmentation(of)?.scan();
    let item = studio.item_of(scan).filter(|item| super::cases::is_case(Some(item)))?;
    let is_first = studio.session.document().segmentations_of(scan).next().is_some_and(|(id, _)| id == of);
    let path = place_in(item, studio.cases.place.as_ref()?).filter(|_| is_first)?;
    let is_there = path.parent().is_some_and(Path::is_dir);
    let is_free = std::fs::symlink_metadata(&path).is_err()
        && !studio.being_saved.iter().any(|saving| saving.path == path)
        && !studio.label_views.values().filter_map(|view| view.file.as_ref()).any(|file| file.path == path);
    (is_there && is_free && writer_for(&path).is_ok()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::act::cases::tests::studio_of;

    #[test]
    fn labels_of_a_data_set_stay_in_the_folder_that_belongs_to_their_images() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        ["imagesTr", "imagesTs", "labelsTr"].iter().for_each(|name| std::fs::create_dir(at.join(name)).unwrap());
        let mut studio = studio_of(at, &["imagesTr/a_0000.nii", "imagesTr/b_0000.nii", "imagesTs/c_0000.nii"]);
        let at_of = |studio: &Studio, name: &str| {
            let item = studio.items.iter().find(|item| item.entry.name == name).unwrap();
            let (of, _) = studio.session.document().segmentations_of(item.scan.unwrap()).next().unwrap();
            remembered(studio, of)
        };
        let first = studio.items.iter().position(|item| item.entry.name == "a_0000").unwrap();
        learn(&mut studio, first, &at.join("labelsTr/a.nii.gz"));
        assert_eq!(at_of(&studio, "b_0000"), Some(at.join("labelsTr/b.nii.gz")));
        assert_eq!(at_of(&studio, "c_0000"), None, "there is no labelsTs");
        std::fs::create_dir(at.join("labelsTs")).unwrap();
        assert_eq!(at_of(&studio, "c_0000"), Some(at.join("labelsTs/c.nii.gz")));
    }

    #[test]
    fn what_was_done_with_one_case_is_done_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let mut studio = studio_of(at, &["case1.nii", "case10.nii"]);
        let of: Vec<SegmentationId> = studio.session.document().segmentations().map(|(id, _)| id).collect();
        let there = |studio: &Studio| of.iter().map(|of| remembered(studio, *of)).collect::<Vec<_>>();
        assert_eq!(there(&studio), [None, None], "nothing was saved yet");
        learn(&mut studio, 0, &at.join("case1_seg.nii.gz"));
        assert_eq!(there(&studio), [Some(at.join("case1_seg.nii.gz")), Some(at.join("case10_seg.nii.gz"))]);
        std::fs::write(at.join("case10_seg.nii.gz"), b"of somebody else").unwrap();
        assert_eq!(there(&studio)[1], None, "nothing that is there is written over");
        let other = at.join("masks");
        learn(&mut studio, 1, &other.join("case10.nrrd"));
        assert_eq!(there(&studio)[0], None, "no folder is made");
        std::fs::create_dir(&other).unwrap();
        learn(&mut studio, 1, &other.join("case10.nrrd"));
        assert_eq!(there(&studio)[0], Some(other.join("case1.nrrd")));
        learn(&mut studio, 0, &other.join("case10.nrrd"));
        assert_eq!(there(&studio)[0], Some(other.join("case1.nrrd")), "a name of another case teaches nothing");
        studio.items[1].entry.path = at.join("another").join("case10.nii");
        assert_eq!(there(&studio), [Some(other.join("case1.nrrd")), None], "a scan of another folder is asked for");
        studio.items[1].entry.path = at.join("case10.nii");
        learn(&mut studio, 0, &at.join("case1.nii"));
        assert_eq!(there(&studio), [None, None], "a scan is never written over");
    }
}
