//! The lists of CelebA: a count, the names of the columns, then for each picture its file and one
//! value a column.

use std::path::Path;

use crate::{Error, Result};

/// A list, read and counted; what its values may be is for others to say.
#[derive(Debug)]
pub(crate) struct List {
    /// The names of the columns.
    pub(crate) names: Vec<String>,
    /// The rows in order.
    pub(crate) rows: Vec<Row>,
}

/// A picture's row.
#[derive(Debug)]
pub(crate) struct Row {
    /// The file that it names.
    pub(crate) file: String,
    /// As many as there are names.
    pub(crate) values: Vec<String>,
    /// The line, from 1.
    pub(crate) line: u64,
}

pub(crate) fn read(path: &Path) -> Result<List> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path, "read the list"))?;
    let wrong = |line: u64, field: &str, found: String, allowed: String| {
        Err(Error::Row { path: path.to_owned(), line, field: field.into(), found, allowed })
    };
    let mut lines = text.lines().zip(1u64..);
    let first = lines.next().map_or("", |(line, _)| line.trim());
    let Ok(count) = first.parse::<usize>() else {
        return wrong(1, "count", format!("{first:?}"), "the number of pictures".into());
    };
    let names: Vec<String> = lines
        .next()
        .map(|(line, _)| line.split_whitespace().map(str::to_owned).collect())
        .unwrap_or_default();
    if names.is_empty() {
        return wrong(2, "names", "nothing".into(), "the names of the columns".into());
    }
    let mut rows = Vec::new();
    for (text, line) in lines {
        let mut cells = text.split_whitespace();
        let Some(file) = cells.next() else { continue };
        let values: Vec<String> = cells.map(str::to_owned).collect();
        if values.len() != names.len() {
            let found = format!("{} after {file:?}", values.len());
            return wrong(line, "values", found, format!("{}, one a column", names.len()));
        }
        rows.push(Row { file: file.to_owned(), values, line });
    }
    if rows.len() != count {
        let allowed = format!("{}, as many as there are rows", rows.len());
        return wrong(1, "count", count.to_string(), allowed);
    }
    Ok(List { names, rows })
}
