//! The `sketch-faces` source: two domains without pairs, portraits of one half of the people and
//! sketches of the other.
//!
//! What a picture shows is a [`Face`]: shapes, pose and [`Degrees`](crate::faces::Degrees). Its manner is how this is shown:
//! of a portrait all colours, which of the two hair colours it has among them, and what is behind;
//! of a sketch the [`Pen`]. So every picture can be drawn in the manner of every other, which is the
//! truth that a translation is compared with.

mod drawing;
mod pen;

use cir_core::{Attribute, Image, Labels, Schema};

pub use pen::{Pen, PenKind, Shading};

use crate::card::{FacesCard, check_side};
use crate::faces::{Face, MOST, SIDES, degrees};
use crate::{Error, Result, Source};

/// The domains, in this order.
pub const DOMAINS: [&str; 2] = ["portrait", "sketch"];

impl Pen {
    /// Draws a face with this pen; how dark its hair is does not show.
    ///
    /// # Errors
    /// When the side is not between 64 and 256.
    pub fn draw(&self, face: &Face, side: usize) -> Result<Image> {
        check_side("side", side, SIDES)?;
        drawing::draw(face, self, side)
    }
}

/// Drawn faces in two domains: image number i shows identity i, as a portrait if i is even and as a
/// sketch if it is odd.
#[derive(Debug)]
pub struct SketchFaces {
    schema: Schema,
    identities: usize,
    side: usize,
}

impl SketchFaces {
    pub(crate) fn new(attributes: Vec<Attribute>, card: &FacesCard, side: usize) -> Result<Self> {
        check_side("data.size", side, SIDES)?;
        if !(2..=MOST).contains(&card.identities) {
            let allowed = format!("2 to {MOST}");
            return Err(Error::setting("faces.identities", card.identities, allowed));
        }
        let schema = Schema::new(attributes)?;
        match schema.attributes() {
            [domain] if domain.values == DOMAINS => {}
            others => {
                let found = others.iter().map(|a| format!("{} {:?}", a.name, a.values));
                let found = found.collect::<Vec<_>>().join(", ");
                let allowed = format!("one, with the values {}", DOMAINS.join(", "));
                return Err(Error::setting("attributes", found, allowed));
            }
        }
        Ok(Self { schema, identities: card.identities, side })
    }

    /// The face that image `index` shows.
    pub fn face(&self, index: usize) -> Face {
        Face::new(index as u64).with(degrees(index as u64))
    }

    fn draw(&self, index: usize, reference: usize) -> Result<Image> {
        let face = self.face(index);
        match reference % 2 {
            0 => face.in_colours_of(&self.face(reference)).draw(self.side),
            _ => Pen::new(reference as u64).draw(&face, self.side),
        }
    }
}

impl Source for SketchFaces {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn len(&self) -> usize {
        self.identities
    }

    fn labels(&self, index: usize) -> Labels {
        vec![(index % 2) as u16]
    }

    fn image(&self, index: usize) -> Result<Image> {
        self.draw(index, index)
    }

    fn in_manner_of(&self, index: usize, reference: usize) -> Option<Result<Image>> {
        Some(self.draw(index, reference))
    }

    fn subject(&self, index: usize) -> Option<usize> {
        Some(index)
    }

    fn landmarks(&self, index: usize) -> Option<Vec<[f32; 2]>> {
        Some(self.face(index).landmarks_in_pixels(self.side))
    }
}
