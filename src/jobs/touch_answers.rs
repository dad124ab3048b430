//! The network that answers strokes in the window, made ready with the first question.

use std::sync::{OnceLock, PoisonError};

use super::touch_slices::{SharedTouchNetwork, touch_network};
use crate::engine::DeviceChoice;
use crate::pipeline::{TouchError, TouchPrompt};
use crate::tools::{AnswerStrokes, NoAnswer, StrokeAnswer, StrokeQuestion};
use crate::work::Watch;
use crate::work::numbers::real;

/// A pixel that is inside with less than this is in doubt.
const SURE: f32 = 0.75;

/// The network that comes with the program, on the processor: a slice takes it less time than most GPUs take to begin.
#[derive(Default)]
pub struct TouchAnswers(OnceLock<Result<SharedTouchNetwork, String>>);

impl AnswerStrokes for TouchAnswers {
    fn answer(&self, question: &StrokeQuestion, watch: Watch) -> Result<StrokeAnswer, NoAnswer> {
        let made = || touch_network(None, DeviceChoice::Cpu).map_err(|error| error.to_string());
        let network = self.0.get_or_init(made).as_ref().map_err(|text| NoAnswer::Failed(text.clone()))?;
        answer(network, question, watch)
    }
}

impl AnswerStrokes for SharedTouchNetwork {
    fn answer(&self, question: &StrokeQuestion, watch: Watch) -> Result<StrokeAnswer, NoAnswer> {
        answer(self, question, watch)
    }
}

fn answer(network: &SharedTouchNetwork, question: &StrokeQuestion, watch: Watch) -> Result<StrokeAnswer, NoAnswer> {
    let prompt = TouchPrompt {
        image: &question.values.values,
        size: question.values.size,
        spacing: question.values.spacing_mm,
        strokes: question.strokes,
        previous: question.previous,
    };
    let answered = network.lock().unwrap_or_else(PoisonError::into_inner).answer(&prompt, watch);
    let answer = answered.map_err(|error| match error {
        TouchError::Stopped(stopped) => NoAnswer::Stopped(stopped),
        other => NoAnswer::Failed(other.to_string()),
    })?;
    let inside = answer.mask.iter().filter(|is_in| **is_in != 0).count();
    let doubtful = answer.probabilities.iter().zip(&answer.mask).filter(|(p, is_in)| **is_in != 0 && **p < SURE);
    let doubt = real(doubtful.count()) / real(inside.max(1));
    Ok(StrokeAnswer { inside: answer.mask, doubt })
}

#[cfg(test)]
mod tests {
    use crate::{pipeline, tools};

    #[test]
    fn strokes_of_tools_are_those_of_the_network() {
        assert_eq!([tools::NOTHING, tools::ON, tools::OFF], [pipeline::NOTHING, pipeline::ON, pipeline::OFF]);
    }
}
