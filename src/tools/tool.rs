//! What a tool is, what it is told, and what it answers.

use std::fmt;
use std::sync::Arc;

use super::options::{OptionValue, ToolOption, ToolOptions};
use super::scribbles::Scribbles;
use super::touch_answer::AnswerStrokes;
use crate::session::{Command, Document, KeptBy, MeasurementId, PaintRules, ScanId, SegmentationId};
use crate::volume::{LabelMap, LabelValue, Measurement, Plane, PlaneLayout, Volume, VoxelRow, Window};
use crate::work::{Stopped, Watch};

/// A tool in the list.
#[derive(Debug, Clone, Copy)]
pub struct ToolEntry {
    /// Unique; settings and keymaps name it.
    pub id: &'static str,
    /// For the bar and the palette.
    pub name: &'static str,
    /// Its glyph in the Phosphor icon font.
    pub icon: &'static str,
    /// What it does with the mouse, in one line.
    pub hint: &'static str,
    /// Its key where the user has chosen no other.
    pub key: &'static str,
    /// Whether it gives voxels the active label.
    pub paints: bool,
    /// What can be chosen about it, in the order of the panel.
    pub options: &'static [ToolOption],
    /// Makes it, ready.
    pub make: fn() -> Box<dyn Tool>,
}

impl ToolEntry {
    /// Whether an option is one of its own.
    pub fn has(&self, option: &ToolOption) -> bool {
        self.options.iter().any(|own| own.id == option.id)
    }
}

/// A mouse button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// The left one for right-handed users.
    Primary,
    /// The other one.
    Secondary,
}

/// What the pointer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointerKind {
    /// A button goes down.
    Press(Button),
    /// It moves with a button down.
    Drag(Button),
    /// The button goes up.
    Release(Button),
    /// It moves with no button down.
    Hover,
}

/// A pointer event over a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pointer {
    /// What it does.
    pub kind: PointerKind,
    /// Where, in pixels of the slice: pixel `n` spans `n..n + 1`. It may lie beside the image.
    pub at: [f64; 2],
    /// Whether Alt is held (macOS: option).
    pub is_alt: bool,
    /// Way since the last event, in points of the screen.
    pub moved_points: [f32; 2],
    /// Millimetres in a point of the screen.
    pub mm_per_point: f32,
    /// Pixels of the slice in a point of the screen, across and down.
    pub pixels_per_point: [f32; 2],
}

/// A key that a tool may take while it is in the middle of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolKey {
    /// Enter: do it.
    Confirm,
    /// Shift+Enter: do it, but erase.
    ConfirmErasing,
    /// Backspace: take the last part back.
    Back,
}

/// The slice that a tool works on, and what it needs to know of the rest.
pub struct Slice<'a> {
    /// Everything that is open.
    pub document: &'a Document,
    /// The segmentation in hand.
    pub segmentation: SegmentationId,
    /// The plane of the view.
    pub plane: Plane,
    /// Its slices.
    pub layout: PlaneLayout,
    /// The slice in the view.
    pub number: usize,
    /// The voxel that the cursor is in.
    pub cursor: [usize; 3],
    /// The frame in the view.
    pub frame: usize,
    /// Display window.
    pub window: Window,
    /// Difference between the scan's largest and smallest value.
    pub value_span: f64,
    /// The label that is painted.
    pub label: LabelValue,
    /// What was chosen about tools.
    pub options: &'a ToolOptions,
    /// Where may be painted.
    pub rules: &'a PaintRules,
    /// Who answers strokes.
    pub answers: &'a Arc<dyn AnswerStrokes>,
}

impl Slice<'_> {
    /// The scan of the segmentation in hand.
    pub fn volume(&self) -> Option<&Arc<Volume>> {
        self.document.scan(self.document.segmentation(self.segmentation)?.scan())
    }

    /// The pixel that a point lies in, where it is over the image.
    pub fn pixel(&self, at: [f64; 2]) -> Option<[usize; 2]> {
        let is_inside = (0..2).all(|axis| at[axis] >= 0.0 && at[axis] < self.layout.size[axis] as f64);
        is_inside.then(|| at.map(|at| at as usize))
    }

    /// The voxel that a point lies in, where it is over the image.
    pub fn voxel(&self, at: [f64; 2]) -> Option<[usize; 3]> {
        self.pixel(at).map(|[column, row]| self.layout.voxel([column, row, self.number]))
    }

    /// The values of the image that an option names: those of the display window where none were chosen.
    pub fn values(&self, option: &ToolOption) -> [f64; 2] {
        self.options.values(option).unwrap_or_else(|| window_values(self.window))
    }
}

/// The values that a display window tells apart.
pub fn window_values(window: Window) -> [f64; 2] {
    [window.level - window.width / 2.0, window.level + window.width / 2.0]
}

/// What a view does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Look {
    /// The cursor goes to a voxel.
    Cursor([usize; 3]),
    /// The image moves by millimetres, across and down.
    Pan([f32; 2]),
    /// The image becomes larger by a factor.
    Zoom(f32),
    /// Another display window.
    Window(Window),
    /// Another label is painted.
    Label(LabelValue),
}

