//! The weights of the terms (i2i-dis.md, section 4).

use cir_core::{Error, Result, check_weights};
use serde::{Deserialize, Serialize};

/// The weights of the terms (i2i-dis.md, section 4); every default is the published value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// Of the discriminators of pictures in the generator's loss.
    pub adversarial: f64,
    /// Of the content discriminator in the encoder's loss.
    pub content_adversarial: f64,
    /// Of the attribute code's distance to a standard Gaussian.
    pub attribute_prior: f64,
    /// Of the content code's mean square.
    pub content_prior: f64,
    /// Of the L1 of pictures made of their own codes.
    pub self_reconstruction: f64,
    /// Of the L1 of pictures translated there and back.
    pub cycle: f64,
    /// Of the L1 between random attribute codes and those found in their pictures.
    pub latent: f64,
    /// Of mode seeking (DRIT++); 0 leaves it out (DRIT).
    pub mode_seeking: f64,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self {
            adversarial: 1.,
            content_adversarial: 1.,
            attribute_prior: 0.01,
            content_prior: 0.01,
            self_reconstruction: 10.,
            cycle: 10.,
            latent: 10.,
            mode_seeking: 1.,
        }
    }
}

impl LossConfig {
    /// Checks the weights.
    ///
    /// # Errors
    /// Names one that is no weight, or those of which a phase needs one above 0.
    pub fn check(&self) -> Result<()> {
        let weights = [
            ("adversarial", self.adversarial),
            ("content_adversarial", self.content_adversarial),
            ("attribute_prior", self.attribute_prior),
            ("content_prior", self.content_prior),
            ("self_reconstruction", self.self_reconstruction),
            ("cycle", self.cycle),
            ("latent", self.latent),
            ("mode_seeking", self.mode_seeking),
        ];
        check_weights(&weights)?;
        // What remains would leave networks that a phase updates without a gradient.
        let first = ["adversarial", "self_reconstruction", "cycle"];
        let second = ["adversarial", "latent", "mode_seeking"];
        for phase in [first, second] {
            if !weights.iter().any(|(name, weight)| phase.contains(name) && *weight > 0.) {
                let found = format!("0 in all of {}", phase.join(", "));
                return Err(Error::setting("loss", found, "a number above 0 in one of them"));
            }
        }
        Ok(())
    }
}
