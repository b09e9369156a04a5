//! The `dsprites` source: sprites drawn to the grid of the published dSprites.
//!
//! How they look is in `sprites.rs`. The order of the images is the published one.

use std::f64::consts::TAU;

use cir_core::{Attribute, Image, Labels, Schema};

use crate::sprites::{Shape, Sprite};
use crate::{Error, Result, Source, grid};

/// How many values the published grid has of each attribute.
const COUNTS: [usize; 5] = [3, 6, 40, 32, 32];

/// Sprites; the attributes are those of [`Dsprites::ATTRIBUTES`].
#[derive(Debug)]
pub struct Dsprites {
    schema: Schema,
    labels: Vec<u16>,
    factors: Factors,
    side: usize,
}

/// The published number of each value in use, by attribute.
#[derive(Debug)]
pub(crate) struct Factors(Vec<Vec<u16>>);

impl Dsprites {
    /// The attributes, in this order; the published "color" has one value and is left out.
    pub const ATTRIBUTES: [&str; 5] = ["shape", "scale", "orientation", "x", "y"];

    pub(crate) fn new(
        attributes: Vec<Attribute>,
        distinct: &[[String; 2]],
        side: usize,
    ) -> Result<Self> {
        let factors = Factors::new(&attributes)?;
        let schema = Schema::new(attributes)?;
        let labels = grid::combinations(&schema, distinct)?;
        Ok(Self { schema, labels, factors, side })
    }
}

impl Factors {
    pub(crate) fn new(attributes: &[Attribute]) -> Result<Self> {
        let found: Vec<&str> = attributes.iter().map(|a| a.name.as_str()).collect();
        if found != Dsprites::ATTRIBUTES {
            let allowed = format!("all of {}", Dsprites::ATTRIBUTES.join(", "));
            return Err(Error::setting("attributes", found.join(", "), allowed));
        }
        let of = |(a, &count): (&Attribute, &usize)| {
            let names: Vec<String> = (0..count).map(|i| name(&a.name, i)).collect();
            let number = |v: &String| {
                let at = names.iter().position(|n| n == v).map(|i| i as u16);
                at.ok_or_else(|| Error::setting(&a.name, format!("{v:?}"), names.join(", ")))
            };
            a.values.iter().map(number).collect::<Result<Vec<u16>>>()
        };
        Ok(Self(attributes.iter().zip(&COUNTS).map(of).collect::<Result<_>>()?))
    }

    /// The published numbers of a combination.
    pub(crate) fn published(&self, labels: &[u16]) -> [u16; 5] {
        std::array::from_fn(|j| self.0[j][usize::from(labels[j])])
    }
}

/// The name of the published value `i` of an attribute.
fn name(attribute: &str, i: usize) -> String {
    match attribute {
        "shape" => ["square", "ellipse", "heart"][i].to_owned(),
        "scale" => format!("{:.1}", 0.5 + 0.1 * i as f32),
        _ => i.to_string(),
    }
}

impl Source for Dsprites {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn len(&self) -> usize {
        self.labels.len() / 5
    }

    fn labels(&self, index: usize) -> Labels {
        self.labels[index * 5..index * 5 + 5].to_vec()
    }

    fn image(&self, index: usize) -> Result<Image> {
        let labels = self.factors.published(&self.labels[index * 5..index * 5 + 5]);
        draw(labels[0], std::array::from_fn(|j| f32::from(labels[j + 1])), self.side)
    }

    fn changed(&self, index: usize, attribute: usize, value: u16) -> Option<usize> {
        grid::changed(&self.labels, 5, index, attribute, value)
    }

    fn between(&self, index: usize, to: &[u16], fractions: &[f32]) -> Option<Result<Image>> {
        let from = self.factors.published(&self.labels[index * 5..index * 5 + 5]);
        let to = self.factors.published(to);
        let shape = match fractions[0] {
            _ if from[0] == to[0] => from[0],
            0. => from[0],
            1. => to[0],
            _ => return None,
        };
        let mix = |j: usize| {
            let (a, b) = (f32::from(from[j]), f32::from(to[j]));
            a + (b - a) * fractions[j]
        };
        Some(draw(shape, std::array::from_fn(|j| mix(j + 1)), self.side))
    }
}

/// Draws a sprite; scale, orientation, x and y in steps of the published grid.
fn draw(shape: u16, [scale, orientation, x, y]: [f32; 4], side: usize) -> Result<Image> {
    let shape = [Shape::Square, Shape::Ellipse, Shape::Heart][usize::from(shape)];
    let scale = 0.5 + 0.1 * f64::from(scale);
    // The last of the 40 orientations is the first again, as published.
    let orientation = f64::from(orientation) * TAU / 39.;
    let (x, y) = (f64::from(x) / 31., f64::from(y) / 31.);
    Sprite { shape, scale, orientation, x, y }.draw(side)
}
