//! Labels from paths: all images below a folder, in the order of their paths.

use std::path::{Path, PathBuf};

use super::{Pattern, Row};
use crate::card::Unmatched;
use crate::{Error, Result, is_picture, list_folder};

/// The pictures that fit, and how many do not.
pub(super) fn read(
    root: &Path,
    pattern: &Pattern,
    unmatched: Unmatched,
) -> Result<(Vec<Row>, usize)> {
    let mut paths = Vec::new();
    let mut left_out = collect(root, unmatched, &mut paths)?;
    paths.sort();
    let mut rows = Vec::with_capacity(paths.len());
    for path in paths {
        match pattern.labels(&relative(root, &path)) {
            Some(values) => rows.push(Row { path, values, line: None }),
            None if unmatched == Unmatched::Skip => left_out += 1,
            None => {
                let expected = format!("a path like {}", pattern.text());
                return Err(Error::file(&path, "a path that does not fit", expected));
            }
        }
    }
    Ok((rows, left_out))
}

/// Adds the pictures below `folder`, and counts those of kinds that are not read.
fn collect(folder: &Path, unmatched: Unmatched, paths: &mut Vec<PathBuf>) -> Result<usize> {
    let mut left_out = 0;
    for path in list_folder(folder)? {
        if path.is_dir() {
            left_out += collect(&path, unmatched, paths)?;
            continue;
        }
        match is_picture(&path) {
            Ok(true) => paths.push(path),
            Ok(false) => {}
            Err(_) if unmatched == Unmatched::Skip => left_out += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(left_out)
}

/// The path below `root`, its parts joined by `/` on every system.
fn relative(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
