//! What can be set: the network's sizes and the loss.

use candle_core::{Result as TensorResult, Tensor};
use cir_core::{Error, Partition, PixelRange, Result, Schema, check_initialisation, check_weights};
use cir_ops::{Activation, Initialisation};
use serde::{Deserialize, Serialize};

use crate::MixKind;

/// Sizes of the network (gzs.md, section 1) and the partition of its latent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Side S of the square images, a multiple of 2^depth.
    pub image_size: usize,
    /// 1 or 3.
    pub image_channels: usize,
    /// Channels c after the first convolution.
    pub conv_dim: usize,
    /// How often the picture is halved on its way to the linear layers, 1 to 4; 4 as published. Small
    /// pictures want fewer.
    #[serde(default = "published_depth")]
    pub depth: usize,
    /// Side of the first and the last convolution's kernel, odd; 7 as published.
    #[serde(default = "published_edge_kernel")]
    pub edge_kernel: usize,
    /// Width h of the hidden linear layer.
    pub hidden: usize,
    /// Residual blocks r on each side of the bottleneck.
    pub repeat_num: usize,
    /// Width of the latent vector.
    pub z_dim: usize,
    /// What the decoder ends with.
    pub output: Output,
    /// What follows each convolution.
    pub norm: Norm,
    /// Slope of the activations below 0; 0 as published, a ReLU. Above 0 a unit always has a gradient:
    /// without norms, and at large learning rates, ReLUs end up at 0 for every picture.
    #[serde(default)]
    pub negative_slope: f64,
    /// How weights start.
    pub initialisation: Initialisation,
    /// The partition: one block for each attribute.
    pub blocks: Partition,
}

fn published_depth() -> usize {
    4
}

fn published_edge_kernel() -> usize {
    7
}

/// What follows each convolution but the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// Instance normalisation, as published; convolutions have no bias.
    Instance,
    /// Nothing; convolutions have a bias. Without norms small networks on small pictures learn in
    /// a fraction of the steps, since no colour is divided away.
    None,
}

/// What the decoder ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// tanh: images in [-1, 1].
    Tanh,
    /// Nothing: the logits of images in [0, 1].
    Logits,
}

impl ModelConfig {
    /// What follows all layers but the last of encoder and decoder.
    pub(crate) fn activation(&self) -> Activation {
        if self.negative_slope == 0. {
            Activation::Relu
        } else {
            Activation::LeakyRelu(self.negative_slope)
        }
    }

    /// The range of the images that the output can produce.
    pub fn range(&self) -> PixelRange {
        match self.output {
            Output::Tanh => PixelRange::Signed,
            Output::Logits => PixelRange::Unit,
        }
    }

    /// Checks the sizes, and how weights start.
    ///
    /// # Errors
    /// When one is out of range or the blocks do not cover the latent.
    pub fn check(&self) -> Result<()> {
        let field = |name: &str| format!("model.{name}");
        if !(1..=4).contains(&self.depth) {
            return Err(Error::setting(field("depth"), self.depth, "1 to 4"));
        }
        let halved = 1 << self.depth;
        if self.image_size == 0 || !self.image_size.is_multiple_of(halved) {
            let allowed = format!("a positive multiple of {halved}, as model.depth demands");
            return Err(Error::setting(field("image_size"), self.image_size, allowed));
        }
        if self.edge_kernel.is_multiple_of(2) || self.edge_kernel > self.image_size {
            let allowed = "an odd number up to image_size";
            return Err(Error::setting(field("edge_kernel"), self.edge_kernel, allowed));
        }
        if !matches!(self.image_channels, 1 | 3) {
            return Err(Error::setting(field("image_channels"), self.image_channels, "1 or 3"));
        }
        let positive =
            [("conv_dim", self.conv_dim), ("hidden", self.hidden), ("z_dim", self.z_dim)];
        if let Some((name, _)) = positive.iter().find(|(_, n)| *n == 0) {
            return Err(Error::setting(field(name), 0, "at least 1"));
        }
        if self.blocks.blocks().iter().any(|b| b.code != 0) {
            return Err(Error::setting(field("blocks"), "a second code", "blocks of one vector"));
        }
        if !(0. ..=1.).contains(&self.negative_slope) {
            return Err(Error::setting(field("negative_slope"), self.negative_slope, "0 to 1"));
        }
        check_initialisation(self.initialisation)?;
        self.blocks.check_width("model.blocks", 0, self.z_dim)
    }

    /// Checks the blocks against the attributes of the data.
    ///
    /// # Errors
    /// Names both.
    pub fn check_schema(&self, schema: &Schema) -> Result<()> {
        let blocks: Vec<_> = self.blocks.blocks().iter().map(|b| &*b.name).collect();
        let attributes: Vec<_> = schema.attributes().iter().map(|a| &*a.name).collect();
        if blocks == attributes {
            return Ok(());
        }
        let allowed = format!("the data's attributes in their order: {}", attributes.join(", "));
        Err(Error::setting("model.blocks", blocks.join(", "), allowed))
    }
}

