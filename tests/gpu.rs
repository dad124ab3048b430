//! Networks on a GPU that wgpu reaches, software included: every operation as on the CPU, whole scans, a device that is lost.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

#[path = "support/operations.rs"]
mod operations;
#[path = "support/random_weights.rs"]
mod random_weights;
mod support;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lamella::engine::{Array, DeviceChoice, Network, Weights};
use lamella::graph::{Graph, GraphBuilder, Pool, UpsampleMode, UpsampleTo};
use lamella::model::ModelSpec;
use lamella::pipeline::{SegmentEvent, SegmentOptions, segment};
use lamella::volume::LabelMap;
use lamella::work::{Signal, Watch};
use operations::{graph_of, operations};
use random_weights::{distance, random_array, weights};

/// Largest relative L2 distance of one operation on the GPU and on the CPU.
const AGREES: f64 = 2e-6;

/// A software device works for all tests at once, and a stop of one would wait for what another has given it: only one runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn on(device: DeviceChoice, graph: &Graph, weights: &Weights) -> Network {
    Network::new(graph.clone(), weights, device).unwrap()
}

fn results(network: &mut Network, input: &Array) -> Vec<Array> {
    let outputs = network.infer(input, Watch::unwatched()).unwrap();
    assert_eq!(network.take_notices(), Vec::<String>::new());
    outputs
}

#[test]
fn every_operation_gives_what_it_gives_on_the_cpu() {
    let _alone = alone();
    let Some(gpu) = support::gpu() else { return };
    let (mut worst, mut failed) = (0.0f64, Vec::new());
    for (name, made) in operations() {
        let graph = graph_of(made);
        let weights = weights(&graph);
        let x = random_array(&[3, 12, 9, 14], 5);
        let mut network = on(gpu.choice, &graph, &weights);
        let found = network.infer(&x, Watch::unwatched()).unwrap();
        let notices = network.take_notices();
        let wanted = results(&mut on(DeviceChoice::Cpu, &graph, &weights), &x);
        let off = distance(&found[0].values, &wanted[0].values);
        println!("{name}: {off:.1e}");
        worst = worst.max(off);
        if off.is_nan() || off >= AGREES || found[0].shape != wanted[0].shape || !notices.is_empty() {
            failed.push(format!("{name}: {off:.1e}, {:?} and {:?} {notices:?}", found[0].shape, wanted[0].shape));
        }
    }
    println!("{} operations on {} within {worst:.1e} of the CPU", operations().len(), gpu.name);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The model of the sample, and the scan.
fn sample() -> (lamella::volume::Volume, lamella::model::Model) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz");
    let volume = lamella::formats::open_one(&sample, None, Watch::unwatched()).unwrap();
    let mut model = lamella::model::find("hippocampus").unwrap();
    model.spec = ModelSpec { average_mirrored: false, ..model.spec };
    (volume, model)
}

fn mask(network: &mut Network, watch: Watch) -> Result<(LabelMap, Vec<String>), String> {
    let (volume, model) = sample();
    let options = SegmentOptions { axis: Some(lamella::model::SliceAxis::Coronal), ..SegmentOptions::default() };
    let (mut notices, mut slices) = (Vec::new(), 0);
    let mut on_event = |event| match event {
        SegmentEvent::Notice(notice) => notices.push(notice),
        SegmentEvent::Slices { done, .. } => slices = done,
        SegmentEvent::Took(_) => {}
    };
    let labels = segment(&volume, &model.spec, network, &options, watch, &mut on_event).map_err(|e| e.to_string())?;
    assert_eq!(slices, volume.geometry.shape()[1]);
    Ok((labels, notices))
}

/// Voxels that differ, and voxels that are labelled.
fn differences(a: &LabelMap, b: &LabelMap) -> [usize; 2] {
    let [ni, nj, nk] = a.geometry().shape();
    let voxels = (0..ni * nj * nk).map(|n| [n % ni, n / ni % nj, n / (ni * nj)]);
    let labelled = a.counts().into_iter().filter(|(label, _)| *label != 0).map(|(_, n)| n).sum();
    [voxels.filter(|&voxel| a.get(voxel) != b.get(voxel)).count(), labelled]
}

#[test]
fn a_scan_gets_the_mask_of_the_cpu_also_where_the_device_is_lost_halfway() {
    let _alone = alone();
    let Some(gpu) = support::gpu() else { return };
    let (_, model) = sample();
    let (wanted, _) = mask(&mut model.network(DeviceChoice::Cpu).unwrap(), Watch::unwatched()).unwrap();
    let mut network = model.network(gpu.choice).unwrap();
    let (found, notices) = mask(&mut network, Watch::unwatched()).unwrap();
    let [other, labelled] = differences(&wanted, &found);
    println!("{other} of {labelled} labelled voxels differ on {}", gpu.name);
    assert!(labelled > 1000 && other * 1000 <= labelled && notices.is_empty() && !network.is_on_cpu());
    for inferences in [0, 1, 2] {
        let mut network = model.network(gpu.choice).unwrap();
        network.lose_device_after(inferences);
        let (found, notices) = mask(&mut network, Watch::unwatched()).unwrap();
        let [other, _] = differences(&wanted, &found);
        println!("lost after {inferences} inferences: {other} of {labelled} differ; {notices:?}");
        assert!(network.is_on_cpu() && other * 1000 <= labelled);
        assert_eq!(notices.len(), 1);
        assert!(notices[0].contains("failed") && notices[0].ends_with("the CPU takes over."), "{notices:?}");
    }
}

