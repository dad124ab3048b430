//! Pure data: where voxels lie, what they hold, how they are labelled and sliced.
//!
//! **Invariant:** [`Geometry`] is the only owner of an affine; world coordinates are patient RAS in millimetres.
//! **Invariant:** a [`Volume`] never changes once loaded and keeps its voxels in their stored type.
//! **Invariant:** a clone of a [`LabelMap`] is a snapshot; it costs one reference count.
//!
//! Deliberately absent: files, threads that outlive a call, screens, networks.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "voxel arithmetic: indices are within the shape, values within their type"
)]

mod affine;
mod anatomy;
mod annotations;
mod borders;
mod brick_code;
mod brick_patch;
mod checksum;
mod completion;
mod frame_of_reference;
mod frames;
mod geometry;
mod label_changes;
mod label_map;
mod label_rows;
mod label_runs;
mod label_table;
mod labels_of_scan;
mod lattice;
mod measurement;
mod orientation;
mod plane;
mod reslice;
mod slice_sampler;
mod small_volume;
mod source_images;
mod statistics;
mod term;
mod together;
mod uptake;
mod uptake_values;
mod voxel_code;
mod voxel_rows;
mod voxels;

mod scan;

pub use affine::{Affine, Vec3, cross, dot, unit};
pub use anatomy::{ANATOMY, AnatomyPreset, Structure, with_structures};
pub use annotations::{Annotations, Maker, SliceKey, SliceState};
pub use borders::{Border, borders};
pub use brick_code::{BrickCodeError, MOST_BRICKS, MOST_CHUNK_BYTES, PackedPatch};
pub use brick_patch::{BrickPatch, Region};
pub use completion::Completion;
pub use frame_of_reference::FrameOfReference;
pub use frames::stack_frames;
pub use geometry::{Geometry, GeometryError, MATCH_TOLERANCE_MM};
pub use label_changes::LabelCounts;
pub use label_map::{BRICK_EDGE, LabelMap, LabelValue};
pub use label_table::{Label, LabelTable, Rgb, default_colour};
pub use labels_of_scan::LabelMapError;
pub use lattice::{LaidLabels, Lattice};
pub use measurement::{Figure, Measurement, point_on_slice};
pub use orientation::{Orientation, RAS_LETTERS, direction_letters};
pub use plane::{Plane, PlaneLayout};
pub use reslice::{
    CurvedPath, MOST_PATH_POINTS, MOST_RESLICED_SIDE, ObliquePlane, PixelRow, Reslice, ResliceError, Resliced, Slab,
    SlabKind,
};
pub use scan::{DisplayHints, Rescale, Volume, Window};
pub use slice_sampler::SliceSampler;
pub use small_volume::{SMALL_EDGE, SmallVolume};
pub use source_images::{SourceFile, SourceImages, SourceSlice};
pub use statistics::Statistics;
pub use term::{Code, Term};
pub use together::{Space, boxes_overlap, space_of};
pub use uptake::Uptake;
pub use voxel_code::{GROUP_BYTES, group_bytes, group_count};
pub use voxel_rows::VoxelRow;
pub(crate) use voxels::with_voxels;
pub use voxels::{Fill, Voxel, VoxelType, Voxels};
