//! What the Touch tool has done beside the window: strokes are answered, the newest question first, and an answer goes on through slices.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::tool::{Refusal, Reply, Slice};
use super::touch_answer::{AnswerStrokes, NoAnswer, SliceValues, StrokeAnswer, StrokeQuestion};
use super::touch_guide::{Look, guide};
use crate::session::{Painter, SegmentationId};
use crate::volume::{LabelMap, LabelValue, PlaneLayout, Volume, VoxelRow};
use crate::work::{Stopped, Watch};

/// The structure ends where a slice's answer has fewer pixels than this share of the one before, or more than this many times as many:
/// a network that has lost it finds nothing, or everything.
const SHRINKS: f64 = 0.25;
const GROWS: f64 = 3.0;
/// It ends, too, where this share of what is inside is in doubt.
const DOUBT: f64 = 0.35;

/// An answer in the slice, and the labels with it.
pub(super) struct Answered {
    /// Other than 0 inside, row by row of the slice.
    pub inside: Vec<u8>,
    /// What would be taken.
    pub labels: LabelMap,
}

/// What becomes of strokes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Fate {
    /// They are being drawn, and answered.
    #[default]
    Drawn,
    /// An errand takes their answer on through the slices.
    GoesOn,
    /// Their answer is on its way into the document.
    Taken,
    /// They were dropped: nobody waits for an answer.
    Dropped,
}

/// What the tool and an errand beside the window both look at.
#[derive(Default)]
pub(super) struct Line {
    /// The strokes that nobody has answered yet, and where the answer belongs.
    pub question: Option<(Vec<u8>, Arc<OnceLock<Answered>>)>,
    /// An errand answers, or waits to.
    pub is_running: bool,
    /// What becomes of the strokes.
    pub fate: Fate,
}

