//! Where a network looks: what its blocks of attention weigh in one slice.

use super::news::SegmentError;
use super::prepare::{Normaliser, Preparation};
use super::tiles::{Border, fit_window, window};
use crate::engine::{Array, DeviceChoice, Mode, Network};
use crate::graph::{Activation, Affinity, Extent, Graph, Node, NodeId, Op, SoftmaxOver};
use crate::model::{Model, SliceAxis};
use crate::volume::Volume;
use crate::work::Watch;

/// What a block weighs.
#[derive(Debug, Clone, PartialEq)]
enum Weighs {
    /// Every channel, alike at all positions (squeeze-and-excitation): 0 to 1.
    Channels(Vec<f32>),
    /// Every position, alike for all others (global context, simplified non-local, spatial excitation).
    Positions(Map),
    /// For each position every other (non-local).
    Pairs(Pairs),
    /// For each position its row and column, once for each loop (criss-cross).
    Crosses(Vec<[Map; 2]>),
}

/// Maps `[channel][row][column]`.
#[derive(Debug, Clone, PartialEq)]
struct Map {
    channels: usize,
    size: [usize; 2],
    values: Vec<f32>,
}

impl Map {
    fn new(array: Array) -> Self {
        let [_, channels, h, w] = array.dims4();
        Self { channels, size: [h, w], values: array.values }
    }

    fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Product of the channels at a position of this map with those at one of another.
    fn dot(&self, at: usize, other: &Self, there: usize) -> f32 {
        let each = 0..self.channels;
        each.map(|c| self.values[c * self.pixels() + at] * other.values[c * other.pixels() + there]).sum()
    }
}

/// Queries and keys of a non-local block; for a learned affinity their two halves, of one channel.
#[derive(Debug, Clone, PartialEq)]
struct Pairs {
    query: Map,
    key: Map,
    affinity: Affinity,
}

impl Pairs {
    /// The weight of every key for the query at a position.
    fn of(&self, at: usize) -> Vec<f32> {
        let keys = 0..self.key.pixels();
        let mut weights: Vec<f32> = match self.affinity {
            Affinity::Concat => keys.map(|key| (self.query.values[at] + self.key.values[key]).max(0.0)).collect(),
            _ => keys.map(|key| self.query.dot(at, &self.key, key)).collect(),
        };
        if self.affinity == Affinity::Softmax {
            softmax(&mut weights);
        } else {
            let count = weights.len() as f32;
            weights.iter_mut().for_each(|w| *w /= count);
        }
        weights
    }
}

fn softmax(values: &mut [f32]) {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    values.iter_mut().for_each(|v| *v = (*v - largest).exp());
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|v| *v /= sum);
}

/// Positions of the row and column of a position, itself once, and their weights.
fn cross([query, key]: &[Map; 2], at: usize) -> Vec<(usize, f32)> {
    let [h, w] = query.size;
    let (row, column) = (at / w, at % w);
    let down = (0..h).filter(|y| *y != row).map(|y| y * w + column);
    let places: Vec<usize> = down.chain((0..w).map(|x| row * w + x)).collect();
    let mut weights: Vec<f32> = places.iter().map(|&there| query.dot(at, key, there)).collect();
    softmax(&mut weights);
    places.into_iter().zip(weights).collect()
}

/// The weight of every position for one: through the last loop to its row and column, from each of those through the one before.
fn crosses(loops: &[[Map; 2]], at: usize) -> Vec<f32> {
    let pixels = loops.first().map_or(0, |[query, _]| query.pixels());
    let mut weights = vec![0.0; pixels];
    weights[at] = 1.0;
    for maps in loops.iter().rev() {
        let mut next = vec![0.0; pixels];
        for (from, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            cross(maps, from).into_iter().for_each(|(there, w)| next[there] += weight * w);
        }
        weights = next;
    }
    weights
}

/// A block of attention in a slice.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionBlock {
    /// Its place in the network, for example `down.2.attention`.
    pub name: String,
    weighs: Weighs,
}

