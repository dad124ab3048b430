//! Drawing and changing measurements: what ruler, angle, ROI and crosshair share.

use std::ops::Range;

use super::tool::{Button, Drafted, Pointer, PointerCursor, PointerKind, Refusal, Reply, Slice, Tool};
use super::zooming::zoom;
use crate::session::{Command, Edit, MeasurementId, ScanId};
use crate::volume::{Figure, Measurement, Vec3, point_on_slice};

/// How near the pointer must be to a handle to hold it, in points of the screen.
const REACH_POINTS: f64 = 8.0;
/// A line that is shorter on the screen is a click, in points.
const SHORTEST_POINTS: f64 = 3.0;

/// A measurement that is being drawn, or of which a handle is held.
pub(super) struct Drawing {
    drafted: Drafted,
    /// As the document has it; none where it is new.
    before: Option<Measurement>,
    /// The slice that it lies in.
    slice: usize,
    /// The handles that follow the pointer: one, or those of an angle that are not placed yet.
    held: Range<usize>,
}

/// A place of the slice, which is never beside the image.
fn place(slice: &Slice, at: [f64; 2]) -> ([f64; 2], Option<Vec3>) {
    let at = [0, 1].map(|axis| at[axis].clamp(0.0, slice.layout.size[axis] as f64));
    let point = slice.volume().map(|volume| point_on_slice(&volume.geometry, slice.plane, at, slice.number));
    (at, point)
}

/// The way between two points of the slice on the screen, in points.
fn on_screen(a: [f64; 2], b: [f64; 2], pointer: &Pointer) -> f64 {
    let off = [0, 1].map(|n| (a[n] - b[n]) / f64::from(pointer.pixels_per_point[n]).max(1e-9));
    off[0].hypot(off[1])
}

fn scan_of(slice: &Slice) -> Option<ScanId> {
    Some(slice.document.segmentation(slice.segmentation)?.scan())
}

/// The measurement whose handle is nearest to a point of a slice and not further than some points of the screen, and which handle it is.
fn handle_at(slice: &Slice, at: [f64; 2], pixels_per_point: [f32; 2]) -> Option<(MeasurementId, usize)> {
    let (scan, volume) = (scan_of(slice)?, slice.volume()?);
    let own = slice.document.measurements(scan);
    let here = own.iter().filter(|(_, own)| own.plane == slice.plane);
    let here = here.filter(|(_, own)| own.slice(&volume.geometry) == Some(slice.number));
    let away = |handle: [f64; 2]| {
        let off = [0, 1].map(|n| (handle[n] - at[n]) / f64::from(pixels_per_point[n]).max(1e-9));
        off[0].hypot(off[1])
    };
    let handles = here.flat_map(|(id, own)| {
        let handles = own.handles(&volume.geometry).into_iter().enumerate();
        handles.map(move |(n, handle)| (id, n, handle))
    });
    let near = handles.map(|(id, n, handle)| (id, n, away(handle))).filter(|(.., away)| *away <= REACH_POINTS);
    near.min_by(|a, b| a.2.total_cmp(&b.2)).map(|(id, n, _)| (id, n))
}

impl Drawing {
    /// Begins a figure whose points all lie under the pointer; the last one follows it.
    pub(super) fn begin(slice: &Slice, at: [f64; 2], figure: impl FnOnce(Vec3) -> Figure) -> Option<Self> {
        let (scan, point) = (scan_of(slice)?, place(slice, at).1?);
        let own = slice.document.measurements(scan);
        let figure = figure(point);
        let held = match figure {
            Figure::Ruler(_) => 1..2,
            Figure::Angle(_) => 0..3,
            // The third of the four corners: the one opposite.
            Figure::Ellipse(_) | Figure::Rectangle(_) => 2..3,
        };
        let measurement = Measurement { name: own.free_name(figure.name()), plane: slice.plane, figure };
        let drafted = Drafted { scan, id: own.next_id(), measurement };
        Some(Self { drafted, before: None, slice: slice.number, held })
    }

    /// Takes hold of the handle under the pointer, if there is one.
    pub(super) fn take_hold(slice: &Slice, pointer: &Pointer) -> Option<Self> {
        let (id, handle) = handle_at(slice, pointer.at, pointer.pixels_per_point)?;
        let scan = scan_of(slice)?;
        let measurement = slice.document.measurements(scan).get(id)?.clone();
        let before = Some(measurement.clone());
        Some(Self { drafted: Drafted { scan, id, measurement }, before, slice: slice.number, held: handle..handle + 1 })
    }

    pub(super) fn drafted(&self) -> &Drafted {
        &self.drafted
    }

    pub(super) fn is_here(&self, slice: &Slice) -> bool {
        (self.drafted.measurement.plane, self.slice) == (slice.plane, slice.number)
    }

    /// Other handles follow the pointer from now on.
    pub(super) fn hold(&mut self, held: Range<usize>) {
        self.held = held;
    }

    /// Moves what is held to the pointer.
    pub(super) fn drag(&mut self, slice: &Slice, at: [f64; 2]) {
        let Some(volume) = slice.volume().filter(|_| self.is_here(slice)) else { return };
        let (at, _) = place(slice, at);
        for handle in self.held.clone() {
            self.drafted.measurement.drag(&volume.geometry, handle, at, self.slice);
        }
    }

    /// How many points of the screen lie between two of its points, at least.
    fn shortest(&self, slice: &Slice, pointer: &Pointer) -> f64 {
        let Some(volume) = slice.volume() else { return 0.0 };
        let points = self.drafted.measurement.pixels(&volume.geometry);
        let pairs = points.windows(2).map(|pair| on_screen(pair[0], pair[1], pointer));
        pairs.fold(f64::INFINITY, f64::min)
    }

