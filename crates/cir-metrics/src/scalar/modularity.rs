//! Modularity (Ridgeway and Mozer, *Learning Deep Disentangled Embeddings with the F-Statistic Loss*,
//! NeurIPS 2018, section 2).

use candle_core::Result;

use super::{Bins, information::score};
use crate::{Codes, Sampling, Score, statistics::mean};

/// Whether each number says something of one factor only: with m_ij the mutual information of number i and
/// factor j of N, the mean over numbers of 1 - Σ_{j ≠ best} m_ij² / (m_i,best² (N - 1)).
///
/// That several numbers say the same costs nothing. A number that says nothing of any factor scores 0, as
/// with Locatello et al., who take mean codes and 20 bins. One that says almost nothing counts as much as
/// one that says all. The interval is the normal one, for the reason given at [`mig`](fn@super::mig).
///
/// # Errors
/// When fewer than two factors have two values among the images, or there are fewer than two bins.
pub fn modularity(codes: &Codes, bins: Bins, sampling: Sampling) -> Result<Score> {
    score("modularity", (codes, 2), bins, sampling, |found| {
        mean(found.mutual.iter().map(|row| concentration(row)))
    })
}

/// Of one number.
fn concentration(information: &[f64]) -> f64 {
    let most = information.iter().copied().fold(0., f64::max).powi(2);
    if most == 0. {
        return 0.;
    }
    let others = information.iter().map(|m| m * m).sum::<f64>() - most;
    1. - others / (most * (information.len() - 1) as f64)
}
