//! A trained network and what it is used for: encode, decode, swap, interpolate, synthesise.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use cir_core::{Error, Image, Latent, NamedTensors, Partition, Result, Schema, Tile, rng};
use cir_data::DataSet;
use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};

use crate::{Autoencoder, ModelConfig, Output};

/// Training images that a value's prototype is the mean of.
const PROTOTYPE_IMAGES: usize = 8;

/// What `model.safetensors` says of itself, so that nothing else is needed to use it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// `"gzs"`.
    pub algorithm: String,
    /// Name of the data set it was trained on.
    pub data: String,
    /// Attributes and their values.
    pub schema: Schema,
    /// Architecture and partition.
    pub config: ModelConfig,
    /// For each block, in order, and each value of its attribute, the mean of that block over some
    /// training images that show the value.
    pub prototypes: Vec<Vec<Vec<f32>>>,
}

impl ModelCard {
    /// The card of a network that is not trained yet.
    pub fn new(config: &ModelConfig, data: &DataSet) -> Self {
        Self {
            algorithm: <Self as cir_train::ModelCard>::ALGORITHM.into(),
            data: data.name.clone(),
            schema: data.source.schema().clone(),
            config: config.clone(),
            prototypes: Vec::new(),
        }
    }
}

impl cir_train::ModelCard for ModelCard {
    const ALGORITHM: &'static str = "gzs";

    fn check(&self) -> Result<()> {
        self.config.check()?;
        self.config.check_schema(&self.schema)
    }
}

/// A network with its card, on a device.
#[derive(Debug, Clone)]
pub struct Model {
    net: Autoencoder,
    card: ModelCard,
    device: Device,
}

impl Model {
    pub(crate) fn new(net: Autoencoder, card: ModelCard, device: &Device) -> Self {
        Self { net, card, device: device.clone() }
    }

    /// Reads a `model.safetensors`.
    ///
    /// # Errors
    /// When the file is no model of this algorithm, or a tensor is missing, unknown or misshapen.
    pub fn load(path: &Path, device: &Device) -> cir_train::Result<Self> {
        let (card, params) = cir_train::open_model(path, |card: &ModelCard, params| {
            Autoencoder::new(&card.config, params.builder(DType::F32, device)).map(|_| ())
        })?;
        Ok(Self::new(Autoencoder::fixed(&card.config, &params, device)?, card, device))
    }

    /// What is stored: the parameters under their published names, and the card.
    pub(crate) fn stored(
        &self,
        tensors: NamedTensors,
        data: &DataSet,
    ) -> candle_core::Result<cir_train::Model> {
        let card = ModelCard { prototypes: self.prototypes(data)?, ..self.card.clone() };
        let card = serde_json::to_string(&card).map_err(candle_core::Error::wrap)?;
        Ok(cir_train::Model { tensors, card })
    }

    /// What the model says of itself.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// Encoder and decoder.
    pub fn net(&self) -> &Autoencoder {
        &self.net
    }

    /// Where the parameters lie.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The partition of the latent.
    pub fn partition(&self) -> &Partition {
        &self.card.config.blocks
    }

    /// The latents of pictures of the model's size.
    ///
    /// # Shapes
    /// B pictures → one code (B, z_dim).
    ///
    /// # Errors
    /// When there is no picture or one has another size.
    pub fn encode(&self, images: &[Image]) -> candle_core::Result<Latent> {
        let x = Image::to_tensor(images, self.card.config.range(), DType::F32, &self.device)?;
        Ok(self.net.encode(&x)?.detach())
    }

    /// The pictures of latents.
    ///
    /// # Shapes
    /// One code (B, z_dim) → B pictures.
    ///
    /// # Errors
    /// When the code has another width.
    pub fn decode(&self, latent: &Latent) -> candle_core::Result<Vec<Image>> {
        let x = self.net.decode(latent)?.detach();
        let x = match self.card.config.output {
            Output::Tanh => x,
            Output::Logits => candle_nn::ops::sigmoid(&x)?,
        };
        Image::from_tensor(&x, self.card.config.range())
    }

    /// `source` with the moves of each tile towards `targets`, such as the exchange of one block.
    ///
    /// # Errors
    /// When a picture has another size, or a move names no target.
    pub fn edits(
        &self,
        source: &Image,
        targets: &[Image],
        tiles: &[Tile],
    ) -> candle_core::Result<Vec<Image>> {
        let encode = |image| self.encode(std::slice::from_ref(image));
        let targets = targets.iter().map(encode).collect::<candle_core::Result<Vec<_>>>()?;
        self.decode(&self.partition().moved(&encode(source)?, &targets, tiles)?)
    }

    /// The picture whose block j is that of `donors[j]`.
    ///
    /// # Errors
    /// When there is not one donor for each block.
    pub fn synthesise(&self, donors: &[&Latent]) -> candle_core::Result<Image> {
        self.decode_one(&self.partition().combine(donors)?)
    }

    /// A latent whose block for `attribute` is the prototype of `value`; the other blocks are zero.
    ///
    /// # Errors
    /// When the attribute or the value does not exist.
    pub fn prototype(&self, attribute: &str, value: &str) -> Result<Latent> {
        let schema = &self.card.schema;
        let v = schema.value(schema.attribute(attribute)?, value)?;
        let j = self.partition().index(attribute)?;
        let Some(numbers) = self.card.prototypes.get(j).and_then(|p| p.get(usize::from(v))) else {
            return Err(Error::setting(attribute, "no prototypes in this model", "pictures"));
        };
        let part = |i: usize| match i == j {
            true => Tensor::new(&**numbers, &self.device)?.unsqueeze(0),
            false => {
                Tensor::zeros((1, self.partition().blocks()[i].width()), DType::F32, &self.device)
            }
        };
        let parts =
            (0..self.partition().len()).map(part).collect::<candle_core::Result<Vec<_>>>()?;
        Ok(self.partition().join(&parts)?)
    }

    fn decode_one(&self, latent: &Latent) -> candle_core::Result<Image> {
        match self.decode(latent)?.pop() {
            Some(image) => Ok(image),
            None => candle_core::bail!("an empty batch of latents"),
        }
    }

    /// For each block and value the mean over a few training images, always the same ones.
    fn prototypes(&self, data: &DataSet) -> candle_core::Result<Vec<Vec<Vec<f32>>>> {
        let shown = data.shown_in_training().map_err(candle_core::Error::wrap)?;
        let of_value = |j: usize, value: usize, images: &[u32]| {
            let mut rng = rng(0, &self.partition().blocks()[j].name, value as u64);
            let chosen = images.choose_multiple(&mut rng, PROTOTYPE_IMAGES);
            let images = chosen.map(|&i| data.source.image(i as usize));
            let images = images.collect::<cir_data::Result<Vec<_>>>();
            let z = self.encode(&images.map_err(candle_core::Error::wrap)?)?;
            self.partition().get(&z, j)?.mean(0)?.to_vec1()
        };
        let of_block = |(j, values): (usize, &Vec<Vec<u32>>)| {
            values.iter().enumerate().map(|(value, images)| of_value(j, value, images)).collect()
        };
        shown.iter().enumerate().map(of_block).collect()
    }
}
