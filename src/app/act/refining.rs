//! Refining: the model is adapted to the finished slices of the scan on screen, and the others are segmented again.

use std::path::Path;
use std::sync::Arc;

use super::joining;
use super::models::make_folder;
use super::saving::{is_saving, tell_saved};
use super::scribbling::{done_slices, marks, refined};
use super::segmenting::options;
use crate::app::state::joining::{Arrival, Source};
use crate::app::state::models::{model_id, model_name};
use crate::app::state::scan_choices::ScanChoices;
use crate::app::state::studio::Studio;
use crate::edit::is_nameless;
use crate::jobs::KeepAdaptedJob;
use crate::jobs::{Job, Names, REFINE_SECONDS, RefineJob, RememberedScans, SegmentJob};
use crate::learn::checkpoint_path;
use crate::model::Model;
use crate::session::SliceState;
use crate::volume::Label;

/// What an adapted model's name ends with.
const REFINED: &str = "-refined";

/// The scans that the Teach task learns from, so that a model keeps what it knows of them.
fn remembered_scans(studio: &Studio) -> Option<RememberedScans> {
    let folder = studio.teach.dataset.clone()?;
    // Until it is known which of them those are, there are none.
    let names = Some(studio.teach.form.scans.as_ref().map(ScanChoices::learned)?);
    let except = studio.shown_item().map(|item| item.entry.path.clone());
    Some(RememberedScans { folder, names, except })
}

/// Why refining is not possible now.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    match () {
        () if studio.volume().is_none() => Some("Open a scan first"),
        () if studio.models.lacks().is_some() => studio.models.lacks(),
        () if studio.tasks.is_running(SegmentJob::KIND) => Some("The model is running"),
        () if studio.tasks.is_running(RefineJob::KIND) => Some("The model is being refined"),
        () if is_saving(studio) => Some("A file is being written"),
        () if studio.view().is_some_and(|view| view.frame > 0) => Some("Only the first frame can be refined"),
        () if refined(studio).is_none() => {
            Some("Take the segmentation that is to be refined in hand first, not the scribbles")
        }
        () if done_slices(studio).is_empty() && marks(studio).is_none() => {
            Some("Correct a slice and mark it done (Enter over its view), or scribble, first")
        }
        () => None,
    }
}

/// A painted label without a name whose number is that of a named class: which of both it is, only the user knows.
fn nameless_label(studio: &Studio, model: &Model) -> Option<String> {
    let (_, segmentation) = refined(studio)?;
    let counts = segmentation.labels().voxel_counts();
    let classes = model.spec.label_table();
    let is_painted = |label: &&Label| counts.get(&label.value).is_some_and(|voxels| *voxels > 0);
    let is_unclear =
        |label: &&Label| is_nameless(label) && classes.get(label.value).is_some_and(|class| !is_nameless(class));
    segmentation.table().0.iter().filter(is_painted).find(is_unclear).map(|label| Label::unnamed(label.value).name)
}

/// Adapts the model and segments again.
pub fn refine(studio: &mut Studio) {
    if lacks(studio).is_some() {
        return;
    }
    let (Some(model), Some(of)) = (studio.models.model().cloned(), refined(studio).map(|(id, _)| id)) else { return };
    // From the model as it came to this segmentation, to all that is finished now: nothing is learned that was taken back since.
    let model = match &studio.models.adapted {
        Some((adapted, before)) if *adapted == of => before.clone(),
        _ => model,
    };
    if let Some(nameless) = nameless_label(studio, &model) {
        let classes: Vec<String> = model.spec.label_table().0.into_iter().map(|class| class.name).collect();
        studio.notices.warn(format!(
            "{nameless} has no name, and the model learns labels by their names. Call it {} in the list of labels if it is that, or \
             give it a name of its own.",
            classes.join(" or ")
        ));
        return;
    }
    let (Some(volume), Some(view), Some((_, segmentation))) = (studio.volume(), studio.view(), refined(studio)) else {
        return;
    };
    let made_on = segmentation.revision();
    let job = RefineJob {
        volume: volume.clone(),
        labels: segmentation.labels().clone(),
        table: segmentation.table().clone(),
        done: done_slices(studio),
        scribbles: marks(studio),
        memory: remembered_scans(studio),
        memory_is_wanted: false,
        seconds: REFINE_SECONDS,
        device: studio.segment.device,
        options: options(studio, &model, view.frame),
        model,
    };
    studio.start_for(
        of,
        job,
        |_, _| {},
        move |studio, result| {
            let Some(refined) = studio.told(result) else { return };
            let model = refined.model;
            joining::take(
                studio,
                Arrival {
                    source: Source::Refined(model.spec.title.clone()),
                    of,
                    made_on,
                    labels: refined.labels,
                    names: Names::Own(refined.table),
                    state: SliceState::Draft,
                    states: Vec::new(),
                    makers: Vec::new(),
                    only: None,
                },
            );
            if let Some((_, loaded)) =
                studio.models.chosen.as_mut().filter(|(_, loaded)| loaded.spec.id == model.spec.id)
            {
                let before = std::mem::replace(loaded, model);
                if studio.models.adapted.as_ref().is_none_or(|(adapted, _)| *adapted != of) {
                    studio.models.adapted = Some((of, before));
                }
            }
        },
    );
}

/// Writes the adapted model as one of its own, under a name that is free.
pub fn keep(studio: &mut Studio) {
    let Some((id, model)) = studio.models.chosen.clone() else { return };
    let Some(folder) = make_folder(studio) else { return };
    // Adapted once more it does not get a longer name.
    let name = model_name(&id);
    let name = name.split_once(REFINED).map_or(name.as_str(), |(name, _)| name);
    let names = (1..).map(|n| if n == 1 { format!("{name}{REFINED}") } else { format!("{name}{REFINED}-{n}") });
    let taught = studio.teach.form.name.clone();
    let is_free = |name: &String, path: &Path| *name != taught && !path.exists() && !checkpoint_path(path).exists();
    let mut paths = names.map(|name| (folder.join(format!("{name}.safetensors")), name));
    let Some((path, _)) = paths.find(|(path, name)| is_free(name, path)) else { return };
    let written = model.clone();
    studio.start(
        KeepAdaptedJob { path: path.clone(), model },
        |_, ()| {},
        move |studio, result| {
            if studio.told(result).is_none() {
                return;
            }
            let id = model_id(&path);
            studio.models.list_again(&id);
            studio.teach.looked_up = None;
            // It is chosen, if the one that was written is still in use.
            if studio.models.model().is_some_and(|model| Arc::ptr_eq(model, &written)) {
                studio.settings.model = id;
                studio.models.adapted = None;
            }
            tell_saved(studio, &path);
        },
    );
}

/// The model as it was before.
pub fn forget(studio: &mut Studio) {
    studio.models.adapted = None;
    studio.models.chosen = None;
}
