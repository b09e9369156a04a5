//! A value, how far it may be believed, and how it came about.

use std::fmt;

use candle_core::Result;
use cir_core::{Rng, rng};
use cir_ops::side_by_side;
use rand::Rng as _;
use serde::Serialize;

use crate::statistics::quantile;

/// What a metric found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// The value.
    pub value: f64,
    /// 95 % interval over the images, where the metric has one.
    pub interval: Option<[f64; 2]>,
    /// Name, version, options, sizes and seed: two values are comparable only if these are equal.
    pub protocol: String,
}

impl Score {
    /// `statistic` of all n images, with its percentile interval: for what was learnt once and is judged
    /// on the images.
    pub(crate) fn judged(
        n: usize,
        statistic: impl Fn(&[usize]) -> f64,
        sampling: Sampling,
        protocol: String,
    ) -> Self {
        let value = statistic(&all(n));
        Self { value, interval: sampling.percentiles(n, statistic), protocol }
    }

    /// `statistic` of all n images, with its normal interval: where images that come several times would
    /// move the value.
    pub(crate) fn resampled(
        n: usize,
        statistic: impl Fn(&[usize]) -> f64 + Sync,
        sampling: Sampling,
        protocol: String,
    ) -> Result<Self> {
        let value = statistic(&all(n));
        let [interval] = sampling.normal(n, [value], |images| Ok([statistic(images)]))?;
        Ok(Self { value, interval, protocol })
    }
}

fn all(n: usize) -> Vec<usize> {
    (0..n).collect()
}

/// n images drawn with replacement.
pub(crate) fn resampled(rng: &mut Rng, n: usize) -> Vec<usize> {
    (0..n).map(|_| rng.random_range(0..n)).collect()
}

/// Half the width of a 95 % interval of a normal distribution, in standard deviations.
pub(crate) const NORMAL: f64 = 1.959_964;

/// What varies between uses of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Of everything that is drawn.
    pub seed: u64,
    /// Resamples of the images, from which intervals are computed.
    pub resamples: usize,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { seed: 1, resamples: 1000 }
    }
}

impl fmt::Display for Sampling {
    /// As in protocols.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed={} bootstrap={}", self.seed, self.resamples)
    }
}

impl Sampling {
    /// The percentile interval of `statistic` over resamples of n images (Efron and Tibshirani, *An
    /// Introduction to the Bootstrap*, 1993, chapter 13.3): for what was learnt once and is judged on the
    /// images resampled. Without resamples there is none.
    pub(crate) fn percentiles(
        &self,
        n: usize,
        statistic: impl Fn(&[usize]) -> f64,
    ) -> Option<[f64; 2]> {
        let mut rng = rng(self.seed, "bootstrap", 0);
        let draw = |_| statistic(&resampled(&mut rng, n));
        let found: Vec<_> = (0..self.resamples).map(draw).collect();
        (!found.is_empty()).then(|| [0.025, 0.975].map(|share| quantile(found.clone(), share)))
    }

    /// The normal interval around `value` with the standard deviation of `statistics` over resamples of n
    /// images (the same, chapter 13.2): for what is learnt anew from each. Duplicated images make a
    /// probe better than it is, which moves the resamples' values but hardly their spread.
    pub(crate) fn normal<const N: usize>(
        &self,
        n: usize,
        values: [f64; N],
        statistics: impl Fn(&[usize]) -> Result<[f64; N]> + Sync,
    ) -> Result<[Option<[f64; 2]>; N]> {
        if self.resamples < 2 {
            return Ok([None; N]);
        }
        let found = side_by_side((0..self.resamples as u64).collect(), |i| {
            statistics(&resampled(&mut rng(self.seed, "bootstrap", i), n))
        })?;
        Ok(std::array::from_fn(|k| {
            let count = found.len() as f64;
            let mean = found.iter().map(|row| row[k]).sum::<f64>() / count;
            let squares = found.iter().map(|row| (row[k] - mean).powi(2)).sum::<f64>();
            let reach = NORMAL * (squares / (count - 1.)).sqrt();
            Some([values[k] - reach, values[k] + reach])
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of n fair coins has a standard deviation of 1 / (2 √n).
    #[test]
    fn intervals_are_as_wide_as_theory_says() {
        let coins: Vec<_> = (0..400).map(|i| f64::from(i % 2)).collect();
        let mean = |images: &[usize]| images.iter().map(|&i| coins[i]).sum::<f64>() / 400.;
        let sampling = Sampling { seed: 1, resamples: 2000 };
        let [low, high] = sampling.percentiles(400, mean).unwrap();
        let expected = 1.96 / (2. * 20.);
        assert!((0.5 - low - expected).abs() < 0.005 && (high - 0.5 - expected).abs() < 0.005);
        let [found] = sampling.normal(400, [0.5], |images| Ok([mean(images)])).unwrap();
        let [low, high] = found.unwrap();
        assert!((0.5 - low - expected).abs() < 0.003 && (high - 0.5 - expected).abs() < 0.003);
        let none = Sampling { resamples: 0, ..sampling };
        assert_eq!(none.percentiles(400, mean), None);
    }
}
