//! The pairs of every attribute of a step as tensors: a pure function of (run seed, step).

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use cir_core::Image;
use cir_data::{DataSet, PairSampler, Result};

use crate::{ElegantConfig, ModelConfig, Pair};

/// The images of one step: a pair for each attribute, in order.
#[derive(Debug, Clone)]
pub struct PairBatch(pub Vec<Pair>);

/// Draws the pairs of every step.
pub struct Pairs {
    data: Arc<DataSet>,
    sampler: PairSampler,
    /// The place of each attribute in the data's schema.
    places: Vec<usize>,
}

impl Pairs {
    /// Pairs of `data`'s training images, as many a step as `config` says.
    ///
    /// # Errors
    /// When the data lacks an attribute, it has not two values, or too few images have one of them.
    pub fn new(data: Arc<DataSet>, config: &ElegantConfig, seed: u64) -> Result<Self> {
        let places = config.model.places(data.source.schema())?;
        let (train, batch) = (&data.split.train, config.sampling.batch);
        let sampler = PairSampler::new(&data.index, train, &places, batch, seed)?;
        Ok(Self { data, sampler, places })
    }

    /// The batch of training step `step` (from 1), on the CPU.
    ///
    /// # Errors
    /// When an image cannot be read.
    pub fn batch(&self, step: u64) -> Result<PairBatch> {
        let pair = |i| {
            let [with, without] = self.sampler.pair(i, step);
            self.tensors(&[with, without].concat())
        };
        Ok(PairBatch((0..self.places.len()).map(pair).collect::<Result<_>>()?))
    }

    fn tensors(&self, indices: &[usize]) -> Result<Pair> {
        let images =
            indices.iter().map(|&i| self.data.source.image(i)).collect::<Result<Vec<_>>>()?;
        let images = Image::to_tensor(&images, ModelConfig::RANGE, DType::F32, &Device::Cpu)?;
        let label = |&i: &usize| {
            let labels = self.data.index.labels(i);
            self.places.iter().map(|&place| f32::from(labels[place])).collect::<Vec<_>>()
        };
        let labels: Vec<_> = indices.iter().flat_map(label).collect();
        let labels = Tensor::from_vec(labels, (indices.len(), self.places.len()), &Device::Cpu)?;
        Ok(Pair { images, labels })
    }
}
