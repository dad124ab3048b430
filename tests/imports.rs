//! Weights and networks of other programs against what PyTorch makes of the same image.
//!
//! Driven by `index.json` of `tests/fixtures/checkpoints` (written by `make_checkpoints.py` beside it), and of the folder in
//! `LAMELLA_IMPORTS` where that is set: full-size networks are too large to keep.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

mod support;

use std::path::{Path, PathBuf};

use lamella::engine::{Array, DeviceChoice};
use lamella::formats;
use lamella::model::Model;
use lamella::model::foreign::{self, Description, save_onnx};
use lamella::pipeline::{SegmentOptions, segment};
use lamella::work::Watch;
use lamella::zoo::Ends;
use serde_json::Value;

/// Relative L2 distance of our logits from those in double precision that any network may have.
const LIMIT: f64 = 2e-5;

/// Where PyTorch itself loses more in single precision, so many times its own loss is the limit, as for the golden values: sums
/// of another order round otherwise.
const TIMES_PYTORCHS: f64 = 10.0;

fn floats(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn sizes(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let off = square(&mut a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    (off / square(&mut b.iter().map(|b| f64::from(*b))).max(1e-30)).sqrt()
}

/// Our logits; of two classes that stand for one logit, their difference.
fn logits(model: &Model, image: &Array, wanted: &[usize]) -> Vec<f32> {
    let mut network = model.network(DeviceChoice::Cpu).unwrap();
    let ours = network.infer(image, Watch::unwatched()).unwrap().remove(0);
    let [batch, classes, h, w] = ours.dims4();
    if classes == 2 && wanted[1] == 1 {
        let plane = h * w;
        return (0..batch * plane)
            .map(|n| {
                let at = n / plane * 2 * plane + n % plane;
                ours.values[at + plane] - ours.values[at]
            })
            .collect();
    }
    ours.values
}

fn check(folder: &Path, entry: &Value) -> Result<f64, String> {
    let name = entry["name"].as_str().unwrap();
    let path = folder.join(entry["file"].as_str().unwrap());
    let description = Description { id: name.into(), ..Description::default() };
    let (model, report) = foreign::import(&path, &description).map_err(|e| e.to_string())?;
    let network = entry["network"].as_str().unwrap();
    let recognised = network == "onnx" || report.network.ends_with(network);
    if !recognised
        || report.matched != model.weights.len() - usize::from(model.weights.contains_key("two_classes.weight"))
    {
        return Err(format!("recognised as {}, {} of {} tensors", report.network, report.matched, model.weights.len()));
    }
    let image = Array::new(sizes(&entry["shape"]), floats(&folder.join(format!("{name}.input"))));
    let (theirs, shape) = (floats(&folder.join(format!("{name}.logits"))), sizes(&entry["out"]));
    let theirs_loses = entry["pytorch_single_precision_error"].as_f64().unwrap();
    let limit = (TIMES_PYTORCHS * theirs_loses).max(LIMIT);
    let off = distance(&logits(&model, &image, &shape), &theirs);
    if off > limit {
        return Err(format!("logits are off by {off:.1e}"));
    }
    // Saved, read again, written as ONNX and read again it is the same network.
    let work = tempfile::tempdir().unwrap();
    let saved = work.path().join("model.safetensors");
    model.save(&saved).map_err(|e| e.to_string())?;
    let again = Model::load(&saved).map_err(|e| e.to_string())?;
    if again.weights != model.weights || distance(&logits(&again, &image, &shape), &theirs) > limit {
        return Err("the saved model is another one".into());
    }
    let written = work.path().join("model.onnx");
    save_onnx(&model, &written).map_err(|e| e.to_string())?;
    let back = foreign::import(&written, &Description::default()).map_err(|e| e.to_string())?.0;
    if back.weights != model.weights {
        return Err("the model came back from ONNX with other weights".into());
    }
    Ok(off)
}

#[test]
fn logits_of_imported_networks_equal_pytorchs() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints");
    let given = std::env::var_os("LAMELLA_IMPORTS").map(PathBuf::from);
    let mut failures = Vec::new();
    let mut count = 0;
    for folder in [Some(own), given].into_iter().flatten() {
        for entry in support::json(&folder.join("index.json")).as_array().unwrap() {
            let name = entry["name"].as_str().unwrap();
            match check(&folder, entry) {
                Ok(off) => println!("imported {name}: logits within {off:.1e}"),
                Err(problem) => failures.push(format!("{name}: {problem}")),
            }
            count += 1;
        }
    }
    println!("imports: {} of {count} networks equal PyTorch's", count - failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// `tests/fixtures/nnunet` holds a checkpoint of nnU-Net 2.8.1 and the masks that nnU-Net made with it of two cases.
#[test]
fn an_nnunet_checkpoint_segments_as_nnunet_does() {
    let Some(data) = support::test_data() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/nnunet");
    let description = Description { id: "tiny".into(), ..Description::default() };
    let (model, _) = foreign::import(&folder.join("checkpoint_final.pth"), &description).unwrap();
    let labels: Vec<&str> = model.spec.classes.iter().map(|c| c.name.as_str()).collect();
    assert_eq!((labels, model.spec.patch), (vec!["background", "Anterior", "Posterior"], [56, 40]));
    let mut network = model.network(DeviceChoice::Cpu).unwrap();
    for (masks, mirror) in [("predicted", true), ("predicted_plain", false)] {
        let (mut same, mut foreground) = (0usize, 0usize);
        for entry in std::fs::read_dir(folder.join(masks)).unwrap() {
            let mask = entry.unwrap().path();
            let image = data.join("data/hippocampus/imagesTr").join(mask.file_name().unwrap());
            let volume = formats::open_one(&image, None, Watch::unwatched()).unwrap();
            let theirs = formats::read_labels(&mask, Watch::unwatched(), &|_| {}).unwrap();
            let options = SegmentOptions { mirror, ..SegmentOptions::default() };
            let ours = segment(&volume, &model.spec, &mut network, &options, Watch::unwatched(), &mut |_| {}).unwrap();
            let [x, y, z] = volume.geometry.shape();
            for at in (0..x * y * z).map(|n| [n % x, n / x % y, n / x / y]) {
                let (a, b) = (ours.get(at), theirs.get(at));
                foreground += usize::from(a > 0 || b > 0);
                same += usize::from((a > 0 || b > 0) && a == b);
            }
        }
        let agreement = same as f64 / foreground as f64;
        println!("nnU-Net, {masks}: {agreement:.5} of {foreground} foreground voxels agree");
        assert!(foreground > 3000 && agreement > 0.995, "{masks}: {agreement}");
    }
}

/// FNV-1a of 32 bits.
fn fnv(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Values that follow from a tensor's name and shape, as `make_library_logits.py` computes them.
fn value(name: &str, shape: &[usize]) -> Array {
    let hash = fnv(name);
    let noise = |n: usize| {
        let mut x = (n as u32).wrapping_mul(2_654_435_761).wrapping_add(hash);
        for (shift, factor) in [(15, 2_246_822_519), (13, 3_266_489_917)] {
            x = (x ^ (x >> shift)).wrapping_mul(factor);
        }
        f64::from(x ^ (x >> 16)) / 4_294_967_296.0 - 0.5
    };
    let inside: usize = shape.iter().skip(1).product();
    let of = |u: f64| match shape.len() {
        0 | 1 if name.ends_with("running_var") => 1.0 + u,
        0 | 1 if name.ends_with("weight") => 1.0 + 0.4 * u,
        0 | 1 => 0.4 * u,
        _ => u * (24.0 / inside as f64).sqrt(),
    };
    Array::new(shape, (0..shape.iter().product()).map(|n| of(noise(n)) as f32).collect())
}

/// The file of an entry of `library_logits.json`: names and shapes of our network, which must be those of the library's.
fn library_file(folder: &Path, entry: &Value) -> PathBuf {
    let ends = Ends {
        in_channels: entry["channels"].as_u64().unwrap() as usize,
        classes: entry["classes"].as_u64().unwrap() as usize,
    };
    let graph = lamella::zoo::build(entry["architecture"].as_str().unwrap(), ends, &entry["options"]).unwrap();
    let renamed = |name: &str| match entry["renamed"].as_array() {
        Some(pair) => match name.strip_prefix(pair[0].as_str().unwrap()) {
            Some(rest) => format!("{}{rest}", pair[1].as_str().unwrap()),
            None => name.to_string(),
        },
        None => name.to_string(),
    };
    let named: Vec<(String, &[usize])> = graph.parameters.iter().map(|p| (renamed(&p.name), &p.shape[..])).collect();
    let mut lines: Vec<String> = named.iter().map(|(name, shape)| format!("{name}{shape:?}")).collect();
    lines.sort();
    let own = (lines.len() as u64, u64::from(fnv(&lines.concat())));
    let theirs = (entry["tensors"].as_u64().unwrap(), entry["digest"].as_u64().unwrap());
    assert_eq!(own, theirs, "{}: names and shapes are not the library's", entry["name"]);
    let bytes: Vec<(String, &[usize], Vec<u8>)> = named
        .into_iter()
        .map(|(name, shape)| {
            let bytes = value(&name, shape).values.iter().flat_map(|v| v.to_le_bytes()).collect();
            (name, shape, bytes)
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.to_vec(), bytes).unwrap();
        (name.as_str(), view)
    });
    let path = folder.join("model.safetensors");
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    if !entry["config"].is_null() {
        std::fs::write(folder.join("config.json"), entry["config"].to_string()).unwrap();
    }
    path
}

/// `library_logits.json` holds logits of `segmentation_models.pytorch` and MONAI of weights that follow from their names.
#[test]
fn networks_of_libraries_give_the_libraries_logits() {
    let all = support::json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/library_logits.json"));
    for entry in all.as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        let work = tempfile::tempdir().unwrap();
        let path = library_file(work.path(), entry);
        let text = |value: &Value| value.as_str().unwrap().to_string();
        let assume = entry["assume"].as_array().unwrap().iter().map(|pair| (text(&pair[0]), text(&pair[1])));
        let description = Description { id: "x".into(), assume: assume.collect(), ..Description::default() };
        let (model, report) = foreign::import(&path, &description).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(report.notices.is_empty(), entry["config"].is_null(), "{name}: {:?}", report.notices);
        let size = sizes(&entry["size"]);
        let mut image = value("image", &[1, entry["channels"].as_u64().unwrap() as usize, size[0], size[1]]);
        image.values.iter_mut().for_each(|v| *v *= 4.0);
        let ours = logits(&model, &image, &[1, 3, size[0], size[1]]);
        let step = entry["step"].as_u64().unwrap() as usize;
        let samples: Vec<f32> = ours.iter().step_by(step).copied().collect();
        let theirs: Vec<f32> =
            entry["samples"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
        let off = distance(&samples, &theirs);
        let norm =
            ours.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt() / entry["norm"].as_f64().unwrap() - 1.0;
        println!("{name}: logits within {off:.1e}, their norm within {:.1e}", norm.abs());
        assert!(off < LIMIT && norm.abs() < LIMIT, "{name}: logits are off by {off:.1e}, their norm by {norm:.1e}");
    }
}

#[test]
fn damaged_files_are_refused_and_never_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints");
    let work = tempfile::tempdir().unwrap();
    for entry in support::json(&folder.join("index.json")).as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let target = work.path().join(file);
        let mut state = 0x2545_f491_4f6c_dd1du64;
        for round in 0..60 {
            let mut damaged = bytes.clone();
            for _ in 0..=round % 4 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                // The first half of the rounds strikes where the structure is.
                let reach = if round % 2 == 0 { damaged.len().min(4096) } else { damaged.len() };
                let at = state as usize % reach;
                damaged[at] = (state >> 32) as u8;
            }
            if round % 5 == 0 {
                damaged.truncate(state as usize % bytes.len());
            }
            std::fs::write(&target, &damaged).unwrap();
            // Some changes only touch values; what counts is that nothing breaks.
            if let Err(error) = foreign::import(&target, &Description { id: "x".into(), ..Description::default() }) {
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}
