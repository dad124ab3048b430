//! Data sets larger than the memory: slices that are kept on disk teach the same weights, and what is whole there is made once.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "what tests make fits"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use lamella::engine::DeviceChoice;
use lamella::learn::{
    Augmentation, Budget, CaseFiles, Dataset, Endings, FitError, FitEvent, FromData, Plan, Room, Split, TrainedModel,
    Training, remove_slices,
};
use lamella::model::ArchitectureSpec;
use lamella::volume::{Affine, Geometry, LabelMap, Rescale, Volume, Voxels};
use lamella::work::{Share, Signal, Watch};

const SHAPE: [usize; 3] = [18, 21, 15];
const IGNORE: u16 = 2;

/// A bright ball in noise at a place that depends on the name, in whole numbers; of some slices nothing is known.
fn scan(name: &str, channels: usize, spacing_mm: f64) -> (Volume, LabelMap) {
    let seed: usize = name.bytes().map(usize::from).sum();
    let centre = [8 + seed % 4, 9 + seed % 3, 6 + seed % 5].map(|c| c as f64);
    let columns = [[spacing_mm, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.1]];
    let geometry = Geometry::new(SHAPE, Affine::from_columns(columns, [0.0; 3])).unwrap();
    let mut labels = LabelMap::empty(geometry.clone());
    let mut values = Vec::new();
    for channel in 0..channels {
        for n in 0..SHAPE.iter().product::<usize>() {
            let at = [n % SHAPE[0], n / SHAPE[0] % SHAPE[1], n / (SHAPE[0] * SHAPE[1])];
            let d: f64 = at.iter().zip(centre).map(|(&x, c)| (x as f64 - c).powi(2)).sum();
            let inside = d.sqrt() < 4.0;
            values.push((n * 7919 + channel * 31 + seed) as i16 % 97 + i16::from(inside) * 200);
            let label = if at[2] % 4 == 3 { IGNORE } else { u16::from(inside) };
            if channel == 0 && label > 0 {
                labels.set(at, label);
            }
        }
    }
    let frames = if channels == 1 { vec![] } else { vec![channels] };
    (Volume::new(geometry, Voxels::I16(values.into()), frames, Rescale::IDENTITY, name.into()), labels)
}

fn dataset(channels: &[&str]) -> Dataset {
    let case =
        |name: &&str| CaseFiles { name: (*name).into(), images: vec![PathBuf::from(name)], label: PathBuf::new() };
    Dataset {
        folder: PathBuf::new(),
        name: "balls".into(),
        licence: "none".into(),
        channels: channels.iter().map(ToString::to_string).collect(),
        labels: BTreeMap::from([(0, "background".to_string()), (1, "ball".to_string())]),
        ignore: Some(IGNORE),
        stored: None,
        unchosen: Vec::new(),
        cases: ["a", "b", "c", "d"].iter().map(case).collect(),
        endings: Endings::default(),
        notices: Vec::new(),
    }
}

fn plan() -> Plan {
    let options = serde_json::json!({"width": 4, "depth": 2, "norm": "instance", "activation": {"leaky_relu": 0.01}});
    Plan {
        architecture: ArchitectureSpec { id: "unet".into(), options },
        patch: [16, 16],
        batch: 6,
        epoch_steps: Some(5),
        average: 0.9,
        neighbours: 1,
        average_mirrored: false,
        augmentation: Augmentation::strong(),
        from_data: FromData::default(),
        ..Plan::default()
    }
}

/// What came of a training, what it told, and how often each scan was read.
struct Outcome {
    trained: Result<TrainedModel, FitError>,
    notices: String,
    signature: serde_json::Value,
    reads: BTreeMap<String, usize>,
}

impl Outcome {
    fn reads(&self) -> String {
        self.reads.iter().map(|(name, count)| format!("{name}{count}")).collect::<Vec<_>>().join(" ")
    }
}

type Change<'a> = &'a (dyn Fn(&str, usize, Volume) -> Volume + Sync);

