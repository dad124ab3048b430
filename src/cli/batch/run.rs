//! Several scans at a time, each on its part of the processor's threads.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::Result;
use super::super::guard::guarded;
use super::super::terminal::Terminal;
use super::Planned;
use crate::jobs::{BatchRow, Case, CaseRecord, Job, JobError, Outcome, SegmentCaseJob, Told, Work};
use crate::work::numbers::share;
use crate::work::{Share, Watch};

/// Bytes of a thread's stack, as those of a main thread.
const STACK_BYTES: usize = 8 << 20;
/// Between two looks at whether another process is done with a mask.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A scan that waits for its turn.
struct Waiting {
    /// Its place in the list.
    number: usize,
    /// Whether another process was making it when it was looked at last.
    was_held: bool,
}

/// What the jobs share.
struct Shared<'a> {
    queue: Mutex<VecDeque<Waiting>>,
    rows: Mutex<Vec<(usize, Done)>>,
    jobs: &'a [Option<SegmentCaseJob>],
    titles: &'a [String],
    terminal: &'a Terminal,
}

/// What became of a scan.
struct Done {
    outcome: Outcome,
    seconds: Option<f64>,
    record: Option<CaseRecord>,
    problem: String,
}

/// Makes the masks that are missing, so many at a time, and fills in the table's lines. `Some` where it was stopped before the end.
///
/// # Errors
/// When no threads can be had.
pub(super) fn run(
    planned: &mut [Planned],
    jobs: NonZeroUsize,
    threads: Option<NonZeroUsize>,
    terminal: &Terminal,
) -> Result<Option<JobError>> {
    let there = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = threads.map_or(there, NonZeroUsize::get).min(there);
    let cases: Vec<Option<SegmentCaseJob>> = planned.iter_mut().map(|scan| scan.job.take()).collect();
    let titles: Vec<String> = planned.iter().map(|scan| scan.row.scan.clone()).collect();
    for scan in planned.iter().filter(|scan| scan.row.outcome == Outcome::Failed) {
        tell!("error: {}: {}", scan.row.scan, scan.row.problem);
    }
    let waiting = (0..cases.len()).filter(|&number| cases.get(number).is_some_and(Option::is_some));
    let shared = Shared {
        queue: Mutex::new(waiting.map(|number| Waiting { number, was_held: false }).collect()),
        rows: Mutex::new(Vec::new()),
        jobs: &cases,
        titles: &titles,
        terminal,
    };
    let jobs = jobs.get().min(cases.len().max(1));
    let pools = (0..jobs).map(|number| {
        let own = (threads * (number + 1) / jobs - threads * number / jobs).max(1);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(own).stack_size(STACK_BYTES).build();
        pool.map_err(|e| JobError::Other(format!("cannot use {own} threads: {e}")))
    });
    let pools: Vec<rayon::ThreadPool> = pools.collect::<Result<_>>()?;
    std::thread::scope(|scope| {
        for pool in &pools {
            scope.spawn(|| pool.install(|| shared.work()));
        }
    });
    let done = shared.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (number, done) in done {
        planned.get_mut(number).into_iter().for_each(|scan| fill_in(&mut scan.row, &done));
    }
    Ok(Watch::unwatched().check().err().map(JobError::from))
}

fn fill_in(row: &mut BatchRow, done: &Done) {
    row.outcome = done.outcome;
    row.seconds = done.seconds;
    row.problem.clone_from(&done.problem);
    // What a changed mask holds now is not known here.
    let record = done.record.as_ref().filter(|_| done.outcome != Outcome::Changed);
    row.labels = record.map(|record| record.labels.clone()).unwrap_or_default();
}

impl Shared<'_> {
    /// Takes one scan after the other until none is left or the work is stopped.
    fn work(&self) {
        let next = || self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        while let Some(Waiting { number, was_held }) = next() {
            if Watch::unwatched().should_stop() {
                return;
            }
            if was_held {
                // All others are done or held too.
                std::thread::sleep(LOOK_AGAIN);
            }
            let Some(job) = self.jobs.get(number).and_then(Clone::clone) else { continue };
            let title = self.titles.get(number).map_or("", String::as_str);
            let started = Instant::now();
            let tell = |told| {
                if let Told::Warning(text) = told {
                    self.terminal.line(&format!("note: {title}: {text}"));
                }
            };
            let outcome = guarded(|| job.run(&Work::new(Watch::unwatched(), &tell)));
            let seconds = Some(started.elapsed().as_secs_f64());
            let problem = String::new();
            let done = match outcome {
                Ok(Case::Made(record)) => Done { outcome: Outcome::Made, seconds, record: Some(record), problem },
                Ok(Case::There(record)) => Done { outcome: Outcome::There, seconds, record: Some(record), problem },
                Ok(Case::Changed(record)) => Done { outcome: Outcome::Changed, seconds, record: Some(record), problem },
                Ok(Case::Held) => {
                    let waiting = Waiting { number, was_held: true };
                    self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(waiting);
                    continue;
                }
                Err(error) if error.is_stop() => return,
                Err(error) => Done { outcome: Outcome::Failed, seconds, record: None, problem: error.to_string() },
            };
            self.note(number, title, done);
        }
    }

    /// Keeps what became of a scan, and tells it.
    fn note(&self, number: usize, title: &str, done: Done) {
        if done.outcome == Outcome::Failed {
            self.terminal.line(&format!("error: {title}: {}", done.problem));
        }
        let count = {
            let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.push((number, done));
            rows.len()
        };
        self.terminal.progress(Share { stage: "Segmenting", fraction: share(count, self.jobs.len()) });
    }
}
