//! All networks by their published names.

use candle_core::{DType, Device, Result};
use cir_core::Params;
use cir_ops::Precision;

use crate::{
    AttributeEncoder, ContentDiscriminator, ContentEncoder, Discriminator, Domain, Generator,
    ModelConfig, blocks::Scope, domain::both,
};

/// Encoders and generator: what translates.
#[derive(Debug, Clone)]
pub struct Translators {
    /// `enc_c`.
    pub content: ContentEncoder,
    /// `enc_a`.
    pub attribute: AttributeEncoder,
    /// `gen`.
    pub generator: Generator,
}

/// The names of [`Translators`].
pub const TRANSLATORS: [&str; 3] = ["enc_c", "enc_a", "gen"];
/// The names of [`Discriminators`].
pub const DISCRIMINATORS: [&str; 5] = ["disA", "disA2", "disB", "disB2", "disContent"];

/// Where a network of a name finds its tensors in a store.
fn scopes(
    cfg: &ModelConfig,
    precision: Precision,
    dtype: DType,
    device: &Device,
) -> impl Fn(&Params, &str) -> Scope {
    move |params, name| Scope {
        vb: params.builder(dtype, device).pp(name),
        init: cfg.initialisation,
        precision,
    }
}

impl Translators {
    /// Builds the networks; `params` gives the store of each name of [`TRANSLATORS`].
    ///
    /// # Errors
    /// When a store lacks a parameter or holds another shape.
    pub fn new(
        cfg: &ModelConfig,
        precision: Precision,
        dtype: DType,
        device: &Device,
        params: impl Fn(&str) -> Params,
    ) -> Result<Self> {
        let scope = scopes(cfg, precision, dtype, device);
        let [content, attribute, generator] = TRANSLATORS.map(|name| scope(&params(name), name));
        Ok(Self {
            content: ContentEncoder::new(cfg, &content)?,
            attribute: AttributeEncoder::new(cfg, &attribute)?,
            generator: Generator::new(cfg, &generator)?,
        })
    }
}

/// What judges translations and codes.
#[derive(Debug, Clone)]
pub struct Discriminators {
    /// `disA` and `disB`, for translations with the attribute code of another picture.
    pub encoded: [Discriminator; 2],
    /// `disA2` and `disB2`, for translations with random attribute codes.
    pub random: [Discriminator; 2],
    /// `disContent`.
    pub content: ContentDiscriminator,
}

impl Discriminators {
    /// Builds the networks; `params` gives the store of each name of [`DISCRIMINATORS`], `buffers`
    /// holds what spectral norms keep.
    ///
    /// # Errors
    /// When a store lacks a tensor or holds another shape.
    pub fn new(
        cfg: &ModelConfig,
        precision: Precision,
        dtype: DType,
        device: &Device,
        params: impl Fn(&str) -> Params,
        buffers: &Params,
    ) -> Result<Self> {
        let scope = scopes(cfg, precision, dtype, device);
        let pictures = |suffix: &str| {
            both(|domain: Domain| {
                let name = format!("dis{}{suffix}", domain.upper());
                Discriminator::new(cfg, &scope(&params(&name), &name), &scope(buffers, &name))
            })
        };
        let name = DISCRIMINATORS[4];
        Ok(Self {
            encoded: pictures("")?,
            random: pictures("2")?,
            content: ContentDiscriminator::new(cfg, &scope(&params(name), name))?,
        })
    }
}
