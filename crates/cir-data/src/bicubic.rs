//! Bicubic resizing with the numbers of Pillow: the cubic through neighbouring pixels (a = -0.5),
//! widened when shrinking so that every pixel counts, in fixed point, first along the rows.
//!
//! Programs published in Python prepare their pictures this way, so that the same file becomes the
//! same bytes here.

use image::RgbImage;

/// Bits behind the point of a weight.
const BITS: u32 = 22;

/// The pixels that a pixel of the result is made of, and their weights.
struct Window {
    first: usize,
    weights: Vec<i32>,
}

/// Resizes both sides to `size`, whatever the proportions.
pub(crate) fn resize(picture: &RgbImage, size: u32) -> RgbImage {
    let mut wide = RgbImage::new(size, picture.height());
    let across = windows(picture.width(), size);
    let rows = picture.chunks_exact(3 * picture.width().max(1) as usize);
    for (row, result) in rows.zip(wide.chunks_exact_mut(3 * size.max(1) as usize)) {
        for (pixel, window) in result.chunks_exact_mut(3).zip(&across) {
            (0..3).for_each(|c| pixel[c] = window.sum(row, c, 3));
        }
    }
    let mut whole = RgbImage::new(size, size);
    let stride = 3 * size as usize;
    let down = windows(picture.height(), size);
    for (row, window) in whole.chunks_exact_mut(stride.max(1)).zip(&down) {
        (0..stride).for_each(|x| row[x] = window.sum(&wide, x, stride));
    }
    whole
}

impl Window {
    /// The mixture of the bytes `start`, `start + stride`, … that the window is over.
    fn sum(&self, bytes: &[u8], start: usize, stride: usize) -> u8 {
        let bytes = bytes[start + self.first * stride..].iter().step_by(stride);
        let sum: i32 = bytes.zip(&self.weights).map(|(&b, &w)| i32::from(b) * w).sum();
        ((sum + (1 << (BITS - 1))) >> BITS).clamp(0, 255) as u8
    }
}

fn windows(from: u32, to: u32) -> Vec<Window> {
    let scale = f64::from(from) / f64::from(to);
    let stretch = scale.max(1.);
    let reach = 2. * stretch;
    let window = |i: u32| {
        let centre = (f64::from(i) + 0.5) * scale;
        // `as` cuts off the fraction, and takes what is negative to 0.
        let first = (centre - reach + 0.5) as u32;
        let end = ((centre + reach + 0.5) as u32).min(from);
        let at = |x: u32| cubic((f64::from(x) - centre + 0.5) / stretch);
        let weights: Vec<f64> = (first..end).map(at).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |w: &f64| (w / sum * f64::from(1 << BITS)).round() as i32;
        Window { first: first as usize, weights: weights.iter().map(fixed).collect() }
    };
    (0..to).map(window).collect()
}

/// The cubic kernel with a = -0.5.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x.abs() {
        x if x < 1. => ((A + 2.) * x - (A + 3.)) * x * x + 1.,
        x if x < 2. => (((x - 5.) * x + 8.) * x - 4.) * A,
        _ => 0.,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_pillows() {
        // Image.frombytes("RGB", (width, height), data).resize((size, size), Image.BICUBIC) of
        // Pillow 12: the first bytes, and all of them as an FNV-1a sum.
        type Case = ((u32, u32), u32, [u8; 6], u64);
        const CASES: [Case; 4] = [
            ((7, 5), 4, [91, 125, 89, 129, 137, 167], 2307055833536078479),
            ((3, 4), 8, [0, 0, 84, 0, 28, 83], 9913413655076102808),
            ((40, 23), 8, [120, 127, 124, 138, 128, 137], 279329082007205796),
            ((9, 9), 5, [72, 112, 128, 165, 154, 150], 523038019857529036),
        ];
        for ((width, height), size, first, sum) in CASES {
            let data = (0..3 * width * height).map(|i| (i * i * 7 + i * 31) as u8).collect();
            let picture = RgbImage::from_raw(width, height, data).unwrap();
            let resized = resize(&picture, size).into_raw();
            assert_eq!(resized[..6], first);
            let fnv = resized.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, &b| {
                (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
            });
            assert_eq!((resized.len(), fnv), ((3 * size * size) as usize, sum));
        }
    }
}
