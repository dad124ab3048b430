//! Closing scans and the window: what would be lost is asked about first.

use super::saving::{is_saving, save_and_leave};
use super::scans::close;
use crate::app::state::leaving::{Leaving, LeavingAnswer, Loss};
use crate::app::state::request::Effect;
use crate::app::state::studio::Studio;
use crate::jobs::{Job, RemoteFetchJob, RemoteSendJob, TrainJob};
use crate::session::{ScanId, SegmentationId};

/// Leaves where nothing is lost by it, and asks where something is.
pub fn ask(studio: &mut Studio, leaving: Leaving) {
    match loss(studio, leaving) {
        Some(_) => studio.leaving = Some(leaving),
        None => leave(studio, leaving),
    }
}

/// Segmentations that leaving would lose, with names for the user.
pub fn unsaved(studio: &Studio, leaving: Leaving) -> Vec<(SegmentationId, String)> {
    studio.unsaved().into_iter().filter(|(id, _)| is_left(studio, leaving, *id)).collect()
}

/// Scans whose measurements leaving would lose, with names for the user.
pub fn unsaved_measurements(studio: &Studio, leaving: Leaving) -> Vec<(ScanId, String)> {
    let is_left = |scan: ScanId| leaving == Leaving::Window || leaving == Leaving::Scan(scan);
    studio.unsaved_measurements().into_iter().filter(|(scan, _)| is_left(*scan)).collect()
}

/// Whether a segmentation is there and goes with what is left.
fn is_left(studio: &Studio, leaving: Leaving, of: SegmentationId) -> bool {
    studio.session.document().segmentation(of).is_some_and(|segmentation| match leaving {
        Leaving::Scan(scan) => segmentation.scan() == scan,
        Leaving::Window => true,
    })
}

/// What leaving would lose, the worst first.
pub fn loss(studio: &Studio, leaving: Leaving) -> Option<Loss> {
    let is_left = |of: SegmentationId| is_left(studio, leaving, of);
    let is_pending = studio.label_views.iter().any(|(id, view)| is_left(*id) && !view.pending.is_empty());
    let is_shown = leaving == Leaving::Window || studio.shown.map(Leaving::Scan) == Some(leaving);
    let is_computing = studio.tasks.is_computing(is_left);
    let is_window = leaving == Leaving::Window;
    match () {
        () if !unsaved(studio, leaving).is_empty() || (is_shown && studio.hand.tool.is_busy()) => Some(Loss::Labels),
        () if !unsaved_measurements(studio, leaving).is_empty() => Some(Loss::Measurements),
        () if is_pending || is_computing => Some(Loss::Computing),
        () if is_window && studio.tasks.is_running(TrainJob::KIND) => Some(Loss::Training),
        () if is_window && is_saving(studio) => Some(Loss::Writing),
        () if is_window && studio.tasks.is_running(RemoteSendJob::KIND) => Some(Loss::Sending),
        () if is_window && studio.tasks.is_running(RemoteFetchJob::KIND) => Some(Loss::Fetching),
        () if is_window && studio.models.adapted.is_some() => Some(Loss::Model),
        () => None,
    }
}

/// Does what the user says.
pub fn answer(studio: &mut Studio, answer: LeavingAnswer) {
    let Some(leaving) = studio.leaving.take() else { return };
    match answer {
        LeavingAnswer::Save => save_and_leave(studio, leaving),
        LeavingAnswer::Discard => leave(studio, leaving),
        LeavingAnswer::Stay => {}
    }
}

fn leave(studio: &mut Studio, leaving: Leaving) {
    studio.leaving = None;
    studio.leave_when_saved = None;
    match leaving {
        Leaving::Scan(scan) => {
            let of: Vec<SegmentationId> = studio.session.document().segmentations_of(scan).map(|(id, _)| id).collect();
            studio.tasks.stop_computing(&of);
            close(studio, scan);
        }
        Leaving::Window => {
            studio.is_closing = true;
            studio.effects.push(Effect::Close);
        }
    }
}
