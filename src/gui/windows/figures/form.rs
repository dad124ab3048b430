//! What is chosen about slices as pictures.

use crate::app::state::figures::{CONTENTS, DOTS, FigureForm, FigureKind, FigureRequest, WIDTHS_MM};
use crate::app::{Outbox, Request, Studio};
use crate::drawing::Ground;
use crate::gui::controls::{list_row, note, row};
use crate::gui::egui;
use crate::gui::theme::UNIT;
use crate::jobs::SliceContent;
use crate::volume::{Plane, PlaneLayout};
use crate::words::{self, say};

/// Width of the form.
pub const WIDTH: f32 = 70.0 * UNIT;
/// Most tiles in a row.
const MOST_COLUMNS: usize = 20;

/// Shows the form within a height.
pub fn form_ui(ui: &mut egui::Ui, studio: &Studio, form: &FigureForm, outbox: &mut Outbox, height: f32) {
    let mut changed = form.clone();
    egui::ScrollArea::vertical().id_salt("figure form").max_height(height).show(ui, |ui| {
        ui.set_width(WIDTH - 2.0 * UNIT);
        ui.horizontal(|ui| {
            for (kind, name, hint) in FigureKind::ALL {
                ui.selectable_value(&mut changed.kind, kind, words::text(name)).on_hover_text(words::text(hint));
            }
        });
        ui.add_space(UNIT);
        slices_ui(ui, studio, &mut changed);
        if changed.kind == FigureKind::Sheet {
            sheet_ui(ui, &mut changed);
            labels_ui(ui, &mut changed);
        } else {
            files_ui(ui, &mut changed);
            if changed.content == SliceContent::Overlay {
                labels_ui(ui, &mut changed);
            }
        }
        note(ui, say!("Window and frame are those of the view."));
    });
    if changed != *form {
        outbox.send(Request::Figure(FigureRequest::Form(Box::new(changed))));
    }
}

fn slices_ui(ui: &mut egui::Ui, studio: &Studio, form: &mut FigureForm) {
    let count = |plane| studio.volume().map_or(0, |volume| PlaneLayout::new(&volume.geometry, plane).size[2]);
    let before = form.plane;
    list_row(ui, say!("Plane"), words::text(form.plane.name()), |ui| {
        for plane in Plane::ALL {
            ui.selectable_value(&mut form.plane, plane, words::text(plane.name()));
        }
    });
    if form.plane != before {
        // Other planes have other slices.
        let step = count(form.plane).div_ceil(12).max(1);
        form.slices = if step == 1 { "all".into() } else { format!("all:{step}") };
    }
    row(ui, say!("Slices"), |ui| {
        let field = ui.add(egui::TextEdit::singleline(&mut form.slices).desired_width(f32::INFINITY));
        field.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, say!("Slices")));
        field.on_hover_text(say!("Such as 12, 20-80, 20-80:5 (every fifth), all; several with commas"));
    });
    let all = count(form.plane);
    match form.numbers(all) {
        Ok(numbers) => note(ui, say!("{numbers} of {all} slices", numbers = numbers.len(), all)),
        Err(problem) => note(ui, crate::app::state::notices::in_sentence_case(&words::shown(&problem))),
    };
}

fn sheet_ui(ui: &mut egui::Ui, form: &mut FigureForm) {
    row(ui, say!("Columns"), |ui| {
        ui.add(egui::DragValue::new(&mut form.columns).range(1..=MOST_COLUMNS)).on_hover_text(say!("Tiles in a row"));
    });
    row(ui, say!("Figure width"), |ui| {
        let width = egui::DragValue::new(&mut form.width_mm).range(WIDTHS_MM).suffix(" mm").fixed_decimals(0);
        ui.add(width).on_hover_text(say!("Of the printed figure: a column of a journal is about 84 mm, a page 174 mm"));
        let dots = egui::DragValue::new(&mut form.dots).range(DOTS).suffix(say!(" dpi"));
        ui.add(dots).on_hover_text(say!("Dots per inch, which the file says"));
    });
    row(ui, say!("Ground"), |ui| {
        ui.radio_value(&mut form.ground, Ground::White, say!("White"));
        ui.radio_value(&mut form.ground, Ground::Black, say!("Black"));
    });
    ui.checkbox(&mut form.parts.captions, say!("Positions")).on_hover_text(say!("Where a slice lies, in mm, below it"));
    ui.checkbox(&mut form.parts.letters, say!("Sides"))
        .on_hover_text(say!("Letters of the left and right side, in the first slice"));
    ui.checkbox(&mut form.parts.bar, say!("Scale bar"));
    ui.checkbox(&mut form.parts.legend, say!("Names of labels")).on_hover_text(say!("Of the labels that are seen"));
}

fn labels_ui(ui: &mut egui::Ui, form: &mut FigureForm) {
    ui.add_space(UNIT);
    ui.checkbox(&mut form.labels, say!("Labels"));
    ui.add_enabled_ui(form.labels, |ui| {
        row(ui, say!("Fill"), |ui| {
            ui.add(egui::Slider::new(&mut form.opacity, 0.0..=1.0).fixed_decimals(2));
        });
        ui.checkbox(&mut form.outline, say!("Outlines"));
    });
}

fn files_ui(ui: &mut egui::Ui, form: &mut FigureForm) {
    let name =
        CONTENTS.iter().find(|(content, ..)| *content == form.content).map_or("", |(_, name, _)| words::text(name));
    list_row(ui, say!("Content"), name, |ui| {
        for (content, name, hint) in CONTENTS {
            ui.selectable_value(&mut form.content, content, words::text(name)).on_hover_text(words::text(hint));
        }
    });
    if form.kind == FigureKind::Files {
        row(ui, say!("Type"), |ui| {
            ui.radio_value(&mut form.is_tiff, false, "PNG");
            ui.radio_value(&mut form.is_tiff, true, "TIFF")
                .on_hover_text(say!("Also for values below 0 and fractions"));
        });
    }
    note(
        ui,
        if form.content == SliceContent::Overlay {
            say!("Pixels are square, the shorter side has 512.")
        } else {
            say!("A pixel is a voxel; its size is in the file.")
        },
    );
}
