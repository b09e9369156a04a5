//! The mutual information of numbers that are divided into bins with factors.

use candle_core::{Result, bail};

use super::factors;
use crate::{
    Codes, Sampling, Score,
    statistics::{constant, entropy, range, shares},
};

/// Into how many bins of equal width the range of each number is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bins {
    /// Bins.
    pub count: usize,
}

impl Default for Bins {
    /// Those of Locatello et al.
    fn default() -> Self {
        Self { count: 20 }
    }
}

/// Numbers and factors, column by column.
pub(super) struct Columns {
    numbers: Vec<Vec<f64>>,
    labels: Vec<Vec<usize>>,
    values: Vec<usize>,
    bins: Bins,
}

/// Nats that rounding leaves of a number and a factor that are independent among the images.
const ROUNDING: f64 = 1e-12;

/// What some images tell, in nats.
pub(super) struct Information {
    /// By number and factor.
    pub(super) mutual: Vec<Vec<f64>>,
    /// By factor.
    pub(super) entropies: Vec<f64>,
}

/// A score called `name` of what numbers and factors, of which there are `least` at least, say of one
/// another. The interval is the normal one: bins of a resample, whose images come several times, hold more
/// information than there is, which moves the values but hardly their spread.
pub(super) fn score(
    name: &str,
    (codes, least): (&Codes, usize),
    bins: Bins,
    sampling: Sampling,
    of: impl Fn(&Information) -> f64 + Sync,
) -> Result<Score> {
    let factors = factors(codes, least)?;
    let columns = Columns::new(codes, &factors, bins)?;
    let protocol = format!(
        "{name} 1 bins={} images={} numbers={} factors={} {sampling}",
        bins.count,
        codes.rows(),
        codes.width(),
        factors.len(),
    );
    let statistic = |images: &[usize]| of(&columns.information(images));
    Score::resampled(codes.rows(), statistic, sampling, protocol)
}

impl Columns {
    pub(super) fn new(codes: &Codes, factors: &[usize], bins: Bins) -> Result<Self> {
        if bins.count < 2 {
            bail!("{} bins; 2 and more are allowed", bins.count);
        }
        Ok(Self {
            numbers: (0..codes.width()).map(|j| codes.column(j)).collect(),
            labels: factors.iter().map(|&a| codes.labels(a)).collect(),
            values: factors.iter().map(|&a| codes.values()[a]).collect(),
            bins,
        })
    }

    /// I = H(bin) + H(label) - H(both) with frequencies for probabilities, which finds too much rather
    /// than too little: about (bins - 1)(values - 1) / 2n nats where there is none (Miller, *Note on the
    /// Bias of Information Estimates*, 1955).
    pub(super) fn information(&self, images: &[usize]) -> Information {
        let labels = |column: &Vec<usize>| images.iter().map(|&i| column[i]).collect::<Vec<_>>();
        let labels: Vec<_> = self.labels.iter().map(labels).collect();
        let own = |(labels, &values): (&Vec<_>, _)| entropy(&shares(labels, values));
        let entropies: Vec<_> = labels.iter().zip(&self.values).map(own).collect();
        let mutual = |column: &Vec<f64>| {
            let bins = binned(&images.iter().map(|&i| column[i]).collect::<Vec<_>>(), self.bins);
            let alone = entropy(&shares(&bins, self.bins.count));
            let with = |((labels, &values), own): ((&Vec<usize>, &usize), &f64)| {
                let both: Vec<_> =
                    bins.iter().zip(labels).map(|(bin, label)| bin * values + label).collect();
                let found = alone + own - entropy(&shares(&both, self.bins.count * values));
                if found < ROUNDING { 0. } else { found }
            };
            labels.iter().zip(&self.values).zip(&entropies).map(with).collect()
        };
        Information { mutual: self.numbers.iter().map(mutual).collect(), entropies }
    }
}

/// The bin of each number, by the edges of numpy.histogram: a bin holds its lower edge, the last its upper
/// one too. A constant is in one bin.
fn binned(numbers: &[f64], bins: Bins) -> Vec<usize> {
    let [low, high] = range(numbers.iter().copied());
    if constant([low, high]) {
        return vec![0; numbers.len()];
    }
    let width = (high - low) / bins.count as f64;
    let edges: Vec<_> = (1..bins.count).map(|i| i as f64 * width + low).collect();
    numbers.iter().map(|x| edges.partition_point(|edge| edge <= x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_belong_to_the_bin_above_and_the_last_to_the_last() {
        let bins = Bins { count: 4 };
        assert_eq!(binned(&[0., 0.999, 1., 2., 3.5, 4.], bins), [0, 0, 1, 2, 3, 3]);
        assert_eq!(binned(&[0.1, 0.1 + 1e-8], bins), [0, 0]);
    }
}
