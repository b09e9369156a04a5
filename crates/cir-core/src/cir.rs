//! The CIR term (METHOD.md, section 2; Ge et al., WACV 2023).
//!
//! For latents z_a and z_b: z' = z_a on the kept blocks K and (1-t)·z_a + t·z_b on the moved blocks
//! U; x' = D(z'); z'' = E(x'); the term is the distance between z''\[K\] and z_a\[K\].

use candle_core::{D, DType, Device, Tensor};
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use crate::{
    Error, FractionDistribution, Granularity, Latent, Partition, Ramp, Result, Rng, add_to,
};

/// Which blocks move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a list of blocks or one of `one`, `all-but-one`, `trained`"
)]
pub enum Moved {
    /// `"one"`, `"all-but-one"` or `"trained"`: chosen anew at every step.
    Chosen(ChosenMoved),
    /// The named blocks, always.
    Blocks(Vec<String>),
}

/// As in a recipe.
impl std::fmt::Display for Moved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Chosen(ChosenMoved::One) => f.write_str("\"one\""),
            Self::Chosen(ChosenMoved::AllButOne) => f.write_str("\"all-but-one\""),
            Self::Chosen(ChosenMoved::Trained) => f.write_str("\"trained\""),
            Self::Blocks(names) => write!(f, "{names:?}"),
        }
    }
}

/// A choice of the moved blocks at every step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChosenMoved {
    /// One block moves, drawn at random; the others are kept.
    One,
    /// One block is kept, drawn at random; the others move.
    AllButOne,
    /// The block moves whose attribute the update trains, for algorithms that train one at a time.
    Trained,
}

/// How two latents are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// Mean absolute difference.
    L1,
    /// Mean squared difference.
    Mse,
}

/// Whether the gradient also runs into what z'' is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// It does.
    Attached,
    /// The targets of the comparison are constants; z_a and z_b inside z' stay attached.
    Detached,
}

/// What a difference is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// The latent's own unit.
    Absolute,
    /// Each block's standard deviation over the anchors (a constant for the gradient).
    Relative,
}

/// Every setting of the CIR term.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CirConfig {
    /// Weight of the term in the loss; 0 switches it off.
    pub lambda: f64,
    /// Which blocks move.
    pub moved: Moved,
    /// What shares one fraction.
    pub granularity: Granularity,
    /// Distribution of the fractions.
    pub t: FractionDistribution,
    /// Interpolations per step; their values are summed.
    pub draws: usize,
    /// How kept blocks are compared.
    pub distance: Distance,
    /// Whether the comparison's target is constant.
    pub target: Target,
    /// Whether z''\[U\] is also pulled to z'\[U\].
    pub also_moved: bool,
    /// Unit of the differences.
    pub scale: Scale,
    /// First step at which the term counts.
    pub start: u64,
    /// Steps over which its weight then rises from 0 to `lambda`.
    pub ramp: u64,
}

/// Switched off; the other settings are what METHOD.md section 2 found best so far.
impl Default for CirConfig {
    fn default() -> Self {
        Self {
            lambda: 0.,
            moved: Moved::Chosen(ChosenMoved::AllButOne),
            granularity: Granularity::Sample,
            t: FractionDistribution::Uniform,
            draws: 1,
            distance: Distance::Mse,
            target: Target::Attached,
            also_moved: false,
            scale: Scale::Absolute,
            start: 0,
            ramp: 0,
        }
    }
}

impl CirConfig {
    /// Whether the term has a weight and yet counts at none of `steps` steps.
    pub fn is_idle(&self, steps: u64) -> bool {
        self.lambda > 0. && self.start > steps
    }
}

/// The checked term, bound to a partition.
#[derive(Debug, Clone)]
pub struct Cir {
    config: CirConfig,
    partition: Partition,
    fixed: Vec<usize>,
}

