//! Cases of real folders, in a studio without a window.

use std::sync::Arc;

use super::*;
use crate::app::Settings;
use crate::app::act::{labels as label_table, saving, scans, sizing};
use crate::app::state::sizing::SizeAnswer;
use crate::session::{Command, Edit, PaintRules, Painter};
use crate::volume::{Affine, Geometry, Label, LabelMap, LabelTable, Rescale, Volume, Voxels, Window};
use crate::work::Watch;

/// Voxels of its scans.
pub const SHAPE: [usize; 3] = [6, 5, 4];

/// Writes a scan of a few values.
pub fn write_scan(path: &Path, shape: [usize; 3]) {
    let geometry = Geometry::new(shape, Affine::IDENTITY).unwrap();
    let values: Vec<i16> = (0..geometry.voxel_count()).map(|n| (n % 97) as i16).collect();
    let volume = Volume::new(geometry, Voxels::I16(values.into()), vec![], Rescale::IDENTITY, "scan".into());
    crate::formats::write_volume(path, &volume, Watch::unwatched()).unwrap();
}

/// Lets all jobs end.
pub fn settle(studio: &mut Studio) {
    loop {
        for deed in studio.tasks.drain() {
            deed(studio);
        }
        follow(studio);
        if studio.tasks.is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn opened(folder: &Path) -> Studio {
    let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
    scans::open(&mut studio, vec![folder.to_path_buf()]);
    settle(&mut studio);
    studio
}

/// A folder of scans of one size, all of them read.
pub fn studio_of(folder: &Path, names: &[&str]) -> Studio {
    names.iter().for_each(|name| write_scan(&folder.join(name), SHAPE));
    let mut studio = opened(folder);
    for n in 0..studio.items.len() {
        scans::show_item(&mut studio, n);
        settle(&mut studio);
    }
    studio
}

/// Paints a voxel of an item's scan.
pub fn paint(studio: &mut Studio, n: usize) {
    let scan = studio.items[n].scan.unwrap();
    let (of, _) = studio.session.document().segmentations_of(scan).next().unwrap();
    let mut painter = Painter::new(studio.session.document(), of, &PaintRules::default()).unwrap();
    painter.fill(&[[1, 2, 3]], 1);
    studio.session.apply(Command::by_hand("Brush", vec![Edit::Labels(painter.finish())])).unwrap();
    let labels = studio.session.document().segmentation(of).unwrap().labels().clone();
    studio.label_views.get_mut(&of).unwrap().counted = (labels.clone(), labels.voxel_counts());
}

fn names(studio: &Studio) -> Vec<&str> {
    studio.cases.list.iter().map(|n| studio.items[*n].entry.name.as_str()).collect()
}

fn shown(studio: &Studio) -> &str {
    studio.shown_item().map_or("", |item| &item.entry.name)
}

fn states(studio: &Studio) -> Vec<CaseState> {
    studio.cases.list.iter().map(|n| state_of(studio, &studio.items[*n])).collect()
}

#[test]
fn cases_are_in_natural_order_and_masks_and_channels_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for name in ["case10.nii", "case2.nii", "case2_seg.nii.gz", "case10_mask.nii", "Atlas.nii", "segment.nii"] {
        write_scan(&at.join(name), SHAPE);
    }
    write_scan(&at.join("Atlas_seg.nii"), [6, 5, 3]);
    let studio = opened(at);
    assert_eq!(names(&studio), ["Atlas", "Atlas_seg", "case2", "case10", "segment"], "a mask has its scan's size");
    let role = |name: &str| studio.items.iter().find(|item| item.entry.name == name).unwrap().case.role;
    assert_eq!([role("case2_seg"), role("case10_mask")], [Role::Mask, Role::Companion]);
    assert_eq!(shown(&studio), "Atlas");
    // A folder of masks alone is one of scans.
    let masks = tempfile::tempdir().unwrap();
    ["a_mask.nii", "b_mask.nii"].into_iter().for_each(|name| write_scan(&masks.path().join(name), SHAPE));
    assert_eq!(names(&opened(masks.path())), ["a_mask", "b_mask"]);
}

#[test]
fn a_mask_that_is_looked_at_gets_no_mask_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    ["t1.nii", "liver_mask.nii"].iter().for_each(|name| write_scan(&at.join(name), SHAPE));
    let mut labels = LabelMap::empty(Geometry::new(SHAPE, Affine::IDENTITY).unwrap());
    labels.set([1, 1, 1], 2);
    let file = at.join("liver_mask_seg.nii.gz");
    crate::formats::write_labels(&file, &labels, &crate::volume::Annotations::default(), Watch::unwatched()).unwrap();
    let mut studio = opened(at);
    let n = studio.items.iter().position(|item| item.entry.name == "liver_mask").unwrap();
    assert!(!is_case(studio.items.get(n)));
    scans::show_item(&mut studio, n);
    settle(&mut studio);
    let scan = studio.items[n].scan.unwrap();
    for (id, own) in studio.session.document().segmentations_of(scan) {
        let has_file = studio.label_views.get(&id).is_some_and(|view| view.file.is_some());
        assert_eq!(has_file, own.labels().counts().contains_key(&2), "a file is only of what was read from it");
    }
}

