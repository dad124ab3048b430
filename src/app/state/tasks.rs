//! Running jobs: what they tell, how far they are, how they are stopped.
//!
//! `S` is whoever takes their news: the studio.

use std::time::{Duration, Instant};

use crate::jobs::{Job, JobError, JobKind, Stage, Told, Worker, WorkerNews};
use crate::session::SegmentationId;
use crate::work::{Share, Stopped};

/// Time left is shown for work longer than this.
const SHOW_TIME_LEFT_SECS: f32 = 2.0;
/// Shorter work is not shown.
const SHORT: Duration = Duration::from_millis(400);
/// Most events of a job handled in one frame, so that a chatty job cannot stop the window.
const EVENTS_PER_FRAME: usize = 512;

/// What is done with a piece of news.
type Deed<S> = Box<dyn FnOnce(&mut S)>;

/// A running job, whatever its types.
trait Running<S> {
    fn poll(&mut self) -> Option<News<S>>;
    fn stop(&self);
    fn pause(&self, is_paused: bool);
}

/// A piece of news.
enum News<S> {
    Share(Share),
    Stage(Stage),
    Warning(Deed<S>),
    Deed(Deed<S>),
    Done(Option<Deed<S>>),
}

/// What is done with an event.
type OnEvent<S, E> = std::rc::Rc<dyn Fn(&mut S, E)>;

/// What is done with a result.
type OnDone<S, O> = Box<dyn FnOnce(&mut S, Result<O, JobError>)>;

/// Handlers of a job's news.
struct Run<S, J: Job> {
    worker: Worker<J>,
    on_event: OnEvent<S, J::Event>,
    on_warning: fn(&mut S, String),
    on_done: Option<OnDone<S, J::Output>>,
    is_stopping: std::cell::Cell<bool>,
}

impl<S: 'static, J: Job> Running<S> for Run<S, J> {
    fn poll(&mut self) -> Option<News<S>> {
        Some(match self.worker.poll()? {
            WorkerNews::Progress(share) => News::Share(share),
            WorkerNews::Told(Told::Warning(text)) => {
                let on_warning = self.on_warning;
                News::Warning(Box::new(move |studio| on_warning(studio, text)))
            }
            WorkerNews::Told(Told::Stage(stage)) => News::Stage(stage),
            WorkerNews::Told(Told::Event(event)) => {
                let on_event = self.on_event.clone();
                News::Deed(Box::new(move |studio| on_event(studio, event)))
            }
            WorkerNews::Done(result) => {
                // A result that came just before the stop is not wanted; a file that was written is there.
                let is_unwanted = self.is_stopping.get() && !J::KIND.is_kept_when_stopped;
                let result = if is_unwanted && result.is_ok() { Err(JobError::from(Stopped)) } else { result };
                let on_done = self.on_done.take();
                News::Done(on_done.map(|done| Box::new(move |studio: &mut S| done(studio, result)) as Deed<S>))
            }
        })
    }

    fn stop(&self) {
        self.is_stopping.set(true);
        self.worker.stop();
    }

    fn pause(&self, is_paused: bool) {
        self.worker.pause(is_paused);
    }
}

/// One running job.
#[derive(Clone)]
pub struct TaskState {
    /// Tells it from others.
    pub id: u64,
    /// Its kind.
    pub kind: &'static JobKind,
    /// What is done and to what.
    pub title: String,
    /// The segmentation whose labels it computes, of a job that does.
    pub of: Option<SegmentationId>,
    /// Share of the stage that is done.
    pub fraction: f32,
    /// What is being done.
    pub stage: &'static str,
    /// What comes after it, of a job that has several stages.
    pub then: Option<&'static str>,
    /// Whether the job has several stages: the time left is that of one.
    pub has_stages: bool,
    /// When this stage began, and the share that was done by then: a training that is continued begins in the middle.
    began: (Instant, f32),
    is_begun: bool,
    /// When it was started.
    started: Instant,
    /// Whether it was told to stop.
    pub is_stopping: bool,
    /// Since when it is paused.
    paused: Option<Instant>,
}

/// All running jobs.
pub struct Tasks<S> {
    running: Vec<(TaskState, Box<dyn Running<S>>)>,
    /// What is to be done with results that wait until the user's hand is off what they change.
    held: Vec<(TaskState, Deed<S>)>,
    next: u64,
    wake: std::sync::Arc<dyn Fn() + Send + Sync>,
}

