//! What can be set: the networks' sizes, the weights of the terms, the updates.

use cir_core::{
    AdamConfig, Cir, CirConfig, Error, LrSchedule, Moved, Partition, PixelRange, Result, Scale,
    Schema, check_initialisation,
};
use cir_data::DataSet;
use cir_metrics::EvaluationConfig;
use cir_ops::{Initialisation, Precision};
use serde::{Deserialize, Serialize};

use crate::LossConfig;

/// The blocks of the partition, each a code of its own.
pub const BLOCKS: [&str; 2] = ["content", "attribute"];

/// How the attribute code enters the generator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Appended to the channels; the code is sampled from a distribution.
    #[default]
    Concat,
    /// It modulates residual blocks, for domains that differ in shape (portraits); no distribution.
    FeatureWise,
}

/// Sizes of the networks (i2i-dis.md, section 2); every default is the published value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// `concat` or `feature-wise`.
    pub form: Form,
    /// 3, or 1 for grey pictures.
    pub image_channels: usize,
    /// Channels after the first convolutions; all others are multiples.
    pub width: usize,
    /// Numbers of an attribute code.
    pub attribute_width: usize,
    /// Residual blocks of each domain's content encoder, and of its generator in the `concat` form.
    pub blocks: usize,
    /// Scales at which a discriminator of pictures looks.
    pub scales: usize,
    /// Whether the weights of these discriminators are divided by their largest singular value.
    pub spectral_norm: bool,
    /// Halving stages of the content discriminator; the published three need a crop of 212 px.
    pub content_stages: usize,
    /// Whether the generator's transposed convolutions are smoothed, against dots two pixels apart;
    /// not so as published.
    pub smooth: bool,
    /// How the weights of convolutions start.
    pub initialisation: Initialisation,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            form: Form::Concat,
            image_channels: 3,
            width: 64,
            attribute_width: 8,
            blocks: 3,
            scales: 3,
            spectral_norm: false,
            content_stages: 3,
            smooth: false,
            initialisation: Initialisation::Normal(0.02),
        }
    }
}

impl ModelConfig {
    /// The output is a picture in [-1, 1].
    pub const RANGE: PixelRange = PixelRange::Signed;

    /// Checks the sizes, and how weights start.
    ///
    /// # Errors
    /// Names the field, the value and what is allowed.
    pub fn check(&self) -> Result<()> {
        if !matches!(self.image_channels, 1 | 3) {
            return Err(Error::setting("model.image_channels", self.image_channels, "1 or 3"));
        }
        let counts = [
            ("width", self.width, 1..=1024),
            ("attribute_width", self.attribute_width, 1..=1024),
            ("blocks", self.blocks, 0..=16),
            ("scales", self.scales, 1..=8),
            ("content_stages", self.content_stages, 0..=8),
        ];
        for (name, found, allowed) in counts {
            if !allowed.contains(&found) {
                let allowed = format!("{} to {}", allowed.start(), allowed.end());
                return Err(Error::setting(format!("model.{name}"), found, allowed));
            }
        }
        check_initialisation(self.initialisation)
    }

    /// Content and attribute, each a code.
    ///
    /// # Errors
    /// When a width is 0.
    pub fn partition(&self) -> Result<Partition> {
        Partition::of_codes(BLOCKS.into_iter().zip([4 * self.width, self.attribute_width]))
    }

    /// Checks that all networks can be trained on pictures of side `crop`.
    ///
    /// # Errors
    /// Names the field that a discriminator's stages do not fit, and the smallest side that does.
    pub fn check_crop(&self, crop: usize) -> Result<()> {
        if crop == 0 || !crop.is_multiple_of(4) {
            return Err(Error::setting("sampling.crop", crop, "a positive multiple of 4"));
        }
        // disContent takes a quarter of the side, n to ⌊(n − 3) / 2⌋ in each stage, more than 3 at its end;
        // those of pictures reflect by 1, so more than one pixel before each of their halvings.
        let content = 4 * ((7 << self.content_stages) - 3);
        let pictures = if self.scales > 1 { (15 << (self.scales - 1)) + 1 } else { 33 };
        for (field, found, least) in
            [("content_stages", self.content_stages, content), ("scales", self.scales, pictures)]
        {
            if crop < least {
                let found = format!("{found} with a sampling.crop of {crop}");
                let allowed = format!("it with a crop of at least {}", least.next_multiple_of(4));
                return Err(Error::setting(format!("model.{field}"), found, allowed));
            }
        }
        Ok(())
    }
}

/// Adam of every network, each with moments of its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimisers {
    /// Of encoders, generator and discriminators of pictures.
    pub networks: AdamConfig,
    /// Of the content discriminator.
    pub content_discriminator: AdamConfig,
    /// The largest L2 norm of the content discriminator's gradient; longer ones are scaled to it.
    pub clip: f64,
}

/// Which pictures an iteration takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Pictures of each domain.
    pub batch: usize,
    /// How many of them are encoded and translated, 1 as published; the others only show the
    /// discriminators of random translations what is real, and CIR where to move.
    pub encoded: usize,
    /// Side of the square cut out of every picture.
    pub crop: usize,
    /// Whether every other picture, at random, is mirrored.
    pub flip: bool,
}

/// Which networks an iteration updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// One of so many iterations is full, the others update the content discriminator alone;
    /// 3 as published.
    pub full_every: u64,
    /// What the second update of content encoder and generator is computed with.
    pub second: Second,
}

