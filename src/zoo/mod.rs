//! One file per architecture; each builds a [`Graph`](crate::graph::Graph) from its options.
//!
//! **Invariant:** every architecture is one entry of [`ARCHITECTURES`] and passes the tests that run over that list.
//! **Invariant:** parameter names are those of the original PyTorch code, so that its weights can be loaded.
//!
//! Deliberately absent: weights, preprocessing, training recipes.

pub mod alexnet;
mod attention;
mod encoder;
mod encoder_unet;
mod ensemble;
pub mod foreign;
pub mod inception_v1;
pub mod inception_v2;
pub mod inception_v3;
pub mod lenet;
mod mateuszbuda;
mod milesial;
mod monai;
mod monai_basic;
mod monai_dynunet;
mod nnunet;
mod perceptron;
pub mod resnet;
mod touch;
mod unet;
pub mod vgg;
pub mod zfnet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::graph::{Conv, Graph, GraphError, Value};

pub use attention::{Attention, Blocks, Stages};
pub use encoder::{Encoder, Feature, Fit};
pub use encoder_unet::{DecoderNorm, DecoderUp, EncoderUNet, decoder_block};
pub use ensemble::{ENSEMBLE, Ensemble, MOST_MEMBERS};
pub use foreign::{Classifier, OnnxNetwork};
pub use mateuszbuda::BrainUNet;
pub use milesial::MilesialUNet;
pub use monai::{MonaiActivation, MonaiNorm};
pub use monai_basic::{BasicUp, MonaiBasicUNet};
pub use monai_dynunet::MonaiDynUNet;
pub use nnunet::{NnUnet, PerAxis, conv_stack, residual_block, residual_bottleneck};
pub use perceptron::{Perceptron, layers};
pub use resnet::{ResNet, Striding, basic_block, bottleneck};
pub use touch::{TOUCH, TouchUNet};
pub use unet::{Padding, UNet, UNetNorm, UpPath};

/// A square convolution of one group.
fn conv(x: &Value, outputs: usize, kernel: usize, stride: usize, padding: usize, bias: bool) -> Conv {
    Conv { stride: [stride; 2], padding: [padding; 2], bias, ..Conv::square(x.channels(), outputs, kernel) }
}

/// Input channels and classes; every architecture needs them and no model may choose them freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Channels of the input: image channels times neighbouring slices.
    pub in_channels: usize,
    /// Output channels: background and labels.
    pub classes: usize,
}

/// An entry of the zoo.
pub struct Architecture {
    /// Identifier in model files and on the command line.
    pub id: &'static str,
    /// Title and source.
    pub title: &'static str,
    /// When to choose it.
    pub advice: &'static str,
    /// Builds the graph from options (missing ones take their defaults).
    pub build: fn(Ends, &serde_json::Value) -> Result<Graph, ZooError>,
}

/// Every architecture.
pub const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        id: "perceptron",
        title: "Perceptron per pixel over local features (Rosenblatt 1958)",
        advice: "to see what no network is worth; minutes of training at most",
        build: |ends, options| Ok(parse::<Perceptron>(options)?.build(ends)?),
    },
    Architecture {
        id: "mlp",
        title: "Multi-layer perceptron per pixel over local features (Rumelhart et al. 1986)",
        advice: "where grey values and texture alone tell the tissue",
        build: |ends, options| {
            let options = with_defaults(serde_json::to_value(Perceptron::multi_layer())?, options);
            Ok(parse::<Perceptron>(&options)?.build(ends)?)
        },
    },
    Architecture {
        id: "unet",
        title: "U-Net (Ronneberger et al. 2015); padding, norm, up-sampling, attention and encoder by choice",
        advice: "the first to try; with `encoder` for imported weights or larger fields of view",
        build: |ends, options| match options.get("encoder") {
            Some(encoder) if encoder != "plain" => parse::<EncoderUNet>(options)?.build(ends),
            _ => parse::<UNet>(&without(options, "encoder"))?.build(ends),
        },
    },
    Architecture {
        id: "nnunet-plain",
        title: "nnU-Net's plain 2-D network (Isensee et al. 2021)",
        advice: "instance norm, so batches may be small",
        build: |ends, options| Ok(parse::<NnUnet>(options)?.build(ends)?),
    },
    Architecture {
        id: "nnunet-residual",
        title: "nnU-Net's 2-D network with a residual encoder (Isensee et al. 2024)",
        advice: "deeper than the plain one, for where there is time to train",
        build: |ends, options| {
            let options = with_defaults(serde_json::to_value(NnUnet::residual(4))?, options);
            Ok(parse::<NnUnet>(&options)?.build(ends)?)
        },
    },
    Architecture {
        id: "unet-milesial",
        title: "U-Net of milesial/Pytorch-UNet; bilinear by choice",
        advice: "for weights that were trained with that code",
        build: |ends, options| Ok(parse::<MilesialUNet>(options)?.build(ends)?),
    },
    Architecture {
        id: "unet-mateuszbuda",
        title: "U-Net for brain MRI (Buda et al. 2019)",
        advice: "for weights that were trained with that code",
        build: |ends, options| Ok(parse::<BrainUNet>(options)?.build(ends)?),
    },
    Architecture {
        id: "unet-monai-basic",
        title: "BasicUNet of MONAI",
        advice: "for weights that were trained with that code",
        build: |ends, options| Ok(parse::<MonaiBasicUNet>(options)?.build(ends)?),
    },
    Architecture {
        id: "unet-monai-dynamic",
        title: "DynUNet of MONAI; residual by choice",
        advice: "for weights that were trained with that code",
        build: |ends, options| Ok(parse::<MonaiDynUNet>(options)?.build(ends)?),
    },
];

