//! The surfaces of all labels in one block of a label map, for the screen: surface nets over slightly smoothed labels.
//!
//! Source: S. Gibson, "Constrained elastic surface nets", MICCAI 1998, without the relaxation: between eight voxels that are not all on one
//! side there is one corner, in the middle of where the edges between them are crossed; four corners around each pair of neighbours on two
//! sides are a face. Which voxels a surface parts is decided by the labels alone, so nothing thin is lost; where it runs between them, and how
//! it is lit, follows a picture of the label smoothed by 1-4-6-4-1 along each axis.
//!
//! A corner is a function of the labels around it and of nothing else, and its place is rounded to the same steps in every block. So a block
//! is made from a snapshot alone, and its neighbours meet it without cracks whenever they were made from the same labels.

mod simpler;

pub use simpler::simpler_surface;

use crate::volume::{BRICK_EDGE, LabelMap, LabelValue, Region};

/// Steps of a voxel in which corners are placed.
pub const STEPS_PER_VOXEL: f32 = 1024.0;

/// Weights of smoothing; they add up to 16 along an axis.
const WEIGHTS: [u16; 5] = [1, 4, 6, 4, 1];
/// Voxels on each side that smoothing reads.
const RADIUS: usize = 2;
/// Where a surface runs: half of 16 * 16 * 16.
const HALF: u16 = 2048;
/// How far a voxel stays on its own side of it at least.
const LEAST: u16 = 192;
/// A coarse voxel belongs to a label that has so many of eight of its voxels.
const FEW_OF_EIGHT: usize = 3;

/// A corner: place along i, j, k in [`STEPS_PER_VOXEL`]ths of a voxel from the block's origin, and its outward normal (in voxels) on an
/// octahedron laid flat: two bytes, 128 standing for 0.
pub type BlockVertex = [u16; 4];

/// What belongs to one label in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPart {
    /// The label.
    pub label: LabelValue,
    /// Its first index, and how many it has.
    pub indices: std::ops::Range<u32>,
    /// The corner that its index 0 stands for.
    pub base: i32,
}

/// The surfaces of the labels in a block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockSurface {
    /// The voxel whose centre corners are counted from.
    pub origin: [i32; 3],
    /// Corners of all labels.
    pub vertices: Vec<BlockVertex>,
    /// Three for each triangle, counterclockwise seen from outside in the world.
    pub indices: Vec<u16>,
    /// Labels in ascending order.
    pub parts: Vec<BlockPart>,
}

impl BlockSurface {
    /// Memory that it takes.
    pub fn byte_count(&self) -> usize {
        size_of_val(self.vertices.as_slice()) + size_of_val(self.indices.as_slice())
    }

    /// The lowest and the highest place of a corner along each axis, in voxels; none where there is no corner.
    pub fn ends(&self) -> Option<[[f32; 3]; 2]> {
        let first = *self.vertices.first()?;
        let (mut low, mut high) = (first, first);
        for vertex in &self.vertices {
            for axis in 0..3 {
                low[axis] = low[axis].min(vertex[axis]);
                high[axis] = high[axis].max(vertex[axis]);
            }
        }
        Some([self.place(low), self.place(high)])
    }

    /// Place of a corner in voxels.
    pub fn place(&self, vertex: BlockVertex) -> [f32; 3] {
        [0, 1, 2].map(|axis| self.origin[axis] as f32 + f32::from(vertex[axis]) / STEPS_PER_VOXEL)
    }
}

/// How many blocks a grid has along each axis; a block covers a brick.
pub fn block_counts(shape: [usize; 3]) -> [usize; 3] {
    shape.map(|n| n.div_ceil(BRICK_EDGE))
}

/// The blocks whose surfaces depend on the labels of a region, at any of the steps up to `coarsest`.
pub fn blocks_around(region: Region, shape: [usize; 3], coarsest: usize) -> Vec<[usize; 3]> {
    let reach = (RADIUS + 2) * coarsest;
    let counts = block_counts(shape);
    let first = region.start.map(|start| start.saturating_sub(reach) / BRICK_EDGE);
    let last = [0, 1, 2].map(|axis| ((region.end[axis] + reach) / BRICK_EDGE).min(counts[axis].saturating_sub(1)));
    let mut blocks = Vec::new();
    for k in first[2]..=last[2] {
        for j in first[1]..=last[1] {
            blocks.extend((first[0]..=last[0]).map(|i| [i, j, k]));
        }
    }
    blocks
}

