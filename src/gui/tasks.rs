//! Running jobs and their tray.

use std::time::Instant;

use super::egui;
use super::theme::{self, UNIT};
use crate::jobs::{Job, JobError, JobEvent, Outcome, Worker, WorkerNews};
use egui_phosphor::regular as icon;

/// Time left is shown for work longer than this.
const SHOW_TIME_LEFT_SECS: f32 = 2.0;
/// Most events handled in one frame, so that a chatty job cannot stop the window.
const EVENTS_PER_FRAME: usize = 512;

/// What of a job a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All of it.
    Whole,
    /// One of several, before this one.
    Before(&'static str),
    /// The last of several.
    Last,
}

/// One running job.
struct Task {
    title: String,
    worker: Worker,
    fraction: f32,
    stage: &'static str,
    /// What of a job the stage is.
    part: Part,
    /// When this stage began, and the share that was done by then: a training that is gone on with begins in the middle.
    began: (Instant, f32),
    /// Whether the stage has told its share.
    is_begun: bool,
    stopping: bool,
    /// Since when it waits.
    paused: Option<Instant>,
    snapshot: Snapshot,
}

/// What a job looked at when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Grows with every image that is shown.
    pub image: u64,
    /// Revision of the session.
    pub revision: u64,
}

/// News for the application.
pub enum News {
    /// Something happened in a job.
    Event(JobEvent, Snapshot),
    /// A job is over.
    Done(Box<Result<Outcome, JobError>>, Snapshot),
}

/// All running jobs.
#[derive(Default)]
pub struct Tasks(Vec<Task>);

impl Tasks {
    /// Starts a job.
    pub fn start(&mut self, title: impl Into<String>, job: Job, snapshot: Snapshot, context: &egui::Context) {
        let context = context.clone();
        let worker = Worker::start(job, move || context.request_repaint());
        let title = title.into();
        self.0.push(Task {
            title,
            worker,
            fraction: 0.0,
            stage: "",
            part: Part::Whole,
            began: (Instant::now(), 0.0),
            is_begun: true,
            stopping: false,
            paused: None,
            snapshot,
        });
    }

    /// Whether nothing runs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Share done and title of a job whose title starts like this.
    pub fn find(&self, prefix: &str) -> Option<f32> {
        self.0.iter().find(|t| t.title.starts_with(prefix)).map(|t| t.fraction)
    }

    /// What a job of several stages whose title starts like this is doing, with the time left.
    pub fn stage(&self, prefix: &str) -> Option<String> {
        let task = self.0.iter().find(|t| t.title.starts_with(prefix) && t.part != Part::Whole)?;
        let (began, before) = task.began;
        let is_running = !task.stopping && task.paused.is_none();
        let left =
            if is_running { time_left(began.elapsed().as_secs_f32(), before, task.fraction) } else { String::new() };
        Some(stage_text(task.stage, task.part, &left))
    }

    /// Whether a job whose title starts like this runs and was not told to stop.
    pub fn is_running(&self, prefix: &str) -> bool {
        self.0.iter().any(|t| t.title.starts_with(prefix) && !t.stopping)
    }

    /// Whether a job whose title starts like this waits.
    pub fn is_paused(&self, prefix: &str) -> bool {
        self.0.iter().any(|t| t.title.starts_with(prefix) && t.paused.is_some())
    }

    /// Lets jobs whose title starts like this wait, or go on where they waited.
    pub fn pause(&mut self, prefix: &str) {
        for task in self.0.iter_mut().filter(|t| t.title.starts_with(prefix)) {
            match task.paused.take() {
                // The time it waited is not part of its work.
                Some(since) => task.began.0 += since.elapsed(),
                None => task.paused = Some(Instant::now()),
            }
            task.worker.pause(task.paused.is_some());
        }
    }

    /// Stops jobs whose title starts like this.
    pub fn cancel(&mut self, prefix: &str) {
        for task in self.0.iter_mut().filter(|t| t.title.starts_with(prefix)) {
            task.worker.cancel();
            task.stopping = true;
        }
    }

