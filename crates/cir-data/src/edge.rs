//! The "sample-edge" strategy for any labelled set: per attribute two different images that share
//! its value, free to agree elsewhere, and without a centre common to all attributes.

use std::sync::Arc;

use cir_core::Rng;
use rand::Rng as _;

use crate::{Error, Index, Result, group::members};

/// Two different images with the same value of one attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The image in the centre's part.
    pub centre: usize,
    /// The image in the partner's part.
    pub partner: usize,
}

/// Draws edges from the training images.
#[derive(Debug)]
pub struct EdgeSampler {
    index: Arc<Index>,
    members: Vec<Vec<Vec<u32>>>,
    /// Per attribute the images that are not alone with their value.
    centres: Vec<Vec<u32>>,
}

impl EdgeSampler {
    /// Takes the training images, and checks that each attribute has an edge.
    ///
    /// # Errors
    /// When there is no training image, or no two share a value of some attribute.
    pub fn new(index: &Arc<Index>, train: &[usize]) -> Result<Self> {
        let members = members(index, train)?;
        let mut centres = Vec::with_capacity(members.len());
        for (attribute, values) in index.schema().attributes().iter().zip(&members) {
            let shared: Vec<u32> =
                values.iter().filter(|images| images.len() > 1).flatten().copied().collect();
            if shared.is_empty() {
                let found = "no two training images with the same value";
                return Err(Error::setting(attribute.name.clone(), found, "at least two"));
            }
            centres.push(shared);
        }
        Ok(Self { index: index.clone(), members, centres })
    }

    /// An edge for each attribute, in schema order: a uniform image that is not alone with its
    /// value, and a uniform other one with this value.
    pub fn edges(&self, rng: &mut Rng) -> Vec<Edge> {
        (0..self.centres.len()).map(|j| self.edge(j, rng)).collect()
    }

    fn edge(&self, attribute: usize, rng: &mut Rng) -> Edge {
        let centres = &self.centres[attribute];
        let centre = centres[rng.random_range(0..centres.len())];
        let value = self.index.labels(centre as usize)[attribute];
        let images = &self.members[attribute][usize::from(value)];
        // A uniform one of the others: the last stands in for the centre itself.
        let other = images[rng.random_range(0..images.len() - 1)];
        let partner = if other == centre { images[images.len() - 1] } else { other };
        Edge { centre: centre as usize, partner: partner as usize }
    }
}
