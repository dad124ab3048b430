//! Weights on the device, in the order that shaders read them; made once, whatever sizes are compiled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use wgpu::BufferUsages;

use super::arena::{Slot, check_bytes};
use super::gpu::{Gpu, TO_AND_FRO};
use super::reading::read;
use crate::engine::error::{EngineError, Result};
use crate::graph::{Graph, Node, NodeId, Op, Parameter};

/// A network's parameters, and what has been made of them for the device.
pub struct Resident {
    /// In the graph's order, as they were before a training began or when they were last read from it. They stay here too, for a CPU
    /// that takes over from a device that is gone.
    pub parameters: Arc<Vec<Vec<f32>>>,
    held: BTreeMap<(NodeId, usize), Slot>,
    /// The parameters on the device, once something trains.
    trained: Vec<Slot>,
    /// Whether those have changed since.
    is_behind: bool,
    /// What was read of them since.
    latest: Mutex<Option<Arc<Vec<Vec<f32>>>>>,
}

impl Resident {
    /// Parameters of which nothing is on the device yet.
    pub fn new(parameters: Vec<Vec<f32>>) -> Self {
        Self::sharing(Arc::new(parameters))
    }

    /// The same of parameters that others have too.
    pub fn sharing(parameters: Arc<Vec<Vec<f32>>>) -> Self {
        let (held, trained, latest) = (BTreeMap::new(), Vec::new(), Mutex::default());
        Self { parameters, held, trained, is_behind: false, latest }
    }

    /// The parameters on the device, put there where they are not yet.
    ///
    /// # Errors
    /// Where a shader cannot be given as much at a time.
    pub fn trained(&mut self, gpu: &Gpu, graph: &Graph) -> Result<Vec<Slot>> {
        if self.trained.is_empty() {
            let upload = |(values, of): (&Vec<f32>, &Parameter)| {
                let bytes = check_bytes(gpu, values.len(), &of.name)?;
                Ok(Slot { buffer: gpu.filled(&as_bytes(values), TO_AND_FRO), bytes })
            };
            self.trained = self.parameters.iter().zip(&graph.parameters).map(upload).collect::<Result<_>>()?;
        }
        Ok(self.trained.clone())
    }

    /// The parameters on the device have changed.
    pub fn change(&mut self) {
        self.is_behind = true;
        if let Ok(latest) = self.latest.get_mut() {
            *latest = None;
        }
    }

    /// The parameters as they are now.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn now(&self, gpu: &Arc<Gpu>) -> Result<Arc<Vec<Vec<f32>>>> {
        if !self.is_behind {
            return Ok(self.parameters.clone());
        }
        let mut latest = self.latest.lock().map_err(|_| EngineError::failed("an earlier read ended in an error"))?;
        if let Some(latest) = &*latest {
            return Ok(latest.clone());
        }
        let found = Arc::new(read(gpu, &self.trained.iter().collect::<Vec<_>>())?);
        *latest = Some(found.clone());
        Ok(found)
    }

    /// Makes what inference reads of parameters that have changed anew when it is next needed; tells whether they have.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn catch_up(&mut self, gpu: &Arc<Gpu>) -> Result<bool> {
        if !self.is_behind {
            return Ok(false);
        }
        self.parameters = self.now(gpu)?;
        self.held.clear();
        self.is_behind = false;
        Ok(true)
    }

    /// Bytes on the device.
    pub fn bytes(&self) -> u64 {
        self.held.values().chain(&self.trained).map(|slot| slot.bytes).sum()
    }

    /// An operation's array by its number, put on the device where it is not yet.
    ///
    /// # Errors
    /// Where a shader cannot be given as much at a time.
    pub fn slot(
        &mut self,
        gpu: &Gpu,
        key: (NodeId, usize),
        scope: &str,
        make: impl FnOnce(&[Vec<f32>]) -> Vec<f32>,
    ) -> Result<Slot> {
        if let Some(slot) = self.held.get(&key) {
            return Ok(slot.clone());
        }
        let values = make(&self.parameters);
        let bytes = check_bytes(gpu, values.len(), scope)?;
        let slot = Slot { buffer: gpu.filled(&as_bytes(&values), BufferUsages::STORAGE), bytes };
        self.held.insert(key, slot.clone());
        Ok(slot)
    }
}

/// The bytes of numbers.
pub fn as_bytes(values: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; size_of_val(values)];
    let (places, _) = bytes.as_chunks_mut::<{ size_of::<f32>() }>();
    places.iter_mut().zip(values).for_each(|(place, value)| *place = value.to_ne_bytes());
    bytes
}

/// Factor and constant of every channel of a batch norm with its running statistics, learned ones included.
pub fn scale_and_shift(node: &Node, parameters: &[Vec<f32>]) -> Vec<[f64; 2]> {
    let Op::Norm { channels, eps, affine, .. } = node.op else { return Vec::new() };
    let get = |n: usize, c: usize| f64::from(parameters[node.parameters[n]][c]);
    let first = if affine { 2 } else { 0 };
    let of_channel = |c: usize| {
        let [gain, added] = if affine { [get(0, c), get(1, c)] } else { [1.0, 0.0] };
        let scale = gain / (get(first + 1, c) + eps).sqrt();
        [scale, added - get(first, c) * scale]
    };
    (0..channels).map(of_channel).collect()
}

/// What a norm behind a convolution makes of every output channel: a factor and a constant.
pub fn behind(graph: &Graph, norm: Option<NodeId>, outputs: usize, parameters: &[Vec<f32>]) -> Vec<[f64; 2]> {
    norm.map_or_else(|| vec![[1.0, 0.0]; outputs], |id| scale_and_shift(&graph.nodes[id], parameters))
}
