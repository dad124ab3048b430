//! Training: the same seed gives the same weights, also over an interruption; unknown voxels count nowhere.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lamella::engine::{Activations, DeviceChoice, initial_weights};
use lamella::learn::{
    Budget, CaseFiles, Checkpoint, Dataset, Ending, FitError, FitEvent, FromData, Intensities, LabelledScan, Loader,
    Plan, Refinement, Scribbles, Split, TrainedModel, Training, read_case, refine, unnamed_channels,
};
use lamella::model::{ArchitectureSpec, IntensityNormalisation, Model};
use lamella::pipeline::{SegmentOptions, segment};
use lamella::volume::{Affine, Geometry, LabelMap, Plane, PlaneLayout, Rescale, Volume, Voxels};
use lamella::work::{Share, Signal, Stopped, Watch};

const SIDE: usize = 20;
const IGNORE: u16 = 2;

/// A bright ball in noise at a place that depends on the name; `shown` slices are labelled, the others to be ignored.
fn ball(name: &str, shown: &dyn Fn(usize) -> bool) -> (Volume, LabelMap) {
    let seed: usize = name.bytes().map(usize::from).sum();
    let centre = [8 + seed % 5, 9 + seed % 3, 10 - seed % 4].map(|c| c as f64);
    let geometry = Geometry::new([SIDE; 3], Affine::IDENTITY).unwrap();
    let mut labels = LabelMap::empty(geometry.clone());
    let mut values = Vec::new();
    for k in 0..SIDE {
        for j in 0..SIDE {
            for i in 0..SIDE {
                let d: f64 = [i, j, k].iter().zip(centre).map(|(&x, c)| (x as f64 - c).powi(2)).sum();
                let inside = d.sqrt() < 5.0;
                let noise = ((i * 7919 + j * 104_729 + k * 1_299_709 + seed * 31) % 100) as f32 / 100.0;
                values.push(f32::from(u8::from(inside)) * 2.0 + noise);
                let label = if shown(k) { u16::from(inside) } else { IGNORE };
                if label > 0 {
                    labels.set([i, j, k], label);
                }
            }
        }
    }
    (Volume::new(geometry, Voxels::F32(values.into()), vec![], Rescale::IDENTITY, name.into()), labels)
}

fn dataset() -> Dataset {
    let case =
        |name: &&str| CaseFiles { name: (*name).into(), images: vec![PathBuf::from(name)], label: PathBuf::new() };
    Dataset {
        folder: PathBuf::new(),
        name: "balls".into(),
        licence: "none".into(),
        channels: vec!["MRI".into()],
        labels: BTreeMap::from([(0, "background".to_string()), (1, "ball".to_string())]),
        ignore: Some(IGNORE),
        stored: None,
        unchosen: Vec::new(),
        cases: ["a", "b", "c", "d"].iter().map(case).collect(),
        endings: lamella::learn::Endings::default(),
        notices: Vec::new(),
    }
}

fn plan() -> Plan {
    let options = serde_json::json!({"width": 4, "depth": 2, "norm": "instance", "activation": {"leaky_relu": 0.01}});
    Plan {
        architecture: ArchitectureSpec { id: "unet".into(), options },
        patch: [24, 24],
        batch: 8,
        epoch_steps: None,
        rate: 3e-3,
        average: 0.9,
        neighbours: 1,
        average_mirrored: false,
        from_data: FromData::default(),
        ..Plan::default()
    }
}

fn run(
    epochs: usize,
    resume: Option<Checkpoint>,
    watch: Watch,
    shown: &(dyn Fn(usize) -> bool + Sync),
    on_event: &mut dyn FnMut(FitEvent),
) -> Result<TrainedModel, FitError> {
    let load = |files: &CaseFiles| Ok(ball(&files.name, if files.name == "d" { &|_| true } else { shown }));
    run_plan(&dataset(), &plan(), epochs, resume, &load, watch, on_event)
}

fn run_plan(
    dataset: &Dataset,
    plan: &Plan,
    epochs: usize,
    resume: Option<Checkpoint>,
    load: Loader,
    watch: Watch,
    on_event: &mut dyn FnMut(FitEvent),
) -> Result<TrainedModel, FitError> {
    let training = training(dataset, plan, (&["a", "b", "c"], &["d"]), epochs);
    Training { resume, ..training }.build(load, watch, on_event)?.run(watch, on_event)
}

