//! One convolution on dense arrays, for training: into blocks, through the kernels of inference, and back.

use super::super::simd::LANES;
use super::Options;
use super::direct::{Direct, Window};
use super::memory::{Aligned, Arena, Constants, Map};
use super::outer::Outer;
use super::pointwise::{Border, Load, Store};
use super::run::{Shared, Stage, Step, place_scratch, push_convolution, run_team};
use super::target::{Finish, Target};
use crate::graph::Conv;
use crate::work::Watch;
use rayon::prelude::*;
use std::sync::Mutex;

/// Arenas of earlier calls; fresh memory would have to be mapped page by page.
static ARENAS: Mutex<Vec<Aligned>> = Mutex::new(Vec::new());
/// Arenas that are kept.
const KEPT: usize = 2;

fn with_arena<T>(floats: usize, work: impl FnOnce(&mut Aligned) -> T) -> T {
    let kept = ARENAS.lock().ok().and_then(|mut arenas| {
        let fits = arenas.iter().position(|arena| arena.len() >= floats);
        fits.map(|n| arenas.swap_remove(n))
    });
    let mut arena = kept.unwrap_or_else(|| Aligned::zeros(floats));
    let result = work(&mut arena);
    if let Ok(mut arenas) = ARENAS.lock() {
        arenas.push(arena);
        arenas.sort_by_key(|arena| std::cmp::Reverse(arena.len()));
        arenas.truncate(KEPT);
    }
    result
}

/// Places for the maps of a call, which all live from its start to its end.
struct Maps {
    arena: Arena,
    batch: usize,
}

impl Maps {
    /// A map of its own, inside the arena.
    fn place(&mut self, channels: usize, lanes: usize, size: [usize; 2], border: usize) -> Map {
        let mut map = Map { offset: 0, batch: self.batch, channels, lanes, size, border, image: 0 };
        map.image = map.own_len();
        map.offset = self.arena.place(map.image * self.batch, 0, 0);
        map
    }
}

/// Runs stages whose last one stores `len` values; they need no zeros before.
fn run_all(stages: &[Stage], floats: usize, inputs: &[&[f32]], len: usize, options: &Options) -> Vec<f32> {
    crate::work::memory::must_have::<f32>(len);
    let mut output = Vec::with_capacity(len);
    with_arena(floats, |arena| run_in(arena, stages, inputs, &[Shared(output.as_mut_ptr())], options));
    // SAFETY: the store wrote every value of the array.
    unsafe { output.set_len(len) };
    output
}

fn run_in(arena: &mut Aligned, stages: &[Stage], inputs: &[&[f32]], outputs: &[Shared], options: &Options) {
    // SAFETY: all maps were placed inside the arena, arrays have their shapes, and the set was found on this processor.
    let outcome =
        unsafe { run_team(stages, arena, inputs, outputs, options, Watch::unwatched().finishing(), &mut |_| {}) };
    debug_assert!(outcome.is_ok(), "whoever calls a kernel reads all that it writes");
}

/// Gives the memory of earlier calls back.
pub fn forget_arenas() {
    if let Ok(mut arenas) = ARENAS.lock() {
        arenas.clear();
    }
}

fn enter(stages: &mut Vec<Stage>, input: usize, map: Map) {
    if map.border > 0 {
        stages.push(Stage { step: Step::Border(Border(map)), barrier: false });
    }
    stages.push(Stage { step: Step::Load(Load { input, map }), barrier: true });
}

fn target(y: Map, bias: Option<&[f32]>) -> Target {
    let bias = bias.map_or_else(|| Aligned::zeros(y.channels), Aligned::padded);
    let bias = Constants::Fixed(bias);
    Target { y, pooled: None, add: None, bias, finish: Finish::Plain }
}

