//! Steps, and how threads run them.

use super::super::simd::{InstructionSet, LANES, Portable, Vector};
use super::direct::{Direct, Window};
use super::function::Function;
use super::head::Head;
use super::memory::{Aligned, Map};
use super::norm::NormStep;
use super::outer::Outer;
use super::pointwise::{Border, Load, MaxPool, Pair, Repeat, ScaleShift, Store, Unary, read_map, write_map};
use super::products::Product;
use super::target::Target;
use super::team::Team;
use super::training::gradients::{ChannelSums, Gate, PoolGradient, RepeatGradient, Spread};
use super::training::kernel_step::KernelStep;
use super::training::pack::{Pack, PackVector};
use super::training::tile_outer::TileOuter;
use super::winograd::{Share, Winograd};
use super::{Options, is_winograd};
#[cfg(target_arch = "aarch64")]
use crate::engine::cpu::simd::Neon;
#[cfg(target_arch = "x86_64")]
use crate::engine::cpu::simd::{Avx2, Avx512};
use crate::graph::Conv;
use crate::work::{Stopped, Watch};

/// What a thread needs to run a step.
///
/// The kernels' safety rests on this: `arena` points to as many floats as the plan's maps and scratch were placed in, the
/// compiler of plans gave every step of one stage disjoint places to write, and stages are separated by barriers.
pub struct Context<'a> {
    /// Everybody's memory.
    pub arena: *mut f32,
    /// Dense arrays `[batch, channels, height, width]` that are read.
    pub inputs: &'a [&'a [f32]],
    /// Dense arrays that are written.
    pub outputs: &'a [Shared],
    /// This thread's number.
    pub thread: usize,
    /// Everybody.
    pub team: &'a Team,
}

impl Context<'_> {
    /// The next piece of a step's work that this thread is to do, see [`Team::take`].
    #[inline]
    pub fn take(&self, step: usize, work: [usize; 2]) -> Option<[usize; 2]> {
        self.team.take(self.thread, step, work)
    }
}

/// An address that threads share.
#[derive(Clone, Copy)]
pub struct Shared(pub *mut f32);

// SAFETY: threads write disjoint parts between barriers; see [`Context`].
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// An operation on dense arrays, for what has no kernel in blocks.
pub type Dense = Box<dyn Fn(&[(&[f32], Map)]) -> Vec<f32> + Send + Sync>;

/// One step of a plan.
pub enum Step {
    /// Zeros around a map.
    Border(Border),
    /// A dense array into a map.
    Load(Load),
    /// A map into a dense array.
    Store(Store),
    /// Sums for the gradient of a convolution's weights.
    Outer(Outer),
    /// The gradient from the sums of the stage with this number.
    OuterSums(usize),
    /// Gradient of a 3x3 convolution's weights, or its sums.
    TileOuter(TileOuter),
    /// The gradient from the sums of the stage with this number.
    TileOuterSums(usize),
    /// Weights packed for the stage that follows.
    Pack(Pack),
    /// A bias as kernels read it.
    PackVector(PackVector),
    /// A part of a norm with the data's statistics.
    Norm(NormStep),
    /// Gradient before an activation.
    Gate(Gate),
    /// Gradient before a max pooling.
    PoolGradient(PoolGradient),
    /// Gradient of a bias.
    ChannelSums(ChannelSums),
    /// Product of maps of which some are as wide as a channel or a pixel, or its sums.
    Product(Product),
    /// Pixels with zeros between.
    Spread(Spread),
    /// Anything, forward or backward, by the first thread.
    Kernel(KernelStep),
    /// 3x3 convolution, everyone taking tiles; or its second half.
    Winograd(Winograd),
    /// The first half of a 3x3 convolution shared by channels; the index of its other half.
    WinogradInputs(usize),
    /// Any other convolution.
    Direct(Direct),
    /// A network's last 1x1 convolution.
    Head(Head),
    /// Maxima.
    MaxPool(MaxPool),
    /// Fixed norm.
    ScaleShift(ScaleShift),
    /// Sum or product.
    Pair(Pair),
    /// Activation or copy.
    Unary(Unary),
    /// A function that no kernel has at its end.
    Function(Function),
    /// Nearest up-sampling by whole numbers.
    Repeat(Repeat),
    /// Its gradient.
    RepeatGradient(RepeatGradient),
    /// Anything, by the first thread.
    Dense {
        /// What is computed.
        compute: Dense,
        /// From these.
        inputs: Vec<Map>,
        /// To here.
        output: Map,
    },
}

impl Step {
    fn winograd(&self) -> Option<&Winograd> {
        if let Self::Winograd(conv) = self { Some(conv) } else { None }
    }

