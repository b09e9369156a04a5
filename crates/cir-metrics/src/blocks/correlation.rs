//! Linear dependence between blocks, which the authors of CIR report for its small mutual information
//! (Ge et al., WACV 2023, section 4).

use candle_core::Result;

use super::Blocks;
use crate::{Codes, Sampling, Score};

/// The mean absolute Pearson correlation between numbers of different blocks; a constant number has none
/// with any.
///
/// # Errors
/// When the blocks do not fit the codes.
pub fn correlation(codes: &Codes, blocks: &Blocks, sampling: Sampling) -> Result<Score> {
    blocks.check(codes)?;
    // Percentiles would lie above the value of independent blocks: resampling adds chance correlations,
    // whose absolute values do not cancel.
    let of = |images: &[usize]| mean_correlation(&codes.select(images), blocks);
    let protocol = format!("block correlation 1 images={} {sampling}", codes.rows());
    Score::resampled(codes.rows(), of, sampling, protocol)
}

fn mean_correlation(codes: &Codes, blocks: &Blocks) -> f64 {
    let scales = codes.scales();
    let standard = |j: usize| {
        let [mean, deviation] = scales[j];
        let scaled = |x: f64| if deviation == 0. { 0. } else { (x - mean) / deviation };
        codes.column(j).into_iter().map(scaled).collect::<Vec<_>>()
    };
    let standard: Vec<_> = (0..codes.width()).map(standard).collect();
    let (mut sum, mut pairs) = (0., 0usize);
    for (k, one) in blocks.ranges().iter().enumerate() {
        for other in &blocks.ranges()[k + 1..] {
            for i in one.clone() {
                for j in other.clone() {
                    let both =
                        standard[i].iter().zip(&standard[j]).map(|(a, b)| a * b).sum::<f64>();
                    sum += (both / codes.rows() as f64).abs();
                    pairs += 1;
                }
            }
        }
    }
    sum / pairs.max(1) as f64
}
