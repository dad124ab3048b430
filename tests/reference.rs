//! The engines against a network of candle-nn's layers: other code for every layer, for the loss, the gradients and the optimiser.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::needless_pass_by_value)]

use candle_core::{Device, Module, ModuleT, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, SGD};
use candle_nn::{
    BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig, GroupNorm, PReLU,
    VarBuilder, VarMap, loss, ops,
};
use lamella::engine::{
    Array, Backend, DeviceChoice, Mode, Network, Optimiser, Random, Recipe, Weights, cross_entropy, initial_weights,
};
use lamella::graph::{Activation, Conv, Graph, GraphBuilder, Normalisation};
use lamella::work::Watch;

#[path = "support/random_weights.rs"]
mod random_weights;
use random_weights::random_array;

const CLASSES: usize = 3;
const SLOPE: f32 = 0.01;

/// A U-Net of two levels: 3x3 convolutions, batch and group norm, three kinds of rectifiers, a strided and a transposed
/// convolution, a concatenation.
fn ours() -> Graph {
    let builder = GraphBuilder::new();
    let root = builder.root();
    let x = builder.input(2);
    let first = root.sub("enter").conv_same(&x, 16, 3);
    let first = root.sub("enter_slopes").parametric_relu(&root.sub("enter_norm").batch_norm(&first), true);
    let down = Conv {
        inputs: 16,
        outputs: 24,
        kernel: [3, 3],
        stride: [2, 2],
        padding: [1, 1],
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };
    let deep = root.sub("down").conv(&first, down);
    let deep = root.sub("down_norm").norm(&deep, Normalisation::Group { groups: 4 }, 1e-5, true);
    let deep = root.sub("deep").conv_same(&deep.activate(Activation::LeakyRelu(SLOPE)), 24, 3).relu();
    let up = root.sub("up").up_conv(&deep, 16, [2, 2]);
    let joined = root.sub("join").conv_same(&up.concat(&first), 16, 3).relu();
    builder.finish(&[root.sub("head").conv_valid(&joined, CLASSES, 1)]).unwrap()
}

/// The same of candle-nn's layers, which take their weights by the same names.
struct Theirs {
    enter: Conv2d,
    enter_norm: BatchNorm,
    enter_slopes: PReLU,
    down: Conv2d,
    down_norm: GroupNorm,
    deep: Conv2d,
    up: ConvTranspose2d,
    join: Conv2d,
    head: Conv2d,
}

impl Theirs {
    fn new(variables: VarBuilder) -> candle_core::Result<Self> {
        let conv = |name: &str, inputs: usize, outputs: usize, kernel: usize, stride: usize| {
            let config = Conv2dConfig { padding: kernel / 2, stride, ..Conv2dConfig::default() };
            candle_nn::conv2d(inputs, outputs, kernel, config, variables.pp(name))
        };
        let up = ConvTranspose2dConfig { stride: 2, ..ConvTranspose2dConfig::default() };
        Ok(Self {
            enter: conv("enter", 2, 16, 3, 1)?,
            enter_norm: candle_nn::batch_norm(16, BatchNormConfig::default(), variables.pp("enter_norm"))?,
            enter_slopes: candle_nn::prelu(Some(16), variables.pp("enter_slopes"))?,
            down: conv("down", 16, 24, 3, 2)?,
            down_norm: candle_nn::group_norm(4, 24, 1e-5, variables.pp("down_norm"))?,
            deep: conv("deep", 24, 24, 3, 1)?,
            up: candle_nn::conv_transpose2d(24, 16, 2, up, variables.pp("up"))?,
            join: conv("join", 32, 16, 3, 1)?,
            head: conv("head", 16, CLASSES, 1, 1)?,
        })
    }

    fn logits(&self, x: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        let first = self.enter_norm.forward_t(&self.enter.forward(x)?, mode == Mode::Training)?;
        let first = self.enter_slopes.forward(&first)?;
        let deep = ops::leaky_relu(&self.down_norm.forward(&self.down.forward(&first)?)?, f64::from(SLOPE))?;
        let up = self.up.forward(&self.deep.forward(&deep)?.relu()?)?;
        self.head.forward(&self.join.forward(&Tensor::cat(&[&up, &first], 1)?)?.relu()?)
    }
}

/// He weights, with norms, slopes and statistics that are not trivial.
fn weights(graph: &Graph) -> Weights {
    let mut weights = initial_weights(graph, 3);
    for (n, array) in weights.values_mut().filter(|array| array.shape.len() == 1).enumerate() {
        let mut random = Random::new(4, n as u64);
        array.values.iter_mut().for_each(|value| *value += 0.2 * random.unit() as f32);
    }
    weights
}

