//! How a scan and a segmentation are looked at. Views hold ids and poses, no documents and nothing of the graphics device.

use std::collections::BTreeSet;

use super::joining::Pending;
use super::overlay::OverlayForm;
use super::saving::SavedFile;
use crate::session::{KeptBy, Revision, SegmentationId};
use crate::volume::{
    Completion, Geometry, LabelCounts, LabelMap, LabelTable, LabelValue, Plane, PlaneLayout, Vec3, Volume, Window,
};

/// Zoom and place of the image in a view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Relative to fitting the tile.
    pub zoom: f32,
    /// Shift of the image in millimetres.
    pub pan_mm: [f32; 2],
}

/// Smallest and largest zoom.
const ZOOMS: [f32; 2] = [0.2, 60.0];

impl Pose {
    /// The whole image in the middle of the tile.
    pub const FIT: Self = Self { zoom: 1.0, pan_mm: [0.0; 2] };

    /// Larger by a factor.
    #[must_use]
    pub fn zoomed(self, factor: f32) -> Self {
        Self { zoom: (self.zoom * factor).clamp(ZOOMS[0], ZOOMS[1]), ..self }
    }
}

/// Points per millimetre with which a slice of this size in millimetres just fits into a room of points.
pub fn fitting_scale(room: [f32; 2], extent_mm: [f32; 2]) -> f32 {
    (room[0] / extent_mm[0]).min(room[1] / extent_mm[1]).max(1e-3)
}

/// The same for the three planes of a grid in their rooms: one scale for all where they are linked, else none for a view that is not on
/// screen.
pub fn fitting_scales(rooms: &[Option<[f32; 2]>; 3], geometry: &Geometry, is_linked: bool) -> [Option<f32>; 3] {
    let own = Plane::ALL.map(|plane| {
        let layout = PlaneLayout::new(geometry, plane);
        let pixel_mm = layout.pixel_mm(geometry);
        let extent = [0, 1].map(|n| (layout.size[n] as f64 * pixel_mm[n]) as f32);
        rooms[plane as usize].map(|room| fitting_scale(room, extent))
    });
    if is_linked { [own.into_iter().flatten().reduce(f32::min); 3] } else { own }
}

/// How a scan was turned to from another one: the exact places, which voxels round.
#[derive(Debug, Clone, PartialEq)]
pub struct Came {
    /// The voxel under the crosshair then.
    pub cursor: [usize; 3],
    /// The place that it stands for, as a fractional voxel position; it may lie outside of the grid.
    pub position: Vec3,
    /// Pose of each view then, and the place in the middle of its tile, in millimetres.
    pub middles: [Option<(Pose, Vec3)>; 3],
}

/// How a scan is looked at.
#[derive(Debug, Clone)]
pub struct ScanView {
    /// Voxel under the crosshair.
    pub cursor: [usize; 3],
    /// Frame of a 4-D volume.
    pub frame: usize,
    /// Display window.
    pub window: Window,
    /// Axial, coronal, sagittal.
    pub poses: [Pose; 3],
    /// Whether each view is mirrored left to right and top to bottom: the display alone, no voxel moves.
    pub flips: [[bool; 2]; 3],
    /// Whether dark is bright.
    pub inverted: bool,
    /// The scan that is laid over it.
    pub overlay: OverlayForm,
    /// Where it was turned to from another scan.
    pub came: Option<Came>,
    /// The segmentation in hand.
    pub segmentation: SegmentationId,
}

impl ScanView {
    /// Moves cursor and frame into a volume that may have become smaller since they were chosen.
    pub fn keep_inside(&mut self, volume: &Volume) {
        let shape = volume.geometry.shape();
        let cursor = [0, 1, 2].map(|axis| self.cursor[axis].min(shape[axis].saturating_sub(1)));
        let frame = self.frame.min(volume.frame_count().saturating_sub(1));
        if (cursor, frame) != (self.cursor, self.frame) {
            (self.cursor, self.frame, self.came) = (cursor, frame, None);
        }
    }

    /// A fresh look; the cursor is in the middle.
    pub fn new(volume: &Volume, segmentation: SegmentationId) -> Self {
        let cursor = volume.geometry.shape().map(|n| n / 2);
        Self {
            cursor,
            frame: 0,
            window: volume.default_window(),
            poses: [Pose::FIT; 3],
            flips: [[false; 2]; 3],
            inverted: false,
            overlay: OverlayForm::default(),
            came: None,
            segmentation,
        }
    }

    /// Pose of a view.
    pub fn pose(&self, plane: Plane) -> Pose {
        self.poses[plane as usize]
    }

    /// Whether a view is mirrored left to right, and top to bottom.
    pub fn flips(&self, plane: Plane) -> [bool; 2] {
        self.flips[plane as usize]
    }

