//! Templates: applied to the scan on screen or to the next one, saved, deleted.

use std::path::{Path, PathBuf};

use super::{carrying, first_task, models, painting, saving};
use crate::app::state::common_jobs::{COMMON_JOBS, CommonJob};
use crate::app::state::paths::Purpose;
use crate::app::state::saving::file_name;
use crate::app::state::studio::Studio;
use crate::app::state::template::{Template, WindowOfKind, is_path, known_ending};
use crate::app::state::templates::{OwnTemplate, TemplateRequest, WaitingTemplate};
use crate::formats::needs_source;
use crate::jobs::{DeleteTemplateJob, FindTemplatesJob, KeepTemplateJob, TEMPLATE_ENDING, TemplateText, plain_name};
use crate::session::{Command, Edit, Segmentation, SegmentationId};
use crate::tools;
use crate::volume::{LabelTable, Volume};

/// Reads the user's own ones in a folder, which is where new ones go.
pub fn look(studio: &mut Studio, folder: PathBuf) {
    studio.templates.folder = Some(folder.clone());
    studio.start(
        FindTemplatesJob { folder },
        |_, ()| {},
        |studio, result| {
            let texts = studio.told(result).unwrap_or_default();
            studio.templates.own = texts.into_iter().map(read).collect();
        },
    );
}

fn read((path, text): TemplateText) -> OwnTemplate {
    let read = text.and_then(|text| Template::read(&text).map_err(|error| error.to_string()));
    OwnTemplate { path, read }
}

/// Does what was asked for.
pub fn answer(studio: &mut Studio, request: TemplateRequest) {
    match request {
        TemplateRequest::Show(is_open) => studio.templates.is_open = is_open,
        TemplateRequest::Name(name) => studio.templates.name = name,
        TemplateRequest::Use(path) => {
            let own = studio.templates.own.iter().find(|own| own.path == path);
            if let Some(template) = own.and_then(|own| own.read.clone().ok()) {
                begin(studio, template, None);
            }
        }
        TemplateRequest::Save => save(studio),
        TemplateRequest::Delete(path) => delete(studio, path),
        TemplateRequest::Forget => studio.templates.waiting = None,
    }
}

/// Begins the common job of this number.
pub fn begin_common(studio: &mut Studio, n: usize) {
    if let Some(job) = COMMON_JOBS.get(n) {
        begin(studio, (job.template)(), Some(job));
    }
}

/// Applies a template to the scan on screen; without one it waits for one, which is asked for.
fn begin(studio: &mut Studio, template: Template, job: Option<&'static CommonJob>) {
    studio.templates.is_open = false;
    let is_coming = studio.shown.is_some() || studio.loading.is_some();
    studio.templates.waiting = Some(WaitingTemplate { template, job });
    if !is_coming {
        let is_of_folder = job.is_some_and(|job| job.is_of_folder);
        saving::ask(studio, if is_of_folder { Purpose::OpenFolder } else { Purpose::OpenFile });
    }
    follow(studio);
}

/// Applies the one that waits, once there is a scan.
pub fn follow(studio: &mut Studio) {
    if studio.shown.is_none() || studio.loading.is_some() || studio.hand.tool.is_busy() {
        return;
    }
    if let Some(WaitingTemplate { template, job }) = studio.templates.waiting.take() {
        apply(studio, &template, job);
    }
}

fn apply(studio: &mut Studio, template: &Template, job: Option<&'static CommonJob>) {
    set_labels(studio, template);
    set_window(studio, template.window.as_ref());
    if let Some(tool) = template.tool.as_deref().and_then(tools::find) {
        painting::take_tool(studio, tool);
    }
    let settings = &mut studio.settings;
    (settings.panels, settings.task) = (true, template.task);
    settings.tools.take(&template.options);
    if let Some((layout, tiles)) = template.tiles {
        (settings.layout, settings.tiles) = (layout, tiles);
        studio.display.maximised = None;
    }
    if let Some(section) = job.and_then(|job| job.section) {
        settings.folded.retain(|folded| folded != section);
    }
    if let Some(model) = &template.model {
        if studio.models.listed.iter().any(|listed| listed.id == *model) {
            models::choose(studio, model.clone());
        } else {
            studio
                .notices
                .warn(format!("There is no model {model} on this machine; choose another one in the Segment task."));
        }
    }
    if let Some(scan) = studio.shown {
        studio.templates.saves.retain(|(of, _)| *of != scan);
        let ending = template.save_as.as_deref().and_then(known_ending);
        studio.templates.saves.extend(ending.map(|ending| (scan, ending)));
    }
    match job {
        Some(job) => first_task::lead(studio, &job.guide),
        None => studio.notices.info(format!("\"{}\" is set up.", template.name)),
    }
}

/// The labels of a segmentation without voxels are the template's; to others what they lack is added, by name.
fn set_labels(studio: &mut Studio, template: &Template) {
    let (Some(of), Some(segmentation)) = (studio.active(), studio.segmentation()) else { return };
    let before = segmentation.table().clone();
    let is_untouched = segmentation.labels().voxel_counts().is_empty();
    let was_saved = !segmentation.is_modified();
    let table = if is_untouched { template.labels.clone() } else { with_names(&before, &template.labels) };
    if template.labels.0.is_empty() || table == before {
        return;
    }
    let name = format!("Labels of {}", template.name);
    if painting::apply(studio, Command::by_hand(name, vec![Edit::Table(of, table)])).is_err() {
        return;
    }
    // Nothing was drawn, so nothing can be lost.
    if let Some(revision) = studio.revision(of).filter(|_| is_untouched && was_saved) {
        studio.session.mark_saved(of, revision);
    }
    carrying::activate(studio, of, template.labels.0.first().map(|label| label.value));
}

