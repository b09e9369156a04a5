//! How near pictures are to pictures: pair by pair, and as sets by the features that a network has of
//! them.

mod features;
mod frechet;
mod inception;
mod kernel;
mod lpips;
mod moments;
mod neighbours;
mod resize;
mod similarity;
mod ssim;
mod stored;
#[cfg(test)]
mod tests;

use candle_core::{Result, bail};
use cir_core::Image;

pub use self::{
    features::{Features, features_of},
    frechet::{SetScore, frechet},
    inception::Inception,
    kernel::{KernelDistance, Subsets, kernel_distance, kernel_distance_of_subsets},
    lpips::{Backbone, Lpips},
    moments::Moments,
    neighbours::{Neighbours, neighbours},
    resize::{Filter, resize},
    similarity::{Similarity, SimilarityScores, psnr},
    ssim::ssim,
};

/// Channels, height and width of both.
fn one_shape(a: &Image, b: &Image) -> Result<[usize; 3]> {
    let shape = |image: &Image| [image.channels(), image.height(), image.width()];
    if shape(a) != shape(b) {
        bail!("pictures of (channels, height, width) {:?} and {:?}", shape(a), shape(b));
    }
    if a.data().is_empty() {
        bail!("pictures of (channels, height, width) {:?} have no pixels", shape(a));
    }
    Ok(shape(a))
}

/// The mean squared difference in squares of a level of 255.
///
/// # Errors
/// When the shapes differ.
pub(crate) fn mean_square(a: &Image, b: &Image) -> Result<f64> {
    one_shape(a, b)?;
    let square = |(a, b): (&u8, &u8)| u64::from(a.abs_diff(*b)).pow(2);
    let sum: u64 = a.data().iter().zip(b.data()).map(square).sum();
    Ok(sum as f64 / a.data().len() as f64)
}
