//! Borders: of convolutions and poolings, even or not, and on their own.

use super::super::NodeId;
use super::super::op::{Border, Op};
use super::OnnxError;
use super::calls::Call;
use super::dim::Dim;
use super::held::{Form, Held};
use super::import::Reader;
use crate::work::numbers::natural;

/// Widest border on one side.
const WIDEST: i64 = 4096;

/// A window that goes over a map.
#[derive(Clone, Copy)]
pub struct Window {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
}

/// Rows and columns before a map, and after it.
pub type Sides = [[usize; 2]; 2];

impl Reader {
    /// Rows above and columns left of a map, and those below and right of it, that a window reads beyond.
    pub(super) fn sides(&self, call: Call, x: NodeId, window: Window) -> Result<Sides, OnnxError> {
        let kind = call.text("auto_pad", "NOTSET");
        let upper = match kind.as_str() {
            "NOTSET" | "" => {
                return match call.ints("pads") {
                    None => Ok([[0; 2]; 2]),
                    Some(&[top, left, bottom, right]) => {
                        let side = |value: i64| call.bounded("pads", value, 0);
                        Ok([[side(top)?, side(left)?], [side(bottom)?, side(right)?]])
                    }
                    Some(other) => Err(call.error(format!("pads is {other:?}; only 2-D networks are supported"))),
                };
            }
            "VALID" => return Ok([[0; 2]; 2]),
            "SAME_UPPER" => true,
            "SAME_LOWER" => false,
            other => return Err(call.error(format!("auto_pad {other:?} is unknown"))),
        };
        let here = self.size_at(x);
        let mut sides = [[0; 2]; 2];
        for axis in 0..2 {
            let stride = window.stride[axis];
            let reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
            // Lengths that follow the image's are multiples of the stride.
            let rest = here.map_or(0, |size| size[axis] % stride);
            let last = if rest == 0 { stride } else { rest };
            let all = reach.saturating_sub(last);
            let (less, more) = (all / 2, all.div_ceil(2));
            [sides[0][axis], sides[1][axis]] = if upper { [less, more] } else { [more, less] };
        }
        Ok(sides)
    }

    /// The border that windows have on all sides alike, and the map, which gets one of its own where they differ.
    pub(super) fn even_border(&mut self, call: Call, x: NodeId, sides: Sides, value: f32) -> (NodeId, [usize; 2]) {
        let [before, after] = sides;
        if before == after {
            return (x, before);
        }
        let with_channels = |[rows, columns]: [usize; 2]| [0, rows, columns];
        let border = Border { before: with_channels(before), after: with_channels(after), value };
        (self.push(call, Op::Pad(border), &[x], vec![]), [0; 2])
    }

    /// A border on its own.
    pub(super) fn pad(&mut self, call: Call) -> Result<(), OnnxError> {
        let all: Vec<Dim> = match call.ints("pads") {
            Some(borders) => borders.iter().map(|&b| Dim::Whole(b)).collect(),
            None => self.integers(call, 1)?,
        };
        let held = self.held(call, 0)?;
        if all.iter().all(|&b| b == Dim::Whole(0)) {
            return self.set(call, held);
        }
        let (id, form) = self.map(call, 0)?;
        if form != Form::Map {
            return Err(call.error(format!("a border of a map that is reshaped ({form:?})")));
        }
        let axes = match self.optional(call, 3)? {
            Some(_) => self.wholes(call, 3)?,
            None => (0..4).collect(),
        };
        let count = axes.len();
        if all.len() != 2 * count {
            return Err(call.error(format!("{} borders of {count} axes", all.len())));
        }
        let mut sides = [[0usize; 4]; 2];
        for (n, axis) in axes.into_iter().enumerate() {
            let axis = call.axis(axis, 4)?;
            for (side, sides) in sides.iter_mut().enumerate() {
                sides[axis] = match all[side * count + n] {
                    Dim::Whole(width) if (0..=WIDEST).contains(&width) => natural(width),
                    other => return Err(call.error(format!("a border {other:?} wide along axis {axis}"))),
                };
            }
        }
        if sides.iter().any(|side| side[0] != 0) {
            return Err(call.error("images are added to a batch"));
        }
        let mode = call.text("mode", "constant");
        if mode != "constant" {
            return Err(call.error(format!("a border of the mode {mode:?}; only constant ones are supported")));
        }
        let value = match self.optional(call, 2)? {
            None => 0.0,
            Some(Held::Floats(floats)) if floats.len() == 1 => self.values(call, &floats)?[0],
            Some(Held::Integers(dims, _)) if dims.len() == 1 && dims[0] == Dim::Whole(0) => 0.0,
            Some(other) => return Err(call.error(format!("a border whose value is a {}", other.what()))),
        };
        let [before, after] = sides.map(|[_, channels, rows, columns]| [channels, rows, columns]);
        let id = self.push(call, Op::Pad(Border { before, after, value }), &[id], vec![]);
        self.set(call, Held::Map(id, Form::Map))
    }
}
