//! Comparing the segmentation in hand with another one, in the background, while it is looked at.

use std::path::PathBuf;

use crate::app::state::comparing::{CompareForm, ComparedPair, SECTION};
use crate::app::state::request::Effect;
use crate::app::state::settings::Task;
use crate::app::state::studio::Studio;
use crate::jobs::{CompareLabelsJob, Job, Side};
use crate::measure::{LabelScores, scores_csv};
use crate::session::{Segmentation, SegmentationId};

/// Takes over what the user chose.
pub fn set_form(studio: &mut Studio, form: CompareForm) {
    studio.comparing.form = form;
}

/// Whether the comparison is on screen: its section, or its differences.
fn is_shown(studio: &Studio) -> bool {
    let settings = &studio.settings;
    let in_panel =
        settings.panels && settings.task == Task::Look && !settings.folded.iter().any(|title| title == SECTION);
    in_panel || studio.comparing.form.is_on
}

/// The segmentation in hand and the chosen one, where both belong to the scan on screen.
fn pair(studio: &Studio) -> Option<[(SegmentationId, &Segmentation); 2]> {
    let document = studio.session.document();
    let (first, second) = (studio.active()?, studio.comparing.form.with?);
    let pair = [(first, document.segmentation(first)?), (second, document.segmentation(second)?)];
    (first != second && pair[0].1.scan() == pair[1].1.scan()).then_some(pair)
}

/// The pair as it is now.
fn compared(studio: &Studio, pair: [(SegmentationId, &Segmentation); 2]) -> ComparedPair {
    ComparedPair {
        of: pair.map(|(id, _)| id),
        labels: pair.map(|(_, segmentation)| segmentation.labels().clone()),
        tables: pair.map(|(_, segmentation)| segmentation.table().clone()),
        form: studio.comparing.form.clone(),
    }
}

/// Compares what has changed, one job at a time.
pub fn follow(studio: &mut Studio) {
    if !is_shown(studio) || studio.tasks.find(CompareLabelsJob::KIND).is_some() {
        return;
    }
    let Some(pair) = pair(studio) else { return };
    let now = compared(studio, pair);
    let done = studio.comparing.found.as_ref().map(|(pair, _)| pair);
    if [done, studio.comparing.failed.as_ref()].into_iter().flatten().any(|other| other.is_like(&now)) {
        return;
    }
    let sides = pair.map(|(_, segmentation)| Side {
        name: segmentation.name().to_string(),
        labels: segmentation.labels().clone(),
        table: segmentation.table().clone(),
    });
    let (label, plane) = (now.form.label.clone(), now.form.plane);
    studio.start(
        CompareLabelsJob { sides, label, plane },
        |_, ()| {},
        move |studio, result| match studio.told(result) {
            Some(found) => studio.comparing.found = Some((now, found)),
            None => studio.comparing.failed = Some(now),
        },
    );
}

/// Reads a mask file as a further segmentation of the scan, and compares the one in hand with it.
pub fn open_second(studio: &mut Studio, of: SegmentationId, path: PathBuf) {
    let Some(scan) = studio.session.document().segmentation(of).map(Segmentation::scan) else { return };
    let name = crate::app::state::saving::file_name(&path);
    let Some((second, command)) = studio.session.new_segmentation(scan, name) else { return };
    if super::painting::apply(studio, command).is_err() {
        return;
    }
    super::scans::add_label_view(studio, second);
    studio.comparing.form.with = Some(second);
    super::scans::open_labels(studio, second, path, None);
}

/// Why there is nothing to copy.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    if studio.volume().is_none() {
        return Some("Open a scan first");
    }
    let found = studio.active().and_then(|of| studio.comparing.of(of));
    found.is_none().then_some("Choose a segmentation to compare with first: in the Look task")
}

/// Puts the scores of labels and slices on the clipboard as CSV.
pub fn copy_csv(studio: &mut Studio) {
    let Some((done, found)) = &studio.comparing.found else { return };
    if !pair(studio).is_some_and(|pair| done.is_like(&compared(studio, pair))) {
        let text = "The labels or the choices have changed since they were compared. Copy again when the comparison in the Look task is there.";
        return studio.notices.info(text);
    }
    let labels: Vec<(&str, LabelScores)> =
        found.labels.iter().map(|label| (label.label.name.as_str(), label.scores)).collect();
    let form = &studio.comparing.form;
    let slices = form.label.as_deref().map(|name| (name, form.plane.name(), found.slices.as_slice()));
    let text = scores_csv(&labels, slices);
    studio.effects.push(Effect::Copy(text));
    studio.notices.info("The comparison is on the clipboard as CSV.");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::app::act::{following, painting, scans};
    use crate::app::state::settings::Settings;
    use crate::app::state::studio::Hover;
    use crate::app::state::views::ScanView;
    use crate::session::{Command, Edit, PaintRules, Painter};
    use crate::volume::{Affine, Geometry, Plane, Rescale, Volume, Voxels};

    fn paint(studio: &mut Studio, of: SegmentationId, voxel: [usize; 3], label: u16) {
        let mut painter = Painter::new(studio.session.document(), of, &PaintRules::default()).unwrap();
        painter.fill(&[voxel], label);
        studio.session.apply(Command::by_hand("Brush", vec![Edit::Labels(painter.finish())])).unwrap();
    }

    /// Two segmentations, the first with label 7 where the second has none; their differences are shown.
    fn compared() -> (Studio, SegmentationId) {
        let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
        let geometry = Geometry::new([4, 4, 4], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(Arc::new(vec![0; 64]));
        let volume = Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "made".into()));
        let (scan, of) = studio.session.add_scan(volume.clone());
        studio.scan_views.insert(scan, ScanView::new(&volume, of));
        scans::show(&mut studio, scan);
        scans::add_label_view(&mut studio, of);
        let (second, command) = studio.session.new_segmentation(scan, "Second").unwrap();
        painting::apply(&mut studio, command).unwrap();
        paint(&mut studio, of, [1, 2, 1], 7);
        paint(&mut studio, second, [3, 2, 1], 7);
        set_form(&mut studio, CompareForm { with: Some(second), is_on: true, ..CompareForm::default() });
        let began = Instant::now();
        while studio.comparing.of(of).is_none() {
            following::follow(&mut studio);
            assert!(began.elapsed() < Duration::from_mins(1), "nothing is compared");
        }
        (studio, of)
    }

    #[test]
    fn scores_of_labels_that_have_changed_are_not_copied() {
        let (mut studio, of) = compared();
        studio.effects.clear();
        copy_csv(&mut studio);
        assert!(matches!(studio.effects[..], [Effect::Copy(_)]));
        studio.effects.clear();
        studio.comparing.form.plane = Plane::Coronal;
        copy_csv(&mut studio);
        studio.comparing.form.plane = Plane::Axial;
        paint(&mut studio, of, [0, 0, 0], 7);
        copy_csv(&mut studio);
        assert!(studio.effects.is_empty());
        let last = &studio.notices.all().last().unwrap().text;
        assert!(last.contains("have changed since"), "{last}");
    }

    #[test]
    fn a_label_is_picked_from_the_segmentation_also_while_differences_are_shown() {
        let (mut studio, of) = compared();
        let voxel = Some([1, 2, 1]);
        studio.hover = Some(Hover { plane: Plane::Axial, voxel, at: [1.5, 2.5], pixels_per_point: [1.0; 2] });
        assert_eq!(studio.hovered_label(), 1, "only the first has it");
        painting::pick_label(&mut studio);
        assert_eq!(studio.label_views[&of].active, 7);
    }
}
