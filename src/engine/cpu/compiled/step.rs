//! What a step of a plan is, and what it is given.
//!
//! A kind of step is one file: a type with [`Step`]. It is written once over vectors of any kind; here it gets a function of
//! its own for every instruction set.

use std::sync::Arc;

#[cfg(target_arch = "aarch64")]
use super::super::simd::Neon;
#[cfg(target_arch = "x86_64")]
use super::super::simd::{Avx2, Avx512};
use super::super::simd::{InstructionSet, Portable, Vector};
use super::team::Team;

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
    pub outputs: &'a [SharedPointer],
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
pub struct SharedPointer(pub *mut f32);

// SAFETY: threads write disjoint parts between barriers; see [`Context`].
unsafe impl Send for SharedPointer {}
// SAFETY: as above.
unsafe impl Sync for SharedPointer {}

/// One kind of step.
///
/// # Safety
/// A thread writes only what belongs to the pieces that it takes, and only inside the arena and the outputs of its [`Context`].
pub unsafe trait Step: Send + Sync {
    /// What it is, for tables of times.
    fn name(&self) -> String;

    /// This thread's part of it; `step` is its number in the plan, `COLUMNS` the width of a matrix panel in blocks. Always
    /// inlined: a function that is not would be compiled without the instructions of the vector.
    ///
    /// # Safety
    /// As [`Context`] says, and the processor runs `V`'s instructions.
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize);
}

// SAFETY: it is the step behind it.
unsafe impl<S: Step> Step for Arc<S> {
    fn name(&self) -> String {
        S::name(self)
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        // SAFETY: as the caller says.
        unsafe { S::run::<V, COLUMNS>(self, context, step) }
    }
}

/// A step of any kind.
trait AnyStep: Send + Sync {
    fn any_name(&self) -> String;

    /// [`Step::run`] with the instructions of a set.
    ///
    /// # Safety
    /// As there.
    unsafe fn run_with(&self, set: InstructionSet, context: &Context, step: usize);
}

impl<S: Step> AnyStep for S {
    fn any_name(&self) -> String {
        self.name()
    }

    /// # Safety
    /// As [`Step::run`] says.
    unsafe fn run_with(&self, set: InstructionSet, context: &Context, step: usize) {
        // SAFETY: as the caller says; the set was found on this processor.
        unsafe {
            match set {
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx512 => avx512(self, context, step),
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx2 => avx2(self, context, step),
                #[cfg(target_arch = "aarch64")]
                InstructionSet::Neon => self.run::<Neon, 1>(context, step),
                InstructionSet::Portable => self.run::<Portable, 1>(context, step),
            }
        }
    }
}

/// # Safety
/// As [`Step::run`] says.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512<S: Step>(of: &S, context: &Context, step: usize) {
    // SAFETY: as the caller says.
    unsafe { of.run::<Avx512, 2>(context, step) }
}

/// # Safety
/// As [`Step::run`] says.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<S: Step>(of: &S, context: &Context, step: usize) {
    // SAFETY: as the caller says.
    unsafe { of.run::<Avx2, 1>(context, step) }
}

/// A step and whether everybody waits after it.
pub struct Stage {
    step: Box<dyn AnyStep>,
    /// Whether the next one needs its results.
    pub barrier: bool,
}

impl Stage {
    /// A stage of one step.
    pub fn new(step: impl Step + 'static, barrier: bool) -> Self {
        Self { step: Box::new(step), barrier }
    }

    /// What it does, for tables of times.
    pub fn name(&self) -> String {
        self.step.any_name()
    }

    /// This thread's part of it, as stage `number` of the plan.
    ///
    /// # Safety
    /// As [`Context`] says, and the processor runs the set.
    pub unsafe fn run(&self, set: InstructionSet, context: &Context, number: usize) {
        // SAFETY: as the caller says.
        unsafe { self.step.run_with(set, context, number) }
    }
}
