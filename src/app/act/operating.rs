//! Operations on labels: a job that computes them, a preview, one undo step.

use std::time::{Duration, Instant};

use super::painting::apply;
use super::pixels::end_preview;
use super::told::grouped;
use crate::app::state::operating::{Asked, OperationForm, Ready};
use crate::app::state::settings::Task;
use crate::app::state::studio::Studio;
use crate::app::state::views::Live;
use crate::edit::operations::{
    End, Kind, Mask, Operation, OperationError, Order, Parameter, Scope, Value, Values, WorksOn,
};
use crate::jobs::{Job, OperateJob, Operated};
use crate::session::{Command, Edit, Painter, SegmentationId};
use crate::volume::{LabelTable, LabelValue};
use crate::words::{self, plural, say};

/// The section of the Annotate task that shows operations.
pub const SECTION: &str = "Operations";
/// A preview that is no longer what is asked for is computed to its end within this time.
const PATIENCE: Duration = Duration::from_millis(300);
/// Images of more values than this are thresholded at whole ones.
const WIDE: f64 = 20.0;

/// Chooses an operation and shows what can be chosen of it.
pub fn choose(studio: &mut Studio, operation: &'static Operation) {
    let form = OperationForm { operation, ..studio.operating.form.clone() };
    set_form(studio, form);
    studio.operating.times_chosen += 1;
    studio.settings.task = Task::Annotate;
    studio.settings.panels = true;
    studio.settings.folded.retain(|folded| folded != SECTION);
}

/// Takes over changed choices. A preview of another operation goes; one of the same follows.
pub fn set_form(studio: &mut Studio, form: OperationForm) {
    if form.operation.id != studio.operating.form.operation.id {
        drop_preview(studio);
    }
    studio.operating.form = form;
}

/// Why no operation can be done now.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    let (Some(segmentation), Some(view)) = (studio.segmentation(), studio.label_view()) else {
        return Some("Open a scan first");
    };
    let form = &studio.operating.form;
    let needs_other = form.operation.parameters.iter().any(|parameter| matches!(parameter.kind, Kind::Label));
    let needs_mask = form.operation.parameters.iter().any(|parameter| matches!(parameter.kind, Kind::Mask));
    let is_of_active = !form.is_for_all || form.operation.works_on == WorksOn::One;
    match () {
        () if studio.tasks.is_running(OperateJob::KIND) => Some("An operation is running"),
        () if studio.hand.tool.is_busy() => Some("Finish what the tool is drawing first"),
        () if segmentation.table().0.is_empty() => Some("There is no label yet"),
        () if is_of_active && segmentation.table().get(view.active).is_none() => Some("No label is active"),
        () if needs_mask && other_masks(studio).is_empty() => Some("The scan has no other segmentation with a label"),
        () if needs_other && segmentation.table().0.len() < 2 => Some("There is no other label"),
        () => None,
    }
}

/// What a parameter is where the user has said nothing: another label, the ends of what is displayed, the cursor.
pub fn value_of(studio: &Studio, parameter: &Parameter) -> Option<Value> {
    let said = studio.operating.form.value(parameter);
    let (view, volume) = (studio.view()?, studio.volume()?);
    let table = studio.segmentation()?.table();
    match parameter.kind {
        Kind::Label => {
            let active = studio.label_view()?.active;
            let is_other = |value: LabelValue| value != active && table.get(value).is_some();
            match said {
                Some(Value::Label(label)) if is_other(label) => Some(Value::Label(label)),
                _ => table.0.iter().find(|label| is_other(label.value)).map(|label| Value::Label(label.value)),
            }
        }
        Kind::Intensity(end) => said.or_else(|| {
            let half = if end == End::Low { -view.window.width } else { view.window.width } / 2.0;
            let statistics = volume.statistics();
            let value = (view.window.level + half).clamp(statistics.min, statistics.max);
            let is_wide = statistics.max - statistics.min > WIDE;
            Some(Value::Number(if is_wide { value.round() } else { value }))
        }),
        Kind::Voxel => Some(Value::Voxel(view.cursor)),
        Kind::Mask => {
            let all = other_masks(studio);
            // The segmentation is as it is now, not as it was when it was chosen.
            let is_said = |mask: &&Mask| matches!(&said, Some(Value::Mask(said)) if (&said.name, said.label) == (&mask.name, mask.label));
            all.iter().find(is_said).or(all.first()).map(|mask| Value::Mask(Box::new(mask.clone())))
        }
        _ => said,
    }
}

/// All labels of the scan's other segmentations, each called by its segmentation and its own name.
pub fn other_masks(studio: &Studio) -> Vec<Mask> {
    let (Some(scan), Some(active)) = (studio.shown, studio.active()) else { return Vec::new() };
    let others = studio.session.document().segmentations_of(scan).filter(|(id, _)| *id != active);
    let masks = others.flat_map(|(_, other)| {
        let mask = |label: &crate::volume::Label| Mask {
            name: format!("{}: {}", other.name(), label.name),
            labels: other.labels().clone(),
            label: label.value,
        };
        other.table().0.iter().map(mask).collect::<Vec<_>>()
    });
    masks.collect()
}

