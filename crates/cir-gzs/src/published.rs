//! Weights of the published program: its state dict holds every layer under several names, and
//! running statistics that nothing reads (gzs.md, section 1).

use cir_core::{Error, NamedTensors, Result};

/// Prefixes under which the original registers layers of `encoder` and `decoder` once more.
const ALIASES: [&str; 7] = [
    "start_part.",
    "down_part.",
    "eli_pose_part.",
    "bottlen_encoder_part.",
    "bottlen_decoder_part.",
    "up_part.",
    "main.",
];

/// The tensors under their one name each (`encoder`, `fc_encoder`, `fc_decoder`, `decoder`),
/// without aliases and running statistics. A prefix common to all names (`autoencoder.`) may be
/// there.
///
/// # Errors
/// When a name is none that the published program writes.
pub fn from_published(tensors: NamedTensors) -> Result<NamedTensors> {
    let mut own = NamedTensors::new();
    for (full, tensor) in tensors {
        let name = full.strip_prefix("autoencoder.").unwrap_or(&full);
        let last = name.rsplit('.').next().unwrap_or(name);
        let statistics = matches!(last, "running_mean" | "running_var" | "num_batches_tracked");
        if statistics || ALIASES.iter().any(|alias| name.starts_with(alias)) {
            continue;
        }
        let known = ["encoder.", "fc_encoder.", "fc_decoder.", "decoder."];
        if !known.iter().any(|prefix| name.starts_with(prefix)) {
            return Err(Error::Tensor {
                name: full,
                found: format!("shape {:?}", tensor.dims()),
                expected: "a name of the published autoencoder".into(),
            });
        }
        own.insert(name.to_owned(), tensor);
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};

    use super::*;

    #[test]
    fn aliases_and_statistics_are_left_out() {
        let tensor = Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap();
        let names = |list: &[&str]| -> NamedTensors {
            list.iter().map(|n| ((*n).to_owned(), tensor.clone())).collect()
        };
        let found = from_published(names(&[
            "encoder.0.weight",
            "encoder.1.running_mean",
            "start_part.0.weight",
            "main.0.weight",
            "decoder.0.main.0.weight",
        ]));
        let kept: Vec<_> = found.unwrap().into_keys().collect();
        assert_eq!(kept, ["decoder.0.main.0.weight", "encoder.0.weight"]);
        let error = from_published(names(&["critic.0.weight"])).unwrap_err().to_string();
        assert!(error.contains("critic.0.weight"), "{error}");
    }
}
