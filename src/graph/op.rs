//! The operations and their attributes. All arrays are `[batch, channels, height, width]`.

/// A convolution's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Zeros added above and below, left and right.
    pub padding: [usize; 2],
    /// Distance of kernel taps.
    pub dilation: [usize; 2],
    /// Channel groups that do not see each other.
    pub groups: usize,
    /// Whether a constant is added per output channel.
    pub bias: bool,
}

impl Conv {
    /// A square kernel with bias, stride 1 and no padding.
    pub fn square(inputs: usize, outputs: usize, kernel: usize) -> Self {
        Self {
            inputs,
            outputs,
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: [0; 2],
            dilation: [1; 2],
            groups: 1,
            bias: true,
        }
    }

    /// Output size of one axis (0 = height).
    pub fn output_len(&self, axis: usize, input: usize) -> Option<usize> {
        let reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
        (input + 2 * self.padding[axis]).checked_sub(reach).map(|free| free / self.stride[axis] + 1)
    }
}

/// A transposed convolution's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Rows and columns cut off on either side.
    pub padding: [usize; 2],
    /// Rows and columns added at the far side.
    pub output_padding: [usize; 2],
    /// Channel groups.
    pub groups: usize,
    /// Whether a constant is added per output channel.
    pub bias: bool,
}

impl ConvTranspose {
    /// Output size of one axis.
    pub fn output_len(&self, axis: usize, input: usize) -> Option<usize> {
        ((input - 1) * self.stride[axis] + self.kernel[axis] + self.output_padding[axis])
            .checked_sub(2 * self.padding[axis])
    }
}

/// A pooling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Window height and width.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Border: minus infinity for maxima, zeros for means.
    pub padding: [usize; 2],
    /// Whether a last, incomplete window counts.
    pub ceil_mode: bool,
    /// Whether means count the border's zeros.
    pub count_padding: bool,
}

impl Pool {
    /// A square window without border.
    pub fn new(kernel: usize, stride: usize) -> Self {
        Self { kernel: [kernel; 2], stride: [stride; 2], padding: [0; 2], ceil_mode: false, count_padding: true }
    }

    /// Whether its windows are 2x2, side by side, and incomplete ones are left out.
    pub fn is_halving(&self) -> bool {
        self.kernel == [2, 2] && self.stride == [2, 2] && self.padding == [0, 0] && !self.ceil_mode
    }

    /// Output size of one axis. In ceil mode the last window must start inside the input or its left border.
    pub fn output_len(&self, axis: usize, input: usize) -> Option<usize> {
        let free = (input + 2 * self.padding[axis]).checked_sub(self.kernel[axis])?;
        let stride = self.stride[axis];
        let mut count = if self.ceil_mode { free.div_ceil(stride) + 1 } else { free / stride + 1 };
        if self.ceil_mode && (count - 1) * stride >= input + self.padding[axis] {
            count -= 1;
        }
        Some(count)
    }
}

/// Values a normalisation takes its mean and variance over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Normalisation {
    /// Per channel over batch and positions; running statistics at inference.
    Batch {
        /// Share of the new statistics in each update.
        momentum: f64,
    },
    /// Per image and channel.
    Instance,
    /// Per image and group of channels. One group over 1x1 maps is the layer norm of global context blocks.
    Group {
        /// Number of groups.
        groups: usize,
    },
    /// Per image and position, over the channels: the layer norm of `ConvNeXt`.
    Layer,
}

/// Element-wise functions.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(x, 0); gradient 0 at 0.
    Relu,
    /// x for x > 0, else `slope` x.
    LeakyRelu(f32),
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// x cut to what lies between two numbers; gradient 0 where it is cut and at both ends.
    Clip(f32, f32),
    /// `slope` x + `shift`, cut to 0 .. 1.
    HardSigmoid {
        /// Factor of x.
        slope: f32,
        /// What is added.
        shift: f32,
    },
    /// x times (x + 3) / 6, which is cut to 0 .. 1.
    HardSwish,
    /// x times the normal distribution's share below x.
    Gelu,
    /// [`Activation::Gelu`] by a hyperbolic tangent: `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`.
    GeluTanh,
    /// x for x > 0, else `scale` (exp(x) - 1).
    Elu(f32),
    /// ln(1 + exp(x)).
    Softplus,
    /// x tanh(ln(1 + exp(x))).
    Mish,
}

/// Rows, columns and channels that are added around a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Border {
    /// Before the first channel, row and column.
    pub before: [usize; 3],
    /// After the last channel, row and column.
    pub after: [usize; 3],
    /// What they hold.
    pub value: f32,
}