/// Two epochs on the scans a, b and c; d is held back. `change` is told how often a scan was read before.
fn train(channels: &[&str], plan: &Plan, room: Room, change: Change, watch: Watch) -> Outcome {
    let reads = Mutex::new(BTreeMap::<String, usize>::new());
    let load = |files: &CaseFiles| {
        let (image, labels) = scan(&files.name, channels.len(), 1.05);
        let mut reads = reads.lock().unwrap();
        let count = reads.entry(files.name.clone()).or_default();
        let image = change(&files.name, *count, image);
        *count += 1;
        Ok((image, labels))
    };
    let (notices, signature) = (RefCell::new(Vec::new()), RefCell::new(serde_json::Value::Null));
    let mut listen = |event| match event {
        FitEvent::Notice(notice) => notices.borrow_mut().push(notice),
        FitEvent::Checkpoint(checkpoint) => *signature.borrow_mut() = checkpoint.progress.signature,
        _ => {}
    };
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let training = Training {
        split: Split { train: names(&["a", "b", "c"]), validation: names(&["d"]) },
        plan: plan.clone(),
        budget: Budget::Epochs(2),
        device: DeviceChoice::Cpu,
        room,
        ..Training::on(dataset(channels))
    };
    let trained = training.build(&load, watch, &mut listen).and_then(|fit| fit.run(watch, &mut listen));
    let notices = notices.into_inner().join("\n");
    Outcome { trained, notices, signature: signature.into_inner(), reads: reads.into_inner().unwrap() }
}

fn unchanged(_: &str, _: usize, image: Volume) -> Volume {
    image
}

/// No memory for scans or slices, but a folder.
fn on_disk(folder: &Path) -> Room {
    Room { folder: Some(folder.into()), memory_bytes: Some(0), disk_bytes: None }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).map_or_else(|_| vec![], |all| all.map(|entry| entry.unwrap().path()).collect());
    files.sort();
    files
}

fn again(plan: &Plan, folder: &Path) -> Outcome {
    train(&["MRI"], plan, on_disk(folder), &unchanged, Watch::unwatched())
}

#[test]
fn slices_on_disk_teach_the_same_weights_bit_for_bit() {
    let fused = Plan { fuse_axes: true, neighbours: 2, spacing_mm: Some([1.2; 2]), ..plan() };
    for (channels, plan, count) in [(&["MRI"][..], plan(), 3), (&["T1", "T2"], fused, 9), (&["CT"], plan(), 3)] {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("m.safetensors.slices");
        let memory = train(channels, &plan, Room::default(), &unchanged, Watch::unwatched());
        let disk = train(channels, &plan, on_disk(&folder), &unchanged, Watch::unwatched());
        let [of_memory, of_disk] = [memory.trained.unwrap(), disk.trained.unwrap()];
        assert_eq!(of_memory.model.weights, of_disk.model.weights, "{channels:?}");
        assert_eq!(of_memory.cases, of_disk.cases, "held-back scans are read when they are measured");
        assert_eq!(memory.signature, disk.signature, "either continues what the other began");
        assert!(memory.reads.values().all(|&count| count == 1) && memory.notices.is_empty(), "{}", memory.notices);
        // Once to look at it, once to prepare it, along however many axes; d once for each of two measurements.
        assert_eq!(disk.reads.values().sum::<usize>(), 2 * 3 + 3, "{:?}", disk.reads);
        assert_eq!(files(&folder).len(), count);
        // 18 x 21 x 15 voxels of six bytes, at 1.05 x 1 mm.
        if channels == ["MRI"] {
            assert!(disk.notices.contains("3 scans take 102.0 kB on the network's grid"), "{}", disk.notices);
            assert!(disk.notices.contains("0 bytes of memory are free") && disk.notices.contains(".slices"));
        }
        // What is there is not made again, and goes when memory is enough.
        let third = train(channels, &plan, on_disk(&folder), &unchanged, Watch::unwatched());
        assert_eq!(third.reads.values().sum::<usize>(), 3 + 3, "{:?}", third.reads);
        assert!(third.notices.contains(&format!("{count} of {count} files are there already")), "{}", third.notices);
        assert_eq!(third.trained.unwrap().model.weights, of_memory.model.weights);
        let enough = Room { folder: Some(folder.clone()), ..Room::default() };
        train(channels, &plan, enough, &unchanged, Watch::unwatched()).trained.unwrap();
        assert!(!folder.exists());
    }
}

