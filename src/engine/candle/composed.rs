//! The operations put together from those of candle whose gradients are right on every device.
//!
//! What is avoided and why: `max_pool2d` and the pools' and `upsample` backward passes are wrong or missing; `relu` has
//! gradient 1 at 0; fused softmax and layer norm cut gradients; `conv2d` knows one stride and padding for both axes, and
//! its backward pass assumes that the stride fits. Seen in candle 0.11 `backprop.rs`.

#![allow(clippy::needless_range_loop, reason = "loops over axes index several arrays of two")]

use candle_core::{D, Result, Tensor};

use crate::engine::resampling::{Resample, Taps};
use crate::graph::{
    Activation, Affinity, Border, Conv, ConvTranspose, LocalResponse, Normalisation, Pool, SoftmaxOver,
};

/// Every `step`-th entry of an axis from `start`, `count` of them.
fn pick(x: &Tensor, axis: usize, start: usize, step: usize, count: usize) -> Result<Tensor> {
    if step == 1 {
        return x.narrow(axis, start, count);
    }
    let index: Vec<u32> = (0..count).map(|n| (start + n * step) as u32).collect();
    x.contiguous()?.index_select(&Tensor::new(index, x.device())?, axis)
}

fn pad(x: &Tensor, [vertical, horizontal]: [usize; 2]) -> Result<Tensor> {
    let x = if vertical > 0 { x.pad_with_zeros(2, vertical, vertical)? } else { x.clone() };
    if horizontal > 0 { x.pad_with_zeros(3, horizontal, horizontal) } else { Ok(x) }
}

/// Convolution: borders and strides are made explicit, so that candle's call has padding 0 and a stride that fits.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, conv: &Conv) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let size = [0, 1].map(|axis| conv.output_len(axis, [h, w][axis]).unwrap_or(0));
    let padded = pad(x, conv.padding)?;
    let alike = conv.stride[0] == conv.stride[1];
    let stride = if alike { conv.stride[0] } else { 1 };
    let mut read = padded;
    for axis in 0..2 {
        let reach = conv.dilation[axis] * (conv.kernel[axis] - 1) + 1;
        read = read.narrow(2 + axis, 0, (size[axis] - 1) * conv.stride[axis] + reach)?;
    }
    let read = read.contiguous()?;
    let mut y = if conv.dilation[0] == conv.dilation[1] {
        read.conv2d(weight, 0, stride, conv.dilation[0], conv.groups)?
    } else {
        candle_core::bail!("dilation {:?} differs between the axes", conv.dilation)
    };
    if !alike {
        y = pick(&pick(&y, 2, 0, conv.stride[0], size[0])?, 3, 0, conv.stride[1], size[1])?;
    }
    add_bias(y, bias)
}

fn add_bias(y: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(bias) => y.broadcast_add(&bias.reshape((1, bias.elem_count(), 1, 1))?),
        None => Ok(y),
    }
}

/// Transposed convolution: zeros between the input's values, then a convolution with the kernel turned round.
pub fn conv_transpose2d(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, conv: &ConvTranspose) -> Result<Tensor> {
    let mut spread = x.clone();
    for axis in 0..2 {
        spread = spread_axis(&spread, 2 + axis, conv.stride[axis])?;
        let before = conv.kernel[axis] - 1;
        spread = spread.pad_with_zeros(2 + axis, before, before + conv.output_padding[axis])?;
        let cut = conv.padding[axis];
        let length = spread.dim(2 + axis)?;
        spread = spread.narrow(2 + axis, cut, length - 2 * cut)?;
    }
    // [in, out / groups, kh, kw] -> [out, in / groups, kh, kw], kernel turned round.
    let turned =
        weight.chunk(conv.groups, 0)?.iter().map(|w| w.transpose(0, 1)?.contiguous()).collect::<Result<Vec<_>>>()?;
    let turned = reverse(&reverse(&Tensor::cat(&turned, 0)?, 2)?, 3)?;
    add_bias(spread.contiguous()?.conv2d(&turned.contiguous()?, 0, 1, 1, conv.groups)?, bias)
}

fn reverse(x: &Tensor, axis: usize) -> Result<Tensor> {
    let count = x.dim(axis)? as u32;
    let index: Vec<u32> = (0..count).rev().collect();
    x.contiguous()?.index_select(&Tensor::new(index, x.device())?, axis)
}

fn spread_axis(x: &Tensor, axis: usize, stride: usize) -> Result<Tensor> {
    if stride == 1 {
        return Ok(x.clone());
    }
    let count = x.dim(axis)?;
    let wide = x.unsqueeze(axis + 1)?.pad_with_zeros(axis + 1, 0, stride - 1)?;
    let mut dims = x.dims().to_vec();
    dims[axis] = count * stride;
    wide.reshape(dims)?.narrow(axis, 0, (count - 1) * stride + 1)
}

