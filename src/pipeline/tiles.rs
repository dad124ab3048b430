//! Cutting slices to sizes that the network accepts, with overlap and mirrored borders where needed.

use crate::graph::Graph;
use crate::model::Windows;

/// Input and output size of the network for one axis or tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// Height and width fed in.
    pub input: [usize; 2],
    /// Height and width that come out.
    pub output: [usize; 2],
}

/// How far above the wanted size an input is looked for.
const SEARCH: usize = 2048;

/// The smallest input whose output covers `wanted`; an output is never larger than its input.
pub fn fit(graph: &Graph, wanted: [usize; 2]) -> Option<Fit> {
    let axis = |axis: usize| {
        let whole = |n: usize| graph.nodes.iter().all(|node| node.size.extent[axis].at(n).is_some());
        let last = *graph.outputs.first()?;
        let output = |n: usize| graph.nodes[last].size.extent[axis].at(n);
        (wanted[axis]..wanted[axis] + SEARCH)
            .find(|&n| whole(n) && output(n).is_some_and(|o| (wanted[axis]..=n).contains(&o)))
            .and_then(|n| Some((n, output(n)?)))
    };
    let (vertical, horizontal) = (axis(0)?, axis(1)?);
    Some(Fit { input: [vertical.0, horizontal.0], output: [vertical.1, horizontal.1] })
}

/// The input for a tile of slices: as large as the tile, or as the patch that the network has learned from.
pub fn fit_window(graph: &Graph, windows: Windows, patch: [usize; 2], tile: [usize; 2]) -> Option<Fit> {
    fit(graph, if windows == Windows::Fitted { tile } else { patch })
}

/// First positions of tiles that cover `length` with at least half overlap; one tile where it suffices.
pub fn starts(length: usize, tile: usize) -> Vec<usize> {
    if length <= tile {
        return vec![0];
    }
    let steps = (length - tile).div_ceil((tile / 2).max(1));
    (0..=steps).map(|n| (n * (length - tile) + steps / 2) / steps).collect()
}

/// Weights of a tile: a Gaussian of an eighth of its size around its middle, or as nnU-Net has it around pixel `n / 2`.
pub fn gaussian(size: [usize; 2], windows: Windows) -> Vec<f32> {
    let axis = |n: usize| -> Vec<f64> {
        let centre = match windows {
            Windows::Fitted | Windows::Whole => (n as f64 - 1.0) / 2.0,
            Windows::NnUnet => (n / 2) as f64,
        };
        let sigma = n as f64 / 8.0;
        (0..n).map(|i| (-0.5 * ((i as f64 - centre) / sigma).powi(2)).exp().max(1e-4)).collect()
    };
    let (rows, columns) = (axis(size[0]), axis(size[1]));
    rows.iter().flat_map(|r| columns.iter().map(move |c| (r * c) as f32)).collect()
}

/// What lies beyond the border of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// Zeros: the mean after normalisation, as in training.
    Zero,
    /// The image mirrored at its border pixels, for networks without padding.
    Mirror,
}

/// Copies a window of an image; `origin` may lie outside.
pub fn window(
    image: &[f32],
    size: [usize; 2],
    origin: [i64; 2],
    shape: [usize; 2],
    border: Border,
    out: &mut Vec<f32>,
) {
    let source = |at: i64, length: usize| -> Option<usize> {
        match border {
            _ if at >= 0 && at < length as i64 => Some(at as usize),
            Border::Zero => None,
            Border::Mirror => Some(mirror(at, length)),
        }
    };
    for row in 0..shape[0] as i64 {
        let from = source(origin[0] + row, size[0]);
        for column in 0..shape[1] as i64 {
            let value = from.zip(source(origin[1] + column, size[1])).map_or(0.0, |(r, c)| image[r * size[1] + c]);
            out.push(value);
        }
    }
}

fn mirror(at: i64, length: usize) -> usize {
    let last = length as i64 - 1;
    if last == 0 {
        return 0;
    }
    let folded = at.rem_euclid(2 * last);
    (if folded > last { 2 * last - folded } else { folded }) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo::{Ends, UNet};

    #[test]
    fn tiles_cover_everything_with_half_overlap() {
        for length in 1..300 {
            let tiles = starts(length, 64);
            assert_eq!(tiles[0], 0);
            assert!(tiles.windows(2).all(|w| w[1] > w[0] && w[1] - w[0] <= 32), "{length}: {tiles:?}");
            assert_eq!(tiles[tiles.len() - 1] + 64, length.max(64));
        }
    }

    #[test]
    fn inputs_fit_padded_and_unpadded_networks() {
        let ends = Ends { in_channels: 1, classes: 2 };
        let same = UNet::default().build(ends).unwrap();
        assert_eq!(fit(&same, [35, 51]), Some(Fit { input: [48, 64], output: [48, 64] }));
        let valid = UNet::original().build(ends).unwrap();
        assert_eq!(fit(&valid, [388, 388]), Some(Fit { input: [572, 572], output: [388, 388] }));
        assert_eq!(fit(&valid, [380, 388]), Some(Fit { input: [572, 572], output: [388, 388] }));
    }

    #[test]
    fn mirrored_borders_repeat_the_image_backwards() {
        let mut out = Vec::new();
        window(&[1.0, 2.0, 3.0], [1, 3], [0, -3], [1, 9], Border::Mirror, &mut out);
        assert_eq!(out, [2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0, 2.0]);
    }
}
