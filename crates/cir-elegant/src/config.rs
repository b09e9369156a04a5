//! What can be set: the networks' sizes, the weights of the loss, both optimisers.

use cir_core::{
    AdamConfig, Cir, CirConfig, Error, LrSchedule, Partition, PixelRange, Result, Schema,
    check_batch, check_initialisation, check_weights,
};
use cir_metrics::EvaluationConfig;
use cir_ops::{Initialisation, Precision};
use serde::{Deserialize, Serialize};

/// Sizes of the networks (elegant.md, section 1) and the partition of the code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Side of the square images: a multiple of 2^(number of `channels`), 32 as published.
    pub image_size: usize,
    /// 3, or 1 for grey pictures.
    #[serde(default = "published_image_channels")]
    pub image_channels: usize,
    /// The attributes, each a block of the code's channels.
    pub attributes: Vec<String>,
    /// Channels of each attribute's block, in order; equal shares as published, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_widths: Option<Vec<usize>>,
    /// Output channels of the encoder's stages; the last is the width of the code.
    #[serde(default = "published_channels")]
    pub channels: Vec<usize>,
    /// Output channels of the discriminators' stages.
    #[serde(default = "published_discriminator")]
    pub discriminator: Vec<usize>,
    /// The decoder's last so many stages are smoothed, against dots two pixels apart; 0 as published.
    #[serde(default)]
    pub smooth_stages: usize,
    /// How weights start.
    #[serde(default = "published_initialisation")]
    pub initialisation: Initialisation,
}

fn published_image_channels() -> usize {
    3
}

fn published_channels() -> Vec<usize> {
    vec![64, 128, 256, 512, 512]
}

fn published_discriminator() -> Vec<usize> {
    vec![64, 128, 256, 512]
}

fn published_initialisation() -> Initialisation {
    Initialisation::Normal(0.02)
}

impl ModelConfig {
    /// The output is an image in [-1, 1].
    pub const RANGE: PixelRange = PixelRange::Signed;

    /// Checks the sizes, and how weights start.
    ///
    /// # Errors
    /// Names the field, the value and what is allowed.
    pub fn check(&self) -> Result<()> {
        let field = |name: &str| format!("model.{name}");
        for (name, stages) in [("channels", &self.channels), ("discriminator", &self.discriminator)]
        {
            let found = format!("{stages:?}");
            if !(1..=8).contains(&stages.len()) || stages.contains(&0) {
                return Err(Error::setting(field(name), found, "1 to 8 numbers of at least 1"));
            }
        }
        // The second discriminator sees half the side.
        let halvings = self.channels.len().max(self.discriminator.len() + 1);
        let multiple = 1 << halvings;
        if self.image_size == 0 || !self.image_size.is_multiple_of(multiple) {
            let stages = "as the stages of model.channels and model.discriminator demand";
            let allowed = format!("a positive multiple of {multiple}, {stages}");
            return Err(Error::setting(field("image_size"), self.image_size, allowed));
        }
        if !matches!(self.image_channels, 1 | 3) {
            return Err(Error::setting(field("image_channels"), self.image_channels, "1 or 3"));
        }
        if self.smooth_stages > self.channels.len() {
            let allowed = format!("0 to {}, the stages of the decoder", self.channels.len());
            return Err(Error::setting(field("smooth_stages"), self.smooth_stages, allowed));
        }
        check_initialisation(self.initialisation)?;
        self.partition().map(|_| ())
    }

    /// The width of the code.
    pub fn width(&self) -> usize {
        self.channels.last().copied().unwrap_or(0)
    }

