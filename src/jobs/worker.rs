//! A job on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use super::{Job, JobError, JobEvent, Outcome, run};
use crate::work::Signal;
use crate::work::memory::OutOfMemory;

/// A running job: events come out, cancel goes in.
pub struct Worker {
    news: Receiver<WorkerNews>,
    signal: Signal,
}

/// What comes from a worker.
pub enum WorkerNews {
    /// Still running.
    Event(JobEvent),
    /// Over.
    Done(Result<Outcome, JobError>),
}

impl Worker {
    /// Starts a job; `wake` is called after every piece of news, from the worker's thread.
    pub fn start(job: Job, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let (sender, news) = channel();
        let signal = Signal::default();
        let seen = signal.clone();
        std::thread::spawn(move || {
            let report = |event: JobEvent| {
                // The window may be gone already; then nobody wants to know.
                let _ = sender.send(WorkerNews::Event(event));
                wake();
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| run(job, &report, &seen))).unwrap_or_else(|panic| {
                Err(panic.downcast_ref::<OutOfMemory>().map_or_else(
                    || JobError::Broken(format!("an internal error: {}; your work is unharmed", panic_reason(&*panic))),
                    |refused| JobError::Memory(*refused),
                ))
            });
            let _ = sender.send(WorkerNews::Done(outcome));
            wake();
        });
        Self { news, signal }
    }

    /// The next piece of news, if there is one.
    pub fn poll(&self) -> Option<WorkerNews> {
        match self.news.try_recv() {
            Ok(news) => Some(news),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(WorkerNews::Done(Err(JobError::Other("the worker ended without a result".into()))))
            }
        }
    }

    /// Asks a training to wait, or to go on.
    pub fn pause(&self, wait: bool) {
        self.signal.pause(wait);
    }

    /// Asks the job to stop; it answers with [`JobError::is_stop`].
    pub fn cancel(&self) {
        self.signal.stop();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.signal.abandon();
    }
}

/// What a panic says.
pub fn panic_reason(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".into())
}
