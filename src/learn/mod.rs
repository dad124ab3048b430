//! Learning from labelled images: data sets, sampling, augmentation, schedules, the loop.
//!
//! **Invariant:** the same data, options, seed and number of threads give the same weights, also over an interruption
//! (budgets in epochs; a time budget cannot). Which slices are drawn, and how they are changed, does not depend on threads.
//! **Invariant:** the loop knows nothing of screens: progress goes to a sink, stopping comes from a flag.
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
mod clock;
mod dataset;
mod events;
mod fingerprint;
mod fit;
mod learner;
mod pace;
mod perceptron;
mod pixels;
mod plan;
mod preparing;
mod reading;
mod refine;
mod report;
mod sampling;
mod schedule;
mod sides;
mod specification;
mod start;
mod validation;

pub use appearance::{AppearanceModel, Specimen};
pub use augment::{Augmentation, Cut};
pub use averaging::WeightAverage;
pub use checkpoint::{BestSoFar, Checkpoint, TrainingProgress};
pub use dataset::{CaseFiles, Dataset, DatasetError, Fold, Split, is_ct, is_unnamed, unnamed_channels};
pub use events::{Control, Epoch, FitEvent, Measurement};
pub use fingerprint::{Fingerprint, FromData, open_network};
pub use fit::{FitError, FitOptions, Loader, TrainedModel, fit};
pub use perceptron::{Rosenblatt, Tie};
pub use pixels::{FEATURES, PixelClassifier, PixelRule, Scribbled, UNMARKED, features};
pub use plan::{Budget, Intensities, Plan};
pub use reading::{LabelledScan, read_case};
pub use refine::{Refined, Refinement, only_finished, refine};
pub use report::{case_table, curve_picture, curve_table, worst_first};
pub use sampling::PreparedCase;
pub use schedule::{poly, warm_poly};
pub use start::{Start, Target, fold_channels, from_model};
pub use validation::{CaseDice, Preview, mean_dice, validate, worst_slice};
