//! The answer to strokes.

use super::channels::{CHANNELS, STRIDE, channels};
use super::prompt::{OFF, ON, TouchPrompt};
use super::rescale::Grids;
use crate::engine::{Array, DeviceChoice, EngineError, Network};
use crate::model::Model;
use crate::work::{Stopped, Watch};

/// Why strokes are not answered.
#[derive(Debug, thiserror::Error)]
pub enum TouchError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The prompt does not fit.
    #[error("{0}")]
    Prompt(String),
    /// The model is another kind of network.
    #[error("{0} is no model that answers strokes")]
    Model(String),
    /// The network failed.
    #[error(transparent)]
    Engine(EngineError),
}

impl From<EngineError> for TouchError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Stopped(stopped) => Self::Stopped(stopped),
            other => Self::Engine(other),
        }
    }
}

/// What strokes mean, on the picture's own grid, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct TouchAnswer {
    /// How likely each pixel belongs to the structure, 0 to 1; under strokes certain.
    pub probabilities: Vec<f32>,
    /// 1 in the structure, 0 elsewhere: where that is more likely than not.
    pub mask: Vec<u8>,
}

/// A network that answers strokes, on a device.
pub struct TouchNetwork {
    network: Network,
}

impl TouchNetwork {
    /// Puts a model on a device.
    ///
    /// # Errors
    /// When it is another kind of model, or the device does not work.
    pub fn new(model: &Model, device: DeviceChoice) -> Result<Self, TouchError> {
        if !model.spec.is_touch() || model.spec.image_channels != CHANNELS {
            return Err(TouchError::Model(model.spec.title.clone()));
        }
        Ok(Self { network: model.network(device)? })
    }

    /// What the user must be told of the device since the last call.
    pub fn take_notices(&mut self) -> Vec<String> {
        self.network.take_notices()
    }

    /// Answers strokes on a picture of any size. A pixel under a stroke on the structure is in the mask, one under a stroke off it is
    /// not. A stop is noticed before every operation of the network.
    ///
    /// # Errors
    /// When planes differ in size, nothing is marked, the device fails or the work is stopped.
    pub fn answer(&mut self, prompt: &TouchPrompt, watch: Watch) -> Result<TouchAnswer, TouchError> {
        prompt.check().map_err(TouchError::Prompt)?;
        watch.check()?;
        let grids = Grids::new(prompt.size, prompt.spacing);
        let finite = |value: &f32| if value.is_finite() { *value } else { f32::MIN };
        // What is no number must not spread when the picture is made smaller.
        let darkest = prompt.image.iter().copied().filter(|value| value.is_finite()).fold(f32::INFINITY, f32::min);
        let darkest = if darkest.is_finite() { darkest } else { 0.0 };
        let image: Vec<f32> = prompt.image.iter().map(|value| finite(value).max(darkest)).collect();
        let strokes = grids.show_strokes(prompt.strokes);
        let previous = prompt.previous.map(|mask| grids.show_mask(mask));
        let planes = channels(&grids.show(&image), grids.shown, &strokes, previous.as_deref());
        let input = padded(&planes, grids.shown);
        watch.check()?;
        let outputs = self.network.infer(&input, watch)?;
        let Some(logits) = outputs.first() else {
            return Err(TouchError::Model("what gives no result".into()));
        };
        let shown = difference(logits, grids.shown);
        let mut probabilities: Vec<f32> = grids.back(&shown).iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
        for (p, stroke) in probabilities.iter_mut().zip(prompt.strokes) {
            match *stroke {
                ON => *p = 1.0,
                OFF => *p = 0.0,
                _ => {}
            }
        }
        let mask = probabilities.iter().map(|p| u8::from(*p > 0.5)).collect();
        Ok(TouchAnswer { probabilities, mask })
    }
}

/// Planes of `[rows, columns]` with zeros below and to the right, so that sides are multiples of the network's stride.
fn padded(planes: &[f32], [rows, columns]: [usize; 2]) -> Array {
    let [down, across] = [rows, columns].map(|count| count.next_multiple_of(STRIDE));
    let mut input = Array::zeros(&[1, CHANNELS, down, across]);
    for (to, from) in input.values.chunks_mut(down * across).zip(planes.chunks(rows * columns)) {
        for (to, from) in to.chunks_mut(across).zip(from.chunks(columns)) {
            to[..columns].copy_from_slice(from);
        }
    }
    input
}

/// By how much the structure's logits are above the others, without what was padded.
fn difference(logits: &Array, [rows, columns]: [usize; 2]) -> Vec<f32> {
    let [_, _, down, across] = logits.dims4();
    let (off, on) = logits.values.split_at((down * across).min(logits.values.len()));
    let row = |row: usize| {
        let at = row * across;
        on[at..at + columns].iter().zip(&off[at..at + columns]).map(|(on, off)| on - off)
    };
    (0..rows.min(down)).flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_padded_is_cut_off_again() {
        let planes: Vec<f32> = (0..CHANNELS * 6).map(|n| n as f32).collect();
        let input = padded(&planes, [2, 3]);
        assert_eq!(input.shape, [1, CHANNELS, 32, 32]);
        assert_eq!(input.values[32..35], [3.0, 4.0, 5.0]);
        assert_eq!((input.values[3], input.values[1024]), (0.0, 6.0));
        let mut logits = Array::zeros(&[1, 2, 32, 32]);
        logits.values[1024 + 33] = 2.0;
        assert_eq!(difference(&logits, [2, 3]), [0.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
    }
}
