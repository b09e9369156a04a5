//! CelebA's published division: for each row of the list, in its order, the file and 0 (training), 1
//! (validation) or 2 (test).

use std::path::Path;

use super::list::Row;
use crate::{Error, Part, Result};

/// The part of every row of the list.
pub(super) fn read(path: &Path, rows: &[Row]) -> Result<Vec<Part>> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path, "read the division"))?;
    let mut parts = Vec::with_capacity(rows.len());
    for (text, line) in text.lines().zip(1u64..) {
        let cells: Vec<&str> = text.split_whitespace().collect();
        let wrong = |field: &str, found: String, allowed: String| {
            Err(Error::Row { path: path.to_owned(), line, field: field.into(), found, allowed })
        };
        let (file, part) = match cells[..] {
            [] => continue,
            [file, part] => (file, part),
            _ => return wrong("values", format!("{text:?}"), "a file and its part".into()),
        };
        let Some(row) = rows.get(parts.len()) else {
            let allowed = format!("{} rows, as in the list of attributes", rows.len());
            return wrong("rows", "one more".into(), allowed);
        };
        if row.file != file {
            let allowed = format!("{:?}, as in the list of attributes", row.file);
            return wrong("file", format!("{file:?}"), allowed);
        }
        parts.push(match part {
            "0" => Part::Train,
            "1" => Part::Neither,
            "2" => Part::Test,
            _ => return wrong("part", format!("{part:?}"), "0, 1 or 2".into()),
        });
    }
    if parts.len() != rows.len() {
        let expected = format!("{}, as in the list of attributes", rows.len());
        return Err(Error::file(path, format!("{} rows", parts.len()), expected));
    }
    Ok(parts)
}
