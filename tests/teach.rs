//! Training: the same seed gives the same weights, also over an interruption; unknown voxels count nowhere.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use lamella::engine::{Activations, DeviceChoice, initial_weights};
use lamella::jobs::{default_plan, keep_done};
use lamella::learn::{
    Budget, CaseFiles, Checkpoint, Control, Dataset, FitError, FitEvent, FitOptions, FromData, Intensities,
    LabelledScan, Loader, Plan, Refinement, Split, TrainedModel, fit, read_case, refine, unnamed_channels,
};
use lamella::model::{ArchitectureSpec, IntensityNormalisation, Model};
use lamella::pipeline::{SegmentOptions, segment};
use lamella::volume::{Affine, Geometry, LabelMap, Plane, PlaneLayout, Rescale, Volume, Voxels};

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
        ..default_plan()
    }
}

fn run(
    epochs: usize,
    resume: Option<Checkpoint>,
    control: &(dyn Fn() -> Control + Sync),
    shown: &(dyn Fn(usize) -> bool + Sync),
    on_event: &mut dyn FnMut(FitEvent),
) -> Result<TrainedModel, FitError> {
    let load = |files: &CaseFiles| Ok(ball(&files.name, if files.name == "d" { &|_| true } else { shown }));
    run_plan(&dataset(), &plan(), epochs, resume, &load, control, on_event)
}

fn run_plan(
    dataset: &Dataset,
    plan: &Plan,
    epochs: usize,
    resume: Option<Checkpoint>,
    load: Loader,
    control: &(dyn Fn() -> Control + Sync),
    on_event: &mut dyn FnMut(FitEvent),
) -> Result<TrainedModel, FitError> {
    let split =
        Split { train: ["a", "b", "c"].map(String::from).to_vec(), validation: ["d"].map(String::from).to_vec() };
    let options = FitOptions {
        budget: Budget::Epochs(epochs),
        device: DeviceChoice::Cpu,
        init: None,
        like: None,
        validate_every: Some(1),
        patience: None,
        checkpoint_seconds: 3600.0,
        resume,
        plan_only: false,
    };
    fit(dataset, &split, plan, options, load, control, on_event)
}

