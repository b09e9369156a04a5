//! A trained network and what it is used for (i2i-dis.md, section 5): pictures translated to the other
//! domain, with a random attribute code or another picture's.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use cir_core::{Image, NamedTensors, Params, Partition, Result, Schema, rng};
use cir_data::{DataSet, Resize};
use cir_ops::Precision;
use serde::{Deserialize, Serialize};

use crate::{Domain, I2iConfig, ModelConfig, Translators, translations::gaussian};

/// Pictures decoded at once.
const BATCH: usize = 16;

/// What `model.safetensors` says of itself, so that nothing else is needed to use it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// `"i2i-dis"`.
    pub algorithm: String,
    /// Name of the data set it was trained on.
    pub data: String,
    /// The attribute whose two values are the domains.
    pub schema: Schema,
    /// Side of the data's pictures, and of those that commands read.
    pub size: usize,
    /// Side of the square in their centre that is translated: the side of the crops in training.
    pub crop: usize,
    /// Architecture.
    pub config: ModelConfig,
}

impl ModelCard {
    /// The card of a network that is trained on `data`.
    ///
    /// # Errors
    /// When the data lacks the domains' attribute.
    pub fn new(config: &I2iConfig, data: &DataSet) -> Result<Self> {
        let all = data.source.schema();
        let domains = all.attributes()[config.place(all)?].clone();
        Ok(Self {
            algorithm: <Self as cir_train::ModelCard>::ALGORITHM.into(),
            data: data.name.clone(),
            schema: Schema::new(vec![domains])?,
            size: data.size,
            crop: config.sampling.crop,
            config: config.model.clone(),
        })
    }

    /// `A to B` or back, by the domains' names.
    pub(crate) fn direction(&self, from: Domain) -> String {
        let names = self.domains();
        format!("{} to {}", names[from.index()], names[from.other().index()])
    }

    /// The names of the domains.
    pub fn domains(&self) -> &[String] {
        self.schema.attributes().first().map_or(&[], |domains| &domains.values)
    }
}

impl cir_train::ModelCard for ModelCard {
    const ALGORITHM: &'static str = "i2i-dis";

    fn check(&self) -> Result<()> {
        self.config.check()?;
        if self.crop == 0 || !self.crop.is_multiple_of(4) || self.crop > self.size {
            let allowed = format!("a positive multiple of 4, at most the size {}", self.size);
            return Err(cir_core::Error::setting("crop", self.crop, allowed));
        }
        match (self.schema.len(), self.domains().len()) {
            (1, 2) => Ok(()),
            (attributes, domains) => {
                let found = format!("{attributes} attributes, {domains} values of the first");
                Err(cir_core::Error::setting("schema", found, "one attribute of two values"))
            }
        }
    }
}

/// Encoders and generator with their card, on a device.
#[derive(Debug, Clone)]
pub struct Model {
    nets: Translators,
    partition: Partition,
    card: ModelCard,
    device: Device,
}

impl Model {
    /// A model of parameters as they are now and will be; `params` gives the store of each network.
    pub(crate) fn of(
        card: ModelCard,
        device: &Device,
        params: impl Fn(&str) -> Params,
    ) -> Result<Self> {
        let nets = Translators::new(&card.config, Precision::Full, DType::F32, device, params)?;
        Ok(Self { nets, partition: card.config.partition()?, card, device: device.clone() })
    }

    /// Reads a `model.safetensors`.
    ///
    /// # Errors
    /// When the file is no model of this algorithm, or a tensor is missing, unknown or misshapen, as
    /// all are of a model of the other form.
    pub fn load(path: &Path, device: &Device) -> cir_train::Result<Self> {
        let (card, params) = cir_train::open_model(path, |card: &ModelCard, params| {
            let store = |_: &str| params.clone();
            Translators::new(&card.config, Precision::Full, DType::F32, device, store).map(|_| ())
        })?;
        Ok(Self::of(card, device, |_| params.clone())?)
    }

    /// What is stored: encoders and generator under their published names, and the card.
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

    /// The partition: content and attribute.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// The attribute codes of pictures of `domain`: means, where they are distributions (the published
    /// program samples them).
    ///
    /// # Shapes
    /// B pictures → (B, nz).
    ///
    /// # Errors
    /// When there is no picture, or one cannot be resized.
    pub fn attribute(&self, domain: Domain, images: &[Image]) -> candle_core::Result<Tensor> {
        Ok(self.nets.attribute.encode(domain, &self.tensor(images)?)?.mean.detach())
    }

    /// `count` attribute codes, standard Gaussian, drawn from `seed`.
    ///
    /// # Shapes
    /// → (count, nz).
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn random(&self, count: usize, seed: u64) -> candle_core::Result<Tensor> {
        let shape = [count, self.card.config.attribute_width];
        gaussian(&mut rng(seed, "attribute codes", 0), &shape, DType::F32, &self.device)
    }

    /// A picture of domain `from`, shown in domain `to` with each of the attribute codes; with `to`
    /// being `from` it is remade.
    ///
    /// # Shapes
    /// `codes` (n, nz) → n pictures of side [`ModelCard::crop`].
    ///
    /// # Errors
    /// When the codes have another width, or the picture cannot be resized.
    pub fn translate(
        &self,
        image: &Image,
        from: Domain,
        to: Domain,
        codes: &Tensor,
    ) -> candle_core::Result<Vec<Image>> {
        let content = self.nets.content.encode(from, &self.tensor(std::slice::from_ref(image))?)?;
        let content = self.nets.generator.prepare(&content.detach())?;
        let count = codes.dim(0)?;
        let mut made = Vec::with_capacity(count);
        for start in (0..count).step_by(BATCH) {
            let codes = codes.narrow(0, start, BATCH.min(count - start))?;
            let content = content.repeat(codes.dim(0)?)?;
            let images = self.nets.generator.decode(to, &content, &codes)?;
            made.extend(Image::from_tensor(&images.detach(), ModelConfig::RANGE)?);
        }
        Ok(made)
    }

    /// What the networks see of a picture: resized to the data's side, the square in its centre.
    ///
    /// # Errors
    /// When it cannot be resized.
    pub fn view(&self, image: &Image) -> candle_core::Result<Image> {
        let ModelCard { size, crop, .. } = self.card;
        let corner = (size - crop) / 2;
        cir_data::resize(image, size, Resize::Bicubic)?.crop(corner, corner, crop)
    }

    /// The views of pictures.
    fn tensor(&self, images: &[Image]) -> candle_core::Result<Tensor> {
        let views = images.iter().map(|image| self.view(image));
        let images = views.collect::<candle_core::Result<Vec<_>>>()?;
        Image::to_tensor(&images, ModelConfig::RANGE, DType::F32, &self.device)
    }
}
