//! What a new user meets: templates on the start page, the 3-D tile before there is a label, licences.

use super::*;
use lamella::app::state::tiles::TileContent;

#[test]
fn a_template_of_the_start_page_waits_for_a_scan_and_leads_through_its_steps() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = window(Vec::new());
    harness.run_steps(2);
    harness.get_by_label("Measure a volume").click();
    harness.run_steps(3);
    // The dialog is left without a file; the template stays set up.
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("is set up for the next scan").is_some());
    save_picture(&mut harness, "template-waits");
    harness.get_by_label("Try the sample").click();
    harness.step();
    settle(&mut harness);
    harness.run_steps(3);
    assert_eq!(harness.state().studio().hand.entry.id, "touch");
    assert_eq!(harness.state().studio().settings.tiles[3], TileContent::Numbers);
    let names: Vec<_> = harness.state().label_table().unwrap().0.iter().map(|label| label.name.clone()).collect();
    assert_eq!(names, ["Structure"]);
    assert!(harness.query_by_label("Open a scan: done").is_some());
    assert!(harness.query_by_label("Draw the structure: to do").is_some());
    save_picture(&mut harness, "template-measure");
    harness.state_mut().request(Request::Run("file.templates"));
    harness.run_steps(3);
    assert!(harness.query_by_label("Save what is set now as a template").is_some());
    save_picture(&mut harness, "templates");
    harness.get_by_label("Compare two readers").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Open the first reader's mask: to do").is_some());
    assert!(harness.query_by_label("Save what is set now as a template").is_none(), "the window is closed");
    assert!(!harness.state().studio().is_unsaved(), "nothing was drawn");
}

#[test]
fn about_leads_to_the_licences_which_are_searched_and_read() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = window(Vec::new());
    harness.run_steps(2);
    harness.state_mut().request(Request::Run("window.about"));
    // The window finds its size and its place first.
    harness.run_steps(12);
    save_picture(&mut harness, "about");
    harness.get_by_label("Licences...").click();
    harness.run_steps(3);
    save_picture(&mut harness, "licences");
    assert!(harness.query_by_label_contains("The program itself, under either licence").is_some());
    harness.get_by_label("Search names and licences").type_text("egui-phosphor");
    harness.run_steps(3);
    assert!(harness.query_by_label("1 part").is_some());
    harness.get_by_label_contains("egui-phosphor 0.").click();
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("Copyright (c) 2023 Romet Tagobert").is_some());
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(harness.query_by_label("1 part").is_none());
}

#[test]
fn the_3d_tile_is_there_at_first_and_makes_nothing_before_there_is_a_label() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    settle(&mut harness);
    let studio = harness.state().studio();
    assert_eq!(studio.settings.tiles[3], TileContent::Body);
    assert!(studio.shows(TileContent::Body) && studio.body.surfaces.blocks.is_empty());
    let place = harness.get_by_role_and_label(Role::Image, "3-D view").rect().shrink(40.0);
    save_picture(&mut harness, "first-layout");
    let text = |harness: &mut Window| {
        let image = harness.render().unwrap();
        let inside = image.enumerate_pixels().filter(|(x, y, _)| place.contains(egui::pos2(*x as f32, *y as f32)));
        inside.filter(|(_, _, pixel)| pixel.0[..3].iter().any(|value| *value > 90)).count()
    };
    let words = text(&mut harness);
    assert!((50..6000).contains(&words), "{words} pixels say what will be seen");
    drag_in_axial_view(&mut harness, egui::vec2(30.0, 0.0));
    harness.state_mut().request(Request::Run("brush"));
    harness.run_steps(2);
    drag_in_axial_view(&mut harness, egui::vec2(30.0, 0.0));
    settle(&mut harness);
    harness.run_steps(3);
    assert!(!harness.state().studio().body.surfaces.blocks.is_empty(), "the stroke is meshed");
    // The facts are a key away, and back.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num8);
    harness.run_steps(3);
    assert_eq!(harness.state().studio().settings.tiles[3], TileContent::Facts);
    assert!(harness.query_by_label("Spacing").is_some());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num8);
    harness.run_steps(3);
    assert_eq!(harness.state().studio().settings.tiles[3], TileContent::Body);
}
