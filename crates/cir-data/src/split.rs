//! The hold-out: whole combinations, or whole subjects, are never seen in training, every single
//! value is.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::{Error, Index, Result};

/// How much is held out, and which draw of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldOut {
    /// The share of all combinations or subjects that training never sees, from 0 to below 1.
    pub fraction: f64,
    /// Which of them: the same seed holds the same ones out.
    pub seed: u64,
    /// What is held out as a whole.
    #[serde(default)]
    pub of: HeldOut,
}

/// What is held out as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldOut {
    /// All images of a combination of values: can the parts be put together anew?
    #[default]
    Combinations,
    /// All images of a subject: does it work on others than those seen?
    Subjects,
}

/// The images for training, and those that are held out; both ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Images to train on.
    pub train: Vec<usize>,
    /// Images of combinations or subjects that training never sees.
    pub held_out: Vec<usize>,
}

impl Split {
    /// The images that a model is scored on, and what they are called: those held out, or
    /// training's own where nothing is.
    pub fn scored(&self) -> (&[usize], &'static str) {
        match self.held_out.is_empty() {
            true => (&self.train, "training"),
            false => (&self.held_out, "held-out"),
        }
    }

    /// Draws what to hold out. All images of one combination or subject lie on the same side, and
    /// each value keeps at least one combination or subject in training.
    ///
    /// # Errors
    /// When the fraction is not in [0, 1), or so large that some value would never be seen, or when
    /// subjects are to be held out and the source knows none.
    pub fn new(index: &Index, hold_out: HoldOut) -> Result<Self> {
        if !(0. ..1.).contains(&hold_out.fraction) {
            let allowed = "0 or more and below 1";
            return Err(Error::setting("data.hold_out.fraction", hold_out.fraction, allowed));
        }
        let images = 0..index.len();
        let groups = match (hold_out.of, index.subjects()) {
            (HeldOut::Combinations, _) => {
                Groups::new(index, images.map(|i| index.labels(i)), "combinations")
            }
            (HeldOut::Subjects, Some(subjects)) => Groups::new(index, subjects.iter(), "subjects"),
            (HeldOut::Subjects, None) => {
                let allowed = "\"combinations\"; the images of this data set have no subjects";
                return Err(Error::setting("data.hold_out.of", "\"subjects\"", allowed));
            }
        };
        let held = groups.choose(index, hold_out)?;
        let (held_out, train) = (0..index.len()).partition(|&i| held[groups.of_image[i]]);
        Ok(Self { train, held_out })
    }
}

/// Images that are held out together.
struct Groups {
    /// What a group is, for messages.
    what: &'static str,
    of_image: Vec<usize>,
    /// The values that occur in each group, with their attribute.
    values: Vec<BTreeSet<(usize, u16)>>,
}

impl Groups {
    fn new<K: Hash + Eq>(index: &Index, keys: impl Iterator<Item = K>, what: &'static str) -> Self {
        let mut numbers = HashMap::new();
        let mut of_image = Vec::with_capacity(index.len());
        let mut values: Vec<BTreeSet<_>> = Vec::new();
        for (image, key) in keys.enumerate() {
            let group = *numbers.entry(key).or_insert(values.len());
            if group == values.len() {
                values.push(BTreeSet::new());
            }
            values[group].extend(index.labels(image).iter().copied().enumerate());
            of_image.push(group);
        }
        Self { what, of_image, values }
    }

    /// Which groups are held out: in random order, each whose values all occur elsewhere too,
    /// until there are enough.
    fn choose(&self, index: &Index, hold_out: HoldOut) -> Result<Vec<bool>> {
        let mut left: Vec<Vec<usize>> =
            index.schema().attributes().iter().map(|a| vec![0; a.values.len()]).collect();
        for &(j, value) in self.values.iter().flatten() {
            left[j][usize::from(value)] += 1;
        }
        let all = self.values.len();
        let wanted = (hold_out.fraction * all as f64).round() as usize;
        let mut order: Vec<usize> = (0..all).collect();
        order.shuffle(&mut cir_core::rng(hold_out.seed, "hold_out", 0));
        let mut held = vec![false; all];
        let mut count = 0;
        for group in order {
            if count == wanted {
                break;
            }
            let values = &self.values[group];
            if values.iter().all(|&(j, value)| left[j][usize::from(value)] > 1) {
                values.iter().for_each(|&(j, value)| left[j][usize::from(value)] -= 1);
                held[group] = true;
                count += 1;
            }
        }
        if count < wanted {
            let what = self.what;
            let found = format!("{} ({wanted} of {all} {what})", hold_out.fraction);
            let allowed = format!("at most {count} {what}, so that each value is seen in training");
            return Err(Error::setting("data.hold_out.fraction", found, allowed));
        }
        Ok(held)
    }
}