/// Where a softmax sums to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoftmaxOver {
    /// Over the channels of each position.
    Channels,
    /// Over the positions of each channel.
    Positions,
}

/// How missing samples are filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpsampleMode {
    /// Source `floor(i * n / m)`.
    Nearest,
    /// Linear in both axes.
    Bilinear {
        /// Whether corner samples coincide.
        align_corners: bool,
    },
}

/// The size that resampling reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpsampleTo {
    /// A multiple of the input.
    Scale([usize; 2]),
    /// A fixed height and width.
    Size([usize; 2]),
}

/// How strongly a query position attends to a key position in non-local attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affinity {
    /// Softmax over the keys of the product.
    Softmax,
    /// The product, divided by the number of keys.
    Dot,
    /// `relu(w [query, key])`, divided by the number of keys.
    Concat,
}

/// Constants of a local response normalisation, `x / (k + alpha S)^beta`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalResponse {
    /// Channels whose squares are summed.
    pub size: usize,
    /// Factor of the sum itself; `PyTorch` and Caffe divide theirs by `size` first.
    pub alpha: f64,
    /// Exponent.
    pub beta: f64,
    /// Constant.
    pub k: f64,
}

/// One operation of a graph.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The image.
    Input,
    /// 2-D cross-correlation. Parameters: weight, bias.
    Conv2d(Conv),
    /// Its transpose. Parameters: weight, bias.
    ConvTranspose2d(ConvTranspose),
    /// Fully connected layer; a larger map is read channel by channel. Parameters: weight `[out, in]`, bias.
    Linear {
        /// Input features: channels times height times width.
        inputs: usize,
        /// Output features.
        outputs: usize,
    },
    /// Largest value of each window.
    MaxPool2d(Pool),
    /// Mean of each window.
    AvgPool2d(Pool),
    /// Means of `floor(i n / m) .. ceil((i + 1) n / m)`.
    AdaptiveAvgPool2d([usize; 2]),
    /// Resampling.
    Upsample(UpsampleMode, UpsampleTo),
    /// Normalisation. Parameters: weight, bias if affine; batch: running mean and variance.
    Norm {
        /// Over which values.
        kind: Normalisation,
        /// Channels.
        channels: usize,
        /// Added to the variance.
        eps: f64,
        /// Whether scale and shift are learned.
        affine: bool,
    },
    /// Element-wise function.
    Activate(Activation),
    /// x for x > 0, else a learned slope times x. Parameter: the slope of all channels `[1]`, or one for each `[channels]`.
    ParametricRelu,
    /// A map with a border of a constant, as wide as it likes on each side.
    Pad(Border),
    /// Softmax.
    Softmax(SoftmaxOver),
    /// Logarithm of the softmax over channels.
    LogSoftmax,
    /// Sum of two maps; a 1x1 map counts for every position.
    Add,
    /// Product of two maps; a 1x1 map counts for every position.
    Multiply,
    /// Channels of all inputs, one after the other.
    Concat,
    /// The first input cut to the size of the second around its centre; offset `floor((big - small) / 2)`.
    CropLike,
    /// The first input, which has one position, at every position of the second.
    SpreadLike,
    /// Part of an axis (1: channels, 2: rows, 3: columns).
    Slice {
        /// Which axis.
        axis: usize,
        /// First entry.
        start: usize,
        /// Number of entries.
        len: usize,
    },
    /// Sum over positions of the first input weighted by the second (one channel): `[B, C, 1, 1]`.
    WeightedPool,
    /// Sums of the values (third input) at all key positions (second), weighted by their affinity to each query (first).
    /// Parameters of [`Affinity::Concat`]: the weight `[1, 2 d, 1, 1]` of the pair.
    Attend(Affinity),
    /// The same over the row and the column of each position only, softmax of the product: queries, keys, values.
    CrissCross,
    /// Division by a power of the squares in neighbouring channels.
    LocalResponse(LocalResponse),
    /// Product with one learned number. Parameter: gamma `[1]`.
    Gain,
    /// In training sets a share of the values to zero and scales up the others.
    Dropout(f64),
}

impl Op {
    /// Whether the gradients of its inputs follow from the values that it was given, and not from their sizes alone. Softmax and some
    /// activations can take what they gave instead.
    pub fn gradient_reads_inputs(&self) -> bool {
        !matches!(
            self,
            Self::Add
                | Self::Concat
                | Self::CropLike
                | Self::SpreadLike
                | Self::Slice { .. }
                | Self::Pad(_)
                | Self::AvgPool2d(_)
                | Self::AdaptiveAvgPool2d(_)
                | Self::Upsample(..)
                | Self::Dropout(_)
        )
    }
}
