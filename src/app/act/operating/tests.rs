//! Operations, previews and one undo step, in a studio without a window.

use super::*;
use crate::app::Settings;
use crate::app::act::scans::add_label_view;
use crate::app::act::{following, painting};
use crate::app::state::tiles::TileContent;
use crate::app::state::views::ScanView;
use crate::edit::operations::find;
use crate::session::{Incoming, PaintRules, SliceState};
use crate::tools::{self, Button, Pointer, PointerKind};
use crate::volume::{Affine, Geometry, Label, LabelCounts, LabelMap, Plane, Rescale, Volume, Voxels};
use std::sync::Arc;

/// Two islands of label 1, of 4 and of 2 voxels, and one of label 2.
fn studio() -> Studio {
    let geometry = Geometry::new([9, 5, 4], Affine::IDENTITY).unwrap();
    let voxels = Voxels::U8(Arc::new((0..180).collect()));
    let volume = Arc::new(Volume::new(geometry.clone(), voxels, vec![], Rescale::IDENTITY, String::new()));
    let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
    let (scan, of) = studio.session.add_scan(volume.clone());
    studio.scan_views.insert(scan, ScanView::new(&volume, of));
    add_label_view(&mut studio, of);
    studio.shown = Some(scan);
    let labels = LabelMap::from_fn(geometry, |[i, j, k]| match (i, j, k) {
        (0..4, 1, 1) | (6..8, 3, 2) => 1,
        (8, _, 3) => 2,
        _ => 0,
    });
    let mut painter = Painter::new(studio.session.document(), of, &PaintRules::default()).unwrap();
    painter.take(labels, &Incoming::default());
    let table = LabelTable(vec![Label::new(1, "Liver"), Label::new(2, "Spleen")]);
    let edits = vec![Edit::Labels(painter.finish()), Edit::Table(of, table)];
    studio.session.apply(Command::by_hand("Begin", edits)).unwrap();
    studio
}

