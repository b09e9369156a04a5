//! Pictures of two domains without pairs, in the four folders that they are published in: trainA,
//! trainB, testA and testB.

use std::path::{Path, PathBuf};

use cir_core::{Attribute, Image, Labels, Schema};

use crate::decode::{FORMATS, is_picture, list_folder, load_squeezed};
use crate::{Error, Part, Result, Source};

/// The folders, with the domain and the part of their pictures.
const FOLDERS: [(&str, u16, Part); 4] = [
    ("trainA", 0, Part::Train),
    ("trainB", 1, Part::Train),
    ("testA", 0, Part::Test),
    ("testB", 1, Part::Test),
];

/// Pictures of two domains. Folders are listed when it is opened, pixels are read when an image is
/// asked for, and resized as published: bicubic, both sides.
#[derive(Debug)]
pub struct Domains {
    schema: Schema,
    /// The files in the order of [`FOLDERS`], those of one folder by name.
    paths: Vec<PathBuf>,
    /// Where each folder's files end.
    ends: [usize; 4],
    channels: usize,
    side: usize,
}

impl Domains {
    pub(crate) fn open(
        root: &Path,
        attributes: Vec<Attribute>,
        channels: usize,
        side: usize,
    ) -> Result<Self> {
        let schema = Schema::new(attributes)?;
        two_domains(&schema)?;
        let (mut paths, mut ends) = (Vec::new(), [0; 4]);
        for ((name, ..), end) in FOLDERS.iter().zip(&mut ends) {
            let folder = root.join(name);
            let files = pictures(&folder)?;
            if files.is_empty() {
                return Err(Error::file(&folder, "no picture", format!("{FORMATS} pictures")));
            }
            paths.extend(files);
            *end = paths.len();
        }
        Ok(Self { schema, paths, ends, channels, side })
    }

    /// The number of image `index`'s folder.
    fn folder(&self, index: usize) -> usize {
        self.ends.iter().filter(|&&end| end <= index).count()
    }
}

impl Source for Domains {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn len(&self) -> usize {
        self.paths.len()
    }

    fn labels(&self, index: usize) -> Labels {
        vec![FOLDERS[self.folder(index)].1]
    }

    fn image(&self, index: usize) -> Result<Image> {
        Ok(load_squeezed(&self.paths[index], self.channels, self.side)?.0)
    }

    fn part(&self, index: usize) -> Option<Part> {
        Some(FOLDERS[self.folder(index)].2)
    }
}

/// Checks that there is one attribute, of two values.
fn two_domains(schema: &Schema) -> Result<()> {
    let allowed = "one attribute with two values, the domains";
    let [domain] = schema.attributes() else {
        let names: Vec<&str> = schema.attributes().iter().map(|a| a.name.as_str()).collect();
        return Err(Error::setting("attributes", names.join(", "), allowed));
    };
    if domain.values.len() != 2 {
        let field = format!("attributes.{}.values", domain.name);
        return Err(Error::setting(field, domain.values.join(", "), allowed));
    }
    Ok(())
}

/// What programs leave in folders of pictures: `cir data render` the first, Windows the others.
const BESIDE_PICTURES: [&str; 3] = ["labels.csv", "Thumbs.db", "desktop.ini"];

/// The pictures in a folder, by name; hidden files and [`BESIDE_PICTURES`] are passed over.
fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        let found = if folder.exists() { "a file" } else { "nothing" };
        let expected = "a folder: data.root holds trainA, trainB, testA and testB";
        return Err(Error::file(folder, found, expected));
    }
    let mut paths = list_folder(folder)?;
    let beside = |path: &PathBuf| BESIDE_PICTURES.iter().any(|name| path.ends_with(name));
    paths.retain(|path| !beside(path));
    for path in &paths {
        if path.is_dir() || !is_picture(path)? {
            let found = if path.is_dir() { "a folder" } else { "another kind of file" };
            return Err(Error::file(path, found, "a picture: .png, .jpg, .jpeg or .webp"));
        }
    }
    Ok(paths)
}