impl AttentionBlock {
    /// What it weighs, in a word or two.
    pub fn kind(&self) -> &'static str {
        match self.weighs {
            Weighs::Channels(_) => "channels",
            Weighs::Positions(_) => "positions",
            Weighs::Pairs(_) => "pairs of positions",
            Weighs::Crosses(_) => "rows and columns",
        }
    }

    /// The weights of the channels, from 0 to 1, where it weighs those.
    pub fn channels(&self) -> Option<&[f32]> {
        if let Weighs::Channels(weights) = &self.weighs { Some(weights) } else { None }
    }

    /// Weights of positions for a place given as shares of height and width.
    fn map(&self, place: [f64; 2]) -> Option<([usize; 2], Vec<f32>)> {
        // Beyond what the network saw nothing is known.
        if place.iter().any(|share| !(0.0..1.0).contains(share)) && !matches!(self.weighs, Weighs::Positions(_)) {
            return None;
        }
        let at = |[h, w]: [usize; 2]| {
            let [row, column] = [(place[0], h), (place[1], w)]
                .map(|(share, count)| ((share * count as f64) as usize).min(count.saturating_sub(1)));
            row * w + column
        };
        match &self.weighs {
            Weighs::Channels(_) => None,
            Weighs::Positions(map) => Some((map.size, map.values[..map.pixels()].to_vec())),
            Weighs::Pairs(pairs) => Some((pairs.key.size, pairs.of(at(pairs.query.size)))),
            Weighs::Crosses(loops) => {
                let size = loops.first()?[0].size;
                Some((size, crosses(loops, at(size))))
            }
        }
    }
}

/// All blocks of a model in one slice.
pub struct AttentionView {
    /// Axis of the slices.
    pub axis: SliceAxis,
    /// The slice, counted as [`AttentionView::slice_of`] does.
    pub slice: usize,
    /// From the input to the output.
    pub blocks: Vec<AttentionBlock>,
    preparation: Preparation,
    /// Top left corner of what the network saw, on its grid, and its size.
    seen: ([i64; 2], [usize; 2]),
}

/// What attention nodes a graph has: names, and the results that must be kept of a pass.
fn found(graph: &Graph) -> Vec<(String, Want)> {
    let multiplied =
        |id: NodeId| graph.nodes.iter().any(|node| matches!(node.op, Op::Multiply) && node.inputs.contains(&id));
    let fixed = |node: &Node| node.size.extent == [Extent::fixed(1); 2];
    let mut all: Vec<(String, Want)> = Vec::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        let want = match node.op {
            Op::Softmax(SoftmaxOver::Positions) => Want::Positions(id),
            Op::Activate(Activation::Sigmoid) if multiplied(id) && fixed(node) => Want::Channels(id),
            Op::Activate(Activation::Sigmoid) if multiplied(id) && node.size.channels == 1 => Want::Positions(id),
            Op::Attend(affinity) => Want::Pairs([node.inputs[0], node.inputs[1]], affinity, node.parameters.clone()),
            Op::CrissCross => {
                let projections = [node.inputs[0], node.inputs[1]];
                let parameters = |id: NodeId| &graph.nodes[id].parameters;
                // The loops of a block share their projections.
                if let Some((_, Want::Crosses(loops))) = all.last_mut()
                    && loops.last().is_some_and(|last| parameters(last[0]) == parameters(projections[0]))
                {
                    loops.push(projections);
                    continue;
                }
                Want::Crosses(vec![projections])
            }
            _ => continue,
        };
        // A gate's node is named after its layer, a projection after itself; the block is what holds them.
        let scope =
            if node.scope.is_empty() { graph.nodes[node.inputs[0]].scope.as_str() } else { node.scope.as_str() };
        let parts = [".fc2", ".mask", ".key", ".theta", ".query"];
        let scope = parts.iter().find_map(|part| scope.strip_suffix(part)).unwrap_or(scope);
        all.push((scope.to_string(), want));
    }
    all
}

/// Results that say what a block weighs.
enum Want {
    Channels(NodeId),
    Positions(NodeId),
    Pairs([NodeId; 2], Affinity, Vec<usize>),
    Crosses(Vec<[NodeId; 2]>),
}

/// Whether a model has blocks of attention.
pub fn has_attention(graph: &Graph) -> bool {
    !found(&graph.for_inference()).is_empty()
}

impl AttentionView {
    /// The number of the slice that holds a voxel.
    pub fn slice_of(&self, voxel: [usize; 3]) -> usize {
        self.preparation.layout.screen(voxel)[2]
    }

