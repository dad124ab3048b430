//! Maps behind each other along a new axis, as exporters write their sum; sums of several maps; maps repeated.

use super::super::op::Op;
use super::super::{NodeId, Role};
use super::OnnxError;
use super::calls::Call;
use super::constant::Floats;
use super::held::{Form, Held};
use super::import::Reader;
use crate::work::numbers::{natural, real, signed, single};

/// Most maps of a stack, and most repetitions of a map.
const MOST: usize = 1 << 12;

impl Reader {
    /// The sum of maps of the same channels.
    fn added(&mut self, call: Call, maps: &[NodeId]) -> Result<NodeId, OnnxError> {
        let (&first, rest) = maps.split_first().ok_or_else(|| call.error("a sum of nothing"))?;
        let channels = self.channels(first);
        if let Some(&other) = rest.iter().find(|&&id| self.channels(id) != channels) {
            return Err(call.error(format!("maps of {channels} and {} channels", self.channels(other))));
        }
        Ok(rest.iter().fold(first, |sum, &id| self.push(call, Op::Add, &[sum, id], vec![])))
    }

    pub(super) fn sum(&mut self, call: Call) -> Result<(), OnnxError> {
        let mut maps = Vec::new();
        for n in 0..call.0.input.len() {
            maps.push(self.plain(call, n)?);
        }
        let id = self.added(call, &maps)?;
        self.set(call, Held::Map(id, Form::Map))
    }

    pub(super) fn reduce_sum(&mut self, call: Call) -> Result<(), OnnxError> {
        match self.held(call, 0)? {
            Held::Stack(maps) => {
                let id = self.of_stack(call, &maps)?;
                self.set(call, Held::Map(id, Form::Map))
            }
            Held::Sums(sums) => self.reduce_sums(call, &sums, false),
            other => Err(call.error(format!("the sum over axes of a {}", other.what()))),
        }
    }

    /// The sum of a stack along its first axis.
    fn of_stack(&mut self, call: Call, maps: &[NodeId]) -> Result<NodeId, OnnxError> {
        let axes = self.axes(call, "axes", 1)?.unwrap_or_default();
        if axes[..] != [0] || call.int("keepdims", 1) != 0 {
            return Err(
                call.error(format!("a stack of maps reduced over the axes {axes:?}; only the first is supported"))
            );
        }
        self.added(call, maps)
    }

    /// The mean of a stack along its first axis.
    pub(super) fn mean_of_stack(&mut self, call: Call, maps: &[NodeId]) -> Result<(), OnnxError> {
        let sum = self.of_stack(call, maps)?;
        let name = format!("{} mean", call.0.output.first().map_or("", String::as_str));
        let share = Floats::new(name, vec![], vec![single(1.0 / real(maps.len()))]);
        let factor = self.parameter(&share, &[1], Role::Gain);
        let id = self.push(call, Op::Gain, &[sum], vec![factor]);
        self.set(call, Held::Map(id, Form::Map))
    }

    /// Stacks joined along their first axis, if all are stacks.
    pub(super) fn joined_stack(call: Call, all: &[Held]) -> Result<Option<Held>, OnnxError> {
        let mut maps = Vec::new();
        for held in all {
            let Held::Stack(some) = held else { return Ok(None) };
            maps.extend(some);
        }
        if call.axis(call.int("axis", 0), 5)? != 0 || maps.len() > MOST {
            return Err(call.error(format!("{} stacks of maps joined along another axis than the first", all.len())));
        }
        Ok(Some(Held::Stack(maps)))
    }

    /// A map repeated along its channels.
    pub(super) fn tile(&mut self, call: Call) -> Result<(), OnnxError> {
        let (x, times) = (self.plain(call, 0)?, self.wholes(call, 1)?);
        let count = match times[..] {
            [1, count, 1, 1] if (1..=signed(MOST)).contains(&count) => natural(count),
            _ => return Err(call.error(format!("a map repeated {times:?} times; only channels are supported"))),
        };
        let id = if count == 1 { x } else { self.push(call, Op::Concat, &vec![x; count], vec![]) };
        self.set(call, Held::Map(id, Form::Map))
    }
}