/// Max pooling as the largest of shifted views.
pub fn max_pool2d(x: &Tensor, pool: &Pool) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let size = [0, 1].map(|axis| pool.output_len(axis, [h, w][axis]).unwrap_or(0));
    let mut padded = x.clone();
    for axis in 0..2 {
        let length = padded.dim(2 + axis)?;
        let reach = (size[axis] - 1) * pool.stride[axis] + pool.kernel[axis];
        let after = reach.saturating_sub(length + pool.padding[axis]);
        let border = |count: usize| -> Result<Option<Tensor>> {
            let mut dims = padded.dims().to_vec();
            dims[2 + axis] = count;
            (count > 0).then(|| Tensor::full(f32::NEG_INFINITY, dims, x.device())?.to_dtype(x.dtype())).transpose()
        };
        let parts: Vec<Tensor> =
            [border(pool.padding[axis])?, Some(padded.clone()), border(after)?].into_iter().flatten().collect();
        padded = Tensor::cat(&parts, 2 + axis)?;
    }
    let mut largest: Option<Tensor> = None;
    for ky in 0..pool.kernel[0] {
        for kx in 0..pool.kernel[1] {
            let view = pick(&pick(&padded, 2, ky, pool.stride[0], size[0])?, 3, kx, pool.stride[1], size[1])?;
            largest = Some(match largest {
                Some(l) => l.maximum(&view)?,
                None => view,
            });
        }
    }
    largest.ok_or_else(|| candle_core::Error::Msg("a pooling window is empty".into()))
}

fn dense(taps: &Taps, input: usize, like: &Tensor) -> Result<Tensor> {
    let mut matrix = vec![0.0f32; taps.len() * input];
    for (row, sources) in taps.iter().enumerate() {
        for &(at, weight) in sources {
            matrix[row * input + at] += weight;
        }
    }
    Tensor::from_vec(matrix, (taps.len(), input), like.device())?.to_dtype(like.dtype())
}

/// Mean pooling and resampling as products with two matrices.
pub fn resample(x: &Tensor, map: &Resample) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    let rows = dense(&map.rows, h, x)?;
    let columns = dense(&map.columns, w, x)?;
    let wide = x.contiguous()?.reshape((b * c * h, w))?.matmul(&columns.t()?)?;
    let ow = map.columns.len();
    let tall = rows.unsqueeze(0)?.broadcast_as((b * c, map.rows.len(), h))?.contiguous()?;
    tall.matmul(&wide.reshape((b * c, h, ow))?)?.reshape((b, c, map.rows.len(), ow))
}

/// Normalisation with the data's own moments; also returns mean and biased variance per set.
pub fn normalise(
    x: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    kind: Normalisation,
    eps: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    let (b, c, h, w) = x.dims4()?;
    let (sets, axis) = match kind {
        Normalisation::Batch { .. } => (x.transpose(0, 1)?.contiguous()?.reshape((c, b * h * w))?, 1),
        Normalisation::Instance | Normalisation::Layer => (x.contiguous()?.reshape((b * c, h * w))?, 1),
        Normalisation::Group { groups } => (x.contiguous()?.reshape((b * groups, c / groups * h * w))?, 1),
    };
    let mean = sets.mean_keepdim(axis)?;
    let centred = sets.broadcast_sub(&mean)?;
    let variance = centred.sqr()?.mean_keepdim(axis)?;
    let normalised = centred.broadcast_div(&(&variance + eps)?.sqrt()?)?;
    let normalised = match kind {
        Normalisation::Batch { .. } => normalised.reshape((c, b, h, w))?.transpose(0, 1)?,
        _ => normalised.reshape((b, c, h, w))?,
    };
    Ok((scale_shift(&normalised, scale, shift)?, mean, variance))
}

/// `x * scale + shift`, per channel.
pub fn scale_shift(x: &Tensor, scale: &Tensor, shift: &Tensor) -> Result<Tensor> {
    let shape = (1, scale.elem_count(), 1, 1);
    x.broadcast_mul(&scale.reshape(shape)?)?.broadcast_add(&shift.reshape(shape)?)
}

