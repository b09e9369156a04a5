//! The mutual information gap (Chen et al., *Isolating Sources of Disentanglement in Variational
//! Autoencoders*, NeurIPS 2018, equation 6).

use candle_core::Result;

use super::{
    Bins, gap,
    information::{Information, score},
};
use crate::{Codes, Sampling, Score, statistics::mean};

/// For each factor the mutual information with the number that has most, less that with the next, over
/// the factor's entropy; averaged over factors.
///
/// Locatello et al. take mean codes and 20 bins. The interval is the normal one: bins of a resample, whose
/// images come several times, hold more information than there is.
///
/// # Errors
/// When no factor has two values among the images, or there are fewer than two bins.
pub fn mig(codes: &Codes, bins: Bins, sampling: Sampling) -> Result<Score> {
    score("MIG", (codes, 1), bins, sampling, gaps)
}

/// A resample may lack a factor's second value, which leaves the factor out.
fn gaps(found: &Information) -> f64 {
    let varied = found.entropies.iter().enumerate().filter(|(_, entropy)| **entropy > 0.);
    mean(varied.map(|(a, entropy)| gap(found.mutual.iter().map(|row| row[a])) / entropy))
}
