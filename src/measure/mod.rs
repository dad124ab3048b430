//! Numbers about labels: how large they are, what values the image has in them, how well two segmentations agree; and about rulers,
//! angles and regions.
//!
//! **Invariant:** order statistics are exact for every stored type, and the same labels give the same bits on any number of threads.
//! **Invariant:** what has no number has none: nothing is made up for labels without voxels, and no mean counts them.
//!
//! Deliberately absent: files, documents, screens; which labels of two masks are the same is decided by whoever asks (by name).

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "voxel arithmetic: indices are within the shape that was checked when the data came in"
)]

mod diameter;
mod figure;
mod figure_table;
mod label;
mod order;
mod overlap;
mod place;
mod score_table;
mod table;
mod tally;
mod uptake;
mod values;

pub use diameter::{Diameter, Diameters, diameters};
pub use figure::{
    FigureMeasures, RegionStatistics, RegionValues, angle_degrees, figure_cost, length_mm, measure_figure,
};
pub use figure_table::{FIGURES_CSV_START, FigureRow, FigureUnits, figure_lines, figures_csv, figures_text};
pub use label::{Form, InPlanes, LabelMeasures, Measured, Measuring, measure};
pub use overlap::{LabelScores, SliceScores, compare, compare_slices};
pub use score_table::{SCORE_COLUMNS, ScoreColumn, scores_csv};
pub use table::{COLUMNS, CSV_START, Column, Row, csv, quoted, text};
pub use tally::Wanted;
pub use uptake::LabelUptake;
pub use values::{PERCENTS, Percentile, ValueStatistics};
