//! A job on a thread of its own.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::JobError;
use super::job::{Job, Told, Work};
use crate::work::memory::OutOfMemory;
use crate::work::{Share, Signal, Stopped, Watch};

/// The time between two shares of one stage that are told.
const BETWEEN_SHARES: Duration = Duration::from_millis(10);

/// A running job: news comes out, stop and pause go in. Where it is dropped the job is abandoned.
pub struct Worker<J: Job> {
    news: Arc<Queue<J>>,
    signal: Signal,
}

/// News that was not asked for yet. (A channel would be built anew for every kind of job, with all that lets many threads wait for it.)
struct Queue<J: Job>(Mutex<VecDeque<WorkerNews<J>>>);

impl<J: Job> Queue<J> {
    fn open(&self) -> MutexGuard<'_, VecDeque<WorkerNews<J>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes from a worker.
pub enum WorkerNews<J: Job> {
    /// How far it is.
    Progress(Share),
    /// What it says besides.
    Told(Told<J::Event>),
    /// It is over; nothing comes after this.
    Done(Result<J::Output, JobError>),
}

impl<J: Job> Worker<J> {
    /// Starts a job; `wake` is called after every piece of news, from the worker's thread.
    pub fn start(job: J, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let news = Arc::new(Queue(Mutex::default()));
        let signal = Signal::default();
        let (sender, seen) = (news.clone(), signal.clone());
        let work: Box<dyn FnOnce() + Send> = Box::new(move || {
            let _doing = crate::home::doing(J::KIND.id);
            let outcome = catch_unwind(AssertUnwindSafe(|| run(job, &seen, &sender, &wake)));
            let outcome = outcome.unwrap_or_else(|panic| {
                Err(panic.downcast_ref::<OutOfMemory>().map_or_else(
                    || JobError::Broken(format!("an internal error: {}; your work is unharmed", panic_reason(&*panic))),
                    |refused| JobError::Memory(*refused),
                ))
            });
            sender.open().push_back(WorkerNews::Done(outcome));
            wake();
        });
        std::thread::spawn(work);
        Self { news, signal }
    }

    /// The next piece of news, if there is one. A result that came just before the stop is a stop too, unless it is a file that is there.
    pub fn poll(&self) -> Option<WorkerNews<J>> {
        let news = self.news.open().pop_front();
        match news {
            Some(WorkerNews::Done(Ok(_))) if self.signal.is_stopped() && !J::KIND.is_kept_when_stopped => {
                Some(WorkerNews::Done(Err(Stopped.into())))
            }
            news => news,
        }
    }

    /// Asks the job to pause, or to continue.
    pub fn pause(&self, is_paused: bool) {
        self.signal.pause(is_paused);
    }

    /// Asks the job to stop; it answers with [`JobError::is_stop`].
    pub fn stop(&self) {
        self.signal.stop();
    }
}

fn run<J: Job>(job: J, signal: &Signal, sender: &Queue<J>, wake: &(impl Fn() + Sync)) -> Result<J::Output, JobError> {
    let send = |news| {
        sender.open().push_back(news);
        wake();
    };
    // What nobody would see is not told: the window paints a bar some sixty times a second.
    let last = Mutex::new(None::<(Instant, &'static str)>);
    let report = |share: Share| {
        let Ok(mut last) = last.try_lock() else { return };
        if last.is_none_or(|(when, stage)| stage != share.stage || when.elapsed() >= BETWEEN_SHARES) {
            *last = Some((Instant::now(), share.stage));
            send(WorkerNews::Progress(share));
        }
    };
    let tell = |told| send(WorkerNews::Told(told));
    job.run(&Work::new(Watch::new(signal).reporting(&report), &tell))
}

impl<J: Job> Drop for Worker<J> {
    fn drop(&mut self) {
        self.signal.abandon();
    }
}

/// What a panic says.
pub fn panic_reason(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::job::JobKind;
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    /// Tells one event, waits for a stop, and then does what it is for.
    struct Waiting(fn() -> u32);

    const KEPT: JobKind = JobKind { id: "waiting", is_kept_when_stopped: false };

    impl Job for Waiting {
        type Output = u32;
        type Event = &'static str;
        const KIND: &'static JobKind = &KEPT;

        fn title(&self) -> String {
            "Waiting".into()
        }

        fn run(self, work: &Work<&'static str>) -> Result<u32, JobError> {
            work.begin("waiting", None);
            work.tell("began");
            work.warn("slow");
            while work.watch.stage("waiting").at(0.5).is_ok() {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok((self.0)())
        }
    }

    fn outcome(work: fn() -> u32) -> (Vec<String>, Result<u32, JobError>) {
        let (wake, woken) = channel();
        let worker = Worker::start(Waiting(work), move || wake.send(()).unwrap_or_default());
        let mut told = Vec::new();
        loop {
            match worker.poll() {
                Some(WorkerNews::Done(outcome)) => return (told, outcome),
                Some(WorkerNews::Progress(share)) => {
                    assert_eq!(share, Share { stage: "waiting", fraction: 0.5 });
                    worker.stop();
                }
                Some(WorkerNews::Told(news)) => told.push(format!("{news:?}")),
                None => assert_ne!(woken.recv_timeout(Duration::from_mins(1)), Err(RecvTimeoutError::Timeout)),
            }
        }
    }

    #[test]
    fn news_comes_in_order_and_a_result_after_the_stop_is_a_stop() {
        let (told, outcome) = outcome(|| 7);
        let stage = "Stage(Stage { name: \"waiting\", then: None })";
        assert_eq!(told, [stage, "Event(\"began\")", "Warning(\"slow\")"]);
        assert!(outcome.unwrap_err().is_stop());
    }

    #[test]
    fn a_panic_is_an_error_and_one_about_memory_says_so() {
        let broken = outcome(|| panic!("no such slice")).1.unwrap_err();
        assert!(matches!(&broken, JobError::Broken(text) if text.contains("no such slice")), "{broken}");
        let short = outcome(|| crate::work::memory::zeros::<u32>(1 << 50)[0]).1.unwrap_err();
        assert!(matches!(&short, JobError::Memory(refused) if refused.wanted_bytes == 1 << 52), "{short}");
    }
}
