//! The state of looking at one scan: cursor, window, zoom, tools.

use std::sync::Arc;

use super::egui;
use crate::edit::{Brush, join_tables, keep_names, keep_protected, paint};
use crate::session::{Change, Command, Session, SliceKey, SliceState};
use crate::volume::{Label, LabelMap, LabelTable, LabelValue, Plane, PlaneLayout, Volume, Window};

/// What the left button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Moves the cursor.
    Crosshair,
    /// Moves and enlarges the image.
    ZoomPan,
    /// Paints the active label; the right button erases.
    Brush,
    /// Erases.
    Eraser,
}

impl Tool {
    /// Whether it paints.
    pub fn is_brush(self) -> bool {
        matches!(self, Self::Brush | Self::Eraser)
    }
}

/// One of the four tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tile {
    /// A slice view.
    Slice(Plane),
    /// Image information.
    Info,
}

/// Zoom and position of a view, and what it has painted already.
pub struct ViewState {
    /// Relative to fitting the tile.
    pub zoom: f32,
    /// Shift of the image in millimetres.
    pub pan_mm: egui::Vec2,
    /// The grey slice on the graphics device.
    pub image: Option<(super::slice_view::ImageKey, super::opaque::GreyPicture)>,
    /// Labels of the slice.
    pub overlay: Option<super::slice_view::Overlay>,
}

impl ViewState {
    fn new() -> Self {
        Self { zoom: 1.0, pan_mm: egui::Vec2::ZERO, image: None, overlay: None }
    }

    /// Fits the tile again.
    pub fn fit(&mut self) {
        self.zoom = 1.0;
        self.pan_mm = egui::Vec2::ZERO;
    }
}

/// A stroke that is not committed yet.
pub struct Stroke {
    /// Labels with the stroke in them.
    pub labels: LabelMap,
    /// The plane it is painted in.
    pub plane: Plane,
    /// The slice.
    pub slice: usize,
    /// Label it paints; 0 erases.
    pub label: LabelValue,
    /// Last point, in screen pixels of the slice.
    pub last: [f64; 2],
    changed: bool,
}

/// Labels of a network that is still running.
pub struct Live {
    /// The labels so far.
    pub labels: LabelMap,
    /// The document they belong to; once it changes, the user's own labels are shown.
    pub revision: u64,
}

/// A picture laid over a slice.
pub struct Heat {
    /// The view.
    pub plane: Plane,
    /// Its slice.
    pub slice: usize,
    /// One texel for each pixel of the slice.
    pub texture: egui::TextureHandle,
}

/// Labels that came from a network or a file.
pub struct Incoming {
    /// What the undo step is called.
    pub name: &'static str,
    /// The labels.
    pub labels: LabelMap,
    /// Names and colours.
    pub table: LabelTable,
    /// State of the slices that hold labels.
    pub state: SliceState,
    /// States that a file keeps; they go before `state` where nothing is in the document yet.
    pub states: Vec<(SliceKey, SliceState)>,
    /// The only slice that changes, where it is one.
    pub of: Option<(Plane, usize)>,
}

/// Choices that outlive an image.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// The tool in hand.
    pub tool: Tool,
    /// The tile that fills the centre.
    pub maximised: Option<Tile>,
    /// Whether text over the images is shown.
    pub show_annotations: bool,
    /// Whether the crosshair is shown.
    pub show_crosshair: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self { tool: Tool::Crosshair, maximised: None, show_annotations: true, show_crosshair: true }
    }
}

/// Looking at one scan.
pub struct Viewer {
    /// The document.
    pub session: Session,
    /// Voxel under the cursor.
    pub cursor: [usize; 3],
    /// Frame of a 4-D volume.
    pub frame: usize,
    /// Display window.
    pub window: Window,
    /// Axial, coronal, sagittal.
    pub views: [ViewState; 3],
    /// The tile that fills the centre.
    pub maximised: Option<Tile>,
    /// The tool in hand.
    pub tool: Tool,
    /// Label that is painted.
    pub active_label: LabelValue,
    /// Whether labels are shown at all.
    pub show_labels: bool,
    /// Whether text over the images is shown.
    pub show_annotations: bool,
    /// Whether the crosshair is shown.
    pub show_crosshair: bool,
    /// Label under the pointer.
    pub hovered_label: LabelValue,
    /// View and voxel under the pointer.
    pub hovered: Option<(Plane, [usize; 3])>,
    /// View under the pointer in this frame, also beside the image.
    pub hovered_view: Option<Plane>,
    /// A stroke under way.
    pub stroke: Option<Stroke>,
    /// Labels of a network that is still running.
    pub live: Option<Live>,
    /// What the pixel classifier makes of the labels, while they stay as they are.
    pub preview: Option<Live>,
    /// A finished result that waits for the user because the labels changed meanwhile.
    pub pending: Option<Incoming>,
    /// Where a network looks.
    pub heat: Option<Heat>,
    /// The slice that was painted last.
    pub painted: Option<(Plane, usize)>,
    /// Why a stroke changed nothing, until the user is told.
    pub refusal: Option<String>,
    /// Wheel travel, in slices, that is not a whole slice yet.
    pub wheel: f32,
    /// Where the labels were saved.
    pub saved_as: Option<std::path::PathBuf>,
}

