//! Codes whose single numbers should stand for factors, as in Locatello et al., *Challenging Common
//! Assumptions in the Unsupervised Learning of Disentangled Representations*, ICML 2019, appendix C.
//!
//! All ask of codes what their numbers say of discrete factors, the attributes of [`Codes`]. A factor that
//! has one value only among the images says nothing of the code and is left out; the protocol says how
//! many are left. A number is constant if its values are equal up to the rounding of the arithmetic that
//! made them.

mod explicitness;
mod information;
mod mig;
mod modularity;
mod robustness;
mod sap;
mod svm;
#[cfg(test)]
mod tests;
mod votes;

use candle_core::{Result, bail};

pub use self::{
    explicitness::explicitness,
    information::Bins,
    mig::mig,
    modularity::modularity,
    robustness::{IrsConfig, irs},
    sap::sap,
    svm::SvmConfig,
    votes::{Votes, factor_vae},
};
use crate::Codes;

/// The factors that have two values at least among the images.
fn factors(codes: &Codes, least: usize) -> Result<Vec<usize>> {
    let varied = |&a: &usize| codes.labels(a).windows(2).any(|pair| pair[0] != pair[1]);
    let found: Vec<_> = (0..codes.values().len()).filter(varied).collect();
    if found.len() < least {
        let images = codes.rows();
        bail!("{} factors with two values among {images} images; at least {least}", found.len());
    }
    Ok(found)
}

/// The largest less the second largest; 0 stands for what there is not.
fn gap(found: impl Iterator<Item = f64>) -> f64 {
    let [first, second] =
        found.fold(
            [0f64; 2],
            |[first, second], x| {
                if x > first { [x, first] } else { [first, second.max(x)] }
            },
        );
    first - second
}
