//! Operations without a kernel in blocks, on dense arrays, through the kernels that training uses.

use super::memory::Map;
use super::run::Dense;
use crate::engine::cpu::resample::Resample;
use crate::engine::cpu::{Kernel, View, activation, conv, max_pool, norm, softmax};
use crate::graph::{Op, SoftmaxOver};

type Input<'a> = (&'a [f32], Map);

fn shape(map: &Map) -> [usize; 4] {
    [map.batch, map.channels, map.size[0], map.size[1]]
}

/// The operation as a function of dense inputs; `output` is the map of its result.
pub fn dense(op: &Op, parameters: Vec<Vec<f32>>, shapes: Vec<Vec<usize>>, output: Map) -> Dense {
    let by = move |kernel: Box<dyn Kernel>, extra: Vec<Vec<f32>>, extra_shapes: Vec<Vec<usize>>| -> Dense {
        Box::new(move |inputs| {
            let own: Vec<[usize; 4]> = inputs.iter().map(|(_, map)| shape(map)).collect();
            let mut views: Vec<View> = inputs.iter().zip(&own).map(|((data, _), shape)| View { data, shape }).collect();
            views.extend(extra.iter().zip(&extra_shapes).map(|(data, shape)| View { data, shape }));
            kernel.forward(&views).0
        })
    };
    let with_bias = |outputs: usize| {
        let (mut parameters, mut shapes) = (parameters.clone(), shapes.clone());
        if parameters.len() == 1 {
            parameters.push(vec![0.0; outputs]);
            shapes.push(vec![outputs]);
        }
        (parameters, shapes)
    };
    match op {
        Op::Conv2d(c) => {
            let (parameters, shapes) = with_bias(c.outputs);
            by(Box::new(conv::Conv2d(*c)), parameters, shapes)
        }
        Op::ConvTranspose2d(c) => {
            let (parameters, shapes) = with_bias(c.outputs);
            by(Box::new(conv::ConvTranspose2d(*c)), parameters, shapes)
        }
        Op::MaxPool2d(pool) => by(Box::new(max_pool::MaxPool2d(*pool)), Vec::new(), Vec::new()),
        Op::Activate(f) => by(Box::new(activation::Activate(*f)), Vec::new(), Vec::new()),
        Op::Softmax(over) => by(Box::new(softmax::Softmax { over: *over, log: false }), Vec::new(), Vec::new()),
        Op::LogSoftmax => {
            by(Box::new(softmax::Softmax { over: SoftmaxOver::Channels, log: true }), Vec::new(), Vec::new())
        }
        Op::Norm { kind, channels, eps, affine } => {
            let (kind, eps) = (*kind, *eps);
            let constants = if *affine { parameters } else { vec![vec![1.0; *channels], vec![0.0; *channels]] };
            Box::new(move |inputs| {
                let own = shape(&inputs[0].1);
                let columns = [constants[0].len()];
                let views = [
                    View { data: inputs[0].0, shape: &own },
                    View { data: &constants[0], shape: &columns },
                    View { data: &constants[1], shape: &columns },
                ];
                norm::Normalise { kind, eps, moments: std::sync::Arc::default() }.forward(&views).0
            })
        }
        Op::AvgPool2d(_) | Op::AdaptiveAvgPool2d(_) | Op::Upsample(..) => {
            let op = op.clone();
            Box::new(move |inputs| {
                let own = shape(&inputs[0].1);
                match Resample::of(&op, inputs[0].1.size) {
                    Some(map) => map.forward(&[View { data: inputs[0].0, shape: &own }]).0,
                    None => inputs[0].0.to_vec(),
                }
            })
        }
        Op::Linear { inputs: features, outputs } => {
            let (features, outputs) = (*features, *outputs);
            Box::new(move |inputs| linear(inputs[0].0, &parameters[0], &parameters[1], features, outputs))
        }
        Op::Concat => Box::new(concat),
        Op::CropLike => Box::new(move |inputs| crop(&inputs[0], output.size)),
        Op::WeightedPool => Box::new(|inputs| weighted_pool(&inputs[0], inputs[1].0)),
        // These are never handed here: they have kernels, or are not computed.
        Op::Input | Op::Add | Op::Multiply | Op::Dropout(_) => Box::new(|inputs| inputs[0].0.to_vec()),
    }
}

fn linear(x: &[f32], weight: &[f32], bias: &[f32], features: usize, outputs: usize) -> Vec<f32> {
    let row = |x: &[f32], o: usize| -> f32 {
        let products = weight[o * features..(o + 1) * features].iter().zip(x);
        (products.map(|(&w, &v)| f64::from(w) * f64::from(v)).sum::<f64>() + f64::from(bias[o])) as f32
    };
    x.chunks_exact(features).flat_map(|x| (0..outputs).map(move |o| row(x, o))).collect()
}

fn concat(inputs: &[Input]) -> Vec<f32> {
    let batch = inputs[0].1.batch;
    let mut joined = Vec::new();
    for image in 0..batch {
        for (values, _) in inputs {
            let len = values.len() / batch;
            joined.extend_from_slice(&values[image * len..(image + 1) * len]);
        }
    }
    joined
}

/// Cut around the centre; offset `floor((big - small) / 2)`.
fn crop((values, map): &Input, size: [usize; 2]) -> Vec<f32> {
    let [height, width] = map.size;
    let offset = [0, 1].map(|axis| (map.size[axis] - size[axis]) / 2);
    let mut cut = Vec::with_capacity(map.batch * map.channels * size[0] * size[1]);
    for plane in values.chunks_exact(height * width) {
        for row in 0..size[0] {
            let start = (row + offset[0]) * width + offset[1];
            cut.extend_from_slice(&plane[start..start + size[1]]);
        }
    }
    cut
}

fn weighted_pool((values, map): &Input, weights: &[f32]) -> Vec<f32> {
    let positions = map.size[0] * map.size[1];
    let pooled = values.chunks_exact(positions).enumerate().map(|(plane, x)| {
        let weights = &weights[plane / map.channels * positions..][..positions];
        x.iter().zip(weights).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum::<f64>() as f32
    });
    pooled.collect()
}
