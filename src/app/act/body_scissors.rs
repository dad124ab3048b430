//! Scissors in the 3-D tile: an outline is drawn over it, and what it shows of labels is cut.

use super::painting;
use crate::app::state::body::LassoStep;
use crate::app::state::rendering::Rendering;
use crate::app::state::studio::Studio;
use crate::tools::{BodyCut, CUT, CUT_LABELS, SCISSORS};
use crate::volume::{LabelValue, Plane};

/// Nearest that two points of an outline are, of half the picture.
const NEAR: f64 = 0.004;

/// Whether a drag over the 3-D tile draws an outline.
pub fn are_in_hand(studio: &Studio) -> bool {
    studio.hand.entry.id == SCISSORS.id && studio.body.form.rendering == Rendering::Surfaces
}

/// Takes the outline further.
pub fn lasso(studio: &mut Studio, step: LassoStep) {
    let outline = &mut studio.body.lasso;
    match step {
        LassoStep::Begin(place) => *outline = vec![place],
        LassoStep::To(place) => {
            // One that was dropped stays so, whatever the hand does until it lets go.
            let is_far = |last: &[f64; 2]| (place[0] - last[0]).abs().max((place[1] - last[1]).abs()) > NEAR;
            if outline.last().is_some_and(is_far) {
                outline.push(place);
            }
        }
        LassoStep::End(aspect) => {
            let outline = std::mem::take(outline);
            if outline.len() > 2 {
                cut(studio, outline, aspect);
            } else if !outline.is_empty() {
                studio.notices.info("Hold the button and drag around what is to be cut");
            }
        }
    }
}

fn cut(studio: &mut Studio, outline: Vec<[f64; 2]>, aspect: f64) {
    let is_outside = match studio.settings.tools.choice(&CUT) {
        "erase-inside" => false,
        "erase-outside" => true,
        _ => {
            studio.notices.info("In 3-D the scissors only erase: choose \"Erase inside\" or \"Erase outside\".");
            return;
        }
    };
    if studio.shown_labels().is_none_or(|(_, is_preview)| is_preview) {
        studio.notices.info("What is shown is a preview: take it or drop it before you cut.");
        return;
    }
    let labels = labels(studio);
    if labels.is_empty() {
        studio.notices.info("No label that may be cut is shown.");
        return;
    }
    let (Some(look), Some(camera), Some(of)) = (studio.body_look(), studio.body_camera(), studio.active()) else {
        return;
    };
    let Some(volume) = studio.volume() else { return };
    let picture_from_voxel = camera.picture_from_voxel(&volume.geometry, aspect);
    let cut = BodyCut { picture_from_voxel, aspect, outline, is_outside, kept: look.kept, labels };
    if let Some(errand) = cut.errand(studio.session.document(), of, &studio.rules) {
        painting::send(studio, Plane::Axial, errand);
    }
}

/// The labels that are cut: those that are shown, in rising order. Locked ones are left alone without a word where all are cut.
fn labels(studio: &Studio) -> Vec<LabelValue> {
    let (Some(look), Some(own), Some(view)) = (studio.body_look(), studio.segmentation(), studio.label_view()) else {
        return Vec::new();
    };
    let is_active_only = studio.settings.tools.choice(&CUT_LABELS) == "active";
    let is_cut =
        |label: &LabelValue| if is_active_only { *label == view.active } else { !own.table().is_locked(*label) };
    look.colours.iter().map(|(label, _)| *label).filter(is_cut).collect()
}