/// Element-wise functions.
pub fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    let positive = |x: &Tensor| x.gt(0f32)?.to_dtype(x.dtype());
    match activation {
        Activation::Relu => x * positive(x)?,
        Activation::LeakyRelu(slope) => x * positive(x)?.affine(1.0 - f64::from(slope), f64::from(slope))?,
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => x.neg()?.exp()?.affine(1.0, 1.0)?.recip(),
        Activation::Clip(low, high) => cut(x, low, high),
        Activation::HardSigmoid { slope, shift } => cut(&x.affine(f64::from(slope), f64::from(shift))?, 0.0, 1.0),
        Activation::HardSwish => x * cut(&x.affine(1.0, 3.0)?, 0.0, 6.0)?.affine(1.0 / 6.0, 0.0)?,
        Activation::Gelu => x * x.affine(std::f64::consts::FRAC_1_SQRT_2, 0.0)?.erf()?.affine(0.5, 0.5)?,
        Activation::GeluTanh => {
            let inner = (x + (x * x.sqr()?)?.affine(0.044_715, 0.0)?)?;
            let root = (2.0 * std::f64::consts::FRAC_1_PI).sqrt();
            x * inner.affine(root, 0.0)?.tanh()?.affine(0.5, 0.5)?
        }
        Activation::Elu(scale) => {
            let above = (x * positive(x)?)?;
            let below = (x * positive(x)?.affine(-1.0, 1.0)?)?;
            above + below.exp()?.affine(f64::from(scale), -f64::from(scale))?
        }
        Activation::Softplus => softplus(x),
        Activation::Mish => x * softplus(x)?.tanh()?,
    }
}

/// x between two numbers; what is cut has no gradient.
fn cut(x: &Tensor, low: f32, high: f32) -> Result<Tensor> {
    let above = x.gt(low)?.to_dtype(x.dtype())?;
    let below = x.lt(high)?.to_dtype(x.dtype())?;
    let inside = (&above * &below)?;
    // Products with infinity would not be numbers.
    let bound = |is_beyond: Tensor, value: f32| {
        if value.is_finite() { is_beyond.affine(f64::from(value), 0.0) } else { is_beyond.zeros_like() }
    };
    let ends = (bound(above.affine(-1.0, 1.0)?, low)? + bound(below.affine(-1.0, 1.0)?, high)?)?;
    x * inside + ends
}

/// ln(1 + exp(x)) as max(x, 0) + ln(1 + exp(-|x|)).
fn softplus(x: &Tensor) -> Result<Tensor> {
    let positive = x.gt(0f32)?.to_dtype(x.dtype())?;
    let rest = (x * positive.affine(-2.0, 1.0)?)?.exp()?.affine(1.0, 1.0)?.log()?;
    (x * positive)? + rest
}

/// A rectifier with one slope below zero, or one for each channel.
pub fn parametric_relu(x: &Tensor, slope: &Tensor) -> Result<Tensor> {
    let positive = x.gt(0f32)?.to_dtype(x.dtype())?;
    let slope = slope.reshape((1, slope.elem_count(), 1, 1))?.to_dtype(x.dtype())?;
    let below = (x * positive.affine(-1.0, 1.0)?)?.broadcast_mul(&slope)?;
    (x * positive)? + below
}

/// A map with a border.
pub fn border(x: &Tensor, border: &Border) -> Result<Tensor> {
    let mut wide = x.clone();
    for (axis, (&before, &after)) in border.before.iter().zip(&border.after).enumerate() {
        let strip = |count: usize| -> Result<Option<Tensor>> {
            let mut dims = wide.dims().to_vec();
            dims[axis + 1] = count;
            (count > 0).then(|| Tensor::full(border.value, dims, x.device())?.to_dtype(x.dtype())).transpose()
        };
        let parts: Vec<Tensor> = [strip(before)?, Some(wide.clone()), strip(after)?].into_iter().flatten().collect();
        wide = Tensor::cat(&parts, axis + 1)?;
    }
    Ok(wide)
}

/// Layer norm over the channels of each position.
pub fn layer_norm(x: &Tensor, scale: &Tensor, shift: &Tensor, eps: f64) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(1)?)?;
    let variance = centred.sqr()?.mean_keepdim(1)?;
    scale_shift(&centred.broadcast_div(&(variance + eps)?.sqrt()?)?, scale, shift)
}

/// Scores less their largest, exponentials of that, and their sum along an axis.
fn exponentials(x: &Tensor, axis: D) -> Result<[Tensor; 3]> {
    let shifted = x.broadcast_sub(&x.max_keepdim(axis)?.detach())?;
    let each = shifted.exp()?;
    let sum = each.sum_keepdim(axis)?;
    Ok([shifted, each, sum])
}

/// Softmax or its logarithm, from primitive operations.
pub fn softmax(x: &Tensor, over: SoftmaxOver, log: bool) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    let (set, axis) = match over {
        SoftmaxOver::Channels => (x.clone(), D::Minus(3)),
        SoftmaxOver::Positions => (flat(x)?.reshape((b, c, 1, h * w))?, D::Minus(1)),
    };
    let [shifted, each, sum] = exponentials(&set, axis)?;
    let y = if log { shifted.broadcast_sub(&sum.log()?)? } else { each.broadcast_div(&sum)? };
    y.reshape((b, c, h, w))
}