/// What one step's term draws at random.
#[derive(Debug, Clone)]
pub struct Draw {
    /// The moved blocks, in block order.
    pub moved: Vec<usize>,
    /// (draws, B, n): one fraction a sample, a moved block or a moved number.
    pub fractions: Tensor,
}

/// The term's value and what it saw on the way.
#[derive(Debug, Clone)]
pub struct CirTerm {
    /// Σ over draws, unweighted; a scalar.
    pub value: Tensor,
    /// x', (draws·B, …), draw by draw.
    pub images: Tensor,
    /// z'', (draws·B, …).
    pub latent: Latent,
}

impl Cir {
    /// Checks the settings against the partition.
    ///
    /// # Errors
    /// When a setting is out of range, or no block would be kept, or none moved.
    pub fn new(config: CirConfig, partition: &Partition) -> Result<Self> {
        if !(config.lambda >= 0. && config.lambda.is_finite()) {
            return Err(Error::setting("cir.lambda", config.lambda, "a number of at least 0"));
        }
        if config.draws == 0 {
            return Err(Error::setting("cir.draws", 0, "at least 1"));
        }
        config.t.check()?;
        if partition.len() < 2 && config.lambda > 0. {
            let found = format!("{} with a partition of one block", config.lambda);
            return Err(Error::setting("cir.lambda", found, "0, or at least two blocks"));
        }
        let mut fixed = Vec::new();
        if let Moved::Blocks(names) = &config.moved {
            let allowed = "one to all but one of the partition's blocks, each once";
            for name in names {
                let j = partition.index(name).map_err(|e| e.at("cir.moved"))?;
                if fixed.contains(&j) {
                    return Err(Error::setting("cir.moved", format!("{name:?} twice"), allowed));
                }
                fixed.push(j);
            }
            if fixed.is_empty() || fixed.len() == partition.len() {
                return Err(Error::setting("cir.moved", format!("{names:?}"), allowed));
            }
            fixed.sort_unstable();
        }
        Ok(Self { config, partition: partition.clone(), fixed })
    }

    /// The settings.
    pub fn config(&self) -> &CirConfig {
        &self.config
    }

    /// The weight at training step `step` (from 1), or `None` when the term is not to be computed.
    pub fn weight(&self, step: u64) -> Option<f64> {
        let CirConfig { lambda, start, ramp, .. } = self.config;
        let weight = lambda * Ramp { start, ramp }.at(step);
        (weight > 0.).then_some(weight)
    }

