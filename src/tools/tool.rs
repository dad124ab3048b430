//! What a tool is, what it is told, and what it answers.

use crate::session::{Command, Document, KeptBy, PaintRules, SegmentationId};
use crate::volume::{LabelMap, LabelValue, Plane, PlaneLayout, Window};

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
    /// Makes it, ready.
    pub make: fn() -> Box<dyn Tool>,
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
    /// Display window.
    pub window: Window,
    /// Difference between the scan's largest and smallest value.
    pub value_span: f64,
    /// The label that is painted.
    pub label: LabelValue,
    /// Diameter of the brush in millimetres.
    pub brush_mm: f64,
    /// Where may be painted.
    pub rules: &'a PaintRules,
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
}

/// Why nothing, or not all, was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Voxels were kept as they are.
    Kept(Vec<KeptBy>),
    /// Anything else, said for the user.
    Other(&'static str),
}

/// What a tool answers.
#[derive(Debug, Default)]
pub struct Reply {
    /// Changes for the session.
    pub commands: Vec<Command>,
    /// What the view does.
    pub look: Vec<Look>,
    /// What the user should know.
    pub refusal: Option<Refusal>,
    /// Whether a key was taken.
    pub is_taken: bool,
}

impl Reply {
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

/// What a tool would cover where the pointer is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Footprint {
    /// Diameter in millimetres.
    pub diameter_mm: f64,
}

/// An outline that is being drawn: a preview, never labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// The plane of its slice.
    pub plane: Plane,
    /// The slice.
    pub slice: usize,
    /// Corners in pixels of the slice.
    pub points: Vec<[f64; 2]>,
    /// The corner that is held.
    pub held: Option<usize>,
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

    /// An outline that is being drawn.
    fn outline(&self) -> Option<&Outline> {
        None
    }

    /// How the pointer looks over this slice.
    fn cursor(&self, slice: &Slice) -> PointerCursor;

    /// What it would cover.
    fn footprint(&self, _slice: &Slice) -> Option<Footprint> {
        None
    }
}