/// The surfaces in a block, which is counted in bricks. `step` is the edge of the voxels that are looked at: 1, or 2 or 4 for a coarse
/// surface of eight or sixty-four voxels at a time. `is_mirrored` says that the grid is left-handed in the world.
pub fn block_surface(labels: &LabelMap, block: [usize; 3], step: usize, is_mirrored: bool) -> BlockSurface {
    let area = Area::new(labels.geometry().shape(), block, step);
    let mut surface = BlockSurface { origin: area.origin(), ..BlockSurface::default() };
    if is_uniform_around(labels, block) {
        return surface;
    }
    let values = area.read(labels);
    let mut work = Work::new(&area);
    for label in labels_among(&values) {
        work.take(&area, &values, label);
        if !work.is_crossed() {
            continue;
        }
        work.smooth();
        let (first, base) = (surface.indices.len() as u32, surface.vertices.len() as i32);
        work.place_corners(&area, &mut surface.vertices);
        work.join_corners(&area, is_mirrored, &mut surface.indices);
        let end = surface.indices.len() as u32;
        if end > first {
            surface.parts.push(BlockPart { label, indices: first..end, base });
        } else {
            surface.vertices.truncate(base as usize);
        }
    }
    surface.vertices.shrink_to_fit();
    surface.indices.shrink_to_fit();
    surface
}

/// Whether a brick and all around it have one and the same label.
fn is_uniform_around(labels: &LabelMap, block: [usize; 3]) -> bool {
    let counts = block_counts(labels.geometry().shape());
    let ranges = [0, 1, 2].map(|axis| block[axis].saturating_sub(1)..(block[axis] + 2).min(counts[axis]));
    // Beyond the grid there is background.
    let is_at_edge = (0..3).any(|axis| block[axis] == 0 || block[axis] + 1 == counts[axis]);
    let Some(value) = labels.uniform_at(block.map(|n| n * BRICK_EDGE)) else { return false };
    if is_at_edge && value != 0 {
        return false;
    }
    ranges[2].clone().all(|k| {
        ranges[1]
            .clone()
            .all(|j| ranges[0].clone().all(|i| labels.uniform_at([i, j, k].map(|n| n * BRICK_EDGE)) == Some(value)))
    })
}

/// What of a grid a block looks at, in voxels of `step`.
struct Area {
    step: usize,
    /// The first voxel whose faces towards its upper neighbours are the block's; -1 at the grid's edge.
    low: [i64; 3],
    /// How many of them there are.
    size: [usize; 3],
    /// First voxel of the block in the grid.
    start: [usize; 3],
}

impl Area {
    fn new(shape: [usize; 3], block: [usize; 3], step: usize) -> Self {
        let edge = BRICK_EDGE / step;
        let low = block.map(|n| if n == 0 { -1 } else { (n * edge) as i64 });
        let end = [0, 1, 2].map(|axis| ((block[axis] + 1) * edge).min(shape[axis].div_ceil(step)) as i64);
        let size = [0, 1, 2].map(|axis| (end[axis] - low[axis]) as usize);
        Self { step, low, size, start: block.map(|n| n * BRICK_EDGE) }
    }

    fn origin(&self) -> [i32; 3] {
        self.start.map(|start| start as i32 - 3 * self.step as i32)
    }

    /// Size of what is smoothed: one voxel more on each side.
    fn field(&self) -> [usize; 3] {
        self.size.map(|n| n + 2)
    }

    /// Size of what is read.
    fn read_size(&self) -> [usize; 3] {
        self.size.map(|n| n + 2 + 2 * RADIUS)
    }

    /// The labels of the grid's own voxels that are read; background beyond the grid.
    fn read(&self, labels: &LabelMap) -> Vec<LabelValue> {
        let (shape, step) = (labels.geometry().shape(), self.step as i64);
        let size = self.read_size().map(|n| n * self.step);
        let first = self.low.map(|low| (low - 1 - RADIUS as i64) * step);
        let mut values = vec![0; size.iter().product()];
        let inside = |axis: usize, at: usize| {
            let at = first[axis] + at as i64;
            (at >= 0 && at < shape[axis] as i64).then_some(at as usize)
        };
        let skipped = (-first[0]).max(0) as usize;
        let end = (shape[0] as i64 - first[0]).clamp(0, size[0] as i64) as usize;
        for (n, row) in values.chunks_exact_mut(size[0]).enumerate() {
            if let (Some(j), Some(k), Some(row)) =
                (inside(1, n % size[1]), inside(2, n / size[1]), row.get_mut(skipped..end))
            {
                labels.read_row([(first[0] + skipped as i64) as usize, j, k], row);
            }
        }
        values
    }
}

/// The labels among some, in ascending order.
fn labels_among(values: &[LabelValue]) -> Vec<LabelValue> {
    let mut found: Vec<LabelValue> = Vec::new();
    for run in values.chunk_by(|a, b| a == b) {
        if run[0] != 0 && !found.contains(&run[0]) {
            found.push(run[0]);
        }
    }
    found.sort_unstable();
    found
}