#[test]
fn what_was_brought_while_it_was_being_read_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut studio = studio_of(folder.path(), &["case1.nii", "case2.nii"]);
    paint(&mut studio, 0);
    let (scan, n) = (studio.items[0].scan.unwrap(), 0);
    // It was on its way when a journal or a document brought it.
    studio.loading = Some(n);
    let volume = studio.session.document().scan(scan).unwrap().clone();
    scans::loaded(&mut studio, n, crate::jobs::Loaded { volume, masks: Vec::new() });
    assert_eq!((studio.items[n].scan, studio.shown, studio.loading), (Some(scan), Some(scan), None));
    assert_eq!(studio.session.document().scans().count(), 2);
}

#[test]
fn a_look_fits_a_scan_that_has_become_smaller() {
    let folder = tempfile::tempdir().unwrap();
    let mut studio = studio_of(folder.path(), &["case1.nii", "case2.nii"]);
    let scan = studio.items[0].scan.unwrap();
    studio.scan_views.get_mut(&scan).unwrap().cursor = [5, 4, 3];
    scans::close(&mut studio, scan);
    write_scan(&folder.path().join("case1.nii"), [3, 5, 2]);
    scans::show_item(&mut studio, 0);
    settle(&mut studio);
    let view = &studio.scan_views[&studio.items[0].scan.unwrap()];
    assert_eq!(view.cursor, [2, 4, 1]);
}

#[test]
fn the_folder_of_images_of_a_data_set_has_its_labels_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let (images, labels) = (folder.path().join("imagesTr"), folder.path().join("labelsTr"));
    [&images, &labels].into_iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    for name in ["b_0000.nii", "b_0001.nii", "a_0000.nii", "a_0001.nii"] {
        write_scan(&images.join(name), SHAPE);
    }
    let mut mask = LabelMap::empty(Geometry::new(SHAPE, Affine::IDENTITY).unwrap());
    mask.set([1, 1, 1], 2);
    let table = LabelTable(vec![Label::new(2, "Liver")]);
    let done = [((2, 1), SliceState::Done)];
    let mut notes = crate::volume::Annotations::new(table, done);
    notes.seal(&mask);
    crate::formats::write_labels(&labels.join("b.nii.gz"), &mask, &notes, Watch::unwatched()).unwrap();
    for folder in [&images, &folder.path().to_path_buf()] {
        let mut studio = opened(folder);
        assert_eq!(names(&studio), ["a_0000", "b_0000"], "{}", folder.display());
        assert_eq!(states(&studio), [CaseState::NotBegun, CaseState::Done], "it is known without opening it");
        step(&mut studio, Way::Next);
        settle(&mut studio);
        assert_eq!(shown(&studio), "b_0000");
        let own = studio.segmentation().unwrap();
        assert_eq!((own.labels().get([1, 1, 1]), own.table().0[0].name.as_str()), (2, "Liver"));
        assert!(!own.is_modified() && studio.session.undo_name().is_none(), "opening is no step to take back");
        assert_eq!(states(&studio), [CaseState::NotBegun, CaseState::Done]);
        let first = studio.cases.list[0];
        paint(&mut studio, first);
        assert_eq!(states(&studio)[0], CaseState::Draft);
        // Where the other mask lies is known, so this one is saved beside it without a question.
        step(&mut studio, Way::Previous);
        let of = studio.active().unwrap();
        saving::save(&mut studio, of);
        settle(&mut studio);
        assert_eq!(states(&studio)[0], CaseState::Saved);
        std::fs::remove_file(labels.join("a.nii.gz")).unwrap();
        std::fs::remove_file(labels.join("a.json")).unwrap();
    }
}