    /// Block j of m has the channels from round(j·width/m) to round((j+1)·width/m), halves to even,
    /// or as many as `block_widths` says.
    ///
    /// # Errors
    /// When there is no attribute, one is named twice, or the blocks do not make up the code.
    pub fn partition(&self) -> Result<Partition> {
        let (m, width) = (self.attributes.len(), self.width());
        let bound = |j: usize| ((j * width) as f64 / m as f64).round_ties_even() as usize;
        let equal = || (0..m).map(|j| bound(j + 1) - bound(j)).collect();
        let widths = self.block_widths.clone().unwrap_or_else(equal);
        if widths.len() != m {
            let allowed = format!("{m} numbers, one for each of model.attributes");
            return Err(Error::setting("model.block_widths", format!("{widths:?}"), allowed));
        }
        if widths.contains(&0) {
            return Err(match &self.block_widths {
                Some(widths) => {
                    let found = format!("{widths:?}");
                    Error::setting("model.block_widths", found, "numbers of at least 1")
                }
                None => {
                    let allowed = format!("at most {width}, the code's channels");
                    Error::setting("model.attributes", format!("{m} attributes"), allowed)
                }
            });
        }
        let names = self.attributes.iter().map(String::as_str);
        let partition =
            Partition::of_widths(names.zip(widths)).map_err(|e| e.at("model.attributes"))?;
        partition.check_width("model.block_widths", 0, width)?;
        Ok(partition)
    }

    /// The place of each attribute in the data's schema.
    ///
    /// # Errors
    /// When the data lacks one, or it has not two values.
    pub fn places(&self, schema: &Schema) -> Result<Vec<usize>> {
        let place = |name: &String| schema.binary(name).map_err(|e| e.at("model.attributes"));
        self.attributes.iter().map(place).collect()
    }
}

/// The weights of the terms (elegant.md, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossConfig {
    /// Of the reconstructions in the generator's loss; 5 as published.
    pub reconstruction: f64,
    /// Of the discriminator that sees half the side, in both losses; 0.5 as published.
    pub half_size: f64,
    /// Of real images with the trained attribute's label turned, which the discriminators are to
    /// refuse as if they were made (Reed et al., 2016); 0 as published.
    #[serde(default)]
    pub mismatched: f64,
    /// Of the mean absolute change that an exchange makes, in the generator's loss, so that only
    /// what the attribute needs is changed (Shen & Liu, 2017); 0 as published.
    #[serde(default)]
    pub change: f64,
}

impl LossConfig {
    /// The discriminators' loss where each judges every picture true with probability ½.
    pub fn chance(&self) -> f64 {
        (1. + self.half_size) * (1. + self.mismatched / 2.) * std::f64::consts::LN_2
    }
}

/// Adam of the generator (encoder and decoder) and of both discriminators.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimisers {
    /// Of encoder and decoder.
    pub generator: AdamConfig,
    /// Of both discriminators.
    pub discriminator: AdamConfig,
}

/// Which images a step takes, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Pairs for each attribute.
    pub batch: usize,
    /// Equal parts of the batch that are computed side by side; the gradient is the mean of theirs.
    /// Small networks use several cores better so, wide ones lose, since each part reads all weights
    /// again. Results differ in rounding, so bytes depend on it. It divides `batch`; 1 where left out.
    #[serde(default = "one")]
    pub shards: usize,
}

fn one() -> usize {
    1
}

/// The sections of a recipe that belong to this algorithm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElegantConfig {
    /// What convolutions multiply in while training; a trained model is used at full precision.
    #[serde(default)]
    pub precision: Precision,
    /// Networks and partition.
    pub model: ModelConfig,
    /// Which images a step takes.
    pub sampling: Sampling,
    /// Weights of the terms.
    pub loss: LossConfig,
    /// The CIR term.
    pub cir: CirConfig,
    /// Both optimisers.
    pub optimiser: Optimisers,
    /// How both learning rates change.
    pub schedule: LrSchedule,
    /// How it is scored.
    pub evaluation: EvaluationConfig,
}

