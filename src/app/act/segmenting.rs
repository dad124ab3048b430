//! Running the chosen model over the scan on screen.

use crate::app::state::joining::{Arrival, Source};
use crate::app::state::studio::Studio;
use crate::app::state::views::Live;
use crate::edit::join;
use crate::jobs::{Job, Names, RefineJob, SegmentJob, SegmentNews};
use crate::model::Model;
use crate::pipeline::SegmentOptions;
use crate::session::SliceState;

/// How the choices say that a frame is segmented.
pub fn options(studio: &Studio, model: &Model, frame: usize) -> SegmentOptions {
    SegmentOptions {
        axis: studio.segment.axis,
        mirror: studio.segment.mirror && model.spec.mirror,
        keep_largest: studio.segment.keep_largest,
        frame,
        full_precision: false,
        from_voxel: studio.view().map(|view| view.cursor),
    }
}

/// Why the model cannot run now.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    match () {
        () if studio.volume().is_none() => Some("Open a scan first"),
        () if studio.models.listed.is_empty() => Some("There is no model yet: import one"),
        () if studio.models.lacks().is_some() => studio.models.lacks(),
        () if studio.tasks.is_running(SegmentJob::KIND) => Some("The model is running"),
        () if studio.tasks.is_running(RefineJob::KIND) => Some("The model is being refined"),
        () => None,
    }
}

/// Runs it; what it finds is shown meanwhile, and becomes one undo step.
pub fn segment(studio: &mut Studio) {
    if lacks(studio).is_some() {
        return;
    }
    let (Some(model), Some(volume), Some(of)) =
        (studio.models.model().cloned(), studio.volume().cloned(), studio.active())
    else {
        return;
    };
    let (Some(view), Some(labels), Some(segmentation)) = (studio.view(), studio.label_view(), studio.segmentation())
    else {
        return;
    };
    let options = options(studio, &model, view.frame);
    // What is seen while it runs has the names and colours that it will have.
    let used = labels.counted.1.keys().copied().collect();
    let joined = join(segmentation.table(), &used, &model.spec.label_table()).ok();
    let shown_as = joined.as_ref().map(|join| join.labels.iter().map(|l| (l.incoming.value, l.value)).collect());
    let table = joined.map(|join| join.table);
    let made_on = segmentation.revision();
    let source = Source::Model(model.spec.title.clone());
    let job = SegmentJob {
        volume,
        model,
        device: studio.segment.device,
        options,
        probabilities: false,
        shown_as: shown_as.unwrap_or_default(),
    };
    let on_event = move |studio: &mut Studio, event| match event {
        SegmentNews::Slices { labels, .. } => {
            // Once the user has changed something, their labels stay in sight.
            if let Some(view) = studio.label_views.get_mut(&of) {
                view.live = Some(Live { labels, revision: made_on, table: table.clone() });
            }
        }
        SegmentNews::Device(name) => studio.models.device = name,
        SegmentNews::Took(_) => {}
    };
    studio.start_for(of, job, on_event, move |studio, result| {
        if let Some(view) = studio.label_views.get_mut(&of) {
            view.live = None;
        }
        let Some(found) = studio.told(result) else { return };
        super::joining::take(
            studio,
            Arrival {
                source,
                of,
                made_on,
                labels: found.labels,
                names: Names::Own(found.table),
                state: SliceState::Draft,
                states: Vec::new(),
                makers: Vec::new(),
                only: None,
            },
        );
    });
}