#[test]
fn a_step_passes_a_picture_whose_size_was_not_given() {
    let folder = tempfile::tempdir().unwrap();
    // Pictures of one size would be one stack.
    for (name, columns) in [("a", 7), ("b", 8), ("c", 9)] {
        let picture =
            LabelMap::from_fn(Geometry::new([columns, 9, 1], Affine::IDENTITY).unwrap(), |[i, _, _]| i as u16);
        crate::formats::write_mask_picture(&folder.path().join(format!("{name}.png")), &picture).unwrap();
    }
    let mut studio = opened(folder.path());
    assert_eq!(names(&studio), ["a", "b", "c"]);
    let cases = studio.cases.list.clone();
    let answer = |studio: &mut Studio, answer: SizeAnswer| {
        assert!(studio.sizing.form.is_some(), "it is asked for");
        sizing::answer(studio, answer);
        settle(studio);
    };
    let go = |studio: &mut Studio, way: Way| {
        step(studio, way);
        settle(studio);
    };
    scans::show_item(&mut studio, cases[0]);
    answer(&mut studio, SizeAnswer::Pixels);
    assert_eq!(shown(&studio), "a");
    go(&mut studio, Way::Next);
    assert_eq!(studio.sizing.form.as_ref().map(|form| form.item), Some(cases[1]));
    answer(&mut studio, SizeAnswer::Cancel);
    assert!(shown(&studio) == "a" && lacks(&studio, Way::Next).is_none());
    go(&mut studio, Way::Next);
    assert_eq!(studio.sizing.form.as_ref().map(|form| form.item), Some(cases[2]));
    answer(&mut studio, SizeAnswer::Pixels);
    assert_eq!(shown(&studio), "c");
    // Chosen by hand it is asked for again, and once it has its size a step takes it.
    scans::show_item(&mut studio, cases[1]);
    answer(&mut studio, SizeAnswer::Pixels);
    assert_eq!(shown(&studio), "b");
    go(&mut studio, Way::Previous);
    go(&mut studio, Way::Next);
    assert_eq!(shown(&studio), "b");
}

#[test]
fn series_of_one_name_have_their_masks_in_their_own_folders() {
    let folder = tempfile::tempdir().unwrap();
    write_scan(&folder.path().join("a.nii"), SHAPE);
    let entry = crate::formats::scan(&folder.path().join("a.nii"), Watch::unwatched()).unwrap().entries.remove(0);
    let root = Path::new("/study");
    let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
    for (path, name) in [("p10", "T1"), ("p2", "T1"), ("p2", "T2")] {
        let entry = Entry { path: root.join(path), name: name.into(), file_count: 3, ..entry.clone() };
        let mut item = Item::new(entry);
        item.case.order = Some(crate::app::state::natural_order::NaturalOrder::of(&item.entry.path));
        studio.items.push(item);
    }
    assign(&mut studio);
    assert_eq!(studio.cases.list, [1, 2, 0], "by folder, then as they were found");
    let has = |n: usize, place: &str| studio.items[n].case.places.contains(&root.join(place));
    assert_eq!([has(0, "T1_seg.nii.gz"), has(1, "T1_seg.nii.gz")], [false; 2], "it could be of either");
    assert_eq!([has(0, "p10/T1_seg.nii.gz"), has(1, "p2/T1_seg.nii.gz"), has(2, "T2_seg.nii.gz")], [true; 3]);
    let beside = |n: usize| crate::app::act::mask_place::folder_beside(&studio.items[n]).unwrap();
    assert_eq!([beside(0), beside(1), beside(2)], [root.join("p10"), root.join("p2"), root.into()]);
}

