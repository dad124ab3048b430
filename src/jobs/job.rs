//! What a job is: a value that is run once, off the frame thread, and has an output and events of its own types.

use super::error::JobError;
use crate::work::{Share, Signal, Watch};

/// A kind of job. The window asks for running jobs by it, never by a displayed text.
#[derive(Debug)]
pub struct JobKind {
    /// Unique name.
    pub id: &'static str,
    /// Whether its result counts although the user stopped it meanwhile: a file that was written is there.
    pub is_kept_when_stopped: bool,
}

impl PartialEq for JobKind {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for JobKind {}

/// Work that runs in the background. A job owns snapshots of all that it needs.
pub trait Job: Send + 'static {
    /// What comes of it.
    type Output: Send + 'static;
    /// What it tells meanwhile, besides its progress and warnings; `()` where there is nothing.
    type Event: Send + 'static;
    /// Its kind.
    const KIND: &'static JobKind;

    /// For the tray: what is done and to what, for example "Reading head.nii.gz".
    fn title(&self) -> String;

    /// Does it on the calling thread.
    ///
    /// # Errors
    /// What went wrong, said for the user; [`JobError::is_stop`] tells a stop apart.
    fn run(self, work: &Work<Self::Event>) -> Result<Self::Output, JobError>;
}

/// A stage of a job that has several; its share counts from 0 again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// What is being done, for example "reading scans".
    pub name: &'static str,
    /// What comes after it; none: it is the last one.
    pub then: Option<&'static str>,
}

/// What a running job says besides its progress.
#[derive(Debug)]
pub enum Told<E> {
    /// Something of its own.
    Event(E),
    /// A stage begins.
    Stage(Stage),
    /// Something that the user must know.
    Warning(String),
}

/// Where what the user must know goes, for work that has no events of its own.
pub type Warn<'a> = &'a (dyn Fn(String) + Sync);

/// What a job is given while it runs.
pub struct Work<'a, E> {
    /// Progress, stop and pause.
    pub watch: Watch<'a>,
    tell: &'a (dyn Fn(Told<E>) + Sync),
}

impl<'a, E> Work<'a, E> {
    /// Work whose events go to `tell`.
    pub fn new(watch: Watch<'a>, tell: &'a (dyn Fn(Told<E>) + Sync)) -> Self {
        Self { watch, tell }
    }

    /// Tells an event.
    pub fn tell(&self, event: E) {
        (self.tell)(Told::Event(event));
    }

    /// Tells that a stage begins, and what comes then.
    pub fn begin(&self, name: &'static str, then: Option<&'static str>) {
        (self.tell)(Told::Stage(Stage { name, then }));
    }

    /// Tells something that the user must know.
    pub fn warn(&self, text: impl Into<String>) {
        (self.tell)(Told::Warning(text.into()));
    }

    /// Runs another job as a part of this one: its progress, stages and warnings are this one's, its events become this one's.
    ///
    /// # Errors
    /// As [`Job::run`].
    pub fn run<J: Job>(&self, job: J, event: impl Fn(J::Event) -> E + Sync) -> Result<J::Output, JobError> {
        let tell = |told| {
            (self.tell)(match told {
                Told::Event(own) => Told::Event(event(own)),
                Told::Stage(stage) => Told::Stage(stage),
                Told::Warning(text) => Told::Warning(text),
            });
        };
        job.run(&Work::new(self.watch, &tell))
    }
}

/// Runs a job on the calling thread; nobody hears its events.
///
/// # Errors
/// As [`Job::run`].
pub fn run_here<J: Job>(job: J, signal: &Signal, report: &(dyn Fn(Share) + Sync)) -> Result<J::Output, JobError> {
    job.run(&Work::new(Watch::new(signal).reporting(report), &|_| {}))
}
