//! Optimisers' steps on the device, and the norm of gradients.

use std::sync::Arc;

use super::super::arena::{Slot, check_bytes};
use super::super::draft::{Call, Draft, lines, threads, words};
use super::super::gpu::Gpu;
use super::super::reading::read;
use super::super::shader::Shader;
use super::shaders;
use crate::engine::error::Result;
use crate::engine::recipe::{Recipe, Update};
use crate::work::Watch;

/// Values that a group of threads squares and sums.
const PART: usize = 1 << 14;

/// A call whose threads change one value each; `numbers` follow the count.
fn by_value(gpu: &Gpu, draft: &mut Draft, shader: Shader, numbers: &[f64], output: &Slot, inputs: &[&Slot]) {
    let count = output.bytes as usize / size_of::<f32>();
    let mut sizes = words([count]);
    sizes.extend(numbers.iter().map(|&number| (number as f32).to_bits()));
    draft.call(Call { shader, sizes, output, inputs, groups: threads(gpu, count), work: count, turns: 0 });
}

/// Memory for what an optimiser remembers of a parameter, where there is none yet: zeros.
fn remembered(gpu: &Gpu, memory: &mut Option<Slot>, like: &Slot) -> Slot {
    memory.get_or_insert_with(|| Slot { buffer: gpu.buffer(like.bytes), bytes: like.bytes }).clone()
}

/// Moves a parameter along its gradient. `memory` is the momentum buffer or first moment, and the second moment, where there are any.
///
/// # Errors
/// When the device fails.
pub fn descend(
    gpu: &Arc<Gpu>,
    value: &Slot,
    gradient: &Slot,
    memory: &mut [Option<Slot>; 2],
    update: &Update,
) -> Result<()> {
    gpu.watched(|| {
        let mut draft = Draft::default();
        let clip = update.clip;
        match update.recipe {
            Recipe::Sgd { momentum, nesterov, weight_decay } => {
                let has_buffer = momentum != 0.0;
                let buffer = if has_buffer { remembered(gpu, &mut memory[0], value) } else { gradient.clone() };
                if has_buffer {
                    let numbers = [clip, weight_decay, momentum, 1.0];
                    by_value(gpu, &mut draft, shaders::moment(false), &numbers, &buffer, &[gradient, value]);
                }
                let [of_gradient, of_buffer] = match (has_buffer, nesterov) {
                    (false, _) => [1.0, 0.0],
                    (true, false) => [0.0, 1.0],
                    (true, true) => [1.0, momentum],
                };
                let numbers = [clip, weight_decay, update.rate, of_gradient, of_buffer];
                by_value(gpu, &mut draft, shaders::descent(), &numbers, value, &[gradient, &buffer]);
            }
            Recipe::Adam { betas, eps, weight_decay } => {
                let rule = Adam { betas, eps, decay: [weight_decay, 0.0] };
                adam(gpu, &mut draft, [value, gradient], memory, &rule, update);
            }
            Recipe::AdamW { betas, eps, weight_decay } => {
                let rule = Adam { betas, eps, decay: [0.0, weight_decay] };
                adam(gpu, &mut draft, [value, gradient], memory, &rule, update);
            }
        }
        draft.finish(gpu)?.submit(gpu, Watch::unwatched(), |_| ())
    })
}

/// Adam's constants.
struct Adam {
    betas: [f64; 2],
    eps: f64,
    /// What of the value is added to the gradient, and what pulls at the value itself.
    decay: [f64; 2],
}

fn adam(
    gpu: &Gpu,
    draft: &mut Draft,
    [value, gradient]: [&Slot; 2],
    memory: &mut [Option<Slot>; 2],
    rule: &Adam,
    update: &Update,
) {
    let Adam { betas, eps, decay } = *rule;
    let [first, second] = memory.each_mut().map(|memory| remembered(gpu, memory, value));
    for (moment, beta, square) in [(&first, betas[0], false), (&second, betas[1], true)] {
        let numbers = [update.clip, decay[0], beta, 1.0 - beta];
        by_value(gpu, draft, shaders::moment(square), &numbers, moment, &[gradient, value]);
    }
    let [c1, c2] = betas.map(|beta| 1.0 / (1.0 - beta.powi(update.steps)));
    let numbers = [1.0 - update.rate * decay[1], update.rate * c1, c2, eps];
    by_value(gpu, draft, shaders::adam(), &numbers, value, &[&first, &second]);
}

/// Sum of the squares of all values, in parts on the device and of these here.
///
/// # Errors
/// When the device fails.
pub fn square_sum(gpu: &Arc<Gpu>, arrays: &[&Slot]) -> Result<f64> {
    let lens: Vec<usize> = arrays.iter().map(|slot| slot.bytes as usize / size_of::<f32>()).collect();
    let parts: usize = lens.iter().map(|len| len.div_ceil(PART)).sum();
    if parts == 0 {
        return Ok(0.0);
    }
    let sums = gpu.watched(|| {
        let bytes = check_bytes(gpu, parts, "the norm of the gradients")?;
        let sums = Slot { buffer: gpu.buffer(bytes), bytes };
        let mut draft = Draft::default();
        let mut start = 0;
        for (slot, &len) in arrays.iter().zip(&lens) {
            let count = len.div_ceil(PART);
            draft.call(Call {
                shader: shaders::square_sums(),
                sizes: words([count, len, start, PART]),
                output: &sums,
                inputs: &[slot],
                groups: lines(gpu, count),
                work: len,
                turns: PART / 256,
            });
            start += count;
        }
        draft.finish(gpu)?.submit(gpu, Watch::unwatched(), |_| ())?;
        Ok(sums)
    })?;
    Ok(read(gpu, &[&sums])?.into_iter().flatten().map(f64::from).sum())
}