/// The image size that costs are given for.
const COUNTED: [usize; 2] = [256, 256];

/// Trainable parameters and multiply-adds of one 256 x 256 slice; computed from the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Trainable values.
    pub parameters: usize,
    /// Multiply-adds.
    pub macs: usize,
}

/// What a graph costs on a 256 x 256 slice.
///
/// # Errors
/// Where that size does not fit the graph.
pub fn cost(graph: &Graph) -> Result<Cost, GraphError> {
    Ok(Cost { parameters: graph.trainable_count(), macs: graph.multiply_adds(COUNTED)? })
}

/// `options` over defaults, key by key.
fn with_defaults(mut defaults: serde_json::Value, options: &serde_json::Value) -> serde_json::Value {
    match (defaults.as_object_mut(), options) {
        (Some(all), serde_json::Value::Object(own)) => {
            all.extend(own.iter().map(|(k, v)| (k.clone(), v.clone())));
            defaults
        }
        (_, serde_json::Value::Null) => defaults,
        _ => options.clone(),
    }
}

fn without(options: &serde_json::Value, key: &str) -> serde_json::Value {
    let mut options = options.clone();
    if let Some(all) = options.as_object_mut() {
        all.remove(key);
    }
    options
}

/// Why an architecture cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ZooError {
    /// No entry has this identifier.
    #[error("unknown architecture {0:?}; known are {known}", known = known())]
    Unknown(String),
    /// The options do not fit.
    #[error("the architecture's options are wrong: {0}")]
    Options(#[from] serde_json::Error),
    /// A network of another program cannot be built.
    #[error("the imported network cannot be built: {0}")]
    Foreign(String),
    /// A block of attention does not fit its stage.
    #[error("{0}")]
    Attention(String),
    /// An encoder without auxiliary classifiers is to have auxiliary heads.
    #[error("the encoder {0} has no auxiliary classifiers; inception-v1, googlenet and inception-v3 have")]
    Auxiliary(String),
    /// Members that cannot be joined.
    #[error("{0} members of {1}; 1 to {most} of another architecture can be joined", most = ensemble::MOST_MEMBERS)]
    Ensemble(usize, String),
    /// The options contradict each other.
    #[error("the architecture cannot be built: {0}")]
    Graph(#[from] GraphError),
}

fn known() -> String {
    ARCHITECTURES.iter().map(|a| a.id).collect::<Vec<_>>().join(", ")
}

fn parse<T: DeserializeOwned + Default>(options: &serde_json::Value) -> Result<T, serde_json::Error> {
    if options.is_null() { Ok(T::default()) } else { T::deserialize(options) }
}

/// The number of stages at which a plain U-Net of these options can have attention; `None` for other networks and wrong options.
pub fn attention_stages(id: &str, options: &serde_json::Value) -> Option<usize> {
    let is_plain = id == "unet" && options.get("encoder").is_none_or(|encoder| encoder == "plain");
    let network = is_plain.then(|| parse::<UNet>(&without(options, "encoder")).ok()).flatten()?;
    Some(network.depth + 1)
}

/// Builds an architecture by its identifier; `null` options are the defaults.
///
/// # Errors
/// For an unknown identifier or options that do not fit.
pub fn build(id: &str, ends: Ends, options: &serde_json::Value) -> Result<Graph, ZooError> {
    match id {
        foreign::ONNX => return OnnxNetwork::deserialize(options)?.build(ends),
        ENSEMBLE => return Ensemble::deserialize(options)?.build(ends),
        foreign::CLASSIFIER => return Ok(Classifier::deserialize(options)?.network.classifier(ends)?),
        TOUCH => return parse::<TouchUNet>(options)?.build(ends),
        _ => {}
    }
    let entry = ARCHITECTURES.iter().find(|a| a.id == id).ok_or_else(|| ZooError::Unknown(id.into()))?;
    (entry.build)(ends, options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_architecture_builds_with_unique_names_and_keeps_the_image_size() {
        for entry in ARCHITECTURES {
            let ends = Ends { in_channels: 3, classes: 4 };
            let graph = build(entry.id, ends, &serde_json::Value::Null).unwrap();
            let names: HashSet<_> = graph.parameters.iter().map(|p| &p.name).collect();
            assert_eq!(names.len(), graph.parameters.len(), "{}: a name occurs twice", entry.id);
            assert_eq!((graph.input_channels(), graph.output_channels()), (3, 4), "{}", entry.id);
            let stride = graph.stride();
            let input = [stride[0] * 3, stride[1] * 2];
            assert_eq!(graph.output_size(input).unwrap(), input, "{}", entry.id);
            for (node, size) in graph.nodes.iter().zip(graph.sizes(input).unwrap()) {
                let symbolic = [0, 1].map(|axis| node.size.extent[axis].at(input[axis]));
                assert_eq!(symbolic, size.map(Some), "{}: {}", entry.id, node.scope);
            }
        }
    }

    #[test]
    fn options_that_do_not_exist_are_refused() {
        let ends = Ends { in_channels: 1, classes: 2 };
        assert!(build("unet", ends, &serde_json::json!({"widht": 8})).is_err());
        assert!(build("u-net", ends, &serde_json::Value::Null).is_err());
    }
}
