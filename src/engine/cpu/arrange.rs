//! Arrays side by side along the channels, and the middle of an array.

use super::kernel::{Kernel, View};
use crate::graph::Border;

/// Inputs: arrays that differ in channels only.
pub struct Concat;

impl Kernel for Concat {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [batch, _, h, w] = inputs[0].dims4();
        let mut joined = Vec::with_capacity(inputs.iter().map(|v| v.data.len()).sum());
        for image in 0..batch {
            for part in inputs {
                let len = part.data.len() / batch;
                joined.extend_from_slice(&part.data[image * len..(image + 1) * len]);
            }
        }
        (joined, vec![batch, inputs.iter().map(|v| v.dims4()[1]).sum(), h, w])
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let batch = inputs[0].dims4()[0];
        let mut parts: Vec<Vec<f32>> = inputs.iter().map(|v| Vec::with_capacity(v.data.len())).collect();
        let mut rest = dy;
        for _ in 0..batch {
            for (part, input) in parts.iter_mut().zip(inputs) {
                let (own, others) = rest.split_at(input.data.len() / batch);
                part.extend_from_slice(own);
                rest = others;
            }
        }
        parts.into_iter().map(Some).collect()
    }
}

/// Inputs: an array, and another of the size that its middle is cut to; offset `floor((big - small) / 2)`.
pub struct CropLike;

impl CropLike {
    /// Calls `visit` with the start of every line in the large and in the small array, and its length.
    fn lines(inputs: &[View], mut visit: impl FnMut(usize, usize, usize)) -> Vec<usize> {
        let [batch, channels, big_h, big_w] = inputs[0].dims4();
        let [_, _, h, w] = inputs[1].dims4();
        let offset = [(big_h - h) / 2, (big_w - w) / 2];
        for plane in 0..batch * channels {
            for row in 0..h {
                visit((plane * big_h + row + offset[0]) * big_w + offset[1], (plane * h + row) * w, w);
            }
        }
        vec![batch, channels, h, w]
    }
}

impl Kernel for CropLike {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let mut cut = Vec::new();
        let shape = Self::lines(inputs, |from, _, len| cut.extend_from_slice(&inputs[0].data[from..from + len]));
        (cut, shape)
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let mut dx = vec![0.0; inputs[0].data.len()];
        Self::lines(inputs, |to, from, len| dx[to..to + len].copy_from_slice(&dy[from..from + len]));
        vec![Some(dx), None]
    }
}

/// Inputs: an array of one position, and another at whose positions it is repeated.
pub struct SpreadLike;

impl Kernel for SpreadLike {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let ([batch, channels, ..], [_, _, h, w]) = (inputs[0].dims4(), inputs[1].dims4());
        let y = inputs[0].data.iter().flat_map(|&value| std::iter::repeat_n(value, h * w)).collect();
        (y, vec![batch, channels, h, w])
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let [_, _, h, w] = inputs[1].dims4();
        let sum = |plane: &[f32]| plane.iter().map(|&g| f64::from(g)).sum::<f64>() as f32;
        vec![Some(dy.chunks_exact((h * w).max(1)).map(sum).collect()), None]
    }
}

/// Input: x; result: part of one axis.
pub struct Slice {
    /// Which axis (1: channels, 2: rows, 3: columns).
    pub axis: usize,
    /// First entry.
    pub start: usize,
    /// Number of entries.
    pub len: usize,
}

impl Slice {
    /// Values per entry of the axis, and entries of the axis.
    fn steps(&self, x: &View) -> (usize, usize) {
        let dims = x.dims4();
        (dims[self.axis + 1..].iter().product(), dims[self.axis])
    }
}

impl Kernel for Slice {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let (each, entries) = self.steps(&inputs[0]);
        let mut shape = inputs[0].dims4();
        shape[self.axis] = self.len;
        let runs = inputs[0].data.chunks_exact((each * entries).max(1));
        (runs.flat_map(|run| &run[self.start * each..][..self.len * each]).copied().collect(), shape.to_vec())
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let (each, entries) = self.steps(&inputs[0]);
        let mut dx = vec![0.0; inputs[0].data.len()];
        let runs = dx.chunks_exact_mut((each * entries).max(1));
        for (run, dy) in runs.zip(dy.chunks_exact((self.len * each).max(1))) {
            run[self.start * each..][..self.len * each].copy_from_slice(dy);
        }
        vec![Some(dx)]
    }
}

/// Input: x; result: x with a border.
pub struct Pad(pub Border);

impl Pad {
    /// Shape of the result, and of every line of x its start there and in the result; lines have the width of x.
    fn lines(&self, x: &View) -> ([usize; 4], Vec<(usize, usize)>) {
        let [batch, channels, h, w] = x.dims4();
        let Border { before, after, .. } = self.0;
        let [wide_c, wide_h, wide_w] = [0, 1, 2].map(|n| [channels, h, w][n] + before[n] + after[n]);
        let mut starts = Vec::with_capacity(batch * channels * h);
        for plane in 0..batch * channels {
            let (image, channel) = (plane / channels, plane % channels);
            for row in 0..h {
                let to = (image * wide_c + channel + before[0]) * wide_h + row + before[1];
                starts.push(((plane * h + row) * w, to * wide_w + before[2]));
            }
        }
        ([batch, wide_c, wide_h, wide_w], starts)
    }
}

impl Kernel for Pad {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let (shape, starts) = self.lines(&inputs[0]);
        let width = inputs[0].dims4()[3];
        let mut y = vec![self.0.value; shape.iter().product()];
        starts.iter().for_each(|&(x, to)| y[to..to + width].copy_from_slice(&inputs[0].data[x..x + width]));
        (y, shape.to_vec())
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let (_, starts) = self.lines(&inputs[0]);
        let width = inputs[0].dims4()[3];
        let mut dx = vec![0.0; inputs[0].data.len()];
        starts.iter().for_each(|&(x, from)| dx[x..x + width].copy_from_slice(&dy[from..from + width]));
        vec![Some(dx)]
    }
}
