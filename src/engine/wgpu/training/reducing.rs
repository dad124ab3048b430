//! Gradients that are sums of products over some axes: of what joins maps value by value, of biases, slopes and factors, of means.

use super::super::arena::Slot;
use super::super::arranging::{Strides, strides};
use super::super::compile::{Compiler, Shape};
use super::super::draft::{Call, lines, threads, words};
use super::compile::Target;
use super::shaders::{self, Makers, Term};

/// Sums that a thread makes alone.
const LONGEST_ALONE: usize = 32;

/// Which axes are kept; over the others is summed.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Images.
    pub images: bool,
    /// Channels.
    pub channels: bool,
    /// Positions.
    pub positions: bool,
}

impl Kept {
    /// All axes.
    pub const ALL: Self = Self { images: true, channels: true, positions: true };

    /// Those along which a map of images is more than one value long.
    pub fn of(shape: Shape) -> Self {
        Self { images: true, channels: shape.channels > 1, positions: shape.positions() > 1 }
    }
}

/// A sum of terms over images, channels and positions.
pub struct Sum<'a> {
    /// What is summed.
    pub term: Term,
    /// Constants of the term's function.
    pub constants: [f32; 2],
    /// Lengths of the axes.
    pub axes: [usize; 3],
    /// Three arrays and how far their next image, channel and position are.
    pub arrays: [(&'a Slot, Strides); 3],
    /// Values before those of the arrays.
    pub starts: [usize; 3],
    /// Axes of the result.
    pub kept: Kept,
    /// Where its first value goes, and how far the next image, channel and position are.
    pub place: (usize, Strides),
}

impl<'a> Sum<'a> {
    /// A sum whose values lie one after the other.
    pub fn new(term: Term, axes: [usize; 3], arrays: [(&'a Slot, Strides); 3], kept: Kept) -> Self {
        let [_, channels, positions] = axes;
        let of_channel = if kept.positions { positions } else { 1 };
        let of_image = if kept.channels { channels * of_channel } else { of_channel };
        let place = (0, [of_image, of_channel, 1]);
        Self { term, constants: [0.0; 2], axes, arrays, starts: [0; 3], kept, place }
    }
}

impl Compiler<'_> {
    /// Makes a sum.
    pub fn sum(&mut self, sum: &Sum, target: &Target) {
        let [images, channels, positions] = sum.axes;
        let Kept { images: by_image, channels: by_channel, positions: by_position } = sum.kept;
        let split = |length: usize, is_kept: bool| if is_kept { [length, 1] } else { [1, length] };
        let [kept_images, summed_images] = split(images, by_image);
        let [kept_channels, summed_channels] = split(channels, by_channel);
        let [kept_positions, summed_positions] = split(positions, by_position);
        let count = kept_images * kept_channels * kept_positions;
        let length = summed_images * summed_channels * summed_positions;
        let makers = if length > LONGEST_ALONE { Makers::Group } else { Makers::One };
        let mut sizes: Vec<u32> = sum.constants.map(|constant| constant.clamp(f32::MIN, f32::MAX).to_bits()).into();
        sizes.extend(words([
            usize::from(target.adds),
            count,
            kept_channels,
            kept_positions,
            summed_images,
            summed_channels,
            summed_positions,
        ]));
        sum.arrays.iter().for_each(|(_, strides)| sizes.extend(words(*strides)));
        sizes.extend(words(sum.starts));
        let (start, places) = sum.place;
        sizes.extend(words([start]));
        // An axis that is summed over moves nothing.
        let moved = [by_image, by_channel, by_position];
        sizes.extend(words([0, 1, 2].map(|axis| if moved[axis] { places[axis] } else { 0 })));
        let (groups, turns) = match makers {
            Makers::One => (threads(self.gpu, count), length),
            Makers::Group => (lines(self.gpu, count), length / 256 + 1),
        };
        self.call(Call {
            shader: shaders::reduce(sum.term, makers),
            sizes,
            output: &target.slot,
            inputs: &sum.arrays.map(|(slot, _)| slot),
            groups,
            work: count * length,
            turns,
        });
    }

    /// Lengths of the axes of maps of all images.
    pub fn axes(&self, shape: Shape) -> [usize; 3] {
        [self.batch, shape.channels, shape.positions()]
    }

    /// Sum of a gradient over images and positions.
    pub fn sum_of_channels(&mut self, gradient: &Slot, shape: Shape, target: &Target) {
        let kept = Kept { images: false, channels: true, positions: false };
        let whole = (gradient, strides(shape));
        self.sum(&Sum::new(Term::First, self.axes(shape), [whole; 3], kept), target);
    }
}