/// `[batch, in, size]` to `[batch, out, output]` with weights `[out, in, kh, kw]`; one group.
pub fn convolve(
    conv: &Conv,
    batch: usize,
    [size, output]: [[usize; 2]; 2],
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    options: &Options,
) -> Vec<f32> {
    let lanes = if conv.inputs < LANES / 2 { 1 } else { LANES };
    let mut maps = Maps { arena: Arena::default(), batch };
    let x_map = maps.place(conv.inputs, lanes, size, conv.padding[0].max(conv.padding[1]));
    let y_map = maps.place(conv.outputs, LANES, output, 0);
    let mut stages = Vec::new();
    enter(&mut stages, 0, x_map);
    push_convolution(&mut stages, conv, x_map, target(y_map, bias), weight, options);
    stages.push(Stage { step: Step::Store(Store { map: y_map, output: 0 }), barrier: true });
    let floats = place_scratch(&mut stages, maps.arena.len(), options);
    run_all(&stages, floats, &[x], batch * conv.outputs * output[0] * output[1], options)
}

/// A transposed convolution whose stride is its kernel: `[batch, in, size]` to `[batch, out, size * kernel]` with weights
/// `[in, out, kh, kw]`.
pub fn scatter(
    [inputs, outputs]: [usize; 2],
    kernel: [usize; 2],
    batch: usize,
    size: [usize; 2],
    x: &[f32],
    weight: &[f32],
    options: &Options,
) -> Vec<f32> {
    let mut maps = Maps { arena: Arena::default(), batch };
    let output = [size[0] * kernel[0], size[1] * kernel[1]];
    let x_map = maps.place(inputs, LANES, size, 0);
    let y_map = maps.place(outputs, LANES, output, 0);
    let mut stages = Vec::new();
    enter(&mut stages, 0, x_map);
    let step = Direct::scattered(x_map, target(y_map, None), kernel, weight, options);
    stages.push(Stage { step: Step::Direct(step), barrier: true });
    stages.push(Stage { step: Step::Store(Store { map: y_map, output: 0 }), barrier: true });
    run_all(&stages, maps.arena.len(), &[x], batch * outputs * output[0] * output[1], options)
}

/// The gradient `[out, in, kh, kw]` of a convolution's weights from its input and its result's gradient; one group.
pub fn weight_gradient(
    conv: &Conv,
    batch: usize,
    [size, output]: [[usize; 2]; 2],
    x: &[f32],
    dy: &[f32],
    options: &Options,
) -> Vec<f32> {
    let Conv { kernel, stride, padding, dilation, inputs, outputs, .. } = *conv;
    let window = Window { kernel, stride, padding, dilation };
    let mut maps = Maps { arena: Arena::default(), batch };
    let x_map = maps.place(inputs, LANES, size, padding[0].max(padding[1]));
    let dy_map = maps.place(outputs, LANES, output, 0);
    let mut outer = Outer::new(x_map, dy_map, window);
    outer.sums = maps.arena.len();
    let (len, copies) = (outer.len(), outer.copies(options.threads));
    let (start, floats) = (outer.sums, outer.sums + len * copies);
    let mut stages = Vec::new();
    enter(&mut stages, 0, x_map);
    enter(&mut stages, 1, dy_map);
    stages.push(Stage { step: Step::Outer(outer), barrier: true });
    with_arena(floats, |arena| {
        run_in(arena, &stages, &[x, dy], &[], options);
        let sums = &arena.as_slice()[start..floats];
        let (taps, blocks) = (kernel[0] * kernel[1], x_map.blocks());
        let mut gradient = vec![0.0; outputs * inputs * taps];
        // A block of outputs at a time: its sums lie side by side.
        gradient.par_chunks_mut(LANES * inputs * taps).enumerate().for_each(|(block, gradient)| {
            for n in 0..inputs * taps {
                let (i, tap) = (n / taps, n % taps);
                let row = ((block * taps + tap) * blocks + i / LANES) * LANES + i % LANES;
                for (lane, gradient) in gradient.chunks_exact_mut(inputs * taps).enumerate() {
                    gradient[n] = (0..copies).map(|copy| sums[copy * len + row * LANES + lane]).sum();
                }
            }
        });
        gradient
    })
}
