//! What a picture of the body shows.

use std::sync::Arc;

use super::slices::SlicePicture;
use super::volume::VolumeScene;
use crate::app::state::body::{Blocks, BodyLook};
use crate::app::state::camera::{Bounds, Camera};
use crate::gui::egui;
use crate::volume::{Geometry, LabelValue, Region};

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

    /// The colour and opacity of a label, where it is shown.
    pub fn colour(&self, label: LabelValue) -> Option<[u8; 4]> {
        let at = self.colours.binary_search_by_key(&label, |(value, _)| *value).ok()?;
        Some(self.colours[at].1)
    }
}
