//! `list_landmarks_celeba.txt`: five landmarks for each photo.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::Landmarks;
use crate::celeba::list;
use crate::{Error, Result};

/// A photo and its landmarks, as a list has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The photo, relative to the folder of photos.
    pub photo: PathBuf,
    /// Its landmarks.
    pub landmarks: Landmarks,
    /// The line, from 1.
    pub line: u64,
}

impl Listed {
    /// The name of the aligned picture.
    pub fn aligned(&self) -> PathBuf {
        self.photo.with_extension("jpg")
    }
}

/// Reads a list of landmarks: a count, ten names, and for each photo its name and x and y of five
/// landmarks.
///
/// # Errors
/// When the file cannot be read or is not such a list, or two photos would have one name; the
/// message names the line.
pub fn read_landmarks(path: &Path) -> Result<Vec<Listed>> {
    let list = list::read(path)?;
    if list.names.len() != 10 {
        return Err(Error::Row {
            path: path.to_owned(),
            line: 2,
            field: "names".into(),
            found: format!("{} columns", list.names.len()),
            allowed: "10: x and y of left eye, right eye, nose, left and right mouth corner".into(),
        });
    }
    let mut seen = HashMap::new();
    let mut listed = Vec::with_capacity(list.rows.len());
    for row in &list.rows {
        let wrong = |field: &str, found: String, allowed: &str| {
            let (path, line) = (path.to_owned(), row.line);
            Error::Row { path, line, field: field.into(), found, allowed: allowed.into() }
        };
        let mut landmarks = [[0.; 2]; 5];
        for (j, value) in row.values.iter().enumerate() {
            let number = value.parse::<f64>().ok().filter(|x| x.is_finite());
            landmarks[j / 2][j % 2] = number
                .ok_or_else(|| wrong(&list.names[j], format!("{value:?}"), "a number of pixels"))?;
        }
        let photo = PathBuf::from(&row.file);
        if !photo.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(wrong("file", format!("{:?}", row.file), "a path within the folder"));
        }
        let one = Listed { photo, landmarks, line: row.line };
        if let Some(before) = seen.insert(one.aligned(), row.line) {
            let found = format!("{:?}, like the one in line {before}", row.file);
            return Err(wrong("file", found, "each name once, whatever its ending"));
        }
        listed.push(one);
    }
    Ok(listed)
}
