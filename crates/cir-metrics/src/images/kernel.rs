//! The kernel distance of two sets of images (Bińkowski, Sutherland, Arbel and Gretton, *Demystifying MMD
//! GANs*, ICLR 2018, section 4): with Inception's features the KID.

use candle_core::{Result, bail};
use cir_core::rng;
use cir_ops::side_by_side;
use faer::{Accum, Mat, MatRef, Par, linalg::matmul::matmul};
use rand::seq::index::sample;
use serde::Serialize;

use super::{Features, features::BLOCK};
use crate::Score;

/// Which images an estimate is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subsets {
    /// Estimates.
    pub count: usize,
    /// Images of each set in an estimate.
    pub size: usize,
    /// Of the draws.
    pub seed: u64,
}

impl Default for Subsets {
    /// The paper's: 100 subsets of 1000 images.
    fn default() -> Self {
        Self { count: 100, size: 1000, seed: 1 }
    }
}

/// The mean of estimates from subsets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KernelDistance {
    /// The mean. It has no interval: subsets share images.
    pub score: Score,
    /// The standard deviation over subsets, which is commonly written behind a ±.
    pub deviation: f64,
}

/// The squared maximum mean discrepancy under the kernel (x·y / width + 1)³, from all pairs of images.
///
/// Σ_{i≠j} k(a_i, a_j) / (m(m-1)) + Σ_{i≠j} k(b_i, b_j) / (n(n-1)) - 2 Σ k(a_i, b_j) / (mn): unbiased at any
/// number of images, hence without warning, and below 0 now and then.
///
/// # Errors
/// When the widths differ, or a set has fewer than two images.
pub fn kernel_distance(a: &Features, b: &Features) -> Result<Score> {
    a.check(b, 2)?;
    let protocol = format!("{} images={}/{} all", name(a), a.rows(), b.rows());
    Ok(Score { value: discrepancy(a, b)?, interval: None, protocol })
}

/// As [`kernel_distance`], from random subsets drawn without replacement, whose time does not grow with the
/// square of the number of images.
///
/// # Errors
/// As [`kernel_distance`], and when there is no subset, or one has fewer than two images or more than a set.
pub fn kernel_distance_of_subsets(
    a: &Features,
    b: &Features,
    subsets: Subsets,
) -> Result<KernelDistance> {
    a.check(b, 2)?;
    let Subsets { count, size, seed } = subsets;
    let most = a.rows().min(b.rows());
    if count == 0 || !(2..=most).contains(&size) {
        bail!("{count} subsets of {size} images; 1 and more of 2 to {most} are allowed");
    }
    let found = side_by_side((0..count as u64).collect(), |i| {
        let mut rng = rng(seed, "kernel distance", i);
        let mut drawn = |of: &Features| of.select(&sample(&mut rng, of.rows(), size).into_vec());
        discrepancy(&drawn(a), &drawn(b))
    })?;
    let n = count as f64;
    let value = found.iter().sum::<f64>() / n;
    let deviation = (found.iter().map(|x| (x - value).powi(2)).sum::<f64>() / n).sqrt();
    let protocol =
        format!("{} images={}/{} subsets={count}x{size} seed={seed}", name(a), a.rows(), b.rows());
    Ok(KernelDistance { score: Score { value, interval: None, protocol }, deviation })
}

fn name(a: &Features) -> String {
    format!("kernel distance 1 cubic unbiased features={} width={}", a.name(), a.width())
}

fn discrepancy(a: &Features, b: &Features) -> Result<f64> {
    let (m, n) = (a.rows() as f64, b.rows() as f64);
    let own = |x: &Features| -> Result<f64> {
        let itself = |i| kernel(x.row(i).iter().map(|x| x * x).sum(), x.width());
        let diagonal: f64 = (0..x.rows()).map(itself).sum();
        Ok(kernel_sum(x, x)? - diagonal)
    };
    let (aa, bb, ab) = (own(a)?, own(b)?, kernel_sum(a, b)?);
    Ok(aa / (m * (m - 1.)) + bb / (n * (n - 1.)) - 2. * ab / (m * n))
}

fn kernel(product: f64, width: usize) -> f64 {
    (product / width as f64 + 1.).powi(3)
}

/// The kernel of all pairs.
fn kernel_sum(a: &Features, b: &Features) -> Result<f64> {
    let width = a.width();
    let matrix = |rows| MatRef::from_row_major_slice(rows, rows.len() / width, width);
    let sums = side_by_side(a.numbers().chunks(BLOCK * width).collect(), |a| -> Result<_> {
        let mut sum = 0.;
        for b in b.numbers().chunks(BLOCK * width) {
            let (a, b) = (matrix(a), matrix(b));
            let mut products = Mat::<f64>::zeros(a.nrows(), b.nrows());
            matmul(&mut products, Accum::Replace, a, b.transpose(), 1., Par::Seq);
            let of = |column| -> f64 {
                (0..a.nrows()).map(|row| kernel(products[(row, column)], width)).sum()
            };
            sum += (0..b.nrows()).map(of).sum::<f64>();
        }
        Ok(sum)
    })?;
    Ok(sums.iter().sum())
}
