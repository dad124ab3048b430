//! Every operation, with what makes it special, for tests that compare devices.
#![allow(dead_code, clippy::unwrap_used, clippy::missing_panics_doc)]

use lamella::graph::{
    Activation, Affinity, Border, Conv, ConvTranspose, Graph, GraphBuilder, LocalResponse, Normalisation, Pool, Scope,
    SoftmaxOver, UpsampleMode, UpsampleTo, Value,
};

/// An operation on a map.
pub type Made = fn(&Scope, &Value) -> Value;

fn conv(inputs: usize, outputs: usize) -> Conv {
    Conv::square(inputs, outputs, 3)
}

/// Operations with what makes them special; each gets a map of 12 channels and 9 x 14 positions.
pub fn operations() -> Vec<(&'static str, Made)> {
    let activation: Vec<(&'static str, Made)> = vec![
        ("relu", |_, x| x.relu()),
        ("leaky relu", |_, x| x.activate(Activation::LeakyRelu(0.2))),
        ("sigmoid", |_, x| x.sigmoid()),
        ("tanh", |_, x| x.activate(Activation::Tanh)),
        ("clip", |_, x| x.activate(Activation::Clip(-0.3, f32::INFINITY))),
        ("hard sigmoid", |_, x| x.activate(Activation::HardSigmoid { slope: 0.4, shift: 0.5 })),
        ("hard swish", |_, x| x.activate(Activation::HardSwish)),
        ("gelu", |_, x| x.activate(Activation::Gelu)),
        ("gelu by tanh", |_, x| x.activate(Activation::GeluTanh)),
        ("elu", |_, x| x.activate(Activation::Elu(0.7))),
        ("softplus", |_, x| x.activate(Activation::Softplus)),
        ("mish", |_, x| x.activate(Activation::Mish)),
        ("one slope", |s, x| s.parametric_relu(x, false)),
        ("a slope for each channel", |s, x| s.parametric_relu(x, true)),
    ];
    let convolutions: Vec<(&'static str, Made)> = vec![
        ("conv 3x3", |s, x| s.conv_same(x, 40, 3)),
        ("conv to few channels", |s, x| s.conv_same(x, 3, 3)),
        ("conv 1x1", |s, x| s.conv_valid(x, 33, 1)),
        ("conv with stride, dilation and uneven border", |s, x| {
            s.conv(x, Conv { kernel: [3, 5], stride: [2, 1], padding: [0, 3], dilation: [2, 1], ..conv(12, 17) })
        }),
        ("conv without bias", |s, x| s.conv(x, Conv { bias: false, ..conv(12, 9) })),
        ("conv in groups", |s, x| s.conv(x, Conv { groups: 3, padding: [1, 1], ..conv(12, 30) })),
        ("conv in groups of few", |s, x| s.conv(x, Conv { groups: 4, padding: [1, 0], ..conv(12, 8) })),
        ("depthwise conv", |s, x| s.conv(x, Conv { groups: 12, padding: [1, 1], stride: [1, 2], ..conv(12, 12) })),
        ("conv, batch norm and relu in one", |s, x| {
            s.sub("norm").batch_norm(&s.sub("conv").conv_same(x, 20, 3)).relu()
        }),
        ("up-conv", |s, x| s.up_conv(x, 7, [2, 2])),
        ("up-conv with a norm behind it", |s, x| {
            s.sub("norm").batch_norm(&s.sub("up").up_conv(x, 8, [2, 3])).activate(Activation::Elu(1.0))
        }),
        ("transposed conv of any kind", |s, x| {
            let (kernel, stride, padding, output_padding) = ([3, 4], [2, 3], [1, 0], [1, 2]);
            let (inputs, outputs, groups, bias) = (12, 10, 2, true);
            s.conv_transpose(
                x,
                ConvTranspose { inputs, outputs, kernel, stride, padding, output_padding, groups, bias },
            )
        }),
        ("fully connected", |s, x| s.linear_over(x, 9 * 14, 11).relu()),
    ];
    let pools: Vec<(&'static str, Made)> = vec![
        ("max pool", |_, x| x.max_pool(Pool::new(2, 2))),
        ("max pool with a border, upwards", |_, x| {
            x.max_pool(Pool { kernel: [3, 2], padding: [1, 0], ceil_mode: true, ..Pool::new(3, 2) })
        }),
        ("mean pool", |_, x| x.avg_pool(Pool { padding: [1, 1], count_padding: false, ..Pool::new(3, 2) })),
        ("mean of everything", |_, x| x.adaptive_avg_pool([1, 1])),
        ("means of parts", |_, x| x.adaptive_avg_pool([4, 3])),
        ("nearest", |_, x| x.upsample(UpsampleMode::Nearest, UpsampleTo::Size([7, 31]))),
        ("bilinear", |_, x| x.upsample(UpsampleMode::Bilinear { align_corners: false }, UpsampleTo::Scale([2, 3]))),
        ("bilinear from corner to corner", |_, x| {
            x.upsample(UpsampleMode::Bilinear { align_corners: true }, UpsampleTo::Size([20, 5]))
        }),
    ];
    let norms: Vec<(&'static str, Made)> = vec![
        ("batch norm", |s, x| s.batch_norm(x).activate(Activation::LeakyRelu(0.1))),
        ("instance norm", |s, x| s.instance_norm(x)),
        ("instance norm without scale", |s, x| s.norm(x, Normalisation::Instance, 1e-3, false).relu()),
        ("group norm", |s, x| s.norm(x, Normalisation::Group { groups: 3 }, 1e-5, true)),
        ("layer norm", |s, x| s.norm(x, Normalisation::Layer, 1e-6, true)),
        ("local response", |_, x| x.local_response_norm(LocalResponse { size: 5, alpha: 0.3, beta: 0.75, k: 2.0 })),
        ("softmax over channels", |_, x| x.softmax(SoftmaxOver::Channels)),
        ("softmax over positions", |_, x| x.softmax(SoftmaxOver::Positions)),
        ("logarithm of the softmax", |_, x| x.log_softmax()),
    ];
    let arrangements: Vec<(&'static str, Made)> = vec![
        ("border", |_, x| x.pad(Border { before: [1, 0, 2], after: [0, 3, 1], value: -0.5 })),
        ("part of the channels", |_, x| x.channels_part(3, 5)),
        ("part of rows and columns", |_, x| x.positions_part(2, 2, 6).positions_part(3, 1, 9)),
        ("concatenation", |_, x| x.concat(&x.channels_part(5, 4)).concat(x)),
        ("cut around the centre", |_, x| x.crop_like(&x.max_pool(Pool::new(2, 2)))),
        ("sum, and relu of it", |_, x| x.plus(&x.sigmoid()).relu()),
        ("product with one value a channel", |_, x| x.times(&x.adaptive_avg_pool([1, 1]))),
        ("product with one channel", |_, x| x.times(&x.channels_part(2, 1))),
        ("sum with one value", |_, x| x.plus(&x.adaptive_avg_pool([1, 1]).channels_part(0, 1))),
        ("spread", |_, x| x.adaptive_avg_pool([1, 1]).spread_like(x)),
        ("gain", |s, x| s.gain(x)),
        ("dropout", |_, x| x.relu().dropout(0.5)),
    ];
    let attentions: Vec<(&'static str, Made)> = vec![
        ("weighted sum", |_, x| x.weighted_pool(&x.channels_part(0, 1).softmax(SoftmaxOver::Positions))),
        ("attention by softmax", |_, x| {
            let (key, value) = (x.channels_part(3, 6).max_pool(Pool::new(2, 2)), x.max_pool(Pool::new(2, 2)));
            x.channels_part(0, 6).attend(&key, &value, Affinity::Softmax)
        }),
        ("attention by products", |_, x| x.attend(x, &x.channels_part(1, 5), Affinity::Dot)),
        ("attention of pairs", |s, x| s.attend_pairs(&x.channels_part(0, 4), &x.channels_part(6, 4), x)),
        ("criss-cross", |_, x| x.channels_part(0, 3).criss_cross(&x.channels_part(3, 3), x)),
    ];
    [activation, convolutions, pools, norms, arrangements, attentions].concat()
}

/// A graph of one operation on 12 channels.
pub fn graph_of(made: Made) -> Graph {
    let builder = GraphBuilder::new();
    let x = builder.input(12);
    let y = made(&builder.root(), &x);
    builder.finish(&[y]).unwrap()
}