    /// What it is, for tables of times.
    pub fn name(&self) -> String {
        match self {
            Self::Border(_) => "border".into(),
            Self::Load(_) => "load".into(),
            Self::Store(_) => "store".into(),
            Self::Outer(_) | Self::OuterSums(_) => "weight gradient".into(),
            Self::TileOuter(outer) => outer.name(),
            Self::TileOuterSums(_) => "3x3 weights, sums".into(),
            Self::Pack(_) | Self::PackVector(_) => "pack".into(),
            Self::Norm(norm) => norm.name(),
            Self::Gate(_) => "activation gradient".into(),
            Self::PoolGradient(_) => "max pool gradient".into(),
            Self::ChannelSums(_) => "bias gradient".into(),
            Self::Product(_) => "products and sums of attention".into(),
            Self::Spread(_) => "spread".into(),
            Self::Winograd(conv) => conv.name(),
            Self::WinogradInputs(_) => "3x3 inputs".into(),
            Self::Direct(conv) => conv.name(),
            Self::Head(head) => head.name(),
            Self::MaxPool(_) => "max pool".into(),
            Self::ScaleShift(_) => "scale and shift".into(),
            Self::Pair(_) => "sum or product".into(),
            Self::Unary(_) => "activation or copy".into(),
            Self::Function(_) => "activation".into(),
            Self::Repeat(_) => "nearest up-sampling".into(),
            Self::RepeatGradient(_) => "nearest up-sampling gradient".into(),
            Self::Dense { .. } | Self::Kernel(_) => "dense".into(),
        }
    }
}

/// A step and whether everybody waits after it.
pub struct Stage {
    /// The step.
    pub step: Step,
    /// Whether the next one needs its results.
    pub barrier: bool,
}

/// Appends what computes a convolution of one group; returns the bytes of its packed weights. Scratch is placed later.
pub fn push_convolution(
    stages: &mut Vec<Stage>,
    conv: &Conv,
    x: Map,
    target: Target,
    weight: &[f32],
    options: &Options,
) -> usize {
    if is_winograd(conv) && x.lanes == LANES {
        let step = Winograd::new(x, target, conv.padding, options).with_weights(weight);
        let bytes = step.weight_bytes();
        if step.share == Share::Channels {
            let other = stages.len() + 1;
            stages.push(Stage { step: Step::WinogradInputs(other), barrier: true });
        }
        stages.push(Stage { step: Step::Winograd(step), barrier: true });
        return bytes;
    }
    let Conv { kernel, stride, padding, dilation, .. } = *conv;
    let window = Window { kernel, stride, padding, dilation };
    let step = Direct::convolution(x, target, window, weight, options);
    let bytes = step.weight_bytes();
    stages.push(Stage { step: Step::Direct(step), barrier: true });
    bytes
}

/// Places the scratch of all steps behind `start` floats, each using the same place while it runs; the end of it all.
/// A thread's own is the same in every step, so that it stays in its own caches.
pub fn place_scratch(stages: &mut [Stage], start: usize, options: &Options) -> usize {
    let own = stages.iter().filter_map(|stage| stage.step.winograd()).map(Winograd::own_len).max().unwrap_or(0);
    let mut end = start;
    for stage in stages {
        if let Step::Winograd(conv) = &mut stage.step {
            conv.place_scratch(start, options.threads, own);
            end = end.max(start + conv.scratch_len(options.threads, own));
        }
    }
    end
}

/// Runs all stages by a team of threads, the calling one among them. A stop is noticed after every stage, and `ended` is told
/// its number, on the calling thread.
///
/// # Errors
/// When the work is stopped.
///
/// # Safety
/// All maps and scratch of the stages lie within `arena`, inputs and outputs have their maps' shapes, and the processor
/// runs the instruction set.
pub unsafe fn run_team(
    stages: &[Stage],
    arena: &mut Aligned,
    inputs: &[&[f32]],
    outputs: &[Shared],
    options: &Options,
    watch: Watch,
    ended: &mut dyn FnMut(usize),
) -> Result<(), Stopped> {
    let team = &Team::new(options.threads, stages.len());
    let arena = Shared(arena.as_mut_slice().as_mut_ptr());
    let set = options.set;
    let work = move |thread: usize, watch: Watch, ended: &mut dyn FnMut(usize)| {
        // The whole of it, and not only its pointer, goes to the thread.
        let arena = arena;
        let context = Context { arena: arena.0, inputs, outputs, thread, team };
        // SAFETY: as the caller says.
        unsafe { run(stages, set, &context, watch, ended) }
    };
    std::thread::scope(|scope| {
        for thread in 1..options.threads {
            scope.spawn(move || work(thread, watch, &mut |_| {}));
        }
        work(0, watch, ended)
    })
}

