//! Convolution as matrix products over strips of rows (im2col), and what follows from it: the gradients and the
//! transposed convolution.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, s};
use rayon::prelude::*;

use super::compiled::options::Options;
use super::compiled::single;
use super::kernel::{Kernel, View};
use super::lines;
use crate::graph::{Conv, ConvTranspose};

/// Values of a strip's column matrix: about what a core's second-level cache holds.
const STRIP_VALUES: usize = 96 * 1024;

/// A convolution of concrete size.
#[derive(Clone, Copy)]
struct Shape {
    conv: Conv,
    input: [usize; 2],
    output: [usize; 2],
}

impl Shape {
    fn new(conv: Conv, input: [usize; 2]) -> Self {
        let output = [0, 1].map(|axis| conv.output_len(axis, input[axis]).unwrap_or(0));
        Self { conv, input, output }
    }

    fn input_len(&self) -> usize {
        self.input[0] * self.input[1]
    }

    fn output_len(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Rows of the column matrix: input channels of a group times kernel taps.
    fn depth(&self) -> usize {
        self.conv.inputs / self.conv.groups * self.conv.kernel[0] * self.conv.kernel[1]
    }

    fn group_outputs(&self) -> usize {
        self.conv.outputs / self.conv.groups
    }

    /// Output rows, in runs that fit the cache.
    fn strips(&self) -> Vec<std::ops::Range<usize>> {
        let rows = (STRIP_VALUES / (self.depth() * self.output[1]).max(1)).clamp(1, self.output[0].max(1));
        (0..self.output[0]).step_by(rows).map(|start| start..(start + rows).min(self.output[0])).collect()
    }

    fn is_pointwise(&self) -> bool {
        self.conv.kernel == [1, 1] && self.conv.stride == [1, 1] && self.conv.padding == [0, 0]
    }

    /// Input columns that output columns `0..width` read at horizontal tap `kx`: the output range that stays inside.
    fn inside(&self, kx: usize) -> (usize, usize, isize) {
        let stride = self.conv.stride[1] as isize;
        let offset = (kx * self.conv.dilation[1]) as isize - self.conv.padding[1] as isize;
        let first = (-offset).max(0).div_euclid(stride) + isize::from((-offset).max(0).rem_euclid(stride) != 0);
        let last = (self.input[1] as isize - 1 - offset).div_euclid(stride) + 1;
        let width = self.output[1] as isize;
        let start = first.min(width);
        let end = last.clamp(start, width);
        (start as usize, end as usize, offset)
    }

    fn source_row(&self, out_row: usize, ky: usize) -> Option<usize> {
        let row = (out_row * self.conv.stride[0] + ky * self.conv.dilation[0]).checked_sub(self.conv.padding[0])?;
        (row < self.input[0]).then_some(row)
    }

    /// Column matrix `[depth, rows * width]` of one group's channels.
    fn unfold(&self, channels: &[f32], rows: &std::ops::Range<usize>, columns: &mut Vec<f32>) {
        let [kh, kw] = self.conv.kernel;
        let width = self.output[1];
        columns.clear();
        columns.resize(self.depth() * rows.len() * width, 0.0);
        let stride = self.conv.stride[1];
        let mut target = columns.chunks_exact_mut(width);
        for channel in channels.chunks_exact(self.input_len()) {
            for ky in 0..kh {
                for kx in 0..kw {
                    let (start, end, offset) = self.inside(kx);
                    for row in rows.clone() {
                        let Some(line) = target.next() else { return };
                        let Some(source) = self.source_row(row, ky) else { continue };
                        let source = &channel[source * self.input[1]..(source + 1) * self.input[1]];
                        let from = (start * stride) as isize + offset;
                        if start < end && stride == 1 {
                            line[start..end].copy_from_slice(&source[from as usize..from as usize + end - start]);
                        } else if start < end {
                            let picked = source[from as usize..].iter().step_by(stride);
                            line[start..end].iter_mut().zip(picked).for_each(|(l, &v)| *l = v);
                        }
                    }
                }
            }
        }
    }

    /// Adds a column matrix back to the channels it was unfolded from.
    fn fold(&self, columns: &[f32], rows: &std::ops::Range<usize>, channels: &mut [f32]) {
        let [kh, kw] = self.conv.kernel;
        let width = self.output[1];
        let stride = self.conv.stride[1];
        let mut lines = columns.chunks_exact(width);
        for channel in channels.chunks_exact_mut(self.input_len()) {
            for ky in 0..kh {
                for kx in 0..kw {
                    let (start, end, offset) = self.inside(kx);
                    for row in rows.clone() {
                        let Some(line) = lines.next() else { return };
                        let Some(source) = self.source_row(row, ky) else { continue };
                        let target = &mut channel[source * self.input[1]..(source + 1) * self.input[1]];
                        if start < end {
                            let from = ((start * stride) as isize + offset) as usize;
                            target[from..]
                                .iter_mut()
                                .step_by(stride)
                                .zip(&line[start..end])
                                .for_each(|(t, &v)| *t += v);
                        }
                    }
                }
            }
        }
    }
}

/// A matrix view of exactly `rows * columns` values; a wrong length would be a slip of this file and gives no rows.
fn matrix(data: &[f32], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((rows, columns), data).unwrap_or_else(|_| ArrayView2::from(&[[0.0; 1]; 0]))
}

/// `out = a * b` for `[m, k]` and `[k, n]`.
fn multiply(a: &ArrayView2<f32>, b: &ArrayView2<f32>, out: &mut [f32]) {
    if let Ok(mut out) = ArrayViewMut2::from_shape((a.nrows(), b.ncols()), out) {
        general_mat_mul(1.0, a, b, 0.0, &mut out);
    }
}

/// `[batch, in, h, w]` and `[out, in / groups, kh, kw]` to `[batch, out, h', w']`, without bias.
fn forward(shape: &Shape, batch: usize, x: &[f32], weight: &[f32]) -> Vec<f32> {
    let conv = &shape.conv;
    if conv.groups == 1 {
        let sizes = [shape.input, shape.output];
        return single::convolve(conv, batch, sizes, x, weight, None, &Options::default());
    }
    let (outputs, depth, out_len) = (shape.group_outputs(), shape.depth(), shape.output_len());
    let group_in = conv.inputs / conv.groups * shape.input_len();
    let mut y = vec![0.0; batch * conv.outputs * out_len];
    let strips = shape.strips();
    y.par_chunks_mut(outputs * out_len).enumerate().for_each(|(item, y)| {
        let group = item % conv.groups;
        let source = &x[item * group_in..(item + 1) * group_in];
        let weight = matrix(&weight[group * outputs * depth..(group + 1) * outputs * depth], outputs, depth);
        let parts: Vec<Vec<f32>> = strips
            .par_iter()
            .map_init(Vec::new, |columns, rows| {
                let count = rows.len() * shape.output[1];
                let mut part = vec![0.0; outputs * count];
                if shape.is_pointwise() {
                    let start = rows.start * shape.output[1];
                    let all = matrix(source, depth, out_len);
                    multiply(&weight, &all.slice(s![.., start..start + count]), &mut part);
                } else {
                    shape.unfold(source, rows, columns);
                    multiply(&weight, &matrix(columns, depth, count), &mut part);
                }
                part
            })
            .collect();
        for (rows, part) in strips.iter().zip(parts) {
            let start = rows.start * shape.output[1];
            let count = rows.len() * shape.output[1];
            for (line, values) in y.chunks_exact_mut(out_len).zip(part.chunks_exact(count)) {
                line[start..start + count].copy_from_slice(values);
            }
        }
    });
    y
}

/// The gradient of the input: the transposed convolution of the output's gradient.
fn backward_input(shape: &Shape, batch: usize, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let conv = &shape.conv;
    let border = [0, 1].map(|axis| (conv.dilation[axis] * (conv.kernel[axis] - 1)).checked_sub(conv.padding[axis]));
    if let ([1, 1], 1, [Some(top), Some(left)]) = (conv.stride, conv.groups, border) {
        // With stride 1 it is a convolution with the kernel turned round and channels exchanged.
        let turned = Conv { inputs: conv.outputs, outputs: conv.inputs, padding: [top, left], ..*conv };
        let taps = conv.kernel[0] * conv.kernel[1];
        let mut flipped = vec![0.0; weight.len()];
        flipped.par_chunks_exact_mut(conv.outputs * taps).enumerate().for_each(|(i, row)| {
            for (o, to) in row.chunks_exact_mut(taps).enumerate() {
                let from = &weight[(o * conv.inputs + i) * taps..][..taps];
                to.iter_mut().zip(from.iter().rev()).for_each(|(t, &f)| *t = f);
            }
        });
        return forward(&Shape { conv: turned, input: shape.output, output: shape.input }, batch, dy, &flipped);
    }
    let apart = conv.kernel == conv.stride && conv.padding == [0, 0] && conv.dilation == [1, 1] && conv.groups == 1;
    if apart && [0, 1].iter().all(|&axis| shape.input[axis] == shape.output[axis] * conv.stride[axis]) {
        let channels = [conv.outputs, conv.inputs];
        return single::scatter(channels, conv.kernel, batch, shape.output, dy, weight, &Options::default());
    }
    let (outputs, depth, out_len) = (shape.group_outputs(), shape.depth(), shape.output_len());
    let group_in = conv.inputs / conv.groups * shape.input_len();
    let mut dx = vec![0.0; batch * conv.inputs * shape.input_len()];
    let strips = shape.strips();
    dx.par_chunks_mut(group_in).enumerate().for_each(|(item, dx)| {
        let group = item % conv.groups;
        let dy = matrix(&dy[item * outputs * out_len..(item + 1) * outputs * out_len], outputs, out_len);
        let weight = matrix(&weight[group * outputs * depth..(group + 1) * outputs * depth], outputs, depth);
        let mut columns = Vec::new();
        for rows in &strips {
            let start = rows.start * shape.output[1];
            let count = rows.len() * shape.output[1];
            columns.clear();
            columns.resize(depth * count, 0.0);
            multiply(&weight.t(), &dy.slice(s![.., start..start + count]), &mut columns);
            shape.fold(&columns, rows, dx);
        }
    });
    dx
}

/// The gradient of the weight.
fn backward_weight(shape: &Shape, batch: usize, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let conv = &shape.conv;
    if conv.groups == 1 {
        let sizes = [shape.input, shape.output];
        return single::weight_gradient(conv, batch, sizes, x, dy, &Options::default());
    }
    let (outputs, depth, out_len) = (shape.group_outputs(), shape.depth(), shape.output_len());
    let group_in = conv.inputs / conv.groups * shape.input_len();
    let strips = shape.strips();
    let mut dw = vec![0.0; conv.outputs * depth];
    for (group, dw) in dw.chunks_exact_mut(outputs * depth).enumerate() {
        let parts: Vec<Vec<f32>> = (0..batch)
            .into_par_iter()
            .map_init(Vec::new, |columns, image| {
                let mut sum = vec![0.0f32; outputs * depth];
                {
                    let item = image * conv.groups + group;
                    let x = &x[item * group_in..(item + 1) * group_in];
                    let dy = matrix(&dy[item * outputs * out_len..(item + 1) * outputs * out_len], outputs, out_len);
                    for rows in &strips {
                        let start = rows.start * shape.output[1];
                        let count = rows.len() * shape.output[1];
                        let part = dy.slice(s![.., start..start + count]);
                        if let Ok(mut sum) = ArrayViewMut2::from_shape((outputs, depth), &mut sum) {
                            if shape.is_pointwise() {
                                let all = matrix(x, depth, out_len);
                                general_mat_mul(
                                    1.0,
                                    &part,
                                    &all.slice(s![.., start..start + count]).t(),
                                    1.0,
                                    &mut sum,
                                );
                            } else {
                                shape.unfold(x, rows, columns);
                                general_mat_mul(1.0, &part, &matrix(columns, depth, count).t(), 1.0, &mut sum);
                            }
                        }
                    }
                }
                sum
            })
            .collect();
        for part in parts {
            dw.iter_mut().zip(part).for_each(|(total, value)| *total += value);
        }
    }
    dw
}

fn add_bias(y: &mut [f32], bias: &[f32], positions: usize) {
    if bias.iter().any(|&b| b != 0.0) {
        let maps = y.par_chunks_exact_mut(positions).enumerate();
        maps.for_each(|(n, map)| lines::add_constant(map, bias[n % bias.len()]));
    }
}

fn backward_bias(dy: &[f32], channels: usize, positions: usize) -> Vec<f32> {
    let sums: Vec<f64> = dy.par_chunks_exact(positions.max(1)).map(lines::sum).collect();
    (0..channels).map(|c| sums.iter().skip(c).step_by(channels).sum::<f64>() as f32).collect()
}

/// Inputs: x, weight, bias (one zero per output channel where there is none).
pub struct Conv2d(pub Conv);

impl Kernel for Conv2d {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [batch, _, h, w] = inputs[0].dims4();
        let shape = Shape::new(self.0, [h, w]);
        let y = if self.0.groups == 1 {
            let sizes = [shape.input, shape.output];
            let bias = Some(inputs[2].data);
            single::convolve(&self.0, batch, sizes, inputs[0].data, inputs[1].data, bias, &Options::default())
        } else {
            let mut y = forward(&shape, batch, inputs[0].data, inputs[1].data);
            add_bias(&mut y, inputs[2].data, shape.output_len().max(1));
            y
        };
        (y, vec![batch, self.0.outputs, shape.output[0], shape.output[1]])
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let [batch, _, h, w] = inputs[0].dims4();
        let shape = Shape::new(self.0, [h, w]);
        vec![
            Some(backward_input(&shape, batch, inputs[1].data, dy)),
            Some(backward_weight(&shape, batch, inputs[0].data, dy)),
            self.0.bias.then(|| backward_bias(dy, self.0.outputs, shape.output_len())),
        ]
    }
}

