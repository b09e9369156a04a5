//! ELEGANT's sampler: for one attribute at a time, images that have it and images that have it not
//! (elegant.md, section 5).
//!
//! For each attribute and sign there is an endless loader over the images: shuffled anew each pass,
//! the incomplete last batch dropped. Pass and place follow from the step, and a pass's order from
//! the seed and its number, so that nothing has to be replayed or stored.

use std::sync::{Arc, Mutex, PoisonError};

use rand::seq::SliceRandom;

use crate::{Error, Index, Result};

/// Draws a batch with and a batch without each attribute at every step.
#[derive(Debug)]
pub struct PairSampler {
    /// Per attribute the images that have it, and those that have it not.
    loaders: Vec<[Loader; 2]>,
}

impl PairSampler {
    /// Takes the training images, and checks that there are enough of both signs of the `attributes`
    /// (numbers in the schema). An attribute's second value means that an image has it.
    ///
    /// # Errors
    /// Names an attribute that has not two values, that all images have or none has, or of which fewer
    /// images than a batch have one of the values.
    pub fn new(
        index: &Arc<Index>,
        train: &[usize],
        attributes: &[usize],
        batch: usize,
        seed: u64,
    ) -> Result<Self> {
        if batch == 0 {
            return Err(Error::setting("sampling.batch", 0, "at least 1"));
        }
        let loaders = |&attribute: &usize| {
            let known = &index.schema().attributes()[attribute];
            let (name, values) = (&known.name, &known.values);
            if values.len() != 2 {
                let found = format!("{} values ({})", values.len(), values.join(", "));
                let allowed = "two values, of which the second means that an image has it";
                return Err(Error::setting(name.clone(), found, allowed));
            }
            let (with, without): (Vec<usize>, Vec<usize>) =
                train.iter().partition(|&&i| index.labels(i)[attribute] == 1);
            for (images, value) in [(&with, &values[1]), (&without, &values[0])] {
                if images.len() < batch {
                    let found = format!("{} training images with {value:?}", images.len());
                    let allowed = format!("at least {batch}, as many as a batch takes");
                    return Err(Error::setting(name.clone(), found, allowed));
                }
            }
            let loader = |images: Vec<usize>, sign: &str| {
                Loader::new(format!("pairs {name} {sign}"), images, batch, seed)
            };
            Ok([loader(with, "with"), loader(without, "without")])
        };
        Ok(Self { loaders: attributes.iter().map(loaders).collect::<Result<_>>()? })
    }

    /// The images of step `step` (from 1) that have the attribute, and those that have it not;
    /// `attribute` counts within those that the sampler was made for.
    pub fn pair(&self, attribute: usize, step: u64) -> [Vec<usize>; 2] {
        self.loaders[attribute].each_ref().map(|loader| loader.batch(step))
    }
}

/// An endless loader.
#[derive(Debug)]
pub(crate) struct Loader {
    stream: String,
    images: Vec<u32>,
    batch: usize,
    seed: u64,
    /// The pass that was asked for last, and its order.
    pass: Mutex<Option<(u64, Vec<u32>)>>,
}

impl Loader {
    /// Takes at least `batch` images; `stream` names the draws.
    pub(crate) fn new(stream: String, images: Vec<usize>, batch: usize, seed: u64) -> Self {
        let images = images.into_iter().map(|i| i as u32).collect();
        Self { stream, images, batch, seed, pass: Mutex::default() }
    }

    /// How many whole batches a pass has.
    pub(crate) fn batches(&self) -> u64 {
        (self.images.len() / self.batch) as u64
    }

    /// The images of step `step`, from 1.
    pub(crate) fn batch(&self, step: u64) -> Vec<usize> {
        let batches = self.batches();
        let number = step.saturating_sub(1);
        let (pass, place) = (number / batches, (number % batches) as usize);
        // A panic elsewhere leaves the order whole: it is replaced in one piece.
        let mut kept = self.pass.lock().unwrap_or_else(PoisonError::into_inner);
        let order = match kept.take() {
            Some((known, order)) if known == pass => order,
            _ => {
                let mut order = self.images.clone();
                order.shuffle(&mut cir_core::rng(self.seed, &self.stream, pass));
                order
            }
        };
        let chosen = &order[place * self.batch..(place + 1) * self.batch];
        let chosen = chosen.iter().map(|&i| i as usize).collect();
        *kept = Some((pass, order));
        chosen
    }
}