impl Viewer {
    /// What the next image inherits.
    pub fn habits(&self) -> Habits {
        let Self { tool, maximised, show_annotations, show_crosshair, .. } = *self;
        Habits { tool, maximised, show_annotations, show_crosshair }
    }

    /// A fresh look at a scan; the cursor is in its middle.
    pub fn new(volume: Arc<Volume>, habits: Habits) -> Self {
        let cursor = volume.geometry.shape().map(|n| n / 2);
        let window = volume.default_window();
        Self {
            session: Session::new(volume),
            cursor,
            frame: 0,
            window,
            views: [ViewState::new(), ViewState::new(), ViewState::new()],
            maximised: habits.maximised,
            tool: habits.tool,
            active_label: 1,
            show_labels: true,
            show_annotations: habits.show_annotations,
            show_crosshair: habits.show_crosshair,
            hovered_label: 0,
            hovered: None,
            hovered_view: None,
            stroke: None,
            live: None,
            preview: None,
            pending: None,
            heat: None,
            painted: None,
            refusal: None,
            wheel: 0.0,
            saved_as: None,
        }
    }

    /// The scan.
    pub fn volume(&self) -> &Arc<Volume> {
        &self.session.document().volume
    }

    /// Labels to show: a stroke's, a running network's, or the document's.
    pub fn shown_labels(&self) -> &LabelMap {
        let is_current = |live: &&Live| live.revision == self.session.revision();
        let live = self.live.as_ref().filter(is_current).or(self.preview.as_ref().filter(is_current));
        match (&self.stroke, live) {
            (Some(stroke), _) => &stroke.labels,
            (None, Some(live)) => &live.labels,
            (None, None) => &self.session.document().labels,
        }
    }

    /// The layout of a plane's slices.
    pub fn layout(&self, plane: Plane) -> PlaneLayout {
        PlaneLayout::new(&self.volume().geometry, plane)
    }

    /// Number of the slice that holds the cursor.
    pub fn slice(&self, plane: Plane) -> usize {
        self.layout(plane).screen(self.cursor)[2]
    }

    /// Moves the cursor along a plane's slices.
    pub fn step_slice(&mut self, plane: Plane, steps: i64) {
        let layout = self.layout(plane);
        let mut screen = layout.screen(self.cursor);
        screen[2] = (screen[2] as i64 + steps).clamp(0, layout.size[2] as i64 - 1) as usize;
        self.cursor = layout.voxel(screen);
    }

    /// Moves the cursor within a slice.
    pub fn move_cursor(&mut self, plane: Plane, columns: i64, rows: i64) {
        let layout = self.layout(plane);
        let mut screen = layout.screen(self.cursor);
        for (axis, step) in [columns, rows].into_iter().enumerate() {
            screen[axis] = (screen[axis] as i64 + step).clamp(0, layout.size[axis] as i64 - 1) as usize;
        }
        self.cursor = layout.voxel(screen);
    }

    /// State of a view.
    pub fn view(&mut self, plane: Plane) -> &mut ViewState {
        &mut self.views[plane as usize]
    }

    /// Makes sure that the active label exists before it is painted.
    fn with_active_label(&self) -> Option<LabelTable> {
        let table = &self.session.document().table;
        table.get(self.active_label).is_none().then(|| {
            let mut table = table.clone();
            table.0.push(Label::unnamed(self.active_label));
            table
        })
    }

    /// Paints from the stroke's last point to `at`, starting a stroke where there is none.
    pub fn paint(&mut self, plane: Plane, at: [f64; 2], erase: bool, brush_mm: f64) {
        let slice = self.slice(plane);
        let label = if erase { 0 } else { self.active_label };
        // Whoever turns the wheel while painting goes on in the slice that is seen.
        if self.stroke.as_ref().is_some_and(|stroke| stroke.plane == plane && stroke.slice != slice) {
            self.commit_stroke();
        }
        let stroke = self.stroke.get_or_insert_with(|| Stroke {
            labels: self.session.document().labels.clone(),
            plane,
            slice,
            label,
            last: at,
            changed: false,
        });
        if stroke.plane != plane {
            return;
        }
        let document = self.session.document();
        let layout = PlaneLayout::new(&document.volume.geometry, plane);
        let brush = Brush { diameter_mm: brush_mm };
        let voxels = brush.sweep(&document.volume.geometry, &layout, stroke.slice, stroke.last, at);
        stroke.changed |= paint(&mut stroke.labels, &document.table, &voxels, stroke.label);
        stroke.last = at;
    }

