//! Blocks of surfaces on the graphics device.

use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui_wgpu::wgpu;
use wgpu::util::DeviceExt;

use crate::app::state::body::{BlockSurface, Blocks};
use crate::jobs::MeshedBlock;

/// Which of a block's surfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The fine ones.
    Fine,
    /// Those for pictures whose voxels are hardly larger than pixels.
    Simpler,
    /// Those for while the view moves.
    Coarse,
}

impl Level {
    /// A block's surfaces.
    pub fn of(self, block: &MeshedBlock) -> &BlockSurface {
        match self {
            Self::Fine => &block.fine,
            Self::Simpler => &block.simpler,
            Self::Coarse => &block.coarse,
        }
    }
}

/// Corners and indices of a block.
pub struct Buffers {
    /// Corners of all its labels.
    pub vertices: wgpu::Buffer,
    /// Three indices for each triangle.
    pub indices: wgpu::Buffer,
}

impl Buffers {
    fn new(device: &wgpu::Device, surface: &BlockSurface) -> Self {
        let vertices: Vec<u8> = surface.vertices.as_flattened().iter().flat_map(|n| n.to_ne_bytes()).collect();
        let mut indices: Vec<u8> = surface.indices.iter().flat_map(|n| n.to_ne_bytes()).collect();
        // Whole words.
        indices.resize(indices.len().next_multiple_of(4), 0);
        let buffer = |label, contents: &[u8], usage| {
            device.create_buffer_init(&wgpu::util::BufferInitDescriptor { label: Some(label), contents, usage })
        };
        Self {
            vertices: buffer("corners of surfaces", &vertices, wgpu::BufferUsages::VERTEX),
            indices: buffer("triangles of surfaces", &indices, wgpu::BufferUsages::INDEX),
        }
    }
}

/// A block, and its surfaces as far as they were drawn.
struct Known {
    block: Arc<MeshedBlock>,
    fine: Option<Buffers>,
    simpler: Option<Buffers>,
    coarse: Option<Buffers>,
}

/// The blocks that the device has.
#[derive(Default)]
pub struct DeviceBlocks {
    of: Option<Arc<Blocks>>,
    known: BTreeMap<[usize; 3], Known>,
}

impl DeviceBlocks {
    /// Whether these are the blocks that it has.
    pub fn is_of(&self, blocks: &Arc<Blocks>) -> bool {
        self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, blocks))
    }

    /// Follows what has changed: blocks that are gone or made anew are dropped.
    pub fn follow(&mut self, blocks: &Arc<Blocks>) {
        if self.is_of(blocks) {
            return;
        }
        self.known.retain(|place, known| blocks.get(place).is_some_and(|block| Arc::ptr_eq(block, &known.block)));
        for (place, block) in blocks.iter() {
            let made = || Known { block: block.clone(), fine: None, simpler: None, coarse: None };
            self.known.entry(*place).or_insert_with(made);
        }
        self.of = Some(blocks.clone());
    }

    /// Puts a block's surfaces on the device, unless they are there.
    pub fn send(&mut self, device: &wgpu::Device, place: [usize; 3], level: Level) {
        let Some(known) = self.known.get_mut(&place) else { return };
        let slot = match level {
            Level::Fine => &mut known.fine,
            Level::Simpler => &mut known.simpler,
            Level::Coarse => &mut known.coarse,
        };
        slot.get_or_insert_with(|| Buffers::new(device, level.of(&known.block)));
    }

    /// A block's surfaces, where they are on the device.
    pub fn get(&self, place: [usize; 3], level: Level) -> Option<&Buffers> {
        let known = self.known.get(&place)?;
        match level {
            Level::Fine => known.fine.as_ref(),
            Level::Simpler => known.simpler.as_ref(),
            Level::Coarse => known.coarse.as_ref(),
        }
    }
}
