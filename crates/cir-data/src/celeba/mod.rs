//! CelebA: `list_attr_celeba.txt`, the published division and the aligned pictures beside it.

pub(crate) mod list;
mod partition;

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cir_core::{Attribute, Image, Labels, Schema};

use crate::decode::{Resize, load_resized};
use crate::error::listed;
use crate::source::no_or_yes;
use crate::{Error, Part, Result, Source};

/// The list of attributes, in the root.
const LIST: &str = "list_attr_celeba.txt";
/// The published division, in the root.
const PARTITION: &str = "list_eval_partition.txt";
/// The folder of the aligned pictures, in the root.
const PICTURES: &str = "align_5p";

/// The faces of CelebA, or others labelled in its manner: all labels are read and checked when it
/// is opened, pixels when an image is asked for.
///
/// The picture of the list's row r, from 1, is `align_5p/<r, six digits>.jpg`; the name in the row
/// is not used, as published.
#[derive(Debug)]
pub struct Celeba {
    schema: Schema,
    labels: Vec<u16>,
    /// The published part of every image, if the root holds the division.
    parts: Option<Vec<Part>>,
    folder: PathBuf,
    channels: usize,
    side: usize,
}

impl Celeba {
    /// Reads the lists; the published division must be there if it is `divided` by it.
    pub(crate) fn open(
        root: &Path,
        attributes: Vec<Attribute>,
        channels: usize,
        side: usize,
        divided: bool,
    ) -> Result<Self> {
        attributes.iter().try_for_each(no_or_yes)?;
        let schema = Schema::new(attributes)?;
        let path = root.join(LIST);
        let list = list::read(&path)?;
        let columns = schema.attributes().iter().map(|a| {
            list.names.iter().position(|name| *name == a.name).ok_or_else(|| Error::Row {
                path: path.clone(),
                line: 2,
                field: "names".into(),
                found: listed(&list.names, 60),
                allowed: format!("a column {:?} too", a.name),
            })
        });
        let columns = columns.collect::<Result<Vec<usize>>>()?;
        let mut labels = Vec::with_capacity(list.rows.len() * columns.len());
        for row in &list.rows {
            for &column in &columns {
                labels.push(match row.values[column].as_str() {
                    "-1" => 0,
                    "1" => 1,
                    other => {
                        return Err(Error::Row {
                            path,
                            line: row.line,
                            field: list.names[column].clone(),
                            found: format!("{other:?}"),
                            allowed: "-1 or 1".into(),
                        });
                    }
                });
            }
        }
        both(&schema, &labels, &path)?;
        let division = root.join(PARTITION);
        let parts = (divided || division.exists()).then(|| partition::read(&division, &list.rows));
        let folder = root.join(PICTURES);
        let present = names(&folder)?;
        for (r, row) in list.rows.iter().enumerate() {
            let name = name(r);
            if !present.contains(&OsString::from(&name)) {
                return Err(Error::Row {
                    path,
                    line: row.line,
                    field: "picture".into(),
                    found: format!("no {PICTURES}/{name}"),
                    allowed: "a picture for every row; `cir data align` makes them".into(),
                });
            }
        }
        Ok(Self { schema, labels, parts: parts.transpose()?, folder, channels, side })
    }
}

impl Source for Celeba {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn len(&self) -> usize {
        self.labels.len() / self.schema.len()
    }

    fn labels(&self, index: usize) -> Labels {
        let m = self.schema.len();
        self.labels[index * m..(index + 1) * m].to_vec()
    }

    fn image(&self, index: usize) -> Result<Image> {
        let path = self.folder.join(name(index));
        Ok(load_resized(path, self.channels, self.side, Resize::Exact)?.0)
    }

    fn part(&self, index: usize) -> Option<Part> {
        self.parts.as_ref().map(|parts| parts[index])
    }
}

/// Checks that every attribute has images that have it and images that have it not.
fn both(schema: &Schema, labels: &[u16], path: &Path) -> Result<()> {
    for (j, attribute) in schema.attributes().iter().enumerate() {
        for (value, name) in (0u16..).zip(&attribute.values) {
            if !labels.iter().skip(j).step_by(schema.len()).any(|&l| l == value) {
                let found = format!("no image with {}={name}", attribute.name);
                let expected = "images with and without it; data.attributes can leave it out";
                return Err(Error::file(path, found, expected));
            }
        }
    }
    Ok(())
}

/// The file of image `index`.
fn name(index: usize) -> String {
    format!("{:06}.jpg", index + 1)
}

/// The names of all files in a folder.
fn names(folder: &Path) -> Result<HashSet<OsString>> {
    let entries = std::fs::read_dir(folder).map_err(Error::io(folder, "list the pictures"))?;
    let entries = entries.map(|entry| Ok(entry?.file_name()));
    entries.collect::<std::io::Result<_>>().map_err(Error::io(folder, "list the pictures"))
}
