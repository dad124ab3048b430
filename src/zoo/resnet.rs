//! Residual networks: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; code pytorch/vision
//! `resnet.py`, whose parameter names these are.
//!
//! A 7x7 convolution and a pooling, then four stages of residual blocks. Basic blocks are two 3x3 convolutions, bottlenecks
//! 1x1, 3x3 and 1x1; the first block of a stage strides, and its shortcut is a strided 1x1 convolution.

use super::Ends;
use super::encoder::{Feature, Fit, last};
use crate::graph::{Conv, Graph, GraphBuilder, GraphError, Pool, Scope, Value};

/// Which residual network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResNet {
    /// 18 layers, basic blocks.
    ResNet18,
    /// 34 layers, basic blocks.
    ResNet34,
    /// 50 layers, bottlenecks.
    ResNet50,
    /// 101 layers, bottlenecks.
    ResNet101,
    /// 152 layers, bottlenecks.
    ResNet152,
    /// 50 layers, bottlenecks of 32 groups (Xie et al., "Aggregated Residual Transformations", CVPR 2017).
    ResNext50 {
        /// Channels of each group in the first stage.
        per_group: usize,
    },
    /// 101 layers, bottlenecks of 32 groups.
    ResNext101 {
        /// Channels of each group in the first stage.
        per_group: usize,
    },
}

/// Groups of a `ResNeXt`.
const GROUPS: usize = 32;

/// Where a bottleneck strides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Striding {
    /// In its first convolution, as in the paper.
    First,
    /// In its 3x3 convolution ("v1.5"), as in torchvision.
    Middle,
}

/// Channels of a bottleneck's result per channel inside.
const EXPANSION: usize = 4;

/// A convolution without bias whose border keeps the size, but for the stride.
fn conv(x: &Value, outputs: usize, kernel: usize, stride: usize) -> Conv {
    super::conv(x, outputs, kernel, stride, kernel / 2, false)
}

/// Convolution `convN` and batch norm `bnN`.
fn normed(scope: &Scope, n: usize, x: &Value, conv: Conv) -> Value {
    scope.sub(format!("bn{n}")).batch_norm(&scope.sub(format!("conv{n}")).conv(x, conv))
}

fn shortcut(scope: &Scope, x: &Value, outputs: usize, stride: usize) -> Value {
    if stride == 1 && x.channels() == outputs {
        return x.clone();
    }
    let down = scope.sub("downsample");
    down.sub(1).batch_norm(&down.sub(0).conv(x, conv(x, outputs, 1, stride)))
}

/// Two 3x3 convolutions.
pub fn basic_block(scope: &Scope, x: &Value, planes: usize, stride: usize) -> Value {
    basic_block_with(scope, x, planes, stride, Value::clone)
}

fn basic_block_with(scope: &Scope, x: &Value, planes: usize, stride: usize, attend: impl Fn(&Value) -> Value) -> Value {
    let y = normed(scope, 1, x, conv(x, planes, 3, stride)).relu();
    let y = normed(scope, 2, &y, conv(&y, planes, 3, 1));
    attend(&y).plus(&shortcut(scope, x, planes, stride)).relu()
}

/// 1x1, 3x3 (whose taps may be `dilation` apart) and 1x1 convolutions.
pub fn bottleneck(
    scope: &Scope,
    x: &Value,
    planes: usize,
    stride: usize,
    striding: Striding,
    dilation: usize,
) -> Value {
    bottleneck_with(scope, x, planes, stride, striding, dilation, Value::clone)
}

/// The same with a block of attention at the end of the branch, before the addition.
pub fn bottleneck_with(
    scope: &Scope,
    x: &Value,
    planes: usize,
    stride: usize,
    striding: Striding,
    dilation: usize,
    attend: impl Fn(&Value) -> Value,
) -> Value {
    let strides = if striding == Striding::First { [stride, 1] } else { [1, stride] };
    grouped_bottleneck(scope, x, Inside { planes, width: planes, groups: 1, dilation }, strides, attend)
}

