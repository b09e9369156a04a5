//! Resizing with the numbers of Pillow's mode `F`: the kernel is widened when shrinking, so that every pixel
//! counts, weights sum to 1, and nothing is rounded to bytes.
//!
//! A distance between features of images that were resized otherwise is another one (Parmar, Zhang and Zhu,
//! *On Aliased Resizing and Surprising Subtleties in GAN Evaluation*, CVPR 2022).

use candle_core::{Result, bail};

/// What a pixel is interpolated by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The triangle through neighbouring pixels.
    Bilinear,
    /// The cubic with a = -0.5, which may exceed the range of the pixels.
    Bicubic,
}

/// A plane of height and width `from`, row by row, as one of height and width `to`; first along the rows.
///
/// # Errors
/// When a side is 0, or there are not as many numbers as pixels.
pub fn resize(plane: &[f32], from: [usize; 2], to: [usize; 2], filter: Filter) -> Result<Vec<f32>> {
    if from.contains(&0) || to.contains(&0) || from[0].checked_mul(from[1]) != Some(plane.len()) {
        bail!("{} pixels of (height, width) {from:?} resized to {to:?}", plane.len());
    }
    let across = windows(from[1], to[1], filter);
    let row = |row: &'_ [f32]| across.iter().map(|window| window.sum(row)).collect::<Vec<_>>();
    let wide: Vec<_> = plane.chunks_exact(from[1]).flat_map(row).collect();
    let mut whole = Vec::with_capacity(to[0] * to[1]);
    for window in windows(from[0], to[0], filter) {
        let mut sums = vec![0.; to[1]];
        for (row, weight) in wide.chunks_exact(to[1]).skip(window.first).zip(&window.weights) {
            sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += weight * f64::from(x));
        }
        whole.extend(sums.iter().map(|&sum| sum as f32));
    }
    Ok(whole)
}

/// The pixels that a pixel of the result is made of, and their weights.
struct Window {
    first: usize,
    weights: Vec<f64>,
}

impl Window {
    fn sum(&self, row: &[f32]) -> f32 {
        let pairs = row[self.first..].iter().zip(&self.weights);
        pairs.map(|(&x, weight)| f64::from(x) * weight).sum::<f64>() as f32
    }
}

fn windows(from: usize, to: usize, filter: Filter) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.);
    let reach = filter.reach() * stretch;
    let window = |i: usize| {
        let centre = (i as f64 + 0.5) * scale;
        // `as` cuts off the fraction, and takes what is negative to 0.
        let first = (centre - reach + 0.5) as usize;
        let end = ((centre + reach + 0.5) as usize).min(from);
        let at = |x: usize| filter.at((x as f64 - centre + 0.5) / stretch);
        let weights: Vec<_> = (first..end).map(at).collect();
        let sum: f64 = weights.iter().sum();
        Window { first, weights: weights.iter().map(|weight| weight / sum).collect() }
    };
    (0..to).map(window).collect()
}

impl Filter {
    /// Where the kernel ends.
    fn reach(self) -> f64 {
        match self {
            Self::Bilinear => 1.,
            Self::Bicubic => 2.,
        }
    }

    fn at(self, x: f64) -> f64 {
        const A: f64 = -0.5;
        match (self, x.abs()) {
            (Self::Bilinear, x) => (1. - x).max(0.),
            (Self::Bicubic, x) if x < 1. => ((A + 2.) * x - (A + 3.)) * x * x + 1.,
            (Self::Bicubic, x) if x < 2. => (((x - 5.) * x + 8.) * x - 4.) * A,
            (Self::Bicubic, _) => 0.,
        }
    }
}