    /// Draws the moved blocks and the fractions for a batch of `batch` pairs; `trained` is the block
    /// whose attribute the update trains, where it trains one alone.
    ///
    /// # Errors
    /// When that block is to move and there is none, and whatever candle reports.
    pub fn draw(
        &self,
        rng: &mut Rng,
        trained: Option<usize>,
        batch: usize,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Draw> {
        let m = self.partition.len();
        let moved = match &self.config.moved {
            Moved::Blocks(_) => self.fixed.clone(),
            Moved::Chosen(ChosenMoved::One) => vec![rng.random_range(0..m)],
            Moved::Chosen(ChosenMoved::Trained) => match trained {
                Some(block) => vec![block],
                None => candle_core::bail!("cir: no one block is trained"),
            },
            Moved::Chosen(ChosenMoved::AllButOne) => {
                let kept = rng.random_range(0..m);
                (0..m).filter(|&j| j != kept).collect()
            }
        };
        let n = self.config.granularity.count(&self.partition, &moved);
        let shape = (self.config.draws, batch, n);
        let fractions = self.config.t.tensor(rng, shape, dtype, device)?;
        Ok(Draw { moved, fractions })
    }

    /// The term for anchors `a` and others `b`, all draws decoded in one batch.
    ///
    /// # Shapes
    /// Latents of batch B; `decode` maps a latent of batch draws·B to images, `encode` back.
    ///
    /// # Errors
    /// When shapes disagree, and what the closures return.
    pub fn term(
        &self,
        a: &Latent,
        b: &Latent,
        draw: &Draw,
        decode: impl FnOnce(&Latent) -> candle_core::Result<Tensor>,
        encode: impl FnOnce(&Tensor) -> candle_core::Result<Latent>,
    ) -> candle_core::Result<CirTerm> {
        let z = self.points(a, b, draw)?;
        let images = decode(&z)?;
        let latent = encode(&images)?;
        let value = self.value(a, &z, draw, &latent)?;
        Ok(CirTerm { value, images, latent })
    }

    /// z': the points between anchors `a` and others `b`. With [`Self::value`] this is
    /// [`Self::term`] for those who decode in a batch with other latents.
    ///
    /// # Shapes
    /// Latents of batch B → one of batch draws·B, draw by draw.
    ///
    /// # Errors
    /// When shapes disagree.
    pub fn points(&self, a: &Latent, b: &Latent, draw: &Draw) -> candle_core::Result<Latent> {
        let Draw { moved, fractions } = draw;
        let (draws, batch, n) = fractions.dims3()?;
        if batch != a.batch()? {
            candle_core::bail!(
                "cir: fractions {:?} for a batch of {}",
                fractions.shape(),
                a.batch()?
            );
        }
        let fractions = fractions.reshape((draws * batch, n))?;
        let (anchor, other) = (a.repeat(draws)?, b.repeat(draws)?);
        self.partition.interpolate(&anchor, &other, moved, |j| {
            let rank = anchor.code(self.partition.blocks()[j].code)?.rank();
            self.config.granularity.of_block(&fractions, &self.partition, moved, j, rank)
        })
    }

    /// The term's value, Σ over draws, of anchors `a`, points `z` and the latent z'' of the images
    /// that were decoded from them.
    ///
    /// # Errors
    /// When shapes disagree.
    pub fn value(
        &self,
        a: &Latent,
        z: &Latent,
        draw: &Draw,
        latent: &Latent,
    ) -> candle_core::Result<Tensor> {
        let draws = draw.fractions.dim(0)?;
        let kept: Vec<_> = (0..self.partition.len()).filter(|j| !draw.moved.contains(j)).collect();
        let mut value = self.distance(latent, &a.repeat(draws)?, &kept, a)?;
        if self.config.also_moved {
            value = (value + self.distance(latent, z, &draw.moved, a)?)?;
        }
        value * draws as f64
    }

    /// One mean over batch and all numbers of `blocks` together.
    fn distance(
        &self,
        found: &Latent,
        target: &Latent,
        blocks: &[usize],
        anchors: &Latent,
    ) -> candle_core::Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        let mut count = 0;
        for &j in blocks {
            let mut target = self.partition.get(target, j)?;
            if self.config.target == Target::Detached {
                target = target.detach();
            }
            let mut difference = (self.partition.get(found, j)? - target)?;
            if self.config.scale == Scale::Relative {
                difference =
                    difference.broadcast_div(&spread(&self.partition.get(anchors, j)?)?)?;
            }
            let part = match self.config.distance {
                Distance::L1 => difference.abs()?.sum_all()?,
                Distance::Mse => difference.sqr()?.sum_all()?,
            };
            count += difference.elem_count();
            add_to(&mut sum, part)?;
        }
        match sum {
            Some(sum) => sum / count.max(1) as f64,
            None => candle_core::bail!("cir: no block to compare"),
        }
    }
}

/// The standard deviation of a block's numbers around their own means over the batch, as a constant
/// scalar.
fn spread(block: &Tensor) -> candle_core::Result<Tensor> {
    let flat = block.detach().flatten_from(1)?;
    let centred = flat.broadcast_sub(&flat.mean_keepdim(0)?)?;
    let variance = centred.sqr()?.flatten_all()?.mean(D::Minus1)?;
    (variance + 1e-8)?.sqrt()
}

#[cfg(test)]
#[path = "cir_tests.rs"]
mod tests;
