//! Path length (Karras et al., *A Style-Based Generator Architecture for Generative Adversarial Networks*,
//! CVPR 2019, section 4.1): how fast pictures change on the way.

use candle_core::{Result, bail};
use cir_core::rng;
use rand::Rng as _;

use crate::{Sampling, Score};

/// The expectation of ‖f(t + ε) - f(t)‖² / ε² over paths and uniform t in [0, 1 - ε]; `features` gives f
/// of a path, by number, at two fractions.
///
/// f is what the caller compares pictures by: their numbers, or a network's features of them; the paper's
/// is LPIPS, whose lengths are not comparable to others'. As in the authors' program the largest and the
/// smallest hundredth are left out, which of fewer than 100 paths is none. The interval is over the paths.
///
/// # Errors
/// When there is no path, ε is not between 0 and 1, features are of two lengths, and what `features`
/// returns.
pub fn path_length(
    paths: usize,
    epsilon: f64,
    name: &str,
    sampling: Sampling,
    mut features: impl FnMut(usize, [f64; 2]) -> Result<[Vec<f32>; 2]>,
) -> Result<Score> {
    if paths == 0 || !(epsilon > 0. && epsilon < 1.) {
        bail!("{paths} paths and a step of {epsilon}; allowed: 1 path and more, between 0 and 1");
    }
    let mut lengths = Vec::with_capacity(paths);
    for path in 0..paths {
        let t = rng(sampling.seed, "path length", path as u64).random::<f64>() * (1. - epsilon);
        let [a, b] = features(path, [t, t + epsilon])?;
        if a.len() != b.len() {
            bail!("{} and {} features on path {path}", a.len(), b.len());
        }
        let square = a.iter().zip(&b).map(|(a, b)| f64::from(b - a).powi(2)).sum::<f64>();
        lengths.push(square / (epsilon * epsilon));
    }
    let over = |places: &[usize]| trimmed(places.iter().map(|&i| lengths[i]).collect());
    let protocol = format!(
        "path length 1 features={name} step={epsilon} paths={paths} trimmed=0.01 {sampling}"
    );
    Ok(Score::judged(paths, over, sampling, protocol))
}

/// The mean without the largest and the smallest hundredth.
fn trimmed(mut lengths: Vec<f64>) -> f64 {
    lengths.sort_by(f64::total_cmp);
    let out = lengths.len() / 100;
    let kept = &lengths[out..lengths.len() - out];
    kept.iter().sum::<f64>() / kept.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLING: Sampling = Sampling { seed: 1, resamples: 50 };

    /// On a straight line f(t) = t v the length is ‖v‖².
    #[test]
    fn a_straight_line_is_as_long_as_it_is() {
        let line = |_, at: [f64; 2]| Ok(at.map(|t| vec![3. * t as f32, 4. * t as f32]));
        let found = path_length(300, 0.01, "pixels", SAMPLING, line).unwrap();
        assert!((found.value - 25.).abs() < 0.01, "{found:?}");
        let constant = |_, _| Ok([vec![1.; 3], vec![1.; 3]]);
        assert_eq!(path_length(3, 0.01, "pixels", SAMPLING, constant).unwrap().value, 0.);
    }

    #[test]
    fn a_single_outlier_is_left_out() {
        let jump = |path, at: [f64; 2]| {
            let slope = if path == 7 { 1e4 } else { 1. };
            Ok(at.map(|t| vec![(slope * t) as f32]))
        };
        let found = path_length(200, 0.01, "pixels", SAMPLING, jump).unwrap();
        assert!((found.value - 1.).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn what_cannot_be_measured_is_named() {
        let ragged = |_, _| Ok([vec![1.], vec![1., 2.]]);
        let refused = |paths, step| {
            path_length(paths, step, "pixels", SAMPLING, ragged).unwrap_err().to_string()
        };
        assert!(refused(0, 0.1).contains("0 paths"));
        assert!(refused(1, 1.).contains("a step of 1"));
        assert!(refused(1, 0.1).contains("1 and 2 features on path 0"));
    }
}