/// A training on the processor that is measured after every epoch.
fn training(dataset: &Dataset, plan: &Plan, split: (&[&str], &[&str]), epochs: usize) -> Training<'static> {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Training {
        split: Split { train: names(split.0), validation: names(split.1) },
        plan: plan.clone(),
        budget: Budget::Epochs(epochs),
        device: DeviceChoice::Cpu,
        validate_every: Some(1),
        checkpoint_seconds: 3600.0,
        ..Training::on(dataset.clone())
    }
}

#[test]
fn a_training_that_gets_no_better_ends_early_and_a_plan_alone_trains_nothing() {
    let load = |files: &CaseFiles| Ok(ball(&files.name, &|_| true));
    // A rate at which nothing changes: no validation is better than the first.
    let standing = Plan { rate: 1e-30, epoch_steps: Some(1), ..plan() };
    let asked = |patience| Training { patience, ..training(&dataset(), &standing, (&["a", "b"], &["d"]), 12) };
    let watch = Watch::unwatched();
    let train = |patience| asked(patience).build(&load, watch, &mut |_| {}).unwrap().run(watch, &mut |_| {}).unwrap();
    let impatient = train(Some(3));
    assert_eq!(impatient.epochs.len(), 4, "one, and three that are no better");
    assert_eq!(impatient.ending, Ending::Patience);
    let whole = train(None);
    assert_eq!((whole.epochs.len(), whole.ending), (12, Ending::Budget));
    let (mut plans, mut others) = (0, 0);
    let mut listen = |event| match event {
        FitEvent::Planned(_) => plans += 1,
        FitEvent::Step { .. } | FitEvent::Checkpoint(_) | FitEvent::Best(_) => others += 1,
        _ => {}
    };
    let fit = asked(None).build(&load, watch, &mut listen).unwrap();
    assert_eq!(fit.planned.plan.rate, 1e-30);
    assert_eq!((plans, others), (1, 0));
}

#[test]
fn every_stage_of_a_training_has_its_share_and_ends_it() {
    let load = |files: &CaseFiles| Ok(ball(&files.name, &|_| true));
    let told = Mutex::new(Vec::new());
    let report = |share: Share| told.lock().unwrap().push((share.stage, share.fraction));
    let signal = Signal::default();
    let watch = Watch::new(&signal).reporting(&report);
    let plan = Plan { epoch_steps: Some(4), ..plan() };
    let training = training(&dataset(), &plan, (&["a", "b"], &["c", "d"]), 2);
    training.build(&load, watch, &mut |_| {}).unwrap().run(watch, &mut |_| {}).unwrap();
    let told = told.into_inner().unwrap();
    let mut stages: Vec<&str> = told.iter().map(|(stage, _)| *stage).collect();
    stages.dedup();
    assert_eq!(stages, ["reading scans", "preparing scans", "learning", "measuring"]);
    let shares = |of: &str| told.iter().filter(|(stage, _)| *stage == of).map(|(_, share)| *share).collect::<Vec<_>>();
    for stage in stages {
        let shares = shares(stage);
        assert!(shares.is_sorted() && shares.iter().all(|share| (0.0..1.0001).contains(share)), "{stage}: {shares:?}");
    }
    assert_eq!(shares("reading scans"), [0.0, 0.25, 0.5, 0.75]);
    assert_eq!(shares("learning")[..4], [0.0, 0.125, 0.25, 0.375]);
    // Two cases of twenty slices: the share grows within each.
    assert!(shares("measuring").len() > 3 && shares("measuring").last() >= Some(&0.9), "{:?}", shares("measuring"));
}

