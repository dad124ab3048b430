//! Strokes on and off a structure, answered at once: the left button draws on it, the right one (or Alt) off it, the answer shows while strokes
//! go on, Enter takes it as one step. The answer can go on through the slices beside, each from the one before.

use std::sync::{Arc, Mutex, OnceLock};

use super::freehand::draw_on;
use super::options::{Choice, OptionKind, ToolOption};
use super::scribbles::{Scribble, Scribbles};
use super::step::Gesture;
use super::tool::{Button, Errand, Pointer, PointerCursor, PointerKind, Reply, Slice, Tool, ToolEntry, ToolKey};
use super::touch_answer::ON;
use super::touch_work::{Answered, Answering, Fate, GoingOn, Line, Work, locked, told};
use crate::session::{Segmentation, SegmentationId};
use crate::volume::{LabelMap, LabelValue};
use crate::work::Watch;

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
/// It is being taken.
const GOES_ON: &str = "The answer goes on through the slices: wait until it is done, or drop it (Esc)";
/// Nothing says what the structure is.
const NOTHING_ON: &str = "Draw a stroke on the structure first (left button)";

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
    /// What was asked for since the newest answer that is there, that one first.
    asked: Vec<Arc<OnceLock<Answered>>>,
    line: Arc<Mutex<Line>>,
}

impl Begun {
    fn new(slice: &Slice) -> Self {
        Self {
            of: slice.segmentation,
            scribbles: Scribbles { plane: slice.plane, slice: slice.number, lines: Vec::new() },
            drawing: None,
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

    fn fate(&self) -> Fate {
        locked(&self.line).fate
    }

    fn is_taken(&self) -> bool {
        self.fate() == Fate::Taken
    }

    /// The newest answer that is there.
    fn answered(&self) -> Option<&Answered> {
        self.asked.iter().rev().find_map(|cell| cell.get())
    }

    /// Asks for what the strokes mean now. Where an answer is on its way the errand behind it takes this question up.
    fn ask(&mut self, slice: &Slice) -> Reply {
        let Some(segmentation) = slice.document.segmentation(self.of) else { return Reply::default() };
        let strokes = self.scribbles.drawn(segmentation.labels().geometry(), &slice.layout);
        if !strokes.contains(&ON) {
            // Strokes off it alone ask nothing yet.
            self.asked.clear();
            locked(&self.line).question = None;
            return Reply::default();
        }
        let newest = self.asked.iter().rposition(|cell| cell.get().is_some()).unwrap_or(0);
        self.asked.drain(..newest);
        let cell = Arc::new(OnceLock::new());
        self.asked.push(cell.clone());
        let mut line = locked(&self.line);
        line.question = Some((strokes, cell));
        if line.is_running {
            return Reply::default();
        }
        let Some(work) = Work::new(slice, self.of, slice.label) else { return Reply::default() };
        line.is_running = true;
        drop(line);
        let answering = Answering::new(self.line.clone(), work);
        let run = move |watch: Watch<'_>| answering.run(watch);
        Reply { errand: Some(Errand { title: "Touch", of: None, run: Box::new(run) }), ..Reply::default() }
    }

    fn gesture(&self, label: LabelValue) -> Gesture {
        let name = if label == 0 { "Touch, erase" } else { "Touch" };
        Gesture { name, of: self.of, plane: self.scribbles.plane, slices: vec![self.scribbles.slice], label }
    }

    /// Takes the answer: at once in its slice, or by an errand through the slices beside it.
    fn take(&mut self, slice: &Slice, label: LabelValue) -> Reply {
        let Some(newest) = self.asked.last() else { return Reply::refusal(NOTHING_ON) };
        let Some(answered) = newest.get() else {
            // It failed, or was stopped: it is asked for again.
            let is_running = locked(&self.line).is_running;
            let again = if is_running { Reply::default() } else { self.ask(slice) };
            return Reply { errand: again.errand, ..Reply::refusal(ON_ITS_WAY) };
        };
        let Some(mut work) = Work::new(slice, self.of, label) else { return Reply::default() };
        let (gesture, inside) = (self.gesture(label), answered.inside.clone());
        if slice.options.choice(&TOUCH_REACH) == "slice" {
            let is_changed = work.paint(&inside);
            locked(&self.line).fate = Fate::Taken;
            return gesture.end(work.painter, is_changed);
        }
        let going = GoingOn::new(self.line.clone());
        let run = move |watch: Watch<'_>| match work.go_on(&inside, &going, watch) {
            Ok(is_changed) => {
                going.done();
                Ok(gesture.end_through(work.painter, is_changed))
            }
            Err(none) => told(none),
        };
        let title = "Touch through the slices";
        Reply { errand: Some(Errand { title, of: Some(self.of), run: Box::new(run) }), ..Reply::default() }
    }
}

impl Touch {
    fn press(&mut self, slice: &Slice, pointer: &Pointer, button: Button) -> Reply {
        let begun = match self.begun.take_if(|begun| begun.is_taken() || begun.of != slice.segmentation) {
            Some(_) => None,
            None => self.begun.as_ref(),
        };
        if begun.is_some_and(|begun| begun.fate() == Fate::GoesOn) {
            return Reply::refusal(GOES_ON);
        }
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
        if begun.fate() == Fate::GoesOn {
            return Reply { is_taken: true, ..Reply::refusal(GOES_ON) };
        }
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
        let was_taken = line.fate == Fate::Taken;
        (line.fate, line.question) = (Fate::Dropped, None);
        !was_taken
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