    /// Runs the network on the slice that holds a voxel, around that voxel where the slice is larger than the model's patch,
    /// and keeps what its blocks weigh.
    ///
    /// # Errors
    /// When the model has no attention, the image does not suit it, the network fails, or the work is stopped.
    pub fn new(
        model: &Model,
        volume: &Volume,
        axis: SliceAxis,
        voxel: [usize; 3],
        frames: &[usize],
        device: DeviceChoice,
        watch: Watch,
    ) -> Result<Self, SegmentError> {
        let spec = &model.spec;
        let image = |problem: String| SegmentError::Image(problem);
        let mut graph = spec.graph().map_err(|e| image(e.to_string()))?.for_inference();
        let wanted = found(&graph);
        if wanted.is_empty() {
            return Err(image(format!("the model {} has no attention", spec.id)));
        }
        let keep = |id: &NodeId| (id.to_string(), *id);
        for (_, want) in &wanted {
            match want {
                Want::Channels(id) | Want::Positions(id) => graph.taps.push(keep(id)),
                Want::Pairs(ids, ..) => graph.taps.extend(ids.iter().map(keep)),
                Want::Crosses(loops) => graph.taps.extend(loops.iter().flatten().map(keep)),
            }
        }
        let preparation = Preparation::new(spec, axis, &volume.geometry).map_err(image)?;
        let [column, row, slice] = preparation.layout.screen(voxel);
        let target = preparation.target;
        let tile = [0, 1].map(|n| target[n].min(spec.patch[n].max(1)));
        let fit = fit_window(&graph, spec.windows, spec.patch, tile)
            .ok_or_else(|| image(format!("no network input covers {tile:?} pixels")))?;
        let last = graph.outputs[0];
        let padded = graph.nodes[last].size.extent.iter().all(|extent| *extent == Extent::INPUT);
        let border = if padded { Border::Zero } else { Border::Mirror };
        let origin = [0, 1].map(|n| {
            let place = [row, column][n] * target[n] / preparation.source[n].max(1);
            let corner = place.saturating_sub(tile[n] / 2).min(target[n] - tile[n]);
            corner as i64 - ((fit.input[n] - tile[n]) / 2) as i64
        });
        let mut values = Vec::with_capacity(spec.input_channels() * fit.input[0] * fit.input[1]);
        let reach = spec.neighbours as i64;
        for (channel, &frame) in frames.iter().enumerate() {
            let normaliser = Normaliser::new(spec.normalisation_of(channel), volume, frame, watch)?;
            for offset in -reach..=reach {
                let neighbour = (slice as i64 + offset).clamp(0, preparation.slice_count() as i64 - 1) as usize;
                let image = preparation.read(volume, frame, neighbour, &normaliser);
                window(&image, target, origin, fit.input, border, &mut values);
            }
        }
        let halves = |want: &Want, query: Map, key: Map| match want {
            Want::Pairs(_, Affinity::Concat, parameters) => {
                let weight = parameters.first().and_then(|&p| model.weights.get(&graph.parameters[p].name));
                let weight = weight.map(|array| array.values.clone()).unwrap_or_default();
                let half = |map: &Map, weight: &[f32]| Map {
                    channels: 1,
                    size: map.size,
                    values: (0..map.pixels())
                        .map(|at| weight.iter().enumerate().map(|(c, w)| w * map.values[c * map.pixels() + at]).sum())
                        .collect(),
                };
                let (left, right) = weight.split_at(query.channels.min(weight.len()));
                (half(&query, left), half(&key, &right[..key.channels.min(right.len())]))
            }
            _ => (query, key),
        };
        let input = Array::new([1, spec.input_channels(), fit.input[0], fit.input[1]], values);
        watch.at(0.5)?;
        let mut network = Network::new(graph.clone(), &model.weights, device)?;
        let pass = network.run(&input, Mode::Inference, watch)?;
        let tap = |id: &NodeId| -> Result<Map, SegmentError> {
            let array = pass.tap(&id.to_string())?;
            array.map(Map::new).ok_or_else(|| SegmentError::Image("a result of the network is missing".into()))
        };
        let mut blocks = Vec::new();
        for (name, want) in wanted {
            let weighs = match &want {
                Want::Channels(id) => Weighs::Channels(tap(id)?.values),
                Want::Positions(id) => Weighs::Positions(tap(id)?),
                Want::Pairs([query, key], affinity, _) => {
                    let (query, key) = halves(&want, tap(query)?, tap(key)?);
                    Weighs::Pairs(Pairs { query, key, affinity: *affinity })
                }
                Want::Crosses(loops) => Weighs::Crosses(
                    loops.iter().map(|[q, k]| Ok([tap(q)?, tap(k)?])).collect::<Result<_, SegmentError>>()?,
                ),
            };
            blocks.push(AttentionBlock { name, weighs });
        }
        Ok(Self { axis, slice, blocks, preparation, seen: (origin, fit.input) })
    }

