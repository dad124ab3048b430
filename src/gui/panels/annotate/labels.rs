//! The list of labels: it scrolls in its own area, is searched and sorted.

use super::label_menu::{label_menu_ui, list_menu_ui};
use super::label_row::{Measured, Row, label_ui};
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, command_button, icon_button, icon_command, note};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::volume::{Label, LabelTable};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Cubic millimetres in a millilitre.
const MM3_PER_ML: f64 = 1000.0;
/// Fewer labels need no search.
const FEW_LABELS: usize = 6;
/// Rows that are always in sight.
const FEWEST_ROWS: f32 = 4.0;
/// Height that the rest of the task needs.
const REST: f32 = 127.0 * UNIT;

/// In which order labels are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    /// As they came.
    #[default]
    Table,
    /// By name.
    Name,
    /// The largest first.
    Volume,
}

impl Order {
    const ALL: [Self; 3] = [Self::Table, Self::Name, Self::Volume];

    fn name(self) -> &'static str {
        match self {
            Self::Table => say!("As they came"),
            Self::Name => say!("By name"),
            Self::Volume => say!("Largest first"),
        }
    }
}

/// What the user looks for in the list, while the window is open.
#[derive(Debug, Clone, Default)]
struct Search {
    text: String,
    order: Order,
}

/// Shows the list; `room` is the height of the panel.
pub fn labels_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, room: f32) {
    let (Some(segmentation), Some(view), Some(volume)) = (studio.segmentation(), studio.label_view(), studio.volume())
    else {
        return;
    };
    let table = segmentation.table();
    let voxel_ml = volume.geometry.voxel_volume_mm3() / MM3_PER_ML;
    let measured = |label: &Label| {
        let voxels = view.counted.1.get(&label.value).copied().unwrap_or(0);
        Measured { voxels, millilitres: voxels as f64 * voxel_ml }
    };
    if table.0.is_empty() {
        note(ui, say!("No label yet. Add one, take the brush (4), or run a model."));
    }
    let search = if table.0.len() > FEW_LABELS { search_ui(ui) } else { Search::default() };
    let shown = listed(table, &search, |label| measured(label).voxels);
    if shown.is_empty() && !table.0.is_empty() {
        note(ui, say!("No label is called \"{name}\".", name = search.text.trim()));
    }
    let is_movable = search.order == Order::Table && search.text.trim().is_empty() && table.0.len() > 1;
    let row = ui.spacing().interact_size.y;
    let height = (room - REST).max(FEWEST_ROWS * (row + ui.spacing().item_spacing.y));
    // A bar beside the rows: over them it would take the clicks that are meant for their locks.
    ui.spacing_mut().scroll.floating = false;
    let list = egui::ScrollArea::vertical().id_salt("labels").max_height(height).auto_shrink([false, true]);
    list.show_rows(ui, row, shown.len(), |ui, rows| {
        for at in shown.get(rows).unwrap_or_default() {
            let Some(label) = table.0.get(*at) else { continue };
            let row = Row { label, table, at: *at, is_active: view.active == label.value, is_movable };
            label_ui(ui, &row, measured(label), studio, outbox);
        }
    });
    ui.horizontal_wrapped(|ui| {
        // Close together, so that all of them are in one row.
        ui.spacing_mut().item_spacing.x = UNIT;
        ui.spacing_mut().button_padding.x = 1.25 * UNIT;
        let add = format!("{} {}", icon::PLUS, say!("Add label"));
        command_button(ui, studio, outbox, "labels.add", Some(&add));
        let delete = format!("{} {}", icon::TRASH, say!("Delete label"));
        command_button(ui, studio, outbox, "labels.delete", Some(&delete));
        icon_command(ui, studio, outbox, "labels.solo", icon::TARGET);
        all_ui(ui, table, outbox);
        more_ui(ui, studio, outbox);
    });
}

/// What else can be done with the active label and the list.
fn more_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let sign = egui::RichText::new(icon::DOTS_THREE).size(theme::HEADING);
    let menu = ui.menu_button(sign, |ui| {
        label_menu_ui(ui, studio, outbox);
        ui.separator();
        list_menu_ui(ui, studio, outbox);
    });
    menu.response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, say!("More about labels")));
    beside(&menu.response, say!("Merge, reorder, codes, lists of structures, label files"));
}

/// Shows all labels again.
fn all_ui(ui: &mut egui::Ui, table: &LabelTable, outbox: &mut Outbox) {
    if table.0.iter().all(|label| label.visible) {
        return;
    }
    let button = icon_button(ui, icon::EYE, say!("Show all labels"));
    beside(&button, say!("Show all labels again"));
    if button.clicked() {
        let mut table = table.clone();
        table.0.iter_mut().for_each(|label| label.visible = true);
        outbox.send(Request::Labels { table, name: "Show all labels".into(), control: ("show all", 0) });
    }
}

/// The search box and the order.
fn search_ui(ui: &mut egui::Ui) -> Search {
    let id = egui::Id::new("search of labels");
    let mut search = ui.data(|data| data.get_temp::<Search>(id)).unwrap_or_default();
    ui.horizontal(|ui| {
        let order = egui::ComboBox::from_id_salt("order of labels")
            .width(26.0 * UNIT)
            .selected_text(words::text(search.order.name()));
        // The list has its arrow and its padding besides.
        let width = ui.available_width() - 32.0 * UNIT - ui.spacing().item_spacing.x;
        let field = egui::TextEdit::singleline(&mut search.text).hint_text(say!("Search")).desired_width(width);
        let field = ui.add(field);
        field.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, say!("Search labels")));
        let list = order.show_ui(ui, |ui| {
            for order in Order::ALL {
                ui.selectable_value(&mut search.order, order, words::text(order.name()));
            }
        });
        beside(&list.response, say!("The order of the list"));
    });
    ui.data_mut(|data| data.insert_temp(id, search.clone()));
    search
}

/// Places in the table of the labels to list.
fn listed(table: &LabelTable, search: &Search, voxels: impl Fn(&Label) -> usize) -> Vec<usize> {
    let wanted = search.text.trim().to_lowercase();
    let mut found: Vec<(usize, &Label)> = table
        .0
        .iter()
        .enumerate()
        .filter(|(_, label)| wanted.is_empty() || label.name.to_lowercase().contains(&wanted))
        .collect();
    match search.order {
        Order::Table => {}
        Order::Name => found.sort_by_key(|(_, label)| label.name.to_lowercase()),
        Order::Volume => found.sort_by_key(|(_, label)| std::cmp::Reverse(voxels(label))),
    }
    found.into_iter().map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_by_any_part_of_their_name_and_sorted() {
        let names = ["Spleen", "Left kidney", "Right kidney", "aorta"];
        let table = LabelTable((1..).zip(names).map(|(value, name)| Label::new(value, name)).collect());
        let voxels = |label: &Label| usize::from(label.value) % 3;
        let list = |text: &str, order| listed(&table, &Search { text: text.into(), order }, voxels);
        assert_eq!(list("", Order::Table), [0, 1, 2, 3]);
        assert_eq!(list(" KID", Order::Table), [1, 2]);
        assert_eq!(list("", Order::Name), [3, 1, 2, 0]);
        assert_eq!(list("", Order::Volume), [1, 0, 3, 2]);
        assert!(list("liver", Order::Name).is_empty());
    }
}
