//! The Fréchet distance of two sets of images (Heusel et al., *GANs Trained by a Two Time-Scale Update Rule
//! Converge to a Local Nash Equilibrium*, NIPS 2017, equation 6).

use candle_core::{Error, Result, bail};
use faer::{Accum, Mat, MatRef, Par, Side, linalg::matmul::matmul};
use serde::Serialize;

use super::{Moments, features::same_kind};
use crate::Score;

/// A score of sets of images, which may have been too few.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SetScore {
    /// The score.
    pub score: Score,
    /// Why it is not to be trusted.
    pub warning: Option<String>,
}

/// Images below which the distance carries a warning, whatever the width.
const FEW: usize = 2048;

/// |μ_a - μ_b|² + tr(Σ_a + Σ_b - 2 (Σ_a Σ_b)^½): the Fréchet distance of the two normal distributions with
/// the features' moments. Of the features of [`Inception`](super::Inception) it is the FID.
///
/// tr (Σ_a Σ_b)^½ is Σ √λ over the eigenvalues λ of Σ_a^½ Σ_b Σ_a^½, which is symmetric, so that neither
/// complex numbers nor a small multiple of the identity are needed where a covariance is singular.
///
/// It warns below width + 1 images, since the covariance of n images has at most rank n - 1, and below 2048:
/// the estimate's bias is upwards, falls with the number of images, and differs between generators (Chong
/// and Forsyth, *Effectively Unbiased FID and Inception Score*, CVPR 2020; Bińkowski et al., ICLR 2018,
/// appendix D). The README of Heusel et al.'s program asks for more images than pool3's 2048 features,
/// and recommends 10,000.
///
/// # Errors
/// When the features are of another kind or width, or the width is 0, a set has fewer than two images, or no eigenvalues are found.
pub fn frechet(a: &Moments, b: &Moments) -> Result<SetScore> {
    let (width, rows) = (a.width(), [a.rows(), b.rows()]);
    same_kind((a.name(), width), (b.name(), b.width()))?;
    if width == 0 {
        bail!("the Fréchet distance of features of width 0; 1 and more is allowed");
    }
    let least = rows[0].min(rows[1]);
    if least < 2 {
        bail!("the Fréchet distance of {} and {} images; 2 and more are allowed", rows[0], rows[1]);
    }
    let apart: f64 = a.mean().iter().zip(b.mean()).map(|(a, b)| (a - b).powi(2)).sum();
    let trace = |of: &Moments| (0..width).map(|i| of.covariance(i, i)).sum::<f64>();
    let common = trace_of_root(&a.covariances(), &b.covariances())?;
    let warning = match least {
        n if n <= width => Some(format!(
            "{n} images cannot show a covariance of width {width}; more than {} are needed",
            width.max(FEW - 1)
        )),
        n if n < FEW => Some(format!("{n} images make the distance too large; {FEW} are few")),
        _ => None,
    };
    let protocol = format!(
        "Frechet distance 1 features={} width={width} images={}/{} unbiased",
        a.name(),
        rows[0],
        rows[1]
    );
    // What rounding leaves of equal sets may lie below 0.
    let value = (apart + trace(a) + trace(b) - 2. * common).max(0.);
    Ok(SetScore { score: Score { value, interval: None, protocol }, warning })
}

/// tr (a b)^½ of symmetric positive semi-definite matrices.
fn trace_of_root(a: &Mat<f64>, b: &Mat<f64>) -> Result<f64> {
    let width = a.nrows();
    let failed = |e| Error::msg(format!("eigenvalues of a covariance of width {width}: {e:?}"));
    let eigen = a.self_adjoint_eigen(Side::Lower).map_err(failed)?;
    let roots = roots(&eigen.S().column_vector().iter().copied().collect::<Vec<_>>());
    // a = r rᵀ; rᵀ b r has the eigenvalues of a^½ b a^½.
    let vectors = eigen.U();
    let r = Mat::from_fn(width, width, |i, j| vectors[(i, j)] * roots[j]);
    let inner = product(r.transpose(), product(b.as_ref(), r.as_ref()).as_ref());
    let values = inner.self_adjoint_eigenvalues(Side::Lower).map_err(failed)?;
    Ok(self::roots(&values).iter().sum())
}

/// Square roots; 0 of what is 0 but for rounding.
fn roots(values: &[f64]) -> Vec<f64> {
    let largest = values.iter().copied().fold(0., f64::max);
    let noise = largest * values.len() as f64 * f64::EPSILON;
    values.iter().map(|&x| if x > noise { x.sqrt() } else { 0. }).collect()
}

fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut c = Mat::zeros(a.nrows(), b.ncols());
    matmul(&mut c, Accum::Replace, a, b, 1., Par::Seq);
    c
}
