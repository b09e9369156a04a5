//! I2I-Dis's sampler: batches of two domains whose images have no pairs (i2i-dis.md, section 5).
//!
//! An epoch shows each image of the larger domain once, shuffled anew; the other domain's images are
//! drawn uniformly, with replacement. An incomplete last batch is skipped, but counts in an epoch's
//! length. Everything follows from the seed and the step, so that nothing has to be replayed or
//! stored.

use std::sync::Arc;

use rand::Rng as _;

use crate::pairs::Loader;
use crate::{Error, Index, Result};

/// Draws a batch of each domain at every step.
#[derive(Debug)]
pub struct UnpairedSampler {
    /// The larger domain; the first, if they are as large.
    larger: Loader,
    /// Its value: 0 or 1.
    value: usize,
    /// The images of the other.
    other: Vec<u32>,
    /// Batches an epoch, the incomplete one too.
    length: u64,
    batch: usize,
    seed: u64,
}

/// Where in an epoch a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The batch within it, from 0.
    pub iteration: u64,
    /// How many batches an epoch has, with the incomplete one that is skipped.
    pub length: u64,
    /// How many it has without: the steps of an epoch.
    pub batches: u64,
}

impl UnpairedSampler {
    /// Takes the training images, whose domains are the two values of attribute `attribute` (its
    /// number in the schema).
    ///
    /// # Errors
    /// When there is no such attribute or it has not two values, when a domain has no training image,
    /// or when the larger has fewer than a batch takes.
    pub fn new(
        index: &Arc<Index>,
        train: &[usize],
        attribute: usize,
        batch: usize,
        seed: u64,
    ) -> Result<Self> {
        if batch == 0 {
            return Err(Error::setting("sampling.batch", 0, "at least 1"));
        }
        let attributes = index.schema().attributes();
        let Some(domain) = attributes.get(attribute) else {
            let allowed = format!("one of {}", attributes.len());
            return Err(Error::setting("domain", format!("attribute {attribute}"), allowed));
        };
        let (name, values) = (&domain.name, &domain.values);
        if values.len() != 2 {
            let found = format!("{} values ({})", values.len(), values.join(", "));
            return Err(Error::setting(name.clone(), found, "two values, one a domain"));
        }
        let (first, second): (Vec<usize>, Vec<usize>) =
            train.iter().partition(|&&i| index.labels(i)[attribute] == 0);
        for (images, value) in [(&first, &values[0]), (&second, &values[1])] {
            if images.is_empty() {
                let found = format!("no training image with {value:?}");
                return Err(Error::setting(name.clone(), found, "training images of both domains"));
            }
        }
        let value = usize::from(second.len() > first.len());
        let (larger, other) = if value == 0 { (first, second) } else { (second, first) };
        if larger.len() < batch {
            let found = format!("{} training images in the larger domain", larger.len());
            let allowed = format!("at least {batch}, as many as a batch takes");
            return Err(Error::setting(name.clone(), found, allowed));
        }
        let length = larger.len().div_ceil(batch) as u64;
        let larger = Loader::new("unpaired/larger".into(), larger, batch, seed);
        let other = other.into_iter().map(|i| i as u32).collect();
        Ok(Self { larger, value, other, length, batch, seed })
    }

    /// Where step `step` is; steps count from 1 and leave out the batches that are skipped.
    pub fn place(&self, step: u64) -> Place {
        let (number, batches) = (step.saturating_sub(1), self.larger.batches());
        Place { epoch: number / batches, iteration: number % batches, length: self.length, batches }
    }

    /// The images of step `step` (from 1): those of the first domain, and those of the second.
    pub fn batch(&self, step: u64) -> [Vec<usize>; 2] {
        let larger = self.larger.batch(step);
        let mut rng = cir_core::rng(self.seed, "unpaired/other", step);
        let mut draw = || self.other[rng.random_range(0..self.other.len())] as usize;
        let other = (0..self.batch).map(|_| draw()).collect();
        if self.value == 0 { [larger, other] } else { [other, larger] }
    }
}
