//! Strokes on and off a structure, answered at once: the left button draws on it, the right one (or Alt) off it, the answer shows while strokes
//! go on, Enter takes it as one step. The answer can go on through the slices beside, each from the one before.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::freehand::draw_on;
use super::options::{Choice, OptionKind, ToolOption};
use super::scribbles::{Scribble, Scribbles};
use super::step::Gesture;
use super::tool::{
    Button, Errand, Pointer, PointerCursor, PointerKind, Refusal, Reply, Slice, Tool, ToolEntry, ToolKey,
};
use super::touch_answer::{AnswerStrokes, NoAnswer, SliceValues, StrokeQuestion};
use crate::session::{Painter, Segmentation, SegmentationId};
use crate::volume::{LabelMap, LabelValue, PlaneLayout, Volume, VoxelRow};
use crate::work::{Stopped, Watch};

/// How far the answer goes.
pub const TOUCH_REACH: ToolOption = ToolOption {
    id: "touch.reach",
    name: "Reach",
    hint: "Take the answer in this slice alone, or go on through the slices beside it until the structure ends",
    kind: OptionKind::Choice(&[
        Choice { id: "slice", name: "This slice" },
        Choice { id: "volume", name: "On through the slices" },
    ]),
};

/// In the list of tools.
pub const ENTRY: ToolEntry = ToolEntry {
    id: "touch",
    name: "Touch",
    icon: "\u{E29A}",
    hint: "left button strokes on the structure, right button or Alt off it; Enter takes the answer, Backspace takes a stroke back, Esc drops it",
    key: "Y",
    paints: true,
    options: &[TOUCH_REACH],
    make: || Box::new(Touch::default()),
};

/// Strokes on another slice than the one in the view.
const OTHER_SLICE: &str = "The strokes are on another slice: take their answer there (Enter), or drop them (Esc)";
/// The answer is not there yet.
const ON_ITS_WAY: &str = "The answer is on its way; press Enter once it shows";
/// Nothing says what the structure is.
const NOTHING_ON: &str = "Draw a stroke on the structure first (left button)";
/// The structure ends where a slice's answer has fewer pixels than this share of the one before, or more than this many times as many:
/// a network that has lost it finds nothing, or everything.
const SHRINKS: f64 = 0.25;
const GROWS: f64 = 3.0;
/// It ends, too, where this share of what is inside is in doubt.
const DOUBT: f64 = 0.35;

#[derive(Default)]
struct Touch {
    begun: Option<Begun>,
}

/// Strokes on a slice, from the first to the answer's being taken.
struct Begun {
    of: SegmentationId,
    scribbles: Scribbles,
    /// The button that draws now.
    drawing: Option<Button>,
    label: LabelValue,
    /// What strokes were asked for, the newest last.
    asked: Vec<Arc<OnceLock<Answered>>>,
    line: Arc<Mutex<Line>>,
}

/// An answer in the slice, and the labels with it.
struct Answered {
    inside: Vec<u8>,
    labels: LabelMap,
}

/// What the errand beside the window looks at: it answers the newest question until none is left.
#[derive(Default)]
struct Line {
    question: Option<(Vec<u8>, Arc<OnceLock<Answered>>)>,
    is_running: bool,
    /// The strokes were dropped: nobody waits for an answer.
    is_dropped: bool,
    /// The answer is on its way into the document.
    is_taken: bool,
}

