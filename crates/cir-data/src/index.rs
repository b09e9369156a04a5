//! All labels of a source, held once, and the ways to look images up by them.

use std::collections::HashMap;

use cir_core::Schema;

use crate::{Error, Part, Result, Source};

/// The labels of all images of a source, by image and by combination.
#[derive(Debug)]
pub struct Index {
    schema: Schema,
    labels: Vec<u16>,
    /// The first image of every combination.
    combinations: HashMap<Box<[u16]>, u32>,
    /// The subject of every image, if the source knows it of all.
    subjects: Option<Vec<usize>>,
    /// The published part of every image, likewise.
    parts: Option<Vec<Part>>,
}

impl Index {
    /// Reads all labels.
    ///
    /// # Errors
    /// When there is no image, or labels do not fit the schema.
    pub fn new(source: &dyn Source) -> Result<Self> {
        let schema = source.schema().clone();
        let attributes = schema.attributes();
        if source.is_empty() {
            return Err(Error::setting("data", "no image", "at least one image"));
        }
        if source.len() > u32::MAX as usize {
            return Err(Error::setting("data", source.len(), "at most 4294967295 images"));
        }
        let mut labels = Vec::with_capacity(source.len() * attributes.len());
        let mut combinations = HashMap::new();
        for i in 0..source.len() {
            let row = source.labels(i);
            let fits = |(&l, a): (&u16, &cir_core::Attribute)| usize::from(l) < a.values.len();
            if row.len() != attributes.len() || !row.iter().zip(attributes).all(fits) {
                let allowed =
                    attributes.iter().map(|a| format!("{} 0..{}", a.name, a.values.len()));
                let allowed = allowed.collect::<Vec<_>>().join(", ");
                return Err(Error::setting(
                    format!("labels of image {i}"),
                    format!("{row:?}"),
                    allowed,
                ));
            }
            labels.extend_from_slice(&row);
            combinations.entry(row.into_boxed_slice()).or_insert(i as u32);
        }
        let subjects = (0..source.len()).map(|i| source.subject(i)).collect();
        let parts = (0..source.len()).map(|i| source.part(i)).collect();
        Ok(Self { schema, labels, combinations, subjects, parts })
    }

    /// The attributes and their values.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// How many images there are.
    #[expect(clippy::len_without_is_empty, reason = "an index is never empty")]
    pub fn len(&self) -> usize {
        self.labels.len() / self.schema.len()
    }

    /// The value index of every attribute of image `image`.
    pub fn labels(&self, image: usize) -> &[u16] {
        let m = self.schema.len();
        &self.labels[image * m..(image + 1) * m]
    }

    /// The first image that shows exactly this combination.
    pub fn find(&self, labels: &[u16]) -> Option<usize> {
        self.combinations.get(labels).map(|&i| i as usize)
    }

    /// Who or what every image shows, if the source knows it of all.
    pub fn subjects(&self) -> Option<&[usize]> {
        self.subjects.as_deref()
    }

    /// The part of every image in the published division, if the source knows it of all.
    pub fn parts(&self) -> Option<&[Part]> {
        self.parts.as_deref()
    }

    /// Whether two images agree in attribute `attribute` and in no other.
    pub fn share_only(&self, attribute: usize, a: usize, b: usize) -> bool {
        let pairs = self.labels(a).iter().zip(self.labels(b)).enumerate();
        pairs.fold(true, |all, (j, (x, y))| all && (x == y) == (j == attribute))
    }
}
