//! Operations, blocks, networks, losses and optimisers against PyTorch (`$LAMELLA_TEST_DATA/golden/cases.json`).
//!
//! Driven by the index alone. Every case runs twice: with our CPU kernels and with the compositions of candle's operations
//! that GPUs run, or on the device that `LAMELLA_TEST_DEVICE` names. Prints one line per case and a closing count.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

#[path = "support/fill.rs"]
mod fill;
mod support;

use std::collections::BTreeMap;
use std::path::Path;

use lamella::engine::{
    Array, Backend, DeviceChoice, Mode, Network, Optimiser, Recipe, SegmentationLoss, Weights, bce_with_logits,
    cross_entropy, soft_dice,
};
use lamella::graph::{
    Activation, ContextFusion, ContextPooling, Conv, ConvTranspose, Graph, GraphBuilder, LocalResponse, NonLocal,
    Normalisation, Pairwise, Pool, SoftmaxOver, UpsampleMode, UpsampleTo, Value as Node, onnx,
};
use lamella::learn::{Rosenblatt, Tie};
use lamella::work::Watch;
use lamella::zoo::{
    self, Attention, Blocks, Encoder, EncoderUNet, Ends, Fit, NnUnet, PerAxis, ResNet, Stages, Striding, UNet, UpPath,
    alexnet, basic_block, bottleneck, conv_stack, decoder_block, inception_v1, inception_v2, inception_v3, lenet,
    residual_block, residual_bottleneck, resnet, vgg, zfnet,
};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// Composed operations are slow on the CPU; larger networks run with our kernels alone.
const COMPOSED_LIMIT_MACS: f64 = 3e9;

/// Where a case runs, and by which implementation.
#[derive(Clone, Copy)]
struct On {
    backend: Backend,
    device: DeviceChoice,
}

/// A network that computes in 32 bits on the device under test.
fn network_of(graph: Graph, weights: &Weights, on: On) -> Result<Network, String> {
    let network = Network::with_backend(graph, weights, on.device, on.backend);
    let mut network = network.map_err(|e| e.to_string())?;
    network.set_half_precision(false);
    Ok(network)
}

/// Whether inference was the device's own: one that fails gives way to the CPU with a notice.
fn check_device(network: &mut Network) -> Result<(), String> {
    let notices = network.take_notices();
    if notices.is_empty() { Ok(()) } else { Err(notices.join(" ")) }
}

fn pair(value: &Value) -> [usize; 2] {
    match value {
        Value::Array(items) => [items[0].as_u64().unwrap() as usize, items[1].as_u64().unwrap() as usize],
        other => [other.as_u64().unwrap() as usize; 2],
    }
}

