//! ONNX files as models, and models as ONNX files.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::describe::{Description, Known};
use super::{ForeignError, Report};
use crate::disk::{open_regular_file, replace_file};
use crate::engine::{Array, DeviceChoice, Network, Weights};
use crate::graph::onnx::{self, Export, OnnxError, Tensor};
use crate::graph::{Extent, Graph, GraphError, Parameter, TWO_CLASSES};
use crate::model::{ArchitectureSpec, Model, ModelError, ModelSpec, Windows, tensor_file};
use crate::work::Watch;
use crate::work::memory;
use crate::zoo::{OnnxNetwork, foreign};

/// Key of the specification among the texts of a file that was written here.
const SPECIFICATION: &str = "lamella";

/// Bytes of a file beside the network that may be read, for each that it has: regions may be shared, but not by thousands.
const MOST_TIMES: u64 = 4;
/// The same for the first bytes, however small the file.
const FREE_BYTES: u64 = 1 << 20;
/// Up to this length the smallest image of a network is looked for.
const LARGEST_SMALLEST: usize = 2048;

/// Files beside the network, and what was read of them.
struct Beside {
    folder: PathBuf,
    read: RefCell<HashMap<PathBuf, u64>>,
}

impl Beside {
    fn of(path: &Path) -> Self {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { folder: folder.into(), read: RefCell::default() }
    }

