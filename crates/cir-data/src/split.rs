//! The hold-out: whole combinations, or whole subjects, or what was published for tests, are never
//! seen in training, every single value is.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use rand::seq::SliceRandom;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Index, Result};

/// How a recipe names the published division.
const PUBLISHED: &str = "published";

/// What training never sees: a recipe's `hold_out`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Division {
    /// `"published"`: what the data set was published with for tests.
    Published,
    /// `{ fraction, seed, of }`: a draw.
    Drawn(HoldOut),
}

/// The parts of a published division.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// For training.
    Train,
    /// For tests.
    Test,
    /// For neither, such as a validation part.
    Neither,
}

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
    /// Images that training never sees.
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

    /// Takes the published division, or draws what to hold out: then all images of one combination
    /// or subject lie on the same side, and each value keeps at least one combination or subject in
    /// training.
    ///
    /// # Errors
    /// When the fraction is not in [0, 1), or so large that some value would never be seen; when
    /// subjects are to be held out and the source knows none; when it has no published division, or
    /// one without images for tests or of some value for training.
    pub fn new(index: &Index, division: impl Into<Division>) -> Result<Self> {
        match division.into() {
            Division::Published => Self::published(index),
            Division::Drawn(hold_out) => Self::drawn(index, hold_out),
        }
    }

    fn published(index: &Index) -> Result<Self> {
        let wrong = |found: String, allowed: &str| Error::setting("data.hold_out", found, allowed);
        let Some(parts) = index.parts() else {
            let allowed = "{ fraction, seed, of }; this data set was published without a division";
            return Err(wrong("\"published\"".into(), allowed));
        };
        let of = |part| (0..index.len()).filter(|&i| parts[i] == part).collect::<Vec<_>>();
        let (train, held_out) = (of(Part::Train), of(Part::Test));
        if held_out.is_empty() {
            return Err(wrong("\"published\", without an image for tests".into(), "some of each"));
        }
        for (j, attribute) in index.schema().attributes().iter().enumerate() {
            for (value, name) in attribute.values.iter().enumerate() {
                if !train.iter().any(|&i| usize::from(index.labels(i)[j]) == value) {
                    let of_value = format!("{}={name}", attribute.name);
                    let found = format!("\"published\", without {of_value} in training");
                    return Err(wrong(found, "training images of every value"));
                }
            }
        }
        Ok(Self { train, held_out })
    }

    fn drawn(index: &Index, hold_out: HoldOut) -> Result<Self> {
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
                let allowed = match index.parts() {
                    Some(_) => "\"combinations\", or data.hold_out = \"published\"",
                    None => "\"combinations\"",
                };
                let allowed = &format!("{allowed}; the images of this data set have no subjects");
                return Err(Error::setting("data.hold_out.of", "\"subjects\"", allowed));
            }
        };
        let held = groups.choose(index, hold_out)?;
        let (held_out, train) = (0..index.len()).partition(|&i| held[groups.of_image[i]]);
        Ok(Self { train, held_out })
    }
}

impl From<HoldOut> for Division {
    fn from(hold_out: HoldOut) -> Self {
        Self::Drawn(hold_out)
    }
}

impl Serialize for Division {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Published => serializer.serialize_str(PUBLISHED),
            Self::Drawn(hold_out) => hold_out.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Division {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(StringOrTable)
    }
}

/// Reads a [`Division`]: an untagged enum would not say which field of the table is wrong.
struct StringOrTable;

impl<'de> Visitor<'de> for StringOrTable {
    type Value = Division;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("\"published\" or { fraction = 0.1, seed = 1, of = \"combinations\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Division, E> {
        match text {
            PUBLISHED => Ok(Division::Published),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> std::result::Result<Division, A::Error> {
        HoldOut::deserialize(MapAccessDeserializer::new(table)).map(Division::Drawn)
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