/// The labels that the operation works on.
pub fn selected(studio: &Studio) -> Vec<LabelValue> {
    let (Some(segmentation), Some(view)) = (studio.segmentation(), studio.label_view()) else { return Vec::new() };
    let form = &studio.operating.form;
    if form.is_for_all && form.operation.works_on != WorksOn::One {
        segmentation.table().0.iter().map(|label| label.value).collect()
    } else {
        vec![view.active]
    }
}

/// What the choices ask for; what cannot be used is told.
fn order(studio: &mut Studio) -> Option<Order> {
    match wanted(studio)? {
        Ok(order) => Some(order),
        Err(error) => {
            let name = studio.operating.form.operation.name;
            studio.notices.warn(format!("{name}: {error}."));
            None
        }
    }
}

/// What the choices ask for, or why they cannot be used; `None` where there is nothing to work on.
fn wanted(studio: &Studio) -> Option<Result<Order, OperationError>> {
    let form = &studio.operating.form;
    let (frame, shape) = (studio.view()?.frame, studio.volume()?.geometry.shape());
    let value = |parameter: &Parameter| Some((parameter.id.to_string(), value_of(studio, parameter)?));
    let said: Vec<(String, Value)> = form.operation.parameters.iter().filter_map(value).collect();
    let values = match Values::new(form.operation.parameters, said, shape) {
        Ok(values) => values,
        Err(error) => return Some(Err(error)),
    };
    let scope = match form.plane {
        Some(plane) => Scope::Slice(plane, studio.slice(plane)?),
        None => Scope::Volume,
    };
    Some(Ok(Order { operation: form.operation, values, selected: selected(studio), scope, frame }))
}

/// Computes what the operation would do, and shows it as a preview that follows the choices.
pub fn preview(studio: &mut Studio) {
    let (Some(of), Some(order)) = (studio.active(), order(studio)) else { return };
    drop_preview(studio);
    let Some(made_on) = studio.revision(of) else { return };
    let rules = studio.rules.clone();
    studio.operating.asked =
        Some(Asked { of, made_on, order: order.clone(), rules, since: Instant::now(), is_hidden: false });
    start(studio, of, order, |studio, ready| {
        let text = say!(
            "Preview of \"{operation}\": {outcome}.",
            operation = words::text(ready.order.operation.name),
            outcome = told(&ready.operated)
        );
        studio.notices.info(text);
        show(studio, ready);
    });
}

/// While a preview is wanted it follows the choices, the cursor and the labels.
pub fn follow(studio: &mut Studio) {
    let Some(asked) = studio.operating.asked.clone() else { return };
    if studio.hand.tool.is_busy() {
        return;
    }
    let now = match (studio.active(), wanted(studio)) {
        (Some(of), Some(Ok(order))) if of == asked.of => studio.revision(of).map(|made_on| (made_on, order)),
        // There is no preview of what cannot be done; it comes back with other choices.
        (Some(of), Some(Err(_))) if of == asked.of => {
            studio.operating.asked = Some(Asked { is_hidden: true, ..asked });
            return hide(studio);
        }
        _ => None,
    };
    let Some((made_on, order)) = now else { return drop_preview(studio) };
    let now =
        Asked { of: asked.of, made_on, order, rules: studio.rules.clone(), since: Instant::now(), is_hidden: false };
    if now.is_same(&asked) {
        // It failed, or was stopped in the tray.
        let is_shown = studio.operating.ready.as_ref().is_some_and(|ready| ready.order.is_same(&asked.order));
        if !is_shown && !studio.tasks.is_running(OperateJob::KIND) {
            hide(studio);
        }
        return;
    }
    if studio.tasks.is_running(OperateJob::KIND) {
        // What is nearly done is shown first, so that there is always something to see while a value is dragged.
        if asked.since.elapsed() < PATIENCE {
            return;
        }
        studio.tasks.stop(OperateJob::KIND);
    }
    let order = now.order.clone();
    studio.operating.asked = Some(now);
    start(studio, asked.of, order, show);
}

/// The time until a preview that is being computed is given up where it is no longer what is asked for.
pub fn next_look(studio: &Studio) -> Option<Duration> {
    let asked = studio.operating.asked.as_ref().filter(|_| studio.tasks.is_running(OperateJob::KIND))?;
    PATIENCE.checked_sub(asked.since.elapsed()).filter(|left| !left.is_zero())
}

/// Does the operation: one undo step. What is shown as its preview is taken as it is.
pub fn take(studio: &mut Studio) {
    let wanted = order(studio);
    let is_wanted = |ready: &Ready| wanted.as_ref().is_some_and(|order| order.is_same(&ready.order));
    let is_current =
        |ready: &Ready| studio.revision(ready.of) == Some(ready.operated.made_on) && ready.rules == studio.rules;
    let ready = studio.operating.ready.as_ref();
    if ready.is_some_and(|ready| Some(ready.of) == studio.active() && is_wanted(ready) && is_current(ready)) {
        let ready = studio.operating.ready.take();
        drop_preview(studio);
        ready.into_iter().for_each(|ready| finish(studio, ready));
    } else if let (Some(of), Some(order)) = (studio.active(), wanted) {
        drop_preview(studio);
        start(studio, of, order, finish);
    }
}

