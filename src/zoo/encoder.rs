//! Classifiers as encoders: their maps at falling resolution, one list of all of them.

use serde::{Deserialize, Serialize};

use super::inception_v1::Form;
use super::{Ends, ResNet, alexnet, inception_v1, inception_v2, inception_v3, lenet, resnet, vgg, zfnet};
use crate::graph::{Graph, GraphBuilder, GraphError, Scope, Value};

/// A map of an encoder, and how many pixels of the image its pixels are apart.
#[derive(Clone)]
pub struct Feature {
    /// The map.
    pub value: Value,
    /// Pixels of the image per pixel of the map.
    pub stride: usize,
}

/// The coarsest map.
pub fn last(features: &[Feature]) -> Value {
    features[features.len() - 1].value.clone()
}

/// How layers without a full border are padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// As published, for classifying.
    Original,
    /// So that every stride divides the size exactly, for a decoder.
    Halving,
}

impl Fit {
    /// The padding of a layer that has `original` in the published network.
    pub fn padding(self, kernel: usize, stride: usize, original: usize) -> usize {
        match self {
            Self::Original => original,
            Self::Halving => (kernel - stride.min(kernel)).div_ceil(2),
        }
    }
}

/// A published classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Encoder {
    #[serde(rename = "lenet5")]
    LeNet5,
    #[serde(rename = "alexnet")]
    AlexNet,
    #[serde(rename = "alexnet-original")]
    AlexNetOriginal,
    #[serde(rename = "zfnet")]
    ZfNet,
    #[serde(rename = "vgg16")]
    Vgg16,
    #[serde(rename = "vgg16-bn")]
    Vgg16Bn,
    #[serde(rename = "inception-v1")]
    InceptionV1,
    #[serde(rename = "googlenet")]
    GoogLeNet,
    #[serde(rename = "inception-v2")]
    InceptionV2,
    #[serde(rename = "inception-v3")]
    InceptionV3,
    #[serde(rename = "resnet18")]
    ResNet18,
    #[serde(rename = "resnet34")]
    ResNet34,
    #[serde(rename = "resnet50")]
    ResNet50,
    #[serde(rename = "resnet101")]
    ResNet101,
    #[serde(rename = "seresnet18")]
    SeResNet18,
    #[serde(rename = "seresnet34")]
    SeResNet34,
    #[serde(rename = "seresnet50")]
    SeResNet50,
    #[serde(rename = "vgg11")]
    Vgg11,
    #[serde(rename = "vgg11-bn")]
    Vgg11Bn,
    #[serde(rename = "vgg13")]
    Vgg13,
    #[serde(rename = "vgg13-bn")]
    Vgg13Bn,
    #[serde(rename = "vgg19")]
    Vgg19,
    #[serde(rename = "vgg19-bn")]
    Vgg19Bn,
    #[serde(rename = "resnet152")]
    ResNet152,
    #[serde(rename = "resnext50-32x4d")]
    ResNext50,
    #[serde(rename = "resnext101-32x4d")]
    ResNext101By4,
    #[serde(rename = "resnext101-32x8d")]
    ResNext101By8,
    #[serde(rename = "resnext101-32x16d")]
    ResNext101By16,
    #[serde(rename = "resnext101-32x32d")]
    ResNext101By32,
    #[serde(rename = "resnext101-32x48d")]
    ResNext101By48,
    // The published form of squeeze-and-excitation networks pools its stem without a border.
    #[serde(rename = "se-resnet50")]
    PublishedSeResNet50,
    #[serde(rename = "se-resnet101")]
    PublishedSeResNet101,
    #[serde(rename = "se-resnet152")]
    PublishedSeResNet152,
    #[serde(rename = "se-resnext50-32x4d")]
    PublishedSeResNext50,
    #[serde(rename = "se-resnext101-32x4d")]
    PublishedSeResNext101,
}

/// How an encoder is made.
#[derive(Clone, Copy)]
enum Build {
    Residual(ResNet),
    /// With squeeze-and-excitation.
    Excited(ResNet, Fit),
    Vgg(vgg::Depth, bool),
    /// Each in its own way.
    Other,
}

/// Share of the values that fully connected layers of a classifier drop while training.
const DROPOUT: f64 = 0.5;

impl Encoder {
    /// Those that are offered for training.
    pub const ALL: [Self; 17] = [
        Self::LeNet5,
        Self::AlexNet,
        Self::AlexNetOriginal,
        Self::ZfNet,
        Self::Vgg16,
        Self::Vgg16Bn,
        Self::InceptionV1,
        Self::GoogLeNet,
        Self::InceptionV2,
        Self::InceptionV3,
        Self::ResNet18,
        Self::ResNet34,
        Self::ResNet50,
        Self::ResNet101,
        Self::SeResNet18,
        Self::SeResNet34,
        Self::SeResNet50,
    ];