#[test]
fn a_case_is_done_when_it_is_marked_and_saved_and_changes_make_it_a_draft() {
    let folder = tempfile::tempdir().unwrap();
    let mut studio = studio_of(folder.path(), &["a.nii", "b.nii"]);
    step(&mut studio, Way::Previous);
    assert_eq!((shown(&studio), states(&studio)[0]), ("a", CaseState::NotBegun));
    paint(&mut studio, 0);
    let of = studio.active().unwrap();
    saving::save_labels(&mut studio, of, folder.path().join("a_seg.nii.gz"));
    settle(&mut studio);
    assert_eq!(states(&studio)[0], CaseState::Saved);
    label_table::toggle_case_done(&mut studio);
    settle(&mut studio);
    assert_eq!(states(&studio)[0], CaseState::Done, "marking saves it where it was saved before");
    studio.session.undo();
    assert_eq!(states(&studio)[0], CaseState::Draft);
    studio.session.redo();
    assert_eq!(states(&studio)[0], CaseState::Done);
    // Also behind a restart, and for the next one that is not done.
    let mut again = opened(folder.path());
    assert_eq!((names(&again), states(&again)), (vec!["a", "b"], vec![CaseState::Done, CaseState::NotBegun]));
    assert_eq!(shown(&again), "a");
    step(&mut again, Way::NextOpen);
    settle(&mut again);
    assert_eq!((shown(&again), lacks(&again, Way::NextOpen)), ("b", Some("All other cases are done")));
    assert_eq!(lacks(&again, Way::Next), Some("This is the last case"));
}

