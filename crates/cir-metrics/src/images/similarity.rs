//! How near a picture is to the one it should be: absolute difference, PSNR and SSIM, and their means.

use candle_core::{Result, bail};
use cir_core::Image;
use serde::Serialize;

use super::{mean_square, one_shape, ssim};
use crate::{Score, score::NORMAL};

/// The peak signal-to-noise ratio 10 log10(255² / mean squared difference), in decibels; infinite if the
/// pictures are equal.
///
/// # Errors
/// When the shapes differ.
pub fn psnr(a: &Image, b: &Image) -> Result<f64> {
    Ok(10. * (255. * 255. / mean_square(a, b)?).log10())
}

/// [`Image::l1`], [`psnr`] and [`ssim`] of pairs that come one after another.
#[derive(Debug, Clone, Default)]
pub struct Similarity {
    l1: Mean,
    psnr: Mean,
    ssim: Mean,
    shape: Option<[usize; 3]>,
    several: bool,
}

/// Means over pairs, with normal intervals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimilarityScores {
    /// Mean absolute difference, between 0 and 1.
    pub l1: Score,
    /// Mean PSNR in decibels; infinite, and without interval, if a pair is equal.
    pub psnr: Score,
    /// Mean SSIM, at most 1.
    pub ssim: Score,
}

impl Similarity {
    /// Adds a pair.
    ///
    /// # Errors
    /// When the shapes differ, or are too small for SSIM; then nothing is added.
    pub fn add(&mut self, a: &Image, b: &Image) -> Result<()> {
        let (l1, psnr, ssim) = (a.l1(b)?, psnr(a, b)?, ssim(a, b)?);
        self.l1.add(l1);
        self.psnr.add(psnr);
        self.ssim.add(ssim);
        let shape = one_shape(a, b)?;
        self.several |= *self.shape.get_or_insert(shape) != shape;
        Ok(())
    }

    /// The means.
    ///
    /// # Errors
    /// When no pair was added.
    pub fn scores(&self) -> Result<SimilarityScores> {
        let Some([c, h, w]) = self.shape else { bail!("the similarity of no pairs of pictures") };
        let shape = if self.several { "several".into() } else { format!("{c}x{h}x{w}") };
        let options = "range=255 gaussian=1.5 window=11 K1=0.01 K2=0.03";
        let score = |name: &str, mean: &Mean| mean.score(format!("{name} pictures={shape}"));
        Ok(SimilarityScores {
            l1: score("L1 1 range=1", &self.l1),
            psnr: score("PSNR 1 range=255", &self.psnr),
            ssim: score(&format!("SSIM 1 {options}"), &self.ssim),
        })
    }
}

/// A running mean and sum of squared deviations (Welford, 1962).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    n: usize,
    mean: f64,
    squares: f64,
}

impl Mean {
    pub(super) fn add(&mut self, x: f64) {
        self.n += 1;
        // Once infinite it stays so.
        if self.mean.is_finite() {
            let before = x - self.mean;
            self.mean += before / self.n as f64;
            self.squares += before * (x - self.mean);
        }
    }

    /// The mean and its normal interval.
    pub(super) fn score(&self, protocol: String) -> Score {
        let n = self.n as f64;
        let reach = NORMAL * (self.squares / (n - 1.) / n).sqrt();
        let interval = [self.mean - reach, self.mean + reach];
        let known = interval.iter().all(|end| end.is_finite());
        Score {
            value: self.mean,
            interval: known.then_some(interval),
            protocol: format!("{protocol} pairs={}", self.n),
        }
    }
}