    /// Those that come with weights of other programs only.
    pub const IMPORTED: [Self; 18] = [
        Self::Vgg11,
        Self::Vgg11Bn,
        Self::Vgg13,
        Self::Vgg13Bn,
        Self::Vgg19,
        Self::Vgg19Bn,
        Self::ResNet152,
        Self::ResNext50,
        Self::ResNext101By4,
        Self::ResNext101By8,
        Self::ResNext101By16,
        Self::ResNext101By32,
        Self::ResNext101By48,
        Self::PublishedSeResNet50,
        Self::PublishedSeResNet101,
        Self::PublishedSeResNet152,
        Self::PublishedSeResNext50,
        Self::PublishedSeResNext101,
    ];

    /// Whether it is a VGG network, below which decoders have two convolutions more.
    pub fn is_vgg(self) -> bool {
        matches!(self.build(), Build::Vgg(..))
    }

    fn build(self) -> Build {
        use vgg::Depth::{Eleven, Nineteen, Sixteen, Thirteen};
        let next101 = |per_group| Build::Residual(ResNet::ResNext101 { per_group });
        let (halving, published) = (Fit::Halving, Fit::Original);
        match self {
            Self::ResNet18 => Build::Residual(ResNet::ResNet18),
            Self::ResNet34 => Build::Residual(ResNet::ResNet34),
            Self::ResNet50 => Build::Residual(ResNet::ResNet50),
            Self::ResNet101 => Build::Residual(ResNet::ResNet101),
            Self::ResNet152 => Build::Residual(ResNet::ResNet152),
            Self::ResNext50 => Build::Residual(ResNet::ResNext50 { per_group: 4 }),
            Self::ResNext101By4 => next101(4),
            Self::ResNext101By8 => next101(8),
            Self::ResNext101By16 => next101(16),
            Self::ResNext101By32 => next101(32),
            Self::ResNext101By48 => next101(48),
            Self::SeResNet18 => Build::Excited(ResNet::ResNet18, halving),
            Self::SeResNet34 => Build::Excited(ResNet::ResNet34, halving),
            Self::SeResNet50 => Build::Excited(ResNet::ResNet50, halving),
            Self::PublishedSeResNet50 => Build::Excited(ResNet::ResNet50, published),
            Self::PublishedSeResNet101 => Build::Excited(ResNet::ResNet101, published),
            Self::PublishedSeResNet152 => Build::Excited(ResNet::ResNet152, published),
            Self::PublishedSeResNext50 => Build::Excited(ResNet::ResNext50 { per_group: 4 }, published),
            Self::PublishedSeResNext101 => Build::Excited(ResNet::ResNext101 { per_group: 4 }, published),
            Self::Vgg11 => Build::Vgg(Eleven, false),
            Self::Vgg11Bn => Build::Vgg(Eleven, true),
            Self::Vgg13 => Build::Vgg(Thirteen, false),
            Self::Vgg13Bn => Build::Vgg(Thirteen, true),
            Self::Vgg16 => Build::Vgg(Sixteen, false),
            Self::Vgg16Bn => Build::Vgg(Sixteen, true),
            Self::Vgg19 => Build::Vgg(Nineteen, false),
            Self::Vgg19Bn => Build::Vgg(Nineteen, true),
            _ => Build::Other,
        }
    }

