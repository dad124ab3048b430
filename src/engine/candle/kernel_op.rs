//! Our CPU kernels as candle operations, so that its graph of gradients runs through them.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Storage, Tensor};

use crate::engine::cpu::kernel::{Kernel, View};

/// Applies a kernel to one to three tensors on the CPU.
pub fn apply(kernel: impl Kernel + 'static, inputs: &[&Tensor]) -> Result<Tensor> {
    let op = KernelOp(Arc::new(kernel));
    let dense = inputs.iter().map(|t| t.contiguous()).collect::<Result<Vec<_>>>()?;
    match &dense[..] {
        [a] => a.apply_op1(op),
        [a, b] => a.apply_op2(b, op),
        [a, b, c] => a.apply_op3(b, c, op),
        _ => candle_core::bail!("a kernel takes one to three arrays, not {}", inputs.len()),
    }
}

/// Lends the values of dense f32 tensors on the CPU.
pub fn with_values<T>(tensors: &[Tensor], work: impl FnOnce(&[&[f32]]) -> T) -> Result<T> {
    let guards: Vec<_> = tensors.iter().map(|t| t.storage_and_layout()).collect();
    let mut views = Vec::with_capacity(guards.len());
    for (storage, layout) in &guards {
        let Storage::Cpu(storage) = &**storage else { candle_core::bail!("kernels work on the CPU") };
        views.push(values(storage, layout)?);
    }
    Ok(work(&views))
}

struct KernelOp(Arc<dyn Kernel>);

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(data) = storage else { candle_core::bail!("kernels work on f32") };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&data[start..end]),
        None => candle_core::bail!("kernels work on dense arrays"),
    }
}

/// Runs a kernel on dense tensors on the CPU.
pub fn forward(kernel: &dyn Kernel, inputs: &[Tensor]) -> Result<Tensor> {
    let guards: Vec<_> = inputs.iter().map(|t| t.storage_and_layout()).collect();
    let mut views = Vec::with_capacity(guards.len());
    for (storage, layout) in &guards {
        let Storage::Cpu(storage) = &**storage else { candle_core::bail!("kernels work on the CPU") };
        views.push(View { data: values(storage, layout)?, shape: layout.dims() });
    }
    let (data, shape) = kernel.forward(&views);
    Tensor::from_vec(data, shape, &candle_core::Device::Cpu)
}

/// Gradients of a kernel's inputs from that of its output; all tensors are on the CPU.
pub fn backward<T: AsRef<Tensor>>(
    kernel: &dyn Kernel,
    inputs: &[T],
    output: &Tensor,
    gradient: &Tensor,
) -> Result<Vec<Option<Tensor>>> {
    let gradient = gradient.contiguous()?;
    let mut all: Vec<&Tensor> = inputs.iter().map(AsRef::as_ref).collect();
    all.push(output);
    all.push(&gradient);
    let guards: Vec<_> = all.iter().map(|t| t.storage_and_layout()).collect();
    let mut views = Vec::with_capacity(guards.len());
    for (storage, layout) in &guards {
        let Storage::Cpu(storage) = &**storage else { candle_core::bail!("kernels work on the CPU") };
        views.push(View { data: values(storage, layout)?, shape: layout.dims() });
    }
    let count = inputs.len();
    let gradients = kernel.backward(&views[..count], views[count], views[count + 1].data);
    let mut results = Vec::with_capacity(count);
    for (values, view) in gradients.into_iter().zip(&views) {
        results.push(match values {
            Some(values) => Some(Tensor::from_vec(values, view.shape, &candle_core::Device::Cpu)?),
            None => None,
        });
    }
    Ok(results)
}

impl KernelOp {
    fn forward(&self, inputs: &[(&CpuStorage, &Layout)]) -> Result<(CpuStorage, Shape)> {
        let views = inputs
            .iter()
            .map(|(storage, layout)| Ok(View { data: values(storage, layout)?, shape: layout.dims() }))
            .collect::<Result<Vec<_>>>()?;
        let (data, shape) = self.0.forward(&views);
        Ok((CpuStorage::F32(data), shape.into()))
    }

    fn backward(&self, inputs: &[&Tensor], output: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        backward(&*self.0, inputs, output, gradient)
    }
}

impl CustomOp1 for KernelOp {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        self.forward(&[(s, l)])
    }

    fn bwd(&self, a: &Tensor, output: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.backward(&[a], output, gradient)?.into_iter().next().flatten())
    }
}

impl CustomOp2 for KernelOp {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        self.forward(&[(s1, l1), (s2, l2)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut all = self.backward(&[a, b], output, gradient)?.into_iter();
        Ok((all.next().flatten(), all.next().flatten()))
    }
}

impl CustomOp3 for KernelOp {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward(&[(s1, l1), (s2, l2), (s3, l3)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut all = self.backward(&[a, b, c], output, gradient)?.into_iter();
        Ok((all.next().flatten(), all.next().flatten(), all.next().flatten()))
    }
}