#[test]
fn labels_beside_their_image_are_moved_onto_it_or_refused_by_share_of_a_voxel() {
    // Voxels of five micrometres.
    const SIDE_MM: f64 = 0.005;
    let beside = |share: f64| {
        let axes = [[SIDE_MM, 0.0, 0.0], [0.0, SIDE_MM, 0.0], [0.0, 0.0, SIDE_MM]];
        let grid = |shift: f64| Geometry::new([4; 3], Affine::from_columns(axes, [shift, 0.0, 0.0])).unwrap();
        let image = Volume::new(
            grid(0.0),
            Voxels::F32((0..64).map(|n| n as f32).collect::<Vec<_>>().into()),
            vec![],
            Rescale::IDENTITY,
            "a".into(),
        );
        let load = move |_: &CaseFiles| Ok((image.clone(), LabelMap::empty(grid(share * SIDE_MM))));
        let mut notices = Vec::new();
        let read = read_case(&dataset(), "a", &load, &mut |notice| notices.push(notice));
        read.map(|_| notices.len()).map_err(|error| error.to_string())
    };
    assert_eq!(beside(0.001).unwrap(), 0);
    assert_eq!(beside(0.05).unwrap(), 1, "the user is told");
    let error = beside(2.0).unwrap_err();
    assert!(error.contains("2.0 of its voxels of 0.005 mm"), "{error}");
}

#[test]
fn an_interrupted_training_goes_on_to_the_same_weights() {
    let go_on = Watch::unwatched();
    let all = |_: usize| true;
    let whole = run(3, None, go_on, &all, &mut |_| {}).unwrap();
    let again = run(3, None, go_on, &all, &mut |_| {}).unwrap();
    assert_eq!(whole.model.weights, again.model.weights, "the same seed, the same weights");

    // It waits in the middle of an epoch, which leaves a checkpoint, and is stopped there.
    let signal = Signal::default();
    let steps = RefCell::new(0);
    let checkpoint = RefCell::new(None);
    let interrupted = || {
        run(3, None, Watch::new(&signal), &all, &mut |event| match event {
            FitEvent::Step { .. } => {
                *steps.borrow_mut() += 1;
                if *steps.borrow() == 13 {
                    signal.pause(true);
                }
            }
            // The first one is there before anything is learned.
            FitEvent::Checkpoint(state) if state.progress.steps > 0 => {
                *checkpoint.borrow_mut() = Some(*state);
                signal.stop();
            }
            _ => {}
        })
    };
    let first = interrupted().unwrap();
    assert_eq!(first.epoch, 1, "the best so far is kept");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("balls.training");
    let state = checkpoint.into_inner().unwrap();
    assert_eq!(state.progress.steps, 13);
    state.save(&path).unwrap();
    let back = Checkpoint::load(&path).unwrap();
    assert_eq!(back.weights, state.weights);
    assert_eq!(back.optimiser, state.optimiser);
    assert_eq!(back.split().train, ["a", "b", "c"]);
    // What becomes of inner results changes nothing, so it may be chosen anew.
    let load = |files: &CaseFiles| Ok(ball(&files.name, &all));
    let recomputing = Plan { activations: Activations::Recomputed, ..plan() };
    let resumed = run_plan(&dataset(), &recomputing, 3, Some(back), &load, go_on, &mut |_| {}).unwrap();
    assert_eq!(resumed.model.weights, whole.model.weights, "an interruption changes nothing");
    assert_eq!(resumed.dice, whole.dice);

    let refused = run(4, Some(Checkpoint::load(&path).unwrap()), go_on, &all, &mut |_| {});
    let message = refused.err().unwrap().to_string();
    assert!(message.contains("budget"), "{message}");
    let other = |slice: usize| slice != 7;
    let refused = run(3, Some(Checkpoint::load(&path).unwrap()), go_on, &other, &mut |_| {});
    let message = refused.err().unwrap().to_string();
    assert!(message.contains("scans and labels"), "{message}");
    std::fs::write(&path, b"half a file").unwrap();
    assert!(Checkpoint::load(&path).unwrap_err().contains("balls.training"));
}