/// A table with those labels of another one whose names it has not.
fn with_names(table: &LabelTable, others: &LabelTable) -> LabelTable {
    let mut table = table.clone();
    for other in &others.0 {
        let is_there = table.0.iter().any(|label| label.name.trim().eq_ignore_ascii_case(other.name.trim()));
        if let Some(value) = table.next_value().filter(|_| !is_there) {
            let is_free = table.get(other.value).is_none();
            table.0.push(crate::volume::Label { value: if is_free { other.value } else { value }, ..other.clone() });
        }
    }
    table
}

/// A window means something for scans of its kind only.
fn set_window(studio: &mut Studio, window: Option<&WindowOfKind>) {
    let (Some(window), Some(volume)) = (window, studio.volume()) else { return };
    if window.modality.eq_ignore_ascii_case(&kind_of(studio, volume)) {
        studio
            .view_mut()
            .into_iter()
            .for_each(|view| (view.window, view.inverted) = (window.window(), window.inverted));
    } else {
        let modality = &window.modality;
        studio
            .notices
            .info(format!("The window of the template is for {modality} and is left alone: the scan is another kind."));
    }
}

/// The modality of the scan on screen: CT also where only its values say so.
fn kind_of(studio: &Studio, volume: &Volume) -> String {
    let said = studio.shown_item().map(|item| item.entry.modality.clone()).unwrap_or_default();
    if said.is_empty() && volume.is_ct() { "CT".into() } else { said }
}

/// The ending that a segmentation's file is proposed with, where a template says so and the scan allows it.
pub(super) fn ending_of(studio: &Studio, of: SegmentationId) -> Option<&'static str> {
    let scan = studio.session.document().segmentation(of).map(Segmentation::scan)?;
    let (_, ending) = studio.templates.saves.iter().find(|(known, _)| *known == scan)?;
    let is_dicom = studio.session.document().scan(scan).is_some_and(|volume| volume.source.is_some());
    (is_dicom || !needs_source(Path::new(&format!("mask{ending}")))).then_some(*ending)
}

/// Why the present settings cannot be saved as a template, or `None` when they can.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    match () {
        () if studio.templates.folder.is_none() => Some("This account has no folder for templates"),
        () if studio.volume().is_none() => Some("Open a scan first"),
        () if studio.templates.name.trim().is_empty() => Some("Give it a name first"),
        () => None,
    }
}

/// What is set now, as a template. Neither a path nor anything of the scan but its kind goes into it.
fn present(studio: &Studio) -> Option<Template> {
    let (view, volume, segmentation) = (studio.view()?, studio.volume()?, studio.segmentation()?);
    let mut labels = segmentation.table().clone();
    labels.0.iter_mut().for_each(|label| (label.locked, label.visible) = (false, true));
    let is_chosen = view.window != volume.default_window() || view.inverted;
    let window = is_chosen.then(|| WindowOfKind {
        modality: kind_of(studio, volume),
        level: view.window.level,
        width: view.window.width,
        inverted: view.inverted,
    });
    let file = studio.label_view().and_then(|view| view.file.as_ref());
    let of_file = file.and_then(|file| ending_of_name(&file_name(&file.path)));
    let settings = &studio.settings;
    Some(Template {
        labels,
        window,
        tool: Some(studio.hand.entry.id.into()),
        options: settings.tools.clone(),
        model: Some(settings.model.clone()).filter(|model| !is_path(model)),
        tiles: Some((settings.layout, settings.tiles)),
        save_as: of_file.or(ending_of(studio, studio.active()?)).map(Into::into),
        ..Template::new(studio.templates.name.trim(), settings.task)
    })
}

/// The ending of a mask's name: the longest that it has.
fn ending_of_name(name: &str) -> Option<&'static str> {
    let mut all = crate::formats::endings_of(crate::formats::Kind::Labels, crate::formats::For::Saving);
    all.sort_by_key(|ending| std::cmp::Reverse(ending.len()));
    all.into_iter().find(|ending| name.to_lowercase().ends_with(ending))
}

fn save(studio: &mut Studio) {
    if lacks(studio).is_some() {
        return;
    }
    let (Some(folder), Some(template)) = (studio.templates.folder.clone(), present(studio)) else { return };
    let path = folder.join(format!("{}.{TEMPLATE_ENDING}", plain_name(&template.name)));
    let text = template.text();
    // What could not be read again is not written: a label without a name, say.
    if let Err(error) = Template::read(&text) {
        return studio.notices.warn(format!("The template is not saved: {error}."));
    }
    studio.start(
        KeepTemplateJob { path: path.clone(), text },
        |_, ()| {},
        move |studio, result| {
            if studio.told(result).is_some() {
                studio.templates.name.clear();
                studio.notices.info(format!("\"{}\" is a template now.", template.name));
                studio.templates.own.push(OwnTemplate { path, read: Ok(template) });
                studio.templates.own.sort_by(|a, b| a.path.cmp(&b.path));
            }
        },
    );
}

fn delete(studio: &mut Studio, path: PathBuf) {
    studio.start(
        DeleteTemplateJob { path: path.clone() },
        |_, ()| {},
        move |studio, result| {
            if studio.told(result).is_some() {
                studio.templates.own.retain(|own| own.path != path);
            }
        },
    );
}

#[cfg(test)]
mod tests;
