//! Aligning photos from one folder into another, one at a time.

use std::path::Path;

use super::{Listed, face};
use crate::decode::{load_stored, save_jpeg, side_of};
use crate::{Error, Result};

/// The quality of the aligned pictures, as published.
const QUALITY: u8 = 95;

/// What became of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It has been aligned.
    Aligned,
    /// Its aligned picture, of the size wanted, was there before.
    Before,
}

/// Aligns one photo of `folder` and writes it, as JPEG, into `out`, unless it is there already. The
/// file is put into place only when complete, so that what was interrupted can be run again.
///
/// # Errors
/// When the photo cannot be read, its landmarks are degenerate or outside, or the picture cannot be
/// written; the message names the photo.
pub fn align_photo(folder: &Path, listed: &Listed, out: &Path, side: usize) -> Result<Done> {
    let to = out.join(listed.aligned());
    if side_of(&to) == Some(side) {
        return Ok(Done::Before);
    }
    let path = folder.join(&listed.photo);
    let photo = load_stored(&path, 3)?;
    let picture = face(&photo, &listed.landmarks, side).map_err(|e| match e {
        Error::Core(cir_core::Error::Setting { field, found, allowed }) => Error::File {
            path: path.clone(),
            found: format!("{field} {found} (line {} of the list)", listed.line),
            expected: allowed,
        },
        other => other,
    })?;
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).map_err(Error::io(parent, "make the folder"))?;
    }
    save_jpeg(&to, &picture, QUALITY)?;
    Ok(Done::Aligned)
}
