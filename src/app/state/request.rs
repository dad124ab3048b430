//! What panels and views ask for. They read the studio and send requests; one place carries them out.

use std::path::PathBuf;

use super::attention::AttentionForm;
use super::body::BodyRequest;
use super::comparing::CompareForm;
use super::crashes::CrashAnswer;
use super::deidentifying::DeidentifyRequest;
use super::figures::FigureRequest;
use super::joining::Word;
use super::keymap::{Chord, Keymap};
use super::leaving::LeavingAnswer;
use super::operating::OperationForm;
use super::overlay::OverlayForm;
use super::paths::Answer;
use super::pixels::PixelForm;
use super::recovery::RecoveryAnswer;
use super::reslicing::ResliceRequest;
use super::saving::ReplacingAnswer;
use super::segmenting::SegmentForm;
use super::servers::ServersRequest;
use super::settings::Settings;
use super::sizing::SizeAnswer;
use super::studio::{Display, Hover};
use super::teach::TeachForm;
use super::templates::TemplateRequest;
use super::views::Pose;
use crate::edit::Resampling;
use crate::session::{MeasurementId, PaintRules, ScanId, SegmentationId};
use crate::tools::{OptionValue, Pointer, ToolKey, ToolOption};
use crate::volume::{AnatomyPreset, LabelTable, LabelValue, Plane, Window};

/// Something to be done.
#[derive(Debug)]
pub enum Request {
    /// Run a command of the list.
    Run(&'static str),
    /// Open what lies at these paths.
    Open(Vec<PathBuf>),
    /// Show an item of the data tree.
    ShowItem(usize),
    /// Look whether an item has more files by now.
    LookAgain(usize),
    /// Read an item's file as the segmentation of the shown scan.
    UseAsSegmentation(usize),
    /// Close a scan with its segmentations.
    Close(ScanId),
    /// Add an empty segmentation to a scan.
    NewSegmentation(ScanId),
    /// Show a segmentation of the data tree.
    ShowSegmentation(SegmentationId),
    /// Give a segmentation another name.
    RenameSegmentation(SegmentationId, String),
    /// What a dialog chose.
    Answer(Answer),
    /// The remembered choices, changed.
    Settings(Box<Settings>),
    /// What is shown, changed.
    Display(Display),
    /// The user's keys, changed.
    Keys(Keymap),
    /// A pointer event over a view.
    Pointer(Plane, Pointer),
    /// A key for a tool that is in the middle of something.
    ToolKey(ToolKey),
    /// End what the tool is in the middle of, without a trace.
    Abort,
    /// What lies under the pointer.
    Hover(Option<Hover>),
    /// Room for the slices of each plane on screen, in points.
    Rooms([Option<[f32; 2]>; 3]),
    /// The scan that is laid over the one on screen.
    ChooseOverlay(Option<ScanId>),
    /// The choices about the overlay, changed.
    Overlay(OverlayForm),
    /// End playing.
    EndCine,
    /// Slices further along a plane.
    Step(Plane, i64),
    /// Zoom and place of a view, changed.
    Pose(Plane, Pose),
    /// The image becomes larger by a factor.
    Zoom(Plane, f32),
    /// The crosshair goes to a voxel.
    Cursor(Plane, [usize; 3]),
    /// Another display window.
    Window(Window),
    /// Another frame.
    Frame(usize),
    /// Another value of a tool's option.
    ToolOption(&'static ToolOption, OptionValue),
    /// Where may be painted.
    Rules(PaintRules),
    /// The label that is painted.
    Activate(LabelValue),
    /// The table of labels, changed by one control; what the step is called.
    Labels {
        /// The table afterwards.
        table: LabelTable,
        /// The step's name.
        name: String,
        /// The control, and the value of the label.
        control: (&'static str, LabelValue),
    },
    /// Give a label's voxels to another one, and take it out of the table.
    MergeLabels {
        /// The label that goes.
        from: LabelValue,
        /// The label that stays.
        into: LabelValue,
    },
    /// Add the structures of a list as labels.
    AddStructures(&'static AnatomyPreset),
    /// Go to a measurement of the scan on screen.
    GoToMeasurement(MeasurementId),
    /// Give a measurement of the scan on screen another name.
    RenameMeasurement(MeasurementId, String),
    /// Take a measurement of the scan on screen away.
    DeleteMeasurement(MeasurementId),
    /// Show a label alone, or all as before.
    Solo(LabelValue),
    /// The choices of the Segment task, changed.
    Segment(Box<SegmentForm>),
    /// Choose a model.
    Model(String),
    /// The choices of the classifier of pixels, changed.
    Pixels(Box<PixelForm>),
    /// The choices of the operations, changed.
    Operation(Box<OperationForm>),
    /// A new label stands for the background of the classifier of pixels.
    NewBackground,
    /// The choices about attention, changed.
    Attention(AttentionForm),
    /// What the segmentation in hand is compared with, and how.
    Compare(CompareForm),
    /// The choices of the Teach task, changed.
    Teach(Box<TeachForm>),
    /// Show where the taught model errs in a held-back case.
    CompareCase(String),
    /// The user's word on a result that waited.
    Pending(Word),
    /// What becomes of unsaved labels.
    Leaving(LeavingAnswer),
    /// Whether a file is written over.
    Replacing(ReplacingAnswer),
    /// Whether and how labels of another grid are brought onto their scan's.
    OtherGrid(Option<Resampling>),
    /// Ask for the size of the voxels of an item of the data tree.
    AskVoxelSize(usize),
    /// How large the voxels of pictures are.
    VoxelSize(SizeAnswer),
    /// What becomes of unsaved work of a window that is gone.
    Recovery(RecoveryAnswer),
    /// What becomes of reports of faults.
    Crash(CrashAnswer),
    /// Something about slices for papers.
    Figure(FigureRequest),
    /// Something about taking patients out of DICOM files.
    Deidentify(DeidentifyRequest),
    /// Something about templates.
    Template(TemplateRequest),
    /// Something about servers of images.
    Servers(ServersRequest),
    /// Something about the 3-D tile.
    Body(BodyRequest),
    /// Something about the oblique and the curved tile.
    Reslice(ResliceRequest),
    /// Take so many steps back, or make so many again where the number is negative.
    Travel(isize),
    /// Take a message away.
    Dismiss(usize),
    /// Stop a job of the tray.
    Cancel(u64),
    /// Pause or resume a job of the tray.
    Pause(u64),
    /// Assign a key to a command; it is taken from the one that has it.
    AssignKey(&'static str, Chord),
}

/// Requests on their way.
#[derive(Debug, Default)]
pub struct Outbox(Vec<Request>);

impl Outbox {
    /// Asks for something.
    pub fn send(&mut self, request: Request) {
        self.0.push(request);
    }

    /// Asks for a command of the list.
    pub fn run(&mut self, id: &'static str) {
        self.send(Request::Run(id));
    }

    /// Takes what was asked for, in order.
    pub fn take(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.0)
    }
}

/// What the studio asks of the shell around it.
#[derive(Debug)]
pub enum Effect {
    /// Ask the user for a path.
    Ask(super::paths::Question, Vec<PathBuf>),
    /// Close the window.
    Close,
    /// Put a text on the clipboard.
    Copy(String),
    /// Open a window of the shell.
    Show(Dialog),
}

/// A window over the main one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialog {
    /// All commands, to be searched.
    Palette,
    /// All keys, to be changed.
    Keys,
    /// Version, licence, what it is not for.
    About,
    /// The licences of all that is in the program.
    Licences,
}
