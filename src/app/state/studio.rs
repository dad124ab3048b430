//! All that the window knows and works on, without a window.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attention::Attending;
use super::body::Body;
use super::bringing::BringingAll;
use super::cases::Cases;
use super::cine::Cine;
use super::comparing::Comparing;
use super::copied::CopiedSlice;
use super::crashes::Crashes;
use super::deidentifying::Deidentifying;
use super::documents::{OpenDocument, OpeningDocument};
use super::figures::Figures;
use super::first_task::FirstTask;
use super::highlighting::Highlighting;
use super::joining::{Arrival, CorrectedSlices};
use super::journaling::Journaling;
use super::leaving::Leaving;
use super::measuring::Measuring;
use super::models::Models;
use super::notices::{Kind, Notices};
use super::numbers::Numbers;
use super::operating::Operating;
use super::overlay::Overlaying;
use super::pixels::Pixels;
use super::recent::RecentPaths;
use super::recovery::Recovery;
use super::request::Effect;
use super::reslicing::Reslicing;
use super::saving::{BeingSaved, OtherGrid, Replacing};
use super::scans::Item;
use super::segmenting::SegmentForm;
use super::servers::Servers;
use super::settings::Settings;
use super::sizing::Sizing;
use super::tasks::Tasks;
use super::teach::Teach;
use super::templates::Templates;
use super::tiles::TileContent;
use super::views::{LabelView, Live, ScanView};
use crate::formats::Skipped;
use crate::jobs::{Job, JobError, TouchAnswers};
use crate::session::{PaintRules, Revision, ScanId, Segmentation, SegmentationId, Session, SliceState};
use crate::tools::{AnswerStrokes, Button, Slice, TOOLS, Tool, ToolEntry};
use crate::volume::{LabelMap, LabelTable, LabelValue, Plane, PlaneLayout, Volume};

/// What is shown over and beside the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Display {
    /// Labels.
    pub labels: bool,
    /// Text over the images.
    pub annotations: bool,
    /// The crosshair.
    pub crosshair: bool,
    /// The tile that fills the centre.
    pub maximised: Option<usize>,
}

/// What lies under the pointer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hover {
    /// The view.
    pub plane: Plane,
    /// The voxel, where the pointer is over the image.
    pub voxel: Option<[usize; 3]>,
    /// Where the pointer is, in pixels of the slice.
    pub at: [f64; 2],
    /// Pixels of the slice in a point of the screen, across and down.
    pub pixels_per_point: [f32; 2],
}

/// The tool in hand.
pub struct ToolInHand {
    /// Its entry in the list.
    pub entry: &'static ToolEntry,
    /// The tool itself.
    pub tool: Box<dyn Tool>,
}