    /// Its identifier.
    pub fn id(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(String::from)).unwrap_or_default()
    }

    /// What it is, and when to choose it.
    pub fn line(self) -> &'static str {
        match self {
            Self::LeNet5 => "LeNet-5 (1998): tiny, the fastest to train, for small structures in small slices",
            Self::AlexNet => "AlexNet in torchvision's form: fast and coarse, for large structures or imported weights",
            Self::AlexNetOriginal => {
                "AlexNet as published, two groups, local response norm: to compare or for imported weights"
            }
            Self::ZfNet => "ZFNet, AlexNet with a finer first layer: to compare",
            Self::Vgg16 => "VGG-16, plain 3x3 convolutions: for imported weights; slow",
            Self::Vgg16Bn => "VGG-16 with batch norm: for imported weights; slow, learns more easily than without",
            Self::InceptionV1 => "GoogLeNet as published, without batch norm: to compare",
            Self::GoogLeNet => {
                "GoogLeNet in torchvision's form, with batch norm: few parameters, several scales at once"
            }
            Self::InceptionV2 => {
                "BN-Inception, with batch norm: several scales at once, for structures of very different size"
            }
            Self::InceptionV3 => "Inception v3, 1x7 and 7x1 convolutions: large, for many scans",
            Self::ResNet18 => "ResNet-18: the first to try",
            Self::ResNet34 => "ResNet-34: where ResNet-18 falls short and there is time",
            Self::ResNet50 => "ResNet-50, bottlenecks: for many scans or imported weights",
            Self::ResNet101 => "ResNet-101: for very many scans and imported weights; the slowest",
            Self::SeResNet18 => {
                "ResNet-18 with squeeze-and-excitation: as ResNet-18, where contrast differs between scans"
            }
            Self::SeResNet34 => {
                "ResNet-34 with squeeze-and-excitation: as ResNet-34, where contrast differs between scans"
            }
            Self::SeResNet50 => {
                "ResNet-50 with squeeze-and-excitation: as ResNet-50, where contrast differs between scans"
            }
            _ => "for imported weights",
        }
    }

    /// Its maps from the finest, padded for a decoder; inner ones are tapped under `prefix`.
    pub fn features(self, builder: &GraphBuilder, scope: &Scope, x: &Value, prefix: &str) -> Vec<Feature> {
        let fit = Fit::Halving;
        match self.build() {
            Build::Residual(network) => return network.features(builder, scope, x, prefix),
            Build::Excited(network, fit) => {
                return resnet::excited_features(network, builder, scope, x, fit, prefix);
            }
            Build::Vgg(depth, norm) => return vgg::encoder(depth, builder, scope, x, norm, prefix),
            Build::Other => {}
        }
        match self {
            Self::AlexNet => alexnet::features(builder, scope, x, fit, prefix),
            Self::AlexNetOriginal => alexnet::original_features(builder, scope, x, fit, prefix),
            Self::ZfNet => zfnet::features(builder, scope, x, fit, prefix),
            Self::InceptionV1 => inception_v1::features(builder, scope, x, Form::Paper, fit, prefix),
            Self::GoogLeNet => inception_v1::features(builder, scope, x, Form::Torchvision, fit, prefix),
            Self::InceptionV2 => inception_v2::features(builder, scope, x, prefix),
            Self::InceptionV3 => inception_v3::features(builder, scope, x, fit, prefix),
            _ => lenet::features(builder, scope, x, fit, prefix),
        }
    }

    /// Names of its auxiliary classifiers and of the maps that they read, the last first.
    pub fn auxiliary_maps(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::InceptionV1 | Self::GoogLeNet => &[("aux2", "inception4d"), ("aux1", "inception4a")],
            Self::InceptionV3 => &[("AuxLogits", "Mixed_6e")],
            _ => &[],
        }
    }

    /// The published classifier, without auxiliary heads.
    ///
    /// # Errors
    /// Never for these networks.
    pub fn classifier(self, ends: Ends) -> Result<Graph, GraphError> {
        match self.build() {
            Build::Residual(network) => return network.classifier(ends),
            Build::Excited(network, _) => return resnet::excited_classifier(network, ends),
            Build::Vgg(depth, norm) => return vgg::classifier_of(depth, ends, norm, DROPOUT),
            Build::Other => {}
        }
        match self {
            Self::AlexNet => alexnet::classifier(ends, DROPOUT),
            Self::AlexNetOriginal => alexnet::original_classifier(ends, DROPOUT),
            Self::ZfNet => zfnet::classifier(ends, DROPOUT),
            Self::InceptionV1 => inception_v1::classifier(ends, Form::Paper, false, DROPOUT),
            Self::GoogLeNet => inception_v1::classifier(ends, Form::Torchvision, false, 0.2),
            Self::InceptionV2 => inception_v2::classifier(ends),
            Self::InceptionV3 => inception_v3::classifier(ends, false, DROPOUT),
            _ => lenet::classifier(ends),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts_are_the_published_ones() {
        for (encoder, expected) in [
            (Encoder::LeNet5, 61_706 + 2 * 150),
            (Encoder::AlexNet, 61_100_840),
            (Encoder::AlexNetOriginal, 60_965_224),
            (Encoder::Vgg16, 138_357_544),
            (Encoder::Vgg16Bn, 138_365_992),
            (Encoder::InceptionV1, 6_998_552),
            (Encoder::GoogLeNet, 6_624_904),
            (Encoder::InceptionV3, 23_834_568),
            (Encoder::SeResNet18, 11_778_592),
            (Encoder::SeResNet34, 21_958_868),
            (Encoder::SeResNet50, 28_088_024),
            (Encoder::PublishedSeResNet50, 28_088_024),
            (Encoder::PublishedSeResNext50, 27_559_896),
            (Encoder::Vgg11, 132_863_336),
            (Encoder::Vgg13Bn, 133_053_736),
            (Encoder::Vgg19, 143_667_240),
        ] {
            let classes = if encoder == Encoder::LeNet5 { 10 } else { 1000 };
            let graph = encoder.classifier(Ends { in_channels: 3, classes }).unwrap();
            assert_eq!(graph.trainable_count(), expected, "{encoder:?}");
        }
    }

    #[test]
    fn maps_have_the_sizes_that_they_promise() {
        for encoder in Encoder::ALL.into_iter().chain(Encoder::IMPORTED) {
            let builder = GraphBuilder::new();
            let x = builder.input(3);
            let features = encoder.features(&builder, &builder.root(), &x, "");
            let strides: Vec<usize> = features.iter().map(|f| f.stride).collect();
            assert!(strides.windows(2).all(|pair| pair[0] < pair[1]), "{encoder:?}: {strides:?}");
            let outputs: Vec<Value> = features.into_iter().map(|f| f.value).collect();
            let graph = builder.finish(&outputs).unwrap();
            let sizes = graph.sizes([96, 64]).unwrap();
            for (&output, stride) in graph.outputs.iter().zip(strides) {
                assert_eq!(sizes[output], [96 / stride, 64 / stride], "{encoder:?}, stride {stride}");
            }
        }
    }
}