#[test]
fn a_training_that_gets_no_better_ends_early_and_a_plan_alone_trains_nothing() {
    let split = Split { train: vec!["a".into(), "b".into()], validation: vec!["d".into()] };
    let load = |files: &CaseFiles| Ok(ball(&files.name, &|_| true));
    // A rate at which nothing changes: no validation is better than the first.
    let standing = Plan { rate: 1e-30, epoch_steps: Some(1), ..plan() };
    let train = |patience, plan_only, on_event: &mut dyn FnMut(FitEvent)| {
        let options = FitOptions {
            budget: Budget::Epochs(12),
            device: DeviceChoice::Cpu,
            init: None,
            like: None,
            validate_every: Some(1),
            patience,
            checkpoint_seconds: 3600.0,
            resume: None,
            plan_only,
        };
        fit(&dataset(), &split, &standing, options, &load, &|| Control::GoOn, on_event)
    };
    assert_eq!(train(Some(3), false, &mut |_| {}).unwrap().epochs.len(), 4, "one, and three that are no better");
    assert_eq!(train(None, false, &mut |_| {}).unwrap().epochs.len(), 12);
    let (mut plans, mut others) = (0, 0);
    let planned = train(None, true, &mut |event| match event {
        FitEvent::Planned { .. } => plans += 1,
        FitEvent::Step { .. } | FitEvent::Checkpoint(_) | FitEvent::Best(_) => others += 1,
        _ => {}
    });
    assert!(matches!(planned, Err(FitError::Stopped)));
    assert_eq!((plans, others), (1, 0));
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
    let go_on = || Control::GoOn;
    let all = |_: usize| true;
    let whole = run(3, None, &go_on, &all, &mut |_| {}).unwrap();
    let again = run(3, None, &go_on, &all, &mut |_| {}).unwrap();
    assert_eq!(whole.model.weights, again.model.weights, "the same seed, the same weights");

    // It waits in the middle of an epoch, which leaves a checkpoint, and is stopped there.
    let asked = AtomicUsize::new(0);
    let steps = RefCell::new(0);
    let checkpoint = RefCell::new(None);
    let interrupted = || {
        let control = || match asked.load(Ordering::Relaxed) {
            0 => Control::GoOn,
            1 => Control::Pause,
            _ => Control::Stop,
        };
        run(3, None, &control, &all, &mut |event| match event {
            FitEvent::Step { .. } => {
                *steps.borrow_mut() += 1;
                if *steps.borrow() == 13 {
                    asked.store(1, Ordering::Relaxed);
                }
            }
            // The first one is there before anything is learned.
            FitEvent::Checkpoint(state) if state.progress.steps > 0 => {
                *checkpoint.borrow_mut() = Some(*state);
                asked.store(2, Ordering::Relaxed);
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
    let resumed = run_plan(&dataset(), &recomputing, 3, Some(back), &load, &go_on, &mut |_| {}).unwrap();
    assert_eq!(resumed.model.weights, whole.model.weights, "an interruption changes nothing");
    assert_eq!(resumed.dice, whole.dice);

    let refused = run(4, Some(Checkpoint::load(&path).unwrap()), &go_on, &all, &mut |_| {});
    let message = refused.err().unwrap().to_string();
    assert!(message.contains("budget"), "{message}");
    let other = |slice: usize| slice != 7;
    let refused = run(3, Some(Checkpoint::load(&path).unwrap()), &go_on, &other, &mut |_| {});
    let message = refused.err().unwrap().to_string();
    assert!(message.contains("scans and labels"), "{message}");
    std::fs::write(&path, b"half a file").unwrap();
    assert!(Checkpoint::load(&path).unwrap_err().contains("balls.training"));
}

#[test]
fn what_is_stopped_early_can_be_used_and_gone_on_with() {
    let go_on = || Control::GoOn;
    let all = |_: usize| true;
    let whole = run(2, None, &go_on, &all, &mut |_| {}).unwrap();
    let (steps, first) = (AtomicUsize::new(0), RefCell::new(None));
    let control = || if steps.load(Ordering::Relaxed) < 3 { Control::GoOn } else { Control::Stop };
    let early = run(2, None, &control, &all, &mut |event| match event {
        FitEvent::Step { .. } => {
            steps.fetch_add(1, Ordering::Relaxed);
        }
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
    let resumed = run(2, Some(first), &go_on, &all, &mut |_| {}).unwrap();
    assert_eq!(resumed.model.weights, whole.model.weights);
    assert!(matches!(run(2, None, &|| Control::Stop, &all, &mut |_| {}), Err(FitError::Stopped)));
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
    let trained = run_plan(&dataset, &plan(), 60, None, &load, &|| Control::GoOn, &mut |_| {}).unwrap();
    assert_eq!(trained.dice.keys().collect::<Vec<_>>(), ["high"]);
    assert!(trained.dice["high"] > 0.7, "{:?}", trained.dice);
    assert_eq!(trained.model.spec.values(), [0, 2]);
}

#[test]
fn dropout_goes_on_where_it_was_interrupted() {
    let load = |files: &CaseFiles| Ok(ball(&files.name, &|_| true));
    let mut plan = Plan { epoch_steps: Some(4), ..plan() };
    plan.architecture.set("dropout", serde_json::json!(0.3));
    let go_on = || Control::GoOn;
    let run = |resume, control: &(dyn Fn() -> Control + Sync), on_event: &mut dyn FnMut(FitEvent)| {
        run_plan(&dataset(), &plan, 2, resume, &load, control, on_event)
    };
    let whole = run(None, &go_on, &mut |_| {}).unwrap();
    let (asked, steps) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let control = || [Control::GoOn, Control::Pause, Control::Stop][asked.load(Ordering::Relaxed)];
    let mut state = None;
    let _early = run(None, &control, &mut |event| match event {
        FitEvent::Step { .. } if steps.fetch_add(1, Ordering::Relaxed) == 2 => asked.store(1, Ordering::Relaxed),
        FitEvent::Checkpoint(checkpoint) if checkpoint.progress.steps == 3 => {
            state = Some(*checkpoint);
            asked.store(2, Ordering::Relaxed);
        }
        _ => {}
    });
    let state = state.expect("a pause leaves a checkpoint");
    assert_eq!(run(Some(state), &go_on, &mut |_| {}).unwrap().model.weights, whole.model.weights);
}

#[test]
fn a_pause_also_holds_a_validation() {
    let load = |files: &CaseFiles| Ok(ball(&files.name, &|_| true));
    let plan = Plan { epoch_steps: Some(2), ..plan() };
    let (steps, looks, states) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    // From the last step of the first epoch on, for some looks: that is while its validation runs.
    let control = || {
        let waits = steps.load(Ordering::Relaxed) == 2 && looks.load(Ordering::Relaxed) < 4;
        looks.fetch_add(usize::from(waits), Ordering::Relaxed);
        if waits { Control::Pause } else { Control::GoOn }
    };
    let trained = run_plan(&dataset(), &plan, 2, None, &load, &control, &mut |event| {
        steps.fetch_add(usize::from(matches!(event, FitEvent::Step { .. })), Ordering::Relaxed);
        states.fetch_add(usize::from(matches!(event, FitEvent::Checkpoint(_))), Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!((looks.into_inner(), trained.epochs.len()), (4, 2));
    assert_eq!(states.into_inner(), 1, "a pause between two steps would have written the state");
}

#[test]
fn frozen_scopes_stay_and_epochs_are_as_long_as_wanted() {
    let load = |files: &CaseFiles| Ok(ball(&files.name, &|_| true));
    let plan = Plan { freeze: vec!["down".into()], epoch_steps: Some(5), average: 0.0, ..plan() };
    let count = RefCell::new(0);
    let trained = run_plan(&dataset(), &plan, 3, None, &load, &|| Control::GoOn, &mut |event| {
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
        let error = run_plan(&dataset(), &plan, 1, None, &load, &|| Control::GoOn, &mut |_| {}).err().unwrap();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn fine_tuning_prepares_scans_as_the_model_knows_them_unless_they_are_of_another_kind() {
    let load = |files: &CaseFiles| Ok(ball(&files.name, &|_| true));
    let mut model = run_plan(&dataset(), &plan(), 1, None, &load, &|| Control::GoOn, &mut |_| {}).unwrap().model;
    let tuned = |model: &Model, plan: &Plan| {
        let split = Split { train: vec!["a".into(), "b".into()], validation: Vec::new() };
        let options = FitOptions {
            budget: Budget::Epochs(1),
            device: DeviceChoice::Cpu,
            init: Some(model),
            like: None,
            validate_every: None,
            patience: None,
            checkpoint_seconds: 3600.0,
            resume: None,
            plan_only: false,
        };
        let mut notices = Vec::new();
        let mut listen = |event| {
            if let FitEvent::Notice(notice) = event {
                notices.push(notice);
            }
        };
        let spec = fit(&dataset(), &split, plan, options, &load, &|| Control::GoOn, &mut listen).unwrap().model.spec;
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
        let error = run_plan(&dataset(), &wrong, 1, None, &load, &|| Control::GoOn, &mut |_| {}).err().unwrap();
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
            if let FitEvent::Planned { why, .. } = event {
                told = why;
            }
        };
        let spec = run_plan(&dataset, &plan, 1, None, &shifted, &|| Control::GoOn, &mut listen).unwrap().model.spec;
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
    let trained = run_plan(&dataset, &plan(), 60, None, &load, &|| Control::GoOn, &mut |_| {}).unwrap();
    assert!(trained.dice["ball"] > 0.8, "{:?}", trained.dice);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    trained.model.save(&path).unwrap();
    let model = Model::load(&path).unwrap();
    assert_eq!(model.spec.label_table().0[0].value, 255);
    let (image, _) = ball("z", &|_| true);
    let mut network = model.network(DeviceChoice::Cpu).unwrap();
    let options = SegmentOptions::default();
    let labels = segment(&image, &model.spec, &mut network, &options, &|| false, &mut |_| {}).unwrap();
    assert_eq!(labels.counts().into_keys().collect::<Vec<_>>(), [255]);
    // Refining takes its own values, and refuses what it knows nothing of.
    let layout = PlaneLayout::new(&image.geometry, Plane::Axial);
    let (other, done) = (labels.mapped(|_| Some(1)).unwrap(), [(layout, 9)]);
    let task = |labels| Refinement {
        model: &model,
        image: &image,
        labels,
        done: &done,
        memory: &[],
        seconds: 0.2,
        device: DeviceChoice::Cpu,
        seed: 1,
    };
    assert!(refine(&task(&labels), &|| false, &mut |_| {}, &mut |_| {}).is_ok());
    let message = refine(&task(&other), &|| false, &mut |_| {}, &mut |_| {}).err().unwrap().to_string();
    assert!(message.contains("255"), "{message}");
}

#[test]
fn a_few_marked_slices_are_enough_and_unknown_voxels_are_no_background() {
    // Three of twenty slices are labelled; were the others taken for background, the ball would be lost.
    let few = |slice: usize| slice % 6 == 4;
    let trained = run(250, None, &|| Control::GoOn, &few, &mut |_| {}).unwrap();
    println!("Dice of a ball from three slices in each of three scans: {:.3}", trained.dice["ball"]);
    assert!(trained.dice["ball"] > 0.85, "{:?}", trained.dice);
    let none = run(1, None, &|| Control::GoOn, &|_| false, &mut |_| {});
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

#[test]
fn finished_slices_teach_the_model_about_the_others() {
    let trained = run(120, None, &|| Control::GoOn, &|_| true, &mut |_| {}).unwrap().model;
    let (image, ball) = ball("z", &|_| true);
    // This user counts a rim around the ball, too.
    let labelled = |voxel: [usize; 3]| {
        let [i, j, k] = voxel;
        let near = |x: usize, d: usize| x.saturating_sub(d)..=(x + d).min(SIDE - 1);
        near(k, 1).any(|k| near(j, 1).any(|j| near(i, 1).any(|i| ball.get([i, j, k]) == 1)))
    };
    let truth = LabelMap::from_fn(image.geometry.clone(), |voxel| u16::from(labelled(voxel)));
    let found = |model: &Model| {
        let mut network = model.network(DeviceChoice::Cpu).unwrap();
        segment(&image, &model.spec, &mut network, &SegmentOptions::default(), &|| false, &mut |_| {}).unwrap()
    };
    let before = found(&trained);
    let layout = PlaneLayout::new(&image.geometry, Plane::Axial);
    let done: Vec<_> = [8, 11].map(|slice| (layout, slice)).to_vec();
    let mut corrected = before.clone();
    keep_done(&mut corrected, &truth, &trained.spec.label_table(), &done);
    let task = |done| Refinement {
        model: &trained,
        image: &image,
        labels: &corrected,
        done,
        memory: &[],
        seconds: 4.0,
        device: DeviceChoice::Cpu,
        seed: 1,
    };
    let refined = refine(&task(&done), &|| false, &mut |_| {}, &mut |_| {}).unwrap();
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
        let labels = segment(&old_image, &model.spec, &mut network, &options, &|| false, &mut |_| {}).unwrap();
        dice(&labels, &old_truth)
    };
    let remembering = Refinement { memory: &memory, ..task(&done) };
    let remembering = refine(&remembering, &|| false, &mut |_| {}, &mut |_| {}).unwrap();
    let [first, forgot, remembered] = [&trained, &refined.model, &remembering.model].map(kept);
    println!("another scan {first:.3}, after refining {forgot:.3}, with scans to remember {remembered:.3}");
    assert!(remembered > forgot, "{first} {forgot} {remembered}");
    assert!(refine(&task(&[]), &|| false, &mut |_| {}, &mut |_| {}).err().unwrap().to_string().contains("done"));
    assert!(matches!(refine(&task(&done), &|| true, &mut |_| {}, &mut |_| {}), Err(FitError::Stopped)));
}
