//! Pictures as bytes, their way into tensors and back, and their arrangement in grids.

use candle_core::{DType, Device, Result, Tensor, bail};
use serde::{Deserialize, Serialize};

/// A picture of 1 (grey) or 3 (RGB) channels, row by row, channels innermost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    channels: usize,
    height: usize,
    width: usize,
    data: Vec<u8>,
}

/// What the bytes 0 and 255 become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PixelRange {
    /// -1 and 1: (x/255 - 0.5)/0.5.
    Signed,
    /// 0 and 1.
    Unit,
}

impl Image {
    /// A picture of the given bytes.
    ///
    /// # Errors
    /// When there are not channels·height·width bytes, or neither 1 nor 3 channels.
    pub fn new(channels: usize, height: usize, width: usize, data: Vec<u8>) -> Result<Self> {
        if !matches!(channels, 1 | 3) {
            bail!("a picture of {channels} channels; 1 or 3 are allowed");
        }
        if data.len() != channels * height * width {
            bail!("{} bytes for a picture of {channels}x{height}x{width}", data.len());
        }
        Ok(Self { channels, height, width, data })
    }

    /// A picture of one colour; a grey one if `colour` has one number, RGB if three.
    pub fn filled<const C: usize>(height: usize, width: usize, colour: [u8; C]) -> Self {
        const { assert!(C == 1 || C == 3) };
        let data = colour.into_iter().cycle().take(C * height * width).collect();
        Self { channels: C, height, width, data }
    }

    /// 1 or 3.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The bytes, row by row, channels innermost.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The same picture with three channels.
    pub fn to_rgb(&self) -> Self {
        match self.channels {
            3 => self.clone(),
            _ => {
                let data = self.data.iter().flat_map(|&x| [x; 3]).collect();
                Self { channels: 3, data, ..*self }
            }
        }
    }

    /// The numbers of pictures of one size, channel by channel, for a (B, C, H, W) tensor.
    ///
    /// # Errors
    /// When there is no picture or the sizes differ.
    pub fn planes(images: &[Self], range: PixelRange) -> Result<(Vec<f32>, [usize; 4])> {
        let Some(first) = images.first() else { bail!("a batch of no pictures") };
        let (c, h, w) = (first.channels, first.height, first.width);
        let mut numbers = Vec::with_capacity(images.len() * first.data.len());
        for image in images {
            if (image.channels, image.height, image.width) != (c, h, w) {
                bail!(
                    "a batch of pictures of {c}x{h}x{w} and {}x{}x{}",
                    image.channels,
                    image.height,
                    image.width
                );
            }
            for channel in 0..c {
                let bytes = image.data.iter().skip(channel).step_by(c);
                numbers.extend(bytes.map(|&x| range.number(x)));
            }
        }
        Ok((numbers, [images.len(), c, h, w]))
    }

    /// Pictures of one size as a tensor.
    ///
    /// # Shapes
    /// → (B, C, H, W).
    ///
    /// # Errors
    /// When there is no picture or the sizes differ.
    pub fn to_tensor(
        images: &[Self],
        range: PixelRange,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let (numbers, [b, c, h, w]) = Self::planes(images, range)?;
        Tensor::from_vec(numbers, (b, c, h, w), device)?.to_dtype(dtype)
    }

    /// The pictures of a tensor; numbers outside the range are clamped.
    ///
    /// # Shapes
    /// (B, C, H, W) with C 1 or 3.
    ///
    /// # Errors
    /// When the tensor has another shape.
    pub fn from_tensor(images: &Tensor, range: PixelRange) -> Result<Vec<Self>> {
        let (b, c, h, w) = images.dims4()?;
        let images = images.to_dtype(DType::F32)?.permute((0, 2, 3, 1))?.contiguous()?;
        let numbers = images.flatten_all()?.to_device(&Device::Cpu)?.to_vec1::<f32>()?;
        let picture =
            |numbers: &[f32]| Self::new(c, h, w, numbers.iter().map(|&x| range.byte(x)).collect());
        (0..b).map(|i| picture(&numbers[i * c * h * w..(i + 1) * c * h * w])).collect()
    }

    /// Rows of pictures side by side, `gap` white pixels between them; as large as the largest
    /// picture needs, missing ones white. RGB, or grey if all are grey.
    pub fn grid(rows: &[Vec<Option<Self>>], gap: usize) -> Self {
        let all = || rows.iter().flatten().flatten();
        let channels = all().map(|i| i.channels).max().unwrap_or(1);
        let h = all().map(|i| i.height).max().unwrap_or(0);
        let w = all().map(|i| i.width).max().unwrap_or(0);
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let height = (rows.len() * (h + gap)).saturating_sub(gap);
        let width = (columns * (w + gap)).saturating_sub(gap);
        let data = vec![255; channels * height * width];
        let mut canvas = Self { channels, height, width, data };
        for (y, row) in rows.iter().enumerate() {
            for (x, image) in row.iter().enumerate() {
                if let Some(image) = image {
                    canvas.paste(image, y * (h + gap), x * (w + gap));
                }
            }
        }
        canvas
    }

