//! A trained network and what it is used for (elegant.md, section 4): one picture with blocks moved
//! towards those of others.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use cir_core::{Image, Latent, NamedTensors, Params, Partition, Result, Schema, Tile};
use cir_data::{DataSet, Resize};
use serde::{Deserialize, Serialize};

use crate::{Discriminators, Exchange, Generator, ModelConfig, Pair, network::added};

/// Pictures decoded at once.
const BATCH: usize = 32;

/// What `model.safetensors` says of itself, so that nothing else is needed to use it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// `"elegant"`.
    pub algorithm: String,
    /// Name of the data set it was trained on.
    pub data: String,
    /// The attributes of the blocks, in their order, and their values.
    pub schema: Schema,
    /// Architecture and partition.
    pub config: ModelConfig,
}

impl ModelCard {
    /// The card of a network that is trained on `data`.
    ///
    /// # Errors
    /// When the data lacks an attribute.
    pub fn new(config: &ModelConfig, data: &DataSet) -> Result<Self> {
        let all = data.source.schema();
        let own = config.places(all)?.into_iter().map(|place| all.attributes()[place].clone());
        Ok(Self {
            algorithm: <Self as cir_train::ModelCard>::ALGORITHM.into(),
            data: data.name.clone(),
            schema: Schema::new(own.collect())?,
            config: config.clone(),
        })
    }
}

impl cir_train::ModelCard for ModelCard {
    const ALGORITHM: &'static str = "elegant";

    fn check(&self) -> Result<()> {
        self.config.check()?;
        let names: Vec<_> = self.schema.attributes().iter().map(|a| a.name.clone()).collect();
        if names != self.config.attributes {
            let allowed = format!("those of its schema: {}", names.join(", "));
            let found = self.config.attributes.join(", ");
            return Err(cir_core::Error::setting("model.attributes", found, allowed));
        }
        Ok(())
    }
}

/// Encoder and decoder with their card, on a device.
#[derive(Debug, Clone)]
pub struct Model {
    net: Generator,
    partition: Partition,
    card: ModelCard,
    device: Device,
}

impl Model {
    pub(crate) fn new(net: Generator, card: ModelCard, device: &Device) -> Result<Self> {
        Ok(Self { net, partition: card.config.partition()?, card, device: device.clone() })
    }

    /// Reads a `model.safetensors`.
    ///
    /// # Errors
    /// When the file is no model of this algorithm, or a tensor is missing, unknown or misshapen.
    pub fn load(path: &Path, device: &Device) -> cir_train::Result<Self> {
        let (card, params) = cir_train::open_model(path, |card: &ModelCard, params| {
            all_networks(&card.config, params, device)
        })?;
        Ok(Self::new(Generator::fixed(&card.config, &params, device)?, card, device)?)
    }

    /// A model of given tensors, such as published ones ([`crate::from_published`]).
    ///
    /// # Errors
    /// When a setting is out of range, or a tensor is missing, unknown or misshapen: an attribute too
    /// many or too few shows in the discriminators' first convolution.
    pub fn from_tensors(card: ModelCard, tensors: &NamedTensors, device: &Device) -> Result<Self> {
        cir_train::ModelCard::check(&card)?;
        let params = Params::zeros();
        all_networks(&card.config, &params, device)?;
        params.load(tensors)?;
        Self::new(Generator::fixed(&card.config, &params, device)?, card, device)
    }

    /// What is stored: all four networks under their published names, and the card.
    pub(crate) fn stored(&self, tensors: NamedTensors) -> candle_core::Result<cir_train::Model> {
        let card = serde_json::to_string(&self.card).map_err(candle_core::Error::wrap)?;
        Ok(cir_train::Model { tensors, card })
    }

    /// What the model says of itself.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// Where the parameters lie.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Encoder and decoder.
    pub fn net(&self) -> &Generator {
        &self.net
    }

    /// The partition of the code.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// The codes of pictures, those of another size resized.
    ///
    /// # Shapes
    /// B pictures → one code (B, width, S / 2^stages, S / 2^stages).
    ///
    /// # Errors
    /// When there is no picture, or one cannot be resized.
    pub fn encode(&self, images: &[Image]) -> candle_core::Result<Latent> {
        Ok(self.net.encode(&self.tensor(images)?)?.code.detach())
    }