fn locked(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Begun {
    fn new(slice: &Slice) -> Self {
        Self {
            of: slice.segmentation,
            scribbles: Scribbles { plane: slice.plane, slice: slice.number, lines: Vec::new() },
            drawing: None,
            label: slice.label,
            asked: Vec::new(),
            line: Arc::default(),
        }
    }

    fn is_here(&self, slice: &Slice) -> bool {
        (self.scribbles.plane, self.scribbles.slice, self.of) == (slice.plane, slice.number, slice.segmentation)
    }

    /// Draws the last stroke on to where the pointer is.
    fn draw_on(&mut self, pointer: &Pointer) {
        let last = self.scribbles.lines.last_mut();
        last.into_iter().for_each(|line| draw_on(&mut line.points, pointer.at, pointer.pixels_per_point));
    }

    fn is_taken(&self) -> bool {
        locked(&self.line).is_taken
    }

    /// The newest answer that is there.
    fn answered(&self) -> Option<&Answered> {
        self.asked.iter().rev().find_map(|cell| cell.get())
    }

    /// Asks for what the strokes mean now. Where an answer is on its way the errand behind it takes this question up.
    fn ask(&mut self, slice: &Slice) -> Reply {
        let Some(segmentation) = slice.document.segmentation(self.of) else { return Reply::default() };
        let strokes = self.scribbles.drawn(segmentation.labels().geometry(), &slice.layout);
        let has_on = strokes.contains(&super::touch_answer::ON);
        if !has_on {
            // Strokes off it alone ask nothing yet.
            self.asked.clear();
            locked(&self.line).question = None;
            return Reply::default();
        }
        let cell = Arc::new(OnceLock::new());
        self.asked.push(cell.clone());
        let mut line = locked(&self.line);
        line.question = Some((strokes, cell));
        if line.is_running {
            return Reply::default();
        }
        let Some(work) = Work::new(slice, self.of, self.label) else { return Reply::default() };
        line.is_running = true;
        let running = Running(self.line.clone());
        let run = move |watch: Watch<'_>| work.answer_all(&running, watch);
        Reply { errand: Some(Errand { title: "Touch", of: None, run: Box::new(run) }), ..Reply::default() }
    }

    fn gesture(&self, label: LabelValue) -> Gesture {
        let name = if label == 0 { "Touch, erase" } else { "Touch" };
        Gesture { name, of: self.of, plane: self.scribbles.plane, slices: vec![self.scribbles.slice], label }
    }

    /// Takes the answer: at once in its slice, or by an errand through the slices beside it.
    fn take(&mut self, slice: &Slice, label: LabelValue) -> Reply {
        let newest = self.asked.last();
        let Some(answered) = newest.and_then(|cell| cell.get()) else {
            return Reply::refusal(if newest.is_some() { ON_ITS_WAY } else { NOTHING_ON });
        };
        let Some(mut work) = Work::new(slice, self.of, label) else { return Reply::default() };
        let (gesture, inside) = (self.gesture(label), answered.inside.clone());
        if slice.options.choice(&TOUCH_REACH) == "slice" {
            let is_changed = work.paint(slice.number, &inside);
            locked(&self.line).is_taken = true;
            return gesture.end(work.painter, is_changed);
        }
        let mut line = locked(&self.line);
        if line.is_running {
            return Reply::refusal(ON_ITS_WAY);
        }
        line.is_running = true;
        drop(line);
        let cell = Arc::new(OnceLock::new());
        self.asked.push(cell.clone());
        let running = Running(self.line.clone());
        let from = slice.number;
        let run = move |watch: Watch<'_>| {
            let is_changed = match work.go_on(from, &inside, &running, watch)? {
                Ok(is_changed) => is_changed,
                Err(text) => return Ok(Reply { refusal: Some(Refusal::Failed(text)), ..Reply::default() }),
            };
            locked(&running.0).is_taken = true;
            Ok(gesture.end_through(work.painter, is_changed))
        };
        Reply {
            errand: Some(Errand { title: "Touch through the slices", of: Some(self.of), run: Box::new(run) }),
            ..Reply::default()
        }
    }
}

/// While an errand of the strokes runs, or waits to.
struct Running(Arc<Mutex<Line>>);

impl Drop for Running {
    fn drop(&mut self) {
        locked(&self.0).is_running = false;
    }
}

/// What an errand works with.
struct Work {
    answers: Arc<dyn AnswerStrokes>,
    painter: Painter,
    volume: Arc<Volume>,
    frame: usize,
    layout: PlaneLayout,
    number: usize,
    label: LabelValue,
}