#[test]
fn what_is_stopped_early_can_be_used_and_gone_on_with() {
    let go_on = Watch::unwatched();
    let all = |_: usize| true;
    let whole = run(2, None, go_on, &all, &mut |_| {}).unwrap();
    let (steps, first) = (AtomicUsize::new(0), RefCell::new(None));
    let signal = Signal::default();
    let early = run(2, None, Watch::new(&signal), &all, &mut |event| match event {
        FitEvent::Step { .. } if steps.fetch_add(1, Ordering::Relaxed) == 2 => signal.stop(),
        FitEvent::Checkpoint(state) => {
            first.borrow_mut().get_or_insert(*state);
        }
        _ => {}
    })
    .unwrap();
    assert!(early.dice.is_empty() && early.epoch == 1, "nothing was measured");
    assert_ne!(early.model.weights, whole.model.weights);
    let first = first.into_inner().unwrap();
    assert_eq!(first.progress.steps, 0, "it is there before the first step");
    let resumed = run(2, Some(first), go_on, &all, &mut |_| {}).unwrap();
    assert_eq!(resumed.model.weights, whole.model.weights);
    assert!(matches!(run(2, None, Watch::new(&signal), &all, &mut |_| {}), Err(FitError::Stopped(Stopped))));
}

#[test]
fn chosen_labels_are_learned_and_the_others_are_background() {
    let names = ["background", "low", "high"].map(String::from);
    let mut dataset = Dataset { labels: (0..).zip(names).collect(), ignore: Some(3), ..dataset() };
    dataset.choose(&["high".into()]).unwrap();
    // The upper half of the ball is another label; of the highest slices nobody knows anything.
    let load = |files: &CaseFiles| {
        let (image, of_ball) = ball(&files.name, &|_| true);
        let mut labels = LabelMap::empty(of_ball.geometry().clone());
        for k in 0..SIDE {
            for (i, j) in (0..SIDE).flat_map(|i| (0..SIDE).map(move |j| (i, j))) {
                let label = if k >= SIDE - 3 { 3 } else { of_ball.get([i, j, k]) * (1 + u16::from(k > 9)) };
                labels.set([i, j, k], label);
            }
        }
        Ok((image, labels))
    };
    let trained = run_plan(&dataset, &plan(), 60, None, &load, Watch::unwatched(), &mut |_| {}).unwrap();
    assert_eq!(trained.dice.keys().collect::<Vec<_>>(), ["high"]);
    assert!(trained.dice["high"] > 0.7, "{:?}", trained.dice);
    assert_eq!(trained.model.spec.values(), [0, 2]);
}

#[test]
fn dropout_goes_on_where_it_was_interrupted() {
    let load = |files: &CaseFiles| Ok(ball(&files.name, &|_| true));
    let mut plan = Plan { epoch_steps: Some(4), ..plan() };
    plan.architecture.set("dropout", serde_json::json!(0.3));
    let go_on = Watch::unwatched();
    let run = |resume, watch: Watch, on_event: &mut dyn FnMut(FitEvent)| {
        run_plan(&dataset(), &plan, 2, resume, &load, watch, on_event)
    };
    let whole = run(None, go_on, &mut |_| {}).unwrap();
    let (signal, steps) = (Signal::default(), AtomicUsize::new(0));
    let mut state = None;
    let _early = run(None, Watch::new(&signal), &mut |event| match event {
        FitEvent::Step { .. } if steps.fetch_add(1, Ordering::Relaxed) == 2 => signal.pause(true),
        FitEvent::Checkpoint(checkpoint) if checkpoint.progress.steps == 3 => {
            state = Some(*checkpoint);
            signal.stop();
        }
        _ => {}
    });
    let state = state.expect("a pause leaves a checkpoint");
    assert_eq!(run(Some(state), go_on, &mut |_| {}).unwrap().model.weights, whole.model.weights);
}

#[test]
fn a_pause_also_holds_a_validation() {
    let load = |files: &CaseFiles| Ok(ball(&files.name, &|_| true));
    let plan = Plan { epoch_steps: Some(2), ..plan() };
    let (signal, epochs) = (Signal::default(), AtomicUsize::new(0));
    let (mut steps, mut states) = (0, 0);
    let (trained, ended) = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            while !signal.is_paused() {
                std::thread::sleep(Duration::from_millis(1));
            }
            // The validation alone takes a small part of this time.
            std::thread::sleep(Duration::from_secs(1));
            let ended = epochs.load(Ordering::Relaxed);
            signal.pause(false);
            ended
        });
        let trained = run_plan(&dataset(), &plan, 2, None, &load, Watch::new(&signal), &mut |event| match event {
            FitEvent::Step { .. } => {
                steps += 1;
                // The last step of the first epoch, after which its validation runs.
                if steps == 2 {
                    signal.pause(true);
                }
            }
            FitEvent::Checkpoint(_) => states += 1,
            FitEvent::Epoch(_) => {
                epochs.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        });
        (trained.unwrap(), waiting.join().unwrap())
    });
    assert_eq!((ended, trained.epochs.len()), (0, 2));
    assert_eq!(states, 1, "a pause between two steps would have written the state");
}

