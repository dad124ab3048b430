//! Pure steps from a volume to labels: slices, preparation with its inverse, the network, post-processing.
//!
//! **Invariant:** networks see volumes in R, A, S order whatever the stored order; labels come back on the volume's own
//! grid, voxel for voxel.
//! **Invariant:** memory does not grow with classes times voxels: probabilities live for a few slices, or for one block where
//! axes are fused; only where maps are asked for, a byte for each voxel and class is kept.
//! **Invariant:** the same volume, model and options give the same labels, bit for bit, whoever calls.
//!
//! Deliberately absent: files, threads, screens.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "voxel arithmetic: indices are within the shape that was checked when the data came in"
)]

mod attention;
mod blend;
mod fused;
mod news;
mod paired;
mod prepare;
mod probabilities;
mod resample;
mod restore;
mod runner;
mod segment;
mod suitability;
mod tiles;
mod touch;

pub use attention::{AttentionBlock, AttentionView, has_attention};
pub use fused::all_axes;
pub use news::{SegmentError, SegmentEvent, SegmentSeconds, VoxelVisitor};
pub use paired::{PairedTest, wilcoxon};
pub use prepare::{Normaliser, Preparation};
pub use probabilities::{ProbabilityMaps, SliceDoubt};
pub use resample::nearest;
pub use segment::{SegmentOptions, segment, segment_and_visit};
pub use suitability::{Misfit, cut_axes, flat_axis, learned_pictures, misfits, slices_to_segment};
pub use tiles::{Fit, fit};
pub use touch::{CHANNELS, NOTHING, OFF, ON, TouchAnswer, TouchError, TouchNetwork, TouchPrompt, channels, smooth};
