//! Groups of images as one tensor a step: a pure function of (run seed, step).

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use cir_core::{Image, PixelRange, rng};
use cir_data::{DataSet, EdgeSampler, GroupSampler, Result};
use rand::Rng as _;

use crate::{GzsConfig, Roles, Strategy};

/// The images of one step.
#[derive(Debug, Clone)]
pub struct GroupBatch {
    /// (images of a group · batch, C, S, S), image by image.
    pub images: Tensor,
}

/// Draws the groups of every step.
pub struct Groups {
    data: Arc<DataSet>,
    sampler: Sampler,
    roles: Roles,
    batch: usize,
    range: PixelRange,
    seed: u64,
}

enum Sampler {
    Group(GroupSampler),
    Edge(EdgeSampler),
}

impl Groups {
    /// Groups of `data`'s training images, as many a step as `config` says.
    ///
    /// # Errors
    /// When an attribute has a value for which no partner exists.
    pub fn new(data: Arc<DataSet>, config: &GzsConfig, seed: u64) -> Result<Self> {
        let (index, train) = (&data.index, &data.split.train);
        let sampler = match config.sampling.strategy {
            Strategy::Group => Sampler::Group(GroupSampler::new(index, train)?),
            Strategy::SampleEdge => Sampler::Edge(EdgeSampler::new(index, train)?),
        };
        Ok(Self {
            data,
            sampler,
            roles: config.roles(),
            batch: config.sampling.batch,
            range: config.model.range(),
            seed,
        })
    }

    /// The batch of training step `step`, on the CPU.
    ///
    /// # Errors
    /// When an image cannot be read.
    pub fn batch(&self, step: u64) -> Result<GroupBatch> {
        let mut rng = rng(self.seed, "groups", step);
        let train = &self.data.split.train;
        let mut groups = Vec::with_capacity(self.batch);
        for _ in 0..self.batch {
            let mut images = match &self.sampler {
                Sampler::Group(sampler) => {
                    let group = sampler.group(&mut rng)?;
                    std::iter::once(group.centre).chain(group.partners).collect::<Vec<_>>()
                }
                Sampler::Edge(sampler) => {
                    let edges = sampler.edges(&mut rng);
                    edges.into_iter().flat_map(|e| [e.centre, e.partner]).collect()
                }
            };
            if self.roles.cycle.is_some() {
                images.push(train[rng.random_range(0..train.len())]);
            }
            groups.push(images);
        }
        let count = self.roles.images.len();
        let indices = (0..count).flat_map(|i| groups.iter().map(move |group| group[i]));
        let images: Vec<_> = indices.map(|i| self.data.source.image(i)).collect::<Result<_>>()?;
        let images = Image::to_tensor(&images, self.range, DType::F32, &Device::Cpu)?;
        Ok(GroupBatch { images })
    }
}