/// What a bottleneck has between its 1x1 convolutions.
#[derive(Debug, Clone, Copy)]
struct Inside {
    /// A quarter of the result's channels.
    planes: usize,
    /// Channels of the 3x3 convolution.
    width: usize,
    groups: usize,
    dilation: usize,
}

fn grouped_bottleneck(
    scope: &Scope,
    x: &Value,
    Inside { planes, width, groups, dilation }: Inside,
    [first, middle]: [usize; 2],
    attend: impl Fn(&Value) -> Value,
) -> Value {
    let outputs = planes * EXPANSION;
    let y = normed(scope, 1, x, conv(x, width, 1, first)).relu();
    let wide = Conv { dilation: [dilation; 2], padding: [dilation; 2], groups, ..conv(&y, width, 3, middle) };
    let y = normed(scope, 2, &y, wide).relu();
    let y = normed(scope, 3, &y, conv(&y, outputs, 1, 1));
    attend(&y).plus(&shortcut(scope, x, outputs, first * middle)).relu()
}

impl ResNet {
    /// Blocks of each stage.
    fn blocks(self) -> [usize; 4] {
        match self {
            Self::ResNet18 => [2, 2, 2, 2],
            Self::ResNet34 | Self::ResNet50 | Self::ResNext50 { .. } => [3, 4, 6, 3],
            Self::ResNet101 | Self::ResNext101 { .. } => [3, 4, 23, 3],
            Self::ResNet152 => [3, 8, 36, 3],
        }
    }

    fn has_bottlenecks(self) -> bool {
        !matches!(self, Self::ResNet18 | Self::ResNet34)
    }

    /// What its bottlenecks with so many planes have inside.
    fn inside(self, planes: usize) -> Inside {
        let (groups, width) = match self {
            Self::ResNext50 { per_group } | Self::ResNext101 { per_group } => {
                (GROUPS, planes * per_group / 64 * GROUPS)
            }
            _ => (1, planes),
        };
        Inside { planes, width, groups, dilation: 1 }
    }

    /// Where bottlenecks of the forms with squeeze-and-excitation stride: those without groups are of the first paper.
    fn excited_strides(self, stride: usize) -> [usize; 2] {
        match self {
            Self::ResNext50 { .. } | Self::ResNext101 { .. } => [1, stride],
            _ => [stride, 1],
        }
    }

    /// Adds the maps of the four stages to that of the stem; `block` gets its scope, input, channels inside and stride.
    fn stages(
        self,
        builder: &GraphBuilder,
        scope: &Scope,
        [stem, pooled]: [Value; 2],
        prefix: &str,
        block: impl Fn(&Scope, &Value, usize, usize) -> Value,
    ) -> Vec<Feature> {
        let mut x = pooled;
        let mut features = vec![Feature { value: stem, stride: 2 }];
        for (stage, count) in self.blocks().into_iter().enumerate() {
            let layer = format!("layer{}", stage + 1);
            for n in 0..count {
                let stride = if n == 0 && stage > 0 { 2 } else { 1 };
                x = block(&scope.sub(&layer).sub(n), &x, 64 << stage, stride);
            }
            builder.tap(format!("{prefix}{layer}"), &x);
            features.push(Feature { value: x.clone(), stride: 4 << stage });
        }
        features
    }

    /// The maps at a half, a quarter ... a thirty-second of the input's size; inner ones are tapped under `prefix`.
    pub fn features(self, builder: &GraphBuilder, scope: &Scope, x: &Value, prefix: &str) -> Vec<Feature> {
        let stem = normed(scope, 1, x, conv(x, 64, 7, 2)).relu();
        builder.tap(format!("{prefix}relu"), &stem);
        let pooled = stem.max_pool(Pool { padding: [1; 2], ..Pool::new(3, 2) });
        builder.tap(format!("{prefix}maxpool"), &pooled);
        self.stages(builder, scope, [stem, pooled], prefix, |scope, x, planes, stride| {
            if self.has_bottlenecks() {
                grouped_bottleneck(scope, x, self.inside(planes), [1, stride], Value::clone)
            } else {
                basic_block(scope, x, planes, stride)
            }
        })
    }

