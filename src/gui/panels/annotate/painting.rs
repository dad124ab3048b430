//! The tool in hand with its options, and where may be painted.

use super::tool_options::options_ui;
use crate::app::act::boxing;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, list_row, row};
use crate::gui::egui;
use crate::session::{DrawOver, PaintRules};
use crate::volume::{LabelTable, Plane, PlaneLayout};
use crate::words::{self, say};

/// Images of more values than this begin with a range of whole ones.
const WIDE: f64 = 20.0;

/// Shows the section.
pub fn painting_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(segmentation) = studio.segmentation() else { return };
    let mut rules = studio.rules.clone();
    options_ui(ui, studio, outbox);
    over_ui(ui, &mut rules, segmentation.table());
    range_ui(ui, studio, &mut rules);
    box_ui(ui, studio, &mut rules);
    if rules != studio.rules {
        outbox.send(Request::Rules(rules));
    }
}

/// What a choice is called.
fn over_name(over: DrawOver, table: &LabelTable) -> String {
    match over {
        DrawOver::Everything => say!("Everything").into(),
        DrawOver::Background => say!("Background only").into(),
        DrawOver::Visible => say!("Visible labels and background").into(),
        DrawOver::Label(value) => {
            let name = table.get(value).map_or_else(|| say!("Label {value}", value), |label| label.name.clone());
            say!("Only {name}", name)
        }
    }
}

fn over_ui(ui: &mut egui::Ui, rules: &mut PaintRules, table: &LabelTable) {
    let list = list_row(ui, say!("Paint over"), over_name(rules.over, table), |ui| {
        let labels = table.0.iter().map(|label| DrawOver::Label(label.value));
        for over in [DrawOver::Everything, DrawOver::Background, DrawOver::Visible].into_iter().chain(labels) {
            ui.selectable_value(&mut rules.over, over, over_name(over, table));
        }
    });
    beside(&list, say!("What tools may paint over; locked labels and finished slices stay whatever is chosen here"));
}

/// Only voxels whose value lies within a range are changed.
fn range_ui(ui: &mut egui::Ui, studio: &Studio, rules: &mut PaintRules) {
    let (Some(volume), Some(view)) = (studio.volume(), studio.view()) else { return };
    let values = volume.statistics();
    let mut is_on = rules.range.is_some();
    let check = ui.checkbox(&mut is_on, say!("Only values from .. to"));
    beside(&check, say!("Change only voxels whose value in the image lies in this range, both ends included"));
    if check.changed() {
        let window = crate::tools::window_values(view.window);
        let whole = |value: f64| if values.max - values.min > WIDE { value.round() } else { value };
        rules.range = is_on.then_some((window.map(|value| whole(value).clamp(values.min, values.max)), view.frame));
    }
    let Some(([low, high], _)) = &mut rules.range else { return };
    let speed = ((values.max - values.min) / 500.0).max(1e-6);
    ui.horizontal(|ui| {
        ui.label(say!("From"));
        let from = ui.add(egui::DragValue::new(low).speed(speed).max_decimals(3));
        from.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::DragValue, true, say!("Lowest value")));
        beside(&from, say!("Lowest value that is changed"));
        ui.label(say!("to"));
        let to = ui.add(egui::DragValue::new(high).speed(speed).max_decimals(3));
        to.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::DragValue, true, say!("Highest value")));
        beside(&to, say!("Highest value that is changed"));
    });
    *high = high.max(*low);
}

/// Only voxels within a box are changed.
fn box_ui(ui: &mut egui::Ui, studio: &Studio, rules: &mut PaintRules) {
    let Some(volume) = studio.volume() else { return };
    let mut is_on = rules.region.is_some();
    let check = ui.checkbox(&mut is_on, say!("Only in a box"));
    beside(
        &check,
        say!("Change only voxels between these slices, by tools and by operations; a dashed line shows the box"),
    );
    if check.changed() {
        rules.region = if is_on { boxing::first(studio) } else { None };
    }
    let Some(mut region) = rules.region else { return };
    for plane in Plane::ALL {
        let layout = PlaneLayout::new(&volume.geometry, plane);
        let mut ends = boxing::slices(&region, &layout).map(|slice| slice + 1);
        let [mut first, mut last] = ends;
        row(ui, words::text(plane.name()), |ui| {
            for (number, end) in [(&mut first, say!("First")), (&mut last, say!("Last"))] {
                let field = ui.add(egui::DragValue::new(number).range(1..=layout.size[2]).speed(0.2));
                let name =
                    say!("{end} {plane} slice of the box", end, plane = words::text(plane.name()).to_lowercase());
                field.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::DragValue, true, &name));
                beside(&field, &say!("{name}, counted as in the view", name));
            }
        });
        if ends != [first, last] {
            // The one that was moved takes the other along.
            ends = if ends[0] == first { [first.min(last), last] } else { [first, last.max(first)] };
            region = boxing::between(region, &layout, ends.map(|slice| slice - 1));
        }
    }
    rules.region = Some(region);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Label;

    #[test]
    fn what_is_painted_over_is_named() {
        let table = LabelTable(vec![Label::new(2, "Liver")]);
        let names = [DrawOver::Everything, DrawOver::Label(2), DrawOver::Label(9)].map(|over| over_name(over, &table));
        assert_eq!(names, ["Everything", "Only Liver", "Only Label 9"]);
    }
}
