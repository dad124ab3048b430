//! Convolutions and their transposes as one thing: a kernel that walks over a map.

use crate::graph::{Conv, ConvTranspose};

/// Weights as they are stored: `[groups x first][second][row][column]`, and how their kernel walks from the map of the first ones over
/// that of the second ones. A convolution's first ones are its outputs, a transposed one's its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// Height and width.
    pub size: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Border.
    pub padding: [usize; 2],
    /// Distance of its taps.
    pub dilation: [usize; 2],
    /// Channel groups.
    pub groups: usize,
    /// Channels of a group on whose map it stands.
    pub first: usize,
    /// Channels of a group that it looks at.
    pub second: usize,
}

impl Kernel {
    /// Of a convolution.
    pub fn of_conv(conv: &Conv) -> Self {
        Self {
            size: conv.kernel,
            stride: conv.stride,
            padding: conv.padding,
            dilation: conv.dilation,
            groups: conv.groups,
            first: conv.outputs / conv.groups,
            second: conv.inputs / conv.groups,
        }
    }

    /// Of a transposed convolution.
    pub fn of_transpose(conv: &ConvTranspose) -> Self {
        Self {
            size: conv.kernel,
            stride: conv.stride,
            padding: conv.padding,
            dilation: [1; 2],
            groups: conv.groups,
            first: conv.inputs / conv.groups,
            second: conv.outputs / conv.groups,
        }
    }

    /// Of a fully connected layer, whose maps have one position.
    pub fn of_linear([inputs, outputs]: [usize; 2]) -> Self {
        let (size, padding) = ([1; 2], [0; 2]);
        Self { size, stride: size, padding, dilation: size, groups: 1, first: outputs, second: inputs }
    }

    /// Number of its taps.
    pub fn taps(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// From the map that it looks at to the one on which it stands: a convolution.
    pub fn forth(&self) -> Walk {
        let taps = self.taps();
        Walk {
            kernel: self.size,
            stride: self.stride,
            spread: [1; 2],
            padding: self.padding.map(usize::cast_signed),
            dilation: self.dilation,
            groups: self.groups,
            rows: self.first,
            channels: self.second,
            strides: [self.first * self.second * taps, self.second * taps, taps],
            is_flipped: false,
        }
    }

    /// The other way: its transpose, a convolution of the map with zeros between its values, by the kernel read from its end.
    pub fn back(&self) -> Walk {
        let taps = self.taps();
        let reach = |axis: usize| (self.dilation[axis] * (self.size[axis] - 1)).cast_signed();
        Walk {
            kernel: self.size,
            stride: [1; 2],
            spread: self.stride,
            padding: [0, 1].map(|axis| reach(axis) - self.padding[axis].cast_signed()),
            dilation: self.dilation,
            groups: self.groups,
            rows: self.second,
            channels: self.first,
            strides: [self.first * self.second * taps, taps, self.second * taps],
            is_flipped: true,
        }
    }
}

/// A convolution from `groups x channels` channels to `groups x rows`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// How many positions the map's neighbours count as apart.
    pub spread: [usize; 2],
    /// Border; below zero, what is left out.
    pub padding: [isize; 2],
    /// Distance of the kernel's taps.
    pub dilation: [usize; 2],
    /// Channel groups.
    pub groups: usize,
    /// Output channels of a group.
    pub rows: usize,
    /// Input channels of a group.
    pub channels: usize,
    /// How far the weights of the next group, output channel and input channel are.
    pub strides: [usize; 3],
    /// Whether taps are read from their end.
    pub is_flipped: bool,
}

impl Walk {
    /// Terms of one output value.
    pub fn depth(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_of_a_convolution_is_a_transposed_one() {
        let conv = Conv {
            kernel: [3, 5],
            stride: [2, 1],
            padding: [1, 6],
            dilation: [1, 2],
            groups: 2,
            ..Conv::square(4, 6, 3)
        };
        let kernel = Kernel::of_conv(&conv);
        let (forth, back) = (kernel.forth(), kernel.back());
        assert_eq!((forth.rows, forth.channels, forth.depth()), (3, 2, 30));
        assert_eq!((back.rows, back.channels, back.spread, back.padding), (2, 3, [2, 1], [1, 2]));
        assert_eq!((forth.strides, back.strides), ([90, 30, 15], [90, 15, 30]));
    }
}