impl<S: 'static> Tasks<S> {
    /// No job; `wake` is called from a job's thread when there is news.
    pub fn new(wake: std::sync::Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { running: Vec::new(), held: Vec::new(), next: 0, wake }
    }

    /// Starts a job.
    pub fn start<J: Job>(
        &mut self,
        job: J,
        on_warning: fn(&mut S, String),
        on_event: impl Fn(&mut S, J::Event) + 'static,
        on_done: impl FnOnce(&mut S, Result<J::Output, JobError>) + 'static,
    ) {
        self.next += 1;
        let title = job.title();
        let wake = self.wake.clone();
        let worker = Worker::start(job, move || wake());
        let state = TaskState {
            id: self.next,
            kind: J::KIND,
            title,
            fraction: 0.0,
            of: None,
            stage: "",
            then: None,
            has_stages: false,
            began: (Instant::now(), 0.0),
            is_begun: true,
            started: Instant::now(),
            is_stopping: false,
            paused: None,
        };
        let run = Run::<S, J> {
            worker,
            on_event: std::rc::Rc::new(on_event),
            on_warning,
            on_done: Some(Box::new(on_done)),
            is_stopping: std::cell::Cell::new(false),
        };
        self.running.push((state, Box::new(run)));
    }

    /// Whether nothing runs, and no result waits.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty() && self.held.is_empty()
    }

    /// All that run, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &TaskState> {
        self.running.iter().map(|(state, _)| state)
    }

    /// The first job of a kind.
    pub fn find(&self, kind: &JobKind) -> Option<&TaskState> {
        self.all().find(|task| task.kind == kind)
    }

    /// Whether a job of a kind runs and was not told to stop.
    pub fn is_running(&self, kind: &JobKind) -> bool {
        self.all().any(|task| task.kind == kind && !task.is_stopping)
    }

    /// Stops the jobs of a kind.
    pub fn stop(&mut self, kind: &JobKind) {
        self.stop_where(|task| task.kind == kind);
    }

    /// Says whose labels the job computes that was started last.
    pub fn is_for(&mut self, of: SegmentationId) {
        self.running.last_mut().into_iter().for_each(|(state, _)| state.of = Some(of));
    }

    /// Whether labels of one of these segmentations are being computed.
    pub fn is_computing(&self, is_meant: impl Fn(SegmentationId) -> bool) -> bool {
        self.all().any(|task| !task.is_stopping && task.of.is_some_and(&is_meant))
    }

    /// Stops the jobs that compute labels of these segmentations.
    pub fn stop_computing(&mut self, of: &[SegmentationId]) {
        self.stop_where(|task| task.of.is_some_and(|id| of.contains(&id)));
    }

    /// Stops one job.
    pub fn stop_one(&mut self, id: u64) {
        self.stop_where(|task| task.id == id);
    }

    fn stop_where(&mut self, is_meant: impl Fn(&TaskState) -> bool) {
        for (state, run) in self.running.iter_mut().filter(|(state, _)| is_meant(state)) {
            state.is_stopping = true;
            run.stop();
        }
    }

    /// Pauses the jobs of a kind, or resumes those that are paused.
    pub fn pause(&mut self, kind: &JobKind) {
        let ids: Vec<u64> = self.all().filter(|task| task.kind == kind).map(|task| task.id).collect();
        ids.into_iter().for_each(|id| self.pause_one(id));
    }

    /// Pauses a job, or resumes it.
    pub fn pause_one(&mut self, id: u64) {
        for (state, run) in self.running.iter_mut().filter(|(state, _)| state.id == id) {
            match state.paused.take() {
                // The time of a pause is not part of its work.
                Some(since) => state.began.0 += since.elapsed(),
                None => state.paused = Some(Instant::now()),
            }
            run.pause(state.paused.is_some());
        }
    }

    /// What is to be done with the news of all jobs. Where a job has told more than a frame takes, another frame is asked for: its last news
    /// may have come already, and nothing else would bring the next frame.
    pub fn drain(&mut self) -> Vec<Deed<S>> {
        self.drain_but(|_| false)
    }

    /// The same, but that the results of some jobs wait until a later call: a stroke is under way that they would end.
    pub fn drain_but(&mut self, waits: impl Fn(&TaskState) -> bool) -> Vec<Deed<S>> {
        let mut deeds: Vec<Deed<S>> =
            self.held.extract_if(.., |(task, _)| !waits(task)).map(|(_, deed)| deed).collect();
        let mut held = Vec::new();
        let mut is_more = false;
        self.running.retain_mut(|(state, run)| {
            for _ in 0..EVENTS_PER_FRAME {
                match run.poll() {
                    None => return true,
                    Some(News::Share(share)) => state.follow(share),
                    Some(News::Stage(stage)) => state.enter(stage),
                    Some(News::Warning(deed)) if !state.is_stopping || state.kind.is_kept_when_stopped => {
                        deeds.push(deed);
                    }
                    Some(News::Deed(deed)) if !state.is_stopping => deeds.push(deed),
                    Some(News::Deed(_) | News::Warning(_)) => {}
                    Some(News::Done(deed)) => {
                        if waits(state) {
                            held.extend(deed.map(|deed| (state.clone(), deed)));
                        } else {
                            deeds.extend(deed);
                        }
                        return false;
                    }
                }
            }
            is_more = true;
            true
        });
        self.held.append(&mut held);
        if is_more {
            (self.wake)();
        }
        deeds
    }
}

