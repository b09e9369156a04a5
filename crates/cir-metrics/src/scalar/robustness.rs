//! The interventional robustness score (Suter, Miladinović, Schölkopf and Bauer, *Robustly Disentangled
//! Causal Mechanisms*, ICML 2019, section 4), as Locatello et al. compute it.

use candle_core::{Result, bail};

use super::{constant, factors, mean, range};
use crate::{Codes, Score};

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
    let groups: Vec<_> = factors.iter().map(|&a| groups(codes, a)).collect();
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
            mean(groups.iter().map(one))
        };
        let least = groups.iter().map(within).fold(f64::INFINITY, f64::min);
        sum += largest * (1. - least / largest);
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

/// The images of each value that occurs.
fn groups(codes: &Codes, a: usize) -> Vec<Vec<usize>> {
    let mut groups = vec![Vec::new(); codes.values()[a]];
    codes.labels(a).into_iter().enumerate().for_each(|(i, label)| groups[label].push(i));
    groups.retain(|group| !group.is_empty());
    groups
}

/// The quantile of |x - mean|, between neighbours in proportion.
fn deviation(numbers: &[f64], quantile: f64) -> f64 {
    let centre = mean(numbers.iter().copied());
    let mut sorted: Vec<_> = numbers.iter().map(|x| (x - centre).abs()).collect();
    sorted.sort_by(f64::total_cmp);
    let place = quantile * (sorted.len() - 1) as f64;
    let (below, rest) = (place.floor() as usize, place.fract());
    let above = sorted[(below + 1).min(sorted.len() - 1)];
    sorted[below] + rest * (above - sorted[below])
}