fn wait(studio: &mut Studio) {
    while !studio.tasks.is_empty() {
        studio.tasks.drain().into_iter().for_each(|deed| deed(studio));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn counts(studio: &Studio) -> LabelCounts {
    studio.segmentation().unwrap().labels().voxel_counts()
}

fn last(studio: &Studio) -> String {
    studio.notices.all().last().map(|notice| notice.text.clone()).unwrap_or_default()
}

#[test]
fn an_operation_is_previewed_taken_as_it_is_shown_and_undone_in_one_step() {
    let mut studio = studio();
    choose(&mut studio, find("keep-largest-islands").unwrap());
    assert_eq!((studio.settings.task, lacks(&studio)), (Task::Annotate, None));
    let before = counts(&studio);
    preview(&mut studio);
    wait(&mut studio);
    assert!(has_preview(&studio) && last(&studio).contains("1 island removed"), "{}", last(&studio));
    assert_eq!(counts(&studio), before, "nothing changes yet");
    assert!(studio.shown_labels().is_some_and(|(labels, is_preview)| is_preview && labels.get([6, 3, 2]) == 0));
    take(&mut studio);
    assert!(studio.tasks.is_empty() && !has_preview(&studio), "what was computed is not computed again");
    assert_eq!(counts(&studio), LabelCounts::from([(1, 4), (2, 5)]));
    assert_eq!(studio.segmentation().unwrap().state(Plane::Axial, 2), SliceState::Draft);
    assert_eq!(studio.session.undo_name(), Some("Keep the largest islands"));
    studio.session.undo();
    assert_eq!(counts(&studio), before);
}

/// The labels on screen, which are a preview.
fn previewed(studio: &mut Studio) -> LabelCounts {
    follow(studio);
    wait(studio);
    let (labels, is_preview) = studio.shown_labels().unwrap();
    assert!(is_preview && has_preview(studio), "{}", last(studio));
    labels.voxel_counts()
}

#[test]
fn a_preview_follows_the_choices_the_cursor_and_the_labels_and_another_operation_ends_it() {
    let mut studio = studio();
    choose(&mut studio, find("clear").unwrap());
    preview(&mut studio);
    assert_eq!(previewed(&mut studio), LabelCounts::from([(2, 5)]));
    let notices = studio.notices.all().len();
    let of = studio.active().unwrap();
    let mut painter = Painter::new(studio.session.document(), of, &PaintRules::default()).unwrap();
    painter.fill(&[[0, 0, 0]], 2);
    studio.session.apply(Command::by_hand("Brush", vec![Edit::Labels(painter.finish())])).unwrap();
    assert_eq!(previewed(&mut studio), LabelCounts::from([(2, 6)]));
    let form = OperationForm { is_for_all: true, ..studio.operating.form.clone() };
    set_form(&mut studio, form);
    assert_eq!(previewed(&mut studio), LabelCounts::new());
    assert_eq!(studio.notices.all().len(), notices, "it is told once");
    choose(&mut studio, find("keep-island").unwrap());
    assert!(!has_preview(&studio) && studio.shown_labels().is_some_and(|(_, is_preview)| !is_preview));
    studio.view_mut().unwrap().cursor = [1, 1, 1];
    preview(&mut studio);
    assert_eq!(previewed(&mut studio).get(&1), Some(&4));
    studio.view_mut().unwrap().cursor = [6, 3, 2];
    assert_eq!(previewed(&mut studio).get(&1), Some(&2));
    drop_preview(&mut studio);
    follow(&mut studio);
    assert!(studio.tasks.is_empty() && studio.shown_labels().is_some_and(|(_, is_preview)| !is_preview));
    choose(&mut studio, find("clear").unwrap());
    // A result for labels that are not there any more is not taken.
    take(&mut studio);
    studio.session.undo();
    let before = counts(&studio);
    wait(&mut studio);
    assert!(counts(&studio) == before && last(&studio).contains("labels changed while"), "{}", last(&studio));
}

#[test]
fn a_result_that_comes_during_a_stroke_waits_and_the_stroke_stays() {
    let brush = |studio: &mut Studio, kind| {
        let (moved_points, pixels_per_point) = ([0.0; 2], [1.0; 2]);
        let pointer =
            Pointer { kind, at: [2.5, 2.5], is_alt: false, moved_points, mm_per_point: 1.0, pixels_per_point };
        painting::pointer(studio, Plane::Axial, &pointer);
    };
    for is_dropped in [true, false] {
        let mut studio = studio();
        // Nothing is meshed besides.
        studio.settings.tiles[3] = TileContent::Facts;
        painting::take_tool(&mut studio, tools::find("brush").unwrap());
        choose(&mut studio, find("clear").unwrap());
        take(&mut studio);
        brush(&mut studio, PointerKind::Press(Button::Primary));
        let before = counts(&studio);
        while studio.tasks.all().next().is_some() {
            following::follow(&mut studio);
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        assert!(studio.hand.tool.is_busy() && counts(&studio) == before && !studio.tasks.is_empty());
        if is_dropped {
            studio.hand.tool.abort();
        }
        brush(&mut studio, PointerKind::Release(Button::Primary));
        following::follow(&mut studio);
        assert!(studio.tasks.is_empty());
        if is_dropped {
            assert_eq!(counts(&studio), LabelCounts::from([(2, 5)]), "label 1 was cleared");
        } else {
            assert!(counts(&studio).get(&1) > before.get(&1) && studio.session.undo_names().len() == 2);
            assert!(last(&studio).contains("labels changed while"), "{}", last(&studio));
        }
    }
}

#[test]
fn labels_that_are_new_come_with_their_names() {
    let mut studio = studio();
    choose(&mut studio, find("split-islands").unwrap());
    take(&mut studio);
    wait(&mut studio);
    assert_eq!(counts(&studio), LabelCounts::from([(1, 4), (2, 5), (3, 2)]));
    assert_eq!(studio.segmentation().unwrap().table().get(3).unwrap().name, "Liver 2");
    studio.session.undo();
    assert!(studio.segmentation().unwrap().table().get(3).is_none());
}

#[test]
fn what_is_not_said_comes_from_the_situation() {
    let mut studio = studio();
    choose(&mut studio, find("exchange").unwrap());
    let label = &studio.operating.form.operation.parameters[0];
    assert_eq!(value_of(&studio, label), Some(Value::Label(2)));
    studio.label_view_mut().unwrap().active = 2;
    assert_eq!(value_of(&studio, label), Some(Value::Label(1)));
    choose(&mut studio, find("threshold").unwrap());
    studio.view_mut().unwrap().window = crate::volume::Window { level: 100.0, width: 50.9 };
    let ends: Vec<_> = studio.operating.form.operation.parameters[..2].iter().map(|p| value_of(&studio, p)).collect();
    assert_eq!(ends, [Some(Value::Number(75.0)), Some(Value::Number(125.0))]);
    choose(&mut studio, find("keep-island").unwrap());
    let at = &studio.operating.form.operation.parameters[0];
    assert_eq!(value_of(&studio, at), Some(Value::Voxel(studio.view().unwrap().cursor)));
}
