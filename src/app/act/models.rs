//! Models: reading the chosen one, what it does not fit, what it is.

use crate::app::state::models::Models;
use crate::app::state::notices::Kind;
use crate::app::state::studio::Studio;
use crate::jobs::ADAPTED;
use crate::jobs::LoadModelJob;
use crate::model::SliceAxis;
use crate::pipeline::{Misfit, misfits, slices_to_segment};
use crate::volume::Volume;
use crate::words::{self, say};

/// Reads the chosen model in the background if it is not the one in memory.
pub fn fetch(studio: &mut Studio) {
    let id = studio.settings.model.clone();
    let Models { listed, chosen, fetching, .. } = &studio.models;
    let is_known = listed.iter().any(|model| model.id == id);
    if !is_known || fetching.as_ref() == Some(&id) || chosen.as_ref().is_some_and(|(loaded, _)| *loaded == id) {
        return;
    }
    studio.models.fetching = Some(id.clone());
    studio.models.chosen = None;
    studio.models.adapted = None;
    studio.start(
        LoadModelJob { name: id.clone() },
        |_, ()| {},
        move |studio, result| {
            if studio.models.fetching.as_ref() == Some(&id) {
                studio.models.fetching = None;
            }
            if result.as_ref().is_err_and(|error| !error.is_stop()) {
                // It is there but cannot be used: it is no longer offered, nor read again and again.
                studio.models.listed.retain(|model| model.id != id);
            }
            if let Some(model) = studio.told(result)
                && id == studio.settings.model
            {
                studio.models.chosen = Some((id, model));
            }
        },
    );
}

/// Chooses a model by its id or file.
pub fn choose(studio: &mut Studio, id: String) {
    if studio.models.adapted.is_some() && id != studio.settings.model {
        studio.notices.info("The model was refined: keep it or forget that first (Segment task).");
        return;
    }
    studio.models.list(&id);
    studio.settings.model = id;
}

/// What of the scan on screen the chosen model did not learn.
pub fn misfits_of(studio: &Studio) -> Vec<Misfit> {
    let model = studio.models.model().map(|model| &model.spec);
    model.zip(studio.volume()).map(|(spec, volume)| misfits(spec, volume)).unwrap_or_default()
}

/// The number of slices that the chosen model would see of a scan.
pub fn slices_of(studio: &Studio, volume: &Volume) -> usize {
    let axis = studio.segment.axis;
    match studio.models.model() {
        Some(model) => slices_to_segment(&model.spec, axis, &volume.geometry),
        None => volume.geometry.to_ras().shape()[axis.unwrap_or(SliceAxis::Axial).world_axis()],
    }
}

/// Labels, data and measured accuracy of the chosen model, in a sentence.
pub fn facts(models: &Models) -> Option<String> {
    let spec = &models.model()?.spec;
    let dice: Vec<String> = spec
        .provenance
        .metrics
        .iter()
        .filter_map(|(name, value)| Some(format!("{} {value:.2}", name.strip_prefix("dice/")?)))
        .collect();
    // The measured Dice is that of the model as it was; one that was kept says itself what it is.
    let adapted = if models.adapted.is_some() && !spec.title.ends_with(ADAPTED) { ADAPTED } else { "" };
    let dice = if dice.is_empty() { say!("not measured").into() } else { dice.join(", ") };
    let title = format!("{}{}", words::text(&spec.title), words::text(adapted));
    Some(match models.adapted {
        Some(_) => say!("{title}. Held-back Dice before: {dice}.", title, dice),
        None => say!("{title}. Held-back Dice: {dice}.", title, dice),
    })
}

/// The folder for new models, made where it was missing; the user is told where it cannot be.
pub fn make_folder(studio: &mut Studio) -> Option<std::path::PathBuf> {
    let folder = studio.models.output_folder();
    match folder.map(|folder| std::fs::create_dir_all(&folder).map(|()| folder)) {
        Some(Ok(folder)) => return Some(folder),
        Some(Err(error)) => {
            studio.notices.push(Kind::Error, format!("The folder for models cannot be made: {error}."), "");
        }
        None => studio.notices.push(Kind::Error, "This account has no folder for models.", ""),
    }
    None
}
