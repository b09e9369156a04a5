//! Equal parts of a batch: networks without batch statistics compute them side by side, and the mean of
//! their gradients is the batch's.

use candle_core::{Result, Tensor};

use crate::{CirConfig, Draw, Error, Gradients, Scalars, Scale, add_scalar};

/// Checks `sampling.batch` and `sampling.shards`, which divides it. Where the CIR term measures the
/// batch's spread, that must be there and whole: at least 2 in one shard.
///
/// # Errors
/// Otherwise; names the setting.
pub fn check_batch(batch: usize, shards: usize, cir: &CirConfig) -> crate::Result<()> {
    let measured = cir.lambda > 0. && cir.scale == Scale::Relative;
    let wrong_batch = |allowed| Err(Error::setting("sampling.batch", batch, allowed));
    let wrong_shards = |allowed| Err(Error::setting("sampling.shards", shards, allowed));
    match (batch, shards) {
        (0, _) => wrong_batch("at least 1"),
        (1, _) if measured => {
            wrong_batch("at least 2 where cir.scale is \"relative\", measured over the batch")
        }
        _ if !batch.is_multiple_of(shards) => {
            wrong_shards(format!("a number that divides sampling.batch, {batch}"))
        }
        (_, 2..) if measured => {
            wrong_shards("1 where cir.scale is \"relative\", measured over the batch".into())
        }
        _ => Ok(()),
    }
}

/// Some groups of a batch, side by side.
#[derive(Debug, Clone, Copy)]
pub struct Shard {
    first: usize,
    len: usize,
}

impl Shard {
    /// `shards` equal parts of a batch of `groups`.
    ///
    /// # Errors
    /// When there are no groups, or they do not divide.
    pub fn all(groups: usize, shards: usize) -> Result<Vec<Self>> {
        if groups == 0 || shards == 0 || !groups.is_multiple_of(shards) {
            candle_core::bail!("a batch of {groups} in {shards} shards");
        }
        let len = groups / shards;
        Ok((0..shards).map(|i| Self { first: i * len, len }).collect())
    }

    /// What its groups have of `x`.
    ///
    /// # Shapes
    /// (images of a group · batch, …), image by image → (images of a group · len, …).
    ///
    /// # Errors
    /// When `x` has fewer groups, or is not of whole ones.
    pub fn rows(self, x: &Tensor, images: usize) -> Result<Tensor> {
        let rows = x.dim(0)?;
        if images == 0 || !rows.is_multiple_of(images) {
            candle_core::bail!("{rows} images in groups of {images}");
        }
        let batch = rows / images;
        let image = |i: usize| x.narrow(0, i * batch + self.first, self.len);
        Tensor::cat(&(0..images).map(image).collect::<Result<Vec<_>>>()?, 0)
    }

    /// What its groups have of a draw.
    ///
    /// # Shapes
    /// Fractions (draws, batch, n) → (draws, len, n).
    ///
    /// # Errors
    /// When the draw is for fewer groups.
    pub fn draw(self, draw: &Draw) -> Result<Draw> {
        let fractions = draw.fractions.narrow(1, self.first, self.len)?;
        Ok(Draw { fractions, moved: draw.moved.clone() })
    }
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
        for (name, value) in own {
            add_scalar(&mut scalars, name, value);
        }
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
        check_batch(4, 2, &cir).unwrap();
        for shards in [0, 3] {
            let message = check_batch(4, shards, &cir).unwrap_err().to_string();
            assert!(message.contains("sampling.shards") && message.contains('4'), "{message}");
        }
        assert!(check_batch(0, 1, &cir).unwrap_err().to_string().contains("sampling.batch"));
        let idle = CirConfig { scale: Scale::Relative, ..cir };
        check_batch(1, 1, &idle).unwrap();
        let relative = CirConfig { lambda: 1., ..idle };
        check_batch(4, 1, &relative).unwrap();
        for (batch, shards, named) in [(4, 2, "sampling.shards"), (1, 1, "sampling.batch")] {
            let message = check_batch(batch, shards, &relative).unwrap_err().to_string();
            assert!(message.contains("relative") && message.contains(named), "{message}");
        }
        for (groups, shards) in [(3, 2), (0, 2), (2, 0)] {
            assert!(Shard::all(groups, shards).is_err(), "{groups} in {shards}");
        }
    }

    #[test]
    fn a_shard_has_every_image_of_its_groups() {
        // Three images of four groups: 10 · image + group.
        let x: Vec<u32> = (0..3).flat_map(|i| (0..4).map(move |g| 10 * i + g)).collect();
        let x = Tensor::new(x, &candle_core::Device::Cpu).unwrap();
        let rows = |shard: &Shard| shard.rows(&x, 3).unwrap().to_vec1::<u32>().unwrap();
        let found: Vec<_> = Shard::all(4, 2).unwrap().iter().map(rows).collect();
        assert_eq!(found, [[0, 1, 10, 11, 20, 21], [2, 3, 12, 13, 22, 23]]);
        let part = Shard::all(4, 2).unwrap()[0];
        assert!(part.rows(&x, 5).unwrap_err().to_string().contains("12 images in groups of 5"));
    }
}