/// How a picture, or a block of a latent, is compared with its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// Mean absolute difference, as published.
    L1,
    /// Mean squared difference.
    Mse,
    /// Binary cross entropy with logits, summed over all axes but the batch (dSprites, for latents
    /// too).
    Bernoulli,
}

impl Comparison {
    /// One distance for each of `groups` equal parts of a batch.
    ///
    /// # Shapes
    /// (groups · B, …) twice → (groups).
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn groups(self, found: &Tensor, target: &Tensor, groups: usize) -> TensorResult<Tensor> {
        match self {
            Self::L1 => cir_ops::l1_groups(found, target, groups),
            Self::Mse => cir_ops::mse_groups(found, target, groups),
            Self::Bernoulli => cir_ops::bce_groups(found, target, groups),
        }
    }
}

/// Which images a step takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// A centre, and for each attribute a partner that shares this attribute and no other.
    Group,
    /// For each attribute any two images that share it; no combination term.
    SampleEdge,
}

/// Which image's latent the centre's moves towards in the CIR term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CirOther {
    /// A partner drawn at every step.
    Random,
    /// The partner of the named block (the authors' Fonts code: the letter's).
    Partner(String),
}

/// The terms of the loss and their weights (gzs.md, section 2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossConfig {
    /// Distance of decoded images to their targets.
    pub image: Comparison,
    /// Distance of the unsupervised combination's latents.
    pub latent: Comparison,
    /// Weight of swaps and combination.
    pub lambda_combine: f64,
    /// What the combination weighs, in multiples of a swap; 1 as published.
    #[serde(default = "published_combination")]
    pub combination: f64,
    /// Weight of the unsupervised combination.
    pub lambda_unsup: f64,
    /// Weight of the cycle swap.
    pub lambda_cycle: f64,
    /// The other image of a CIR pair.
    pub cir_other: CirOther,
    /// Compute and log unsupervised and cycle terms even at weight 0, as the published program does.
    #[serde(default)]
    pub log_unweighted: bool,
    /// Most images decoded before their gradient is taken; 0 for all of a step at once. Bounds the
    /// memory of a step and changes nothing else.
    #[serde(default)]
    pub images_per_pass: usize,
}

fn published_combination() -> f64 {
    1.
}

impl LossConfig {
    /// Whether a term of this weight is computed.
    pub(crate) fn computes(&self, weight: f64) -> bool {
        weight > 0. || self.log_unweighted
    }

    /// The weight of a decoded picture's distance in the loss.
    pub fn weight(&self, kind: MixKind) -> f64 {
        match kind {
            MixKind::Reconstruction => 1.,
            MixKind::Swap => self.lambda_combine,
            MixKind::Combination => self.lambda_combine * self.combination,
        }
    }

    /// Checks the weights, and the distances against the network's output.
    ///
    /// # Errors
    /// When a value is out of range.
    pub fn check(&self, model: &ModelConfig) -> Result<()> {
        check_weights(&[
            ("lambda_combine", self.lambda_combine),
            ("combination", self.combination),
            ("lambda_unsup", self.lambda_unsup),
            ("lambda_cycle", self.lambda_cycle),
        ])?;
        match (self.image, model.output) {
            (Comparison::Bernoulli, Output::Tanh) => {
                let found = "\"bernoulli\" with model.output = \"tanh\"";
                return Err(Error::setting(
                    "loss.image",
                    found,
                    "l1 or mse, or output = \"logits\"",
                ));
            }
            (Comparison::L1 | Comparison::Mse, Output::Logits) => {
                let found = "l1 or mse with model.output = \"logits\"";
                return Err(Error::setting("loss.image", found, "bernoulli, or output = \"tanh\""));
            }
            _ => {}
        }
        match &self.cir_other {
            CirOther::Partner(name) => match model.blocks.index(name) {
                Ok(_) => Ok(()),
                Err(e) => Err(e.at("loss.cir_other")),
            },
            CirOther::Random => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_combination_weighs_its_multiple_of_a_swap() {
        let loss = LossConfig {
            image: Comparison::L1,
            latent: Comparison::L1,
            lambda_combine: 0.5,
            combination: 4.,
            lambda_unsup: 0.,
            lambda_cycle: 0.,
            cir_other: CirOther::Random,
            log_unweighted: false,
            images_per_pass: 0,
        };
        let kinds = [MixKind::Reconstruction, MixKind::Swap, MixKind::Combination];
        assert_eq!(kinds.map(|kind| loss.weight(kind)), [1., 0.5, 2.]);
    }
}
