//! Resampling.

use super::super::NodeId;
use super::super::op::{Op, UpsampleMode, UpsampleTo};
use super::OnnxError;
use super::calls::Call;
use super::dim::Dim;
use super::held::{Form, Held};
use super::import::Reader;
use crate::work::numbers::{natural, real, signed, whole};

/// Largest size of a resampled map along one axis.
const LARGEST: f64 = 16384.0;

impl Reader {
    pub(super) fn resize(&mut self, call: Call) -> Result<(), OnnxError> {
        let x = self.plain(call, 0)?;
        if call.int("antialias", 0) != 0 || call.text("keep_aspect_ratio_policy", "stretch") != "stretch" {
            return Err(call.error("resampling with a filter or a kept ratio"));
        }
        let axes = call.ints("axes").map(<[i64]>::to_vec);
        let in_plane = |count: usize| match axes.as_deref() {
            None if count == 4 => Some(2),
            Some([2, 3] | [-2, -1]) if count == 2 => Some(0),
            _ => None,
        };
        let has_sizes = matches!(self.optional(call, 3)?, Some(Held::Integers(dims, _)) if !dims.is_empty());
        let to = if has_sizes {
            let sizes = self.integers(call, 3)?;
            let first = in_plane(sizes.len()).ok_or_else(|| call.error(format!("{} sizes", sizes.len())))?;
            let keeps = first == 0 || (self.is_batch(sizes[0]) && sizes[1] == Dim::Whole(signed(self.channels(x))));
            if !keeps {
                return Err(call.error(format!("a map resampled to {sizes:?} along its images or channels")));
            }
            let wanted = [sizes[first], sizes[first + 1]];
            if let Some(id) = self.spread(call, x, wanted) {
                // Every way to place samples repeats a single one.
                return self.set(call, Held::Map(id, Form::Map));
            }
            self.size_or_factor(call, x, wanted)?
        } else {
            let scales = self.floats(call, 2)?;
            let scales = self.values(call, &scales)?;
            let first = in_plane(scales.len()).ok_or_else(|| call.error(format!("{} factors", scales.len())))?;
            if first == 2 && scales[..2] != [1.0, 1.0] {
                return Err(call.error(format!("factors {scales:?}")));
            }
            self.factor_or_size(call, x, [scales[first], scales[first + 1]])?
        };
        let mode = mode(call, to)?;
        let id = self.push(call, Op::Upsample(mode, to), &[x], vec![]);
        self.set(call, Held::Map(id, Form::Map))
    }

    /// A map of one position at every position of a map of this size, if there is one.
    pub(super) fn spread(&mut self, call: Call, x: NodeId, sizes: [Dim; 2]) -> Option<NodeId> {
        if !self.is_single(x) || sizes == [Dim::Whole(1); 2] {
            return None;
        }
        let whole = |dim| if let Dim::Open(extent) = dim { Dim::Open(extent.floored()) } else { dim };
        let rounded = sizes.map(whole);
        let own = |id: NodeId| self.graph.nodes[id].size.extent.map(Dim::of);
        let is_open = |id: &NodeId| own(*id).iter().any(|dim| !matches!(dim, Dim::Whole(_)));
        let nodes = || (0..self.graph.nodes.len()).rev().filter(is_open);
        let like = nodes().find(|&id| [sizes, rounded].contains(&own(id))).or_else(|| {
            // Where the file fixes the size, it is that of a map that follows the image's.
            nodes().find(|&id| self.size_at(id).is_some_and(|here| here.map(|n| Dim::Whole(signed(n))) == sizes))
        })?;
        Some(self.push(call, Op::SpreadLike, &[x, like], vec![]))
    }

    fn size_or_factor(&self, call: Call, x: NodeId, sizes: [Dim; 2]) -> Result<UpsampleTo, OnnxError> {
        let own = self.graph.nodes[x].size.extent;
        let here = self.size_at(x);
        let factor = |axis: usize| match sizes[axis] {
            // Behind strides sizes are divisions of whole numbers.
            Dim::Open(extent) => {
                extent.as_multiple_of(&own[axis]).or_else(|| extent.floored().as_multiple_of(&own[axis]))
            }
            Dim::Whole(size) => {
                // A size of a file with a fixed input stands for the factor that it was computed with.
                let now = here?[axis];
                let size = usize::try_from(size).ok()?;
                (size % now == 0 && size > 0).then_some(size / now)
            }
            _ => None,
        };
        if let (Some(vertical), Some(horizontal)) = (factor(0), factor(1)) {
            return Ok(UpsampleTo::Scale([vertical, horizontal]));
        }
        let fixed = |dim: Dim| match dim {
            Dim::Whole(size) if (1..whole(LARGEST)).contains(&size) => Some(natural(size)),
            _ => None,
        };
        match (fixed(sizes[0]), fixed(sizes[1])) {
            (Some(h), Some(w)) => Ok(UpsampleTo::Size([h, w])),
            _ => Err(call.error(format!("a map resampled to {sizes:?}; whole factors and fixed sizes are supported"))),
        }
    }

    fn factor_or_size(&self, call: Call, x: NodeId, factors: [f32; 2]) -> Result<UpsampleTo, OnnxError> {
        if factors.iter().all(|f| f.fract() == 0.0 && (1.0..=64.0).contains(f)) {
            return Ok(UpsampleTo::Scale(factors.map(|f| natural(whole(f.into())))));
        }
        let here = self.size_at(x);
        let size = here.map(|size| [0, 1].map(|axis| real(size[axis]) * f64::from(factors[axis])));
        // A size that is cut off would change where samples are taken.
        let is_whole = |size: &[f64; 2]| size.iter().all(|s| (s - s.round()).abs() < 1e-3);
        match size.filter(is_whole).map(|size| size.map(f64::round)) {
            Some(size) if size.iter().all(|s| (1.0..LARGEST).contains(s)) => {
                Ok(UpsampleTo::Size(size.map(|s| natural(whole(s)))))
            }
            _ => Err(call.error(format!("a map resampled by {factors:?}; whole factors are supported"))),
        }
    }
}

/// How samples are placed, if it is the way of graphs.
fn mode(call: Call, to: UpsampleTo) -> Result<UpsampleMode, OnnxError> {
    let placing = call.text("coordinate_transformation_mode", "half_pixel");
    let rounding = call.text("nearest_mode", "round_prefer_floor");
    let by_factor = matches!(to, UpsampleTo::Scale(_));
    match (call.text("mode", "nearest").as_str(), placing.as_str(), rounding.as_str()) {
        ("nearest", "asymmetric", "floor") => Ok(UpsampleMode::Nearest),
        // For whole factors these choose the same samples.
        (
            "nearest",
            "half_pixel" | "pytorch_half_pixel" | "half_pixel_symmetric",
            "round_prefer_floor" | "round_prefer_ceil",
        ) if by_factor => Ok(UpsampleMode::Nearest),
        ("linear", "half_pixel" | "pytorch_half_pixel", _) => Ok(UpsampleMode::Bilinear { align_corners: false }),
        ("linear", "align_corners", _) => Ok(UpsampleMode::Bilinear { align_corners: true }),
        (mode, placing, rounding) => Err(call.error(format!("resampling {mode}, {placing}, {rounding}"))),
    }
}