    /// Ends the stroke: one undo step.
    pub fn commit_stroke(&mut self) {
        let Some(stroke) = self.stroke.take() else { return };
        if !stroke.changed {
            let table = &self.session.document().table;
            self.refusal = table.get(stroke.label).filter(|label| label.locked).map(|label| {
                format!("\"{}\" is locked: unlock it in the list of labels, or choose another one to paint", label.name)
            });
            return;
        }
        self.painted = Some((stroke.plane, stroke.slice));
        let states = vec![((stroke.plane.world_axis() as u8, stroke.slice), SliceState::Corrected)];
        let name = if stroke.label == 0 { "Erase" } else { "Brush" }.to_string();
        let change = match self.with_active_label() {
            Some(table) if stroke.label != 0 => Change::Segmentation { labels: stroke.labels, table, states },
            _ => Change::Labels { labels: stroke.labels, states },
        };
        self.session.apply(Command { name, change });
    }

    /// Puts a network's or a file's labels into the document. What is locked or done stays as it is.
    pub fn take_labels(&mut self, incoming: Incoming) {
        let Incoming { name, mut labels, mut table, state, states, of } = incoming;
        let document = self.session.document();
        if !states.is_empty() && document.table.0.is_empty() && document.labels.counts().is_empty() {
            // The document as it was when it was saved.
            if let Some(first) = table.0.first() {
                self.active_label = first.value;
            }
            self.session.apply(Command { name: name.into(), change: Change::Segmentation { labels, table, states } });
            return;
        }
        let layouts = Plane::ALL.map(|plane| (plane, self.layout(plane)));
        let done: Vec<(PlaneLayout, usize)> = document
            .states()
            .filter(|(_, state)| *state == SliceState::Done)
            .filter_map(|((axis, slice), _)| {
                let of_axis = |(plane, _): &&(Plane, _)| plane.world_axis() == usize::from(axis);
                layouts.iter().find(of_axis).map(|(_, layout)| (*layout, slice))
            })
            .collect();
        if !done.is_empty() || document.table.0.iter().any(|l| l.locked) {
            keep_protected(&mut labels, &document.labels, &document.table, &done);
            table = join_tables(&document.table, &table);
        } else {
            table = keep_names(&document.table, table);
        }
        let occupied = labels.occupied();
        let mut states = Vec::new();
        for (plane, layout) in &layouts {
            for slice in 0..layout.size[2] {
                let voxel = layout.voxel([0, 0, slice]);
                let holds_labels = occupied[layout.axes[2]][voxel[layout.axes[2]]];
                let touched = of.is_none_or(|of| of == (*plane, slice));
                if holds_labels && touched && document.state(*plane, slice) != SliceState::Done {
                    states.push(((plane.world_axis() as u8, slice), state));
                }
            }
        }
        if let Some(first) = table.0.first() {
            self.active_label = first.value;
        }
        self.session.apply(Command { name: name.into(), change: Change::Segmentation { labels, table, states } });
    }

    /// Declares the slices of a plane at the cursor finished, or takes that back.
    pub fn toggle_done(&mut self, plane: Plane) {
        let slice = self.slice(plane);
        let done = self.session.document().state(plane, slice) == SliceState::Done;
        let state = if done { SliceState::Corrected } else { SliceState::Done };
        let states = vec![((plane.world_axis() as u8, slice), state)];
        self.session.apply(Command { name: "Slice state".into(), change: Change::States(states) });
    }

    /// Declares all slices of a plane that hold labels finished; where they all are, takes that back. One undo step.
    pub fn toggle_all_done(&mut self, plane: Plane) {
        let document = self.session.document();
        let layout = self.layout(plane);
        let occupied = &document.labels.occupied()[layout.axes[2]];
        let holds_labels = |slice: &usize| occupied[layout.voxel([0, 0, *slice])[layout.axes[2]]];
        let labelled: Vec<usize> = (0..layout.size[2]).filter(holds_labels).collect();
        let all_done = labelled.iter().all(|&slice| document.state(plane, slice) == SliceState::Done);
        let state = if all_done { SliceState::Corrected } else { SliceState::Done };
        let states: Vec<_> = labelled.into_iter().map(|slice| ((plane.world_axis() as u8, slice), state)).collect();
        if !states.is_empty() {
            self.session.apply(Command { name: "Slice states".into(), change: Change::States(states) });
        }
    }

    /// Adds a label to the table, makes it the active one, and gives its value.
    pub fn add_label(&mut self, name: &str) -> LabelValue {
        let mut table = self.session.document().table.clone();
        let value = (1..LabelValue::MAX).find(|value| table.get(*value).is_none()).unwrap_or(1);
        table.0.push(Label::new(value, name));
        self.session.apply(Command { name: "New label".into(), change: Change::Table(table) });
        self.active_label = value;
        value
    }

    /// Makes the next (or previous) label of the table the active one.
    pub fn cycle_label(&mut self, step: i64) {
        let values: Vec<LabelValue> = self.session.document().table.0.iter().map(|l| l.value).collect();
        if values.is_empty() {
            return;
        }
        let at = values.iter().position(|&v| v == self.active_label).unwrap_or(0) as i64;
        self.active_label = values[(at + step).rem_euclid(values.len() as i64) as usize];
    }
}
