//! `lamella train-touch`

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::terminal::Terminal;
use super::{Result, print_json, use_threads};
use crate::jobs::TrainTouchJob;
use crate::learn::{TouchNews, TouchTraining};

/// Pictures of each kind that measurements are made on, and their rows and columns.
const MEASURED: usize = 4;
const MEASURED_SIDE: usize = 256;

/// Train the network that answers strokes, on made pictures and on real ones.
#[derive(Args)]
pub struct TrainTouch {
    /// The model file to write; the state of the training lies beside it
    #[arg(short, long)]
    output: PathBuf,
    /// Number of steps
    #[arg(long, default_value = "20000")]
    steps: NonZeroU64,
    /// Seed of weights and examples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of processor threads; all by default
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Channels of the network's first stage
    #[arg(long, default_value = "16")]
    width: NonZeroUsize,
    /// First learning rate
    #[arg(long, default_value_t = 0.003, value_parser = super::train::values::rate)]
    rate: f64,
    /// Start from the weights of this model, of the same width
    #[arg(long, value_name = "MODEL")]
    start: Option<PathBuf>,
    /// Folders of real pictures to learn from too: `images`, and `labels` of the same names for those that have some
    #[arg(long, value_name = "FOLDER", num_args = 1..)]
    data: Vec<PathBuf>,
    /// Where the real pictures are from, for the model's specification
    #[arg(long, requires = "data", default_value = "")]
    source: String,
    /// Their licence, for the same
    #[arg(long, requires = "data", default_value = "")]
    data_licence: String,
    /// Steps between two measurements on pictures that are held back
    #[arg(long, default_value = "500")]
    measure_every: NonZeroU64,
    /// Continue an interrupted training of the same output
    #[arg(long)]
    resume: bool,
    /// Print one JSON document a line
    #[arg(long)]
    json: bool,
}

impl TrainTouch {
    pub(super) fn run(self) -> Result {
        use_threads(self.threads)?;
        let is_json = self.json;
        let training = TouchTraining {
            command: self.command(),
            output: self.output,
            steps: self.steps.get(),
            seed: self.seed,
            rate: self.rate,
            start: self.start,
            width: self.width.get(),
            data: self.data,
            measure_every: self.measure_every.get(),
            measured: MEASURED,
            measured_side: MEASURED_SIDE,
            resume: self.resume,
            source: [
                format!("made pictures{}{}", if self.source.is_empty() { "" } else { "; " }, self.source),
                self.data_licence,
            ],
        };
        let output = training.output.clone();
        let terminal = Terminal::new("Learning");
        let on_news = |news: TouchNews| match news {
            TouchNews::Note(text) if is_json => tell!("{text}"),
            TouchNews::Note(text) => say!("{text}"),
            TouchNews::Measured { steps, loss, seconds, dice } if is_json => {
                let told = json!({
                    "steps": steps, "loss": loss, "seconds": seconds,
                    "dice": {"seen": dice.seen, "unseen": dice.unseen, "kinds": dice.kinds},
                });
                say!("{told}");
            }
            TouchNews::Measured { steps, loss, seconds, dice } => {
                let kinds: Vec<String> = dice.kinds.iter().map(|(kind, dice)| format!("{kind} {dice:.3}")).collect();
                say!(
                    "step {steps}, {seconds:.0} s: loss {loss:.4}, held-back Dice {:.4}, of other kinds {:.4} ({})",
                    dice.seen,
                    dice.unseen,
                    kinds.join(", ")
                );
            }
        };
        let model = terminal.run(TrainTouchJob { training }, &on_news)?;
        terminal.finish();
        if is_json {
            return print_json(&json!({"output": output, "sha256": model.spec.sha256}));
        }
        say!("{}", output.display());
        Ok(())
    }

    /// How to make the model again.
    fn command(&self) -> String {
        let mut words = vec![format!(
            "lamella train-touch --steps {} --seed {} --width {} --rate {}",
            self.steps, self.seed, self.width, self.rate
        )];
        if let Some(name) = self.start.as_ref().and_then(|path| path.file_name()) {
            words.push(format!("--start {}", name.to_string_lossy()));
        }
        if !self.data.is_empty() {
            // Folders are known by their names: where they lay does not matter.
            let names = self.data.iter().filter_map(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()));
            words.push(format!("--data {}", names.collect::<Vec<_>>().join(" ")));
        }
        words.extend(self.threads.map(|threads| format!("--threads {threads}")));
        words.join(" ")
    }
}
