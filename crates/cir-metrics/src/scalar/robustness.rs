//! The interventional robustness score (Suter, Miladinović, Schölkopf and Bauer, *Robustly Disentangled
//! Causal Mechanisms*, ICML 2019, section 4), as Locatello et al. compute it.

use candle_core::{Result, bail};

use super::factors;
use crate::{
    Codes, Score,
    statistics::{constant, mean, quantile, range},
};

/// Which deviation stands for the largest within a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IrsConfig {
    /// The quantile, above 0 and at most 1, where it is the largest itself.
    pub quantile: f64,
}

impl Default for IrsConfig {
    /// That of Locatello et al.
    fn default() -> Self {
        Self { quantile: 0.99 }
    }
}

/// Whether each number stays where it is while its factor does and all others change.
///
/// For a number and a factor: the quantile of |z - mean of z| among the images of a value, averaged over the
/// values that occur, over the number's largest deviation from its mean among all images. A number's score
/// is 1 less that of its best factor. Numbers count by their largest deviations; constant ones are dropped,
/// and 0 is the score if none is left.
///
/// It draws nothing, and has no interval: a bootstrap does not tell how far a maximum over the images may
/// be off. A value that a single image has looks perfectly robust; there should be many images of each.
///
/// # Errors
/// When no factor has two values among the images, or the quantile is not one.
pub fn irs(codes: &Codes, config: IrsConfig) -> Result<Score> {
    if !(config.quantile > 0. && config.quantile <= 1.) {
        bail!("quantile {}; above 0 and at most 1 are allowed", config.quantile);
    }
    let factors = factors(codes, 1)?;
    let groups: Vec<_> = factors.iter().map(|&a| codes.groups(a)).collect();
    let (mut sum, mut weights) = (0., 0.);
    for column in (0..codes.width()).map(|j| codes.column(j)) {
        if constant(range(column.iter().copied())) {
            continue;
        }
        let largest = deviation(&column, 1.);
        let within = |groups: &Vec<Vec<usize>>| {
            let one = |images: &Vec<usize>| {
                deviation(&images.iter().map(|&i| column[i]).collect::<Vec<_>>(), config.quantile)
            };
            mean(groups.iter().filter(|images| !images.is_empty()).map(one))
        };
        let least = groups.iter().map(within).fold(f64::INFINITY, f64::min);
        sum += largest - least;
        weights += largest;
    }
    let protocol = format!(
        "IRS 1 quantile={} images={} numbers={} factors={}",
        config.quantile,
        codes.rows(),
        codes.width(),
        factors.len()
    );
    let value = if weights == 0. { 0. } else { sum / weights };
    Ok(Score { value, interval: None, protocol })
}

/// The quantile of |x - mean|.
fn deviation(numbers: &[f64], share: f64) -> f64 {
    let centre = mean(numbers.iter().copied());
    quantile(numbers.iter().map(|x| (x - centre).abs()).collect(), share)
}
