//! The structural similarity of two pictures (Wang, Bovik, Sheikh and Simoncelli, *Image Quality
//! Assessment: From Error Visibility to Structural Similarity*, IEEE TIP 2004, equation 13).

use candle_core::{Result, bail};
use cir_core::Image;

use super::one_shape;

/// Side of the window.
const WINDOW: usize = 11;
/// Its standard deviation.
const SIGMA: f64 = 1.5;
/// (K1 L)² and (K2 L)², L the range.
const C: [f64; 2] = [(0.01 * 255.) * (0.01 * 255.), (0.03 * 255.) * (0.03 * 255.)];

/// SSIM, averaged over channels and the positions at which the whole window lies inside; 1 if the pictures
/// are equal.
///
/// A Gaussian window of 11x11 with standard deviation 1.5, K1 = 0.01, K2 = 0.03, range 255, variances
/// divided by the weights' sum: what scikit-image computes with `gaussian_weights=True, sigma=1.5,
/// use_sample_covariance=False`.
///
/// # Errors
/// When the shapes differ, or a side is shorter than the window.
pub fn ssim(a: &Image, b: &Image) -> Result<f64> {
    let [channels, height, width] = one_shape(a, b)?;
    if height.min(width) < WINDOW {
        bail!(
            "SSIM of pictures of {width}x{height}, which its window of {WINDOW}x{WINDOW} exceeds"
        );
    }
    let channel = |c: usize| {
        let plane = |image: &Image| -> Vec<_> {
            image.data().iter().skip(c).step_by(channels).map(|&x| f64::from(x)).collect()
        };
        let (a, b) = (plane(a), plane(b));
        let mean = |x: &[f64]| smoothed(x, width);
        let product = |x: &[f64], y: &[f64]| -> Vec<_> {
            mean(&x.iter().zip(y).map(|(x, y)| x * y).collect::<Vec<_>>())
        };
        let (mean_a, mean_b) = (mean(&a), mean(&b));
        let (aa, bb, ab) = (product(&a, &a), product(&b, &b), product(&a, &b));
        let at = |i: usize| {
            let (ma, mb) = (mean_a[i], mean_b[i]);
            let (va, vb, covariance) = (aa[i] - ma * ma, bb[i] - mb * mb, ab[i] - ma * mb);
            (2. * ma * mb + C[0]) * (2. * covariance + C[1])
                / ((ma * ma + mb * mb + C[0]) * (va + vb + C[1]))
        };
        (0..ab.len()).map(at).sum::<f64>() / ab.len() as f64
    };
    Ok((0..channels).map(channel).sum::<f64>() / channels as f64)
}

/// The weighted means of all windows that lie inside, row by row.
fn smoothed(plane: &[f64], width: usize) -> Vec<f64> {
    let weights = gaussian();
    let inside = width + 1 - WINDOW;
    let mut across = Vec::with_capacity(plane.len());
    for row in plane.chunks_exact(width) {
        let sum = |window: &[f64]| window.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>();
        across.extend(row.windows(WINDOW).map(sum));
    }
    let rows: Vec<_> = across.chunks_exact(inside).collect();
    let down = |window: &[&[f64]]| -> Vec<_> {
        let sum = |x: usize| window.iter().zip(&weights).map(|(row, w)| row[x] * w).sum::<f64>();
        (0..inside).map(sum).collect()
    };
    rows.windows(WINDOW).flat_map(down).collect()
}

fn gaussian() -> [f64; WINDOW] {
    let weights: [f64; WINDOW] = std::array::from_fn(|i| {
        let x = i as f64 - (WINDOW / 2) as f64;
        (-x * x / (2. * SIGMA * SIGMA)).exp()
    });
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}
