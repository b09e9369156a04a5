//! The binomial filter, against the dots that transposed convolutions draw.

use candle_core::{Result, Tensor};
use candle_nn::Conv2dConfig;

use crate::conv::conv2d;

/// Each channel filtered by [1, 2, 1] / 4 in both directions, zeros beyond the edges.
///
/// A transposed convolution of stride 2 and kernel 3 sums one, two or four products, by turns, which
/// shows as dots two pixels apart (Odena et al., 2016); this filter has a zero there (Zhang, 2019).
///
/// # Shapes
/// `x` (B, C, H, W) → (B, C, H, W).
///
/// # Errors
/// When `x` has other dimensions.
pub fn smooth2d(x: &Tensor) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    let kernel = [1f64, 2., 1., 2., 4., 2., 1., 2., 1.].map(|weight| weight / 16.);
    let kernel = Tensor::new(&kernel, x.device())?.to_dtype(x.dtype())?.reshape((1, 1, 3, 3))?;
    let cfg = Conv2dConfig { padding: 1, ..Default::default() };
    conv2d(&x.reshape((b * c, 1, h, w))?, &kernel, None, cfg)?.reshape((b, c, h, w))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn dots_two_pixels_apart_vanish_and_what_is_even_stays() {
        let field = |of: fn(usize) -> f32| {
            let numbers: Vec<_> = (0..64).map(of).collect();
            Tensor::from_vec(numbers, (1, 1, 8, 8), &Device::Cpu).unwrap()
        };
        let inner = |x: &Tensor| {
            let y = smooth2d(x).unwrap().narrow(2, 1, 6).unwrap().narrow(3, 1, 6).unwrap();
            y.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let dots = field(|i| if (i + i / 8) % 2 == 0 { 1. } else { -1. });
        assert_eq!(inner(&dots), [0.; 36]);
        assert_eq!(inner(&field(|_| 3.)), [3.; 36]);
    }
}