impl Work {
    fn new(slice: &Slice, of: SegmentationId, label: LabelValue) -> Option<Self> {
        Some(Self {
            answers: slice.answers.clone(),
            painter: Painter::new(slice.document, of, slice.rules)?,
            volume: slice.volume()?.clone(),
            frame: slice.frame,
            layout: slice.layout,
            number: slice.number,
            label,
        })
    }

    /// Answers the newest question until none is left.
    fn answer_all(&self, running: &Running, watch: Watch<'_>) -> Result<Reply, Stopped> {
        let values = self.values(self.number);
        loop {
            let mut line = locked(&running.0);
            if line.is_dropped {
                return Err(Stopped);
            }
            let Some((strokes, cell)) = line.question.take() else {
                // From here on another question needs another errand.
                line.is_running = false;
                return Ok(Reply::default());
            };
            drop(line);
            let question = StrokeQuestion { values: &values, strokes: &strokes, previous: None };
            match self.answers.answer(&question, watch) {
                Ok(found) => {
                    // What is there before the strokes is the same for every answer.
                    let mut painter = self.painter.clone();
                    paint(&mut painter, &self.layout, (self.number, &found.inside), self.label);
                    let _ = cell.set(Answered { inside: found.inside, labels: painter.labels().clone() });
                }
                Err(NoAnswer::Stopped(stopped)) => return Err(stopped),
                Err(NoAnswer::Failed(text)) => {
                    return Ok(Reply { refusal: Some(Refusal::Failed(text)), ..Reply::default() });
                }
            }
        }
    }

    /// Paints the answer in its slice, and on both sides what the network makes of each slice from the one before, until the structure ends
    /// or is in doubt. Whether anything changed; the reason where the network failed.
    fn go_on(
        &mut self,
        from: usize,
        inside: &[u8],
        running: &Running,
        watch: Watch<'_>,
    ) -> Result<Result<bool, String>, Stopped> {
        let mut is_changed = self.paint(from, inside);
        let (below, above) = ((0..from).rev(), from + 1..self.layout.size[2]);
        let ways: [Box<dyn Iterator<Item = usize>>; 2] = [Box::new(below), Box::new(above)];
        for way in ways {
            let mut before = inside.to_vec();
            for slice in way {
                watch.check()?;
                if locked(&running.0).is_dropped {
                    return Err(Stopped);
                }
                let values = self.values(slice);
                let strokes = vec![super::touch_answer::NOTHING; before.len()];
                let question = StrokeQuestion { values: &values, strokes: &strokes, previous: Some(&before) };
                let found = match self.answers.answer(&question, watch) {
                    Ok(found) => found,
                    Err(NoAnswer::Stopped(stopped)) => return Err(stopped),
                    Err(NoAnswer::Failed(text)) => return Ok(Err(text)),
                };
                if ends(&before, &found.inside, found.doubt) {
                    break;
                }
                is_changed |= self.paint(slice, &found.inside);
                before = found.inside;
            }
        }
        Ok(Ok(is_changed))
    }

    fn values(&self, slice: usize) -> SliceValues {
        SliceValues::new(&self.volume, self.frame, &self.layout, slice)
    }

    fn paint(&mut self, slice: usize, inside: &[u8]) -> bool {
        paint(&mut self.painter, &self.layout, (slice, inside), self.label)
    }
}

/// Gives the pixels of a slice that are inside a label. Whether anything changed.
fn paint(painter: &mut Painter, layout: &PlaneLayout, (slice, inside): (usize, &[u8]), label: LabelValue) -> bool {
    let columns = layout.size[0].max(1);
    let mut is_changed = false;
    for (row, line) in inside.chunks(columns).enumerate() {
        let rows: Vec<VoxelRow> = (line.iter().enumerate().filter(|(_, is_in)| **is_in != 0))
            .map(|(column, _)| VoxelRow::one(layout.voxel([column, row, slice])))
            .collect();
        is_changed |= painter.fill_rows(&rows, label);
    }
    is_changed
}

