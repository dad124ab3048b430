//! Teaching: what is missing for it, starting and continuing, what comes of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::models::make_folder;
use super::pixels::background;
use super::saving::save_other;
use crate::app::state::models::{model_id, model_name};
use crate::app::state::notices::Kind;
use crate::app::state::picture::PreviewPicture;
use crate::app::state::saving::file_name;
use crate::app::state::scan_choices::ScanChoices;
use crate::app::state::settings::Task;
use crate::app::state::studio::Studio;
use crate::app::state::teach::{Curve, OnDisk, Teach};
use crate::jobs::{
    AddToDatasetJob, CompareJob, FindInterruptedJob, Job, ListZooJob, LookAtDatasetJob, PlanJob, SaveReportJob,
    TrainJob, TrainNews, TrainSource, TrainSummary, check_architecture,
};
use crate::learn::{
    Budget, CHECKPOINT_SECONDS, MarkedScan, Plan, PlanChoices, SplitChoice, checkpoint_path, remove_slices, slices_path,
};
use crate::model::{ArchitectureSpec, is_id};
use crate::session::SegmentationId;
use crate::words::say;

/// What of the plan is chosen: where the model is the start, its network is not.
pub fn plan_choices(teach: &Teach) -> PlanChoices {
    let chosen = teach.form.plan.clone();
    if !teach.form.is_from_model {
        return chosen;
    }
    PlanChoices { architecture: None, options: None, encoder: None, attention: Vec::new(), ..chosen }
}

/// The network of the choices.
fn network(teach: &Teach) -> ArchitectureSpec {
    plan_choices(teach).network(Plan::default().architecture, false)
}

/// Why the network of the choices cannot be built, as far as it was looked up; see [`follow`].
pub fn problem(teach: &Teach) -> Option<&str> {
    let checked = teach.checked.as_ref().filter(|_| !teach.form.is_from_model);
    checked.and_then(|(_, problem)| problem.as_deref())
}

/// The folder of labelled scans to learn from.
pub fn set_dataset(studio: &mut Studio, path: PathBuf) {
    studio.teach.dataset = Some(path);
    // The same folder may have other scans by now.
    studio.teach.looked_at = None;
}

/// Lets everything follow what was chosen: the folder is looked at, the network is checked, the name is looked up.
pub fn follow(studio: &mut Studio) {
    look_at_dataset(studio);
    // Without an image there is nothing else to choose.
    studio.teach.form.is_from_scan &= studio.shown.is_some();
    let is_shown = studio.shown.is_some() || is_alone(studio);
    if is_shown && !studio.teach.is_zoo_asked {
        studio.teach.is_zoo_asked = true;
        studio.start(ListZooJob, |_, ()| {}, |studio, result| studio.teach.zoo = studio.told(result));
    }
    if !studio.teach.form.is_from_model {
        let chosen = network(&studio.teach);
        if studio.teach.checked.as_ref().is_none_or(|(spec, _)| *spec != chosen) {
            let problem = check_architecture(&chosen).err();
            studio.teach.checked = Some((chosen, problem));
        }
    }
    find_interrupted(studio);
    let name = &studio.teach.form.name;
    if studio.teach.looked_up.as_ref().is_none_or(|(of, _)| of != name) {
        let found = look_up(studio, name);
        studio.teach.looked_up = Some((name.clone(), found));
    }
}

/// Looks once, when the task is opened, for trainings that were interrupted; they are offered where none runs.
fn find_interrupted(studio: &mut Studio) {
    let is_open = is_alone(studio) || (studio.shown.is_some() && studio.settings.task == Task::Teach);
    let folder = studio.models.output_folder();
    if !is_open || studio.teach.searched == folder || studio.tasks.find(TrainJob::KIND).is_some() {
        return;
    }
    studio.teach.searched.clone_from(&folder);
    let Some(folder) = folder else { return };
    studio.start(
        FindInterruptedJob { folder },
        |_, ()| {},
        |studio, result| studio.teach.interrupted = studio.told(result).unwrap_or_default(),
    );
}