/// Inputs: x, weight `[in, out / groups, kh, kw]`, bias.
pub struct ConvTranspose2d(pub ConvTranspose);

impl ConvTranspose2d {
    /// The convolution whose input gradient this is.
    fn mirror(&self, input: [usize; 2]) -> Shape {
        let t = &self.0;
        let conv = Conv {
            inputs: t.outputs,
            outputs: t.inputs,
            kernel: t.kernel,
            stride: t.stride,
            padding: t.padding,
            dilation: [1; 2],
            groups: t.groups,
            bias: false,
        };
        let output = [0, 1].map(|axis| t.output_len(axis, input[axis]).unwrap_or(0));
        Shape { conv, input: output, output: input }
    }
}

impl Kernel for ConvTranspose2d {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [batch, _, h, w] = inputs[0].dims4();
        let shape = self.mirror([h, w]);
        let mut y = backward_input(&shape, batch, inputs[1].data, inputs[0].data);
        add_bias(&mut y, inputs[2].data, shape.input_len().max(1));
        (y, vec![batch, self.0.outputs, shape.input[0], shape.input[1]])
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let [batch, _, h, w] = inputs[0].dims4();
        let shape = self.mirror([h, w]);
        vec![
            Some(forward(&shape, batch, dy, inputs[1].data)),
            Some(backward_weight(&shape, batch, dy, inputs[0].data)),
            self.0.bias.then(|| backward_bias(dy, self.0.outputs, shape.input_len())),
        ]
    }
}