/// Why nothing, or not all, was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Voxels were kept as they are.
    Kept(Vec<KeptBy>),
    /// Anything else, said for the user.
    Other(&'static str),
    /// Something failed, said for the user.
    Failed(String),
}

/// Why an outline does not go on.
pub(super) const OTHER_SLICE: &str = "The outline is on another slice: finish it there (Enter), or drop it (Esc)";

/// What a tool answers.
#[derive(Debug, Default)]
pub struct Reply {
    /// Changes for the session.
    pub commands: Vec<Command>,
    /// What the view does.
    pub look: Vec<Look>,
    /// What is chosen about tools from now on.
    pub options: Vec<(&'static ToolOption, OptionValue)>,
    /// What takes longer than a frame.
    pub errand: Option<Errand>,
    /// What the user should know.
    pub refusal: Option<Refusal>,
    /// Whether a key was taken.
    pub is_taken: bool,
}

/// Work of a tool that takes longer than a frame: it is done beside the window, on a snapshot, and its reply comes when it is done.
pub struct Errand {
    /// For the list of jobs.
    pub title: &'static str,
    /// Whose labels it changes: its reply waits while a stroke on them is under way. `None` where it changes none.
    pub of: Option<SegmentationId>,
    /// Does it.
    pub run: ErrandWork,
}

/// What an errand does; it ends early where it is stopped.
pub type ErrandWork = Box<dyn FnOnce(Watch<'_>) -> Result<Reply, Stopped> + Send>;

/// Finds the labels as a click of the left button would leave them in the slice; it ends early where it is stopped.
pub type HighlightWork = Box<dyn FnOnce(Watch<'_>) -> Result<LabelMap, Stopped> + Send>;

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Errand").field("title", &self.title).field("of", &self.of).finish_non_exhaustive()
    }
}

impl Reply {
    /// A reply that only says why nothing was done.
    pub fn refusal(text: &'static str) -> Self {
        Self { refusal: Some(Refusal::Other(text)), ..Self::default() }
    }

    /// A reply that only moves the view.
    pub fn look(look: Look) -> Self {
        Self { look: vec![look], ..Self::default() }
    }
}

/// How the pointer looks over a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointerCursor {
    /// A fine cross.
    Crosshair,
    /// A hand.
    Hand,
    /// Arrows in four directions.
    Adjust,
    /// The tool's footprint instead of a pointer.
    Footprint,
    /// Nothing can be done here.
    NotAllowed,
}

/// An outline that is being drawn: a preview, never labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// The plane of its slice.
    pub plane: Plane,
    /// The slice.
    pub slice: usize,
    /// Its line, in pixels of the slice; it is closed from the last point to the first.
    pub points: Vec<[f64; 2]>,
    /// Which points have a handle.
    pub handles: Handles,
    /// The point that is held.
    pub held: Option<usize>,
}

/// Which points of an outline have a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handles {
    /// None of them: the line was drawn freely.
    None,
    /// All of them.
    All,
    /// These.
    At(Vec<usize>),
}

/// A measurement as it is in the middle of a gesture: it is shown instead of the document's of this id.
#[derive(Debug, Clone, PartialEq)]
pub struct Drafted {
    /// Its scan.
    pub scan: ScanId,
    /// Its number, or the one that it gets.
    pub id: MeasurementId,
    /// As it is now.
    pub measurement: Measurement,
}

/// A tool: ready, or in the middle of something.
pub trait Tool: Send {
    /// Takes a pointer event.
    fn pointer(&mut self, slice: &Slice, pointer: &Pointer) -> Reply;

    /// Takes a key; most tools need none.
    fn key(&mut self, _slice: &Slice, _key: ToolKey) -> Reply {
        Reply::default()
    }

    /// Whether it is in the middle of something.
    fn is_busy(&self) -> bool {
        false
    }

    /// Ends what it is in the middle of without a trace. Whether there was something.
    fn abort(&mut self) -> bool {
        false
    }

    /// The labels as they are in the middle of a stroke.
    fn labels(&self) -> Option<(SegmentationId, &LabelMap)> {
        None
    }

    /// An outline that is being drawn, or that a click would fill.
    fn outline(&self) -> Option<&Outline> {
        None
    }

    /// Lines that say what is on a structure and what is not.
    fn scribbles(&self) -> Option<&Scribbles> {
        None
    }

    /// A measurement that is being drawn or changed.
    fn drafted(&self) -> Option<&Drafted> {
        None
    }

    /// Whether it is told where the pointer is also while it is in the middle of nothing.
    fn follows_pointer(&self) -> bool {
        false
    }

    /// How the pointer looks over this slice.
    fn cursor(&self, slice: &Slice) -> PointerCursor;

    /// The voxels that it would cover with the pointer at a point of the slice, in pixels; also in other slices.
    fn footprint(&self, _slice: &Slice, _at: [f64; 2]) -> Option<Vec<VoxelRow>> {
        None
    }

    /// What finds the region that a click at a point of the slice would paint in it, where the footprint does not say it. It is run beside
    /// the window.
    fn highlight(&self, _slice: &Slice, _at: [f64; 2]) -> Option<HighlightWork> {
        None
    }
}