#[test]
fn a_stop_is_noticed_while_the_device_works() {
    let _alone = alone();
    let Some(gpu) = support::gpu() else { return };
    let builder = GraphBuilder::new();
    let mut x = builder.input(1);
    for n in 0..400 {
        x = builder.root().sub(n).conv_same(&x, 16, 3).relu();
    }
    let graph = builder.finish(&[x]).unwrap();
    let weights = weights(&graph);
    let mut network = on(gpu.choice, &graph, &weights);
    let input = random_array(&[1, 1, 64, 64], 1);
    let signal = Signal::default();
    let started = Instant::now();
    let took = std::thread::scope(|scope| {
        let stopper = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(400));
            signal.stop();
            Instant::now()
        });
        let stopped = network.infer(&input, Watch::new(&signal)).is_err();
        let ended = Instant::now();
        let asked = stopper.join().unwrap();
        // A fast device is done before it is asked to stop.
        stopped.then(|| ended.saturating_duration_since(asked))
    });
    println!("stopped {took:?} after being asked, {:?} after the start", started.elapsed());
    assert!(took.is_none_or(|took| took < Duration::from_secs(2)));
    // The next inference is not disturbed by what the device still works on.
    let small = random_array(&[1, 1, 8, 8], 2);
    let (found, wanted) =
        (results(&mut network, &small), results(&mut on(DeviceChoice::Cpu, &graph, &weights), &small));
    assert!(distance(&found[0].values, &wanted[0].values) < 1e-4);
}

#[test]
fn inferences_in_flight_give_their_own_results_in_order() {
    let _alone = alone();
    let Some(gpu) = support::gpu() else { return };
    let graph = graph_of(|s, x| s.conv_same(x, 8, 3));
    let weights = weights(&graph);
    let (mut on_gpu, mut on_cpu) = (on(gpu.choice, &graph, &weights), on(DeviceChoice::Cpu, &graph, &weights));
    assert!(on_gpu.most_started() > 1 && on_cpu.most_started() == 1);
    let images: Vec<Array> = (0..4).map(|n| random_array(&[2, 12, 8 + n, 8], n as u64)).collect();
    for image in &images {
        on_gpu.start(image.clone(), Watch::unwatched()).unwrap();
        on_cpu.start(image.clone(), Watch::unwatched()).unwrap();
    }
    for image in &images {
        let [found, wanted] = [&mut on_gpu, &mut on_cpu].map(|n| n.finish(Watch::unwatched()).unwrap().unwrap());
        assert_eq!(found[0].shape[2], image.shape[2]);
        assert!(distance(&found[0].values, &wanted[0].values) < AGREES);
    }
    assert!(on_gpu.finish(Watch::unwatched()).unwrap().is_none());
}

/// A network that blows an image up to a size and keeps the largest value of every part.
fn blown_up(size: usize, part: usize) -> Graph {
    let builder = GraphBuilder::new();
    let x = builder.input(1);
    let large = x.upsample(UpsampleMode::Nearest, UpsampleTo::Size([size; 2]));
    builder.finish(&[large.max_pool(Pool::new(part, part))]).unwrap()
}

#[test]
fn a_batch_that_is_too_large_for_the_device_goes_through_it_in_parts() {
    let _alone = alone();
    let Some(gpu) = support::gpu() else { return };
    // 20 maps of 8 MiB are more than llvmpipe binds at a time.
    let graph = blown_up(1448, 8);
    let x = random_array(&[20, 1, 16, 16], 3);
    let none = Weights::new();
    let found = results(&mut on(gpu.choice, &graph, &none), &x);
    let wanted = results(&mut on(DeviceChoice::Cpu, &graph, &none), &x);
    assert_eq!(found, wanted);
}

#[test]
fn a_map_that_is_too_large_for_the_device_is_made_on_the_cpu() {
    let _alone = alone();
    let Some(gpu) = support::gpu() else { return };
    // One map of 144 MiB.
    let graph = blown_up(6144, 1536);
    let x = random_array(&[1, 1, 16, 16], 3);
    let none = Weights::new();
    let mut network = on(gpu.choice, &graph, &none);
    let found = network.infer(&x, Watch::unwatched()).unwrap();
    assert_eq!(found, results(&mut on(DeviceChoice::Cpu, &graph, &none), &x));
    let notices = network.take_notices().join(" ");
    println!("{notices}");
    // A card takes it at a time.
    assert_eq!(network.is_on_cpu(), !notices.is_empty());
    assert!(notices.is_empty() || notices.contains("needs 144 MiB at a time, and the device takes"), "{notices}");
}

#[test]
fn a_loop_that_a_software_driver_would_leave_early_is_made_on_the_cpu() {
    let _alone = alone();
    let Some(gpu) = support::gpu() else { return };
    // Windows of 131,044 values; Mesa's driver for the processor leaves loops after 65,535 turns and says nothing.
    let graph = blown_up(1448, 362);
    let x = random_array(&[1, 1, 16, 16], 3);
    let none = Weights::new();
    let mut network = on(gpu.choice, &graph, &none);
    let found = network.infer(&x, Watch::unwatched()).unwrap();
    assert_eq!(found, results(&mut on(DeviceChoice::Cpu, &graph, &none), &x));
    let notices = network.take_notices().join(" ");
    assert_eq!(network.is_on_cpu(), gpu.name.contains("software"));
    assert!(notices.is_empty() || notices.contains("turns of a loop"), "{notices}");
}
