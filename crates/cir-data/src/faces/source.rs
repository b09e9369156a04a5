//! Faces as a source of labelled images.

use cir_core::{Attribute, Image, Labels, Schema};

use super::{ATTRIBUTES, Degrees, Face, SIDES};
use crate::card::{FacesCard, check_side};
use crate::source::no_or_yes;
use crate::{Error, Result, Source};

/// The most identities: their images are numbered with 32 bits.
pub(crate) const MOST: usize = 1 << 20;

/// Drawn faces: for each identity one image of every combination of the attributes.
///
/// Image number identity · 2^m + bits, for m attributes, shows attribute j as bit j says.
#[derive(Debug)]
pub struct Faces {
    schema: Schema,
    /// For each attribute its place among [`ATTRIBUTES`].
    places: Vec<usize>,
    identities: usize,
    side: usize,
}

impl Faces {
    pub(crate) fn new(attributes: Vec<Attribute>, card: &FacesCard, side: usize) -> Result<Self> {
        check_side("data.size", side, SIDES)?;
        if !(1..=MOST).contains(&card.identities) {
            let allowed = format!("1 to {MOST}");
            return Err(Error::setting("faces.identities", card.identities, allowed));
        }
        let place = |a: &Attribute| {
            no_or_yes(a)?;
            ATTRIBUTES.iter().position(|name| *name == a.name).ok_or_else(|| {
                Error::setting("attributes", format!("{:?}", a.name), ATTRIBUTES.join(", "))
            })
        };
        let places = attributes.iter().map(place).collect::<Result<_>>()?;
        let schema = Schema::new(attributes)?;
        Ok(Self { schema, places, identities: card.identities, side })
    }

    /// The face that image `index` shows.
    pub fn face(&self, index: usize) -> Face {
        let labels = self.labels(index);
        self.with(index, |j| f32::from(labels[j]))
    }

    /// The face of image `index` with the degree `of(j)` of attribute j. Attributes of faces that
    /// the card leaves out are drawn from the identity.
    fn with(&self, index: usize, of: impl Fn(usize) -> f32) -> Face {
        let identity = (index >> self.places.len()) as u64;
        let mut degrees = super::degrees(identity).to_array();
        for (j, &place) in self.places.iter().enumerate() {
            degrees[place] = of(j);
        }
        Face::new(identity).with(Degrees::from_array(degrees))
    }
}

impl Source for Faces {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn len(&self) -> usize {
        self.identities << self.places.len()
    }

    fn labels(&self, index: usize) -> Labels {
        (0..self.places.len()).map(|j| (index >> j & 1) as u16).collect()
    }

    fn image(&self, index: usize) -> Result<Image> {
        self.face(index).draw(self.side)
    }

    fn between(&self, index: usize, to: &[u16], fractions: &[f32]) -> Option<Result<Image>> {
        let from = self.labels(index);
        let degree = |j: usize| {
            let (a, b) = (f32::from(from[j]), f32::from(to[j]));
            a + (b - a) * fractions[j]
        };
        Some(self.with(index, degree).draw(self.side))
    }

    fn changed(&self, index: usize, attribute: usize, value: u16) -> Option<usize> {
        let bit = 1 << attribute;
        (attribute < self.places.len() && value < 2).then_some(if value == 1 {
            index | bit
        } else {
            index & !bit
        })
    }

    fn subject(&self, index: usize) -> Option<usize> {
        Some(index >> self.places.len())
    }

    fn landmarks(&self, index: usize) -> Option<Vec<[f32; 2]>> {
        Some(self.face(index).landmarks_in_pixels(self.side))
    }
}
