//! Learning from labelled images: data sets, sampling, augmentation, schedules, the loop.
//!
//! **Invariant:** the same data, options, seed and number of threads give the same weights, also over an interruption
//! (budgets in epochs; a time budget cannot). Which slices are drawn, and how they are changed, does not depend on threads.
//! **Invariant:** the loop knows nothing of screens: progress goes to a sink, stopping and pausing come from its [`Watch`](crate::work::Watch).
//! **Invariant:** the model kept is the best on the validation cases, measured with the pipeline that users run.
//!
//! Deliberately absent: file formats (images come through a loader), tensors.

mod appearance;
mod augment;
mod averaging;
mod checkpoint;
mod choices;
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
pub use choices::{ChoiceError, OptimiserChoice, PlanChoices, Slices};
pub use dataset::{CaseFiles, Dataset, DatasetError, Endings, Fold, Split, is_ct, is_unnamed, unnamed_channels};
pub use events::{Epoch, FitEvent, Measurement};
pub use fingerprint::Fingerprint;
pub use fit::{FitError, FitOptions, Loader, Planned, TrainedModel, fit, plan};
pub use perceptron::{Rosenblatt, Tie};
pub use pixels::{FEATURES, PixelClassifier, PixelRule, Scribbled, UNMARKED, features};
pub use plan::{Budget, FromData, Intensities, Plan};
pub use reading::{LabelledScan, read_case};
pub use refine::{Refined, Refinement, only_finished, refine};
pub use report::{case_table, curve_picture, curve_table, worst_first};
pub use sampling::PreparedCase;
pub use schedule::{poly, warm_poly};
pub use start::{Start, Target, fold_channels, from_model};
pub use validation::{CaseDice, Preview, mean_dice, validate, worst_slice};
