//! Pictures as PNG bytes.

use std::io;

use cir_core::Image;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

/// The picture as a PNG file's bytes.
///
/// # Errors
/// When the encoder refuses.
pub(crate) fn png(image: &Image) -> io::Result<Vec<u8>> {
    let colour = match image.channels() {
        1 => ExtendedColorType::L8,
        _ => ExtendedColorType::Rgb8,
    };
    let (width, height) = (image.width() as u32, image.height() as u32);
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(image.data(), width, height, colour)
        .map_err(io::Error::other)?;
    Ok(bytes)
}
