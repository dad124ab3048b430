//! What the window does with news from jobs.

use std::path::Path;
use std::sync::Arc;

use super::app::{App, Item};
use super::egui;
use super::joining::{Incoming, Source};
use super::notices::Kind;
use super::preview::PreviewPicture;
use super::tasks::Snapshot;
use super::teach::model_id;
use super::viewer::Live;
use crate::formats::Entry;
use crate::gui::old_jobs::{JobError, JobEvent, Names, Outcome};
use crate::session::SliceState;
use crate::volume::{Plane, PlaneLayout, Volume};

/// Longest side of a thumbnail in pixels.
const THUMBNAIL_PIXELS: usize = 128;

impl App {
    pub(super) fn event(&mut self, event: JobEvent, snapshot: Snapshot, context: &egui::Context) {
        match event {
            JobEvent::Slices { labels, .. } => {
                // Once the user has changed something, their labels stay in sight.
                if self.snapshot() == snapshot
                    && let Some(viewer) = &mut self.viewer
                {
                    let table = self.live_table.clone();
                    viewer.live = Some(Live { labels, revision: snapshot.revision, table });
                }
            }
            JobEvent::Device(name) => self.device = name,
            JobEvent::Warning(text) => self.notices.push(Kind::Warning, text, String::new()),
            JobEvent::Loss { done, loss, rate } => self.teach.curve.step(done, loss, rate),
            JobEvent::Epoch(epoch) => self.teach.curve.epoch(&epoch),
            JobEvent::Preview(preview) => self.teach.preview = Some(PreviewPicture::new(*preview, context)),
            JobEvent::Planned { why, .. } => self.teach.planned = why.join(" "),
            JobEvent::Progress { .. } | JobEvent::Stage { .. } => {}
        }
    }

    pub(super) fn done(&mut self, outcome: Result<Outcome, JobError>, snapshot: Snapshot, context: &egui::Context) {
        self.teach.looked_up = None;
        let same_image = snapshot.image == self.images;
        match outcome {
            Ok(Outcome::Found(path, findings)) => self.found(&path, findings, context),
            Ok(Outcome::Volume(entry, volume)) => self.loaded(&entry, volume, context),
            Ok(Outcome::Sample(entry, volume)) => {
                self.items.push(Item { entry: (*entry).clone(), volume: None, thumbnail: None });
                self.loading = Some(self.items.len() - 1);
                self.loaded(&entry, volume, context);
            }
            Ok(Outcome::Model(id, model)) => {
                self.fetching = None;
                if id == self.settings.model {
                    self.model = Some((id, model));
                }
            }
            Ok(Outcome::Labels { labels, table, states, device, .. }) => {
                // Another image may be shown by now; the job was told to stop, but may have been done already.
                let Some(viewer) = self.viewer.as_mut().filter(|_| same_image) else { return };
                viewer.live = None;
                let (source, state) = match self.opened_mask.take_if(|_| device.is_empty()) {
                    Some(path) => (Source::File(path), SliceState::Corrected),
                    None => (Source::Model(self.model_title()), SliceState::Draft),
                };
                self.take_incoming(
                    Incoming { source, labels, names: Names::Own(table), state, states, of: None },
                    snapshot,
                    context,
                );
            }
            Ok(Outcome::Joined(joined)) => self.joined(*joined, snapshot, context),
            Ok(Outcome::Erased { labels, value, is_left }) => self.erased(labels, value, is_left, snapshot),
            Ok(Outcome::Counted(labels, counts)) => {
                if let Some(viewer) = self.viewer.as_mut().filter(|_| same_image) {
                    viewer.counted = (labels, counts);
                }
            }
            Ok(Outcome::Refined { labels, table, model, .. }) => {
                if !same_image {
                    return;
                }
                let incoming = Incoming {
                    source: Source::Refined(model.spec.title.clone()),
                    labels,
                    names: Names::Own(table),
                    state: SliceState::Draft,
                    states: Vec::new(),
                    of: None,
                };
                self.take_incoming(incoming, snapshot, context);
                if let Some((_, loaded)) = self.model.as_mut().filter(|(_, loaded)| loaded.spec.id == model.spec.id) {
                    let before = std::mem::replace(loaded, model);
                    if self.adapted.as_ref().is_none_or(|(image, _)| *image != self.images) {
                        self.adapted = Some((self.images, before));
                    }
                }
            }
            Ok(Outcome::Kept(path, written)) => self.refinement_kept(&path, &written),
            Ok(Outcome::Attention(view)) => self.attention_found(view),
            Ok(Outcome::Classified { labels, known, all_slices }) => {
                self.classified(labels, known, all_slices, snapshot, context);
            }
            Ok(Outcome::SavedLabels(path)) => self.labels_are_saved(&path, snapshot, context),
            Ok(Outcome::Saved(path)) => self.tell_saved(&path),
            Ok(Outcome::Added(folder, name)) => {
                self.notices.push(Kind::Info, format!("{name} is in {} now.", folder.display()), "");
                // It has one more now.
                if *self.teach.dataset.get_or_insert(folder.clone()) == folder {
                    self.teach.looked_at = None;
                }
            }
            Ok(Outcome::Compared(slice)) => self.teach.compared = Some(PreviewPicture::new(*slice, context)),
            Ok(Outcome::Dataset(facts)) => self.dataset_found(facts),
            Ok(Outcome::Zoo(table)) => self.teach.zoo = Some(*table),
            Ok(Outcome::Planned { why, .. }) => self.teach.plan_is_made(&why),
            Ok(Outcome::Trained(summary)) => {
                let id = model_id(&summary.output);
                self.list_models_again(&id);
                // A model of this name may be in memory as it was.
                if self.settings.model == id {
                    self.model = None;
                }
                let name = summary.output.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                self.notices.push(Kind::Info, format!("{name} has learned."), summary.output.display().to_string());
                self.teach.result = Some(*summary);
                self.teach.compared = None;
                // The result is seen also where the image was closed meanwhile.
                self.teach.alone |= self.viewer.is_none();
            }
            Err(error) => {
                self.forget_failed_join();
                self.saving_failed();
                if let Some(viewer) = self.viewer.as_mut().filter(|_| same_image) {
                    viewer.live = None;
                }
                if matches!(error, JobError::Library(_)) {
                    // The file is there but cannot be used: it is no longer offered.
                    if let Some(id) = self.fetching.take() {
                        self.models.retain(|m| m.id != id);
                    }
                }
                if !error.is_stop() {
                    self.notices.push(Kind::Error, error.to_string(), format!("{error:?}"));
                }
            }
        }
    }