#[test]
fn caching_that_was_ended_is_continued_and_only_what_is_whole_is_taken_over() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("slices");
    let signal = Signal::default();
    let stop = |share: Share| {
        if share.stage == "preparing scans" && share.fraction > 0.32 {
            signal.abandon();
        }
    };
    let watch = Watch::new(&signal).reporting(&stop);
    let ended = train(&["MRI"], &plan(), on_disk(&folder), &unchanged, watch);
    assert!(matches!(ended.trained, Err(FitError::Stopped(_))));
    let whole = files(&folder);
    assert_eq!(whole.len(), 1, "the first is whole: {whole:?}");
    // What a killed process leaves.
    let left = folder.join(".0123456789abcdef.slices.4194303-0.part");
    fs::write(&left, b"half").unwrap();
    let continued = again(&plan(), &folder);
    assert!(continued.notices.contains("1 of 3 files are there already"), "{}", continued.notices);
    assert_eq!(continued.reads(), "a1 b2 c2 d3");
    let weights = continued.trained.unwrap().model.weights;
    let all = files(&folder);
    assert!(all.len() == 3 && all.contains(&whole[0]) && !left.exists());
    // A flipped bit, and a file that ends too early.
    let mut bytes = fs::read(&all[1]).unwrap();
    bytes[5000] ^= 1;
    fs::write(&all[1], &bytes).unwrap();
    let short = fs::read(&all[2]).unwrap();
    fs::write(&all[2], &short[..short.len() - 1]).unwrap();
    let mended = again(&plan(), &folder);
    assert_eq!(mended.notices.matches("made anew").count(), 2, "{}", mended.notices);
    assert!(mended.notices.contains("it is damaged") && mended.notices.contains("it is not whole"));
    assert_eq!(mended.reads.values().sum::<usize>(), 3 + 2 + 3, "{:?}", mended.reads);
    assert_eq!(mended.trained.unwrap().model.weights, weights);
    assert_eq!(fs::read(&all[2]).unwrap(), short);
    remove_slices(&folder);
    assert!(!folder.exists());
}

#[test]
fn another_plan_or_another_scan_is_prepared_anew() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("slices");
    again(&plan(), &folder).trained.unwrap();
    let first = files(&folder);
    // The rate is no matter of slices, their spacing is.
    assert_eq!(again(&Plan { rate: 1e-4, ..plan() }, &folder).reads(), "a1 b1 c1 d3");
    let finer = again(&Plan { spacing_mm: Some([0.9; 2]), ..plan() }, &folder);
    assert_eq!(finer.reads(), "a2 b2 c2 d3");
    assert!(files(&folder).len() == 3 && files(&folder).iter().all(|file| !first.contains(file)));
    again(&plan(), &folder).trained.unwrap();
    assert_eq!(files(&folder), first);
    let brighter = |name: &str, _: usize, image: Volume| {
        if name != "b" {
            return image;
        }
        let values: Vec<i16> = (0..image.voxels.len()).map(|n| image.voxels.get(n).unwrap() as i16 + 1).collect();
        Volume::new(image.geometry.clone(), Voxels::I16(values.into()), vec![], Rescale::IDENTITY, name.into())
    };
    let changed = train(&["MRI"], &plan(), on_disk(&folder), &brighter, Watch::unwatched());
    assert_eq!(changed.reads(), "a1 b2 c1 d3");
    // One that changes between two looks is refused.
    let restless = |name: &str, count: usize, image: Volume| if count == 1 { brighter(name, 0, image) } else { image };
    let error = train(&["MRI"], &plan(), on_disk(&root.path().join("other")), &restless, Watch::unwatched()).trained;
    let error = error.err().unwrap().to_string();
    assert!(error.contains("case b: its files have changed"), "{error}");
}

#[test]
fn without_room_on_the_disk_figures_are_told_and_nothing_is_written() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("slices");
    let full = Room { disk_bytes: Some(2_000_000), ..on_disk(&folder) };
    let error = train(&["MRI"], &plan(), full, &unchanged, Watch::unwatched()).trained.err().unwrap().to_string();
    assert!(error.contains("3 scans take 102.0 kB") && error.contains("has 2.0 MB free"), "{error}");
    assert!(files(&folder).is_empty());
    // Without a folder, as before.
    let nowhere = Room { memory_bytes: Some(0), ..Room::default() };
    let error = train(&["MRI"], &plan(), nowhere, &unchanged, Watch::unwatched()).trained.err().unwrap().to_string();
    assert!(error.contains("choose fewer or smaller scans"), "{error}");
}

#[test]
fn a_file_that_is_lost_or_damaged_while_the_network_learns_ends_the_training_with_a_reason() {
    for is_damaged in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("slices");
        let signal = Signal::default();
        let is_spoilt = AtomicBool::new(false);
        let spoil = |share: Share| {
            if share.stage == "learning" && share.fraction > 0.0 && !is_spoilt.swap(true, Ordering::Relaxed) {
                for file in files(&folder) {
                    if is_damaged {
                        let mut bytes = fs::read(&file).unwrap();
                        bytes[..30_000].iter_mut().for_each(|byte| *byte ^= 1);
                        fs::write(&file, bytes).unwrap();
                    } else {
                        fs::remove_file(&file).unwrap();
                    }
                }
            }
        };
        let watch = Watch::new(&signal).reporting(&spoil);
        let error = train(&["MRI"], &plan(), on_disk(&folder), &unchanged, watch).trained.err().unwrap();
        assert!(matches!(&error, FitError::Slices { .. }));
        let why = if is_damaged { "is damaged at slice" } else { "cannot be read any more" };
        assert!(error.to_string().contains(why) && error.to_string().contains("continue the training"), "{error}");
    }
}