    /// Takes news from all jobs.
    pub fn drain(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        self.0.retain_mut(|task| {
            for _ in 0..EVENTS_PER_FRAME {
                match task.worker.poll() {
                    None => return true,
                    Some(WorkerNews::Event(event)) => {
                        task.follow(&event);
                        if !task.stopping {
                            news.push(News::Event(event, task.snapshot));
                        }
                    }
                    Some(WorkerNews::Done(outcome)) => {
                        // A result that came just before the stop is not wanted; a file that was written is there.
                        let unwanted = matches!(
                            outcome,
                            Ok(Outcome::Labels { .. }
                                | Outcome::Volume(..)
                                | Outcome::Refined { .. }
                                | Outcome::Joined(_)
                                | Outcome::Erased { .. }
                                | Outcome::Classified { .. }
                                | Outcome::Compared(_)
                                | Outcome::Planned { .. }
                                | Outcome::Attention(..))
                        );
                        let outcome =
                            if task.stopping && unwanted { Err(crate::work::Stopped.into()) } else { outcome };
                        news.push(News::Done(Box::new(outcome), task.snapshot));
                        return false;
                    }
                }
            }
            true
        });
        news
    }

    /// Paints the tray into the status line.
    pub fn ui(&mut self, ui: &mut egui::Ui) {
        let t = theme::tokens(ui);
        for task in &mut self.0 {
            let cancel = format!("Cancel: {}", task.title);
            let button = ui.add(egui::Button::new(egui::RichText::new(icon::X).small()).small());
            button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &cancel));
            if button.on_hover_text(cancel).clicked() {
                task.worker.cancel();
                task.stopping = true;
            }
            let (began, before) = task.began;
            let left = match () {
                () if task.stopping => "Stopping".to_string(),
                () if task.paused.is_some() => "waits".to_string(),
                () => time_left(began.elapsed().as_secs_f32(), before, task.fraction),
            };
            let text = stage_text(task.stage, task.part, &left);
            ui.add_sized(
                [24.0 * UNIT, 4.0 * UNIT],
                egui::ProgressBar::new(task.fraction).fill(t.accent).desired_height(3.0 * UNIT).corner_radius(2),
            );
            ui.label(egui::RichText::new(format!("{} {text}", task.title)).small().color(t.dim))
                .on_hover_text(task.stage);
        }
    }
}

impl Task {
    /// Takes over the stage and its share.
    fn follow(&mut self, event: &JobEvent) {
        match event {
            JobEvent::Stage { name, then } => {
                (self.stage, self.fraction) = (name, 0.0);
                self.part = then.map_or(Part::Last, Part::Before);
                // A training that is continued begins in the middle, as its first share says.
                self.is_begun = false;
            }
            JobEvent::Progress { fraction, stage } => {
                if self.stage != *stage || !self.is_begun {
                    self.began = (Instant::now(), *fraction);
                    self.is_begun = true;
                }
                (self.fraction, self.stage) = (*fraction, stage);
            }
            _ => {}
        }
    }
}

/// What is being done, how long that takes, and what comes then; a job of one stage tells the time alone.
fn stage_text(stage: &str, part: Part, left: &str) -> String {
    let then = match part {
        Part::Whole => return left.to_string(),
        Part::Before(then) => format!("then {then}"),
        Part::Last => String::new(),
    };
    let parts = [stage.to_string(), left.to_string(), then];
    // What comes then is worth a word where a time is told that is not the whole.
    let parts = parts.into_iter().enumerate().filter(|(n, part)| !part.is_empty() && (*n < 2 || !left.is_empty()));
    parts.map(|(_, part)| part).collect::<Vec<_>>().join(", ")
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

    #[test]
    fn time_left_is_that_of_the_stage_also_where_it_began_in_the_middle() {
        assert_eq!(time_left(30.0, 0.0, 0.5), "30 s left");
        // An hour's training that goes on at 80 %: after a minute there are eleven left.
        assert_eq!(time_left(60.0, 0.8, 0.8 + 1.0 / 60.0), "11 min left");
        assert_eq!(time_left(30.0, 0.8, 0.801), "");
    }

    #[test]
    fn the_time_of_a_stage_is_not_told_as_that_of_the_whole() {
        let learning = Part::Before("measuring");
        assert_eq!(stage_text("learning", learning, "30 s left"), "learning, 30 s left, then measuring");
        assert_eq!(stage_text("reading scans", Part::Before("learning"), ""), "reading scans");
        assert_eq!(stage_text("measuring", Part::Last, "20 s left"), "measuring, 20 s left");
        assert_eq!(stage_text("Reading", Part::Whole, "5 s left"), "5 s left");
    }
}
