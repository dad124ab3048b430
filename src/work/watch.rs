//! The one token that goes through every layer of long work: how far it is, whether to stop, whether to pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The work was stopped by whoever started it. Every layer has this one type for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;

/// Whether the system asked the process to end: all work stops then, as if nobody waited for it any more.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// The flag that stops all work of the process, for whoever hears the system's signals.
pub fn ending() -> &'static AtomicBool {
    &IS_ENDING
}

/// Held by whoever started the work, to stop or pause it. Clones are the same signal.
#[derive(Debug, Clone, Default)]
pub struct Signal(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    stop: AtomicBool,
    pause: AtomicBool,
    abandoned: AtomicBool,
}

impl Signal {
    /// Asks the work to stop.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }

    /// Asks the work to stop because nobody waits for it any more: a training can be continued later.
    pub fn abandon(&self) {
        self.0.abandoned.store(true, Ordering::Relaxed);
        self.stop();
    }

    /// Asks the work to pause, or to resume.
    pub fn pause(&self, is_paused: bool) {
        self.0.pause.store(is_paused, Ordering::Relaxed);
    }

    /// Whether the work was asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed) || IS_ENDING.load(Ordering::Relaxed)
    }

    /// Whether the work was asked to pause.
    pub fn is_paused(&self) -> bool {
        self.0.pause.load(Ordering::Relaxed)
    }

    /// Whether nobody waits for the work any more.
    pub fn is_abandoned(&self) -> bool {
        self.0.abandoned.load(Ordering::Relaxed) || IS_ENDING.load(Ordering::Relaxed)
    }
}

/// How far a stage of the work is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// What is being done, for example "Reading".
    pub stage: &'static str,
    /// The part of it that is done, 0..=1.
    pub fraction: f32,
}

/// What long work is given: it reports how far it is, and asks whether to stop or pause.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    signal: Option<&'a Signal>,
    report: Option<&'a (dyn Fn(Share) + Sync)>,
    stage: &'static str,
    /// Where this work begins in its stage, and how much of the stage it is.
    span: [f32; 2],
    /// Whether it goes on where nobody waits for it any more.
    finishes: bool,
}

impl Watch<'static> {
    /// Nobody looks: the work stops only when the process ends.
    pub const fn unwatched() -> Self {
        Self { signal: None, report: None, stage: "", span: [0.0, 1.0], finishes: false }
    }
}

impl<'a> Watch<'a> {
    /// Watches a signal; nothing is reported.
    pub const fn new(signal: &'a Signal) -> Self {
        Self { signal: Some(signal), report: None, stage: "", span: [0.0, 1.0], finishes: false }
    }

    /// The same, with a receiver for what is reported.
    #[must_use]
    pub const fn reporting(self, report: &'a (dyn Fn(Share) + Sync)) -> Self {
        Self { report: Some(report), ..self }
    }

    /// The same signal for another stage, whose share counts from 0.
    #[must_use]
    pub const fn stage(self, stage: &'static str) -> Self {
        Self { stage, span: [0.0, 1.0], ..self }
    }

    /// A part of this work: what it reports from 0 to 1 is reported as `from` to `to`.
    #[must_use]
    pub fn part(self, from: f32, to: f32) -> Self {
        let [start, length] = self.span;
        Self { span: [start + from * length, (to - from) * length], ..self }
    }

    /// The same signal without reports.
    #[must_use]
    pub const fn quiet(self) -> Self {
        Self { report: None, ..self }
    }

    /// The same for a piece of work that is done to its end where nobody waits for it any more or the process ends, because
    /// half of it is worse than nothing; the user's own stop still stops it.
    #[must_use]
    pub const fn finishing(self) -> Self {
        Self { finishes: true, ..self }
    }

    /// Whether to stop.
    pub fn should_stop(&self) -> bool {
        let is_stopped = self.signal.map_or_else(|| IS_ENDING.load(Ordering::Relaxed), Signal::is_stopped);
        is_stopped && !(self.finishes && self.is_abandoned())
    }

    /// Whether to pause.
    pub fn should_pause(&self) -> bool {
        self.signal.is_some_and(Signal::is_paused)
    }

    /// Whether nobody waits for the result any more.
    pub fn is_abandoned(&self) -> bool {
        self.signal.map_or_else(|| IS_ENDING.load(Ordering::Relaxed), Signal::is_abandoned)
    }

    /// Goes on unless the work is to stop.
    ///
    /// # Errors
    /// [`Stopped`] where it is.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.should_stop() { Err(Stopped) } else { Ok(()) }
    }

    /// Reports the share that is done, 0..=1, and goes on unless the work is to stop.
    ///
    /// # Errors
    /// [`Stopped`] where it is.
    pub fn at(&self, fraction: f32) -> Result<(), Stopped> {
        if let Some(report) = self.report {
            report(Share { stage: self.stage, fraction: self.span[0] + fraction * self.span[1] });
        }
        self.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn parts_report_their_share_of_the_whole_and_a_signal_stops_them() {
        let (signal, told) = (Signal::default(), Mutex::new(Vec::new()));
        let report = |share: Share| told.lock().unwrap().push((share.stage, share.fraction));
        let watch = Watch::new(&signal).reporting(&report).stage("Reading");
        assert_eq!(watch.at(0.25), Ok(()));
        assert_eq!(watch.part(0.5, 1.0).part(0.0, 0.5).at(0.5), Ok(()));
        assert_eq!(watch.stage("Saving").at(1.0), Ok(()));
        assert_eq!(watch.quiet().at(0.0), Ok(()));
        assert_eq!(*told.lock().unwrap(), [("Reading", 0.25), ("Reading", 0.625), ("Saving", 1.0)]);
        signal.pause(true);
        assert!(watch.should_pause() && !watch.should_stop());
        signal.clone().abandon();
        assert_eq!((watch.check(), watch.part(0.0, 0.1).at(0.0)), (Err(Stopped), Err(Stopped)));
        assert!(watch.is_abandoned() && watch.should_stop() && !watch.finishing().should_stop());
        let by_hand = Signal::default();
        by_hand.stop();
        assert!(Watch::new(&by_hand).finishing().should_stop());
        assert_eq!(Watch::unwatched().at(1.0), Ok(()));
    }
}