    /// The classifier of whole images.
    ///
    /// # Errors
    /// Never for this network; channels are counted as in any other.
    pub fn classifier(self, ends: Ends) -> Result<Graph, GraphError> {
        let builder = GraphBuilder::new();
        let (root, x) = (builder.root(), builder.input(ends.in_channels));
        let features = self.features(&builder, &root, &x, "");
        let pooled = last(&features).adaptive_avg_pool([1, 1]);
        let logits = root.sub("fc").linear(&pooled, ends.classes);
        builder.finish(&[logits])
    }
}

/// Squeeze-and-excitation as convolutions, as in timm's `senet.py`: reduction 16.
pub fn excite(scope: &Scope, x: &Value) -> Value {
    let squeezed = x.adaptive_avg_pool([1, 1]);
    let narrow = scope.sub("fc1").conv_valid(&squeezed, (x.channels() / 16).max(1), 1).relu();
    x.times(&scope.sub("fc2").conv_valid(&narrow, x.channels(), 1).sigmoid())
}

/// The maps of a network with squeeze-and-excitation at the end of each branch (Hu et al. 2018, code timm
/// `legacy_seresnet*`, whose parameter names these are): bottlenecks without groups stride in their first convolution, and
/// the stem's pool has no border in the published form, in which `segmentation_models.pytorch` has it too.
pub fn excited_features(
    network: ResNet,
    builder: &GraphBuilder,
    scope: &Scope,
    x: &Value,
    fit: Fit,
    prefix: &str,
) -> Vec<Feature> {
    let stem = normed(&scope.sub("layer0"), 1, x, conv(x, 64, 7, 2)).relu();
    let pool = match fit {
        Fit::Original => Pool { ceil_mode: true, ..Pool::new(3, 2) },
        Fit::Halving => Pool { padding: [1; 2], ..Pool::new(3, 2) },
    };
    let pooled = stem.max_pool(pool);
    builder.tap(format!("{prefix}pool0"), &pooled);
    network.stages(builder, scope, [stem, pooled], prefix, |scope, x, planes, stride| {
        let attend = |y: &Value| excite(&scope.sub("se_module"), y);
        if network.has_bottlenecks() {
            grouped_bottleneck(scope, x, network.inside(planes), network.excited_strides(stride), attend)
        } else {
            basic_block_with(scope, x, planes, stride, attend)
        }
    })
}

/// The classifier with squeeze-and-excitation.
///
/// # Errors
/// Never for this network.
pub fn excited_classifier(network: ResNet, ends: Ends) -> Result<Graph, GraphError> {
    let builder = GraphBuilder::new();
    let (root, x) = (builder.root(), builder.input(ends.in_channels));
    let features = excited_features(network, &builder, &root, &x, Fit::Original, "");
    let pooled = last(&features).adaptive_avg_pool([1, 1]);
    let logits = root.sub("last_linear").linear(&pooled, ends.classes);
    builder.finish(&[logits])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts_are_the_published_ones() {
        let counts = [
            (ResNet::ResNet18, 11_689_512),
            (ResNet::ResNet34, 21_797_672),
            (ResNet::ResNet50, 25_557_032),
            (ResNet::ResNet101, 44_549_160),
            (ResNet::ResNet152, 60_192_808),
            (ResNet::ResNext50 { per_group: 4 }, 25_028_904),
            (ResNet::ResNext101 { per_group: 8 }, 88_791_336),
        ];
        for (network, expected) in counts {
            let graph = network.classifier(Ends { in_channels: 3, classes: 1000 }).unwrap();
            assert_eq!(graph.trainable_count(), expected, "{network:?}");
        }
    }
}