    fn paste(&mut self, image: &Self, top: usize, left: usize) {
        let image = if self.channels == 3 { image.to_rgb() } else { image.clone() };
        let length = image.width * image.channels;
        for (y, row) in image.data.chunks_exact(length.max(1)).enumerate() {
            let start = ((top + y) * self.width + left) * self.channels;
            self.data[start..start + length].copy_from_slice(row);
        }
    }

    /// Every pixel repeated `factor` times in both directions, so that small pictures can be seen.
    pub fn enlarged(&self, factor: usize) -> Self {
        let (height, width) = (self.height * factor, self.width * factor);
        let mut data = Vec::with_capacity(self.channels * height * width);
        for y in 0..height {
            for x in 0..width {
                let at = ((y / factor) * self.width + x / factor) * self.channels;
                data.extend_from_slice(&self.data[at..at + self.channels]);
            }
        }
        Self { channels: self.channels, height, width, data }
    }

    /// The square of side `side` whose left upper corner lies `left` pixels from the left and `top`
    /// from the top.
    ///
    /// # Errors
    /// When it does not lie inside the picture.
    pub fn crop(&self, left: usize, top: usize, side: usize) -> Result<Self> {
        let (h, w) = (self.height, self.width);
        let fits = |from: usize, all: usize| from.checked_add(side).is_some_and(|to| to <= all);
        if !fits(left, w) || !fits(top, h) {
            bail!("a square of side {side} at ({left}, {top}) of a picture of {w}x{h}");
        }
        let c = self.channels;
        let mut data = Vec::with_capacity(c * side * side);
        for y in top..top + side {
            data.extend_from_slice(&self.data[(y * w + left) * c..(y * w + left + side) * c]);
        }
        Self::new(c, side, side, data)
    }

    /// The mirror image, left and right exchanged.
    #[must_use]
    pub fn flipped(&self) -> Self {
        let mut data = Vec::with_capacity(self.data.len());
        for row in self.data.chunks_exact((self.width * self.channels).max(1)) {
            row.chunks_exact(self.channels).rev().for_each(|pixel| data.extend_from_slice(pixel));
        }
        Self { data, ..*self }
    }

    /// The mean absolute difference of two pictures of one shape, as a share of the full range.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn l1(&self, other: &Self) -> Result<f64> {
        let shape = |x: &Self| (x.channels, x.height, x.width);
        if shape(self) != shape(other) {
            let (a, b) = (shape(self), shape(other));
            bail!("pictures of (channels, height, width) {a:?} and {b:?}");
        }
        let sum: u64 =
            self.data.iter().zip(&other.data).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        Ok(sum as f64 / 255. / self.data.len().max(1) as f64)
    }
}

impl PixelRange {
    /// The number that stands for the byte `x`.
    pub fn number(self, x: u8) -> f32 {
        match self {
            Self::Signed => (f32::from(x) / 255. - 0.5) / 0.5,
            Self::Unit => f32::from(x) / 255.,
        }
    }

    /// The byte nearest to the number `x`.
    pub fn byte(self, x: f32) -> u8 {
        let unit = match self {
            Self::Signed => x * 0.5 + 0.5,
            Self::Unit => x,
        };
        // `as` saturates, and takes NaN to 0.
        (unit * 255.).round() as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_and_back() {
        let image = Image::new(3, 1, 2, vec![0, 128, 255, 7, 8, 9]).unwrap();
        for range in [PixelRange::Signed, PixelRange::Unit] {
            let x = Image::to_tensor(std::slice::from_ref(&image), range, DType::F32, &Device::Cpu)
                .unwrap();
            assert_eq!(x.dims(), [1, 3, 1, 2]);
            assert_eq!(Image::from_tensor(&x, range).unwrap(), std::slice::from_ref(&image));
        }
    }

    #[test]
    fn squares_are_cut_out_and_mirrored() {
        let image = Image::new(3, 2, 3, (0..18).collect()).unwrap();
        let cut = image.crop(1, 0, 2).unwrap();
        assert_eq!((cut.height(), cut.width()), (2, 2));
        assert_eq!(cut.data(), [3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 16, 17]);
        assert_eq!(cut.flipped().data(), [6, 7, 8, 3, 4, 5, 15, 16, 17, 12, 13, 14]);
        assert_eq!(image.flipped().flipped(), image);
        let error = image.crop(2, 0, 2).unwrap_err().to_string();
        assert!(error.starts_with("a square of side 2 at (2, 0) of a picture of 3x2"), "{error}");
        assert!(image.crop(0, 1, 2).is_err() && image.crop(usize::MAX, 0, 2).is_err());
    }

    #[test]
    fn a_grid_has_white_gaps() {
        let black = Image::filled(1, 1, [0]);
        let grid = Image::grid(&[vec![Some(black.clone()), Some(black.clone())], vec![None]], 1);
        assert_eq!((grid.height(), grid.width()), (3, 3));
        assert_eq!(grid.data(), [0, 255, 0, 255, 255, 255, 255, 255, 255]);
        assert_eq!(black.enlarged(2).data(), [0; 4]);
    }
}
