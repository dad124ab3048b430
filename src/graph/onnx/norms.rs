//! Normalisations and softmax.

use super::super::Role;
use super::super::op::{Normalisation, Op, SoftmaxOver};
use super::OnnxError;
use super::calls::Call;
use super::constant::Floats;
use super::held::{Form, Held, Scored};
use super::import::Reader;

impl Reader {
    /// Scale and shift, inputs 1 and 2.
    fn scale_and_shift(&mut self, call: Call, channels: usize, shape: &[usize]) -> Result<Vec<usize>, OnnxError> {
        let (scale, shift) = (self.floats(call, 1)?, self.floats(call, 2)?);
        if scale.len() != channels || shift.len() != channels {
            return Err(call.error(format!("a scale of {:?} for {channels} channels", scale.shape)));
        }
        Ok(vec![self.parameter(&scale, shape, Role::NormScale), self.parameter(&shift, shape, Role::Bias)])
    }

    fn norm(&mut self, call: Call, x: usize, kind: Normalisation, parameters: Vec<usize>) -> usize {
        let eps = f64::from(call.float("epsilon", 1e-5));
        let (channels, affine) = (self.channels(x), !parameters.is_empty());
        self.push(call, Op::Norm { kind, channels, eps, affine }, &[x], parameters)
    }

    pub(super) fn batch_norm(&mut self, call: Call) -> Result<(), OnnxError> {
        let (x, form) = self.map(call, 0)?;
        if call.int("training_mode", 0) != 0 {
            return Err(call.error("it is exported for training; export the network in its evaluation mode"));
        }
        if !(matches!(form, Form::Map | Form::Rows) || form == Form::Vector && self.is_single(x)) {
            return Err(call.error(format!("its map is reshaped ({form:?})")));
        }
        let channels = self.channels(x);
        let mut parameters = self.scale_and_shift(call, channels, &[channels])?;
        for (n, role) in [(3, Role::RunningMean), (4, Role::RunningVariance)] {
            let statistic = self.floats(call, n)?;
            if statistic.len() != channels {
                return Err(call.error(format!("statistics of {:?} for {channels} channels", statistic.shape)));
            }
            parameters.push(self.parameter(&statistic, &[channels], role));
        }
        let momentum = 1.0 - f64::from(call.float("momentum", 0.9));
        let id = self.norm(call, x, Normalisation::Batch { momentum }, parameters);
        self.set(call, Held::Map(id, form))
    }

    /// On groups of channels it is the first part of a group norm, whose scale and shift follow.
    pub(super) fn instance_norm(&mut self, call: Call) -> Result<(), OnnxError> {
        let (x, form) = self.map(call, 0)?;
        let id = match form {
            Form::Map | Form::Rows => {
                let channels = self.channels(x);
                let parameters = self.scale_and_shift(call, channels, &[channels])?;
                self.norm(call, x, Normalisation::Instance, parameters)
            }
            Form::Groups(groups) => {
                let (scale, shift) = (self.floats(call, 1)?, self.floats(call, 2)?);
                let is = |values: &[f32], value: f32| values.iter().all(|&v| v == value);
                if !is(&self.values(call, &scale)?, 1.0) || !is(&self.values(call, &shift)?, 0.0) {
                    return Err(call.error("groups of channels with a scale of their own"));
                }
                self.norm(call, x, Normalisation::Group { groups }, vec![])
            }
            _ => return Err(call.error(format!("its map is reshaped ({form:?})"))),
        };
        self.set(call, Held::Map(id, form))
    }