impl Updates {
    /// Whether an iteration, counted from 0 in an epoch of `length`, is full: every
    /// `full_every`th and, as published, the epoch's last two.
    pub fn is_full(&self, iteration: u64, length: u64) -> bool {
        (iteration + 1).is_multiple_of(self.full_every) || iteration + 2 >= length
    }
}

/// What the gradient of the second update of content encoder and generator is computed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Second {
    /// As published: the activations from before the first update, multiplied with the weights after
    /// it (i2i-dis.md, section 4). It is the gradient of nothing.
    Stale,
    /// The weights that made the activations: the gradient of the second phase's loss before the
    /// first update.
    Clean,
}

/// What the learning rate's schedule counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Iterations.
    #[default]
    Iterations,
    /// Epochs of the larger domain, as published.
    Epochs,
}

/// The sections of a recipe that belong to this algorithm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct I2iConfig {
    /// What convolutions multiply in while training; a trained model is used at full precision.
    #[serde(default)]
    pub precision: Precision,
    /// What `schedule` counts.
    #[serde(default)]
    pub schedule_in: Unit,
    /// The data's attribute whose two values are the domains.
    #[serde(default = "domain")]
    pub domain: String,
    /// Networks.
    pub model: ModelConfig,
    /// Which pictures an iteration takes.
    pub sampling: Sampling,
    /// Which networks an iteration updates.
    pub updates: Updates,
    /// Weights of the terms.
    pub loss: LossConfig,
    /// The CIR terms: `moved` lists the codes that move, each in a term of its own.
    pub cir: CirConfig,
    /// Whether content carries noise in the CIR terms, as in training everywhere else, fresh when it is
    /// encoded again; without, the distance has no floor.
    #[serde(default = "yes")]
    pub cir_noise: bool,
    /// All optimisers.
    pub optimiser: Optimisers,
    /// How all learning rates change.
    pub schedule: LrSchedule,
    /// How it is scored.
    pub evaluation: EvaluationConfig,
}

fn domain() -> String {
    "domain".into()
}

fn yes() -> bool {
    true
}

impl I2iConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the field, the value and what is allowed.
    pub fn check(&self) -> Result<()> {
        self.model.check()?;
        self.model.check_crop(self.sampling.crop)?;
        self.loss.check()?;
        self.optimiser.networks.check("optimiser.networks")?;
        self.optimiser.content_discriminator.check("optimiser.content_discriminator")?;
        let clip = self.optimiser.clip;
        if clip.is_nan() || clip <= 0. {
            return Err(Error::setting("optimiser.clip", clip, "a number above 0"));
        }
        self.schedule.check("schedule")?;
        self.evaluation.check()?;
        if self.updates.full_every == 0 {
            return Err(Error::setting("updates.full_every", 0, "at least 1"));
        }
        self.cir_terms()?;
        let Sampling { batch, encoded, .. } = self.sampling;
        if encoded == 0 {
            return Err(Error::setting("sampling.encoded", 0, "at least 1"));
        }
        // Random translations are compared with other pictures than those translated.
        let uses_cir = self.cir.lambda > 0.;
        if uses_cir && self.cir.scale == Scale::Relative && encoded == 1 {
            let allowed =
                "absolute, or a sampling.encoded of at least 2, whose spread can be taken";
            return Err(Error::setting("cir.scale", "relative", allowed));
        }
        let (least, why) = match uses_cir {
            true => (2 * encoded, "twice sampling.encoded, for CIR moves towards the others"),
            false => (encoded + 1, "more than sampling.encoded"),
        };
        if batch < least {
            return Err(Error::setting(
                "sampling.batch",
                batch,
                format!("at least {least}: {why}"),
            ));
        }
        Ok(())
    }

    /// The CIR terms, one for each code that moves while the other is kept.
    ///
    /// # Errors
    /// When `cir.moved` is no list of codes, or a setting is out of range.
    pub fn cir_terms(&self) -> Result<Vec<Cir>> {
        let Moved::Blocks(moved) = &self.cir.moved else {
            let allowed = "a list of the codes that move, each in a term of its own";
            return Err(Error::setting("cir.moved", &self.cir.moved, allowed));
        };
        if moved.is_empty() {
            return Err(Error::setting("cir.moved", "[]", BLOCKS.join(", ")));
        }
        if let Some(i) = (1..moved.len()).find(|&i| moved[..i].contains(&moved[i])) {
            let found = format!("{:?} twice", moved[i]);
            return Err(Error::setting("cir.moved", found, "each code once"));
        }
        let partition = self.model.partition()?;
        let term = |name: &String| {
            let config = CirConfig { moved: Moved::Blocks(vec![name.clone()]), ..self.cir.clone() };
            Cir::new(config, &partition)
        };
        moved.iter().map(term).collect()
    }

    /// The place of the domains' attribute in the data's schema.
    ///
    /// # Errors
    /// When the data lacks it, or it has not two values.
    pub fn place(&self, schema: &Schema) -> Result<usize> {
        schema.binary(&self.domain).map_err(|e| e.at("domain"))
    }

    /// Checks that the networks take these pictures.
    ///
    /// # Errors
    /// When they are smaller than the crop or have other channels.
    pub fn check_data(&self, data: &DataSet) -> Result<()> {
        if data.size < self.sampling.crop {
            let allowed = format!("at most the data's {}", data.size);
            return Err(Error::setting("sampling.crop", self.sampling.crop, allowed));
        }
        if self.model.image_channels != data.channels {
            let allowed = format!("the data's {}", data.channels);
            let found = self.model.image_channels;
            return Err(Error::setting("model.image_channels", found, allowed));
        }
        Ok(())
    }
}
