//! Weights of the published program, which keeps a state dict for each of its four networks; ours are
//! the same tensors behind the network's name.

use std::collections::BTreeMap;

use cir_core::{Error, NamedTensors, Result};

/// The published names of the networks.
const NETWORKS: [&str; 4] = ["Enc", "Dec", "D1", "D2"];

/// One set of tensors from the state dicts `Enc`, `Dec`, `D1` and `D2`, for `Params::load` of a model
/// or for [`crate::Model::from_tensors`], which name any tensor too few or too many.
///
/// # Errors
/// When a network is missing or not known.
pub fn from_published(networks: BTreeMap<String, NamedTensors>) -> Result<NamedTensors> {
    let wrong = |found: String| Error::setting("networks", found, NETWORKS.join(", "));
    if let Some(missing) = NETWORKS.iter().find(|name| !networks.contains_key(**name)) {
        return Err(wrong(format!("no {missing}")));
    }
    if let Some(unknown) = networks.keys().find(|name| !NETWORKS.contains(&name.as_str())) {
        return Err(wrong(unknown.clone()));
    }
    let prefixed = |(network, tensors): (String, NamedTensors)| {
        tensors.into_iter().map(move |(name, tensor)| (format!("{network}.{name}"), tensor))
    };
    Ok(networks.into_iter().flat_map(prefixed).collect())
}
