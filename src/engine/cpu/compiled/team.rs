//! Threads that run a plan together: steps in order, work of a step by counter, a barrier after each.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Looks at a barrier before a thread gives its core away.
const SPINS: usize = 20_000;

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
        }
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
        while self.round.load(Ordering::Acquire) == round {
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// Asks everybody to end after this step; called by the first thread before it waits there.
    pub fn end_after(&self, step: usize) {
        self.end_after.store(step, Ordering::Relaxed);
    }

    /// Whether a step is the last one; asked after waiting.
    pub fn ends_after(&self, step: usize) -> bool {
        self.end_after.load(Ordering::Relaxed) <= step
    }
}
