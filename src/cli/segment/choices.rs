//! What can be chosen about segmenting, for one scan and for many.

use clap::Args;

use super::super::spacing::Spacing;
use crate::engine::DeviceChoice;
use crate::model::SliceAxis;
use crate::pipeline::SegmentOptions;

/// How scans are segmented.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "switches of the command line")]
pub struct Choices {
    /// auto, cpu, gpu, gpu:N, cuda, cuda:N or metal; `lamella devices` lists them
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// Compute in 32 bits on a GPU too, where maps have 16 otherwise
    #[arg(long)]
    pub full_precision: bool,
    /// Average over mirrored slices (four times the work)
    #[arg(long)]
    pub tta: bool,
    /// Keep only the largest connected part of every label
    #[arg(long)]
    pub largest: bool,
    /// Slice axis instead of the model's own: axial, coronal or sagittal
    #[arg(long)]
    pub axis: Option<SliceAxis>,
    /// Frame of a 4-D volume, counted from 0; without it the first one
    #[arg(long)]
    pub frame: Option<usize>,
    /// Also segment series with missing or uneven slices: missing ones are left empty, uneven ones interpolated
    #[arg(long)]
    pub fill_gaps: bool,
    #[command(flatten)]
    pub spacing: Spacing,
}

impl Choices {
    /// As the pipeline takes them.
    pub fn options(&self) -> SegmentOptions {
        SegmentOptions {
            axis: self.axis,
            mirror: self.tta,
            keep_largest: self.largest,
            frame: self.frame.unwrap_or(0),
            from_voxel: None,
            full_precision: self.full_precision,
        }
    }
}
