//! Values from keys (FORMAT.md): every weight, image and fraction is a function of a text.

use anyhow::Context;
use candle_core::{DType, Device, Result, Tensor};
use rayon::prelude::*;

/// The 64-bit FNV-1a hash of `key`.
pub fn fnv1a64(key: &str) -> u64 {
    key.bytes().fold(0xCBF2_9CE4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3))
}

fn splitmix(c: u64) -> u64 {
    let z = (c ^ (c >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Number `i` of the sequence in [0, 1) that belongs to the hash of a key.
pub fn unit(hash: u64, i: u64) -> f64 {
    let c = hash.wrapping_add((i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    (splitmix(c) >> 11) as f64 * (-53f64).exp2()
}

/// `uniform(key, shape, low, high)`, computed in float64 and rounded to `dtype`.
///
/// # Errors
/// Whatever candle reports.
pub fn uniform(key: &str, shape: &[usize], low: f64, high: f64, dtype: DType) -> Result<Tensor> {
    let hash = fnv1a64(key);
    let n: usize = shape.iter().product();
    let number = |i: usize| low + (high - low) * unit(hash, i as u64);
    match dtype {
        DType::F32 => {
            let numbers: Vec<_> = (0..n).into_par_iter().map(|i| number(i) as f32).collect();
            Tensor::from_vec(numbers, shape, &Device::Cpu)
        }
        _ => {
            let numbers: Vec<_> = (0..n).into_par_iter().map(number).collect();
            Tensor::from_vec(numbers, shape, &Device::Cpu)?.to_dtype(dtype)
        }
    }
}

/// A tensor of nested lists of numbers.
///
/// # Errors
/// When the lists are ragged or hold something else.
pub fn given(values: &serde_json::Value, dtype: DType) -> anyhow::Result<Tensor> {
    fn collect(
        value: &serde_json::Value,
        depth: usize,
        shape: &mut Vec<usize>,
        numbers: &mut Vec<f64>,
    ) -> anyhow::Result<()> {
        if let Some(number) = value.as_f64() {
            anyhow::ensure!(depth == shape.len(), "{value} beside lists");
            numbers.push(number);
            return Ok(());
        }
        let list = value.as_array().with_context(|| format!("{value} is no number"))?;
        if depth == shape.len() {
            anyhow::ensure!(numbers.is_empty(), "{value} beside numbers");
            shape.push(list.len());
        }
        anyhow::ensure!(list.len() == shape[depth], "lists of {} and {}", list.len(), shape[depth]);
        list.iter().try_for_each(|value| collect(value, depth + 1, shape, numbers))
    }
    let (mut shape, mut numbers) = (Vec::new(), Vec::new());
    collect(values, 0, &mut shape, &mut numbers)?;
    Ok(Tensor::from_vec(numbers, shape, &Device::Cpu)?.to_dtype(dtype)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_lists_are_tensors_and_ragged_ones_are_not() {
        let of = |value| given(&value, DType::F64);
        let x = of(serde_json::json!([[1, 0.5], [0, 2], [3, 4]])).unwrap();
        assert_eq!(x.to_vec2::<f64>().unwrap(), [[1., 0.5], [0., 2.], [3., 4.]]);
        for wrong in [serde_json::json!([[1], [1, 2]]), serde_json::json!([1, [2]])] {
            assert!(of(wrong).is_err());
        }
        assert!(of(serde_json::json!(["a"])).is_err());
    }

    /// The check values of FORMAT.md.
    #[test]
    fn the_documented_numbers() {
        let hash = fnv1a64("demo/a");
        assert_eq!(hash, 0xE02A_0D66_AA36_BB8E);
        for (i, expected) in [0.793_531_72, 0.719_691_32, 0.917_741_43].into_iter().enumerate() {
            assert!((unit(hash, i as u64) - expected).abs() < 1e-8);
        }
    }
}