/// Room for one label at a time.
struct Work {
    read: [usize; 3],
    field: [usize; 3],
    /// Per voxel that is read, whether it has the label.
    marks: Vec<u16>,
    scratch: [Vec<u16>; 2],
    /// Per voxel of the field, whether it has the label.
    inside: Vec<bool>,
    /// Per voxel of the field, how much of it and around it has the label.
    smoothed: Vec<u16>,
    /// Per cell, its corner.
    corners: Vec<u16>,
}

impl Work {
    fn new(area: &Area) -> Self {
        let (read, field) = (area.read_size(), area.field());
        let count = field.iter().product();
        let cells = area.size.iter().map(|n| n + 1).product();
        Self {
            read,
            field,
            marks: vec![0; read.iter().product()],
            scratch: [Vec::new(), Vec::new()],
            inside: vec![false; count],
            smoothed: vec![0; count],
            corners: vec![0; cells],
        }
    }

    fn take(&mut self, area: &Area, values: &[LabelValue], label: LabelValue) {
        if area.step == 1 {
            for (mark, value) in self.marks.iter_mut().zip(values) {
                *mark = u16::from(*value == label);
            }
        } else {
            self.take_coarse(area, values, label);
        }
        let [ni, nj, _] = self.field;
        for (n, row) in self.inside.chunks_exact_mut(ni).enumerate() {
            let (j, k) = (n % nj + RADIUS, n / nj + RADIUS);
            let at = (k * self.read[1] + j) * self.read[0] + RADIUS;
            for (inside, mark) in row.iter_mut().zip(&self.marks[at..at + ni]) {
                *inside = *mark != 0;
            }
        }
    }

    fn take_coarse(&mut self, area: &Area, values: &[LabelValue], label: LabelValue) {
        let (step, read) = (area.step, self.read);
        let wide = read.map(|n| n * step);
        let needed = step.pow(3) * FEW_OF_EIGHT / 8;
        for (n, mark) in self.marks.iter_mut().enumerate() {
            let at = [n % read[0] * step, n / read[0] % read[1] * step, n / (read[0] * read[1]) * step];
            let mut count = 0;
            for k in 0..step {
                for j in 0..step {
                    let from = ((at[2] + k) * wide[1] + at[1] + j) * wide[0] + at[0];
                    count += values[from..from + step].iter().filter(|value| **value == label).count();
                }
            }
            *mark = u16::from(count >= needed);
        }
    }

    /// Whether the field has voxels on both sides.
    fn is_crossed(&self) -> bool {
        self.inside.contains(&true) && self.inside.contains(&false)
    }

    fn smooth(&mut self) {
        let ([ri, rj, rk], [ni, nj, nk]) = (self.read, self.field);
        let [along_i, along_j] = &mut self.scratch;
        along_i.resize(ni * rj * rk, 0);
        for (from, to) in self.marks.chunks_exact(ri).zip(along_i.chunks_exact_mut(ni)) {
            for (n, to) in to.iter_mut().enumerate() {
                *to = from[n] + 4 * from[n + 1] + 6 * from[n + 2] + 4 * from[n + 3] + from[n + 4];
            }
        }
        along_j.resize(ni * nj * rk, 0);
        for (from, to) in along_i.chunks_exact(ni * rj).zip(along_j.chunks_exact_mut(ni * nj)) {
            for (j, to) in to.chunks_exact_mut(ni).enumerate() {
                weigh(to, |n| &from[(j + n) * ni..(j + n + 1) * ni]);
            }
        }
        for (k, to) in self.smoothed.chunks_exact_mut(ni * nj).take(nk).enumerate() {
            weigh(to, |n| &along_j[(k + n) * ni * nj..(k + n + 1) * ni * nj]);
        }
    }

    /// Puts a corner into every cell that the surface passes through.
    fn place_corners(&mut self, area: &Area, vertices: &mut Vec<BlockVertex>) {
        let [ni, nj, _] = self.field;
        let cells = area.size.map(|n| n + 1);
        let mut next = 0;
        for k in 0..cells[2] {
            for j in 0..cells[1] {
                let rows = [(j, k), (j + 1, k), (j, k + 1), (j + 1, k + 1)].map(|(j, k)| (k * nj + j) * ni);
                for i in 0..cells[0] {
                    let at = |corner: usize| rows[corner >> 1] + i + (corner & 1);
                    let bits = (0..8).fold(0u8, |bits, n| bits | (u8::from(self.inside[at(n)]) << n));
                    if bits == 0 || bits == 255 {
                        continue;
                    }
                    let values: [u16; 8] = std::array::from_fn(|n| self.smoothed[at(n)]);
                    let cell = [i, j, k];
                    self.corners[(k * cells[1] + j) * cells[0] + i] = next;
                    next += 1;
                    vertices.push(corner(area, cell, bits, values));
                }
            }
        }
    }

