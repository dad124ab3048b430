//! DICOM segmentations in the window: a folder with a scan and its masks.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/mod.rs"]
mod support;
#[path = "support/window.rs"]
mod window;

use lamella::app::Request;
use lamella::app::state::paths::{Answer, Mode, Purpose};
use lamella::formats::{Ground, open_one, read_labels_in_file};
use lamella::jobs::{Job, SaveLabelsJob, Told, Work};
use lamella::volume::{Annotations, LabelMap, LabelTable};
use lamella::work::{Share, Signal, Watch};
use window::*;

/// Names and labels of the segmentations of the scan on screen.
fn shown(harness: &Window) -> Vec<(String, LabelMap)> {
    let studio = harness.state().studio();
    let of_shown = studio.session.document().segmentations_of(studio.shown.unwrap());
    of_shown.map(|(_, own)| (own.name().to_string(), own.labels().clone())).collect()
}

#[test]
fn a_folder_opens_its_scan_with_all_its_segmentations_and_saves_one() {
    let _alone = alone();
    let Some(data) = support::test_data() else { return };
    if !can_render() {
        return;
    }
    let folder = data.join("data/dicom/series/dcmqi_ct3slice");
    let mut harness = window(vec![folder.clone()]);
    settle(&mut harness);
    let masks = shown(&harness);
    // The liver; and five segments, of which some lie over each other, in three layers (shared/data/oracles.json).
    let counts: Vec<Vec<usize>> = masks.iter().map(|(_, labels)| labels.counts().into_values().collect()).collect();
    assert_eq!(counts.len(), 4, "{counts:?}");
    assert!(counts.contains(&vec![107_098]), "{counts:?}");
    let mut all: Vec<usize> = counts.concat();
    all.sort_unstable();
    assert_eq!(all, [4713, 6693, 9602, 10743, 11888, 107_098]);
    assert!(masks.iter().all(|(_, labels)| labels.geometry().shape() == [512, 512, 3]));
    let mut names: Vec<&String> = masks.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 4, "{names:?}");

    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("mine.dcm");
    let labels = harness.state().labels().unwrap().clone();
    harness.state_mut().save_labels(path.clone());
    settle(&mut harness);
    let messages = harness.state().messages();
    assert!(messages.iter().any(|text| text.contains("Read back and compared")), "{messages:?}");
    let scan = open_one(&folder, None, Watch::unwatched()).unwrap();
    let back = read_labels_in_file(&path, Some(&Ground::of(&scan)), Watch::unwatched()).unwrap();
    assert!(back.labels.same_labels(&labels));

    // The scan as a derived series: the folder holds the mask, so that a new one is made in it.
    let shown = harness.state().studio().shown.unwrap();
    let answer = Answer { purpose: Purpose::SaveSeries(shown), mode: Mode::Folder, path: Some(out.path().into()) };
    harness.state_mut().request(Request::Answer(answer));
    harness.run_steps(2);
    settle(&mut harness);
    let made: Vec<_> = std::fs::read_dir(out.path()).unwrap().flatten().map(|entry| entry.path()).collect();
    let made: Vec<_> = made.into_iter().filter(|path| path.is_dir()).collect();
    assert_eq!(made.len(), 1, "{made:?} {:?}", harness.state().messages());
    assert!(made[0].to_string_lossy().ends_with("_dicom"));
    let back = open_one(&made[0], None, Watch::unwatched()).unwrap();
    let count = back.voxels.len();
    assert_eq!(count, scan.voxels.len());
    assert!((0..count).all(|at| back.value_at(at) == scan.value_at(at)));
    assert!(back.geometry.lies_on(&scan.geometry));
}

#[test]
fn a_segmentation_by_itself_opens_as_a_mask() {
    let _alone = alone();
    let Some(data) = support::test_data() else { return };
    if !can_render() {
        return;
    }
    let mut harness = window(vec![data.join("data/dicom/seg/23x38x3/seg/label_seg.dcm")]);
    settle(&mut harness);
    let studio = harness.state().studio();
    let volume = studio.session.document().scan(studio.shown.unwrap()).unwrap();
    assert_eq!(volume.geometry.shape(), [23, 38, 3]);
    assert_eq!(LabelMap::from_volume(volume, 0).unwrap().counts().into_iter().collect::<Vec<_>>(), [(1, 322)]);
}

#[test]
fn a_segmentation_that_is_opened_over_its_scan_becomes_its_segmentation() {
    let _alone = alone();
    let Some(data) = support::test_data() else { return };
    if !can_render() {
        return;
    }
    let folder = data.join("data/dicom/series/dcmqi_ct3slice");
    let mut harness = window(["01.dcm", "02.dcm", "03.dcm"].map(|name| folder.join(name)).to_vec());
    settle(&mut harness);
    assert_eq!(shown(&harness).iter().map(|(_, labels)| labels.counts().len()).collect::<Vec<_>>(), [0]);
    let scan = harness.state().studio().shown;
    harness.state_mut().request(Request::Open(vec![folder.join("seg_liver.dcm")]));
    settle(&mut harness);
    assert_eq!(harness.state().studio().shown, scan, "{:?}", harness.state().messages());
    assert_eq!(harness.state().labels().unwrap().counts().into_values().collect::<Vec<_>>(), [107_098]);
    assert_eq!(harness.state().label_table().unwrap().0[0].name, "Liver");
}

#[test]
fn a_mask_that_is_written_is_saved_also_where_reading_it_back_is_stopped() {
    let Some(data) = support::test_data() else { return };
    let scan = open_one(&data.join("data/dicom/series/dcmqi_ct3slice"), None, Watch::unwatched()).unwrap();
    let labels = LabelMap::from_fn(scan.geometry.clone(), |[i, j, _]| u16::from(i > 100 && j > 100));
    let mut table = LabelTable::default();
    table.cover([1]);
    let annotations = Annotations::new(table, []);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.dcm");
    let job = SaveLabelsJob { path: path.clone(), labels, annotations, source: scan.source.clone(), sidecar: true };
    let signal = Signal::default();
    let warnings = std::sync::Mutex::new(Vec::new());
    let stop = |share: Share| {
        if share.stage == "Comparing" {
            signal.stop();
        }
    };
    let tell = |told| {
        if let Told::Warning(text) = told {
            warnings.lock().unwrap().push(text);
        }
    };
    let saved = job.run(&Work::new(Watch::new(&signal).reporting(&stop), &tell));
    assert!(signal.is_stopped(), "it was compared");
    let saved = saved.unwrap();
    assert_eq!((saved.path, saved.is_compared), (path.clone(), false));
    assert!(path.is_file());
    let warnings = warnings.into_inner().unwrap();
    assert!(warnings.iter().any(|text| text.contains("not read back")), "{warnings:?}");
}
