//! Labels from a CSV file: every row is checked before anything is used.

use std::collections::HashMap;
use std::path::Path;

use super::Row;
use crate::card::CsvCard;
use crate::{Error, Result};

pub(super) fn read(root: &Path, card: &CsvCard, attributes: &[&str]) -> Result<Vec<Row>> {
    let path = root.join(&card.file);
    let file = std::fs::File::open(&path).map_err(Error::io(&path, "read the labels"))?;
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header = table.headers().map_err(|e| not_csv(&path, &e))?.clone();
    let column = |name: &str, field: &str| {
        header.iter().position(|h| h.trim_start_matches('\u{feff}') == name).ok_or_else(|| {
            let columns = header.iter().collect::<Vec<_>>().join(", ");
            let expected = format!("a column {name:?} ({field})");
            Error::file(&path, format!("the columns {columns}"), expected)
        })
    };
    let image = column(&card.image_column, "files.csv.image_column")?;
    let columns = attributes.iter().map(|attribute| {
        let name = card.columns.get(*attribute).map_or(*attribute, String::as_str);
        column(name, &format!("attribute {attribute}"))
    });
    let columns = columns.collect::<Result<Vec<usize>>>()?;
    let mut rows = Vec::new();
    let mut lines = HashMap::new();
    for record in table.records() {
        let record = record.map_err(|e| not_csv(&path, &e))?;
        let line = record.position().map_or(0, csv::Position::line);
        let wrong = |field: &str, found: String, allowed: String| {
            Err(Error::Row { path: path.clone(), line, field: field.into(), found, allowed })
        };
        let name = &record[image];
        let file = root.join(name);
        if name.is_empty() || !file.is_file() {
            let allowed = format!("an image in {}", root.display());
            return wrong(&card.image_column, format!("{name:?}, where no file is"), allowed);
        }
        if let Some(before) = lines.insert(name.to_owned(), line) {
            let allowed = "each image once".to_owned();
            return wrong(&card.image_column, format!("{name:?} as in line {before}"), allowed);
        }
        let values: Vec<String> = columns.iter().map(|&c| record[c].to_owned()).collect();
        if let Some(j) = values.iter().position(String::is_empty) {
            return wrong(attributes[j], "nothing".into(), "a value".into());
        }
        rows.push(Row { path: file, values, line: Some(line) });
    }
    Ok(rows)
}

fn not_csv(path: &Path, e: &csv::Error) -> Error {
    Error::file(path, e.to_string(), "a CSV file with a header, every row as long as this")
}