    pub(super) fn group_norm(&mut self, call: Call) -> Result<(), OnnxError> {
        let x = self.plain(call, 0)?;
        let channels = self.channels(x);
        let groups = usize::try_from(call.int("num_groups", 0)).unwrap_or(0);
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(call.error(format!("{groups} groups of {channels} channels")));
        }
        let (scale, shift) = (self.floats(call, 1)?, self.floats(call, 2)?);
        let (scale, shift) = (self.per_channel(call, scale, channels)?, self.per_channel(call, shift, channels)?);
        let parameters =
            vec![self.parameter(&scale, &[channels], Role::NormScale), self.parameter(&shift, &[channels], Role::Bias)];
        let id = self.norm(call, x, Normalisation::Group { groups }, parameters);
        self.set(call, Held::Map(id, Form::Map))
    }

    /// Before operator set 21 group norms have one scale for each group.
    fn per_channel(&mut self, call: Call, floats: Floats, channels: usize) -> Result<Floats, OnnxError> {
        let count = floats.len();
        if count == channels {
            return Ok(floats);
        }
        if count == 0 || !channels.is_multiple_of(count) {
            return Err(call.error(format!("a scale of {:?} for {channels} channels", floats.shape)));
        }
        let values = self.values(call, &floats)?;
        let repeated = (0..channels).map(|c| values[c / (channels / count)]).collect();
        self.derive(call, channels)?;
        Ok(Floats::new(format!("{} by channel", floats.name), vec![channels], repeated))
    }

    /// Over the channels of each position.
    pub(super) fn layer_norm(&mut self, call: Call) -> Result<(), OnnxError> {
        let (x, form) = self.map(call, 0)?;
        let axis = call.axis(call.int("axis", -1), form.rank())?;
        let channels = self.channels(x);
        let single = self.is_single(x) && axis == 1 && matches!(form, Form::Map | Form::Vector | Form::Rows);
        let by_position = matches!(form, Form::ChannelsLast | Form::Columns | Form::PositionsFirst);
        if !single && (!by_position || axis != form.channel_axis()) || call.0.output.len() > 1 {
            return Err(call.error(format!(
                "a layer norm over the axes from {axis} on ({form:?}); only one over the channels of each position is supported"
            )));
        }
        let shape = if single { vec![channels, 1, 1] } else { vec![channels] };
        let parameters = if self.optional(call, 2)?.is_some() {
            self.scale_and_shift(call, channels, &shape)?
        } else {
            let scale = self.floats(call, 1)?;
            if scale.len() != channels {
                return Err(call.error(format!("a scale of {:?} for {channels} channels", scale.shape)));
            }
            let scale = self.parameter(&scale, &shape, Role::NormScale);
            let name = format!("{}.shift", self.graph.parameters[scale].name);
            vec![scale, self.new_parameter(&name, &shape, 0.0, Role::Bias)]
        };
        let kind = if single { Normalisation::Group { groups: 1 } } else { Normalisation::Layer };
        let id = self.norm(call, x, kind, parameters);
        self.set(call, Held::Map(id, form))
    }

    pub(super) fn softmax(&mut self, call: Call, logarithm: bool) -> Result<(), OnnxError> {
        let flattens = self.operator_set < 13;
        let default = if flattens { 1 } else { -1 };
        let held = self.held(call, 0)?;
        if let Held::Scores { query, key, scored: Scored::Raw } = held
            && !logarithm
            && call.axis(call.int("axis", default), 3)? == 2
        {
            return self.set(call, Held::Scores { query, key, scored: Scored::Softmax });
        }
        let (x, form) = self.map(call, 0)?;
        let axis = call.axis(call.int("axis", default), form.rank())?;
        if flattens && axis + 1 != form.rank() && !(axis == 1 && self.is_single(x) && form.channel_axis() == 1) {
            return Err(call.error("a softmax over several axes"));
        }
        let single = self.is_single(x);
        let over = match form {
            Form::Vector if !single => None,
            Form::Map | Form::ChannelsLast | Form::Vector | Form::Rows | Form::Columns
                if axis == form.channel_axis() =>
            {
                Some(SoftmaxOver::Channels)
            }
            Form::Rows if axis == 2 => Some(SoftmaxOver::Positions),
            Form::Columns if axis == 1 => Some(SoftmaxOver::Positions),
            _ => None,
        };
        let op = match (over, logarithm) {
            (Some(over), false) => Op::Softmax(over),
            (Some(SoftmaxOver::Channels), true) => Op::LogSoftmax,
            _ => return Err(call.error(format!("a softmax over axis {axis} of {form:?}"))),
        };
        let id = self.push(call, op, &[x], vec![]);
        self.set(call, Held::Map(id, form))
    }
}