    /// Bytes of a file; never of one elsewhere, whatever links say.
    fn bytes(&self, name: &str, offset: u64, length: u64) -> Result<Vec<u8>, String> {
        let plain = Path::new(name).components().all(|c| matches!(c, std::path::Component::Normal(_)));
        if !plain || name.is_empty() {
            return Err(format!("its values lie in {name:?}, outside of the file's folder"));
        }
        let failed = |e: io::Error| format!("its values lie in {name:?} beside it, which cannot be read: {e}");
        let (folder, path) = (self.folder.canonicalize(), self.folder.join(name).canonicalize());
        let (folder, path) = (folder.map_err(failed)?, path.map_err(failed)?);
        if !path.starts_with(&folder) {
            return Err(format!("its values lie in {name:?}, a link to a file outside of the file's folder"));
        }
        let mut file = open_regular_file(&path).map_err(failed)?;
        let whole = file.metadata().map_err(failed)?.len();
        let end = offset.checked_add(length).filter(|&end| end <= whole);
        if end.is_none() {
            return Err(format!("its {length} bytes lie in {name:?} from {offset} on, but the file has {whole} bytes"));
        }
        let mut read = self.read.borrow_mut();
        let sum = read.entry(path).or_default();
        *sum = sum.saturating_add(length);
        if *sum > whole.saturating_mul(MOST_TIMES).saturating_add(FREE_BYTES) {
            return Err(format!(
                "its values lie in {name:?}, of whose {whole} bytes {sum} are wanted: the same again and again"
            ));
        }
        let count = usize::try_from(length).map_err(|e| e.to_string())?;
        memory::ensure::<u8>(count).map_err(|e| format!("its values lie in {name:?}: {e}"))?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut bytes = vec![0; count];
        file.read_exact(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }
}

/// The whole file.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = open_regular_file(path)?;
    let count = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    memory::ensure::<u8>(count)?;
    let mut bytes = Vec::with_capacity(count);
    file.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Runs the network on the smallest image that it takes, so that what cannot run is refused now and not when it is needed.
///
/// # Errors
/// Why it cannot be run.
fn prove(graph: &Graph, weights: &Weights, fixed: Option<[usize; 2]>) -> Result<(), String> {
    let legal = |axis: usize, n: usize| graph.nodes.iter().all(|node| node.size.extent[axis].at(n).is_some());
    let lengths = |axis: usize| (1..=LARGEST_SMALLEST).filter(move |&n| legal(axis, n)).collect::<Vec<_>>();
    // The smallest and the next size that all layers divide, and whose maps are not too small for a window.
    let is_large = |size: &[usize; 2]| !matches!(graph.sizes(*size), Err(GraphError::TooSmall { .. }));
    let sizes: Vec<[usize; 2]> = match fixed {
        Some(size) => vec![size],
        None => lengths(0).into_iter().zip(lengths(1)).map(|(h, w)| [h, w]).filter(is_large).take(2).collect(),
    };
    let first = *sizes.first().ok_or("no image size suits all of its layers")?;
    for size in sizes {
        let found = graph.output_size(size).map_err(|e| format!("an image of {} x {}: {e}", size[0], size[1]))?;
        let wanted =
            graph.outputs.first().map(|&id| [0, 1].map(|axis| graph.nodes[id].size.extent[axis].at(size[axis])));
        if wanted != Some(found.map(Some)) {
            return Err(format!(
                "of an image of {} x {} it makes {} x {} labels",
                size[0], size[1], found[0], found[1]
            ));
        }
    }
    let failed =
        |e: crate::engine::EngineError| format!("it cannot be run on an image of {} x {}: {e}", first[0], first[1]);
    let mut network = Network::new(graph.clone(), weights, DeviceChoice::Cpu).map_err(failed)?;
    let image = Array::zeros(&[1, graph.input_channels(), first[0], first[1]]);
    network.infer(&image, Watch::unwatched()).map_err(failed)?;
    Ok(())
}

/// Reads an ONNX file; one that was written here brings its specification along.
pub(super) fn import(path: &Path, description: &Description) -> Result<(Model, Report), ForeignError> {
    let failed = |problem: OnnxError| ForeignError::Onnx { path: path.into(), problem };
    let network = |problem: String| ForeignError::Network { path: path.into(), problem };
    let bytes = read(path).map_err(|source| super::CheckpointError::File { path: path.into(), source })?;
    let files = Beside::of(path);
    let beside = |name: &str, offset: u64, length: u64| files.bytes(name, offset, length);
    let texts = onnx::texts(&bytes).map_err(failed)?;
    let own =
        texts.iter().find(|(key, _)| key == SPECIFICATION).map(|(_, text)| serde_json::from_str::<ModelSpec>(text));
    if let Some(Ok(spec)) = own {
        description.refuse(&Description::ALL, "a model of Lamella says this itself").map_err(network)?;
        spec.check().map_err(network)?;
        let graph = spec.graph().map_err(|e| network(e.to_string()))?;
        let arrays = onnx::arrays(&bytes, &beside).map_err(failed)?;
        let weights = weights_of(&graph, arrays);
        crate::engine::check_weights(&graph, &weights).map_err(|e| network(e.to_string()))?;
        let network = format!("a model of Lamella, {}", spec.title);
        let report = Report { network, matched: weights.len(), ..Report::default() };
        return Ok((Model { spec, weights }, report));
    }
    let imported = onnx::import(&bytes, &beside).map_err(failed)?;
    drop(bytes);
    description.refuse(&Description::PLANS, "only nnU-Net's checkpoints have plans").map_err(network)?;
    let classes = imported.graph.outputs.first().map_or(0, |&id| imported.graph.nodes[id].size.channels);
    let in_channels = imported.graph.input_channels();
    let options = serde_json::to_value(OnnxNetwork::new(&imported.structure));
    let options = options.map_err(|e| network(e.to_string()))?;
    let mut report = Report { network: "a network of an ONNX file".into(), ..Report::default() };
    let (taken, outputs) = (imported.weights, imported.graph.outputs.len());
    let graph = imported.graph.into_logits().map_err(network)?;
    let output = graph.outputs.first().map(|&id| graph.nodes[id].size.extent);
    if !output.is_some_and(|extent| extent.iter().all(Extent::is_input_less_border)) {
        return Err(network(
            "its result has not the image's resolution (or an open size where the input's is fixed)".into(),
        ));
    }
    let fixed = graph.has_fixed_parts();
    let mut weights = weights_of(&graph, taken);
    report.matched = weights.len();
    if graph.parameters.iter().any(|p| p.name == TWO_CLASSES) {
        weights.insert(TWO_CLASSES.into(), Array::new([2, 1, 1, 1], vec![0.0, 1.0]));
        report.assumed.push("background where its single logit is below 0".into());
    }
    if outputs > 1 {
        report.left.push(format!("{} further results", outputs - 1));
    }
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let known = Known {
        title: format!("{stem} (ONNX)"),
        architecture: ArchitectureSpec { id: foreign::ONNX.into(), options },
        in_channels,
        classes: classes.max(2),
        patch: imported.input_size,
    };
    if fixed && known.patch.is_none() {
        return Err(network("it has layers for one image size, but does not say which".into()));
    }
    let fixed_patch = known.patch.filter(|_| fixed);
    let mut spec = description.spec(known, &mut report).map_err(network)?;
    if let Some(patch) = fixed_patch {
        (spec.patch, spec.windows) = (patch, Windows::Whole);
    }
    // What is saved must be what was read.
    let again = spec.graph().map_err(|e| network(e.to_string()))?;
    crate::engine::check_weights(&again, &weights).map_err(|e| network(e.to_string()))?;
    prove(&again, &weights, fixed_patch).map_err(network)?;
    Ok((Model { spec, weights }, report))
}

/// Whether a file is an ONNX file that was written here.
pub fn is_own_onnx(path: &Path) -> bool {
    let texts = tensor_file::read(path).ok().and_then(|bytes| onnx::texts(&bytes).ok());
    texts.is_some_and(|texts| texts.iter().any(|(key, _)| key == SPECIFICATION))
}

fn weights_of(graph: &Graph, mut arrays: BTreeMap<String, Tensor>) -> Weights {
    let named = |p: &Parameter| arrays.remove(&p.name).map(|t| (p.name.clone(), Array::new(t.shape, t.values)));
    graph.parameters.iter().filter_map(named).collect()
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnnxReport {
    /// Bytes of the file.
    pub bytes: usize,
    /// Height and width that the file fixes; any where missing.
    pub size: Option<[usize; 2]>,
}

/// Writes a model as an ONNX file (input `image`, result `logits`). Networks that need a fixed image size get the model's
/// patch.
///
/// # Errors
/// When the network cannot be written, or the file; an existing file is untouched then.
pub fn save_onnx(model: &Model, path: &Path) -> Result<OnnxReport, ForeignError> {
    let failed = |problem: OnnxError| ForeignError::Onnx { path: path.into(), problem };
    let graph = model.spec.graph().map_err(|e| failed(OnnxError::Export(e.to_string())))?;
    let specification = serde_json::to_string(&model.spec).map_err(|e| failed(OnnxError::Export(e.to_string())))?;
    let usage = "for research use; not for diagnosis".to_string();
    let texts = [(SPECIFICATION.to_string(), specification), ("usage".to_string(), usage)];
    let whole = graph;
    let graph = whole.for_inference();
    // Heads that only help training go along, so that the file brings the whole model back.
    let is_spare = |p: &&Parameter| !graph.parameters.iter().any(|own| own.name == p.name);
    let spare: Vec<&Parameter> = whole.parameters.iter().filter(is_spare).collect();
    let values = |name: &str| model.weights.get(name).map(|a| a.values.as_slice());
    let write = |size| onnx::export(&graph, &Export { values: &values, size, texts: &texts, spare: &spare });
    let (bytes, size) = if graph.has_fixed_parts() {
        (write(Some(model.spec.patch)).map_err(failed)?, Some(model.spec.patch))
    } else {
        (write(None).map_err(failed)?, None)
    };
    replace_file(path, |writer| io::Write::write_all(writer, &bytes))
        .map_err(|source| ModelError::File { path: path.into(), source })?;
    Ok(OnnxReport { bytes: bytes.len(), size })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with the bytes 0 .. 199 as `weights.bin`, and what lies outside of it.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let whole = tempfile::tempdir().unwrap();
        let inside = whole.path().join("model");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(inside.join("weights.bin"), (0..200).collect::<Vec<u8>>()).unwrap();
        std::fs::write(whole.path().join("secret.bin"), [7; 64]).unwrap();
        (whole, inside.join("net.onnx"))
    }

    #[test]
    fn files_beside_a_network_are_read_where_they_are_asked_for() {
        let (_whole, path) = folder();
        let files = Beside::of(&path);
        assert_eq!(files.bytes("weights.bin", 3, 4).unwrap(), [3, 4, 5, 6]);
        let beyond = files.bytes("weights.bin", 190, 11).unwrap_err();
        assert!(beyond.contains("11 bytes lie in \"weights.bin\" from 190 on, but the file has 200 bytes"), "{beyond}");
        assert!(files.bytes("weights.bin", u64::MAX, 2).is_err());
        assert!(files.bytes("none.bin", 0, 1).unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn files_elsewhere_are_not_read() {
        let (whole, path) = folder();
        let files = Beside::of(&path);
        let absolute = whole.path().join("secret.bin");
        for name in ["../secret.bin", "./../secret.bin", "a/../../secret.bin", "", absolute.to_str().unwrap()] {
            let said = files.bytes(name, 0, 4).unwrap_err();
            assert!(said.contains("outside of the file's folder"), "{name}: {said}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            let inside = path.parent().unwrap();
            symlink("../secret.bin", inside.join("link.bin")).unwrap();
            symlink(whole.path(), inside.join("away")).unwrap();
            symlink("weights.bin", inside.join("own.bin")).unwrap();
            symlink("/dev/zero", inside.join("zero.bin")).unwrap();
            for name in ["link.bin", "away/secret.bin", "zero.bin"] {
                let said = files.bytes(name, 0, 4).unwrap_err();
                assert!(said.contains("a link to a file outside"), "{name}: {said}");
            }
            assert_eq!(files.bytes("own.bin", 0, 2).unwrap(), [0, 1]);
            std::fs::create_dir(inside.join("folder")).unwrap();
            assert!(files.bytes("folder", 0, 1).unwrap_err().contains("it is a folder"));
        }
    }

    #[test]
    fn a_region_is_not_read_again_and_again() {
        let (_whole, path) = folder();
        let large = path.with_file_name("large.bin");
        std::fs::write(&large, vec![1; 3 << 20]).unwrap();
        let files = Beside::of(&path);
        // Two tensors may share a region, hundreds may not.
        let times = (0..200).take_while(|_| files.bytes("large.bin", 0, 3 << 20).is_ok()).count();
        assert_eq!(times, 4);
        // What is small may be read often.
        assert!((0..200).all(|_| files.bytes("weights.bin", 0, 200).is_ok()));
    }
}