/// Whether a structure ends between two slices.
fn ends(before: &[u8], now: &[u8], doubt: f64) -> bool {
    let count = |mask: &[u8]| mask.iter().filter(|is_in| **is_in != 0).count() as f64;
    let (before, now) = (count(before), count(now));
    now == 0.0 || now < SHRINKS * before || now > GROWS * before || doubt > DOUBT
}

impl Touch {
    fn press(&mut self, slice: &Slice, pointer: &Pointer, button: Button) -> Reply {
        let begun = match self.begun.take_if(|begun| begun.is_taken() || begun.of != slice.segmentation) {
            Some(_) => None,
            None => self.begun.as_ref(),
        };
        if begun.is_some_and(|begun| !begun.is_here(slice)) {
            return Reply::refusal(OTHER_SLICE);
        }
        if slice.pixel(pointer.at).is_none() {
            return Reply::default();
        }
        let begun = self.begun.get_or_insert_with(|| Begun::new(slice));
        if begun.drawing.is_none() {
            begun.drawing = Some(button);
            let is_on = button == Button::Primary && !pointer.is_alt;
            begun.scribbles.lines.push(Scribble { is_on, points: vec![pointer.at] });
        }
        Reply::default()
    }
}

impl Tool for Touch {
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply {
        match pointer.kind {
            PointerKind::Press(button) => return self.press(slice, pointer, button),
            PointerKind::Drag(button) => {
                let own = self.begun.as_mut().filter(|begun| begun.drawing == Some(button) && begun.is_here(slice));
                own.into_iter().for_each(|begun| begun.draw_on(pointer));
            }
            PointerKind::Release(button) => {
                let own = self.begun.as_mut().filter(|begun| begun.drawing == Some(button));
                if let Some(begun) = own {
                    begun.drawing = None;
                    if begun.is_here(slice) {
                        begun.draw_on(pointer);
                        return begun.ask(slice);
                    }
                }
            }
            PointerKind::Hover => {}
        }
        Reply::default()
    }

    fn key(&mut self, slice: &Slice, key: ToolKey) -> Reply {
        let Some(begun) = self.begun.as_mut().filter(|begun| !begun.is_taken()) else { return Reply::default() };
        if !begun.is_here(slice) {
            return Reply { is_taken: true, ..Reply::refusal(OTHER_SLICE) };
        }
        let reply = match key {
            ToolKey::Confirm => begun.take(slice, slice.label),
            ToolKey::ConfirmErasing => begun.take(slice, 0),
            ToolKey::Back => {
                begun.scribbles.lines.pop();
                if begun.scribbles.lines.is_empty() {
                    self.abort();
                    Reply::default()
                } else {
                    begun.ask(slice)
                }
            }
        };
        Reply { is_taken: true, ..reply }
    }

    fn is_busy(&self) -> bool {
        self.begun.as_ref().is_some_and(|begun| !begun.is_taken())
    }

    fn abort(&mut self) -> bool {
        let Some(begun) = self.begun.take() else { return false };
        let mut line = locked(&begun.line);
        (line.is_dropped, line.question) = (true, None);
        !line.is_taken
    }

    fn labels(&self) -> Option<(SegmentationId, &LabelMap)> {
        let begun = self.begun.as_ref().filter(|begun| !begun.is_taken())?;
        Some((begun.of, &begun.answered()?.labels))
    }

    fn scribbles(&self) -> Option<&Scribbles> {
        self.begun.as_ref().filter(|begun| !begun.is_taken()).map(|begun| &begun.scribbles)
    }

    fn cursor(&self, slice: &Slice) -> PointerCursor {
        let table = slice.document.segmentation(slice.segmentation).map(Segmentation::table);
        let is_locked = table.is_some_and(|table| table.is_locked(slice.label));
        if is_locked { PointerCursor::NotAllowed } else { PointerCursor::Crosshair }
    }
}
