//! Background work: what the command line calls on its own thread and the window on a worker's.
//!
//! A job is one file: a value that owns all it needs, an output and events of its own types, and its [`JobKind`], which is in [`JOBS`].
//!
//! **Invariant:** a job captures snapshots at its start and never touches the session; its output re-enters it as a command.
//! **Invariant:** a stop is noticed within 200 ms: between files, slices, and the operations of a network.
//! **Invariant:** a panic in a job becomes an error message.
//!
//! Deliberately absent: screens and terminals; progress goes to a sink.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "shares of progress and averages over counts"
)]

mod add_to_dataset;
mod attention;
mod batch;
mod bench;
mod bench_edit;
mod case_files;
mod compare;
mod compare_labels;
mod count_labels;
mod crash_reports;
mod cross_validate;
mod deidentify;
mod documents;
mod draw_sample;
mod draw_sheet;
mod erase_label;
mod errand;
mod error;
mod evaluate;
mod find_journals;
mod find_scan;
mod grids;
mod highlight;
mod interrupted;
mod job;
mod join;
mod keep_adapted;
mod label_names;
mod labelled;
mod list_servers;
mod list_zoo;
mod load;
mod load_model;
mod look_at_cases;
mod look_at_dataset;
mod matched;
mod measure;
mod measure_figures;
mod merge_labels;
mod mesh_labels;
mod missing_paths;
mod open_labels;
mod open_sample;
mod operate;
mod output;
mod pixels;
mod plan;
mod refine;
mod remote_fetch;
mod remote_find;
mod remote_receive;
mod remote_send;
mod remote_test;
mod reslice;
mod sample_slice;
mod save_body;
mod save_labels;
mod save_picture;
mod save_report;
mod save_series;
mod save_slices;
mod save_surfaces;
mod save_table;
mod save_volume;
mod scan;
mod segment;
mod server_password;
mod shrink_volume;
mod structures;
mod templates;
mod title;
mod touch;
mod touch_answers;
mod touch_slices;
mod train;
mod train_touch;
mod training;
mod worker;

pub use add_to_dataset::AddToDatasetJob;
pub use attention::AttentionJob;
pub use batch::{
    BATCH_STARTS, BatchRow, Case, CaseRecord, Generator, MaskNames, Naming, Outcome, Refused, ScanInput, ScanInputs,
    SegmentCaseJob, Separator, batch_lines, batch_table, is_bids, scans_to_segment,
};
pub use bench::{BenchInput, BenchLoad, BenchNetwork, peak_memory_bytes};
pub use bench_edit::{EDIT_CASES, EditCase, EditScene};
pub use case_files::{FileStamp, MASK_SUFFIX, case_and_channel, file_stamp, labels_folder, mask_places, plain_name};
pub use compare::CompareJob;
pub use compare_labels::{CompareLabelsJob, ComparedLabel, LabelComparison, Side};
pub use count_labels::CountLabelsJob;
pub use crash_reports::{DeleteCrashReportsJob, FindCrashReportsJob};
pub use cross_validate::{CrossValidateJob, FoldNews, begun_fold};
pub use deidentify::{DeidentifyJob, DeidentifyReport};
pub use documents::{OpenDocumentJob, OpenedDocument, SaveDocumentJob, SavedDocument};
pub use draw_sample::DrawSampleJob;
pub use draw_sheet::{DrawSheetJob, SaveSheetJob};
pub use erase_label::{EraseLabelJob, Erased};
pub use errand::ErrandJob;
pub use error::JobError;
pub use evaluate::{CaseScores, Comparison, EvaluateJob, Evaluation, MeanScores, StructureTest, compare_evaluations};
pub use find_journals::{FindJournalsJob, FoundJournals, LeftJournal, LeftScan};
pub use find_scan::{ChecksumJob, DOCUMENT_FORMAT, FindScanJob, FoundScan, Instead, ScanFound, place_of};
pub use highlight::HighlightJob;
pub use interrupted::FindInterruptedJob;
pub use job::{Job, JobKind, Stage, Told, Work, run_here};
pub use join::{JoinJob, Joined, Names};
pub use keep_adapted::{ADAPTED, KeepAdaptedJob};
pub use label_names::{OpenNamesJob, SaveNamesJob};
pub use list_servers::ListServersJob;
pub use list_zoo::{ListZooJob, ZooRow, attention_stages, check_architecture};
pub use load::{LoadJob, Loaded, LoadedMask, WithMasks};
pub use load_model::LoadModelJob;
pub use look_at_cases::{CaseLook, CaseToSee, CompletionJob, LookAtCasesJob};
pub use look_at_dataset::{DatasetFacts, LookAtDatasetJob};
pub use measure::MeasureJob;
pub use measure_figures::MeasureFiguresJob;
pub use merge_labels::{MergeLabelsJob, MergedLabels};
pub use mesh_labels::{MeshLabelsJob, MeshedBlock};
pub use missing_paths::MissingPathsJob;
pub(crate) use open_labels::resampled_labels;
pub use open_labels::{OpenLabelsJob, OpenedLabels};
pub use open_sample::{OpenSampleJob, Sample};
pub use operate::{OperateJob, Operated};
pub use output::{Inputs, OutputKind, make_folder};
pub use pixels::{AllPixelsJob, Classified, PixelJob};
pub use plan::PlanJob;
pub use refine::{OUTSIDE, REFINE_SECONDS, RefineJob, RefineNews, RefinedLabels, RememberedScans, ScribbledLabels};
pub use remote_fetch::RemoteFetchJob;
pub use remote_find::RemoteFindJob;
pub use remote_receive::{ReceiveNews, RemoteReceiveJob, RemoteReceived};
pub use remote_send::{RemoteSendJob, RemoteSent};
pub use remote_test::RemoteTestJob;
pub use reslice::ResliceJob;
pub use sample_slice::SampleSliceJob;
pub use save_body::{BodyFiles, DrawPicture, MOST_TURN_PICTURES, SaveBodyJob};
pub use save_labels::{SaveLabelsJob, SavedLabels};
pub use save_picture::SavePictureJob;
pub use save_report::{SaveReportJob, check_training_outputs};
pub use save_series::SaveSeriesJob;
pub use save_slices::{SaveSlicesJob, SliceContent, SliceFiles};
pub use save_surfaces::SaveSurfacesJob;
pub use save_table::SaveTableJob;
pub use save_volume::SaveVolumeJob;
pub use scan::ScanJob;
pub use segment::{SegmentJob, SegmentNews, Segmented};
pub use server_password::{PasswordErrand, ServerPasswordJob};
pub use shrink_volume::ShrinkVolumeJob;
pub use templates::{DeleteTemplateJob, FindTemplatesJob, KeepTemplateJob, TEMPLATE_ENDING, TemplateText};
pub use touch::{TouchJob, TouchMethod, Touched};
pub use touch_answers::TouchAnswers;
pub use touch_slices::{SharedTouchNetwork, touch_network};
pub use train::{TrainNews, TrainSummary};
pub use train_touch::TrainTouchJob;
pub use training::{TrainJob, TrainSource};
pub use worker::{Worker, WorkerNews, panic_reason};

