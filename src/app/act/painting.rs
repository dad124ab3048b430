//! Pointer events over views become gestures of the tool in hand, and its replies become commands.

use crate::app::state::studio::Studio;
use crate::app::state::tasks::TaskState;
use crate::jobs::{ErrandJob, Job};
use crate::session::{Applied, Command, Edit, KeptBy, Refused, SegmentationId, key as key_of};
use crate::tools::{
    Errand, Look, OptionValue, PAINTED_VALUES, Pointer, PointerKind, Refusal, Reply, ToolEntry, ToolKey, values_under,
};
use crate::volume::Plane;

/// Takes a tool in hand; what the last one was in the middle of is dropped.
pub fn take_tool(studio: &mut Studio, entry: &'static ToolEntry) {
    if studio.hand.entry.id != entry.id {
        studio.hand.tool.abort();
        studio.last_tool = Some(studio.hand.entry);
        studio.hand.entry = entry;
        studio.hand.tool = (entry.make)();
    }
}

/// Gives a pointer event to the tool in hand.
pub fn pointer(studio: &mut Studio, plane: Plane, pointer: &Pointer) {
    match pointer.kind {
        PointerKind::Press(button) => studio.pressed = Some((plane, button)),
        PointerKind::Release(_) => studio.pressed = None,
        PointerKind::Drag(_) | PointerKind::Hover => {}
    }
    if super::mouse::window_drag(studio, plane, pointer) || super::mouse::right_zoom(studio, plane, pointer) {
        return;
    }
    let is_painting = matches!(pointer.kind, PointerKind::Press(_) | PointerKind::Drag(_) | PointerKind::Release(_));
    with_tool(studio, plane, is_painting, |tool, slice| tool.pointer(slice, pointer));
}

/// Gives a key to the tool in hand; whether it took it.
pub fn key(studio: &mut Studio, plane: Plane, key: ToolKey) -> bool {
    with_tool(studio, plane, true, |tool, slice| tool.key(slice, key))
}

fn with_tool(
    studio: &mut Studio,
    plane: Plane,
    is_painting: bool,
    ask: impl FnOnce(&mut dyn crate::tools::Tool, &crate::tools::Slice) -> Reply,
) -> bool {
    // The tool is out of the studio while it looks at it.
    let idle = (studio.hand.entry.make)();
    let mut tool = std::mem::replace(&mut studio.hand.tool, idle);
    let reply = studio.tool_slice(plane).map(|slice| ask(&mut *tool, &slice)).unwrap_or_default();
    studio.hand.tool = tool;
    let (is_taken, of) = (reply.is_taken, studio.active());
    take_reply(studio, of, plane, is_painting, reply);
    is_taken
}

/// Does what a tool answers about a segmentation; another one may be on screen by now.
fn take_reply(studio: &mut Studio, of: Option<SegmentationId>, plane: Plane, is_painting: bool, reply: Reply) {
    let Reply { commands, look, options, errand, refusal, .. } = reply;
    look.into_iter().for_each(|look| self::look(studio, plane, look));
    options.into_iter().for_each(|(option, value)| studio.settings.tools.set(option, value));
    for command in commands {
        // Where it painted is what it marks as corrected; the view may show another slice by now.
        let painted = command.edits.iter().find_map(|edit| match edit {
            Edit::States(_, states) => states.first().map(|(state, _)| *state),
            _ => None,
        });
        let painted = painted
            .filter(|(axis, slice)| is_painting && *axis == key_of(plane, *slice).0)
            .map(|(_, slice)| (plane, slice));
        if apply(studio, command).is_ok()
            && let (Some(painted), Some(view)) = (painted, of.and_then(|of| studio.label_views.get_mut(&of)))
        {
            view.painted = Some(painted);
        }
    }
    refusal.into_iter().for_each(|refusal| tell(studio, of, refusal));
    errand.into_iter().for_each(|errand| send(studio, plane, errand));
}

/// Starts what a tool needs longer than a frame for. What changes labels is done one after the other, since the next would be made for labels
/// that change.
pub(super) fn send(studio: &mut Studio, plane: Plane, errand: Errand) {
    let changes_labels = |task: &TaskState| task.kind == ErrandJob::KIND && task.of.is_some() && !task.is_stopping;
    if errand.of.is_some() && studio.tasks.all().any(changes_labels) {
        studio.notices.info("The tool is still at work: wait until it is done, or cancel it.");
        return;
    }
    let of = errand.of;
    let take = move |studio: &mut Studio, result| {
        if let Some(reply) = studio.told(result) {
            take_reply(studio, of, plane, true, reply);
        }
    };
    match of {
        Some(of) => studio.start_for(of, ErrandJob { errand }, |_, ()| {}, take),
        None => studio.start(ErrandJob { errand }, |_, ()| {}, take),
    }
}

/// Takes the label under the pointer to paint with.
pub fn pick_label(studio: &mut Studio) {
    // What is on screen may be a preview, or differences: these have no labels to paint with.
    let voxel = studio.hover.and_then(|hover| hover.voxel);
    match voxel.zip(studio.segmentation()).map_or(0, |(voxel, own)| own.labels().get(voxel)) {
        0 => studio.notices.info("There is no label under the pointer"),
        label => studio.label_view_mut().into_iter().for_each(|view| view.active = label),
    }
}

