//! A value, how far it may be believed, and how it came about.

use candle_core::Result;
use cir_core::rng;
use cir_ops::side_by_side;
use serde::Serialize;

use crate::codes::resampled;

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

impl Sampling {
    /// The percentile interval of `statistic` over resamples of n images (Efron and Tibshirani, *An
    /// Introduction to the Bootstrap*, 1993, chapter 13.3): for what was learnt once and is judged on the
    /// images resampled. Without resamples there is none.
    pub(crate) fn percentiles(
        &self,
        n: usize,
        mut statistic: impl FnMut(&[usize]) -> f64,
    ) -> Option<[f64; 2]> {
        let mut rng = rng(self.seed, "bootstrap", 0);
        let draw = |_| statistic(&resampled(&mut rng, n));
        let mut found: Vec<_> = (0..self.resamples).map(draw).collect();
        found.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (found.len() - 1) as f64;
            let (below, rest) = (place.floor() as usize, place.fract());
            let above = found[(below + 1).min(found.len() - 1)];
            found[below] + rest * (above - found[below])
        };
        (!found.is_empty()).then(|| [at(0.025), at(0.975)])
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
            let reach = 1.959_964 * (squares / (count - 1.)).sqrt();
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
