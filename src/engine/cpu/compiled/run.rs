//! Stages run by a team of threads.

use super::super::simd::InstructionSet;
use super::memory::Aligned;
use super::options::Options;
use super::step::{Context, Shared, Stage};
use super::team::Team;

/// Runs all stages by a team of threads, the calling one among them. `stop` is asked after every stage, and `ended` told
/// its number, on the calling thread; whether nobody stopped it.
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
    stop: &dyn Fn() -> bool,
    ended: &mut dyn FnMut(usize),
) -> bool {
    let team = &Team::new(options.threads, stages.len());
    let arena = Shared(arena.as_mut_slice().as_mut_ptr());
    let set = options.set;
    let work = move |thread: usize, stop: &dyn Fn() -> bool, ended: &mut dyn FnMut(usize)| {
        // The whole of it, and not only its pointer, goes to the thread.
        let arena = arena;
        let context = Context { arena: arena.0, inputs, outputs, thread, team };
        // SAFETY: as the caller says.
        unsafe { run(stages, set, &context, stop, ended) }
    };
    std::thread::scope(|scope| {
        for thread in 1..options.threads {
            scope.spawn(move || work(thread, &|| false, &mut |_| {}));
        }
        work(0, stop, ended)
    })
}

/// Runs all stages as one thread of a team; `stop` is asked by the first thread after every stage, and
/// `ended` told its number.
///
/// # Safety
/// As [`Context`] says.
unsafe fn run(
    stages: &[Stage],
    set: InstructionSet,
    context: &Context,
    stop: &dyn Fn() -> bool,
    ended: &mut dyn FnMut(usize),
) -> bool {
    let _member = context.team.join();
    for (number, stage) in stages.iter().enumerate() {
        // SAFETY: as the caller says.
        unsafe { stage.run(set, context, number) };
        if stage.barrier {
            if context.thread == 0 && stop() {
                context.team.end_after(number);
            }
            context.team.wait();
            if context.team.ends_after(number) {
                return false;
            }
        }
        ended(number);
    }
    true
}