    /// Weights of a block for the position of a voxel, with the largest 1: calls `visit(voxel, weight)` for every voxel of the
    /// slice that the network saw. Nothing where the block weighs channels, or the voxel lies in another slice.
    pub fn each_weight(&self, block: usize, voxel: [usize; 3], mut visit: impl FnMut([usize; 3], f32)) {
        let [column, row, slice] = self.preparation.layout.screen(voxel);
        let (origin, size) = self.seen;
        let (source, target) = (self.preparation.source, self.preparation.target);
        if slice != self.slice {
            return;
        }
        // From a stored pixel to a share of what the network saw.
        let share = |stored: usize, n: usize| {
            let on_grid = (stored as f64 + 0.5) * target[n] as f64 / source[n] as f64;
            (on_grid - origin[n] as f64) / size[n] as f64
        };
        let place = [share(row, 0), share(column, 1)];
        let Some(([h, w], weights)) = self.blocks.get(block).and_then(|block| block.map(place)) else { return };
        let mut seen = Vec::new();
        for r in 0..source[0] {
            for c in 0..source[1] {
                let at = [(share(r, 0), h), (share(c, 1), w)];
                if at.iter().all(|(share, _)| (0.0..1.0).contains(share)) {
                    let [y, x] = at.map(|(share, count)| ((share * count as f64) as usize).min(count - 1));
                    seen.push(([c, r, slice], weights[y * w + x]));
                }
            }
        }
        // What lies beyond the slice does not count.
        let largest = seen.iter().map(|(_, weight)| *weight).fold(f32::MIN_POSITIVE, f32::max);
        for (at, weight) in seen {
            visit(self.preparation.layout.voxel(at), (weight / largest).max(0.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::initial_weights;
    use crate::model::ArchitectureSpec;
    use crate::volume::{Affine, Geometry, Rescale, Voxels};
    use serde_json::json;

    fn view(attention: &str) -> Result<AttentionView, SegmentError> {
        let geometry = Geometry::new([20, 24, 5], Affine::IDENTITY).unwrap();
        let values: Vec<f32> = (0..20 * 24 * 5).map(|n| ((n * 37) % 101) as f32).collect();
        let volume = Volume::new(geometry, Voxels::F32(values.into()), vec![], Rescale::IDENTITY, "scan".into());
        let mut model = crate::model::find("hippocampus").unwrap();
        let options = json!({"width": 4, "depth": 2, "attention": attention});
        model.spec.architecture = ArchitectureSpec { id: "unet".into(), options };
        let graph = model.spec.graph().unwrap();
        model.weights = initial_weights(&graph, 1);
        AttentionView::new(&model, &volume, SliceAxis::Axial, [10, 9, 2], &[0], DeviceChoice::Cpu, Watch::unwatched())
    }

    #[test]
    fn every_kind_of_block_shows_what_it_weighs() {
        for attention in [
            "se",
            "scse",
            "gc",
            "simplified-non-local",
            "non-local",
            "non-local-dot",
            "non-local-concat",
            "criss-cross",
        ] {
            let view = view(attention).unwrap();
            assert!(!view.blocks.is_empty(), "{attention}");
            let mut shown = 0;
            for (n, block) in view.blocks.iter().enumerate() {
                let mut weights = Vec::new();
                view.each_weight(n, [10, 9, 2], |voxel, weight| {
                    assert_eq!(voxel[2], 2);
                    weights.push(weight);
                });
                match block.channels() {
                    Some(channels) => {
                        assert!(weights.is_empty() && channels.iter().all(|w| (0.0..=1.0).contains(w)), "{attention}");
                    }
                    None => {
                        assert_eq!(weights.len(), 20 * 24, "{attention} {}", block.name);
                        assert!(weights.iter().all(|w| (0.0..=1.0).contains(w)), "{attention}");
                        shown += 1;
                    }
                }
                view.each_weight(n, [10, 9, 3], |_, _| panic!("another slice"));
            }
            assert_eq!(shown == 0, attention == "se", "{attention}");
        }
        assert!(view("none").is_err());
    }

    #[test]
    fn weights_are_those_of_the_blocks_own_formulas() {
        let map = |channels: usize, seed: usize| Map {
            channels,
            size: [3, 4],
            values: (0..channels * 12).map(|n| ((n * seed) % 7) as f32 / 7.0 - 0.4).collect(),
        };
        let pairs = Pairs { query: map(2, 5), key: map(2, 3), affinity: Affinity::Softmax };
        assert!((pairs.of(6).iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let one = crosses(&[[map(2, 5), map(2, 3)]], 6);
        let in_cross = |n: usize| n / 4 == 1 || n % 4 == 2;
        assert!((0..12).all(|n| (one[n] > 0.0) == in_cross(n)), "{one:?}");
        let two = crosses(&[[map(2, 5), map(2, 3)], [map(2, 4), map(2, 6)]], 6);
        assert!(two.iter().all(|w| *w > 0.0) && (two.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{two:?}");
    }
}