fn flat(x: &Tensor) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    x.contiguous()?.reshape((b, c, h * w))
}

/// Softmax over the last axis.
fn softmax_last(x: &Tensor) -> Result<Tensor> {
    let [_, each, sum] = exponentials(x, D::Minus(1))?;
    each.broadcast_div(&sum)
}

/// Products of queries and keys with their halves of the pair's weight `[1, 2 d, 1, 1]`.
pub fn pair_halves(query: &Tensor, key: &Tensor, weight: &Tensor) -> Result<[Tensor; 2]> {
    let depth = query.dim(1)?;
    let half = |x: &Tensor, start: usize| -> Result<Tensor> {
        let (b, _, h, w) = x.dims4()?;
        let weight = weight.reshape((1, 2 * depth))?.narrow(1, start, depth)?.contiguous()?;
        let weight = weight.broadcast_as((b, 1, depth))?.contiguous()?;
        weight.matmul(&flat(x)?)?.reshape((b, 1, h, w))
    };
    Ok([half(query, 0)?, half(key, depth)?])
}

/// Attention of every position to every key; the matrix of all pairs is made.
pub fn attend(query: &Tensor, key: &Tensor, value: &Tensor, affinity: Affinity) -> Result<Tensor> {
    let (b, _, h, w) = query.dims4()?;
    let channels = value.dim(1)?;
    let (query, key, value) = (flat(query)?.transpose(1, 2)?.contiguous()?, flat(key)?, flat(value)?);
    let keys = key.dim(2)? as f64;
    let weights = match affinity {
        Affinity::Softmax => softmax_last(&query.matmul(&key)?)?,
        Affinity::Dot => query.matmul(&key)?.affine(1.0 / keys, 0.0)?,
        Affinity::Concat => activate(&query.broadcast_add(&key)?, Activation::Relu)?.affine(1.0 / keys, 0.0)?,
    };
    value.matmul(&weights.transpose(1, 2)?.contiguous()?)?.reshape((b, channels, h, w))
}

/// Attention along rows and columns: rows and columns as batches, and one softmax over both.
pub fn criss_cross(query: &Tensor, key: &Tensor, value: &Tensor) -> Result<Tensor> {
    let (b, d, h, w) = query.dims4()?;
    let channels = value.dim(1)?;
    // [b, c, h, w] as [b w, c, h] and [b h, c, w].
    let by_column = |x: &Tensor, c: usize| x.permute((0, 3, 1, 2))?.contiguous()?.reshape((b * w, c, h));
    let by_row = |x: &Tensor, c: usize| x.permute((0, 2, 1, 3))?.contiguous()?.reshape((b * h, c, w));
    let scores = |q: &Tensor, k: &Tensor| q.transpose(1, 2)?.contiguous()?.matmul(k);
    // The position itself counts in its row only.
    let mut own = vec![0.0f32; h * h];
    (0..h).for_each(|n| own[n * h + n] = f32::NEG_INFINITY);
    let own = Tensor::from_vec(own, (1, h, h), query.device())?;
    let down = scores(&by_column(query, d)?, &by_column(key, d)?)?.broadcast_add(&own)?;
    let down = down.reshape((b, w, h, h))?.permute((0, 2, 1, 3))?.contiguous()?;
    let across = scores(&by_row(query, d)?, &by_row(key, d)?)?.reshape((b, h, w, w))?;
    let weights = softmax_last(&Tensor::cat(&[down, across], 3)?)?;
    let down = weights.narrow(3, 0, h)?.permute((0, 2, 3, 1))?.contiguous()?.reshape((b * w, h, h))?;
    let across = weights.narrow(3, h, w)?.transpose(2, 3)?.contiguous()?.reshape((b * h, w, w))?;
    let down = by_column(value, channels)?.matmul(&down)?.reshape((b, w, channels, h))?.permute((0, 2, 3, 1))?;
    let across = by_row(value, channels)?.matmul(&across)?.reshape((b, h, channels, w))?.permute((0, 2, 1, 3))?;
    down.contiguous()? + across.contiguous()?
}

/// Local response normalisation, the power through logarithm and exponential.
pub fn local_response(x: &Tensor, constants: &LocalResponse) -> Result<Tensor> {
    let below = constants.size / 2;
    let squares = x.sqr()?.pad_with_zeros(1, below, constants.size - 1 - below)?;
    let mut sum = squares.narrow(1, 0, x.dim(1)?)?;
    for shift in 1..constants.size {
        sum = (sum + squares.narrow(1, shift, x.dim(1)?)?)?;
    }
    x * sum.affine(constants.alpha, constants.k)?.log()?.affine(-constants.beta, 0.0)?.exp()?
}
