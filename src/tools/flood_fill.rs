//! Gives the connected region under the pointer another label: of one label, or of similar values; in the slice or in the volume.

use super::adaptive_brush::TOLERANCE;
use super::options::{Choice, OptionKind, OptionValue, ToolOption};
use super::step::Gesture;
use super::stroke::paints_left;
use super::tool::{Button, Errand, HighlightWork, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry};
use crate::edit::flood;
use crate::session::{Painter, Segmentation, SegmentationId};
use crate::volume::{LabelMap, LabelValue, Plane, Region};
use crate::work::{Stopped, Watch};

/// What the region is made of.
pub const FILLED: ToolOption = ToolOption {
    id: "flood-fill.region",
    name: "Region",
    hint: "The voxels with the label under the pointer (or without any), or those with a value like the one there",
    kind: OptionKind::Choice(&[
        Choice { id: "label", name: "Same label" },
        Choice { id: "values", name: "Similar values" },
    ]),
};

/// How far it reaches.
pub const REACH: ToolOption = ToolOption {
    id: "flood-fill.reach",
    name: "Reach",
    hint: "Fill in this slice alone, or through all slices",
    kind: OptionKind::Choice(&[
        Choice { id: "slice", name: "This slice" },
        Choice { id: "volume", name: "Volume (3-D)" },
    ]),
};

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "flood-fill",
    name: "Flood fill",
    icon: "\u{E392}",
    hint: "click fills the connected region, right button erases it; drag up or down for a wider or narrower range of similar values",
    key: "G",
    paints: true,
    options: &[FILLED, REACH, TOLERANCE],
    make: || Box::new(FloodFill::default()),
};

/// A shorter drag, in points of the screen, is a hand that is not quite still.
const STILL_POINTS: f64 = 4.0;
/// Points of the screen over which a drag changes the tolerance by a factor of e.
const DRAG_POINTS: f64 = 100.0;

#[derive(Default)]
struct FloodFill {
    begun: Option<Begun>,
}

/// A region, from the press of a button to its release.
struct Begun {
    seed: [usize; 3],
    button: Button,
    label: LabelValue,
    of: SegmentationId,
    plane: Plane,
    slice: usize,
    /// Percent of the display window's width when it began, and now; `None` where the region is that of a label.
    tolerance: Option<[f64; 2]>,
    /// How far it was dragged down, in points of the screen.
    travel: f64,
    /// The region in the slice, filled, while its range is dragged.
    preview: Option<Painter>,
}

/// Nothing beside the image; where there is nothing to fill, why.
fn begin(slice: &Slice, at: [f64; 2], button: Button) -> Result<Option<Begun>, &'static str> {
    let labels = slice.document.segmentation(slice.segmentation).map(Segmentation::labels);
    let (Some(seed), Some(labels)) = (slice.voxel(at), labels) else { return Ok(None) };
    let label = paints_left(slice, button);
    let is_by_label = slice.options.choice(&FILLED) == "label";
    if is_by_label && labels.get(seed) == label {
        let why = if label == 0 { "There is no label under the pointer" } else { "The region has this label already" };
        return Err(why);
    }
    let tolerance = (!is_by_label).then(|| [slice.options.number(&TOLERANCE); 2]);
    let (plane, number) = (slice.plane, slice.number);
    Ok(Some(Begun {
        seed,
        button,
        label,
        of: slice.segmentation,
        plane,
        slice: number,
        tolerance,
        travel: 0.0,
        preview: None,
    }))
}

impl Begun {
    fn gesture(&self) -> Gesture {
        let name = if self.label == 0 { "Flood erase" } else { "Flood fill" };
        Gesture { name, of: self.of, plane: self.plane, slices: vec![self.slice], label: self.label }
    }

    /// The box that the region may fill.
    fn region(&self, slice: &Slice, in_volume: bool) -> Region {
        let mut region = Region { start: [0; 3], end: [0; 3] };
        for (n, axis) in slice.layout.axes.into_iter().enumerate() {
            region.end[axis] = slice.layout.size[n];
        }
        if !in_volume {
            let through = slice.layout.axes[2];
            (region.start[through], region.end[through]) = (self.seed[through], self.seed[through] + 1);
        }
        region
    }