fn size(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn shape_of(row: &Value) -> Vec<usize> {
    row["shape"].as_array().unwrap().iter().map(size).collect()
}

/// The graph of a case, or `None` where the zoo does not have it yet.
fn graph_of(case: &Value) -> Option<Graph> {
    let name = case["case"].as_str()?;
    let hyper = &case["hyper"];
    if name.starts_with("net_") {
        return classifier(name, hyper);
    }
    if case["group"] == "segmentation" {
        return segmentation(name, hyper);
    }
    let builder = GraphBuilder::new();
    let channels = shape_of(&case["inputs"][0]).get(1).copied()?;
    let x = builder.input(channels);
    let y =
        if case["group"] == "op" { operation(name, hyper, &builder, &x)? } else { block(name, hyper, &builder, &x)? };
    Some(builder.finish(&[y]).unwrap())
}

fn operation(name: &str, hyper: &Value, builder: &GraphBuilder, x: &Node) -> Option<Node> {
    let root = builder.root();
    let pool = || Pool {
        kernel: pair(&hyper["kernel_size"]),
        stride: pair(&hyper["stride"]),
        padding: hyper.get("padding").map_or([0; 2], pair),
        ceil_mode: hyper["ceil_mode"].as_bool().unwrap_or(false),
        count_padding: hyper["count_include_pad"].as_bool().unwrap_or(true),
    };
    let starts = |prefix: &str| name.starts_with(prefix);
    let eps = || hyper["eps"].as_f64().unwrap();
    Some(match () {
        () if starts("op_conv2d") => root.conv(
            x,
            Conv {
                inputs: size(&hyper["in_channels"]),
                outputs: size(&hyper["out_channels"]),
                kernel: pair(&hyper["kernel_size"]),
                stride: pair(&hyper["stride"]),
                padding: pair(&hyper["padding"]),
                dilation: pair(&hyper["dilation"]),
                groups: size(&hyper["groups"]),
                bias: hyper["bias"].as_bool()?,
            },
        ),
        () if starts("op_conv_transpose2d") => root.conv_transpose(
            x,
            ConvTranspose {
                inputs: size(&hyper["in_channels"]),
                outputs: size(&hyper["out_channels"]),
                kernel: pair(&hyper["kernel_size"]),
                stride: pair(&hyper["stride"]),
                padding: pair(&hyper["padding"]),
                output_padding: pair(&hyper["output_padding"]),
                groups: size(&hyper["groups"]),
                bias: hyper["bias"].as_bool()?,
            },
        ),
        () if starts("op_max_pool2d") => x.max_pool(pool()),
        () if starts("op_avg_pool2d") => x.avg_pool(pool()),
        () if starts("op_adaptive_avg_pool2d") => x.adaptive_avg_pool(pair(&hyper["output_size"])),
        () if starts("op_upsample") => {
            let mode = match hyper["mode"].as_str()? {
                "nearest" => UpsampleMode::Nearest,
                _ => UpsampleMode::Bilinear { align_corners: hyper["align_corners"].as_bool()? },
            };
            let to = match hyper.get("size") {
                Some(size) => UpsampleTo::Size(pair(size)),
                None => UpsampleTo::Scale(pair(&hyper["scale_factor"])),
            };
            x.upsample(mode, to)
        }
        () if starts("op_batch_norm") => {
            let momentum = hyper["momentum"].as_f64()?;
            root.norm(x, Normalisation::Batch { momentum }, eps(), true)
        }
        () if starts("op_instance_norm") => root.norm(x, Normalisation::Instance, eps(), hyper["affine"].as_bool()?),
        () if starts("op_group_norm") => {
            root.norm(x, Normalisation::Group { groups: size(&hyper["num_groups"]) }, eps(), true)
        }
        () if starts("op_layer_norm") => root.layer_norm(x, eps()),
        () if starts("op_softmax_spatial") => x.softmax(SoftmaxOver::Positions),
        () if starts("op_softmax") => x.softmax(SoftmaxOver::Channels),
        () if starts("op_log_softmax") => x.log_softmax(),
        () if starts("op_relu") => x.relu(),
        () if starts("op_leaky_relu") => x.activate(Activation::LeakyRelu(hyper["negative_slope"].as_f64()? as f32)),
        () if starts("op_sigmoid") => x.sigmoid(),
        () if starts("op_tanh") => x.activate(Activation::Tanh),
        () if starts("op_lrn") => {
            let size = size(&hyper["size"]);
            let divisor = if hyper["alpha_divided_by_size"].as_bool()? { size as f64 } else { 1.0 };
            let number = |key: &str| hyper[key].as_f64();
            let alpha = number("alpha")? / divisor;
            x.local_response_norm(LocalResponse { size, alpha, beta: number("beta")?, k: number("k")? })
        }
        () if starts("op_linear") => root.linear(x, size(&hyper["out_features"])),
        () => return None,
    })
}

fn block(name: &str, hyper: &Value, builder: &GraphBuilder, x: &Node) -> Option<Node> {
    let root = builder.root();
    if name.starts_with("block_se_c") {
        return Some(root.squeeze_excite(x, size(&hyper["reduction"])));
    }
    if name.starts_with("block_gc_") {
        let pooling = if hyper["pooling"] == "att" { ContextPooling::Attention } else { ContextPooling::Average };
        let fusion = match hyper["fusion"].as_str()? {
            "add" => ContextFusion::Add,
            "mul" => ContextFusion::Multiply,
            _ => ContextFusion::MultiplyAdd,
        };
        return Some(root.global_context(x, hyper["ratio"].as_f64()?, pooling, fusion));
    }
    if name.starts_with("block_scse_") {
        return Some(root.spatial_channel_excite(x, size(&hyper["reduction"])));
    }
    if name.starts_with("block_nonlocal_") {
        let pairwise = match hyper["pairwise"].as_str()? {
            "gaussian" => Pairwise::Gaussian,
            "embedded" => Pairwise::Embedded,
            "dot" => Pairwise::Dot,
            _ => Pairwise::Concat,
        };
        let (subsample, norm) = (hyper["subsample"].as_bool()?, hyper["norm"].as_bool()?);
        return Some(root.non_local(x, NonLocal { pairwise, subsample, norm }));
    }
    if name == "block_simplified_nonlocal" {
        return Some(root.simplified_non_local(x));
    }
    if name.starts_with("block_crisscross") {
        let loops = size(&hyper["loops"]);
        let scope = if loops > 1 { root.sub("attention") } else { root };
        return Some(scope.criss_cross(x, size(&hyper["reduction"]), loops));
    }
    if name.starts_with("block_se_bottleneck_") {
        let (planes, stride) = (size(&hyper["planes"]), size(&hyper["stride"]));
        return Some(match hyper["se_reduction"].as_u64() {
            Some(reduction) => {
                let excite = |y: &Node| root.sub("se").squeeze_excite(y, reduction as usize);
                resnet::bottleneck_with(&root, x, planes, stride, Striding::Middle, 1, excite)
            }
            None => {
                let excite = |y: &Node| resnet::excite(&root.sub("se_module"), y);
                resnet::bottleneck_with(&root, x, planes, stride, Striding::First, 1, excite)
            }
        });
    }
    if name.starts_with("block_inception_v1") {
        let widths = ["c1", "r3", "c3", "r5", "c5", "pool"].map(|key| size(&hyper[key]));
        return Some(inception_v1::module(&root, x, inception_v1::Form::Paper, widths));
    }
    if name.starts_with("block_inception_v2") {
        let widths = ["c1", "r3", "c3", "rd", "cd", "pool"].map(|key| size(&hyper[key]));
        let pool = if hyper["pool_kind"] == "avg" { inception_v2::PoolKind::Mean } else { inception_v2::PoolKind::Max };
        let module = inception_v2::Module { widths, pool, stride: size(&hyper["stride"]) };
        return Some(inception_v2::module(&root, x, module));
    }
    if let Some(kind) = name.strip_prefix("block_inception_v3_") {
        let module = match kind.as_bytes()[0] {
            b'a' => inception_v3::Module::A(size(&hyper["pool_features"])),
            b'b' => inception_v3::Module::B,
            b'c' => inception_v3::Module::C(size(&hyper["channels_7x7"])),
            b'd' => inception_v3::Module::D,
            _ => inception_v3::Module::E,
        };
        return Some(inception_v3::module(&root, x, module, Fit::Original));
    }
    if name.starts_with("block_reduction") {
        return Some(inception_v2::reduction(&root, x, size(&hyper["conv_channels"])));
    }
    if name.starts_with("block_nnunet_b") {
        let channels: Vec<usize> = hyper["channels"].as_array()?.iter().map(size).collect();
        let stride = size(&hyper["stride"]);
        return Some(match channels[..] {
            [_, outputs] => residual_block(&root, x, outputs, [3; 2], [stride; 2]),
            [_, inside, outputs] => residual_bottleneck(&root, x, inside, outputs, [stride; 2]),
            _ => return None,
        });
    }
    if name.starts_with("block_smp_unet_decoder") {
        let attention = if hyper["attention_type"].is_null() { Attention::None } else { Attention::Scse };
        let (coarse, all) = (size(&hyper["in_channels"]), x.channels());
        let low = x.channels_part(0, coarse).positions_part(2, 0, 6).positions_part(3, 0, 5);
        let skip = x.channels_part(coarse, all - coarse);
        let blocks = Blocks { ratio: Blocks::RATIO, least: 1, subsample: false };
        let outputs = size(&hyper["out_channels"]);
        return Some(decoder_block(&root.sub("block"), &low, Some(&skip), outputs, attention, blocks));
    }
    if name == "block_center_crop_concat" {
        let up = size(&hyper["channels_up"]);
        let [rows, columns] = pair(&hyper["crop"]);
        let small = x.channels_part(0, up).positions_part(2, 0, rows).positions_part(3, 0, columns);
        return Some(small.concat(&x.channels_part(up, x.channels() - up).crop_like(&small)));
    }
    if name.starts_with("block_basic_") {
        return Some(basic_block(&root, x, size(&hyper["planes"]), size(&hyper["stride"])));
    }
    if name.starts_with("block_bottleneck_") {
        let striding = if hyper["version"] == "v1" { Striding::First } else { Striding::Middle };
        let dilation = hyper["dilation"].as_u64().unwrap_or(1) as usize;
        return Some(bottleneck(&root, x, size(&hyper["planes"]), size(&hyper["stride"]), striding, dilation));
    }
    if name == "block_nnunet_conv_pair" {
        let channels = hyper["channels"].as_array()?;
        return Some(conv_stack(
            &root.sub("convs"),
            x,
            size(&channels[1]),
            [3; 2],
            [size(&hyper["initial_stride"]); 2],
            size(&hyper["num_convs"]),
        ));
    }
    None
}

/// Whole classifiers, with auxiliary heads where the case has them.
fn classifier(name: &str, hyper: &Value) -> Option<Graph> {
    let in_channels = hyper["in_channels"].as_u64().unwrap_or(3) as usize;
    if name == "net_vgg16_bn_features_train" {
        let builder = GraphBuilder::new();
        let x = builder.input(3);
        let features = vgg::features(&builder, &builder.root(), &x, true, "");
        return Some(builder.finish(&[features.last()?.value.clone()]).unwrap());
    }
    let ends = Ends { in_channels, classes: size(&hyper["num_classes"]) };
    let aux = hyper["aux_logits"] == true;
    let graph = match name.strip_prefix("net_")? {
        "lenet5" => lenet::classifier(ends),
        "alexnet" => alexnet::classifier(ends, 0.0),
        "alexnet_lrn_groups" => alexnet::original_classifier(ends, 0.0),
        "zfnet" => zfnet::classifier(ends, 0.0),
        "seresnet50" => Encoder::SeResNet50.classifier(ends),
        "googlenet_v1_lrn" => inception_v1::classifier(ends, inception_v1::Form::Paper, false, 0.0),
        "bn_inception" => inception_v2::classifier(ends),
        name if name.starts_with("vgg16") => vgg::classifier(ends, name.starts_with("vgg16_bn"), 0.0),
        name if name.starts_with("googlenet") => {
            inception_v1::classifier(ends, inception_v1::Form::Torchvision, aux, 0.0)
        }
        name if name.starts_with("inception_v3") => inception_v3::classifier(ends, aux, 0.0),
        name if name.starts_with("resnet18") => ResNet::ResNet18.classifier(ends),
        name if name.starts_with("resnet34") => ResNet::ResNet34.classifier(ends),
        name if name.starts_with("resnet50") => ResNet::ResNet50.classifier(ends),
        _ => return None,
    };
    Some(graph.unwrap())
}

fn segmentation(name: &str, hyper: &Value) -> Option<Graph> {
    if name.starts_with("seg_smp_unet_") {
        let ends = Ends { in_channels: size(&hyper["in_channels"]), classes: size(&hyper["classes"]) };
        let id = hyper["encoder_name"].as_str()?.replace('_', "-");
        let encoder = Encoder::ALL.into_iter().find(|e| e.id() == id)?;
        let attention = if hyper["decoder_attention_type"].is_null() { Attention::None } else { Attention::Scse };
        let decoder = hyper["decoder_channels"].as_array()?.iter().map(size).collect();
        let network =
            EncoderUNet { encoder, decoder, attention: Stages::Everywhere(attention), ..EncoderUNet::default() };
        return Some(network.build(ends).unwrap());
    }
    if name.starts_with("seg_unet_") {
        let ends = Ends { in_channels: size(&hyper["in_channels"]), classes: size(&hyper["classes"]) };
        let (width, depth) = (size(&hyper["base"]), size(&hyper["depth"]));
        let options = match hyper["upsample"].as_str() {
            None => UNet { width, depth, ..UNet::original() },
            Some("transpose") => UNet { width, depth, ..UNet::default() },
            Some(_) => UNet { width, depth, up: UpPath::Bilinear, ..UNet::default() },
        };
        return Some(options.build(ends).unwrap());
    }
    if name.starts_with("seg_nnunet_") {
        let ends = Ends { in_channels: size(&hyper["input_channels"]), classes: size(&hyper["num_classes"]) };
        let list = |key: &str| hyper[key].as_array().unwrap().iter().map(size).collect::<Vec<_>>();
        let options = NnUnet {
            features: list("features_per_stage"),
            strides: list("strides").into_iter().map(PerAxis::Both).collect(),
            kernels: Vec::new(),
            encoder_convs_each: Vec::new(),
            encoder_convs: hyper["n_conv_per_stage"].as_array().map_or(2, |list| size(&list[0])),
            blocks: hyper["n_blocks_per_stage"].as_array().map_or(Vec::new(), |_| list("n_blocks_per_stage")),
            decoder_convs: list("n_conv_per_stage_decoder")[0],
            deep_supervision: hyper["deep_supervision"].as_bool()?,
        };
        return Some(options.build(ends).unwrap());
    }
    None
}

/// The stored tensors of a case as doubles.
struct Stored(BTreeMap<String, Vec<f64>>);

impl Stored {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        Self(
            tensors
                .tensors()
                .into_iter()
                .map(|(name, view)| {
                    let data = view.data();
                    let values = match view.dtype() {
                        Dtype::F32 => {
                            data.chunks(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect()
                        }
                        Dtype::F64 => data.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
                        Dtype::I64 => {
                            data.chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect()
                        }
                        Dtype::I32 => {
                            data.chunks(4).map(|b| f64::from(i32::from_le_bytes(b.try_into().unwrap()))).collect()
                        }
                        other => panic!("{name} has type {other:?}"),
                    };
                    (name, values)
                })
                .collect(),
        )
    }
}

fn moments(values: &[f32]) -> [f64; 2] {
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    [mean, variance.sqrt()]
}

/// Largest deviation in units of the tolerance.
fn deviation(got: &[f64], want: &[f64], abs: f64, rel: f64) -> f64 {
    assert_eq!(got.len(), want.len());
    got.iter()
        .zip(want)
        .map(|(g, w)| (g - w).abs() / (abs + rel * w.abs()))
        .fold(0.0, |a: f64, b| if b.is_nan() { f64::NAN } else { a.max(b) })
}

fn compare_row(row: &Value, stored: &Stored, got: &Array) -> Result<f64, String> {
    let name = row["name"].as_str().unwrap();
    let want_shape: usize = shape_of(row).iter().product();
    if got.values.len() != want_shape {
        return Err(format!("{name} has {} values, expected {want_shape}", got.values.len()));
    }
    let (abs, rel) = (row["abs"].as_f64().unwrap_or(0.0), row["rel"].as_f64().unwrap_or(0.0));
    let mut worst: f64 = 0.0;
    let sampled: Vec<f64> = match row["stored"].as_str().unwrap() {
        "whole" => got.values.iter().map(|&v| f64::from(v)).collect(),
        "sample" => {
            let count = stored.0[&format!("{name}#sample")].len() as u64;
            (0..count).map(|k| f64::from(got.values[(fill::bits("sample", k) % want_shape as u64) as usize])).collect()
        }
        _ => Vec::new(),
    };
    let key = if row["stored"] == "whole" { name.to_string() } else { format!("{name}#sample") };
    if !sampled.is_empty() {
        let want = &stored.0[&key];
        if let Some(limit) = row["l2_rel"].as_f64() {
            let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
            let off =
                norm(&mut sampled.iter().zip(want).map(|(g, w)| g - w)) / norm(&mut want.iter().copied()).max(1e-30);
            worst = off / limit;
        } else {
            worst = deviation(&sampled, want, abs, rel);
        }
    }
    if let Some(want) = stored.0.get(&format!("{name}#stats"))
        && row.get("l2_rel").is_none()
    {
        worst = worst.max(deviation(&moments(&got.values), want, abs, rel));
    }
    if worst <= 1.0 { Ok(worst) } else { Err(format!("{name} is off by {worst:.2} tolerances")) }
}

fn compare_rows(row: &Value, stored: &Stored, arrays: &[Array]) -> Result<f64, String> {
    let name = row["name"].as_str().unwrap();
    let tolerance = &stored.0[&format!("{name}#tol")];
    let want = &stored.0[name];
    let mut worst: f64 = 0.0;
    for (n, array) in arrays.iter().enumerate() {
        let [mean, _] = moments(&array.values);
        let norm = array.values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        for (column, got) in [mean, norm].into_iter().enumerate() {
            let at = 2 * n + column;
            worst = worst.max((got - want[at]).abs() / tolerance[at]);
        }
    }
    if worst <= 1.0 { Ok(worst) } else { Err(format!("{name} is off by {worst:.2} tolerances")) }
}

fn weights_of(case: &Value, graph: &Graph) -> Weights {
    let gain = case["gain"].as_f64().unwrap_or(1.0);
    let wanted: Vec<&str> = graph.parameters.iter().map(|p| p.name.as_str()).collect();
    let mut weights = Weights::new();
    for row in case["params"].as_array().unwrap() {
        let (name, shape, values) = fill::parameter(row, gain);
        // Parameters that the reference lists without using them are not part of a graph.
        if wanted.contains(&name.as_str()) {
            weights.insert(name, Array::new(shape, values));
        }
    }
    weights
}

/// Largest relative L2 distance between compiled inference and the training engine's forward pass.
const ENGINES_AGREE: f64 = 2e-5;

fn relative_distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let difference = square(&mut a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    (difference / square(&mut b.iter().map(|b| f64::from(*b))).max(1e-30)).sqrt()
}

/// smp's last decoder block declares an attention that it does not run; cases without gradients do not list it.
fn is_unused_elsewhere(case: &Value, parameter: &Value) -> bool {
    let last = case["hyper"]["decoder_channels"].as_array().map_or(0, Vec::len).saturating_sub(1);
    parameter[0].as_str().unwrap().starts_with(&format!("decoder.blocks.{last}.attention1."))
}

fn check_network(case: &Value, graph: Graph, stored: &Stored, on: On) -> Result<f64, String> {
    // What the reference declares and never uses is no part of a graph.
    let unused: Vec<&str> = case["unused_params"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let declared = case["params"].as_array().unwrap().iter();
    let used = declared.filter(|p| !p[2].as_str().unwrap().starts_with("running"));
    let used = used.filter(|p| !unused.contains(&p[0].as_str().unwrap()) && !is_unused_elsewhere(case, p));
    let expected: usize = used.map(|p| p[1].as_array().unwrap().iter().map(size).product::<usize>()).sum();
    let total = graph.trainable_count();
    if total != expected {
        return Err(format!("{total} parameters, expected {expected}"));
    }
    let mode = if case["mode"] == "train" { Mode::Training } else { Mode::Inference };
    let weights = weights_of(case, &graph);
    let row = &case["inputs"][0];
    let shape = shape_of(row);
    let values =
        fill::input(row["name"].as_str().unwrap(), shape.iter().product(), row["scale"].as_f64().unwrap_or(1.0));
    // Points are images of one pixel.
    let mut shape = shape;
    shape.resize(4, 1);
    let input = Array::new(shape, values);
    let network = network_of(graph, &weights, on)?;
    let mut network = network.with_input_gradient();
    let rows = case["tensors"].as_array().unwrap();
    let needs_gradients = rows.iter().any(|r| r["name"].as_str().unwrap().contains("grad"));
    if mode == Mode::Inference {
        // The path that inference takes must agree too.
        let fast = network.infer(&input, Watch::unwatched()).map_err(|e| e.to_string())?;
        check_device(&mut network)?;
        let slow =
            network.run(&input, mode, Watch::unwatched()).and_then(|p| p.outputs()).map_err(|e| e.to_string())?;
        for (fast, slow) in fast.iter().zip(&slow) {
            let distance = relative_distance(&fast.values, &slow.values);
            if distance > ENGINES_AGREE {
                return Err(format!("infer and run differ by {distance:.1e} (relative L2)"));
            }
        }
    }
    let pass = network.run(&input, mode, Watch::unwatched()).map_err(|e| e.to_string())?;
    let outputs = pass.outputs().map_err(|e| e.to_string())?;
    let mut worst: f64 = 0.0;
    let names: Vec<&str> = case["outputs"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    let mut probes: Vec<Array> = outputs.iter().map(|o| Array::zeros(&o.shape)).collect();
    for row in rows {
        let name = row["name"].as_str().unwrap();
        if let Some(n) = names.iter().position(|o| *o == name) {
            worst = worst.max(compare_row(row, stored, &outputs[n])?);
            if let Some(probe) = row["probe"].as_str() {
                probes[n].values = fill::input(probe, outputs[n].values.len(), 1.0);
            }
        } else if let Some(module) = name.strip_prefix("feat.") {
            let tap =
                pass.tap(module).map_err(|e| e.to_string())?.ok_or(format!("there is no inner result {module}"))?;
            worst = worst.max(compare_row(row, stored, &tap)?);
        }
    }
    let after = network.weights().map_err(|e| e.to_string())?;
    let buffers: Vec<&str> = case["params"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|p| p[2].as_str().unwrap().starts_with("running"))
        .map(|p| p[0].as_str().unwrap())
        .collect();
    let gradients = if needs_gradients {
        Some(pass.backward(&probes, Watch::unwatched()).map_err(|e| e.to_string())?)
    } else {
        None
    };
    for row in rows {
        let name = row["name"].as_str().unwrap();
        let part = match (&gradients, name) {
            (Some(gradients), "grad.input") => compare_row(
                row,
                stored,
                &gradients.input().map_err(|e| e.to_string())?.ok_or("no gradient of the input")?,
            )?,
            (Some(gradients), "param_grad_stats") => {
                let mut arrays = Vec::new();
                for p in case["params"].as_array().unwrap() {
                    if !p[2].as_str().unwrap().starts_with("running") {
                        let gradient = gradients.parameter(p[0].as_str().unwrap()).map_err(|e| e.to_string())?;
                        let shape: Vec<usize> = p[1].as_array().unwrap().iter().map(size).collect();
                        arrays.push(gradient.unwrap_or_else(|| Array::zeros(&shape)));
                    }
                }
                compare_rows(row, stored, &arrays)?
            }
            (Some(gradients), _) if name.starts_with("grad.") => {
                let parameter = name.trim_start_matches("grad.");
                let gradient = gradients.parameter(parameter).map_err(|e| e.to_string())?;
                compare_row(row, stored, &gradient.ok_or(format!("no parameter {parameter}"))?)?
            }
            (_, "state_stats") => {
                let arrays: Vec<Array> = buffers.iter().map(|b| after[*b].clone()).collect();
                compare_rows(row, stored, &arrays)?
            }
            _ => match name.strip_prefix("state.") {
                Some(buffer) => compare_row(row, stored, &after[buffer])?,
                None => 0.0,
            },
        };
        worst = worst.max(part);
    }
    Ok(worst)
}

fn check_loss(case: &Value, stored: &Stored) -> Result<f64, String> {
    let hyper = &case["hyper"];
    let inputs = case["inputs"].as_array().unwrap();
    let array = |row: &Value| {
        let shape = shape_of(row);
        let count = shape.iter().product();
        Array::new(shape, fill::input(row["name"].as_str().unwrap(), count, row["scale"].as_f64().unwrap_or(1.0)))
    };
    let labels = |row: &Value| fill::labels(row, shape_of(row).iter().product());
    let settings = SegmentationLoss {
        cross_entropy: 1.0,
        dice: 1.0,
        batch_dice: hyper["batch_dice"].as_bool().unwrap_or(true),
        background: hyper["background"].as_bool().unwrap_or(false),
        smooth: hyper["smooth"].as_f64().unwrap_or(1e-5),
        ignore: hyper["ignore_label"].as_u64().or(hyper["ignore_index"].as_u64()).map(|v| v as u16),
    };
    let find = |name: &str| case["tensors"].as_array().unwrap().iter().find(|r| r["name"] == name);
    let name = case["case"].as_str().unwrap();
    let mut worst: f64 = 0.0;
    if let Some(weights) = hyper["scale_weights"].as_array() {
        let mut total = 0.0;
        let mut each = Vec::new();
        for (n, weight) in weights.iter().enumerate() {
            let weight = weight.as_f64().unwrap();
            let mut loss = settings.of(&array(&inputs[2 * n]), &labels(&inputs[2 * n + 1]));
            total += weight * loss.value;
            each.push(loss.value as f32);
            loss.gradient.values.iter_mut().for_each(|g| *g *= weight as f32);
            if let Some(row) = find(&format!("grad.input.{n}")) {
                worst = worst.max(compare_row(row, stored, &loss.gradient)?);
            }
        }
        worst = worst.max(compare_row(find("per_scale").unwrap(), stored, &Array::new([each.len()], each))?);
        return Ok(worst.max(compare_row(find("output").unwrap(), stored, &Array::new([1], vec![total as f32]))?));
    }
    let (logits, target) = (array(&inputs[0]), labels(&inputs[1]));
    if let Some(row) = find("target") {
        let got = Array::new(shape_of(row), target.iter().map(|&v| f32::from(v)).collect());
        worst = worst.max(compare_row(&with_tolerance(row), stored, &got)?);
    }
    let loss = match () {
        () if name.contains("bce") => {
            bce_with_logits(&logits, &target.iter().map(|&t| f32::from(t)).collect::<Vec<_>>())
        }
        () if name.starts_with("loss_dice_ce") => settings.of(&logits, &target),
        () if name.starts_with("loss_dice") => soft_dice(&logits, &target, &settings),
        () => {
            let weights: Option<Vec<f64>> =
                hyper["weight"].as_array().map(|w| w.iter().map(|v| v.as_f64().unwrap()).collect());
            cross_entropy(&logits, &target, weights.as_deref(), settings.ignore, hyper["reduction"] == "mean")
        }
    };
    worst = worst.max(compare_row(find("output").unwrap(), stored, &Array::new([1], vec![loss.value as f32]))?);
    Ok(worst.max(compare_row(find("grad.input").unwrap(), stored, &loss.gradient)?))
}

/// Integer rows are exact: any deviation is too much.
fn with_tolerance(row: &Value) -> Value {
    let mut row = row.clone();
    row["abs"] = Value::from(1e-9);
    row
}

fn check_optimiser(case: &Value, stored: &Stored, on: On) -> Result<f64, String> {
    let hyper = &case["hyper"];
    let builder = GraphBuilder::new();
    let x = builder.input(1);
    let hidden = builder.root().sub("conv1").conv_same(&x, 4, 3).relu();
    let logits = builder.root().sub("conv2").conv_valid(&hidden, 3, 1);
    let graph = builder.finish(&[logits]).unwrap();
    let weights = weights_of(case, &graph);
    let network = network_of(graph, &weights, on)?;
    let mut network = network.with_input_gradient();
    let number = |key: &str| hyper[key].as_f64().unwrap_or(0.0);
    let betas = hyper["betas"].as_array().map_or([0.9, 0.999], |b| [b[0].as_f64().unwrap(), b[1].as_f64().unwrap()]);
    let eps = hyper["eps"].as_f64().unwrap_or(1e-8);
    let weight_decay = number("weight_decay");
    let recipe = match case["reference"]["symbol"].as_str().unwrap() {
        "torch.optim.SGD" => {
            Recipe::Sgd { momentum: number("momentum"), nesterov: hyper["nesterov"] == true, weight_decay }
        }
        "torch.optim.AdamW" => Recipe::AdamW { betas, eps, weight_decay },
        _ => Recipe::Adam { betas, eps, weight_decay },
    };
    let mut optimiser = Optimiser::new(recipe, hyper["clip_grad_norm"].as_f64());
    let rows = case["inputs"].as_array().unwrap();
    let shape = shape_of(&rows[0]);
    let input = Array::new(shape.clone(), fill::input("input", shape.iter().product(), 1.0));
    let target = fill::labels(&rows[1], shape_of(&rows[1]).iter().product());
    let (mut losses, mut norms) = (Vec::new(), Vec::new());
    let mut worst: f64 = 0.0;
    for (step, rate) in hyper["lr_per_step"].as_array().unwrap().iter().enumerate() {
        let pass = network.run(&input, Mode::Training, Watch::unwatched()).map_err(|e| e.to_string())?;
        let loss = cross_entropy(&pass.outputs().map_err(|e| e.to_string())?[0], &target, None, None, true);
        let gradients = pass.backward(&[loss.gradient], Watch::unwatched()).map_err(|e| e.to_string())?;
        norms.push(optimiser.step(&mut network, &gradients, rate.as_f64().unwrap()).map_err(|e| e.to_string())? as f32);
        losses.push(loss.value as f32);
        let now = network.weights().map_err(|e| e.to_string())?;
        let steps = hyper["lr_per_step"].as_array().unwrap().len();
        for row in case["tensors"].as_array().unwrap() {
            let name = row["name"].as_str().unwrap();
            let due = name
                .strip_prefix(&format!("step{}.", step + 1))
                .or_else(|| if step + 1 == steps { name.strip_prefix("final.") } else { None });
            if let Some(parameter) = due {
                worst = worst.max(compare_row(row, stored, &now[parameter])?);
            }
        }
    }
    for row in case["tensors"].as_array().unwrap() {
        match row["name"].as_str().unwrap() {
            "output" => worst = worst.max(compare_row(row, stored, &Array::new([losses.len()], losses.clone()))?),
            "grad_norm" => worst = worst.max(compare_row(row, stored, &Array::new([norms.len()], norms.clone()))?),
            _ => {}
        }
    }
    Ok(worst)
}

fn activation(hyper: &Value) -> Activation {
    match hyper["activation"].as_str().unwrap() {
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        _ => Activation::Relu,
    }
}

fn perceptron_graph(case: &Value) -> Graph {
    let widths: Vec<usize> = case["hyper"]["widths"].as_array().unwrap().iter().map(size).collect();
    let builder = GraphBuilder::new();
    let x = builder.input(widths[0]);
    let y = zoo::layers(&builder.root(), &x, &widths[1..], activation(&case["hyper"]));
    builder.finish(&[y]).unwrap()
}

/// Plain gradient descent on the cross entropy.
fn check_descent(case: &Value, stored: &Stored, on: On) -> Result<f64, String> {
    let hyper = &case["hyper"];
    let graph = perceptron_graph(case);
    let weights = weights_of(case, &graph);
    let mut network = network_of(graph, &weights, on)?;
    let rows = case["inputs"].as_array().unwrap();
    let [batch, features] = shape_of(&rows[0])[..] else { return Err("points have two axes".into()) };
    let input = Array::new([batch, features, 1, 1], fill::input("input", batch * features, 1.0));
    let target = fill::labels(&rows[1], batch);
    let recipe = Recipe::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let mut optimiser = Optimiser::new(recipe, None);
    let mut losses = Vec::new();
    for _ in 0..size(&hyper["steps"]) {
        let pass = network.run(&input, Mode::Training, Watch::unwatched()).map_err(|e| e.to_string())?;
        let loss = cross_entropy(&pass.outputs().map_err(|e| e.to_string())?[0], &target, None, None, true);
        let gradients = pass.backward(&[loss.gradient], Watch::unwatched()).map_err(|e| e.to_string())?;
        optimiser.step(&mut network, &gradients, hyper["lr"].as_f64().unwrap()).map_err(|e| e.to_string())?;
        losses.push(loss.value as f32);
    }
    let now = network.weights().map_err(|e| e.to_string())?;
    let mut worst: f64 = 0.0;
    for row in case["tensors"].as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        if name == "output" {
            worst = worst.max(compare_row(row, stored, &Array::new([losses.len()], losses.clone()))?);
        } else if let Some(parameter) = name.strip_prefix("final.") {
            worst = worst.max(compare_row(row, stored, &now[parameter])?);
        }
    }
    Ok(worst)
}

/// Rosenblatt's rule, epoch by epoch.
fn check_rosenblatt(case: &Value, stored: &Stored) -> Result<f64, String> {
    let hyper = &case["hyper"];
    let find = |name: &str| case["tensors"].as_array().unwrap().iter().find(|r| r["name"] == name).unwrap();
    let points: Vec<f32> = stored.0["points"].iter().map(|&v| v as f32).collect();
    let labels: Vec<bool> = stored.0["labels"].iter().map(|&v| v > 0.0).collect();
    let tie = if hyper["tie"].as_str().unwrap().contains("+1") { Tie::Positive } else { Tie::Mistake };
    let mut learner = Rosenblatt::new(points.len() / labels.len(), tie);
    let state = |l: &Rosenblatt| l.weights.iter().chain([&l.bias]).map(|&v| v as f32).collect::<Vec<_>>();
    let (mut history, mut mistakes) = (state(&learner), Vec::new());
    for _ in 0..size(&hyper["max_epochs"]) {
        let wrong = learner.epoch(&points, &labels, hyper["lr"].as_f64().unwrap());
        history.extend(state(&learner));
        mistakes.push(wrong as f32);
        if wrong == 0 {
            break;
        }
    }
    let worst = compare_row(find("output"), stored, &Array::new(shape_of(find("output")), history))?;
    let counts = Array::new([mistakes.len()], mistakes);
    Ok(worst.max(compare_row(&with_tolerance(find("mistakes")), stored, &counts)?))
}

/// A file of another program, at the size it was exported for and at another one where its sizes are open.
fn check_onnx(case: &Value, stored: &Stored, folder: &Path, on: On) -> Result<f64, String> {
    let bytes = std::fs::read(folder.join(case["onnx"]["file"].as_str().unwrap())).unwrap();
    let beside = |name: &str, _: u64, _: u64| Err(format!("no file {name}"));
    let imported = onnx::import(&bytes, &beside).map_err(|e| e.to_string())?;
    let again = onnx::import_structure(&imported.structure).map_err(|e| e.to_string())?;
    if format!("{:?}", again.nodes) != format!("{:?}", imported.graph.nodes) {
        return Err("the file without its weights is another network".into());
    }
    let weights: Weights =
        imported.weights.into_iter().map(|(name, t)| (name, Array::new(t.shape, t.values))).collect();
    let graph = imported.graph;
    let mut network = network_of(graph, &weights, on)?;
    let rows = case["tensors"].as_array().unwrap();
    let mut worst: f64 = 0.0;
    for input in case["inputs"].as_array().unwrap() {
        let name = input["name"].as_str().unwrap();
        let values = fill::input(name, shape_of(input).iter().product(), input["scale"].as_f64().unwrap_or(1.0));
        let image = Array::new(shape_of(input), values);
        if let Some(row) = rows.iter().find(|r| r["name"] == name) {
            compare_row(row, stored, &image)?;
        }
        let wanted = name.replacen("input", "output", 1);
        let row = rows.iter().find(|r| r["name"] == wanted.as_str()).ok_or(format!("no {wanted} is stored"))?;
        let fast = network.infer(&image, Watch::unwatched()).map_err(|e| e.to_string())?.remove(0);
        check_device(&mut network)?;
        let slow = network
            .run(&image, Mode::Inference, Watch::unwatched())
            .and_then(|p| p.outputs())
            .map_err(|e| e.to_string())?
            .remove(0);
        worst = worst.max(compare_row(row, stored, &fast)?).max(compare_row(row, stored, &slow)?);
    }
    Ok(worst)
}

/// The deviation of one case at every place, or `None` where the case is not built yet.
fn check(case: &Value, folder: &Path, places: &[On]) -> Option<Vec<Result<f64, String>>> {
    let stored = || Stored::read(&folder.join(case["file"].as_str().unwrap()));
    match case["group"].as_str()? {
        "loss" => Some(vec![check_loss(case, &stored())]),
        "optimiser" => Some(places.iter().map(|&on| check_optimiser(case, &stored(), on)).collect()),
        "perceptron" => Some(vec![check_rosenblatt(case, &stored())]),
        "mlp" if case["hyper"].get("steps").is_some() => {
            Some(places.iter().map(|&on| check_descent(case, &stored(), on)).collect())
        }
        "mlp" => {
            let (graph, stored) = (perceptron_graph(case), stored());
            Some(places.iter().map(|&on| check_network(case, graph.clone(), &stored, on)).collect())
        }
        "onnx" => Some(places.iter().map(|&on| check_onnx(case, &stored(), folder, on)).collect()),
        "op" | "block" | "segmentation" | "encoder" => {
            let graph = graph_of(case)?;
            let stored = stored();
            Some(places.iter().map(|&on| check_network(case, graph.clone(), &stored, on)).collect())
        }
        _ => None,
    }
}

/// Our kernels, and where that does not take too long the composed operations, on the device under test.
fn places(case: &Value) -> Vec<On> {
    let device = support::test_device();
    let mut places = vec![On { backend: Backend::Best, device }];
    if case["macs"].as_f64().unwrap_or(0.0) < COMPOSED_LIMIT_MACS {
        places.push(On { backend: Backend::Composed, device });
    }
    places
}

/// Whether a case computes gradients.
fn needs_gradients(case: &Value) -> bool {
    let rows = case["tensors"].as_array().into_iter().flatten();
    let steps = case["group"] == "optimiser" || case["hyper"].get("steps").is_some();
    steps || rows.filter_map(|row| row["name"].as_str()).any(|name| name.contains("grad"))
}

/// Multiply-adds of an inference beyond which both ways take too long on a GPU of software.
const SOFTWARE_LIMIT_MACS: f64 = 3e8;

#[test]
fn every_gradient_on_a_gpu_agrees_with_pytorch() {
    let (Some(folder), Some(gpu)) = (support::test_data(), support::gpu()) else { return };
    let folder = folder.join("golden");
    let index = support::json(&folder.join("cases.json"));
    let only = std::env::var("GOLDEN_ONLY").ok();
    let limit = if gpu.name.contains("software") { SOFTWARE_LIMIT_MACS } else { f64::INFINITY };
    let (mut matched, mut large, mut failures) = (0, 0, Vec::new());
    for case in index["cases"].as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        if only.as_ref().is_some_and(|part| !name.contains(part.as_str())) || !needs_gradients(case) {
            continue;
        }
        if case["macs"].as_f64().unwrap_or(0.0) >= limit {
            large += 1;
            continue;
        }
        let start = std::time::Instant::now();
        match check(case, &folder, &[On { backend: Backend::Best, device: gpu.choice }]) {
            None => {}
            Some(results) => match results.into_iter().collect::<Result<Vec<f64>, String>>() {
                Ok(deviations) => {
                    matched += 1;
                    let worst = deviations.into_iter().fold(0.0, f64::max);
                    println!("matched {name}: {worst:.3} of the tolerance, {:.2} s", start.elapsed().as_secs_f64());
                }
                Err(problem) => {
                    println!("failed {name}: {problem}");
                    failures.push(format!("{name}: {problem}"));
                }
            },
        }
    }
    println!("gradients on {}: {matched} matched, {large} too large, {} failed", gpu.name, failures.len());
    assert!(matched > 0 || only.is_some());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What inference on a GPU gives: against what is stored, where that is of inference, and against our kernels on the CPU. The deviation
/// from both; `None` where a case has no network.
fn check_on_gpu(case: &Value, folder: &Path, gpu: DeviceChoice) -> Option<Result<[f64; 2], String>> {
    let group = case["group"].as_str()?;
    let (graph, weights) = match group {
        "onnx" => {
            let bytes = std::fs::read(folder.join(case["onnx"]["file"].as_str()?)).unwrap();
            let beside = |name: &str, _: u64, _: u64| Err(format!("no file {name}"));
            let imported = onnx::import(&bytes, &beside).unwrap();
            let weights = imported.weights.into_iter().map(|(name, t)| (name, Array::new(t.shape, t.values)));
            (imported.graph, weights.collect())
        }
        "mlp" if case["hyper"].get("steps").is_none() => {
            let graph = perceptron_graph(case);
            let weights = weights_of(case, &graph);
            (graph, weights)
        }
        "op" | "block" | "segmentation" | "encoder" => {
            let graph = graph_of(case)?;
            let weights = weights_of(case, &graph);
            (graph, weights)
        }
        _ => return None,
    };
    let stored = Stored::read(&folder.join(case["file"].as_str()?));
    let run = |network: &mut Network, image: &Array| -> Result<Vec<Array>, String> {
        let outputs = network.infer(image, Watch::unwatched()).map_err(|e| e.to_string())?;
        check_device(network).map(|()| outputs)
    };
    let compare = || -> Result<[f64; 2], String> {
        let opened = |device| Network::new(graph.clone(), &weights, device).map_err(|e| e.to_string());
        let (mut on_gpu, mut on_cpu) = (opened(gpu)?, opened(DeviceChoice::Cpu)?);
        let mut worst = [0.0f64; 2];
        for input in case["inputs"].as_array().ok_or("no inputs")? {
            let name = input["name"].as_str().unwrap();
            let mut shape = shape_of(input);
            let scale = input["scale"].as_f64().unwrap_or(1.0);
            let values = fill::input(name, shape.iter().product(), scale);
            shape.resize(4, 1);
            let image = Array::new(shape, values);
            let (found, wanted) = (run(&mut on_gpu, &image)?, run(&mut on_cpu, &image)?);
            for (found, wanted) in found.iter().zip(&wanted) {
                let distance = relative_distance(&found.values, &wanted.values);
                if found.shape != wanted.shape || distance > ENGINES_AGREE {
                    let [a, b] = [&found.shape, &wanted.shape];
                    return Err(format!("GPU {a:?} and CPU {b:?} differ by {distance:.1e} (relative L2)"));
                }
                worst[1] = worst[1].max(distance);
            }
            if case["mode"] == "train" {
                continue;
            }
            let outputs: Vec<String> = match (group, case["outputs"].as_array()) {
                ("onnx", _) | (_, None) => vec![name.replacen("input", "output", 1)],
                (_, Some(outputs)) => outputs.iter().filter_map(Value::as_str).map(Into::into).collect(),
            };
            for (output, found) in outputs.iter().zip(&found) {
                let mut rows = case["tensors"].as_array().unwrap().iter();
                let row = rows.find(|r| r["name"] == output.as_str()).ok_or(format!("no {output} is stored"))?;
                worst[0] = worst[0].max(compare_row(row, &stored, found)?);
            }
        }
        Ok(worst)
    };
    Some(compare())
}

#[test]
fn every_network_gives_the_same_on_a_gpu() {
    let (Some(folder), Some(gpu)) = (support::test_data(), support::gpu()) else { return };
    let folder = folder.join("golden");
    let index = support::json(&folder.join("cases.json"));
    let only = std::env::var("GOLDEN_ONLY").ok();
    let (mut matched, mut large, mut failures) = (0, 0, Vec::new());
    for case in index["cases"].as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        if only.as_ref().is_some_and(|part| !name.contains(part.as_str())) {
            continue;
        }
        // A GPU of software is slow, too.
        if case["macs"].as_f64().unwrap_or(0.0) >= COMPOSED_LIMIT_MACS {
            large += 1;
            continue;
        }
        let start = std::time::Instant::now();
        match check_on_gpu(case, &folder, gpu.choice) {
            None => {}
            Some(Ok([of_tolerance, from_cpu])) => {
                matched += 1;
                let seconds = start.elapsed().as_secs_f64();
                println!(
                    "matched {name}: {of_tolerance:.3} of the tolerance, {from_cpu:.1e} from the CPU, {seconds:.2} s"
                );
            }
            Some(Err(problem)) => {
                println!("failed {name}: {problem}");
                failures.push(format!("{name}: {problem}"));
            }
        }
    }
    println!("golden on {}: {matched} matched, {large} too large, {} failed", gpu.name, failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_built_case_agrees_with_pytorch() {
    let Some(folder) = support::test_data() else { return };
    let folder = folder.join("golden");
    let index = support::json(&folder.join("cases.json"));
    let only = std::env::var("GOLDEN_ONLY").ok();
    let (mut matched, mut awaited, mut failures) = (0, Vec::new(), Vec::new());
    for case in index["cases"].as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        if only.as_ref().is_some_and(|part| !name.contains(part.as_str())) {
            continue;
        }
        let start = std::time::Instant::now();
        match check(case, &folder, &places(case)) {
            None => awaited.push(name),
            Some(results) => {
                let mut worst: f64 = 0.0;
                let mut problems = Vec::new();
                for (backend, result) in ["kernels", "composed"].iter().zip(results) {
                    match result {
                        Ok(deviation) => worst = worst.max(deviation),
                        Err(problem) => problems.push(format!("{name} ({backend}): {problem}")),
                    }
                }
                if problems.is_empty() {
                    matched += 1;
                    println!("matched {name}: {worst:.3} of the tolerance, {:.2} s", start.elapsed().as_secs_f64());
                } else {
                    problems.iter().for_each(|p| println!("failed {p}"));
                    failures.extend(problems);
                }
            }
        }
    }
    println!("golden: {matched} matched, {} awaited by later work, {} failed", awaited.len(), failures.len());
    println!("awaited: {}", awaited.join(" "));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
