//! The segmentation in hand goes to a server: it is written into a file of its own, checked as when it is saved, and sent.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::asking;
use crate::app::state::servers::{Content, Deed, Made, Said};
use crate::app::state::studio::Studio;
use crate::disk::create_private_folder;
use crate::jobs::{SaveLabelsJob, SavedLabels};

/// Why the segmentation in hand cannot be sent.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    let Some(volume) = studio.volume() else { return Some("Open a scan first") };
    volume.source.is_none().then_some("The scan does not come from DICOM files, and what is sent has to name them")
}

/// Writes and sends it.
pub fn send_segmentation(studio: &mut Studio) {
    if lacks(studio).is_some() {
        return;
    }
    let Some(segmentation) = studio.segmentation() else { return };
    if !segmentation.labels().occupied()[0].contains(&true) {
        studio.servers.said = Some(Said::bad("The segmentation is empty: there is nothing to send."));
        return;
    }
    let (labels, annotations) = (segmentation.labels().clone(), segmentation.annotations());
    let source = studio.volume().and_then(|volume| volume.source.clone());
    let content = Content { labels, annotations, source, send_as: studio.servers.send_as };
    let kept = studio.servers.made.take().filter(|made| made.path.is_file() && made.content.is_that_of(&content));
    if let Some(made) = kept {
        // The same object once more: a server that has it already does not have two then.
        let deed = Deed::Send(made.path.clone(), true);
        (studio.servers.made, studio.servers.said) = (Some(made), None);
        asking::begin(studio, deed);
        return;
    }
    let folder = folder();
    if let Err(error) = create_private_folder(&folder) {
        studio.servers.said = Some(Said::bad(format!("{} cannot be made: {error}", folder.display())));
        return;
    }
    studio.servers.said = None;
    studio.servers.outgoing.push(folder.clone());
    let path = folder.join(content.send_as.file_name());
    let chosen = studio.servers.server().cloned();
    let Content { labels, annotations, source, .. } = content.clone();
    studio.start(
        SaveLabelsJob { path, labels, annotations, source, sidecar: false },
        |_, ()| {},
        move |studio, result| match result {
            // It was stopped before it was sent.
            Ok(SavedLabels { path, is_compared: false }) => clear(studio, &Deed::Send(path, true)),
            Ok(SavedLabels { path, .. }) if studio.servers.server() == chosen.as_ref() => {
                studio.servers.made = Some(Made { path: path.clone(), content });
                asking::begin(studio, Deed::Send(path, true));
            }
            Ok(SavedLabels { path, .. }) => {
                clear(studio, &Deed::Send(path, true));
                studio.servers.said =
                    Some(Said::bad("Nothing was sent: another server was chosen before the segmentation was written."));
            }
            Err(error) => {
                let _ = std::fs::remove_dir_all(&folder);
                if !error.is_stop() {
                    studio.servers.said = Some(Said::bad(error.to_string()));
                }
            }
        },
    );
}

/// A folder that no other program and no other send has.
fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
    std::env::temp_dir().join(format!("lamella-send-{}-{now}-{number}", std::process::id()))
}

/// The window ends: what was made only to be sent goes, also what is still on its way.
pub fn end(studio: &mut Studio) {
    for folder in std::mem::take(&mut studio.servers.outgoing) {
        // Most are gone already.
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// A file that was made only to be sent goes, with its folder.
pub fn clear(studio: &mut Studio, deed: &Deed) {
    studio.servers.made.take_if(|made| matches!(deed, Deed::Send(path, true) if *path == made.path));
    if let Deed::Send(path, true) = deed
        && let Some(folder) = path.parent()
    {
        let _ = std::fs::remove_dir_all(folder);
    }
}
