//! Pictures from and to files.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use cir_core::Image;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, bicubic};

/// How a picture of another size is brought to a square.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// Both sides, whatever the proportions.
    Exact,
    /// The shorter side, then the middle is cut out.
    #[default]
    Crop,
    /// The longer side, then black is put around.
    Fit,
    /// Both sides, with Pillow's bicubic filter: the same bytes as in programs published in Python.
    Bicubic,
}

/// What pictures are read.
pub(crate) const FORMATS: &str = "PNG, JPEG or WebP";

/// Whether a file of this name should hold a picture.
///
/// # Errors
/// When it should hold one of a kind that is not read.
pub fn is_picture(path: &Path) -> Result<bool> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "png" | "jpg" | "jpeg" | "webp" => Ok(true),
        "avif" | "bmp" | "gif" | "heic" | "heif" | "jp2" | "jxl" | "ppm" | "tif" | "tiff" => {
            Err(Error::file(path, "another kind of picture", FORMATS))
        }
        _ => Ok(false),
    }
}

/// Files and folders in a folder, by name; hidden ones are passed over, as macOS leaves beside
/// pictures.
///
/// # Errors
/// When it cannot be listed.
pub fn list_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let io = || Error::io(folder, "list the folder");
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io())? {
        let entry = entry.map_err(io())?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// A square picture from a PNG, JPEG or WebP file, resized by its shorter side and cut if its size is
/// another; then its own height and width come along, so that this can be said.
///
/// # Errors
/// When the file is missing, is no PNG, JPEG or WebP picture, or is damaged.
pub fn load_image(
    path: impl AsRef<Path>,
    channels: usize,
    size: usize,
) -> Result<(Image, Option<(usize, usize)>)> {
    load_resized(path, channels, size, Resize::Crop)
}

/// As [`load_image`], resized as wanted.
///
/// # Errors
/// When the file is missing, is no PNG, JPEG or WebP picture, or is damaged.
pub fn load_resized(
    path: impl AsRef<Path>,
    channels: usize,
    size: usize,
    resize: Resize,
) -> Result<(Image, Option<(usize, usize)>)> {
    let picture = decode(path.as_ref())?;
    let (height, width) = (picture.height() as usize, picture.width() as usize);
    let square = (height, width) == (size, size);
    let picture = if square { picture } else { resized(&picture, size as u32, resize) };
    let image = Image::new(channels, size, size, bytes(picture, channels))?;
    Ok((image, (!square).then_some((height, width))))
}

/// A picture of two domains as they are published: resized by Pillow's bicubic filter whatever its
/// shape, then made grey if `channels` is 1; and its height and width, if it had others.
///
/// # Errors
/// As [`load_resized`].
pub fn load_squeezed(
    path: impl AsRef<Path>,
    channels: usize,
    size: usize,
) -> Result<(Image, Option<(usize, usize)>)> {
    let (image, resized) = load_resized(path, 3, size, Resize::Bicubic)?;
    Ok((if channels == 1 { grey(&image)? } else { image }, resized))
}

/// The grey picture of an RGB one: 0.299 R + 0.587 G + 0.114 B, to the nearest byte.
pub(crate) fn grey(image: &Image) -> Result<Image> {
    let weigh = |p: &[u8]| match *p {
        [r, g, b] => (u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114 + 500) / 1000,
        _ => 0,
    };
    let data = match image.channels() {
        1 => image.data().to_vec(),
        _ => image.data().chunks_exact(3).map(|pixel| weigh(pixel) as u8).collect(),
    };
    Ok(Image::new(1, image.height(), image.width(), data)?)
}

/// The picture in a file at its own size, upright.
///
/// # Errors
/// When the file is missing, is no PNG, JPEG or WebP picture, or is damaged.
pub fn load_whole(path: impl AsRef<Path>, channels: usize) -> Result<Image> {
    whole(decode(path.as_ref())?, channels)
}

/// The picture in a file as its rows are stored, whichever way is up: what landmarks count in.
pub(crate) fn load_stored(path: &Path, channels: usize) -> Result<Image> {
    whole(decode_stored(path)?.0, channels)
}

fn whole(picture: DynamicImage, channels: usize) -> Result<Image> {
    let (height, width) = (picture.height() as usize, picture.width() as usize);
    Ok(Image::new(channels, height, width, bytes(picture, channels))?)
}

/// A picture brought to a square of side `size`.
///
/// # Errors
/// When the picture is too large for the library that resizes.
pub fn resize(image: &Image, size: usize, how: Resize) -> candle_core::Result<Image> {
    if (image.height(), image.width()) == (size, size) {
        return Ok(image.clone());
    }
    let (width, height, data) = (image.width() as u32, image.height() as u32, image.data().into());
    let picture = match image.channels() {
        1 => image::GrayImage::from_raw(width, height, data).map(DynamicImage::from),
        _ => image::RgbImage::from_raw(width, height, data).map(DynamicImage::from),
    };
    let Some(picture) = picture else {
        candle_core::bail!("a picture of {width}x{height} cannot be resized")
    };
    let channels = image.channels();
    Image::new(channels, size, size, bytes(resized(&picture, size as u32, how), channels))
}

fn bytes(picture: DynamicImage, channels: usize) -> Vec<u8> {
    match channels {
        1 => picture.into_luma8().into_raw(),
        _ => picture.into_rgb8().into_raw(),
    }
}

/// The side of the square picture in a file, if there is one; only its head is read.
pub(crate) fn side_of(path: &Path) -> Option<usize> {
    let reader = ImageReader::open(path).ok()?.with_guessed_format().ok()?;
    let (width, height) = reader.into_dimensions().ok()?;
    (width == height).then_some(width as usize)
}

/// The picture in a file, upright. Cameras store it as their sensor lies, and beside it which way is
/// up.
fn decode(path: &Path) -> Result<DynamicImage> {
    let (mut picture, orientation) = decode_stored(path)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The picture as it is stored, what is transparent in it put on white, and how it is to be turned.
fn decode_stored(path: &Path) -> Result<(DynamicImage, Orientation)> {
    let expected = format!("a {FORMATS} image");
    let file = File::open(path).map_err(Error::io(path, "read the image"))?;
    // By its first bytes: names can lie.
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format();
    let reader = reader.map_err(Error::io(path, "read the image"))?;
    match reader.format() {
        Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) => {}
        Some(other) => return Err(Error::file(path, format!("{other:?} data"), expected)),
        None => return Err(Error::file(path, "no image data", expected)),
    }
    let damaged = |e: image::ImageError| {
        Error::file(path, format!("truncated or damaged data ({e})"), format!("{expected}, whole"))
    };
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let orientation = decoder.orientation().map_err(damaged)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    if picture.width() == 0 || picture.height() == 0 {
        return Err(Error::file(path, "no pixels", expected));
    }
    let opaque = if picture.color().has_alpha() { on_white(&picture) } else { picture };
    Ok((opaque, orientation))
}

fn on_white(picture: &DynamicImage) -> DynamicImage {
    let mut pixels = picture.to_rgba8();
    for image::Rgba([r, g, b, a]) in pixels.pixels_mut() {
        for x in [r, g, b] {
            *x = (255 - ((255 - u32::from(*x)) * u32::from(*a) + 127) / 255) as u8;
        }
    }
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(pixels).into_rgb8())
}

