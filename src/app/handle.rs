//! The one receiver of requests.

use super::act::{
    attention, body, bringing, comparing, crashes, deidentifying, figures, joining, labels, leaving, measuring, models,
    operating, overlay, painting, pixels, profiles, recovery, reslicing, saving, scans, servers, sizing, teach,
    templates, traveling,
};
use super::commands;
use super::state::leaving::Leaving;
use super::state::request::Request;
use super::state::studio::Studio;
use crate::tools::Look;

/// Does what was asked for.
pub fn handle(studio: &mut Studio, request: Request) {
    match request {
        Request::Run(id) => {
            if let Some(entry) = commands::find(id) {
                commands::run(studio, entry);
            }
        }
        Request::Open(paths) => scans::open(studio, paths),
        Request::ShowItem(n) => scans::show_item(studio, n),
        Request::LookAgain(n) => scans::look_again(studio, n),
        Request::UseAsSegmentation(n) => scans::use_as_segmentation(studio, n),
        Request::Close(scan) => leaving::ask(studio, Leaving::Scan(scan)),
        Request::NewSegmentation(scan) => {
            bringing::overtake(studio);
            scans::show(studio, scan);
            labels::new_segmentation(studio);
        }
        Request::ShowSegmentation(id) => {
            bringing::overtake(studio);
            scans::show_segmentation(studio, id);
        }
        Request::RenameSegmentation(id, name) => labels::rename_segmentation(studio, id, name),
        Request::Answer(answer) => saving::take_answer(studio, answer),
        Request::Settings(settings) => studio.settings = *settings,
        Request::Display(display) => studio.display = display,
        Request::Keys(keymap) => profiles::set_keys(studio, keymap),
        Request::Pointer(plane, pointer) => painting::pointer(studio, plane, &pointer),
        Request::ToolKey(key) => {
            // An outline, or strokes, hear their keys wherever the pointer is.
            let tool = &studio.hand.tool;
            let outlined = tool.outline().map(|outline| outline.plane).or(tool.scribbles().map(|lines| lines.plane));
            if let Some(plane) = outlined.or(studio.hover.map(|hover| hover.plane)) {
                painting::key(studio, plane, key);
            }
        }
        Request::Abort => {
            if !studio.body.lasso.is_empty() {
                studio.body.lasso.clear();
            } else if !studio.hand.tool.abort() {
                operating::drop_preview(studio);
            }
        }
        Request::Hover(hover) => studio.hover = hover,
        Request::Rooms(rooms) => studio.rooms = rooms,
        Request::ChooseOverlay(scan) => overlay::choose(studio, scan),
        Request::Overlay(form) => overlay::set_form(studio, form),
        Request::EndCine => studio.cine = None,
        Request::Step(plane, steps) => {
            if let Some(layout) = studio.layout(plane)
                && let Some(view) = studio.view_mut()
            {
                view.step_slice(&layout, steps);
            }
        }
        Request::Pose(plane, pose) => {
            studio.view_mut().into_iter().for_each(|view| view.poses[plane as usize] = pose);
        }
        Request::Zoom(plane, factor) => painting::look(studio, plane, Look::Zoom(factor)),
        Request::Cursor(plane, voxel) => painting::look(studio, plane, Look::Cursor(voxel)),
        Request::Window(window) => studio.view_mut().into_iter().for_each(|view| view.window = window),
        Request::Frame(frame) => {
            let last = studio.volume().map_or(0, |volume| volume.frame_count() - 1);
            studio.view_mut().into_iter().for_each(|view| view.frame = frame.min(last));
        }
        Request::ToolOption(option, value) => studio.settings.tools.set(option, value),
        Request::Rules(rules) => studio.rules = rules,
        Request::Activate(label) => studio.label_view_mut().into_iter().for_each(|view| view.active = label),
        Request::Labels { table, name, control } => labels::set_table(studio, table, name, control),
        Request::MergeLabels { from, into } => labels::merge(studio, from, into),
        Request::AddStructures(preset) => labels::add_structures(studio, preset),
        Request::GoToMeasurement(id) => measuring::go_to(studio, id),
        Request::RenameMeasurement(id, name) => measuring::rename(studio, id, name),
        Request::DeleteMeasurement(id) => measuring::delete(studio, id),
        Request::Solo(label) => labels::solo(studio, label),
        Request::Segment(form) => studio.segment = *form,
        Request::Model(id) => models::choose(studio, id),
        Request::Pixels(form) => pixels::set_form(studio, *form),
        Request::Operation(form) => operating::set_form(studio, *form),
        Request::NewBackground => pixels::add_background(studio),
        Request::Attention(form) => attention::set_form(studio, form),
        Request::Compare(form) => comparing::set_form(studio, form),
        Request::Teach(form) => studio.teach.form = *form,
        Request::CompareCase(case) => teach::compare_case(studio, &case),
        Request::Pending(word) => joining::answer(studio, word),
        Request::Leaving(answer) => leaving::answer(studio, answer),
        Request::Replacing(answer) => saving::answer_replacing(studio, answer),
        Request::OtherGrid(how) => scans::answer_other_grid(studio, how),
        Request::AskVoxelSize(n) => sizing::ask(studio, n),
        Request::VoxelSize(answer) => sizing::answer(studio, answer),
        Request::Recovery(answer) => recovery::answer(studio, answer),
        Request::Crash(answer) => crashes::answer(studio, answer),
        Request::Figure(request) => figures::answer(studio, request),
        Request::Deidentify(request) => deidentifying::answer(studio, request),
        Request::Template(request) => templates::answer(studio, request),
        Request::Servers(request) => servers::answer(studio, request),
        Request::Body(request) => body::answer(studio, request),
        Request::Reslice(request) => reslicing::answer(studio, request),
        Request::Travel(steps) => traveling::travel_far(studio, steps),
        Request::Dismiss(n) => studio.notices.dismiss(n),
        Request::Cancel(id) => studio.tasks.stop_one(id),
        Request::Pause(id) => studio.tasks.pause_one(id),
        Request::AssignKey(id, chord) => commands::assign(&mut studio.settings.keys, id, chord),
    }
}
