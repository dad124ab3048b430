//! Stages run by a team of threads.

use super::super::simd::InstructionSet;
use super::memory::Aligned;
use super::options::Options;
use super::step::{Context, SharedPointer, Stage};
use super::team::Team;
use crate::work::{Stopped, Watch};

/// Runs all stages by a team of threads, the calling one among them. A stop is noticed after every stage, and `ended` is
/// told its number, on the calling thread.
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
    outputs: &[SharedPointer],
    options: &Options,
    watch: Watch,
    ended: &mut dyn FnMut(usize),
) -> Result<(), Stopped> {
    let team = &Team::new(options.threads, stages.len());
    let arena = SharedPointer(arena.as_mut_slice().as_mut_ptr());
    let set = options.set;
    let work = move |thread: usize, ended: &mut dyn FnMut(usize)| {
        // The whole of it, and not only its pointer, goes to the thread.
        let arena = arena;
        let context = Context { arena: arena.0, inputs, outputs, thread, team };
        // SAFETY: as the caller says.
        unsafe { run(stages, set, &context, watch, ended) }
    };
    std::thread::scope(|scope| {
        for thread in 1..options.threads {
            scope.spawn(move || work(thread, &mut |_| {}));
        }
        work(0, ended)
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
        // SAFETY: as the caller says.
        unsafe { stage.run(set, context, number) };
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