fn resized(picture: &DynamicImage, size: u32, resize: Resize) -> DynamicImage {
    match resize {
        Resize::Exact => picture.resize_exact(size, size, FilterType::Triangle),
        Resize::Crop => picture.resize_to_fill(size, size, FilterType::Triangle),
        Resize::Fit => {
            let inner = picture.resize(size, size, FilterType::Triangle).into_rgb8();
            let mut canvas = image::RgbImage::new(size, size);
            let left = i64::from(size - inner.width()) / 2;
            let top = i64::from(size - inner.height()) / 2;
            image::imageops::replace(&mut canvas, &inner, left, top);
            canvas.into()
        }
        Resize::Bicubic => bicubic::resize(&picture.to_rgb8(), size).into(),
    }
}

/// Writes a PNG file: all of it or nothing, as it is put into place only when complete.
///
/// # Errors
/// When it cannot be written.
pub fn save_png(path: impl AsRef<Path>, picture: &Image) -> Result<()> {
    let path = path.as_ref();
    let mut bytes = Vec::new();
    encode(path, picture, image::codecs::png::PngEncoder::new(&mut bytes))?;
    write_whole(path, &bytes).map_err(Error::io(path, "write the picture"))
}

/// Writes a JPEG file of this quality, likewise.
pub(crate) fn save_jpeg(path: &Path, picture: &Image, quality: u8) -> Result<()> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality);
    encode(path, picture, encoder)?;
    write_whole(path, &bytes).map_err(Error::io(path, "write the picture"))
}

fn encode(path: &Path, picture: &Image, encoder: impl image::ImageEncoder) -> Result<()> {
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    let colour = match picture.channels() {
        1 => image::ExtendedColorType::L8,
        _ => image::ExtendedColorType::Rgb8,
    };
    encoder
        .write_image(picture.data(), width, height, colour)
        .map_err(|e| Error::file(path, e.to_string(), "a picture that can be written"))
}

/// Writes to a hidden file beside, which takes the place of `path` once it is complete.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().inspect_err(|_| drop(std::fs::remove_file(&beside)))
}
