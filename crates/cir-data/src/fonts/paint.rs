//! From outlines to coverage, and from coverage to coloured pictures.

use cir_core::Image;
use zeno::{Mask, Transform};

use super::faces::{Face, LETTERS, face, moved};
use crate::{Error, Result, card::check_side};

/// Sizes are those of the published set, whose pictures have this side.
const PUBLISHED_SIDE: f32 = 128.;

/// The largest size at which every letter of every font stays inside the picture.
pub(crate) const MAX_SIZE: f32 = 120.;

/// How much of each pixel a letter covers; only the part of the picture that it touches.
#[derive(Debug)]
pub(crate) struct Coverage {
    left: usize,
    top: usize,
    width: usize,
    bytes: Vec<u8>,
}

impl Face {
    /// Draws a letter at a size that refers to a picture of side 128.
    pub(crate) fn cover(&self, letter: char, size: f32, side: usize) -> Coverage {
        let outline = self.outline(letter).unwrap_or_default();
        let scale = size * side as f32 / PUBLISHED_SIDE;
        let middle = side as f32 / 2.;
        let outline =
            moved(outline, &Transform::scale(scale, scale).then_translate(middle, middle));
        let (whole, _) = Mask::new(outline.as_slice()).size(side as u32, side as u32).render();
        Coverage::cropped(&whole, side)
    }
}

impl Coverage {
    fn cropped(whole: &[u8], side: usize) -> Self {
        let (mut rows, mut columns) = (side..0, side..0);
        for i in (0..whole.len()).filter(|&i| whole[i] > 0) {
            let (y, x) = (i / side, i % side);
            rows = rows.start.min(y)..rows.end.max(y + 1);
            columns = columns.start.min(x)..columns.end.max(x + 1);
        }
        let bytes = rows.clone().flat_map(|y| &whole[y * side..][columns.clone()]).copied();
        let bytes = bytes.collect();
        Self { left: columns.start, top: rows.start, width: columns.len(), bytes }
    }

    /// The letter in colour `front` on a ground of colour `back`.
    pub(crate) fn paint(
        &self,
        front: [u8; 3],
        back: [u8; 3],
        side: usize,
    ) -> candle_core::Result<Image> {
        let mut data = back.repeat(side * side);
        for (y, row) in self.bytes.chunks_exact(self.width.max(1)).enumerate() {
            let start = 3 * ((self.top + y) * side + self.left);
            for (pixel, &cover) in data[start..].chunks_exact_mut(3).zip(row) {
                for (byte, (f, b)) in pixel.iter_mut().zip(front.into_iter().zip(back)) {
                    *byte = mix(f, b, cover);
                }
            }
        }
        Image::new(3, side, side, data)
    }
}

/// The nearest byte to (cover·front + (255 - cover)·back)/255.
fn mix(front: u8, back: u8, cover: u8) -> u8 {
    let (front, back, cover) = (u32::from(front), u32::from(back), u32::from(cover));
    ((front * cover + back * (255 - cover) + 127) / 255) as u8
}

/// The picture of a letter of the embedded font `font`, in any colours and any size up to 120 (of
/// 128; the sizes of the `fonts` card are 80, 100 and 120): the truth that interpolations are
/// compared with.
///
/// # Errors
/// When letter, font, size or side is not allowed; the message says what is.
pub fn render(
    letter: char,
    font: &str,
    size: f32,
    front: [u8; 3],
    back: [u8; 3],
    side: usize,
) -> Result<Image> {
    if !LETTERS.contains(letter) {
        return Err(Error::setting("letter", format!("{letter:?}"), "A to Z and a to z"));
    }
    print(letter, font, size, front, back, side)
}

/// As [`render`]; some fonts have digits too.
pub(crate) fn print(
    letter: char,
    font: &str,
    size: f32,
    front: [u8; 3],
    back: [u8; 3],
    side: usize,
) -> Result<Image> {
    let face = face(font)?;
    check_side("side", side, [16, 256])?;
    if face.outline(letter).is_none() {
        let found = format!("{letter:?}");
        return Err(Error::setting("letter", found, format!("one that font {font:?} has")));
    }
    if !(size > 0. && size <= MAX_SIZE) {
        return Err(Error::setting("size", size, format!("above 0, at most {MAX_SIZE}")));
    }
    Ok(face.cover(letter, size, side).paint(front, back, side)?)
}