/// The threshold brush paints from now on the values that it covers where the pointer is.
pub fn pick_values(studio: &mut Studio) {
    let under = studio.hover.and_then(|hover| values_under(&studio.tool_slice(hover.plane)?, hover.at));
    match under {
        None => studio.notices.info("The brush covers nothing of the image here"),
        range => studio.settings.tools.set(&PAINTED_VALUES, OptionValue::Values(range)),
    }
}

/// Moves a view as a tool or the wheel says.
pub fn look(studio: &mut Studio, plane: Plane, look: Look) {
    let is_linked = studio.settings.linked_scale;
    let Some(view) = studio.view_mut() else { return };
    match look {
        Look::Cursor(voxel) => view.cursor = voxel,
        Look::Pan([x, y]) => {
            let pan = &mut view.poses[plane as usize].pan_mm;
            *pan = [pan[0] + x, pan[1] + y];
        }
        Look::Zoom(factor) => {
            for (n, pose) in view.poses.iter_mut().enumerate() {
                if is_linked || n == plane as usize {
                    *pose = pose.zoomed(factor);
                }
            }
        }
        Look::Window(window) => view.window = window,
        Look::Label(label) => studio.label_view_mut().into_iter().for_each(|view| view.active = label),
    }
}

/// Applies a command.
///
/// # Errors
/// Where the command was made for labels that have changed since; the user is told.
pub fn apply(studio: &mut Studio, command: Command) -> Result<Applied, Refused> {
    let name = command.name.clone();
    let applied = studio.session.apply(command);
    match &applied {
        Ok(applied) => {
            for id in &applied.segmentations {
                super::scans::add_label_view(studio, *id);
            }
        }
        Err(refused) => {
            studio.notices.warn(format!("{name} was not done: {refused}. Do it again if you still want it."));
        }
    }
    applied
}

/// Tells the user what was kept as it is: once for a reason, until locks or finished slices change.
pub(super) fn tell(studio: &mut Studio, of: Option<SegmentationId>, refusal: Refusal) {
    let kept = match refusal {
        Refusal::Kept(kept) => kept,
        Refusal::Other(text) => return studio.notices.info(text),
        Refusal::Failed(text) => return studio.notices.warn(text),
    };
    let Some(of) = of else { return };
    let Some(segmentation) = studio.session.document().segmentation(of) else { return };
    let (revision, table) = (segmentation.revision(), segmentation.table().clone());
    let Some(view) = studio.label_views.get_mut(&of) else { return };
    let is_new = view.told.0.locks != revision.locks;
    if is_new {
        view.told = (revision, std::collections::BTreeSet::new());
    }
    let fresh: Vec<KeptBy> = kept.into_iter().filter(|by| view.told.1.insert(*by)).collect();
    let active = view.active;
    let name = |value| table.get(value).map_or_else(|| format!("Label {value}"), |label| label.name.clone());
    for by in fresh {
        let text = match by {
            KeptBy::FinishedSlice => {
                "Finished slices stay as they are, whatever the view. Take the mark back (Enter over the view) to change them.".into()
            }
            KeptBy::OwnLock => {
                format!("\"{}\" is locked: unlock it in the list of labels, or choose another one to paint.", name(active))
            }
            KeptBy::Lock(value) => format!("\"{}\" is locked and stays as it is.", name(value)),
            KeptBy::Unknown(value) => format!("\"{}\" stays as it is.", name(value)),
            KeptBy::DrawOver => "The \"Paint over\" mode leaves what lies there alone.".into(),
            KeptBy::Range => "Voxels outside the range of values stay as they are.".into(),
            KeptBy::Region => "Voxels outside the region stay as they are.".into(),
        };
        studio.notices.info(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::act::cases::tests::{settle, studio_of};
    use crate::app::act::scans;
    use crate::session::ScanId;
    use crate::tools::{self, Button, all_options};

    #[test]
    fn what_ends_after_another_scan_was_shown_is_of_its_own_scan() {
        let folder = tempfile::tempdir().unwrap();
        let mut studio = studio_of(folder.path(), &["a.nii", "b.nii"]);
        let open: Vec<ScanId> = studio.items.iter().filter_map(|item| item.scan).collect();
        scans::show(&mut studio, open[0]);
        take_tool(&mut studio, tools::find("flood-fill").unwrap());
        let reach = all_options().into_iter().find(|option| option.id == "flood-fill.reach").unwrap();
        studio.settings.tools.set(&reach, OptionValue::Choice("volume"));
        for kind in [PointerKind::Press(Button::Primary), PointerKind::Release(Button::Primary)] {
            let (moved_points, pixels_per_point) = ([0.0; 2], [1.0; 2]);
            let at = [2.5, 2.5];
            let click = Pointer { kind, at, is_alt: false, moved_points, mm_per_point: 1.0, pixels_per_point };
            pointer(&mut studio, Plane::Axial, &click);
        }
        let of = studio.active().unwrap();
        scans::show(&mut studio, open[1]);
        assert!(studio.tasks.is_running(ErrandJob::KIND));
        settle(&mut studio);
        assert_eq!(studio.session.undo_names().len(), 1);
        let painted = |of| studio.label_views[&of].painted.map(|(plane, _)| plane);
        assert_eq!((painted(of), painted(studio.active().unwrap())), (Some(Plane::Axial), None));
    }
}