/// The studio.
pub struct Studio {
    /// Scans, segmentations, history.
    pub session: Session,
    /// What was found and opened.
    pub items: Vec<Item>,
    /// Scans of folders that are worked on one after the other.
    pub cases: Cases,
    /// What was found and cannot be opened.
    pub skipped: Vec<Skipped>,
    /// The scan on screen.
    pub shown: Option<ScanId>,
    /// The item that is being read to be shown.
    pub loading: Option<usize>,
    /// How scans are looked at.
    pub scan_views: BTreeMap<ScanId, ScanView>,
    /// How segmentations are looked at.
    pub label_views: BTreeMap<SegmentationId, LabelView>,
    /// The tool in hand.
    pub hand: ToolInHand,
    /// The tool that was in hand before it.
    pub last_tool: Option<&'static ToolEntry>,
    /// Where may be painted.
    pub rules: PaintRules,
    /// What lies under the pointer.
    pub hover: Option<Hover>,
    /// The view and the button of a gesture under way.
    pub pressed: Option<(Plane, Button)>,
    /// What is shown.
    pub display: Display,
    /// Slices or frames that are played.
    pub cine: Option<Cine>,
    /// Remembered choices.
    pub settings: Settings,
    /// Running jobs.
    pub tasks: Tasks<Studio>,
    /// Messages.
    pub notices: Notices,
    /// Models.
    pub models: Models,
    /// Choices of the Segment task.
    pub segment: SegmentForm,
    /// The classifier of pixels.
    pub pixels: Pixels,
    /// The slice whose labels were copied.
    pub copied: Option<CopiedSlice>,
    /// Who answers strokes.
    pub answers: Arc<dyn AnswerStrokes>,
    /// Operations on labels.
    pub operating: Operating,
    /// Where the network looks.
    pub attending: Attending,
    /// The 3-D tile.
    pub body: Body,
    /// The oblique and the curved tile.
    pub reslicing: Reslicing,
    /// Numbers of labels.
    pub numbers: Numbers,
    /// What rulers, angles and regions give.
    pub measuring: Measuring,
    /// Two segmentations beside each other.
    pub comparing: Comparing,
    /// Slices of the scan that is laid over the one on screen.
    pub overlaying: Overlaying,
    /// The region that a click would paint where the pointer is.
    pub highlighting: Highlighting,
    /// Room for the slices of each plane, in points; none for planes that are not on screen.
    pub rooms: [Option<[f32; 2]>; 3],
    /// The Teach task.
    pub teach: Teach,
    /// What waits until the user has said what becomes of unsaved labels.
    pub leaving: Option<Leaving>,
    /// What happens when all that is being written is on disk.
    pub leave_when_saved: Option<Leaving>,
    /// Segmentations that are being written.
    pub being_saved: Vec<BeingSaved>,
    /// A file that the user is asked about before it is written over.
    pub replacing: Option<Replacing>,
    /// Labels of another grid that the user is asked about.
    pub other_grid: Option<OtherGrid>,
    /// How large the voxels of pictures are.
    pub sizing: Sizing,
    /// Labels that are being joined with a segmentation's.
    pub joining: Vec<(Arrival, CorrectedSlices)>,
    /// Which recent paths are there.
    pub recent: RecentPaths,
    /// Commands that were used last, the last one last.
    pub used: Vec<&'static str>,
    /// What the shell is to do.
    pub effects: Vec<Effect>,
    /// Whether the window is to close.
    pub is_closing: bool,
    /// The journal of this window.
    pub journaling: Journaling,
    /// Unsaved work of windows that are gone.
    pub recovery: Recovery,
    /// Reports of faults of the program.
    pub crashes: Crashes,
    /// Scans that are being opened with segmentations that were kept of them.
    pub bringing: BringingAll,
    /// The document that is open.
    pub document: Option<OpenDocument>,
    /// Slices for papers.
    pub figures: Figures,
    /// Taking patients out of DICOM files.
    pub deidentifying: Deidentifying,
    /// Documents that are being read.
    pub opening: Vec<OpeningDocument>,
    /// Servers of images.
    pub servers: Servers,
    /// Templates of common jobs, and the user's own.
    pub templates: Templates,
    /// The guided task, while one is shown.
    pub first_task: Option<FirstTask>,
    /// Whether the user knows that undo has no room for all steps.
    pub knows_undo_is_full: bool,
}

impl Studio {
    /// A studio with nothing open. `wake` is called, from other threads, when a job has news.
    pub fn new(settings: Settings, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let first = &TOOLS[0];
        let mut studio = Self {
            session: Session::default(),
            items: Vec::new(),
            cases: Cases::default(),
            skipped: Vec::new(),
            shown: None,
            loading: None,
            scan_views: BTreeMap::new(),
            label_views: BTreeMap::new(),
            hand: ToolInHand { entry: first, tool: (first.make)() },
            last_tool: None,
            rules: PaintRules::default(),
            hover: None,
            pressed: None,
            cine: None,
            display: Display { labels: true, annotations: true, crosshair: true, maximised: None },
            settings,
            tasks: Tasks::new(wake),
            notices: Notices::default(),
            models: Models::default(),
            segment: SegmentForm::default(),
            pixels: Pixels::default(),
            copied: None,
            answers: Arc::new(TouchAnswers::default()),
            operating: Operating::default(),
            attending: Attending::default(),
            body: Body::default(),
            reslicing: Reslicing::default(),
            numbers: Numbers::default(),
            measuring: Measuring::default(),
            comparing: Comparing::default(),
            overlaying: Overlaying::default(),
            highlighting: Highlighting::default(),
            rooms: [None; 3],
            teach: Teach::default(),
            leaving: None,
            leave_when_saved: None,
            being_saved: Vec::new(),
            replacing: None,
            other_grid: None,
            sizing: Sizing::default(),
            joining: Vec::new(),
            recent: RecentPaths::default(),
            used: Vec::new(),
            effects: Vec::new(),
            is_closing: false,
            journaling: Journaling::default(),
            recovery: Recovery::default(),
            crashes: Crashes::default(),
            bringing: BringingAll::default(),
            document: None,
            figures: Figures::default(),
            deidentifying: Deidentifying::default(),
            opening: Vec::new(),
            servers: Servers::default(),
            templates: Templates::default(),
            first_task: None,
            knows_undo_is_full: false,
        };
        if !studio.models.listed.iter().any(|model| model.id == studio.settings.model)
            && let Some(first) = studio.models.listed.first()
        {
            studio.settings.model.clone_from(&first.id);
        }
        studio
    }

