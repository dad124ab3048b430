//! Threads that run a plan together: steps in order, work of a step by counters, a barrier after each.
//!
//! A step's work is mostly lines of a map times blocks of channels. Every thread has a share of the lines, the same part
//! of the map in every such step, so that it finds in its own caches what it wrote a step before; when it has done them it
//! takes what is left of others' shares. Cores that have no cache in common lose a quarter of the time otherwise.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Looks at a barrier before a thread gives its core away.
const SPINS: usize = 20_000;
/// Times it gives its core away before it sleeps: somebody else is busy with a long step on his own.
const YIELDS: usize = 200;
/// A short sleep.
const NAP: std::time::Duration = std::time::Duration::from_micros(50);

/// A thread's counters fill multiples of so many, so that threads do not wait for each other's cache lines.
const PADDING: usize = 16;

/// What the threads of one run share.
pub struct Team {
    /// Number of threads.
    pub threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    steps: usize,
    /// Per thread, padded, and step, the next piece of the thread's share.
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
            steps: steps.next_multiple_of(PADDING),
            next: (0..threads * steps.next_multiple_of(PADDING)).map(|_| AtomicUsize::new(0)).collect(),
            end_after: AtomicUsize::new(usize::MAX),
            broken: AtomicBool::new(false),
        }
    }

    /// To be held by a thread while it runs.
    pub fn join(&self) -> Member<'_> {
        Member(self)
    }

    /// A thread's share of so many lines.
    pub fn share(&self, thread: usize, lines: usize) -> Range<usize> {
        thread * lines / self.threads..(thread + 1) * lines / self.threads
    }

    /// The next piece of a step's work of so many lines and columns that nobody has: its line and column. A thread goes
    /// through its lines for one column after the other, then helps the others.
    pub fn take(&self, thread: usize, step: usize, [lines, columns]: [usize; 2]) -> Option<[usize; 2]> {
        (0..self.threads).find_map(|other| {
            let owner = (thread + other) % self.threads;
            let share = self.share(owner, lines);
            let (next, count) = (&self.next[owner * self.steps + step], share.len() * columns);
            if next.load(Ordering::Relaxed) >= count {
                return None;
            }
            let n = next.fetch_add(1, Ordering::Relaxed);
            (n < count).then(|| [share.start + n % share.len(), n / share.len()])
        })
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
    fn own_lines_come_first_and_every_piece_once() {
        for (threads, work) in [(1, [5, 3]), (2, [7, 2]), (3, [2, 4]), (4, [0, 3]), (4, [9, 0]), (2, [40, 50])] {
            let team = Team::new(threads, 2);
            let take_all = |thread: usize| {
                let mut pieces = Vec::new();
                while let Some(piece) = team.take(thread, 1, work) {
                    pieces.push(piece);
                    std::thread::yield_now();
                }
                pieces
            };
            let taken: Vec<Vec<[usize; 2]>> = std::thread::scope(|scope| {
                let take_all = &take_all;
                let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || take_all(thread))).collect();
                running.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let mut seen = vec![0; work[0] * work[1]];
            for (thread, pieces) in taken.iter().enumerate() {
                let own = team.share(thread, work[0]);
                let is_own: Vec<bool> = pieces.iter().map(|[line, _]| own.contains(line)).collect();
                assert!(is_own.is_sorted_by(|a, b| a >= b), "{threads} threads, {work:?}: {pieces:?}");
                pieces.iter().for_each(|[line, column]| seen[line * work[1] + column] += 1);
            }
            assert!(seen.iter().all(|&n| n == 1), "{threads} threads, {work:?}");
        }
    }

    #[test]
    fn who_has_no_lines_helps() {
        let team = Team::new(2, 1);
        assert_eq!(team.share(0, 1), 0..0);
        assert_eq!([team.take(0, 0, [1, 2]), team.take(1, 0, [1, 2])], [Some([0, 0]), Some([0, 1])]);
        assert_eq!([team.take(0, 0, [1, 2]), team.take(1, 0, [1, 2])], [None, None]);
    }

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
