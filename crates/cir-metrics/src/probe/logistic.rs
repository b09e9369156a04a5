//! Multinomial logistic regression, the linear probe.

use candle_core::{Result, bail};

use super::lbfgs;
use crate::Codes;

/// How strongly weights are held to 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticConfig {
    /// Weight of the summed log-likelihood against half the squared weights; biases are free.
    pub c: f64,
}

impl Default for LogisticConfig {
    fn default() -> Self {
        Self { c: 1. }
    }
}

/// A fitted probe for one attribute: softmax(W x̂ + b), x̂ the code with every number scaled to mean 0
/// and standard deviation 1 over the images learnt from.
#[derive(Debug, Clone)]
pub struct Logistic {
    scales: Vec<[f64; 2]>,
    values: usize,
    /// For each value its weights, then its bias; of two values only the second has any.
    weights: Vec<Vec<f64>>,
}

impl Logistic {
    /// Minimises ½‖W‖² + C Σ -log p(label), to partial derivatives of at most 1e-4 for each image.
    ///
    /// # Errors
    /// When there is no such attribute.
    pub fn fit(codes: &Codes, attribute: usize, config: LogisticConfig) -> Result<Self> {
        let Some(&values) = codes.values().get(attribute) else {
            bail!("attribute {attribute} of {}", codes.values().len())
        };
        if !(config.c > 0. && config.c.is_finite()) {
            bail!("a C of {}; a positive number is allowed", config.c);
        }
        let scales = codes.scales();
        let labels = codes.labels(attribute);
        let rows: Vec<_> = (0..codes.rows()).map(|i| scaled(codes.row(i), &scales)).collect();
        let stride = codes.width() + 1;
        // One of the values needs no weights of its own when there are two, or one.
        let free = if values > 2 { values } else { values - 1 };
        let value = |w: &[f64], gradient: &mut [f64]| {
            gradient.fill(0.);
            let mut loss = 0.;
            for (row, &label) in rows.iter().zip(&labels) {
                let p = softmax(w.chunks(stride), values, row);
                loss -= config.c * p[label].max(f64::MIN_POSITIVE).ln();
                let free = p.iter().enumerate().skip(values - free);
                for ((value, p), g) in free.zip(gradient.chunks_mut(stride)) {
                    let error = config.c * (p - f64::from(u8::from(value == label)));
                    // The bias is the last.
                    g.iter_mut().zip(row).for_each(|(g, x)| *g += error * x);
                    g.iter_mut().skip(row.len()).for_each(|bias| *bias += error);
                }
            }
            for (w, g) in w.chunks(stride).zip(gradient.chunks_mut(stride)) {
                for (w, g) in w.iter().zip(g).take(stride - 1) {
                    loss += w * w / 2.;
                    *g += w;
                }
            }
            loss
        };
        let tolerance = 1e-4 * config.c * codes.rows() as f64;
        let found = lbfgs::minimise(vec![0.; free * stride], tolerance, 1000, value);
        Ok(Self { scales, values, weights: found.chunks(stride).map(<[f64]>::to_vec).collect() })
    }

    /// The probability of every value.
    ///
    /// # Errors
    /// When the code has another width than those learnt from.
    pub fn probabilities(&self, code: &[f64]) -> Result<Vec<f64>> {
        if code.len() != self.scales.len() {
            bail!("a code of width {}, learnt from {}", code.len(), self.scales.len());
        }
        let x = scaled(code, &self.scales);
        Ok(softmax(self.weights.iter().map(Vec::as_slice), self.values, &x))
    }
}

fn scaled(row: &[f64], scales: &[[f64; 2]]) -> Vec<f64> {
    let one = |(x, [mean, deviation]): (&f64, &[f64; 2])| match *deviation {
        // A constant says nothing.
        0. => 0.,
        deviation => (x - mean) / deviation,
    };
    row.iter().zip(scales).map(one).collect()
}

fn logit(weights: &[f64], row: &[f64]) -> f64 {
    // The bias is the last weight.
    let bias = weights.last().copied().unwrap_or(0.);
    weights.iter().zip(row).map(|(w, x)| w * x).sum::<f64>() + bias
}

fn softmax<'a>(
    weights: impl ExactSizeIterator<Item = &'a [f64]>,
    values: usize,
    row: &[f64],
) -> Vec<f64> {
    // The first value has no weights where there are fewer than values.
    let mut p = vec![0.; values - weights.len()];
    p.extend(weights.map(|w| logit(w, row)));
    let most = p.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    p.iter_mut().for_each(|x| *x = (*x - most).exp());
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|x| *x /= sum);
    p
}