fn tensor(array: &Array) -> Tensor {
    Tensor::from_slice(&array.values, array.shape.as_slice(), &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Variables with these weights, and the network of them.
fn theirs(weights: &Weights) -> (VarMap, Theirs) {
    let map = VarMap::new();
    for (name, array) in weights {
        map.data().lock().unwrap().insert(name.clone(), Var::from_tensor(&tensor(array)).unwrap());
    }
    let network = Theirs::new(VarBuilder::from_varmap(&map, candle_core::DType::F32, &Device::Cpu)).unwrap();
    assert_eq!(map.all_vars().len(), weights.len(), "both networks have the same parameters");
    (map, network)
}

/// Relative L2 distance, or absolute where what is expected is small.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let off = norm(&mut found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    off / norm(&mut expected.iter().map(|b| f64::from(*b))).max(1e-2)
}

const AGREES: f64 = 2e-5;

#[test]
fn logits_gradients_and_running_statistics_are_those_of_candle_nn() {
    let graph = ours();
    let weights = weights(&graph);
    let (input, probe) = (random_array(&[3, 2, 24, 32], 1), random_array(&[3, CLASSES, 24, 32], 2));
    let mut worst: f64 = 0.0;
    for mode in [Mode::Inference, Mode::Training] {
        let (map, network) = theirs(&weights);
        let x = Var::from_tensor(&tensor(&input)).unwrap();
        let logits = network.logits(x.as_tensor(), mode).unwrap();
        let store = (&logits * tensor(&probe)).unwrap().sum_all().unwrap().backward().unwrap();
        for backend in [Backend::Best, Backend::Composed] {
            let ours = Network::with_backend(graph.clone(), &weights, DeviceChoice::Cpu, backend).unwrap();
            let mut ours = ours.with_input_gradient();
            let pass = ours.run(&input, mode, Watch::unwatched()).unwrap();
            let mut check = |what: &str, found: &[f32], expected: &Tensor| {
                let off = distance(found, &values(expected));
                assert!(off < AGREES, "{what}, {mode:?}, {backend:?}: off by {off:.1e}");
                worst = worst.max(off);
            };
            check("logits", &pass.outputs().unwrap()[0].values, &logits);
            let gradients = pass.backward(std::slice::from_ref(&probe), Watch::unwatched()).unwrap();
            check("image", &gradients.input().unwrap().unwrap().values, store.get(x.as_tensor()).unwrap());
            for (name, variable) in map.data().lock().unwrap().iter().filter(|(name, _)| !name.contains("running")) {
                // A norm takes out what the bias before it adds; the other engine has rounding noise there.
                if mode == Mode::Training && name == "enter.bias" {
                    continue;
                }
                let found = gradients.parameter(name).unwrap().unwrap();
                check(name, &found.values, store.get(variable.as_tensor()).unwrap());
            }
            let after = ours.weights().unwrap();
            check("running mean", &after["enter_norm.running_mean"].values, network.enter_norm.running_mean());
            check("running variance", &after["enter_norm.running_var"].values, network.enter_norm.running_var());
        }
    }
    println!("engines within {worst:.1e} of candle-nn's layers");
}

/// Steps of both, from the same weights on the same batch: the losses, and the weights at the end.
fn train(recipe: Recipe, theirs_step: &mut dyn FnMut(&VarMap, &Tensor)) -> f64 {
    let graph = ours();
    let weights = weights(&graph);
    let input = random_array(&[2, 2, 16, 16], 5);
    let target: Vec<u16> = (0..2 * 16 * 16).map(|n| (n / 7 % CLASSES) as u16).collect();
    let (map, network) = theirs(&weights);
    let mut ours = Network::new(graph, &weights, DeviceChoice::Cpu).unwrap();
    let mut optimiser = Optimiser::new(recipe, None);
    let (x, labels) = (tensor(&input), target.iter().map(|&label| u32::from(label)).collect::<Vec<u32>>());
    let labels = Tensor::from_vec(labels, target.len(), &Device::Cpu).unwrap();
    for step in 0..8 {
        let logits = network.logits(&x, Mode::Training).unwrap();
        let by_pixel = logits.permute((0, 2, 3, 1)).unwrap().reshape(((), CLASSES)).unwrap();
        let expected = loss::cross_entropy(&by_pixel, &labels).unwrap();
        let pass = ours.run(&input, Mode::Training, Watch::unwatched()).unwrap();
        let found = cross_entropy(&pass.outputs().unwrap()[0], &target, None, None, true);
        let value = f64::from(expected.to_scalar::<f32>().unwrap());
        assert!((found.value - value).abs() < 1e-4 * value, "step {step}: loss {} for {value}", found.value);
        let gradients = pass.backward(&[found.gradient], Watch::unwatched()).unwrap();
        optimiser.step(&mut ours, &gradients, RATE).unwrap();
        theirs_step(&map, &expected);
    }
    let after = ours.weights().unwrap();
    let expected = map.data().lock().unwrap();
    let moved = |name: &&String| !name.contains("running") && *name != "enter.bias";
    let off = |name: &String| distance(&after[name].values, &values(expected[name].as_tensor()));
    after.keys().filter(moved).map(off).fold(0.0, f64::max)
}

const RATE: f64 = 1e-3;

#[test]
fn eight_steps_of_adamw_lead_where_those_of_candle_nn_do() {
    let recipe = Recipe::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 1e-2 };
    let parameters = ParamsAdamW { lr: RATE, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 1e-2 };
    let mut optimiser: Option<AdamW> = None;
    let off = train(recipe, &mut |map, loss| {
        let trained = map.data().lock().unwrap();
        let trained =
            trained.iter().filter(|(name, _)| !name.contains("running")).map(|(_, variable)| variable.clone());
        let optimiser = optimiser.get_or_insert_with(|| AdamW::new(trained.collect(), parameters.clone()).unwrap());
        optimiser.backward_step(loss).unwrap();
    });
    println!("weights within {off:.1e} after eight steps of AdamW");
    assert!(off < 1e-3, "{off:.1e}");
}

#[test]
fn eight_steps_of_gradient_descent_lead_where_those_of_candle_nn_do() {
    let recipe = Recipe::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let off = train(recipe, &mut |map, loss| SGD::new(map.all_vars(), RATE).unwrap().backward_step(loss).unwrap());
    println!("weights within {off:.1e} after eight steps of gradient descent");
    assert!(off < 1e-5, "{off:.1e}");
}