    /// Starts a job; its warnings become notices.
    pub fn start<J: Job>(
        &mut self,
        job: J,
        on_event: impl Fn(&mut Self, J::Event) + 'static,
        on_done: impl FnOnce(&mut Self, Result<J::Output, JobError>) + 'static,
    ) {
        self.tasks.start(job, |studio, text| studio.notices.push(Kind::Warning, text, ""), on_event, on_done);
    }

    /// Starts a job that computes labels of a segmentation: closing its scan asks about it, and stops it.
    pub fn start_for<J: Job>(
        &mut self,
        of: SegmentationId,
        job: J,
        on_event: impl Fn(&mut Self, J::Event) + 'static,
        on_done: impl FnOnce(&mut Self, Result<J::Output, JobError>) + 'static,
    ) {
        self.start(job, on_event, on_done);
        self.tasks.is_for(of);
    }

    /// Tells of a failure; a stop is none. The result where there is one.
    pub fn told<T>(&mut self, result: Result<T, JobError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                if !error.is_stop() {
                    self.notices.push(Kind::Error, error.to_string(), format!("{error:?}"));
                }
                None
            }
        }
    }

    /// The voxels of the scan on screen.
    pub fn volume(&self) -> Option<&Arc<Volume>> {
        self.session.document().scan(self.shown?)
    }

    /// How the scan on screen is looked at.
    pub fn view(&self) -> Option<&ScanView> {
        self.scan_views.get(&self.shown?)
    }

    /// The same, to be changed.
    pub fn view_mut(&mut self) -> Option<&mut ScanView> {
        self.scan_views.get_mut(&self.shown?)
    }

    /// The segmentation in hand.
    pub fn active(&self) -> Option<SegmentationId> {
        Some(self.view()?.segmentation)
    }

    /// The segmentation in hand, as it is.
    pub fn segmentation(&self) -> Option<&Segmentation> {
        self.session.document().segmentation(self.active()?)
    }

    /// How the segmentation in hand is looked at.
    pub fn label_view(&self) -> Option<&LabelView> {
        self.label_views.get(&self.active()?)
    }

    /// The same, to be changed.
    pub fn label_view_mut(&mut self) -> Option<&mut LabelView> {
        let id = self.active()?;
        self.label_views.get_mut(&id)
    }

    /// What a segmentation is now, as numbers.
    pub fn revision(&self, of: SegmentationId) -> Option<Revision> {
        Some(self.session.document().segmentation(of)?.revision())
    }

    /// The item of the scan on screen.
    pub fn shown_item(&self) -> Option<&Item> {
        self.item_of(self.shown?)
    }

    /// The item of a scan.
    pub fn item_of(&self, scan: ScanId) -> Option<&Item> {
        self.items.iter().find(|item| item.scan == Some(scan))
    }

    /// The layout of a plane's slices in the scan on screen.
    pub fn layout(&self, plane: Plane) -> Option<PlaneLayout> {
        Some(PlaneLayout::new(&self.volume()?.geometry, plane))
    }

    /// Number of the slice that holds the cursor.
    pub fn slice(&self, plane: Plane) -> Option<usize> {
        Some(self.layout(plane)?.screen(self.view()?.cursor)[2])
    }

    /// Whether a tile with this is on screen.
    pub fn shows(&self, content: TileContent) -> bool {
        let settings = &self.settings;
        match self.display.maximised {
            Some(tile) => settings.tiles.get(tile) == Some(&content),
            None => settings.tiles.iter().take(settings.layout.count()).any(|tile| *tile == content),
        }
    }

    /// What a tool needs to know of a view.
    pub fn tool_slice(&self, plane: Plane) -> Option<Slice<'_>> {
        let (view, volume) = (self.view()?, self.volume()?);
        let layout = PlaneLayout::new(&volume.geometry, plane);
        let statistics = volume.statistics();
        Some(Slice {
            document: self.session.document(),
            segmentation: view.segmentation,
            plane,
            layout,
            number: layout.screen(view.cursor)[2],
            cursor: view.cursor,
            frame: view.frame,
            window: view.window,
            value_span: statistics.max - statistics.min,
            label: self.label_view()?.active,
            options: &self.settings.tools,
            rules: &self.rules,
            answers: &self.answers,
        })
    }

    /// Labels to show: a stroke's, a running network's, a preview's, or the segmentation's; and whether they are a preview only.
    pub fn shown_labels(&self) -> Option<(&LabelMap, bool)> {
        let (active, segmentation) = (self.active()?, self.segmentation()?);
        if let Some((_, labels)) = self.hand.tool.labels().filter(|(of, _)| *of == active) {
            return Some((labels, false));
        }
        if let Some((differences, _)) = self.comparing.overlay(active) {
            return Some((differences, true));
        }
        Some(self.current_live().map_or((segmentation.labels(), false), |live| (&live.labels, true)))
    }

    /// A running network's labels or a preview, while the segmentation is as it was for them.
    fn current_live(&self) -> Option<&Live> {
        let (view, revision) = (self.label_view()?, self.segmentation()?.revision());
        let is_current = |live: &&Live| live.revision.labels == revision.labels;
        view.live.as_ref().filter(is_current).or(view.preview.as_ref().filter(is_current))
    }

    /// Names and colours of the labels to show.
    pub fn shown_table(&self) -> Option<&LabelTable> {
        let is_painting = self.hand.tool.labels().is_some();
        if let Some((_, table)) = self.active().and_then(|of| self.comparing.overlay(of)).filter(|_| !is_painting) {
            return Some(table);
        }
        let live = self.current_live().filter(|_| !is_painting);
        live.and_then(|live| live.table.as_ref()).or(Some(self.segmentation()?.table()))
    }

    /// Label under the pointer; 0 where there is none.
    pub fn hovered_label(&self) -> LabelValue {
        let voxel = self.hover.and_then(|hover| hover.voxel);
        voxel.zip(self.shown_labels()).map_or(0, |(voxel, (labels, _))| labels.get(voxel))
    }

    /// The finished slices of the segmentation in hand, each with its plane's layout.
    pub fn done_slices(&self) -> Vec<(PlaneLayout, usize)> {
        self.segmentation().map(|segmentation| segmentation.slices_in(SliceState::Done)).unwrap_or_default()
    }

    /// Segmentations that are not saved as they are, with names for the user.
    pub fn unsaved(&self) -> Vec<(SegmentationId, String)> {
        let all = self.session.document().segmentations();
        let unsaved = all.filter(|(_, segmentation)| segmentation.is_modified());
        unsaved.map(|(id, segmentation)| (id, self.full_name(segmentation))).collect()
    }

    /// Scans whose measurements no document holds as they are, with names for the user.
    pub fn unsaved_measurements(&self) -> Vec<(ScanId, String)> {
        let document = self.session.document();
        let unsaved = document.scans().filter(|(id, _)| document.measurements(*id).is_modified());
        unsaved.map(|(id, volume)| (id, volume.name.clone())).collect()
    }

    /// Whether anything would be lost if the window were gone.
    pub fn is_unsaved(&self) -> bool {
        let document = self.session.document();
        document.segmentations().any(|(_, own)| own.is_modified())
            || document.scans().any(|(id, _)| document.measurements(id).is_modified())
    }

    /// A segmentation's name with its scan's.
    pub fn full_name(&self, segmentation: &Segmentation) -> String {
        let scan = self.session.document().scan(segmentation.scan()).map(|scan| scan.name.clone()).unwrap_or_default();
        let is_alone = self.session.document().segmentations_of(segmentation.scan()).count() == 1;
        if is_alone { scan } else { format!("{} ({scan})", segmentation.name()) }
    }
}
