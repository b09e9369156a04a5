//! Whether made images lie among real ones, and real ones among made: precision and recall (Kynkäänniemi et
//! al., *Improved Precision and Recall Metric for Assessing Generative Models*, NeurIPS 2019, equations 1
//! and 2), density and coverage (Naeem et al., *Reliable Fidelity and Diversity Metrics for Generative
//! Models*, ICML 2020, equations 4 and 5).

use candle_core::{Result, bail};
use cir_ops::side_by_side;
use serde::Serialize;

use super::Features;
use crate::Score;

/// The four, and what speaks against them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbours {
    /// The share of made images that lie no farther from a real one than its k-th real neighbour.
    pub precision: Score,
    /// The share of real images that lie no farther from a made one than its k-th made neighbour.
    pub recall: Score,
    /// How many real images have a made one nearer than their k-th real neighbour, over k: 1 is expected of
    /// equal distributions, and it may be more.
    pub density: Score,
    /// The share of real images to which a made one is nearer than their k-th real neighbour.
    pub coverage: Score,
    /// Set where coverage would be less than 0.95 even if both sets came from one distribution.
    pub warning: Option<String>,
}

/// All four by Euclidean distances, `k` neighbours deep. The authors take k = 3 with 50,000 images for
/// precision and recall, and k = 5 with 10,000 for density and coverage.
///
/// An image on the border counts as inside for the first two and as outside for the others, as
/// equation 1 and the authors' program have it. The time grows with the product of the numbers of images.
///
/// The warning follows Naeem et al., who choose k by the expected coverage of two samples from one
/// distribution (their lemma 2): of the N - 1 + M images around a real one, the k nearest are all
/// real with probability Π_{j<k} (N-1-j) / (N-1+M-j), whatever the distribution.
///
/// # Errors
/// When the widths differ, k is 0, or a set has no more than k images.
pub fn neighbours(real: &Features, made: &Features, k: usize) -> Result<Neighbours> {
    if k == 0 {
        bail!("the 0-th neighbour; 1 and more are allowed");
    }
    real.check(made, k.saturating_add(1))?;
    let (n, m) = (real.rows(), made.rows());
    let (real_radii, made_radii) = (radii(real, k)?, radii(made, k)?);
    let rows: Vec<_> = (0..n).collect();
    let parts = side_by_side(rows.chunks(64).collect(), |rows: &[usize]| -> Result<_> {
        let mut part = Part { precise: vec![false; m], recalled: 0, inside: 0, covered: 0 };
        for &i in rows {
            let (mut recalled, mut inside) = (false, 0);
            for (j, &radius) in made_radii.iter().enumerate() {
                let distance = squared(real.row(i), made.row(j));
                part.precise[j] |= distance <= real_radii[i];
                recalled |= distance <= radius;
                inside += usize::from(distance < real_radii[i]);
            }
            part.recalled += usize::from(recalled);
            part.inside += inside;
            part.covered += usize::from(inside > 0);
        }
        Ok(part)
    })?;
    let sum = |of: fn(&Part) -> usize| parts.iter().map(of).sum::<usize>() as f64;
    let precise = (0..m).filter(|&j| parts.iter().any(|part| part.precise[j])).count();
    let (features, width) = (real.name(), real.width());
    let score = |name: &str, value| Score {
        value,
        interval: None,
        protocol: format!("{name} 1 k={k} features={features} width={width} images={n}/{m}"),
    };
    let expected = expected_coverage(n, m, k);
    Ok(Neighbours {
        precision: score("precision", precise as f64 / m as f64),
        recall: score("recall", sum(|part| part.recalled) / n as f64),
        density: score("density", sum(|part| part.inside) / (k * m) as f64),
        coverage: score("coverage", sum(|part| part.covered) / n as f64),
        warning: (expected < 0.95).then(|| {
            format!("{m} images of the distribution of the {n} would cover {expected:.2} of them")
        }),
    })
}

/// What some of the real images add.
struct Part {
    /// Of each made image.
    precise: Vec<bool>,
    recalled: usize,
    inside: usize,
    covered: usize,
}

fn expected_coverage(real: usize, made: usize, k: usize) -> f64 {
    let all = real - 1 + made;
    1. - (0..k).map(|j| (real - 1 - j) as f64 / (all - j) as f64).product::<f64>()
}

/// The squared distance of each image to its k-th neighbour among the others.
fn radii(features: &Features, k: usize) -> Result<Vec<f64>> {
    side_by_side((0..features.rows()).collect(), |i: usize| {
        let others = (0..features.rows()).filter(|&j| j != i);
        let distance = |j| squared(features.row(i), features.row(j));
        let mut distances: Vec<_> = others.map(distance).collect();
        Ok::<_, candle_core::Error>(*distances.select_nth_unstable_by(k - 1, f64::total_cmp).1)
    })
}

/// Differences first, not x·x - 2 x·y + y·y: equal images lie at exactly 0.
fn squared(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.; LANES];
    let (first, second) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = first.remainder().iter().zip(second.remainder());
    let rest: f64 = rest.map(|(x, y)| (x - y) * (x - y)).sum();
    for (x, y) in first.zip(second) {
        (0..LANES).for_each(|l| sums[l] += (x[l] - y[l]) * (x[l] - y[l]));
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::expected_coverage;

    /// Naeem et al., section 4.3: N = M = 10,000 and k = 5 give 0.969.
    #[test]
    fn coverage_is_expected_as_published() {
        assert!((expected_coverage(10_000, 10_000, 5) - 0.969).abs() < 5e-4);
    }
}
