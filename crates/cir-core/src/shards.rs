//! Equal parts of a batch: networks without batch statistics compute them side by side, and the mean of
//! their gradients is the batch's.

use candle_core::Result;

use crate::{CirConfig, Error, Gradients, Scalars, Scale};

/// Checks `sampling.shards`: it divides `sampling.batch`, and is 1 where the CIR term measures the
/// whole batch.
///
/// # Errors
/// Otherwise; names the setting.
pub fn check_shards(batch: usize, shards: usize, cir: &CirConfig) -> crate::Result<()> {
    let refusal = |allowed| Err(Error::setting("sampling.shards", shards, allowed));
    if shards == 0 || !batch.is_multiple_of(shards) {
        return refusal(format!("a number that divides sampling.batch, {batch}"));
    }
    if shards > 1 && cir.scale == Scale::Relative {
        return refusal("1 where cir.scale is \"relative\", measured over the batch".into());
    }
    Ok(())
}

/// The things in each of `shards` equal parts of `count`.
///
/// # Errors
/// When there are none, or they do not divide.
pub fn shard_len(count: usize, shards: usize) -> Result<usize> {
    if count == 0 || shards == 0 || !count.is_multiple_of(shards) {
        candle_core::bail!("a batch of {count} in {shards} shards");
    }
    Ok(count / shards)
}

/// The terms and the gradient of a batch from those of its parts, added in their order.
///
/// # Errors
/// When there is no part, or shapes differ.
pub fn mean_of_shards(
    parts: impl IntoIterator<Item = (Scalars, Gradients)>,
) -> Result<(Scalars, Gradients)> {
    let mut parts = parts.into_iter();
    let Some((mut scalars, mut gradients)) = parts.next() else {
        candle_core::bail!("no part of a batch")
    };
    let mut count = 1.;
    for (own, gradient) in parts {
        gradients.add(gradient)?;
        scalars.iter_mut().zip(own).for_each(|((_, sum), (_, value))| *sum += value);
        count += 1.;
    }
    if count > 1. {
        gradients.scale(1. / count)?;
        scalars.iter_mut().for_each(|(_, sum)| *sum /= count);
    }
    Ok((scalars, gradients))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_divide_or_is_measured_over_the_batch_is_refused() {
        let cir = CirConfig::default();
        check_shards(4, 2, &cir).unwrap();
        for shards in [0, 3] {
            let message = check_shards(4, shards, &cir).unwrap_err().to_string();
            assert!(message.contains("sampling.shards") && message.contains('4'), "{message}");
        }
        let relative = CirConfig { scale: Scale::Relative, ..cir };
        check_shards(4, 1, &relative).unwrap();
        let message = check_shards(4, 2, &relative).unwrap_err().to_string();
        assert!(message.contains("relative"), "{message}");
        assert!(shard_len(3, 2).is_err() && shard_len(0, 2).is_err());
        assert_eq!(shard_len(6, 2).unwrap(), 3);
    }
}