/// Runs all stages as one thread of a team; the first one looks for a stop after every stage, and `ended` is told its number.
///
/// # Safety
/// As [`Context`] says.
unsafe fn run(
    stages: &[Stage],
    set: InstructionSet,
    context: &Context,
    watch: Watch,
    ended: &mut dyn FnMut(usize),
) -> Result<(), Stopped> {
    let _member = context.team.join();
    for (number, stage) in stages.iter().enumerate() {
        unsafe { run_step(stages, number, set, context) };
        if stage.barrier {
            if context.thread == 0 && watch.should_stop() {
                context.team.end_after(number);
            }
            context.team.wait();
            if context.team.ends_after(number) {
                return Err(Stopped);
            }
        }
        ended(number);
    }
    Ok(())
}

unsafe fn run_step(stages: &[Stage], number: usize, set: InstructionSet, context: &Context) {
    unsafe {
        match &stages[number].step {
            Step::Border(border) => border.run(context, number),
            _ => match set {
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx512 => avx512(stages, number, context),
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx2 => avx2(stages, number, context),
                #[cfg(target_arch = "aarch64")]
                InstructionSet::Neon => compute::<Neon, 1>(stages, number, context),
                InstructionSet::Portable => compute::<Portable, 1>(stages, number, context),
            },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512(stages: &[Stage], number: usize, context: &Context) {
    unsafe { compute::<Avx512, 2>(stages, number, context) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(stages: &[Stage], number: usize, context: &Context) {
    unsafe { compute::<Avx2, 1>(stages, number, context) }
}

/// The kernels over one kind of vector; inlined into a function that has its instructions.
#[inline(always)]
unsafe fn compute<V: Vector, const COLUMNS: usize>(stages: &[Stage], number: usize, context: &Context) {
    unsafe {
        match &stages[number].step {
            Step::Winograd(conv) if conv.share == Share::Tiles => conv.run_by_tiles::<V, COLUMNS>(context, number),
            Step::Winograd(conv) if conv.share == Share::Parts => conv.run_by_parts::<V, COLUMNS>(context, number),
            Step::Winograd(conv) => conv.run_by_channels::<V, COLUMNS>(context, number),
            Step::WinogradInputs(other) => {
                if let Step::Winograd(conv) = &stages[*other].step {
                    conv.run_inputs::<V>(context, number);
                }
            }
            Step::Direct(conv) => conv.run::<V, COLUMNS>(context, number),
            Step::Head(head) => head.run::<V>(context, number),
            Step::MaxPool(pool) => pool.run::<V>(context, number),
            Step::ScaleShift(norm) => norm.run::<V>(context, number),
            Step::Pair(pair) => pair.run::<V>(context, number),
            Step::Unary(unary) => unary.run::<V>(context, number),
            Step::Function(function) => function.run::<V>(context, number),
            Step::Repeat(repeat) => repeat.run::<V>(context, number),
            Step::RepeatGradient(repeat) => repeat.run::<V>(context, number),
            Step::Load(load) => load.run::<V>(context, number),
            Step::Store(store) => store.run::<V>(context, number),
            Step::Outer(outer) => outer.run::<V, COLUMNS>(context, number),
            Step::OuterSums(other) => {
                if let Step::Outer(outer) = &stages[*other].step {
                    outer.store(context, number);
                }
            }
            Step::TileOuter(outer) => outer.run::<V, COLUMNS>(context, number),
            Step::TileOuterSums(other) => {
                if let Step::TileOuter(outer) = &stages[*other].step {
                    outer.run_sums::<V>(context, number);
                }
            }
            Step::Pack(pack) => pack.run::<V>(context, number, stages),
            Step::PackVector(pack) => pack.run(context),
            Step::Norm(norm) => norm.run::<V>(context, number),
            Step::Gate(gate) => gate.run::<V>(context, number),
            Step::PoolGradient(pool) => pool.run::<V>(context, number),
            Step::ChannelSums(sums) => sums.run::<V>(context, number),
            Step::Product(product) => product.run::<V>(context, number),
            Step::Spread(spread) => spread.run::<V>(context, number),
            Step::Kernel(kernel) => kernel.run::<V>(context),
            Step::Dense { compute, inputs, output } if context.thread == 0 => {
                let mut arrays: Vec<Vec<f32>> = Vec::with_capacity(inputs.len());
                for map in inputs {
                    let mut values = crate::work::memory::zeros(map.batch * map.channels * map.size[0] * map.size[1]);
                    read_map::<V>(context.arena, map, &mut values);
                    arrays.push(values);
                }
                let views: Vec<(&[f32], Map)> = arrays.iter().map(Vec::as_slice).zip(inputs.iter().copied()).collect();
                write_map::<V>(context.arena, output, &compute(&views));
            }
            Step::Border(_) | Step::Dense { .. } => {}
        }
    }
}
