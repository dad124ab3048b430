//! Panels and bars around a scan, in a window without jobs.

use super::*;
use crate::app::act::scans::add_label_view;
use crate::app::state::notices::Kind;
use crate::app::state::picture::Picture;
use crate::app::state::scans::Item;
use crate::app::state::views::ScanView;
use crate::app::{Settings, commands, handle};
use crate::gui::{bars, theme};
use crate::session::{Command, Edit};
use crate::volume::{Label, LabelTable};
use crate::work::Watch;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use std::path::Path;
use std::sync::Arc;

/// The window's parts, and where what they ask for is done.
struct Parts {
    studio: Studio,
    outbox: Outbox,
    textures: Textures,
    centre: egui::Rect,
}

fn parts_ui(ui: &mut egui::Ui, parts: &mut Parts) {
    let Parts { studio, outbox, textures, centre } = parts;
    bars::top::top_ui(ui, studio, outbox);
    bars::status::status_ui(ui, studio, outbox);
    data_tree::data_tree_ui(ui, studio, outbox, textures);
    tasks_ui(ui, studio, outbox, textures);
    egui::CentralPanel::no_frame().show(ui, |ui| {
        *centre = ui.max_rect();
    });
    for request in outbox.take() {
        handle(studio, request);
    }
}

/// A scan with so many labels.
fn studio(labels: u16) -> Studio {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz");
    let entry = crate::formats::scan(&path, Watch::unwatched()).unwrap().entries.remove(0);
    let volume = Arc::new(crate::formats::load(&entry, Watch::unwatched()).unwrap());
    let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
    let (scan, segmentation) = studio.session.add_scan(volume.clone());
    let thumbnail = Some(Picture::from_grey([8, 8], &[90; 64]));
    studio.items.push(Item { scan: Some(scan), thumbnail, ..Item::new(entry) });
    studio.scan_views.insert(scan, ScanView::new(&volume, segmentation));
    add_label_view(&mut studio, segmentation);
    studio.shown = Some(scan);
    let name = |n| match n {
        1 => "Superior mesenteric artery with all of its branches".to_string(),
        n => format!("Organ {n}"),
    };
    let table = LabelTable((1..=labels).map(|n| Label::new(n, name(n))).collect());
    studio.session.apply(Command::by_hand("Labels", vec![Edit::Table(segmentation, table)])).unwrap();
    studio
}

fn window(studio: Studio, size: [f32; 2]) -> Harness<'static, Parts> {
    let parts = Parts { studio, outbox: Outbox::default(), textures: Textures::default(), centre: egui::Rect::NOTHING };
    let mut harness = Harness::builder().with_size(egui::Vec2::from(size)).build_ui_state(parts_ui, parts);
    theme::install(&harness.ctx);
    harness.run_steps(4);
    harness
}

/// Writes a picture of the window where pictures are asked for.
fn picture(harness: &mut Harness<'static, Parts>, name: &str) {
    if let Some(folder) = std::env::var_os("LAMELLA_PICTURES")
        && let Ok(image) = harness.render()
    {
        image.save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}

#[test]
fn no_task_label_or_message_moves_the_panels() {
    let mut harness = window(studio(41), [1280.0, 720.0]);
    let centre = harness.state().centre;
    assert!((centre.width() - (1280.0 - 240.0 - 300.0)).abs() < 60.0, "{centre:?}");
    for task in Task::ALL {
        harness.state_mut().studio.settings.task = task;
        harness.run_steps(3);
        assert_eq!(harness.state().centre, centre, "{}", task.name());
        picture(&mut harness, &format!("panel_{}", task.name().to_lowercase()));
    }
    harness.state_mut().studio.notices.push(Kind::Error, "cannot read a.nii: ".repeat(40), "os error 2");
    harness.state_mut().studio.notices.info("Saved b.nii.");
    harness.run_steps(3);
    assert_eq!(harness.state().centre, centre, "a message lies over nothing and moves nothing");
    harness.get_by_label("2 messages");
}

#[test]
fn labels_are_searched_locked_and_deleted_from_the_list() {
    let mut studio = studio(41);
    studio.settings.task = Task::Annotate;
    let mut harness = window(studio, [1280.0, 720.0]);
    assert!(harness.query_by_label("Paint Organ 41").is_none(), "41 labels do not push the rest out of sight");
    harness.get_by_label_contains("Preview while painting");
    harness.get_by_role_and_label(Role::TextInput, "Search labels").focus();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::TextInput, "Search labels").type_text("organ 41");
    harness.run_steps(3);
    harness.get_by_label("Paint Organ 41").click();
    harness.run_steps(3);
    assert_eq!(harness.state().studio.label_view().unwrap().active, 41);
    harness.get_by_label("Lock Organ 41").click();
    harness.run_steps(3);
    assert!(harness.state().studio.segmentation().unwrap().table().is_locked(41));
    harness.get_by_label("Unlock Organ 41");
    harness.get_by_label("Volume of Organ 41: 0 mL");
    picture(&mut harness, "labels_searched");
    let delete = commands::find("labels.delete").unwrap();
    assert!((delete.lacks)(&harness.state().studio).is_some(), "a locked label is not deleted");
}

#[test]
fn a_segmentation_is_renamed_in_the_tree_and_the_status_line_counts_from_one() {
    let mut harness = window(studio(2), [1280.0, 720.0]);
    harness.get_by_label_contains("2 labels, not saved");
    let cursor = harness.state().studio.view().unwrap().cursor.map(|n| n + 1);
    harness.get_by_label(&format!("Voxel: {} {} {}", cursor[0], cursor[1], cursor[2]));
    harness.get_by_label_contains("Position: ");
    let id = harness.state().studio.active().unwrap();
    harness.state_mut().outbox.send(Request::RenameSegmentation(id, "Reader B".into()));
    harness.run_steps(3);
    harness.get_by_label_contains("Reader B of ");
    harness.state_mut().studio.settings.dark = false;
    harness.ctx.set_theme(egui::Theme::Light);
    harness.run_steps(3);
    picture(&mut harness, "panel_light");
}

#[test]
fn an_operation_is_chosen_by_its_command_and_its_parameters_follow_from_its_entry() {
    let mut studio = studio(3);
    commands::run(&mut studio, commands::find("remove-small-islands").unwrap());
    let mut harness = window(studio, [1280.0, 720.0]);
    harness.run_steps(30);
    harness.get_by_label_contains("A part of exactly this size stays");
    harness.get_by_role_and_label(Role::SpinButton, "Smaller than");
    harness.get_by_label("Preview");
    picture(&mut harness, "operations");
    commands::run(&mut harness.state_mut().studio, commands::find("exchange").unwrap());
    harness.run_steps(30);
    assert!(harness.query_by_role_and_label(Role::SpinButton, "Smaller than").is_none());
    harness.get_by_label("Apply").click();
    harness.run_steps(3);
    assert!(!harness.state().studio.tasks.is_empty(), "the operation runs as a job");
}
