//! Threads that run a plan together: steps in order, work of a step by counter, a barrier after each.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Looks at a barrier before a thread gives its core away.
const SPINS: usize = 20_000;
/// Times it gives its core away before it sleeps: somebody else is busy with a long step on his own.
const YIELDS: usize = 200;
/// A short sleep.
const NAP: std::time::Duration = std::time::Duration::from_micros(50);

/// What the threads of one run share.
pub struct Team {
    /// Number of threads.
    pub threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    /// Per step, the next piece of work.
    next: Vec<AtomicUsize>,
    /// Step after which everybody ends.
    end_after: AtomicUsize,
    /// Whether a thread was lost; the others must not wait for it.
    broken: AtomicBool,
}

/// Releases the others when its thread panics.
pub struct Member<'a>(&'a Team);

impl Drop for Member<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.broken.store(true, Ordering::Release);
        }
    }
}

impl Team {
    /// A team for a plan of so many steps.
    pub fn new(threads: usize, steps: usize) -> Self {
        Self {
            threads,
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            next: (0..steps).map(|_| AtomicUsize::new(0)).collect(),
            end_after: AtomicUsize::new(usize::MAX),
            broken: AtomicBool::new(false),
        }
    }

    /// To be held by a thread while it runs.
    pub fn join(&self) -> Member<'_> {
        Member(self)
    }

    /// The next piece of a step's work that nobody has.
    pub fn take(&self, step: usize) -> usize {
        self.next[step].fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until everybody is here.
    pub fn wait(&self) {
        if self.threads == 1 {
            return;
        }
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            self.round.store(round + 1, Ordering::Release);
            return;
        }
        let mut spins = 0;
        while self.round.load(Ordering::Acquire) == round && !self.broken.load(Ordering::Acquire) {
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
            } else if spins < SPINS + YIELDS {
                std::thread::yield_now();
            } else {
                std::thread::sleep(NAP);
            }
        }
    }

    /// Asks everybody to end after this step; called by the first thread before it waits there.
    pub fn end_after(&self, step: usize) {
        self.end_after.store(step, Ordering::Relaxed);
    }

    /// Whether a step is the last one; asked after waiting.
    pub fn ends_after(&self, step: usize) -> bool {
        self.end_after.load(Ordering::Relaxed) <= step || self.broken.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_thread_does_not_hold_up_the_others() {
        let team = Team::new(2, 1);
        let joined = std::thread::scope(|scope| {
            let lost = scope.spawn(|| {
                let _member = team.join();
                panic!("on purpose");
            });
            team.wait();
            lost.join()
        });
        assert!(joined.is_err() && team.ends_after(0));
    }
}