/// The line, whoever left it.
pub(super) fn locked(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While an errand takes the answer on, or waits to.
pub(super) struct GoingOn(Arc<Mutex<Line>>);

impl GoingOn {
    /// Until it is dropped.
    pub(super) fn new(line: Arc<Mutex<Line>>) -> Self {
        locked(&line).fate = Fate::GoesOn;
        Self(line)
    }

    /// The answer is on its way into the document.
    pub(super) fn done(&self) {
        locked(&self.0).fate = Fate::Taken;
    }
}

impl Drop for GoingOn {
    fn drop(&mut self) {
        let mut line = locked(&self.0);
        if line.fate == Fate::GoesOn {
            line.fate = Fate::Drawn;
        }
    }
}

/// An errand that answers, from its making until it has ended: it is dropped where it was stopped, or never begun.
pub(super) struct Answering {
    line: Arc<Mutex<Line>>,
    work: Work,
    /// Whether it has said already that it ends.
    has_left: bool,
}

impl Answering {
    /// The errand's work.
    pub(super) fn new(line: Arc<Mutex<Line>>, work: Work) -> Self {
        Self { line, work, has_left: false }
    }

    /// Answers the newest question until none is left.
    pub(super) fn run(mut self, watch: Watch<'_>) -> Result<Reply, Stopped> {
        let values = self.work.values(self.work.number);
        loop {
            let mut line = locked(&self.line);
            if line.fate == Fate::Dropped {
                return Err(Stopped);
            }
            let Some((strokes, cell)) = line.question.take() else {
                // From here on another question needs another errand.
                line.is_running = false;
                self.has_left = true;
                drop(line);
                return Ok(Reply::default());
            };
            drop(line);
            let question = StrokeQuestion { values: &values, strokes: &strokes, previous: None };
            let found = match self.work.answers.answer(&question, watch) {
                Ok(found) => found,
                Err(none) => return told(none),
            };
            // What is there before the strokes is the same for every answer.
            let mut painter = self.work.painter.clone();
            paint(&mut painter, &self.work.layout, (self.work.number, &found.inside), self.work.label);
            let _ = cell.set(Answered { inside: found.inside, labels: painter.labels().clone() });
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.has_left {
            locked(&self.line).is_running = false;
        }
    }
}

/// The reply of an errand that has no answer.
pub(super) fn told(none: NoAnswer) -> Result<Reply, Stopped> {
    match none {
        NoAnswer::Stopped(stopped) => Err(stopped),
        NoAnswer::Failed(text) => Ok(Reply { refusal: Some(Refusal::Failed(text)), ..Reply::default() }),
    }
}

/// What an errand works with.
pub(super) struct Work {
    answers: Arc<dyn AnswerStrokes>,
    /// On the labels as they were.
    pub painter: Painter,
    volume: Arc<Volume>,
    frame: usize,
    layout: PlaneLayout,
    number: usize,
    label: LabelValue,
}

impl Work {
    /// On a slice, with the label that is painted; `None` where the segmentation is gone.
    pub(super) fn new(slice: &Slice, of: SegmentationId, label: LabelValue) -> Option<Self> {
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

    /// Paints the answer in its slice. Whether anything changed.
    pub(super) fn paint(&mut self, inside: &[u8]) -> bool {
        paint(&mut self.painter, &self.layout, (self.number, inside), self.label)
    }

    /// Paints the answer in its slice, and on both sides what the network makes of each slice from the one before, until the structure ends
    /// or is in doubt. Whether anything changed.
    pub(super) fn go_on(&mut self, inside: &[u8], going: &GoingOn, watch: Watch<'_>) -> Result<bool, NoAnswer> {
        let mut is_changed = self.paint(inside);
        let (layout, label) = (self.layout, self.label);
        let (volume, frame) = (self.volume.clone(), self.frame);
        let values = |slice| SliceValues::new(&volume, frame, &layout, slice);
        let mut visit = |slice: usize, inside: Option<&[u8]>| {
            if locked(&going.0).fate == Fate::Dropped {
                return Err(Stopped);
            }
            if let Some(inside) = inside {
                is_changed |= paint(&mut self.painter, &layout, (slice, inside), label);
            }
            Ok(())
        };
        follow(&*self.answers, 0..layout.size[2], &values, (self.number, inside), watch, &mut visit)?;
        Ok(is_changed)
    }

    fn values(&self, slice: usize) -> SliceValues {
        SliceValues::new(&self.volume, self.frame, &self.layout, slice)
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

/// Is told of a slice before it is looked at, and again with what is inside; an error stops.
pub type VisitSlice<'a> = &'a mut dyn FnMut(usize, Option<&[u8]>) -> Result<(), Stopped>;

/// Takes a slice's mask on to those on both sides of it, as far as `slices` go, until the structure ends or is in doubt: each is answered from
/// the one before, which stands for strokes too ([`guide`]). `visit` is called before a slice is looked at, and again with what is inside.
///
/// # Errors
/// Where it was stopped, by `visit` too, or whoever answers failed.
pub fn follow(
    answers: &dyn AnswerStrokes,
    slices: Range<usize>,
    values: &dyn Fn(usize) -> SliceValues,
    (number, inside): (usize, &[u8]),
    watch: Watch<'_>,
    visit: VisitSlice,
) -> Result<(), NoAnswer> {
    let look = Look::of(&values(number), inside);
    let ways: [Box<dyn Iterator<Item = usize>>; 2] =
        [Box::new((slices.start..number).rev()), Box::new(number + 1..slices.end)];
    for way in ways {
        let mut before = inside.to_vec();
        for slice in way {
            visit(slice, None)?;
            let values = values(slice);
            let strokes = guide(&before, values.size);
            if look.is_gone(&values, &strokes) {
                break;
            }
            let question = StrokeQuestion { values: &values, strokes: &strokes, previous: Some(&before) };
            let found = answers.answer(&question, watch)?;
            if ends(&before, &found) {
                break;
            }
            visit(slice, Some(&found.inside))?;
            before = found.inside;
        }
    }
    Ok(())
}

/// Whether a structure ends between a slice and the one beside it.
fn ends(before: &[u8], now: &StrokeAnswer) -> bool {
    let count = |mask: &[u8]| mask.iter().filter(|is_in| **is_in != 0).count() as f64;
    let (before, inside) = (count(before), count(&now.inside));
    inside == 0.0 || inside < SHRINKS * before || inside > GROWS * before || now.doubt > DOUBT
}
