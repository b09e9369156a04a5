//! Classifiers that find an attribute in codes: how well they do is how much of it the codes hold.

mod forest;
mod lbfgs;
mod logistic;

pub use forest::{Forest, ForestConfig};
pub use logistic::{Logistic, LogisticConfig};

/// Which classifier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Probe {
    /// Finds what can be read off linearly.
    Logistic(LogisticConfig),
    /// Finds what thresholds find.
    Forest(ForestConfig),
}

impl Default for Probe {
    fn default() -> Self {
        Self::Logistic(LogisticConfig::default())
    }
}

impl Probe {
    /// The options in a protocol string.
    pub(crate) fn protocol(&self) -> String {
        match self {
            Self::Logistic(LogisticConfig { c }) => format!("logistic(C={c})"),
            Self::Forest(ForestConfig { trees }) => format!("bagged(trees={trees})"),
        }
    }

    /// The probability of every value of attribute `a`, for each image of `judge`; learnt from `learn`.
    pub(crate) fn read(
        &self,
        learn: &crate::Codes,
        judge: &crate::Codes,
        a: usize,
        seed: u64,
    ) -> candle_core::Result<Vec<Vec<f64>>> {
        let rows = (0..judge.rows()).map(|i| judge.row(i));
        Ok(match self {
            Self::Logistic(config) => {
                let probe = Logistic::fit(learn, a, *config)?;
                rows.map(|row| probe.probabilities(row)).collect::<candle_core::Result<_>>()?
            }
            Self::Forest(config) => {
                let probe = Forest::fit(learn, a, *config, seed)?;
                let trees = config.trees as f64;
                let read = |row| -> candle_core::Result<Vec<f64>> {
                    let p = probe.probabilities(row)?;
                    // No value is impossible: one more tree, which knows nothing, is asked.
                    let guess = 1. / p.len() as f64;
                    Ok(p.into_iter().map(|p| (trees * p + guess) / (trees + 1.)).collect())
                };
                rows.map(read).collect::<candle_core::Result<_>>()?
            }
        })
    }
}

/// The value of the highest probability; the first of several.
pub(crate) fn likeliest(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (value, p) in probabilities.iter().enumerate() {
        if *p > probabilities[best] {
            best = value;
        }
    }
    best
}