    /// Joins the corners around every pair of neighbours on two sides.
    fn join_corners(&self, area: &Area, is_mirrored: bool, indices: &mut Vec<u16>) {
        let [ni, nj, _] = self.field;
        let cells = area.size.map(|n| n + 1);
        let (steps, cell_steps) = ([1, ni, ni * nj], [1, cells[0], cells[0] * cells[1]]);
        for k in 0..area.size[2] {
            for j in 0..area.size[1] {
                for i in 0..area.size[0] {
                    // The field has one voxel before the first of the block.
                    let at = ((k + 1) * nj + j + 1) * ni + i + 1;
                    let here = self.inside[at];
                    // The cell above the voxel along all axes.
                    let cell = ((k + 1) * cells[1] + j + 1) * cells[0] + i + 1;
                    for axis in 0..3 {
                        if here == self.inside[at + steps[axis]] {
                            continue;
                        }
                        let [u, v] = [cell_steps[(axis + 1) % 3], cell_steps[(axis + 2) % 3]];
                        let quad = [cell - u - v, cell - v, cell, cell - u].map(|cell| self.corners[cell]);
                        let [a, b, c, d] =
                            if here == is_mirrored { [quad[0], quad[3], quad[2], quad[1]] } else { quad };
                        indices.extend([a, b, c, a, c, d]);
                    }
                }
            }
        }
    }
}

fn weigh<'a>(to: &mut [u16], row: impl Fn(usize) -> &'a [u16]) {
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(row);
    let rows = a.iter().zip(b).zip(c).zip(d).zip(e);
    for (to, ((((a, b), c), d), e)) in to.iter_mut().zip(rows) {
        *to = WEIGHTS[0] * a + WEIGHTS[1] * b + WEIGHTS[2] * c + WEIGHTS[3] * d + WEIGHTS[4] * e;
    }
}

/// The corner of a cell; bits of a number of `values` say where it lies along i, j, k.
fn corner(area: &Area, cell: [usize; 3], bits: u8, values: [u16; 8]) -> BlockVertex {
    let is_inside = |n: usize| bits >> n & 1 == 1;
    let kept = |n: usize| {
        f32::from(if is_inside(n) { values[n].max(HALF + LEAST) } else { values[n].min(HALF - LEAST) })
            - f32::from(HALF)
    };
    let (mut sum, mut count) = ([0.0f32; 3], 0.0f32);
    for axis in 0..3 {
        for a in (0..8usize).filter(|a| a >> axis & 1 == 0) {
            let b = a | 1 << axis;
            if is_inside(a) == is_inside(b) {
                continue;
            }
            let (from, to) = (kept(a), kept(b));
            for (other, sum) in sum.iter_mut().enumerate() {
                *sum += if other == axis { from / (from - to) } else { (a >> other & 1) as f32 };
            }
            count += 1.0;
        }
    }
    let step = area.step as f32;
    let origin = area.origin();
    let steps = |axis: usize| {
        // Rounded in the whole grid, so that every block has it at the same place; whole voxels are exact.
        let first = area.low[axis] - 1 + cell[axis] as i64;
        let within = (sum[axis] / count + 0.5) * step - 0.5;
        let whole = (first * area.step as i64 - i64::from(origin[axis])) as f32;
        (whole * STEPS_PER_VOXEL + (within * STEPS_PER_VOXEL).round()) as u16
    };
    [steps(0), steps(1), steps(2), normal(bits, values)]
}

/// The outward normal: against the slope of the smoothed label; where that is even, away from the voxels inside.
fn normal(bits: u8, values: [u16; 8]) -> u16 {
    let slope = |of: &dyn Fn(usize) -> f32| {
        [0, 1, 2].map(|axis| (0..8usize).map(|n| if n >> axis & 1 == 0 { of(n) } else { -of(n) }).sum::<f32>())
    };
    let smooth = slope(&|n| f32::from(values[n]));
    let outward = if smooth.iter().all(|part| *part == 0.0) { slope(&|n| f32::from(bits >> n & 1)) } else { smooth };
    flattened(outward)
}

/// A direction on an octahedron laid flat (Q. Meyer and others, "On floating-point normal vectors", EGSR 2010).
fn flattened([x, y, z]: [f32; 3]) -> u16 {
    let size = x.abs() + y.abs() + z.abs();
    let byte = |part: f32| (part * 127.0 + 128.0).round() as u16;
    if size == 0.0 {
        return byte(0.0) | byte(0.0) << 8;
    }
    let (x, y) = (x / size, y / size);
    let folded = |own: f32, other: f32| (1.0 - other.abs()) * if own < 0.0 { -1.0 } else { 1.0 };
    let (u, v) = if z < 0.0 { (folded(x, y), folded(y, x)) } else { (x, y) };
    byte(u) | byte(v) << 8
}

#[cfg(test)]
mod tests;