impl ElegantConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the field, the value and what is allowed.
    pub fn check(&self) -> Result<()> {
        self.model.check()?;
        let LossConfig { reconstruction, half_size, mismatched, change } = self.loss;
        check_weights(&[
            ("reconstruction", reconstruction),
            ("half_size", half_size),
            ("mismatched", mismatched),
            ("change", change),
        ])?;
        self.optimiser.generator.check("optimiser.generator")?;
        self.optimiser.discriminator.check("optimiser.discriminator")?;
        self.schedule.check("schedule")?;
        self.evaluation.check()?;
        check_batch(self.sampling.batch, self.sampling.shards, &self.cir)?;
        Cir::new(self.cir.clone(), &self.model.partition()?).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{config, schema};

    fn refusal(change: impl FnOnce(&mut ElegantConfig)) -> String {
        let mut config = config();
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn equal_blocks_are_rounded_as_published() {
        let mut model = config().model;
        model.channels = published_channels();
        model.attributes = ["a", "b", "c"].map(str::to_owned).into();
        let blocks = model.partition().unwrap();
        let ends: Vec<_> = blocks.blocks().iter().map(|b| b.end).collect();
        assert_eq!(ends, [171, 341, 512]);
        model.block_widths = Some(vec![12, 200, 300]);
        assert_eq!(model.partition().unwrap().blocks()[1].end, 212);
    }

    #[test]
    fn sizes_and_blocks_that_do_not_fit_are_named() {
        let side = refusal(|c| c.model.image_size = 20);
        assert!(side.contains("model.image_size: found 20") && side.contains("of 8"), "{side}");
        assert!(refusal(|c| c.model.channels = vec![]).contains("model.channels: found []"));
        assert!(refusal(|c| c.model.image_channels = 2).contains("model.image_channels"));
        assert!(refusal(|c| c.model.attributes.clear()).contains("model.attributes: found none"));
        let twice = refusal(|c| c.model.attributes = vec!["hat".into(), "hat".into()]);
        assert!(twice.contains("model.attributes") && twice.contains("twice"), "{twice}");
        let widths = refusal(|c| c.model.block_widths = Some(vec![8]));
        assert!(widths.contains("model.block_widths: found [8]"), "{widths}");
        let width = refusal(|c| c.model.block_widths = Some(vec![1, 1]));
        assert!(width.contains("model.block_widths: found 2 numbers"), "{width}");
        let none = refusal(|c| c.model.block_widths = Some(vec![0, 8]));
        assert!(none.contains("model.block_widths: found [0, 8]"), "{none}");
        let many = refusal(|c| c.model.attributes = (0..99).map(|i| i.to_string()).collect());
        assert!(many.contains("model.attributes: found 99 attributes"), "{many}");
        let smooth = refusal(|c| c.model.smooth_stages = 9);
        assert!(smooth.contains("model.smooth_stages: found 9"), "{smooth}");
        assert!(refusal(|c| c.loss.mismatched = -1.).contains("loss.mismatched: found -1"));
        assert!(refusal(|c| c.loss.change = f64::NAN).contains("loss.change: found NaN"));
        assert!(refusal(|c| c.sampling.batch = 0).contains("sampling.batch"));
        assert!(refusal(|c| c.loss.half_size = -1.).contains("loss.half_size: found -1"));
        let lr = refusal(|c| c.optimiser.discriminator.lr = f64::NAN);
        assert!(lr.contains("optimiser.discriminator.lr"), "{lr}");
        let reader = refusal(|c| c.evaluation.reader_steps = 0);
        assert!(reader.contains("evaluation.reader_steps: found 0"), "{reader}");
        let start = refusal(|c| c.model.initialisation = Initialisation::Normal(0.));
        assert!(start.contains("model.initialisation.normal: found 0"), "{start}");
    }

    #[test]
    fn attributes_that_the_data_lacks_or_that_have_three_values_are_named() {
        let mut model = config().model;
        assert_eq!(model.places(&schema()).unwrap(), [2, 0]);
        model.attributes[0] = "beard".into();
        let error = model.places(&schema()).unwrap_err().to_string();
        assert_eq!(error, "model.attributes: found \"beard\"; allowed: smile, skin, hat");
        model.attributes[0] = "skin".into();
        let error = model.places(&schema()).unwrap_err().to_string();
        assert!(error.contains("\"skin\" of 3 values (pale, tanned, dark)"), "{error}");
    }
}
