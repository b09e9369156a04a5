//! Images in a folder, labelled by a CSV file or by their paths.

mod pattern;
mod table;
mod walk;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cir_core::{Attribute, Image, Labels, Schema};

pub(crate) use pattern::Pattern;

use crate::card::{Card, CardAttribute, Unmatched};
use crate::decode::{Resize, load_resized};
use crate::error::listed;
use crate::{Error, Result, Source};

/// A folder of labelled images. All labels are read and checked when it is opened, pixels when an
/// image is asked for.
#[derive(Debug)]
pub struct Folder {
    schema: Schema,
    labels: Vec<u16>,
    paths: Vec<PathBuf>,
    channels: usize,
    side: usize,
    resize: Resize,
    left_out: usize,
}

/// An image before its values have become indices.
struct Row {
    path: PathBuf,
    values: Vec<String>,
    /// Its line in the table of labels.
    line: Option<u64>,
}

impl Folder {
    pub(crate) fn open(
        card: &Card,
        root: &Path,
        wanted: Vec<CardAttribute>,
        side: usize,
    ) -> Result<Self> {
        if !root.is_dir() {
            let found = if root.exists() { "a file" } else { "nothing" };
            let expected = format!("the folder of {}. {}", card.name, card.description.trim());
            return Err(Error::file(root, found, expected));
        }
        let Some(files) = &card.files else {
            return Err(Error::setting("files", "nothing", "a section [files]"));
        };
        let names: Vec<&str> = card.attributes.iter().map(|a| a.name.as_str()).collect();
        let ((rows, unfit), table) = match (&files.csv, &files.pattern) {
            (Some(csv), _) => ((table::read(root, csv, &names)?, 0), Some(root.join(&csv.file))),
            (None, Some(pattern)) => {
                (walk::read(root, &Pattern::new(pattern, &names)?, files.unmatched)?, None)
            }
            (None, None) => return Err(Error::setting("files", "neither", "csv or pattern")),
        };
        let before = unfit + rows.len();
        let rows = known(rows, card, table.as_deref(), files.unmatched)?;
        let left_out = before - rows.len();
        if rows.is_empty() {
            return Err(Error::file(root, "no image", "images with labels"));
        }
        let attributes = values(&rows, card, wanted, root)?;
        let schema = Schema::new(attributes)?;
        let mut labels = Vec::with_capacity(rows.len() * schema.len());
        let mut paths = Vec::with_capacity(rows.len());
        for row in rows {
            // A value that the recipe leaves out has no index: the row is left out.
            let of_row = row.values.iter().enumerate().map(|(j, v)| schema.value(j, v).ok());
            if let Some(of_row) = of_row.collect::<Option<Vec<u16>>>() {
                labels.extend(of_row);
                paths.push(row.path);
            }
        }
        occur(&schema, &labels, root)?;
        let (channels, resize) = (card.channels, files.resize);
        Ok(Self { schema, labels, paths, channels, side, resize, left_out })
    }
}

impl Source for Folder {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn len(&self) -> usize {
        self.paths.len()
    }

    fn labels(&self, index: usize) -> Labels {
        let m = self.schema.len();
        self.labels[index * m..(index + 1) * m].to_vec()
    }

    fn left_out(&self) -> usize {
        self.left_out
    }

    fn image(&self, index: usize) -> Result<Image> {
        Ok(load_resized(&self.paths[index], self.channels, self.side, self.resize)?.0)
    }
}

/// Checks the rows' values against the card's lists.
fn known(
    rows: Vec<Row>,
    card: &Card,
    table: Option<&Path>,
    unmatched: Unmatched,
) -> Result<Vec<Row>> {
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        let mut pairs = card.attributes.iter().zip(&row.values);
        let wrong = pairs.find(|(a, v)| a.values.as_ref().is_some_and(|all| !all.contains(v)));
        match (wrong, table, unmatched) {
            (None, _, _) => kept.push(row),
            (Some(_), None, Unmatched::Skip) => {}
            (Some((attribute, value)), table, _) => {
                let allowed = listed(attribute.values.as_deref().unwrap_or_default(), 60);
                return Err(match table {
                    Some(table) => Error::Row {
                        path: table.to_owned(),
                        line: row.line.unwrap_or(0),
                        field: attribute.name.clone(),
                        found: format!("{value:?}"),
                        allowed,
                    },
                    None => {
                        let found = format!("{} {value:?}", attribute.name);
                        Error::file(&row.path, found, format!("one of {allowed}"))
                    }
                });
            }
        }
    }
    Ok(kept)
}

/// The attributes' values: those wanted, or those that the labels have.
fn values(
    rows: &[Row],
    card: &Card,
    wanted: Vec<CardAttribute>,
    root: &Path,
) -> Result<Vec<Attribute>> {
    let attributes = wanted.into_iter().enumerate().map(|(j, attribute)| {
        let found = || rows.iter().map(|row| row.values[j].clone()).collect::<BTreeSet<_>>();
        let values = match attribute.values {
            Some(values) if card.attributes[j].values.is_none() => {
                let found: Vec<_> = found().into_iter().collect();
                if let Some(value) = values.iter().find(|v| !found.contains(v)) {
                    let field = format!("data.values.{}", attribute.name);
                    return Err(Error::setting(field, format!("{value:?}"), listed(&found, 60)));
                }
                values
            }
            Some(values) => values,
            None => found().into_iter().collect(),
        };
        if values.len() < 2 {
            let found = format!("{} {values:?} in all images", attribute.name);
            return Err(Error::file(root, found, "at least two values"));
        }
        Ok(Attribute { name: attribute.name, values })
    });
    attributes.collect()
}

/// Checks that every value has an image.
fn occur(schema: &Schema, labels: &[u16], root: &Path) -> Result<()> {
    for (j, attribute) in schema.attributes().iter().enumerate() {
        let mut seen = vec![false; attribute.values.len()];
        labels.iter().skip(j).step_by(schema.len()).for_each(|&l| seen[usize::from(l)] = true);
        let missing = attribute.values.iter().zip(&seen).filter(|(_, seen)| !**seen);
        let missing: Vec<&String> = missing.map(|(value, _)| value).collect();
        if !missing.is_empty() {
            let found = format!("no image with {}={}", attribute.name, listed(&missing, 10));
            let expected =
                format!("images of every value; data.values.{} can leave some out", attribute.name);
            return Err(Error::file(root, found, expected));
        }
    }
    Ok(())
}
