//! Inception-v3 as the FID has it (Szegedy et al., *Rethinking the Inception Architecture for Computer
//! Vision*, CVPR 2016; Heusel et al., NIPS 2017).
//!
//! The weights are those of pt_inception-2015-12-05 in pytorch-fid, with torchvision's names. That
//! network is not torchvision's: average pools leave the padding out of the mean, and Mixed_7c has a
//! maximum where Mixed_7b has a mean. Torchvision's own weights load too, but their features are then
//! others than torchvision's, and no FID.

mod blocks;
mod layers;

use std::path::Path;

use candle_core::{Device, Module, Result, Tensor};
use candle_nn::VarBuilder;
use cir_core::{Image, NamedTensors};

use self::{
    blocks::{STEM, blocks},
    layers::{Mixed, Sequence},
};
use super::{
    resize::{Filter, resize},
    stored::{read, strictly},
};

/// Side of the network's input.
const SIDE: usize = 299;

/// The network up to the 2048 numbers behind its last pool.
#[derive(Debug, Clone)]
pub struct Inception {
    stem: Sequence,
    mixed: Vec<Mixed>,
}

impl Inception {
    /// The network of a safetensors file; as [`Self::new`].
    ///
    /// # Errors
    /// When the file cannot be read, or as [`Self::new`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(&read(path.as_ref())?)
    }

    /// The network of `Conv2d_1a_3x3.conv.weight`, `Conv2d_1a_3x3.bn.running_mean`, … `fc.*`, `AuxLogits.*`
    /// and `*.num_batches_tracked` may be there too.
    ///
    /// # Errors
    /// When another tensor is there, one is missing, or has another shape.
    pub fn new(tensors: &NamedTensors) -> Result<Self> {
        let spared = |name: &str| {
            ["fc.", "AuxLogits."].iter().any(|start| name.starts_with(start))
                || name.ends_with(".num_batches_tracked")
        };
        strictly(tensors, spared, Self::build)
    }

    fn build(vb: VarBuilder) -> Result<Self> {
        let (stem, mut channels) = Sequence::new(3, STEM, &vb)?;
        let mut mixed = Vec::with_capacity(11);
        for (name, branches) in blocks() {
            let block = Mixed::new(channels, &branches, &vb.pp(name))?;
            channels = block.channels;
            mixed.push(block);
        }
        Ok(Self { stem, mixed })
    }

    /// 2048 features of each picture, resized as clean-fid does (Parmar et al., CVPR 2022): bicubic with
    /// Pillow's numbers, cut off at 0 and 255, not rounded. Grey pictures count as RGB.
    ///
    /// # Errors
    /// When a picture has no pixels.
    pub fn features(&self, images: &[Image]) -> Result<Vec<Vec<f32>>> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        self.forward(&input(images)?)?.to_vec2()
    }
}

impl Module for Inception {
    /// # Shapes
    /// (B, 3, 299, 299), between -1 and 1 → (B, 2048).
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.stem.forward(x)?;
        let x = self.mixed.iter().try_fold(x, |x, block| block.forward(&x))?;
        x.mean((2, 3))
    }
}

/// Pictures as the network expects them: 2x/255 - 1.
///
/// # Shapes
/// → (B, 3, 299, 299).
fn input(images: &[Image]) -> Result<Tensor> {
    let mut numbers = Vec::with_capacity(images.len() * 3 * SIDE * SIDE);
    for image in images {
        let from = [image.height(), image.width()];
        let channels: Vec<_> = (0..image.channels())
            .map(|c| {
                let bytes = image.data().iter().skip(c).step_by(image.channels());
                let plane: Vec<_> = bytes.map(|&x| f32::from(x)).collect();
                resize(&plane, from, [SIDE; 2], Filter::Bicubic)
            })
            .collect::<Result<_>>()?;
        for c in 0..3 {
            let plane = &channels[c.min(channels.len() - 1)];
            numbers.extend(plane.iter().map(|x| 2. * x.clamp(0., 255.) / 255. - 1.));
        }
    }
    Tensor::from_vec(numbers, (images.len(), 3, SIDE, SIDE), &Device::Cpu)
}