/// Every kind of job.
pub const JOBS: &[&JobKind] = &[
    AddToDatasetJob::KIND,
    AllPixelsJob::KIND,
    AttentionJob::KIND,
    ChecksumJob::KIND,
    CompareJob::KIND,
    CompareLabelsJob::KIND,
    CompletionJob::KIND,
    CountLabelsJob::KIND,
    CrossValidateJob::KIND,
    DeidentifyJob::KIND,
    DeleteCrashReportsJob::KIND,
    DeleteTemplateJob::KIND,
    DrawSampleJob::KIND,
    DrawSheetJob::KIND,
    EraseLabelJob::KIND,
    ErrandJob::KIND,
    EvaluateJob::KIND,
    FindCrashReportsJob::KIND,
    FindInterruptedJob::KIND,
    FindJournalsJob::KIND,
    FindScanJob::KIND,
    FindTemplatesJob::KIND,
    HighlightJob::KIND,
    JoinJob::KIND,
    KeepAdaptedJob::KIND,
    KeepTemplateJob::KIND,
    ListServersJob::KIND,
    ListZooJob::KIND,
    LoadJob::KIND,
    LoadModelJob::KIND,
    LookAtCasesJob::KIND,
    LookAtDatasetJob::KIND,
    MeasureFiguresJob::KIND,
    MeasureJob::KIND,
    MergeLabelsJob::KIND,
    MeshLabelsJob::KIND,
    MissingPathsJob::KIND,
    OpenDocumentJob::KIND,
    OpenLabelsJob::KIND,
    OpenNamesJob::KIND,
    OpenSampleJob::KIND,
    OperateJob::KIND,
    PixelJob::KIND,
    PlanJob::KIND,
    RefineJob::KIND,
    RemoteFetchJob::KIND,
    RemoteFindJob::KIND,
    RemoteReceiveJob::KIND,
    RemoteSendJob::KIND,
    RemoteTestJob::KIND,
    ResliceJob::KIND,
    SaveDocumentJob::KIND,
    SampleSliceJob::KIND,
    SaveBodyJob::KIND,
    SaveLabelsJob::KIND,
    SaveNamesJob::KIND,
    SavePictureJob::KIND,
    SaveReportJob::KIND,
    SaveSheetJob::KIND,
    SaveSlicesJob::KIND,
    SaveSeriesJob::KIND,
    SaveSurfacesJob::KIND,
    SaveTableJob::KIND,
    SaveVolumeJob::KIND,
    ScanJob::KIND,
    SegmentCaseJob::KIND,
    SegmentJob::KIND,
    ServerPasswordJob::KIND,
    ShrinkVolumeJob::KIND,
    TouchJob::KIND,
    TrainJob::KIND,
    TrainTouchJob::KIND,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_job_is_listed_once_by_a_name_of_its_own() {
        let is_plain = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        assert!(JOBS.iter().all(|kind| is_plain(kind.id)), "{JOBS:?}");
        let ids: BTreeSet<&str> = JOBS.iter().map(|kind| kind.id).collect();
        assert_eq!(ids.len(), JOBS.len(), "{JOBS:?}");
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/jobs");
        let files = std::fs::read_dir(folder).unwrap().flatten().filter(|file| file.path().is_file());
        let code = |text: String| text.split("#[cfg(test)]").next().unwrap_or_default().to_string();
        let texts = files.map(|file| code(std::fs::read_to_string(file.path()).unwrap()));
        let declared: usize = texts.map(|text| text.matches("\nimpl Job for ").count()).sum();
        assert_eq!(declared, JOBS.len(), "a job that is not in the list, or twice");
    }
}
