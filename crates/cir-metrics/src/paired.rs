//! Runs with several seeds: what they come to, and whether one of two settings does better.

use candle_core::{Result, bail};
use serde::Deserialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::statistics::mean;

/// The values of a setting over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Their mean.
    pub mean: f64,
    /// The standard deviation from which they were drawn; none of one value.
    pub deviation: Option<f64>,
}

impl Summary {
    /// Of a value for each seed; of none, the mean is 0.
    pub fn of(values: &[f64]) -> Self {
        let mean = mean(values.iter().copied());
        let squares = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        let freedom = values.len().saturating_sub(1);
        Self { mean, deviation: (freedom > 0).then(|| (squares / freedom as f64).sqrt()) }
    }
}

/// The differences between two settings, seed by seed: what a seed makes easy or hard for both falls out.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// New minus old, of each pair.
    pub pairs: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Its 95 % interval by Student's t with one degree of freedom less than there are pairs; none of one pair.
    pub interval: Option<[f64; 2]>,
}

/// Which values of a metric are good ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// High ones.
    Higher,
    /// Low ones.
    Lower,
}

/// What a difference says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval is on the good side of zero.
    Better,
    /// The whole interval is on the bad side.
    Worse,
    /// It holds zero, or there is none.
    Unclear,
}

impl Difference {
    /// Of the values of two settings, a pair for each seed.
    ///
    /// # Errors
    /// When the numbers of values differ, or there are none.
    pub fn of(new: &[f64], old: &[f64]) -> Result<Self> {
        if new.len() != old.len() || new.is_empty() {
            let (new, old) = (new.len(), old.len());
            bail!("paired differences of {new} and {old} values; allowed: as many, at least one")
        }
        let pairs: Vec<_> = new.iter().zip(old).map(|(new, old)| new - old).collect();
        let Summary { mean, deviation } = Summary::of(&pairs);
        let reach = deviation.map(|deviation| reach(deviation, pairs.len() as f64)).transpose()?;
        Ok(Self { interval: reach.map(|reach| [mean - reach, mean + reach]), pairs, mean })
    }

    /// What it says of a metric whose good values are `better`.
    pub fn verdict(&self, better: Better) -> Verdict {
        match (self.interval, better) {
            (Some([low, _]), Better::Higher) if low > 0. => Verdict::Better,
            (Some([_, high]), Better::Lower) if high < 0. => Verdict::Better,
            (Some([_, high]), Better::Higher) if high < 0. => Verdict::Worse,
            (Some([low, _]), Better::Lower) if low > 0. => Verdict::Worse,
            _ => Verdict::Unclear,
        }
    }
}

/// Half the width of the interval around a mean of `count` values.
fn reach(deviation: f64, count: f64) -> Result<f64> {
    let t = StudentsT::new(0., 1., count - 1.).map_err(candle_core::Error::wrap)?;
    Ok(t.inverse_cdf(0.975) * deviation / count.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.ttest_rel(new, old).confidence_interval(0.95)` of SciPy 1.17.1.
    #[test]
    fn the_interval_is_that_of_a_paired_t_test() {
        let new = [0.61, 0.58, 0.66, 0.60, 0.64];
        let old = [0.55, 0.57, 0.58, 0.59, 0.57];
        let found = Difference::of(&new, &old).unwrap();
        let [low, high] = found.interval.unwrap();
        assert!((found.mean - 0.046).abs() < 1e-12);
        assert!((low - SCIPY[0]).abs() < 1e-9 && (high - SCIPY[1]).abs() < 1e-9, "{low} {high}");
        assert_eq!(found.verdict(Better::Higher), Verdict::Better);
        assert_eq!(found.verdict(Better::Lower), Verdict::Worse);
        let back = Difference::of(&old, &new).unwrap();
        assert_eq!(back.verdict(Better::Higher), Verdict::Worse);
        assert_eq!(back.verdict(Better::Lower), Verdict::Better);
    }

    const SCIPY: [f64; 2] = [0.004_260_877_855_278_823, 0.087_739_122_144_721_21];

    #[test]
    fn what_is_equal_or_has_one_pair_is_unclear() {
        let one = Difference::of(&[2.], &[1.]).unwrap();
        assert_eq!((one.interval, one.verdict(Better::Higher)), (None, Verdict::Unclear));
        let same = Difference::of(&[1., 2.], &[1., 2.]).unwrap();
        assert_eq!(
            (same.interval, same.verdict(Better::Lower)),
            (Some([0., 0.]), Verdict::Unclear)
        );
        assert!(Difference::of(&[1.], &[1., 2.]).unwrap_err().to_string().contains("1 and 2"));
        assert!(Difference::of(&[], &[]).is_err());
    }
}
