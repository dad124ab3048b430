//! Learning from labelled images: data sets, sampling, augmentation, schedules, the loop.
//!
//! **Invariant:** the same data, options, seed and number of threads give the same weights, also over an interruption
//! (budgets in epochs; a time budget cannot). Which slices are drawn, and how they are changed, does not depend on threads.
//! **Invariant:** the loop knows nothing of screens: progress goes to a sink, stopping and pausing come from its [`Watch`](crate::work::Watch).
//! **Invariant:** the model kept is the best on the validation cases, measured with the pipeline that users run.
//!
//! Deliberately absent: file formats (images come through a loader), tensors.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "voxel arithmetic and averages over counts"
)]

mod appearance;
mod augment;
mod averaging;
mod checkpoint;
mod choices;
mod clock;
mod dataset;
mod epoch;
mod error;
mod events;
mod examples;
mod facts;
mod files;
mod fingerprint;
mod finished;
mod fit;
mod learner;
mod measuring;
mod pace;
mod perceptron;
mod pixels;
mod plan;
mod preparing;
mod reading;
mod record;
mod refine;
mod report;
mod room;
mod sampling;
mod scans;
mod schedule;
mod sides;
mod slices;
mod specification;
mod stages;
mod start;
mod touch;
mod trained;
mod training;
mod validation;

pub use appearance::{AppearanceModel, Specimen};
pub use augment::{Augmentation, Cut};
pub use averaging::WeightAverage;
pub use checkpoint::{BestSoFar, Checkpoint, TrainingProgress};
pub use choices::{ChoiceError, OptimiserChoice, PlanChoices, Slices};
pub use dataset::{
    CaseFiles, Dataset, DatasetError, Endings, Fold, MarkedError, MarkedScan, Split, SplitChoice, add_to_dataset,
    is_ct, is_labels_folder, is_same_scan, is_unnamed, unnamed_channels,
};
pub use epoch::Epoch;
pub use error::FitError;
pub use events::{FitEvent, Planned};
pub use files::{TrainingFiles, best_path, checkpoint_path, interrupted, slices_path};
pub use fingerprint::Fingerprint;
pub use finished::Scribbles;
pub use fit::Fit;
pub use perceptron::{Rosenblatt, Tie};
pub use pixels::{FEATURES, PixelClassifier, PixelRule, Scribbled, UNMARKED, features};
pub use plan::{Budget, FromData, Intensities, Plan};
pub use reading::{LabelledScan, Loader, read_case, read_cases};
pub use refine::{Refined, Refinement, refine};
pub use report::{case_table, curve_picture, curve_table, worst_first};
pub use room::Room;
pub use sampling::PreparedCase;
pub use schedule::{poly, warm_poly};
pub use slices::remove_slices;
pub use stages::stage_after;
pub use start::{Start, Target, fold_channels, from_model};
pub use touch::{TouchDice, TouchNews, TouchTraining, touch_checkpoint};
pub use trained::{Ending, TrainedModel};
pub use training::{CHECKPOINT_SECONDS, Training};
pub use validation::{CaseDice, Preview, mean_dice, validate, worst_slice};
