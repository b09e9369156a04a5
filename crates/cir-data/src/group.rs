//! The strict group sampler of GZS-Net: a centre C, and for each attribute j a partner P_j that
//! shares attribute j with C and differs from it in all others.

use std::sync::Arc;

use cir_core::Rng;
use rand::Rng as _;

use crate::{Error, Index, Result};

/// The images of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The centre C.
    pub centre: usize,
    /// P_j for each attribute, in schema order.
    pub partners: Vec<usize>,
}

/// Draws groups from the training images.
#[derive(Debug)]
pub struct GroupSampler {
    index: Arc<Index>,
    train: Vec<usize>,
    /// Per attribute and value the training images.
    members: Vec<Vec<Vec<u32>>>,
}

/// Random candidates to try before all are looked at.
const TRIES: usize = 64;

impl GroupSampler {
    /// Takes the training images, and checks that groups can be drawn from them.
    ///
    /// # Errors
    /// When there is no training image; when for some value that occurs no two images share it and
    /// nothing else (the message names attribute and value); or when no image can be a centre.
    pub fn new(index: &Arc<Index>, train: &[usize]) -> Result<Self> {
        let members = members(index, train)?;
        let sampler = Self { index: index.clone(), train: train.to_vec(), members };
        for (j, attribute) in index.schema().attributes().iter().enumerate() {
            for (value, name) in attribute.values.iter().enumerate() {
                let with_value = &sampler.members[j][value];
                if !with_value.is_empty() && !sampler.has_pair(j, with_value) {
                    return Err(Error::NoPartner {
                        attribute: attribute.name.clone(),
                        value: name.clone(),
                        images: train.len(),
                        held_out: index.len().saturating_sub(train.len()),
                    });
                }
            }
        }
        sampler.group(&mut cir_core::rng(0, "group check", 0))?;
        Ok(sampler)
    }

    /// Draws a group: a uniform centre, each partner uniform among those that fit. An image that
    /// lacks a partner for some attribute is passed over as a centre.
    ///
    /// # Errors
    /// When no image can be a centre; [`GroupSampler::new`] has made sure that one can.
    pub fn group(&self, rng: &mut Rng) -> Result<Group> {
        for _ in 0..TRIES {
            let centre = self.train[rng.random_range(0..self.train.len())];
            if let Some(group) = self.around(centre, rng) {
                return Ok(group);
            }
        }
        let start = rng.random_range(0..self.train.len());
        let mut from_start = self.train[start..].iter().chain(&self.train[..start]);
        let found = from_start.find_map(|&centre| self.around(centre, rng));
        found.ok_or(Error::NoCentre { images: self.train.len() })
    }

    fn around(&self, centre: usize, rng: &mut Rng) -> Option<Group> {
        let attributes = 0..self.index.schema().len();
        let partners = attributes.map(|j| self.partner(j, centre, rng)).collect::<Option<_>>()?;
        Some(Group { centre, partners })
    }

    fn partner(&self, attribute: usize, centre: usize, rng: &mut Rng) -> Option<usize> {
        let value = self.index.labels(centre)[attribute];
        let candidates = &self.members[attribute][usize::from(value)];
        let fits = |&i: &usize| self.index.share_only(attribute, centre, i);
        for _ in 0..TRIES {
            let candidate = candidates[rng.random_range(0..candidates.len())] as usize;
            if fits(&candidate) {
                return Some(candidate);
            }
        }
        let fitting: Vec<usize> = candidates.iter().map(|&i| i as usize).filter(fits).collect();
        (!fitting.is_empty()).then(|| fitting[rng.random_range(0..fitting.len())])
    }

    fn has_pair(&self, attribute: usize, images: &[u32]) -> bool {
        let mut pairs = images.iter().flat_map(|&a| images.iter().map(move |&b| (a, b)));
        pairs.any(|(a, b)| self.index.share_only(attribute, a as usize, b as usize))
    }
}

/// The training images by attribute and value.
pub(crate) fn members(index: &Index, train: &[usize]) -> Result<Vec<Vec<Vec<u32>>>> {
    if train.is_empty() {
        return Err(Error::setting("data", "no training image", "at least one"));
    }
    let mut members: Vec<Vec<Vec<u32>>> =
        index.schema().attributes().iter().map(|a| vec![Vec::new(); a.values.len()]).collect();
    for &i in train {
        if i >= index.len() {
            let allowed = format!("0 to {}", index.len() - 1);
            return Err(Error::setting("training image", i, allowed));
        }
        for (j, &l) in index.labels(i).iter().enumerate() {
            members[j][usize::from(l)].push(i as u32);
        }
    }
    Ok(members)
}