impl TaskState {
    /// Whether it has run long enough to be shown: what is done at once only flickers.
    pub fn is_long(&self) -> bool {
        self.started.elapsed() >= SHORT
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// A stage begins; its share counts from 0 again.
    fn enter(&mut self, stage: Stage) {
        (self.stage, self.then, self.has_stages) = (stage.name, stage.then, true);
        // A training that is continued begins in the middle, as its first share says.
        (self.fraction, self.is_begun) = (0.0, false);
    }

    /// Takes over the stage and its share.
    fn follow(&mut self, share: Share) {
        if self.stage != share.stage || !self.is_begun {
            self.began = (Instant::now(), share.fraction);
            self.is_begun = true;
        }
        (self.fraction, self.stage) = (share.fraction, share.stage);
    }

    /// The time left of its stage, "30 s left"; what it waits for; or nothing while that cannot be said.
    pub fn time_left(&self) -> String {
        match () {
            () if self.is_stopping => "Stopping".into(),
            () if self.is_paused() => "Paused".into(),
            () => time_left(self.began.0.elapsed().as_secs_f32(), self.began.1, self.fraction),
        }
    }
}

/// The time left of a stage that took `elapsed` seconds from one share to another.
fn time_left(elapsed: f32, before: f32, fraction: f32) -> String {
    let done = fraction - before;
    if elapsed < SHOW_TIME_LEFT_SECS || done < 0.02 * (1.0 - before) {
        return String::new();
    }
    let left = elapsed / done * (1.0 - fraction);
    if left < 90.0 { format!("{left:.0} s left") } else { format!("{:.0} min left", left / 60.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Work;
    use std::sync::mpsc::channel;

    /// Tells more than many frames take.
    struct Chatty;

    impl Job for Chatty {
        type Output = ();
        type Event = usize;
        const KIND: &'static JobKind = &JobKind { id: "chatty", is_kept_when_stopped: false };

        fn title(&self) -> String {
            "Chatty".into()
        }

        fn run(self, work: &Work<usize>) -> Result<(), JobError> {
            (0..20 * EVENTS_PER_FRAME).for_each(|event| work.tell(event));
            Ok(())
        }
    }

    #[test]
    fn the_end_of_a_job_that_told_more_than_frames_take_comes_without_an_input() {
        let (wake, woken) = channel();
        let mut tasks = Tasks::new(std::sync::Arc::new(move || wake.send(()).unwrap_or_default()));
        let (mut events, mut frames) = (Vec::new(), 0);
        tasks.start(Chatty, |_, text| panic!("{text}"), Vec::push, |_, result| result.expect("a result"));
        while !tasks.is_empty() {
            // Wakes that came during a frame are one frame, as in the window.
            woken.recv_timeout(Duration::from_mins(1)).expect("another frame is asked for");
            std::thread::sleep(Duration::from_millis(1));
            while woken.try_recv().is_ok() {}
            tasks.drain().into_iter().for_each(|deed| deed(&mut events));
            frames += 1;
        }
        assert_eq!(events, (0..20 * EVENTS_PER_FRAME).collect::<Vec<_>>());
        assert!(frames >= 20, "{frames} frames");
    }

    #[test]
    fn time_left_is_that_of_the_stage_also_where_it_began_in_the_middle() {
        assert_eq!(time_left(30.0, 0.0, 0.5), "30 s left");
        // An hour's training that is continued at 80 %: after a minute there are eleven left.
        assert_eq!(time_left(60.0, 0.8, 0.8 + 1.0 / 60.0), "11 min left");
        assert_eq!(time_left(30.0, 0.8, 0.801), "");
    }
}