/// Starts the job; `done` gets what comes of it.
fn start(studio: &mut Studio, of: SegmentationId, order: Order, done: fn(&mut Studio, Ready)) {
    studio.hand.tool.abort();
    let rules = studio.rules.clone();
    let Some(painter) = Painter::new(studio.session.document(), of, &rules) else { return };
    studio.start_for(
        of,
        OperateJob { painter, order: order.clone(), has_image: true },
        |_, ()| {},
        move |studio, result| {
            if let Some(operated) = studio.told(result) {
                done(studio, Ready { of, order, rules, operated });
            }
        },
    );
}

/// The table with the labels that are new.
fn table_with(studio: &Studio, of: SegmentationId, operated: &Operated) -> Option<LabelTable> {
    let mut table = studio.session.document().segmentation(of)?.table().clone();
    let fresh = operated.added.iter().filter(|label| table.get(label.value).is_none()).cloned().collect::<Vec<_>>();
    table.0.extend(fresh);
    Some(table)
}

/// Shows a result as a preview.
fn show(studio: &mut Studio, ready: Ready) {
    // It was dropped meanwhile, or the labels have changed and another one follows.
    let asked = studio.operating.asked.take();
    if asked.is_none() || studio.revision(ready.of) != Some(ready.operated.made_on) {
        studio.operating.asked = asked;
        return;
    }
    let table = table_with(studio, ready.of, &ready.operated);
    // One preview at a time.
    end_preview(studio);
    studio.operating.asked = asked;
    if let Some(view) = studio.label_views.get_mut(&ready.of) {
        let labels = ready.operated.painted.labels.clone();
        view.preview = Some(Live { labels, revision: ready.operated.made_on, table });
    }
    studio.operating.ready = Some(ready);
}

/// Takes the preview of an operation off the screen; one that is being computed is stopped.
pub fn drop_preview(studio: &mut Studio) {
    if studio.operating.asked.take().is_some() {
        studio.tasks.stop(OperateJob::KIND);
    }
    hide(studio);
}

/// Takes the picture of a preview off the screen.
fn hide(studio: &mut Studio) {
    let Some(ready) = studio.operating.ready.take() else { return };
    if let Some(view) = studio.label_views.get_mut(&ready.of) {
        view.preview = None;
    }
}

/// Whether a preview of the operation is on screen or on its way.
pub fn has_preview(studio: &Studio) -> bool {
    studio.operating.asked.is_some()
}

/// Makes a result the segmentation's labels.
fn finish(studio: &mut Studio, ready: Ready) {
    let Ready { of, order, operated, .. } = ready;
    let name = order.operation.name;
    let text = format!("{name}: {}.", told(&operated));
    let warning = warning(&operated);
    if !operated.painted.is_empty() {
        let Some(segmentation) = studio.session.document().segmentation(of) else { return };
        let states = segmentation.drafts_where(&operated.changed);
        let mut edits = vec![Edit::Labels(operated.painted.clone()), Edit::States(of, states)];
        if !operated.added.is_empty() {
            edits.extend(table_with(studio, of, &operated).map(|table| Edit::Table(of, table)));
        }
        if apply(studio, Command::by_hand(name, edits)).is_err() {
            return;
        }
        if let Some(view) = studio.label_views.get_mut(&of) {
            view.counted = (operated.painted.labels.clone(), operated.counts.clone());
        }
    }
    match warning {
        Some(warning) => studio.notices.warn(format!("{text} {warning}")),
        None => studio.notices.info(text),
    }
}

/// What was done, in numbers.
fn told(operated: &Operated) -> String {
    if operated.painted.is_empty() {
        return say!("nothing changed").into();
    }
    let number = |tally: &crate::edit::operations::Tally| {
        let what = words::text(if tally.count == 1 { tally.one } else { tally.several });
        format!("{} {what}", grouped(tally.count))
    };
    let numbers: Vec<String> = operated.tallies.iter().map(number).collect();
    if numbers.is_empty() { say!("done").into() } else { numbers.join(", ") }
}

/// What the user must know besides.
fn warning(operated: &Operated) -> Option<String> {
    let stays = match operated.withheld {
        0 => None,
        count => Some(plural!(
            count,
            "1 voxel stays as it is: locked labels, finished slices and the rules of painting keep it.",
            "{count} voxels stay as they are: locked labels, finished slices and the rules of painting keep them.",
            count = grouped(count)
        )),
    };
    let notes: Vec<String> = operated.notes.iter().map(|note| words::shown(note).into_owned()).chain(stays).collect();
    (!notes.is_empty()).then(|| notes.join(" "))
}

#[cfg(test)]
mod tests;
