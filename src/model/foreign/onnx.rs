//! ONNX files as models, and models as ONNX files.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::describe::{Description, Known};
use super::{ForeignError, Report};
use crate::disk::replace_file;
use crate::engine::{Array, Weights};
use crate::graph::onnx::{self, Export, OnnxError, Tensor};
use crate::graph::{Extent, Graph, Parameter, TWO_CLASSES};
use crate::model::{ArchitectureSpec, Model, ModelError, ModelSpec, Windows, tensor_file};
use crate::zoo::{OnnxNetwork, foreign};

/// Key of the specification among the texts of a file that was written here.
const SPECIFICATION: &str = "lamella";

/// Bytes of a file beside the network; never of one elsewhere.
fn beside(folder: &Path, name: &str, offset: u64, length: Option<u64>) -> Result<Vec<u8>, String> {
    let plain = Path::new(name).components().all(|c| matches!(c, std::path::Component::Normal(_)));
    if !plain {
        return Err(format!("its values lie in {name:?}, outside of the file's folder"));
    }
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(folder.join(name))?;
        let whole = file.metadata()?.len();
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(length.unwrap_or(whole).min(whole)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|e| format!("its values lie in {name:?} beside it, which cannot be read: {e}"))
}

/// Reads an ONNX file; one that was written here brings its specification along.
pub(super) fn import(path: &Path, description: &Description) -> Result<(Model, Report), ForeignError> {
    let failed = |problem: OnnxError| ForeignError::Onnx { path: path.into(), problem };
    let network = |problem: String| ForeignError::Network { path: path.into(), problem };
    let bytes = std::fs::read(path).map_err(|source| super::CheckpointError::File { path: path.into(), source })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let beside = |name: &str, offset: u64, length: Option<u64>| beside(folder, name, offset, length);
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