    /// What fills the region, whenever it is run.
    fn work(
        &self,
        slice: &Slice,
        in_volume: bool,
    ) -> Option<impl FnOnce(Watch) -> Result<(Painter, bool), Stopped> + use<>> {
        let volume = slice.volume()?.clone();
        let mut painter = Painter::new(slice.document, self.of, slice.rules)?;
        let (seed, label, frame) = (self.seed, self.label, slice.frame);
        let region = self.region(slice, in_volume);
        let labels = painter.before().clone();
        let (old, value) = (labels.get(seed), volume.value(seed, frame));
        let range = self.tolerance.map(|[_, percent]| percent / 100.0 * slice.window.width);
        let is_in = move |voxel: [usize; 3]| match range {
            None => labels.get(voxel) == old,
            Some(range) => (volume.value(voxel, frame) - value).abs() <= range,
        };
        Some(move |watch: Watch| {
            let mut is_changed = false;
            flood(region, seed, is_in, |row| is_changed |= painter.fill_rows(&[row], label), watch)?;
            Ok((painter, is_changed))
        })
    }

    /// Drags the range wider or narrower, and shows what it is in the slice.
    fn drag(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        let (Some([first, _]), OptionKind::Percent { range: [low, high], .. }) = (self.tolerance, TOLERANCE.kind)
        else {
            return Reply::default();
        };
        self.travel += f64::from(pointer.moved_points[1]);
        if self.preview.is_none() && self.travel.abs() < STILL_POINTS {
            return Reply::default();
        }
        let percent = (first * (-self.travel / DRAG_POINTS).exp()).clamp(low, high);
        self.tolerance = Some([first, percent]);
        // A slice takes less than a frame, and nobody stops it.
        let filled = self.work(slice, false).and_then(|work| work(Watch::unwatched()).ok());
        self.preview = filled.map(|(painter, _)| painter);
        Reply { options: vec![(&TOLERANCE, OptionValue::Number(percent))], ..Reply::default() }
    }

    fn end(self, slice: &Slice) -> Reply {
        let in_volume = slice.options.choice(&REACH) == "volume";
        let Some(work) = self.work(slice, in_volume) else { return Reply::default() };
        let (of, gesture) = (self.of, self.gesture());
        let run =
            move |watch: Watch<'_>| work(watch).map(|(painter, is_changed)| gesture.end_through(painter, is_changed));
        if in_volume {
            let errand = Errand { title: "Filling a region", of: Some(of), run: Box::new(run) };
            return Reply { errand: Some(errand), ..Reply::default() };
        }
        run(Watch::unwatched()).unwrap_or_default()
    }

    fn is_here(&self, slice: &Slice) -> bool {
        (self.plane, self.slice, self.of) == (slice.plane, slice.number, slice.segmentation)
    }
}

impl Tool for FloodFill {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        match pointer.kind {
            PointerKind::Press(button) if self.begun.is_none() => match begin(slice, pointer.at, button) {
                Ok(begun) => self.begun = begun,
                Err(why) => return Reply::refusal(why),
            },
            PointerKind::Drag(button) => {
                let own = self.begun.as_mut().filter(|begun| begun.button == button && begun.is_here(slice));
                return own.map(|begun| begun.drag(slice, pointer)).unwrap_or_default();
            }
            PointerKind::Release(button) => {
                // Whoever turned the wheel meanwhile sees another slice: nothing is filled out of sight.
                let own = self.begun.take_if(|begun| begun.button == button).filter(|begun| begun.is_here(slice));
                return own.map(|begun| begun.end(slice)).unwrap_or_default();
            }
            _ => {}
        }
        Reply::default()
    }

    fn is_busy(&self) -> bool {
        self.begun.is_some()
    }

    fn abort(&mut self) -> bool {
        self.begun.take().is_some()
    }

    fn labels(&self) -> Option<(SegmentationId, &LabelMap)> {
        let begun = self.begun.as_ref()?;
        Some((begun.of, begun.preview.as_ref()?.labels()))
    }

    fn highlight(&self, slice: &Slice, at: [f64; 2]) -> Option<HighlightWork> {
        let begun = begin(slice, at, Button::Primary).ok().flatten().filter(|_| self.begun.is_none())?;
        let work = begun.work(slice, false)?;
        Some(Box::new(move |watch| work(watch).map(|(painter, _)| painter.labels().clone())))
    }

    fn cursor(&self, _: &Slice) -> PointerCursor {
        PointerCursor::Crosshair
    }
}
