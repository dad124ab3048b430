//! Products of matrices: fully connected layers and attention.

use super::super::Role;
use super::super::op::{Affinity, Conv, Op};
use super::OnnxError;
use super::calls::Call;
use super::held::{Form, Held, Scored};
use super::import::Reader;
use crate::work::numbers::real;

impl Reader {
    pub(super) fn matmul(&mut self, call: Call) -> Result<(), OnnxError> {
        match (self.held(call, 0)?, self.held(call, 1)?) {
            (Held::Map(x, Form::Vector), Held::Floats(weight)) if weight.shape.len() == 2 => {
                let weight = self.transposed(call, &weight)?;
                self.linear(call, x, &weight, None)
            }
            (Held::Map(x, form @ (Form::ChannelsLast | Form::Columns)), Held::Floats(weight))
                if weight.shape.len() == 2 && weight.shape[0] == self.channels(x) && weight.shape[1] > 0 =>
            {
                let weight = self.transposed(call, &weight)?;
                let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
                let weight = self.parameter(&weight, &[outputs, inputs, 1, 1], Role::Weight { fan_in: real(inputs) });
                let conv = Conv { bias: false, ..Conv::square(inputs, outputs, 1) };
                let id = self.push(call, Op::Conv2d(conv), &[x], vec![weight]);
                self.set(call, Held::Map(id, form))
            }
            (Held::Map(query, Form::Columns), Held::Map(key, Form::Rows)) => {
                if self.channels(query) != self.channels(key) {
                    return Err(call.error("queries and keys of different channels"));
                }
                self.set(call, Held::Scores { query, key, scored: Scored::Raw })
            }
            (Held::Scores { query, key, scored }, Held::Map(value, Form::Columns)) => {
                let affinity = match scored {
                    Scored::Softmax => Affinity::Softmax,
                    Scored::Mean => Affinity::Dot,
                    Scored::Raw => return Err(call.error("attention scores that are neither a softmax nor a mean")),
                };
                let id = self.push(call, Op::Attend(affinity), &[query, key, value], vec![]);
                self.set(call, Held::Map(id, Form::Columns))
            }
            (Held::Map(x, Form::Rows), Held::Map(weights, Form::Columns)) if self.channels(weights) == 1 => {
                let id = self.push(call, Op::WeightedPool, &[x, weights], vec![]);
                self.set(call, Held::Map(id, Form::Rows))
            }
            _ => Err(call.error("neither a fully connected layer nor attention over all positions")),
        }
    }
}