/// Whether the Teach task is shown though there is no scan.
pub fn is_alone(studio: &Studio) -> bool {
    studio.shown.is_none() && (studio.teach.is_alone || studio.tasks.find(TrainJob::KIND).is_some())
}

fn look_up(studio: &Studio, name: &str) -> OnDisk {
    let output = studio.models.output_folder().map(|folder| output(&folder, name));
    let is_listed = studio.models.listed.iter().any(|model| model_name(&model.id) == name);
    OnDisk {
        model: is_listed || output.as_ref().is_some_and(|output| output.exists()),
        training: output.is_some_and(|output| checkpoint_path(&output).is_file()),
    }
}

/// What there is under the chosen name.
pub fn on_disk(teach: &Teach) -> OnDisk {
    teach.looked_up.as_ref().map(|(_, found)| *found).unwrap_or_default()
}

fn output(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.safetensors"))
}

/// Looks once at every folder of labelled scans that is chosen.
fn look_at_dataset(studio: &mut Studio) {
    if studio.teach.dataset == studio.teach.looked_at {
        return;
    }
    studio.teach.looked_at.clone_from(&studio.teach.dataset);
    studio.teach.before = studio.teach.form.scans.take().or(studio.teach.before.take());
    let Some(folder) = studio.teach.dataset.clone() else { return };
    studio.tasks.stop(LookAtDatasetJob::KIND);
    studio.start(
        LookAtDatasetJob { folder },
        |_, ()| {},
        |studio, result| {
            // It may not be the chosen one any more.
            if let Some(facts) = studio.told(result)
                && studio.teach.dataset.as_ref() == Some(&facts.folder)
            {
                // Its files may have changed under their names.
                studio.teach.suggested = None;
                studio.teach.form.scans = Some(ScanChoices::new(facts, studio.teach.before.take()));
            }
        },
    );
}

/// What the choices lack for a plan to be made of them.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    let form = &studio.teach.form;
    let unchosen = form.folder_scans().and_then(ScanChoices::problem);
    match () {
        () if form.is_from_scan && studio.done_slices().is_empty() => {
            Some("Label a slice and mark it done first (Enter over its view; Shift+Enter: all that hold labels)")
        }
        () if !form.is_from_scan && studio.teach.dataset.is_none() => Some("Choose a folder of labelled scans first"),
        () if !form.is_from_scan && studio.tasks.find(LookAtDatasetJob::KIND).is_some() => {
            Some("The scans are being looked at")
        }
        () if unchosen.is_some() => unchosen,
        () if problem(&studio.teach).is_some() => Some("This network cannot be built"),
        () if form.is_from_model && studio.models.lacks().is_some() => studio.models.lacks(),
        () if form.is_from_model && studio.models.adapted.is_some() => {
            Some("The model was adapted to finished slices: keep it or forget that first (Segment task)")
        }
        () => None,
    }
}

/// What the choices lack for a training to start.
pub fn lacks_start(studio: &Studio) -> Option<&'static str> {
    let there = on_disk(&studio.teach);
    let lacks = lacks(studio);
    match () {
        () if studio.tasks.find(TrainJob::KIND).is_some() => Some("A training is running"),
        () if lacks.is_some() => lacks,
        () if !is_id(&studio.teach.form.name) => Some("A name has letters, digits, - _ ."),
        () if there.training => Some("A training of this name was interrupted: continue it, or choose another name"),
        () if there.model => Some("There is a model of this name; choose another, nothing is overwritten"),
        () => None,
    }
}

/// Why there is no interrupted training to discard.
pub fn lacks_interrupted(studio: &Studio) -> Option<&'static str> {
    match () {
        () if studio.tasks.find(TrainJob::KIND).is_some() => Some("A training is running"),
        () if !on_disk(&studio.teach).training => Some("No training of this name was interrupted"),
        () => None,
    }
}

/// Why no interrupted training can be continued.
pub fn lacks_resume(studio: &Studio) -> Option<&'static str> {
    let is_without = !studio.teach.form.is_from_scan && studio.teach.dataset.is_none();
    lacks_interrupted(studio).or(is_without.then_some("Choose its folder of labelled scans first"))
}