    /// `source` with the moves of each tile towards `targets`. A picture of another size than the
    /// model's keeps it: the residual is computed at the model's size, resized, and added.
    ///
    /// # Errors
    /// When a move names no target, or a picture cannot be resized.
    pub fn edits(
        &self,
        source: &Image,
        targets: &[Image],
        tiles: &[Tile],
    ) -> candle_core::Result<Vec<Image>> {
        let one = std::slice::from_ref(source);
        let own = self.net.encode(&self.tensor(one)?)?;
        let encode = |image| self.encode(std::slice::from_ref(image));
        let targets = targets.iter().map(encode).collect::<candle_core::Result<Vec<_>>>()?;
        let photo = Image::to_tensor(one, ModelConfig::RANGE, DType::F32, &self.device)?;
        let mut made = Vec::with_capacity(tiles.len());
        for tiles in tiles.chunks(BATCH) {
            let codes = self.partition.moved(&own.code, &targets, tiles)?;
            let own = own.map(|x| Tensor::cat(&vec![x; tiles.len()], 0))?;
            let residual = self.net.residual(&codes, &own)?.detach();
            let residual = stretched(&residual, source.height(), source.width())?;
            made.extend(Image::from_tensor(&added(&photo, &residual)?, ModelConfig::RANGE)?);
        }
        Ok(made)
    }

    /// Block `block` exchanged between pictures, brought to the model's size: for each of `a` and its
    /// partner in `b` A1, B1, C and D.
    ///
    /// # Errors
    /// When there is no picture, or not as many of `a` as of `b`.
    pub fn exchange(
        &self,
        block: usize,
        a: &[Image],
        b: &[Image],
    ) -> candle_core::Result<[Vec<Image>; 4]> {
        if a.len() != b.len() {
            candle_core::bail!("exchange: {} pictures and {} partners", a.len(), b.len());
        }
        let images = [a, b].map(|images| self.tensor(images));
        let [a_tensor, b_tensor] = images;
        let images = Tensor::cat(&[a_tensor?, b_tensor?], 0)?;
        let labels = Tensor::zeros((2 * a.len(), self.partition.len()), DType::F32, &self.device)?;
        let made =
            Exchange::new(&self.net, &self.partition, block, &Pair { images, labels }, None)?;
        let mut made = Image::from_tensor(&made.images.detach(), ModelConfig::RANGE)?.into_iter();
        Ok(std::array::from_fn(|_| made.by_ref().take(a.len()).collect()))
    }

    /// Pictures at the model's size.
    fn tensor(&self, images: &[Image]) -> candle_core::Result<Tensor> {
        let side = self.card.config.image_size;
        let resized = |image: &Image| cir_data::resize(image, side, Resize::Exact);
        let images = images.iter().map(resized).collect::<candle_core::Result<Vec<_>>>()?;
        Image::to_tensor(&images, ModelConfig::RANGE, DType::F32, &self.device)
    }
}

/// Fails unless all four networks can be made; `params` then holds them.
fn all_networks(config: &ModelConfig, params: &Params, device: &Device) -> candle_core::Result<()> {
    Generator::new(config, params.builder(DType::F32, device))?;
    Discriminators::new(config, params.builder(DType::F32, device)).map(|_| ())
}

/// Bilinear, corners of pixels on corners: rows and columns are weighted by two small matrices.
///
/// # Shapes
/// (B, C, h, w) → (B, C, height, width).
fn stretched(x: &Tensor, height: usize, width: usize) -> candle_core::Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if (h, w) == (height, width) {
        return Ok(x.clone());
    }
    let weights = |from: usize, to: usize| {
        let mut weights = vec![0f32; to * from];
        for (i, row) in weights.chunks_exact_mut(from).enumerate() {
            let place = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
            let place = place.clamp(0., (from - 1) as f64);
            let (near, share) = (place.floor() as usize, place.fract() as f32);
            row[near] += 1. - share;
            row[(near + 1).min(from - 1)] += share;
        }
        Tensor::from_vec(weights, (to, from), x.device())
    };
    let rows = weights(h, height)?.broadcast_matmul(&x.contiguous()?)?;
    rows.broadcast_matmul(&weights(w, width)?.t()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretched_residual_keeps_its_mean_and_its_ends() {
        let x = Tensor::new(&[[[[0f32, 1.], [2., 3.]]]], &Device::Cpu).unwrap();
        let y = stretched(&x, 2, 4).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(y, [0., 0.25, 0.75, 1., 2., 2.25, 2.75, 3.]);
        let same = stretched(&x, 2, 2).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(same, [0., 1., 2., 3.]);
    }
}
