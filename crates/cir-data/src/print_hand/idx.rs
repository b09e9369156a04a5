//! Idx files, as MNIST is published in: a magic number, the sizes (four bytes each, the highest
//! first), then one byte a number; plain or packed with gzip.

use std::io::Read;
use std::path::Path;

use crate::{Error, Result};

/// Grey pictures of one size.
#[derive(Debug)]
pub(super) struct Pictures {
    pub(super) height: usize,
    pub(super) width: usize,
    /// Row by row, picture by picture.
    pub(super) bytes: Vec<u8>,
}

/// Pictures and what they show.
///
/// # Errors
/// When a file cannot be read, is no idx file of bytes, or holds fewer or more bytes than it says;
/// when there are not as many labels as pictures.
pub(super) fn read(images: &Path, labels: &Path) -> Result<(Pictures, Vec<u8>)> {
    let ([count, height, width], bytes) = idx::<3>(images)?;
    let ([labelled], numbers) = idx::<1>(labels)?;
    if height == 0 || width == 0 {
        let found = format!("pictures of {width}x{height}");
        return Err(Error::file(images, found, "at least one pixel"));
    }
    if labelled != count {
        let expected = format!("{count}, as many as there are pictures");
        return Err(Error::file(labels, format!("{labelled} labels"), expected));
    }
    Ok((Pictures { height, width, bytes }, numbers))
}

/// The sizes and the bytes of an idx file with `N` dimensions.
fn idx<const N: usize>(path: &Path) -> Result<([usize; N], Vec<u8>)> {
    let raw = std::fs::read(path).map_err(Error::io(path, "read the idx file"))?;
    let mut bytes = Vec::new();
    // By its first bytes: names can lie.
    if raw.starts_with(&[0x1f, 0x8b]) {
        let unpacked = flate2::read::GzDecoder::new(&raw[..]).read_to_end(&mut bytes);
        unpacked.map_err(Error::io(path, "unpack the idx file"))?;
    } else {
        bytes = raw;
    }
    // Two zeros, 8 for unsigned bytes, and the number of dimensions.
    let magic = [0, 0, 8, N as u8];
    if !bytes.starts_with(&magic) {
        let first: Vec<String> = bytes.iter().take(4).map(|b| format!("{b:02x}")).collect();
        let expected = format!("0000080{N}: an idx file of bytes with {N} dimensions");
        return Err(Error::file(path, format!("the magic number {}", first.concat()), expected));
    }
    let head = 4 + 4 * N;
    let short = |found: usize, expected: String| {
        Err(Error::file(path, format!("{found} bytes"), format!("{expected}, whole")))
    };
    if bytes.len() < head {
        return short(bytes.len(), format!("a head of {head} bytes"));
    }
    let mut sizes = [0; N];
    for (size, four) in sizes.iter_mut().zip(bytes[4..head].chunks_exact(4)) {
        *size = four.iter().fold(0, |all, &b| all << 8 | usize::from(b));
    }
    let all = sizes.iter().try_fold(1usize, |all, &size| all.checked_mul(size));
    let expected = all.and_then(|all| all.checked_add(head));
    if expected != Some(bytes.len()) {
        let said = sizes.map(|size| size.to_string()).join("x");
        return short(bytes.len(), format!("a head of {head} and {said} bytes"));
    }
    bytes.drain(..head);
    Ok((sizes, bytes))
}