/// The scan on screen with its finished slices.
fn marked_scan(studio: &Studio, of: SegmentationId) -> Option<MarkedScan> {
    let segmentation = studio.session.document().segmentation(of)?;
    Some(MarkedScan {
        volume: studio.session.document().scan(segmentation.scan())?.clone(),
        labels: segmentation.labels().clone(),
        table: segmentation.table().clone(),
        background: studio.pixels.background(segmentation.table()),
        done: segmentation.slices_in(crate::session::SliceState::Done),
    })
}

/// The job of the choices; the model is written into `folder`. It begins anew, or continues where it was interrupted.
fn job(studio: &Studio, folder: &Path, is_resumed: bool) -> Option<Result<TrainJob, String>> {
    let teach = &studio.teach;
    let form = &teach.form;
    let scan = studio.active().filter(|_| form.is_from_scan).and_then(|of| marked_scan(studio, of));
    let source = match scan {
        Some(scan) => TrainSource::Scan(Box::new(scan)),
        None => TrainSource::Folder(teach.dataset.clone().filter(|_| !form.is_from_scan)?),
    };
    let init = studio.models.model().filter(|_| form.is_from_model).map(|model| model.as_ref().clone());
    let from = init.as_ref().map_or(String::new(), |model| format!(" from {}", model.spec.id));
    let plan = match plan_choices(teach).plan(init.as_ref().map(|model| &model.spec)) {
        Ok(plan) => plan,
        Err(error) => return Some(Err(error.to_string())),
    };
    Some(Ok(TrainJob {
        source,
        labels: form.folder_scans().map(ScanChoices::labels).unwrap_or_default(),
        split: match form.folder_scans() {
            _ if is_resumed => SplitChoice::AsBegun,
            Some(scans) => scans.split(),
            None => SplitChoice::Default,
        },
        output: output(folder, &form.name),
        id: form.name.clone(),
        init,
        like: None,
        plan,
        budget: Budget::Time(Duration::from_secs(60 * u64::from(form.minutes))),
        device: studio.segment.device,
        validate_every: None,
        patience: None,
        checkpoint_seconds: CHECKPOINT_SECONDS,
        resume: is_resumed,
        // The length of an interrupted training is its own, which its plan tells.
        command: if is_resumed {
            "taught in the window, continued after an interruption".into()
        } else {
            format!("taught{from} in the window, {} minutes", form.minutes)
        },
    }))
}

fn job_or_notice(studio: &mut Studio, folder: &Path, is_resumed: bool) -> Option<TrainJob> {
    match job(studio, folder, is_resumed)? {
        Ok(job) => Some(job),
        Err(problem) => {
            studio.notices.push(Kind::Error, problem, "");
            None
        }
    }
}

/// Trains in the background, from the beginning or where it was interrupted; the model comes into the user's model folder.
pub fn start(studio: &mut Studio, is_resumed: bool) {
    let Some(folder) = make_folder(studio) else { return };
    let Some(job) = job_or_notice(studio, &folder, is_resumed) else { return };
    let running = studio.teach.form.summary(&model_name(&studio.settings.model));
    let teach = &mut studio.teach;
    teach.curve = Curve::default();
    (teach.result, teach.compared, teach.preview) = (None, None, None);
    teach.planned.clear();
    teach.running = running;
    studio.tasks.stop(PlanJob::KIND);
    let on_event = |studio: &mut Studio, event| match event {
        TrainNews::Step { done, loss, rate } => studio.teach.curve.step(done, loss, rate),
        TrainNews::Epoch(epoch) => studio.teach.curve.epoch(&epoch),
        TrainNews::Preview(preview) => studio.teach.preview = Some(PreviewPicture::new(*preview)),
        TrainNews::Planned(planned) => studio.teach.planned = planned.why.join(" "),
    };
    studio.start(job, on_event, |studio, result| {
        (studio.teach.looked_up, studio.teach.searched) = (None, None);
        if let Some(summary) = studio.told(result) {
            taught(studio, summary);
        }
    });
}

