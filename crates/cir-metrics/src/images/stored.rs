//! Networks from the weights that a user has, none too few and none too many.

use std::path::Path;

use candle_core::{DType, Device, Error, Result};
use candle_nn::VarBuilder;
use cir_core::{NamedTensors, Params};

/// The tensors of a safetensors file.
pub(super) fn read(path: &Path) -> Result<NamedTensors> {
    let tensors = candle_core::safetensors::load(path, &Device::Cpu);
    Ok(tensors.map_err(|error| error.with_path(path))?.into_iter().collect())
}

/// What `build` makes of the tensors, in f32. Those whose names `spared` takes are left out.
///
/// # Errors
/// When a tensor that `build` asks for is missing or has another shape, or it does not ask for one.
pub(super) fn strictly<N>(
    tensors: &NamedTensors,
    spared: impl Fn(&str) -> bool,
    build: impl Fn(VarBuilder) -> Result<N>,
) -> Result<N> {
    let (params, device) = (Params::zeros(), Device::Cpu);
    build(params.builder(DType::F32, &device))?;
    let needed = tensors.iter().filter(|(name, _)| !spared(name));
    let needed = needed.map(|(name, tensor)| (name.clone(), tensor.clone())).collect();
    params.load(&needed).map_err(Error::wrap)?;
    // Detached from the parameters: nothing keeps what a gradient would need.
    let tensors = params.tensors().into_iter().collect();
    build(VarBuilder::from_tensors(tensors, DType::F32, &device))
}
