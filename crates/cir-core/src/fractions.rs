//! The interpolation fractions t of CIR: their distribution and how many share one number.

use candle_core::{DType, Device, Result, Tensor};
use rand::distr::{Distribution, StandardUniform};
use serde::{Deserialize, Serialize};

use crate::{Error, Partition, Rng};

/// What shares one fraction t.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// All moved numbers of a sample.
    Sample,
    /// The numbers of a block of a sample.
    Block,
    /// Nothing: every number (or channel) has its own.
    Element,
}

/// How t is distributed over [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FractionDistribution {
    /// Uniform.
    Uniform,
    /// Beta(a, a): a < 1 favours the ends, a > 1 the middle.
    Beta(f64),
    /// The same every time; at 1 the moved blocks are exchanged, without interpolation.
    Constant(f64),
}

impl FractionDistribution {
    pub(crate) fn check(self) -> crate::Result<()> {
        match self {
            Self::Beta(a) if !(a > 0. && a.is_finite()) => {
                Err(Error::setting("cir.t.beta", a, "a positive number"))
            }
            Self::Constant(t) if !(0. ..=1.).contains(&t) => {
                Err(Error::setting("cir.t.constant", t, "0 to 1"))
            }
            _ => Ok(()),
        }
    }

    fn sample(self, rng: &mut Rng) -> f64 {
        match self {
            Self::Uniform => StandardUniform.sample(rng),
            // `check` has refused every `a` that Beta refuses.
            Self::Beta(a) => rand_distr::Beta::new(a, a).map_or(0.5, |beta| beta.sample(rng)),
            Self::Constant(t) => t,
        }
    }

    /// Fractions for `draws` draws of a batch: (draws, B, n) with n = 1, the number of moved
    /// blocks, or their joint width, as the granularity says.
    pub(crate) fn tensor(
        self,
        rng: &mut Rng,
        (draws, batch, n): (usize, usize, usize),
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let numbers: Vec<_> = (0..draws * batch * n).map(|_| self.sample(rng)).collect();
        Tensor::from_vec(numbers, (draws, batch, n), &Device::Cpu)?
            .to_dtype(dtype)?
            .to_device(device)
    }
}

impl Granularity {
    /// How many fractions one sample needs when `moved` moves.
    pub(crate) fn count(self, partition: &Partition, moved: &[usize]) -> usize {
        match self {
            Self::Sample => 1,
            Self::Block => moved.len(),
            Self::Element => moved.iter().map(|&j| partition.blocks()[j].width()).sum(),
        }
    }

    /// Block `j`'s columns of `fractions` (B, n), as (B, 1 or width, 1, …) with `rank` dimensions.
    pub(crate) fn of_block(
        self,
        fractions: &Tensor,
        partition: &Partition,
        moved: &[usize],
        j: usize,
        rank: usize,
    ) -> Result<Tensor> {
        let before = moved.iter().take_while(|&&i| i != j);
        let width = |i: &usize| partition.blocks()[*i].width();
        let columns = match self {
            Self::Sample => fractions.clone(),
            Self::Block => fractions.narrow(1, before.count(), 1)?,
            Self::Element => fractions.narrow(1, before.map(width).sum(), width(&j))?,
        };
        (2..rank).try_fold(columns, |t, _| t.unsqueeze(candle_core::D::Minus1))
    }
}