#[test]
fn frozen_scopes_stay_and_epochs_are_as_long_as_wanted() {
    let load = |files: &CaseFiles| Ok(ball(&files.name, &|_| true));
    let plan = Plan { freeze: vec!["down".into()], epoch_steps: Some(5), average: 0.0, ..plan() };
    let count = RefCell::new(0);
    let trained = run_plan(&dataset(), &plan, 3, None, &load, Watch::unwatched(), &mut |event| {
        *count.borrow_mut() += usize::from(matches!(event, FitEvent::Step { .. }));
    })
    .unwrap();
    assert_eq!((count.into_inner(), trained.epochs.len()), (15, 3));
    assert!(trained.epochs.iter().all(|epoch| epoch.rate > 0.0 && epoch.rate <= plan.rate));
    let start = initial_weights(&trained.model.spec.graph().unwrap(), plan.seed);
    for (name, values) in &trained.model.weights {
        // A bias before a norm never moves.
        let frozen = name.starts_with("down.");
        assert!(frozen || !name.ends_with("weight") || *values != start[name], "{name} has not moved");
        assert!(!frozen || *values == start[name], "{name} has moved");
    }
    for (scopes, expected) in
        [(vec!["encoder"], "encoder"), (vec!["down", "bottom", "up", "merge", "head"], "nothing is left")]
    {
        let plan = Plan { freeze: scopes.into_iter().map(String::from).collect(), ..plan.clone() };
        let error = run_plan(&dataset(), &plan, 1, None, &load, Watch::unwatched(), &mut |_| {}).err().unwrap();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn fine_tuning_prepares_scans_as_the_model_knows_them_unless_they_are_of_another_kind() {
    let load = |files: &CaseFiles| Ok(ball(&files.name, &|_| true));
    let mut model = run_plan(&dataset(), &plan(), 1, None, &load, Watch::unwatched(), &mut |_| {}).unwrap().model;
    let tuned = |model: &Model, plan: &Plan| {
        let init = Some(Cow::Borrowed(model));
        let training = Training { init, validate_every: None, ..training(&dataset(), plan, (&["a", "b"], &[]), 1) };
        let mut notices = Vec::new();
        let mut listen = |event| {
            if let FitEvent::Notice(notice) = event {
                notices.push(notice);
            }
        };
        let watch = Watch::unwatched();
        let fit = training.build(&load, watch, &mut listen).unwrap();
        let spec = fit.run(watch, &mut listen).unwrap().model.spec;
        // Whose weights were the start, and what may be done with them, stays known.
        assert_eq!(spec.provenance.start, Some([model.spec.id.clone(), model.spec.sha256.clone()]));
        assert_eq!(spec.licence, "none; of the weights that were the start: CC-BY-SA 4.0");
        (spec.spacing_mm, spec.normalisation, notices.join(" "))
    };
    model.spec.licence = "CC-BY-SA 4.0".into();
    let z_score = IntensityNormalisation::ZScore { nonzero: true };
    let clip = IntensityNormalisation::Clip { range: [-100.0, 300.0], mean: 40.0, std: 80.0 };
    (model.spec.spacing_mm, model.spec.normalisation) = (Some([1.5; 2]), z_score);
    let (spacing, normalisation, notices) = tuned(&model, &plan());
    assert_eq!((spacing, normalisation), (Some([1.5; 2]), z_score));
    assert!(!notices.contains("pixels") && !notices.contains("ntensities"), "{notices}");
    (model.spec.spacing_mm, model.spec.normalisation) = (Some([3.0; 2]), clip);
    let (spacing, normalisation, notices) = tuned(&model, &plan());
    assert_eq!((spacing, normalisation), (Some([1.0; 2]), IntensityNormalisation::ZScore { nonzero: false }));
    assert!(notices.contains("pixels of 1.000 x 1.000 mm") && notices.contains("ntensities"), "{notices}");
    // What is chosen by hand is neither the scans' nor the model's.
    let by_hand = Plan { spacing_mm: Some([0.8, 1.2]), intensities: Some(Intensities::Nonzero), ..plan() };
    let (spacing, normalisation, _) = tuned(&model, &by_hand);
    assert_eq!((spacing, normalisation), (Some([0.8, 1.2]), IntensityNormalisation::ZScore { nonzero: true }));
    for wrong in [Plan { spacing_mm: Some([0.0, 1.0]), ..plan() }, Plan { fuse_axes: true, ..by_hand }] {
        let error = run_plan(&dataset(), &wrong, 1, None, &load, Watch::unwatched(), &mut |_| {}).err().unwrap();
        assert!(error.to_string().contains("mm"), "{error}");
    }
}

#[test]
fn what_was_decided_is_in_the_model_and_ct_is_known_by_its_values() {
    let shifted = |files: &CaseFiles| {
        let (image, labels) = ball(&files.name, &|_| true);
        let geometry = image.geometry.clone();
        let values: Vec<f32> =
            (0..geometry.voxel_count()).map(|n| image.value_at(n).unwrap() as f32 * 400.0 - 1000.0).collect();
        Ok((Volume::new(geometry, Voxels::F32(values.into()), vec![], Rescale::IDENTITY, files.name.clone()), labels))
    };
    let plan = Plan { from_data: FromData { batch: true, ..FromData::default() }, ..plan() };
    let trained = |channel: &str| {
        let dataset = Dataset { channels: vec![channel.into()], ..dataset() };
        let mut told = Vec::new();
        let mut listen = |event| {
            if let FitEvent::Planned(planned) = event {
                told = planned.why;
            }
        };
        let spec = run_plan(&dataset, &plan, 1, None, &shifted, Watch::unwatched(), &mut listen).unwrap().model.spec;
        (spec, told.join(" "))
    };
    let (unnamed, told) = trained(&unnamed_channels(1)[0]);
    assert!(matches!(unnamed.normalisation, IntensityNormalisation::Clip { .. }) && told.contains("CT"), "{told}");
    let choices = &unnamed.provenance.plan["choices"];
    assert_eq!((&choices["patch"], &choices["batch"]), (&serde_json::json!([24, 24]), &serde_json::json!(64)));
    assert_eq!(unnamed.provenance.plan["budget"], serde_json::json!({"Epochs": 1}));
    let (named, told) = trained("MRI");
    assert!(matches!(named.normalisation, IntensityNormalisation::ZScore { .. }) && !told.contains("CT"), "{told}");
}

#[test]
fn masks_have_the_values_of_the_files_that_were_learned_from() {
    let dataset = Dataset { ignore: None, stored: Some(vec![0, 255]), ..dataset() };
    let load = |files: &CaseFiles| {
        let (image, labels) = ball(&files.name, &|_| true);
        Ok((image, labels.mapped(|_| Some(255)).unwrap()))
    };
    let trained = run_plan(&dataset, &plan(), 60, None, &load, Watch::unwatched(), &mut |_| {}).unwrap();
    assert!(trained.dice["ball"] > 0.8, "{:?}", trained.dice);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    trained.model.save(&path).unwrap();
    let model = Model::load(&path).unwrap();
    assert_eq!(model.spec.label_table().0[0].value, 255);
    let (image, _) = ball("z", &|_| true);
    let mut network = model.network(DeviceChoice::Cpu).unwrap();
    let options = SegmentOptions::default();
    let labels = segment(&image, &model.spec, &mut network, &options, Watch::unwatched(), &mut |_| {}).unwrap();
    assert_eq!(labels.counts().into_keys().collect::<Vec<_>>(), [255]);
    // Refining takes its own values, and refuses what it knows nothing of.
    let layout = PlaneLayout::new(&image.geometry, Plane::Axial);
    let (other, done) = (labels.mapped(|_| Some(1)).unwrap(), [(layout, 9)]);
    let task = |labels| Refinement {
        model: &model,
        image: &image,
        labels,
        done: &done,
        scribbles: None,
        memory: &[],
        seconds: 0.2,
        device: DeviceChoice::Cpu,
        seed: 1,
    };
    assert!(refine(&task(&labels), Watch::unwatched(), &mut |_| {}, &mut |_| {}).is_ok());
    let message = refine(&task(&other), Watch::unwatched(), &mut |_| {}, &mut |_| {}).err().unwrap().to_string();
    assert!(message.contains("255"), "{message}");
}

#[test]
fn a_few_marked_slices_are_enough_and_unknown_voxels_are_no_background() {
    // Three of twenty slices are labelled; were the others taken for background, the ball would be lost.
    let few = |slice: usize| slice % 6 == 4;
    let trained = run(250, None, Watch::unwatched(), &few, &mut |_| {}).unwrap();
    println!("Dice of a ball from three slices in each of three scans: {:.3}", trained.dice["ball"]);
    assert!(trained.dice["ball"] > 0.85, "{:?}", trained.dice);
    let none = run(1, None, Watch::unwatched(), &|_| false, &mut |_| {});
    assert!(none.err().unwrap().to_string().contains("ignored"));
}

fn dice(a: &LabelMap, b: &LabelMap) -> f64 {
    let (mut both, mut total) = (0usize, 0usize);
    a.for_each_labelled(|voxel, label| {
        total += 1;
        both += usize::from(b.get(voxel) == label);
    });
    b.for_each_labelled(|_, _| total += 1);
    2.0 * both as f64 / total as f64
}

/// The labels of a user who counts a rim around the ball, too.
fn with_rim(ball: &LabelMap) -> LabelMap {
    let near = |x: usize| x.saturating_sub(1)..=(x + 1).min(SIDE - 1);
    let labelled = |[i, j, k]: [usize; 3]| near(k).any(|k| near(j).any(|j| near(i).any(|i| ball.get([i, j, k]) == 1)));
    LabelMap::from_fn(ball.geometry().clone(), |voxel| u16::from(labelled(voxel)))
}

#[test]
fn finished_slices_teach_the_model_about_the_others() {
    let trained = run(120, None, Watch::unwatched(), &|_| true, &mut |_| {}).unwrap().model;
    let (image, ball) = ball("z", &|_| true);
    let truth = with_rim(&ball);
    let found = |model: &Model| {
        let mut network = model.network(DeviceChoice::Cpu).unwrap();
        segment(&image, &model.spec, &mut network, &SegmentOptions::default(), Watch::unwatched(), &mut |_| {}).unwrap()
    };
    let before = found(&trained);
    let layout = PlaneLayout::new(&image.geometry, Plane::Axial);
    let done: Vec<_> = [8, 11].map(|slice| (layout, slice)).to_vec();
    let mut corrected = before.clone();
    // The two slices are those of the truth.
    corrected.take_from(&truth, |voxel, _, _| done.iter().any(|(layout, slice)| layout.screen(voxel)[2] == *slice));
    let task = |done| Refinement {
        model: &trained,
        image: &image,
        labels: &corrected,
        done,
        scribbles: None,
        memory: &[],
        seconds: 4.0,
        device: DeviceChoice::Cpu,
        seed: 1,
    };
    let refined = refine(&task(&done), Watch::unwatched(), &mut |_| {}, &mut |_| {}).unwrap();
    let in_done = |labels: &LabelMap| {
        let kept = |voxel: [usize; 3]| done.iter().any(|(layout, slice)| layout.screen(voxel)[2] == *slice);
        LabelMap::from_fn(image.geometry.clone(), |voxel| if kept(voxel) { labels.get(voxel) } else { 0 })
    };
    let after = found(&refined.model);
    let [was, is] = [&before, &after].map(|labels| dice(&in_done(labels), &in_done(&truth)));
    let [whole_was, whole_is] = [&before, &after].map(|labels| dice(labels, &truth));
    println!(
        "finished slices {was:.3} to {is:.3}, the whole scan {whole_was:.3} to {whole_is:.3}, {} steps",
        refined.steps
    );
    assert!(is > was + 0.03 && whole_is > whole_was, "{was} {is}, {whole_was} {whole_is}");
    // Other scans, labelled as before, hold the model where it was.
    let memory = ["a", "b", "c"].map(|name| {
        let (image, labels) = self::ball(name, &|_| true);
        LabelledScan { name: name.into(), image, labels }
    });
    let (old_image, old_truth) = self::ball("d", &|_| true);
    let kept = |model: &Model| {
        let mut network = model.network(DeviceChoice::Cpu).unwrap();
        let options = SegmentOptions::default();
        let labels = segment(&old_image, &model.spec, &mut network, &options, Watch::unwatched(), &mut |_| {}).unwrap();
        dice(&labels, &old_truth)
    };
    let remembering = Refinement { memory: &memory, ..task(&done) };
    let remembering = refine(&remembering, Watch::unwatched(), &mut |_| {}, &mut |_| {}).unwrap();
    let [first, forgot, remembered] = [&trained, &refined.model, &remembering.model].map(kept);
    println!("another scan {first:.3}, after refining {forgot:.3}, with scans to remember {remembered:.3}");
    assert!(remembered > forgot, "{first} {forgot} {remembered}");
    let signal = Signal::default();
    signal.stop();
    assert!(
        refine(&task(&[]), Watch::unwatched(), &mut |_| {}, &mut |_| {}).err().unwrap().to_string().contains("done")
    );
    assert!(matches!(
        refine(&task(&done), Watch::new(&signal), &mut |_| {}, &mut |_| {}),
        Err(FitError::Stopped(Stopped))
    ));
}

#[test]
fn scribbles_alone_teach_the_model_and_nothing_around_them_is_known() {
    let trained = run(120, None, Watch::unwatched(), &|_| true, &mut |_| {}).unwrap().model;
    let (image, ball) = ball("z", &|_| true);
    let truth = with_rim(&ball);
    let labelled = |voxel| truth.get(voxel) == 1;
    let found = |model: &Model| {
        let mut network = model.network(DeviceChoice::Cpu).unwrap();
        segment(&image, &model.spec, &mut network, &SegmentOptions::default(), Watch::unwatched(), &mut |_| {}).unwrap()
    };
    let before = found(&trained);
    // In three slices: a line through the middle and all that was left out, and around it a line of another label (2) for outside.
    let is_beside = |[i, j, k]: [usize; 3]| {
        let near = |x: usize| x.saturating_sub(2)..=(x + 2).min(SIDE - 1);
        near(j).any(|j| near(i).any(|i| labelled([i, j, k])))
    };
    let marks = |[i, j, k]: [usize; 3]| match ([7, 10, 13].contains(&k), labelled([i, j, k])) {
        (true, true) => u16::from(j == SIDE / 2 || before.get([i, j, k]) == 0),
        (true, false) => 2 * u16::from(is_beside([i, j, k])),
        (false, _) => 0,
    };
    let labels = LabelMap::from_fn(image.geometry.clone(), marks);
    let refine = |scribbles: &Scribbles| {
        let task = Refinement {
            model: &trained,
            image: &image,
            labels: &before,
            done: &[],
            scribbles: Some(scribbles),
            memory: &[],
            seconds: 4.0,
            device: DeviceChoice::Cpu,
            seed: 1,
        };
        refine(&task, Watch::unwatched(), &mut |_| {}, &mut |_| {})
    };
    let refined = refine(&Scribbles { labels: labels.clone(), outside: Some(2) }).unwrap();
    let [was, is] = [&before, &found(&refined.model)].map(|labels| dice(labels, &truth));
    println!("by scribbles alone {was:.3} to {is:.3}, {} steps", refined.steps);
    assert!(is > was + 0.02, "{was} {is}");
    // Marks of labels that the model does not have say nothing, unless they are told to be outside.
    let others = LabelMap::from_fn(image.geometry.clone(), |[i, ..]| u16::from(i == 3) * 2);
    let unknown = refine(&Scribbles { labels: others, outside: None }).err().unwrap().to_string();
    assert!(unknown.contains("ball"), "{unknown}");
}
