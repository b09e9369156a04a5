//! The pictures of an iteration as tensors: a pure function of (run seed, step).

use std::sync::Arc;

use candle_core::{DType, Device};
use cir_core::{Image, rng};
use cir_data::{DataSet, Place, Result, UnpairedSampler};
use rand::Rng as _;

use crate::{Domain, I2iConfig, ModelConfig, Sampling, Views, domain::both};

/// The pictures of one iteration, on the CPU.
#[derive(Debug, Clone)]
pub struct ViewBatch {
    /// Where in an epoch it is.
    pub place: Place,
    /// Its pictures.
    pub views: Views,
}

/// Draws the pictures of every iteration.
pub struct Batches {
    data: Arc<DataSet>,
    sampler: UnpairedSampler,
    sampling: Sampling,
    seed: u64,
}

impl Batches {
    /// Pictures of `data`'s training images.
    ///
    /// # Errors
    /// When the data lacks the domains' attribute, a domain is empty or too small, or its pictures are
    /// smaller than the crop.
    pub fn new(data: Arc<DataSet>, config: &I2iConfig, seed: u64) -> Result<Self> {
        config.check()?;
        let attribute = config.place(data.source.schema())?;
        config.check_data(&data)?;
        let (train, batch) = (&data.split.train, config.sampling.batch);
        let sampler = UnpairedSampler::new(&data.index, train, attribute, batch, seed)?;
        Ok(Self { data, sampler, sampling: config.sampling, seed })
    }

    /// The batch of step `step` (from 1).
    ///
    /// # Errors
    /// When a picture cannot be read.
    pub fn batch(&self, step: u64) -> Result<ViewBatch> {
        let indices = self.sampler.batch(step);
        let mut rng = rng(self.seed, "crops", step);
        let mut view = |index: &usize| self.view(&self.data.source.image(*index)?, &mut rng);
        let images = [
            indices[0].iter().map(&mut view).collect::<Result<Vec<_>>>()?,
            indices[1].iter().map(&mut view).collect::<Result<Vec<_>>>()?,
        ];
        let tensor = |images: &[Image]| {
            Image::to_tensor(images, ModelConfig::RANGE, DType::F32, &Device::Cpu)
        };
        let n = self.sampling.encoded;
        let views = Views {
            encoded: both(|x: Domain| tensor(&images[x.index()][..n]))?,
            others: both(|x: Domain| tensor(&images[x.index()][n..]))?,
        };
        Ok(ViewBatch { place: self.sampler.place(step), views })
    }

    /// A square cut out at random, mirrored or not.
    fn view(&self, image: &Image, rng: &mut cir_core::Rng) -> Result<Image> {
        let Sampling { crop, flip, .. } = self.sampling;
        let [left, top] =
            [image.width(), image.height()].map(|side| rng.random_range(0..=side - crop));
        let mirrored = rng.random::<bool>() && flip;
        let image = image.crop(left, top, crop)?;
        Ok(if mirrored { image.flipped() } else { image })
    }
}