fn taught(studio: &mut Studio, summary: TrainSummary) {
    let id = model_id(&summary.output);
    studio.models.list_again(&id);
    // A model of this name may be in memory as it was.
    if studio.settings.model == id {
        studio.models.chosen = None;
    }
    let name = summary.output.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    studio.notices.push(Kind::Info, format!("{name} is trained."), summary.output.display().to_string());
    studio.teach.result = Some(summary);
    studio.teach.compared = None;
    // The result is seen also where the image was closed meanwhile.
    studio.teach.is_alone |= studio.shown.is_none();
}

/// What a plan is made for: the choices, the folder, the finished slices where those are learned from, the model where that is the start.
fn planned_for(studio: &Studio) -> String {
    let teach = &studio.teach;
    let scan = teach.form.is_from_scan.then(|| {
        (studio.active(), studio.segmentation().map(crate::session::Segmentation::revision), background(studio))
    });
    let spec = studio.models.model().map(|model| &model.spec);
    let model = spec.filter(|_| teach.form.is_from_model).map(|of| (&of.sha256, of.slice_axis, &of.fused_axes));
    format!("{} {:?} {scan:?} {model:?}", teach.form.choices(), teach.dataset)
}

/// The plan of the choices as they are now, if it was asked for; empty until it is made.
pub fn suggested_plan(studio: &Studio) -> Option<&str> {
    let (wanted, plan) = studio.teach.suggested.as_ref()?;
    (*wanted == planned_for(studio)).then_some(plan)
}

/// Makes the plan of the choices in the background; nothing is trained or written.
pub fn plan(studio: &mut Studio) {
    let Some(job) = job_or_notice(studio, Path::new(""), false) else { return };
    studio.teach.suggested = Some((planned_for(studio), String::new()));
    studio.tasks.stop(PlanJob::KIND);
    studio.start(
        PlanJob { training: job },
        |_, ()| {},
        |studio, result| {
            if let Some(planned) = studio.told(result)
                && let Some((_, text)) = &mut studio.teach.suggested
            {
                let why = planned.why;
                *text = if why.is_empty() { say!("Nothing is left to the scans.").into() } else { why.join(" ") };
            }
        },
    );
}

/// Adds a scan's finished slices to a data set.
pub fn add_to_dataset(studio: &mut Studio, of: SegmentationId, folder: PathBuf) {
    let Some(scan) = marked_scan(studio, of) else { return };
    let job = AddToDatasetJob { folder: folder.clone(), scan };
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| {
            let Some(name) = studio.told(result) else { return };
            studio.notices.info(format!("{name} is in {} now.", file_name(&folder)));
            // It has one more now.
            if *studio.teach.dataset.get_or_insert(folder.clone()) == folder {
                studio.teach.looked_at = None;
            }
        },
    );
}

/// Shows where the taught model errs in a held-back case.
pub fn compare_case(studio: &mut Studio, case: &str) {
    let Some(result) = &studio.teach.result else { return };
    let job = CompareJob {
        model: result.output.clone(),
        dataset: result.dataset.clone(),
        case: case.into(),
        device: studio.segment.device,
    };
    studio.tasks.stop(CompareJob::KIND);
    studio.start(
        job,
        |_, ()| {},
        |studio, result| {
            if let Some(slice) = studio.told(result) {
                studio.teach.compared = Some(PreviewPicture::new(slice));
            }
        },
    );
}

/// Writes the report of the last training into a folder.
pub fn save_report(studio: &mut Studio, folder: PathBuf) {
    if let Some(result) = &studio.teach.result {
        let summary = result.clone();
        save_other(studio, SaveReportJob { folder: folder.clone(), summary }, folder);
    }
}

/// Deletes the state of the interrupted training of the chosen name, with the slices that were kept on disk for it.
pub fn discard(studio: &mut Studio) {
    let output = studio.models.output_folder().map(|folder| output(&folder, &studio.teach.form.name));
    if let Some(output) = output {
        if let Err(error) = std::fs::remove_file(checkpoint_path(&output)) {
            studio.notices.push(Kind::Error, format!("The interrupted training cannot be deleted: {error}."), "");
        }
        remove_slices(&slices_path(&output));
    }
    (studio.teach.looked_up, studio.teach.searched) = (None, None);
}
