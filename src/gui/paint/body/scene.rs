//! What a picture of the body shows.

use std::sync::Arc;

use super::blocks::Level;
use super::slices::SlicePicture;
use super::volume::VolumeScene;
use crate::app::state::body::{Blocks, BodyLook};
use crate::app::state::camera::{Bounds, Camera};
use crate::gui::egui;
use crate::jobs::MeshedBlock;
use crate::volume::{BRICK_EDGE, Geometry, LabelValue, Region};

/// Pixels that a voxel takes at most where simpler surfaces look as the fine ones do.
const MOST_PIXELS: f32 = 1.25;

/// Surfaces and how they are looked at.
pub struct Scene {
    /// The surfaces.
    pub blocks: Arc<Blocks>,
    /// Slices between them.
    pub slices: Vec<Arc<SlicePicture>>,
    /// The values of the scan all through, in place of surfaces and slices.
    pub volume: Option<VolumeScene>,
    /// How they are looked at.
    pub look: Look,
    /// Whether the view moves: then a picture that comes soon is worth more than one of all details.
    pub is_moving: bool,
}

impl Scene {
    /// Triangles of all surfaces, seen or not.
    pub fn triangles(&self, level: Level) -> usize {
        self.blocks.values().map(|block| level.of(block).indices.len() / 3).sum()
    }

    /// Blocks that may be in the picture, and the boxes around them.
    pub fn seen(&self, level: Level) -> impl Iterator<Item = (&[usize; 3], &MeshedBlock, [[f32; 3]; 2])> {
        let edge = BRICK_EDGE as f32;
        self.blocks.iter().filter_map(move |(place, block)| {
            let low = place.map(|n| n as f32 * edge - 3.0);
            let high = low.map(|n| n + edge + 6.0);
            let is_seen = !level.of(block).parts.is_empty() && self.look.may_show(low, high);
            is_seen.then_some((place, &**block, [low, high]))
        })
    }

    /// Whether no voxel that is seen is much larger than a pixel in a picture of a size.
    ///
    /// It is asked for the picture as a whole: blocks of different levels would not meet without cracks.
    pub fn is_finer_than_pixels(&self, size: [u32; 2]) -> bool {
        self.seen(Level::Fine).all(|(_, _, [low, high])| self.look.pixels_a_voxel(low, high, size) <= MOST_PIXELS)
    }
}

/// How surfaces are looked at; equal looks at the same surfaces are equal pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Labels that are shown, in ascending order, with their colours and opacities.
    pub colours: Vec<(LabelValue, [u8; 4])>,
    /// From voxels to clip space, by rows.
    pub clip_from_voxel: [[f32; 4]; 4],
    /// From normals in voxels to the picture, by rows: right, up, towards the viewer.
    pub view_from_normal: [[f32; 3]; 3],
    /// The viewer's place, in voxels.
    pub eye: [f32; 3],
    /// The part of the grid that is seen, in voxels; none where that is all of it.
    pub kept: Option<[[f32; 3]; 2]>,
    /// Behind the surfaces, in gamma space.
    pub ground: [f32; 4],
}

impl Look {
    /// How labels on a grid look through a camera, in a picture `aspect` times as wide as high.
    pub fn new(geometry: &Geometry, camera: &Camera, aspect: f64, of: BodyLook, ground: egui::Color32) -> Self {
        let world = geometry.world_from_voxel();
        let clip = camera.clip_from_world(aspect, Bounds::whole(geometry));
        let column = |n: usize| if n < 3 { world.column(n) } else { world.point([0.0; 3]) };
        let clip_from_voxel = clip.map(|row| {
            [0, 1, 2, 3].map(|n| {
                let of = column(n);
                let sum: f64 = (0..3).map(|axis| row[axis] * of[axis]).sum();
                (sum + if n == 3 { row[3] } else { 0.0 }) as f32
            })
        });
        // Scaled, so that no normal is too short for the device's arithmetic.
        let normals = camera.normals(world);
        let largest = normals.iter().flatten().fold(f64::MIN_POSITIVE, |most, part| most.max(part.abs()));
        let is_whole = of.kept == Region::whole(geometry.shape());
        let ends = [of.kept.start.map(|n| n as f32 - 0.5), of.kept.end.map(|n| n as f32 - 0.5)];
        Self {
            colours: of.colours,
            clip_from_voxel,
            view_from_normal: normals.map(|row| row.map(|part| (part / largest) as f32)),
            eye: geometry.voxel_from_world().point(camera.eye()).map(|part| part as f32),
            kept: (!is_whole).then_some(ends),
            ground: ground.to_normalized_gamma_f32(),
        }
    }

    /// Whether anything within a box of voxels may be in the picture.
    pub fn may_show(&self, low: [f32; 3], high: [f32; 3]) -> bool {
        let corner = |n: usize| [0, 1, 2].map(|axis| if n >> axis & 1 == 0 { low[axis] } else { high[axis] });
        let corners: [[f32; 4]; 8] = std::array::from_fn(|n| {
            let p = corner(n);
            self.clip_from_voxel.map(|row| row[0] * p[0] + row[1] * p[1] + row[2] * p[2] + row[3])
        });
        let is_beyond = |test: fn(&[f32; 4]) -> bool| corners.iter().all(test);
        !(is_beyond(|p| p[0] < -p[3])
            || is_beyond(|p| p[0] > p[3])
            || is_beyond(|p| p[1] < -p[3])
            || is_beyond(|p| p[1] > p[3])
            || is_beyond(|p| p[3] <= 0.0))
            && self.kept.is_none_or(|[from, to]| (0..3).all(|axis| low[axis] <= to[axis] && high[axis] >= from[axis]))
    }

    /// Pixels that a voxel where a box is nearest takes along the longest of its axes, in a picture of a size; endless where the box reaches
    /// the viewer.
    pub fn pixels_a_voxel(&self, low: [f32; 3], high: [f32; 3], size: [u32; 2]) -> f32 {
        let [x, y, _, w] = self.clip_from_voxel;
        let at = |row: [f32; 4], p: [f32; 3]| row[0] * p[0] + row[1] * p[1] + row[2] * p[2] + row[3];
        let nearest = at(w, [0, 1, 2].map(|axis| if w[axis] < 0.0 { high[axis] } else { low[axis] }));
        if nearest <= 0.0 {
            return f32::INFINITY;
        }
        let middle = [0, 1, 2].map(|axis| f32::midpoint(low[axis], high[axis]));
        let [right, up] = [x, y].map(|row| (at(row, middle) / at(w, middle)).clamp(-1.0, 1.0));
        let [across, down] = size.map(|n| n as f32 / 2.0);
        let length =
            |axis: usize| ((x[axis] - right * w[axis]) * across).hypot((y[axis] - up * w[axis]) * down) / nearest;
        (0..3).map(length).fold(0.0, f32::max)
    }

    /// The colour and opacity of a label, where it is shown.
    pub fn colour(&self, label: LabelValue) -> Option<[u8; 4]> {
        let at = self.colours.binary_search_by_key(&label, |(value, _)| *value).ok()?;
        Some(self.colours[at].1)
    }
}