    /// Moves the cursor along a plane's slices.
    pub fn step_slice(&mut self, layout: &PlaneLayout, steps: i64) {
        let mut screen = layout.screen(self.cursor);
        screen[2] = (screen[2] as i64 + steps).clamp(0, layout.size[2] as i64 - 1) as usize;
        self.cursor = layout.voxel(screen);
    }

    /// Moves the cursor within a slice of the grid, to the right and down as it is shown where nothing is mirrored.
    pub fn move_cursor(&mut self, layout: &PlaneLayout, columns: i64, rows: i64) {
        let mut screen = layout.screen(self.cursor);
        for (axis, step) in [columns, rows].into_iter().enumerate() {
            screen[axis] = (screen[axis] as i64 + step).clamp(0, layout.size[axis] as i64 - 1) as usize;
        }
        self.cursor = layout.voxel(screen);
    }
}

/// Labels on screen that are not the document's: of a network that still runs, or a classifier's preview.
#[derive(Debug, Clone)]
pub struct Live {
    /// The labels.
    pub labels: LabelMap,
    /// Revision of the segmentation that they were made for.
    pub revision: Revision,
    /// Names and colours that they will have; the segmentation's where it is not known.
    pub table: Option<LabelTable>,
}

/// How a segmentation is looked at and worked on.
#[derive(Debug)]
pub struct LabelView {
    /// Label that is painted.
    pub active: LabelValue,
    /// Voxels of every label, and the labels that were counted.
    pub counted: (LabelMap, LabelCounts),
    /// Labels of a network that is still running.
    pub live: Option<Live>,
    /// What the classifier of pixels makes of the labels, while they stay as they are.
    pub preview: Option<Live>,
    /// Finished results that wait for the user's word, at most one of each source; the first is asked about.
    pub pending: Vec<Pending>,
    /// The slice that was painted last.
    pub painted: Option<(Plane, usize)>,
    /// The file that it was saved to or opened from.
    pub file: Option<SavedFile>,
    /// Whether all slices with labels are done, and the number of the labels that this was found for.
    pub completion: Option<(u64, Completion)>,
    /// The label that is shown alone, and those that were hidden before.
    pub solo: Option<(LabelValue, Vec<LabelValue>)>,
    /// What kept voxels as they are, as far as the user was told, and the locks and states that it was told of.
    pub told: (Revision, BTreeSet<KeptBy>),
}

impl LabelView {
    /// Of a segmentation whose voxels are counted now.
    pub fn new(labels: &LabelMap) -> Self {
        Self::counted(labels, labels.voxel_counts())
    }

    /// Of a segmentation whose labels have so many voxels.
    pub fn counted(labels: &LabelMap, counts: LabelCounts) -> Self {
        Self {
            active: 1,
            counted: (labels.clone(), counts),
            live: None,
            preview: None,
            pending: Vec::new(),
            painted: None,
            file: None,
            completion: None,
            solo: None,
            told: (Revision::default(), BTreeSet::new()),
        }
    }

    /// Lets a result wait for the user's word. It takes the place of an earlier one of its source, and of no other.
    pub fn wait(&mut self, pending: Pending) {
        match self.pending.iter_mut().find(|waiting| waiting.arrival.source == pending.arrival.source) {
            Some(waiting) => *waiting = pending,
            None => self.pending.push(pending),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::app::state::joining::{Arrival, Source, Why};
    use crate::jobs::Names;
    use crate::session::{Session, SliceState};
    use crate::volume::{Affine, Geometry, Rescale, Volume, Voxels};

    #[test]
    fn a_result_that_waits_gives_way_to_a_newer_one_of_its_source_alone() {
        let geometry = Geometry::new([2, 2, 2], Affine::IDENTITY).unwrap();
        let volume = Volume::new(geometry, Voxels::U8(vec![0; 8].into()), vec![], Rescale::IDENTITY, "a".into());
        let mut session = Session::default();
        let (_, of) = session.add_scan(volume.into());
        let labels = session.document().segmentation(of).unwrap().labels().clone();
        let mut view = LabelView::new(&labels);
        let file = Source::File(PathBuf::from("mask.nii"));
        for (source, count) in [(Source::Pixels, 1), (file.clone(), 2), (Source::Pixels, 3)] {
            let arrival = Arrival {
                source,
                of,
                made_on: Revision::default(),
                labels: labels.clone(),
                names: Names::Documents(Vec::new()),
                state: SliceState::Draft,
                states: Vec::new(),
                makers: Vec::new(),
                only: None,
            };
            view.wait(Pending { arrival, why: Why::Corrected(count) });
        }
        let waiting: Vec<_> = view.pending.iter().map(|pending| (&pending.arrival.source, pending.why)).collect();
        assert_eq!(waiting, [(&Source::Pixels, Why::Corrected(3)), (&file, Why::Corrected(2))]);
    }
}