    pub(super) fn tell_saved(&mut self, path: &Path) {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        self.notices.push(Kind::Info, format!("Saved {name}."), path.display().to_string());
    }

    /// An image that is not shown of itself, because the one on screen must not go without a word.
    fn tell_waiting(&mut self, n: usize) {
        let name = self.items.get(n).map(|item| item.entry.name.clone()).unwrap_or_default();
        self.notices.push(Kind::Info, format!("{name} is in the data panel; choose it there to show it."), "");
    }

    fn found(&mut self, path: &Path, findings: crate::formats::Findings, context: &egui::Context) {
        let first = self.items.len();
        self.items.extend(findings.entries.into_iter().map(|entry| Item { entry, volume: None, thumbnail: None }));
        let reasons: Vec<String> =
            findings.skipped.iter().map(|s| format!("{}: {}", s.path.display(), s.reason)).collect();
        self.skipped.extend(findings.skipped);
        if self.items.len() > first {
            if self.is_busy() {
                self.tell_waiting(first);
            } else {
                self.show_item(first, context);
            }
        } else {
            let why = reasons.first().cloned().unwrap_or_else(|| "the folder is empty".into());
            self.notices.push(
                Kind::Error,
                format!("Nothing in {} can be opened: {why}", path.display()),
                reasons.join("\n"),
            );
        }
    }

    fn loaded(&mut self, entry: &Entry, volume: Arc<Volume>, context: &egui::Context) {
        let of = |item: &Item| item.entry.id == entry.id && item.entry.path == entry.path;
        let wanted = self.loading.filter(|&n| self.items.get(n).is_some_and(of));
        let Some(n) = wanted.or_else(|| self.items.iter().position(of)) else { return };
        let item = &mut self.items[n];
        let layout = PlaneLayout::new(&volume.geometry, Plane::Axial);
        let mut grey = Vec::new();
        layout.grey_slice(&volume, 0, layout.size[2] / 2, volume.default_window(), &mut grey);
        // No larger than it is seen: a device has a largest texture.
        let side = layout.size[0].max(layout.size[1]);
        let step = side.div_ceil(THUMBNAIL_PIXELS).max(1);
        let rows = grey.chunks_exact(layout.size[0].max(1)).step_by(step);
        let small: Vec<u8> = rows.flat_map(|row| row.iter().copied().step_by(step)).collect();
        let size = [layout.size[0].div_ceil(step), layout.size[1].div_ceil(step)];
        let image = egui::ColorImage::from_gray(size, &small);
        item.thumbnail = Some(context.load_texture("thumbnail", image, egui::TextureOptions::LINEAR));
        item.volume = Some(volume.clone());
        if wanted.is_some() {
            self.loading = None;
            if self.is_busy() {
                self.tell_waiting(n);
            } else {
                self.show_volume(n, volume);
            }
        }
    }
}