#[test]
fn window_and_labels_go_along_and_a_case_with_labels_keeps_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    ["a.nii", "b.nii", "c.nii"].into_iter().for_each(|name| write_scan(&at.join(name), SHAPE));
    let mut mask = LabelMap::empty(Geometry::new(SHAPE, Affine::IDENTITY).unwrap());
    mask.set([1, 1, 1], 5);
    let notes = crate::volume::Annotations::of_table(LabelTable(vec![Label::new(5, "Cyst")]));
    crate::formats::write_labels(&at.join("c_seg.nii"), &mask, &notes, Watch::unwatched()).unwrap();
    let mut studio = opened(at);
    let own_window = studio.view().unwrap().window;
    step(&mut studio, Way::Next);
    settle(&mut studio);
    assert_eq!((shown(&studio), studio.view().unwrap().window), ("b", own_window));
    step(&mut studio, Way::Previous);
    for name in ["Liver", "Spleen"] {
        label_table::add_named(&mut studio, name);
    }
    let chosen = Window { level: 31.0, width: 7.0 };
    studio.view_mut().unwrap().window = chosen;
    // One that was opened before is as it was left.
    step(&mut studio, Way::Next);
    assert!(studio.segmentation().unwrap().table().0.is_empty() && studio.view().unwrap().window == own_window);
    let b = studio.shown.unwrap();
    step(&mut studio, Way::Previous);
    scans::close(&mut studio, b);
    studio.items.iter_mut().for_each(|item| item.case.left = None);
    step(&mut studio, Way::Next);
    settle(&mut studio);
    let labels = |studio: &Studio| {
        let table = studio.segmentation().unwrap().table();
        table.0.iter().map(|label| label.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!((shown(&studio), labels(&studio)), ("b", vec!["Liver".into(), "Spleen".into()]));
    assert_eq!((studio.view().unwrap().window, studio.label_view().unwrap().active), (chosen, 2));
    assert!(!studio.segmentation().unwrap().is_modified(), "nothing is asked for that nobody did");
    assert_eq!(states(&studio), [CaseState::Draft, CaseState::NotBegun, CaseState::Saved]);
    step(&mut studio, Way::Next);
    settle(&mut studio);
    assert_eq!((shown(&studio), labels(&studio)), ("c", vec!["Cyst".to_string()]));
    assert_eq!((studio.view().unwrap().window, studio.label_view().unwrap().active), (chosen, 5));
}

#[test]
fn what_cannot_be_read_says_why_and_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    ["a.nii", "b.nii", "c.nii", "d.nii"].into_iter().for_each(|name| write_scan(&at.join(name), SHAPE));
    // A header without its voxels.
    let whole = std::fs::read(at.join("b.nii")).unwrap();
    std::fs::write(at.join("b.nii"), &whole[..400]).unwrap();
    std::fs::write(at.join("d.nii"), &whole[..400]).unwrap();
    let mut studio = opened(at);
    assert_eq!(names(&studio), ["a", "b", "c", "d"]);
    step(&mut studio, Way::Next);
    settle(&mut studio);
    assert_eq!(shown(&studio), "c");
    let why = studio.items[1].case.problem.clone().unwrap();
    assert!(why.contains("b.nii"), "{why}");
    assert!(studio.notices.all().iter().any(|notice| notice.text.starts_with("Skipped b: ")));
    step(&mut studio, Way::Next);
    settle(&mut studio);
    assert_eq!((shown(&studio), lacks(&studio, Way::Next)), ("c", Some("This is the last case")));
    // Whoever chooses it tries again.
    std::fs::write(at.join("b.nii"), &whole).unwrap();
    scans::show_item(&mut studio, 1);
    settle(&mut studio);
    assert_eq!((shown(&studio), studio.items[1].case.problem.is_none()), ("b", true));
}

#[test]
fn slices_that_come_later_are_read_and_an_open_scan_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let [scan, whole, growing] = ["scan.nii", "whole", "growing"].map(|name| folder.path().join(name));
    write_scan(&scan, SHAPE);
    let volume = crate::formats::open_one(&scan, None, Watch::unwatched()).unwrap();
    crate::formats::write_series(&whole, &volume, Watch::unwatched()).unwrap();
    std::fs::create_dir(&growing).unwrap();
    let come = |numbers: std::ops::RangeInclusive<usize>| {
        for name in numbers.map(|n| format!("{n:04}.dcm")) {
            std::fs::copy(whole.join(&name), growing.join(&name)).unwrap();
        }
    };
    come(1..=1);
    let mut studio = opened(&growing);
    assert_eq!((studio.items.len(), studio.items[0].entry.shape[2]), (1, 1));
    come(2..=3);
    scans::look_again(&mut studio, 0);
    settle(&mut studio);
    // It was shown when its folder was opened.
    let slices = |studio: &Studio| studio.volume().map(|volume| volume.geometry.shape()[2]);
    assert_eq!((studio.items.len(), slices(&studio)), (1, Some(1)));
    let told = |studio: &Studio, text: &str| studio.notices.all().iter().any(|notice| notice.text.contains(text));
    assert!(told(&studio, "has 3 files now, and was opened from 1"));
    let scan = studio.items[0].scan.unwrap();
    scans::close(&mut studio, scan);
    scans::show_item(&mut studio, 0);
    settle(&mut studio);
    assert_eq!((studio.items.len(), slices(&studio)), (1, Some(3)));
    // The folder is opened again.
    come(4..=4);
    scans::open(&mut studio, vec![growing.clone()]);
    settle(&mut studio);
    assert!(studio.items.len() == 1 && slices(&studio) == Some(3) && told(&studio, "has 4 files now"));
    scans::look_again(&mut studio, 0);
    settle(&mut studio);
    assert!(told(&studio, "Nothing has changed"));
}