    /// Whether its first two points are one on the screen.
    pub(super) fn has_short_leg(&self, slice: &Slice, pointer: &Pointer) -> bool {
        let Some(volume) = slice.volume() else { return true };
        match self.drafted.measurement.pixels(&volume.geometry)[..] {
            [first, second, ..] => on_screen(first, second, pointer) < SHORTEST_POINTS,
            _ => false,
        }
    }

    /// Whether it has no width, no height or no length on the screen.
    pub(super) fn is_flat(&self, slice: &Slice, pointer: &Pointer) -> bool {
        let Some(volume) = slice.volume() else { return true };
        match (self.drafted.measurement.figure.is_region(), &self.drafted.measurement.pixels(&volume.geometry)[..]) {
            (true, [a, b]) => {
                let side = |n: usize| (a[n] - b[n]).abs() / f64::from(pointer.pixels_per_point[n]).max(1e-9);
                side(0).min(side(1)) < SHORTEST_POINTS
            }
            _ => self.shortest(slice, pointer) < SHORTEST_POINTS,
        }
    }

    /// The gesture ends: one command where something came of it; `too_short` says what to do where it was a click.
    pub(super) fn end(self, slice: &Slice, pointer: &Pointer, too_short: &'static str) -> Reply {
        if self.before.as_ref() == Some(&self.drafted.measurement) {
            return Reply::default();
        }
        if self.is_flat(slice, pointer) {
            return Reply { refusal: Some(Refusal::Other(too_short)), ..Reply::default() };
        }
        let figure = &self.drafted.measurement.figure;
        let is_new = self.before.is_none();
        let name = if is_new { figure.name().into() } else { format!("Change {}", figure.name_in_text()) };
        let Drafted { scan, mut id, mut measurement } = self.drafted;
        if is_new {
            // Others may have come meanwhile, from a document or a journal.
            let own = slice.document.measurements(scan);
            (id, measurement.name) = (own.next_id(), own.free_name(measurement.figure.name()));
        }
        let command = Command::by_hand(name, vec![Edit::Measurement(scan, id, Some(measurement))]);
        Reply { commands: vec![command], ..Reply::default() }
    }
}

/// A handle that a tool holds, whatever else it does.
#[derive(Default)]
pub(super) struct Grip {
    held: Option<Drawing>,
    /// What was held was dropped, and the button is still down.
    is_dropped: bool,
}

impl Grip {
    /// Takes hold of what lies under the pointer; whether there was something.
    pub(super) fn press(&mut self, slice: &Slice, pointer: &Pointer) -> bool {
        self.is_dropped = false;
        self.held = Drawing::take_hold(slice, pointer);
        self.held.is_some()
    }

    /// Whether a drag is its own.
    pub(super) fn drag(&mut self, slice: &Slice, pointer: &Pointer) -> bool {
        if let Some(held) = &mut self.held {
            held.drag(slice, pointer.at);
        }
        self.held.is_some() || self.is_dropped
    }

    /// The button goes up; `None` where nothing was held.
    pub(super) fn release(&mut self, slice: &Slice, pointer: &Pointer) -> Option<Reply> {
        if std::mem::take(&mut self.is_dropped) {
            return Some(Reply::default());
        }
        let held = self.held.take()?;
        Some(held.end(slice, pointer, "A measurement needs some length; it stays as it was"))
    }

    pub(super) fn abort(&mut self) -> bool {
        let was_held = self.held.take().is_some();
        self.is_dropped |= was_held;
        was_held
    }

    pub(super) fn drafted(&self) -> Option<&Drafted> {
        self.held.as_ref().map(Drawing::drafted)
    }
}

/// A tool that draws from one corner or end to the other, or holds a handle of what is there.
pub(super) struct Dragged {
    figure: fn(&Slice, Vec3) -> Figure,
    too_short: &'static str,
    drawing: Option<Drawing>,
    grip: Grip,
}

impl Dragged {
    pub(super) fn new(figure: fn(&Slice, Vec3) -> Figure, too_short: &'static str) -> Self {
        Self { figure, too_short, drawing: None, grip: Grip::default() }
    }

    fn press(&mut self, slice: &Slice, pointer: &Pointer) {
        if !self.grip.press(slice, pointer) {
            self.drawing = Drawing::begin(slice, pointer.at, |point| (self.figure)(slice, point));
        }
    }

    fn drag(&mut self, slice: &Slice, pointer: &Pointer) {
        if !self.grip.drag(slice, pointer)
            && let Some(drawing) = &mut self.drawing
        {
            drawing.drag(slice, pointer.at);
        }
    }

    fn release(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        if let Some(reply) = self.grip.release(slice, pointer) {
            return reply;
        }
        self.drawing.take().map_or_else(Reply::default, |drawing| drawing.end(slice, pointer, self.too_short))
    }
}

impl Tool for Dragged {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        match pointer.kind {
            PointerKind::Press(Button::Primary) => self.press(slice, pointer),
            PointerKind::Drag(Button::Primary) => self.drag(slice, pointer),
            PointerKind::Release(Button::Primary) => return self.release(slice, pointer),
            _ => return zoom(pointer),
        }
        Reply::default()
    }

    fn is_busy(&self) -> bool {
        self.drafted().is_some()
    }

    fn abort(&mut self) -> bool {
        let was_held = self.grip.abort();
        self.drawing.take().is_some() || was_held
    }

    fn drafted(&self) -> Option<&Drafted> {
        self.drawing.as_ref().map(Drawing::drafted).or(self.grip.drafted())
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Crosshair
    }
}
