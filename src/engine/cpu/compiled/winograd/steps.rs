//! Which convolutions run by Winograd's algorithm, and in which steps.

use std::sync::Arc;

use super::super::super::simd::{LANES, Vector};
use super::super::step::{Context, Stage, Step};
use super::{Share, Winograd};
use crate::graph::Conv;

/// All of it, or the second half where it is shared by channels.
struct Tiles(Arc<Winograd>);

/// The first half of one that is shared by channels.
struct Inputs(Arc<Winograd>);

impl Winograd {
    /// Whether a convolution can run by Winograd's algorithm, and is worth it.
    pub fn takes(conv: &Conv) -> bool {
        conv.kernel == [3, 3]
            && conv.stride == [1, 1]
            && conv.dilation == [1, 1]
            && conv.groups == 1
            && conv.padding.iter().all(|&p| p <= 1)
            && conv.inputs >= LANES / 2
    }

    /// What runs it; after each everybody waits.
    pub fn stages(conv: &Arc<Self>) -> impl Iterator<Item = Stage> + use<> {
        let inputs = (conv.share == Share::Channels).then(|| Stage::new(Inputs(conv.clone()), true));
        inputs.into_iter().chain([Stage::new(Tiles(conv.clone()), true)])
    }
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Tiles {
    fn name(&self) -> String {
        self.0.name()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let conv = &*self.0;
        // SAFETY: as the caller says.
        unsafe {
            match conv.share {
                Share::Tiles => conv.run_by_tiles::<V, COLUMNS>(context, step),
                Share::Parts => conv.run_by_parts::<V, COLUMNS>(context, step),
                Share::Channels => conv.run_by_channels::<V, COLUMNS>(context, step),
            }
        }
    }
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Inputs {
    fn name(&self) -> String {
        "3x3 inputs".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        // SAFETY: as the caller says.
        unsafe { self.0.run_inputs::<V>(context, step) }
    }
}
