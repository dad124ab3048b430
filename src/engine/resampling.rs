//! Pooling by means and resampling as what they are: a linear map along rows times one along columns.

use crate::graph::{Op, Pool, UpsampleMode, UpsampleTo};

/// For each output index the input indices and weights it sums.
pub type Taps = Vec<Vec<(usize, f32)>>;

/// A separable linear map of each channel.
pub struct Resample {
    /// Map of rows.
    pub rows: Taps,
    /// Map of columns.
    pub columns: Taps,
}

impl Resample {
    /// The map of a mean pooling or resampling operation for an input of this size; `None` for other operations.
    pub fn of(op: &Op, input: [usize; 2]) -> Option<Self> {
        let axes = |f: &dyn Fn(usize) -> Taps| Some(Self { rows: f(0), columns: f(1) });
        match op {
            Op::AvgPool2d(pool) => axes(&|axis| mean_taps(pool, axis, input[axis])),
            Op::AdaptiveAvgPool2d(size) => axes(&|axis| adaptive_taps(input[axis], size[axis])),
            Op::Upsample(mode, to) => {
                let size = match to {
                    UpsampleTo::Scale(scale) => [input[0] * scale[0], input[1] * scale[1]],
                    UpsampleTo::Size(size) => *size,
                };
                axes(&|axis| match *mode {
                    UpsampleMode::Nearest => nearest_taps(input[axis], size[axis]),
                    UpsampleMode::Bilinear { align_corners } => linear_taps(input[axis], size[axis], align_corners),
                })
            }
            _ => None,
        }
    }
}

fn mean_taps(pool: &Pool, axis: usize, input: usize) -> Taps {
    let (kernel, padding) = (pool.kernel[axis], pool.padding[axis]);
    (0..pool.output_len(axis, input).unwrap_or(0))
        .map(|out| {
            let start = out * pool.stride[axis];
            let end = (start + kernel).min(input + 2 * padding);
            let inside = start.max(padding)..end.min(input + padding);
            let share = if pool.count_padding { end - start } else { inside.len() };
            inside.map(|at| (at - padding, 1.0 / share as f32)).collect()
        })
        .collect()
}

fn adaptive_taps(input: usize, output: usize) -> Taps {
    (0..output)
        .map(|out| {
            let window = out * input / output..((out + 1) * input).div_ceil(output);
            let share = 1.0 / window.len() as f32;
            window.map(|at| (at, share)).collect()
        })
        .collect()
}

fn nearest_taps(input: usize, output: usize) -> Taps {
    (0..output).map(|out| vec![(out * input / output, 1.0)]).collect()
}

fn linear_taps(input: usize, output: usize, align_corners: bool) -> Taps {
    (0..output)
        .map(|out| {
            let at = if align_corners {
                if output > 1 { out as f64 * (input - 1) as f64 / (output - 1) as f64 } else { 0.0 }
            } else {
                ((out as f64 + 0.5) * input as f64 / output as f64 - 0.5).max(0.0)
            };
            let low = (at as usize).min(input - 1);
            let high = (low + 1).min(input - 1);
            let share = (at - low as f64) as f32;
            if share == 0.0 || high == low { vec![(low, 1.0)] } else { vec![(low, 1.0 - share), (high, share)] }
        })
        .collect()
}
