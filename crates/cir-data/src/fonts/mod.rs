//! The `fonts` source: coloured letters on coloured backgrounds, drawn on the fly.
//!
//! The attributes are those of the published Fonts data set: letter, size, font colour, background
//! colour and font. Outlines come from the embedded fonts, coverage is antialiased, and colours are
//! mixed by coverage in sRGB bytes.

mod faces;
mod paint;

use std::sync::OnceLock;

use cir_core::{Attribute, Image, Labels, Schema};

pub use faces::{LETTERS, names};
pub(crate) use paint::print;
pub use paint::render;

use crate::card::FontsCard;
use crate::{Error, Result, Source, grid};
use faces::{Face, face};
use paint::{Coverage, MAX_SIZE};

/// Coloured letters; the five attributes are those of [`Fonts::ATTRIBUTES`].
#[derive(Debug)]
pub struct Fonts {
    schema: Schema,
    side: usize,
    /// All combinations that exist, one after the other.
    labels: Vec<u16>,
    letters: Vec<char>,
    sizes: Vec<f32>,
    font_colours: Vec<[u8; 3]>,
    back_colours: Vec<[u8; 3]>,
    faces: Vec<&'static Face>,
    /// The coverage of each letter, size and font, once it has been needed.
    masks: Vec<OnceLock<Coverage>>,
}

impl Fonts {
    /// The attributes, in this order.
    pub const ATTRIBUTES: [&str; 5] = ["letter", "size", "font_colour", "back_colour", "font"];

    pub(crate) fn new(
        attributes: Vec<Attribute>,
        card: &FontsCard,
        distinct: &[[String; 2]],
        side: usize,
    ) -> Result<Self> {
        let found: Vec<&str> = attributes.iter().map(|a| a.name.as_str()).collect();
        if found != Self::ATTRIBUTES {
            let allowed = format!("all of {}", Self::ATTRIBUTES.join(", "));
            return Err(Error::setting("attributes", found.join(", "), allowed));
        }
        let schema = Schema::new(attributes)?;
        let [letters, sizes, font_colours, back_colours, faces] = schema.attributes() else {
            return Err(Error::setting("attributes", schema.len(), "five"));
        };
        let letters = letters.values.iter().map(|v| letter(v)).collect::<Result<Vec<_>>>()?;
        let sizes = sizes.values.iter().map(|v| size(card, v)).collect::<Result<Vec<_>>>()?;
        let colours = |attribute: &Attribute| {
            attribute.values.iter().map(|v| colour(card, v)).collect::<Result<Vec<_>>>()
        };
        let (font_colours, back_colours) = (colours(font_colours)?, colours(back_colours)?);
        let faces = faces.values.iter().map(|v| face(v)).collect::<Result<Vec<_>>>()?;
        let labels = grid::combinations(&schema, distinct)?;
        let masks = (0..letters.len() * sizes.len() * faces.len()).map(|_| OnceLock::new());
        let masks = masks.collect();
        Ok(Self { side, labels, letters, sizes, font_colours, back_colours, faces, masks, schema })
    }

    fn coverage(&self, letter: u16, size: u16, font: u16) -> &Coverage {
        let (letter, size, font) = (usize::from(letter), usize::from(size), usize::from(font));
        let at = (letter * self.sizes.len() + size) * self.faces.len() + font;
        let draw = || self.faces[font].cover(self.letters[letter], self.sizes[size], self.side);
        self.masks[at].get_or_init(draw)
    }
}

impl Source for Fonts {
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
        let labels = &self.labels[index * 5..index * 5 + 5];
        let coverage = self.coverage(labels[0], labels[1], labels[4]);
        let front = self.font_colours[usize::from(labels[2])];
        let back = self.back_colours[usize::from(labels[3])];
        Ok(coverage.paint(front, back, self.side)?)
    }

    fn changed(&self, index: usize, attribute: usize, value: u16) -> Option<usize> {
        grid::changed(&self.labels, 5, index, attribute, value)
    }

    fn between(&self, index: usize, to: &[u16], fractions: &[f32]) -> Option<Result<Image>> {
        let from = &self.labels[index * 5..index * 5 + 5];
        let whole = |j: usize| {
            let nearest = if fractions[j] < 0.5 { from[j] } else { to[j] };
            (from[j] == to[j] || fractions[j] == 0. || fractions[j] == 1.).then_some(nearest)
        };
        let (letter, font) = (usize::from(whole(0)?), usize::from(whole(4)?));
        let mix = |a: f32, b: f32, j: usize| a + (b - a) * fractions[j];
        let colour = |colours: &[[u8; 3]], j: usize| {
            let (a, b) = (colours[usize::from(from[j])], colours[usize::from(to[j])]);
            std::array::from_fn(|c| mix(f32::from(a[c]), f32::from(b[c]), j).round() as u8)
        };
        let size = mix(self.sizes[usize::from(from[1])], self.sizes[usize::from(to[1])], 1);
        let coverage = self.faces[font].cover(self.letters[letter], size.min(MAX_SIZE), self.side);
        let (front, back) = (colour(&self.font_colours, 2), colour(&self.back_colours, 3));
        Some(coverage.paint(front, back, self.side).map_err(Error::from))
    }
}

fn letter(value: &str) -> Result<char> {
    let mut letters = value.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if LETTERS.contains(letter) => Ok(letter),
        _ => Err(Error::setting("letter", format!("{value:?}"), "one of A to Z and a to z")),
    }
}

fn size(card: &FontsCard, value: &str) -> Result<f32> {
    match card.sizes.get(value) {
        Some(&size) if size > 0. && size <= MAX_SIZE => Ok(size),
        Some(&size) => {
            let allowed = format!("above 0, at most {MAX_SIZE}");
            Err(Error::setting(format!("fonts.sizes.{value}"), size, allowed))
        }
        None => Err(undeclared("size", value, card.sizes.keys())),
    }
}

fn colour(card: &FontsCard, value: &str) -> Result<[u8; 3]> {
    card.colours.get(value).copied().ok_or_else(|| undeclared("colour", value, card.colours.keys()))
}

fn undeclared<'a>(field: &str, value: &str, keys: impl Iterator<Item = &'a String>) -> Error {
    let declared = keys.map(String::as_str).collect::<Vec<_>>().join(", ");
    Error::setting(field, format!("{value:?}"), format!("those of the card's [fonts]: {declared}"))
}
