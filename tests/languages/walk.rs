//! A walk through the whole window: every task, tool, operation, menu, list and dialog.

use std::path::Path;

use eframe::egui::{self, Key, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::{Request, Settings, Task};
use lamella::edit::operations::OPERATIONS;
use lamella::tools::TOOLS;
use lamella::words::{self, Language, filled, text};

use super::window::{Window, settle};

/// Puts a language in force, with nothing folded, so that everything is seen.
pub fn speak(harness: &mut Window, language: Language) {
    harness.run_steps(2);
    let settings = &harness.state().studio().settings;
    let settings = Settings { language: Some(language), folded: Vec::new(), ..settings.clone() };
    harness.state_mut().request(Request::Settings(Box::new(settings)));
    harness.run_steps(3);
}

pub fn english_again(harness: &mut Window) {
    harness.state_mut().request(Request::Run("window.english"));
    harness.run_steps(2);
}

pub fn open_task(harness: &mut Window, task: Task) {
    let settings = Settings { task, ..harness.state().studio().settings.clone() };
    harness.state_mut().request(Request::Settings(Box::new(settings)));
    harness.run_steps(5);
}

/// A text with one value, in the language in force.
fn said(template: &'static str, name: &str, value: &str) -> String {
    filled(words::translated(template).unwrap_or(template), &[(name, &text(value))])
}

pub fn close(harness: &mut Window) {
    harness.key_press(Key::Escape);
    harness.run_steps(3);
}

/// Looks at the window, at a place that it is told.
type Look<'a> = dyn FnMut(&mut Window, &str) + 'a;

fn run(harness: &mut Window, id: &'static str, look: &mut Look) {
    harness.state_mut().request(Request::Run(id));
    harness.run_steps(6);
    look(harness, id);
}

/// Goes through all of the window, which shows the first page, and looks everywhere.
pub fn walk(harness: &mut Window, look: &mut Look) {
    look(harness, "welcome");
    run(harness, "teach.alone", look);
    harness.state_mut().request(Request::Run("teach.alone"));
    harness.state_mut().request(Request::Run("file.sample"));
    harness.step();
    settle(harness);
    let in_menu = |menu| said("Menu {name}", "name", menu);
    for (menu, label) in [
        ("File", text("File").to_string()),
        ("Edit", text("Edit").to_string()),
        ("View", text("View").to_string()),
        ("Labels", text("Labels").to_string()),
        ("Segment menu", in_menu("Segment")),
        ("Teach menu", in_menu("Teach")),
        ("Window", text("Window").to_string()),
    ] {
        harness.get_by_label(&label).click();
        harness.run_steps(3);
        look(harness, menu);
        close(harness);
    }
    for id in [
        "window.first-task",
        "view.body",
        "view.body",
        "view.body-maximum",
        "view.body-labels",
        "view.facts",
        "view.oblique",
        "view.curved",
    ] {
        run(harness, id, look);
    }
    harness.state_mut().request(Request::Run("window.end-first-task"));
    for tool in TOOLS {
        open_task(harness, Task::Annotate);
        run(harness, tool.id, look);
    }
    // A stroke, so that there is something to undo, to save and to compare.
    harness.state_mut().request(Request::Run("brush"));
    harness.run_steps(2);
    stroke(harness);
    for operation in OPERATIONS {
        run(harness, operation.id, look);
    }
    for task in Task::ALL {
        open_task(harness, task);
        look(harness, task.name());
    }
    for label in ["Steps", "More about labels"] {
        open_task(harness, Task::Annotate);
        harness.get_by_label(text(label)).click();
        harness.run_steps(4);
        look(harness, label);
        close(harness);
    }
    for id in [
        "window.palette",
        "window.keys",
        "window.about",
        "window.licences",
        "file.templates",
        "file.servers",
        "file.deidentify",
        "file.figures",
        "file.save-as",
        "file.close",
    ] {
        run(harness, id, look);
        close(harness);
    }
}

/// A stroke in the axial view.
fn stroke(harness: &mut Window) {
    let view = said("{plane} view", "plane", "Axial");
    let place = harness.get_by_role_and_label(Role::Image, &view).rect().center();
    harness.drag_at(place);
    harness.step();
    harness.hover_at(place + egui::vec2(30.0, 0.0));
    harness.run_steps(2);
    harness.drop_at(place + egui::vec2(30.0, 0.0));
    harness.run_steps(3);
}

/// Pictures of which nobody knows how large a pixel is; opened, they are asked about.
pub fn write_stack(folder: &Path) {
    for value in 1..4u8 {
        let picture = image::GrayImage::from_pixel(24, 16, image::Luma([value]));
        picture.save(folder.join(format!("s{value}.png"))).unwrap();
    }
}
