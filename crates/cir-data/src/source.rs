//! What a data set is to everything else: labelled images by number.

use cir_core::{Attribute, Image, Labels, Schema};

use crate::{Error, Part, Result};

/// Labelled images; what a reader implements for an own data set.
///
/// ```
/// use cir_core::{Attribute, Image, Labels, Schema};
/// use cir_data::{Index, Source};
///
/// /// Grey squares: one attribute is the brightness, the other the side.
/// struct Squares(Schema);
///
/// impl Source for Squares {
///     fn schema(&self) -> &Schema { &self.0 }
///     fn len(&self) -> usize { 4 }
///     fn labels(&self, index: usize) -> Labels { vec![(index / 2) as u16, (index % 2) as u16] }
///     fn image(&self, index: usize) -> cir_data::Result<Image> {
///         let (bright, large) = (index / 2 == 1, index % 2 == 1);
///         let inside = |i: usize| large || (4..12).contains(&(i / 16)) && (4..12).contains(&(i % 16));
///         let pixels = (0..256).map(|i| if inside(i) { 100 + 155 * u8::from(bright) } else { 0 });
///         Ok(Image::new(1, 16, 16, pixels.collect())?)
///     }
/// }
///
/// let values = |a: &str, b: &str| vec![a.to_string(), b.to_string()];
/// let schema = Schema::new(vec![
///     Attribute { name: "brightness".into(), values: values("dark", "bright") },
///     Attribute { name: "side".into(), values: values("small", "large") },
/// ])?;
/// let index = Index::new(&Squares(schema))?;
/// assert_eq!(index.find(&[1, 0]), Some(2));
/// # Ok::<(), cir_data::Error>(())
/// ```
pub trait Source: Send + Sync {
    /// The attributes and their values.
    fn schema(&self) -> &Schema;

    /// How many images there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pictures found beside these whose labels are not the card's, where it allows that
    /// (`unmatched = "skip"`). None by default.
    fn left_out(&self) -> usize {
        0
    }

    /// The value index of every attribute of image `index`.
    fn labels(&self, index: usize) -> Labels;

    /// Image `index`: all are of one size and channel count.
    ///
    /// # Errors
    /// When it cannot be read or is not an image.
    fn image(&self, index: usize) -> Result<Image>;

    /// The true picture between image `index` and what it would be with the labels `to`,
    /// `fractions` of the way for each attribute (0: as the image is, 1: as in `to`), if this source
    /// can draw it. Fractions strictly in between make sense for attributes that are continuous,
    /// such as colours and sizes.
    fn between(&self, index: usize, to: &[u16], fractions: &[f32]) -> Option<Result<Image>> {
        let _ = (index, to, fractions);
        None
    }

    /// The image that is the same as image `index` but for the value of one attribute, which is
    /// `value`: the truth that an edit is compared with. The image itself if it has this value.
    /// Without it (the default) a source knows no such pairs.
    fn changed(&self, index: usize, attribute: usize, value: u16) -> Option<usize> {
        let _ = (index, attribute, value);
        None
    }

    /// Who or what image `index` shows, whatever its labels: images of one subject can be kept out of
    /// training together. Without it (the default) a source knows no subjects.
    fn subject(&self, index: usize) -> Option<usize> {
        let _ = index;
        None
    }

    /// The part of image `index` in the division that the data set was published with. Without it
    /// (the default) a source has none.
    fn part(&self, index: usize) -> Option<Part> {
        let _ = index;
        None
    }

    /// The true picture of what image `index` shows, in the domain and the manner (colours, pen) of
    /// image `reference`: what a translation is compared with, never seen in training. In the
    /// manner of the image itself it is the image. Without it (the default) a source knows no such
    /// pictures.
    fn in_manner_of(&self, index: usize, reference: usize) -> Option<Result<Image>> {
        let _ = (index, reference);
        None
    }

    /// Points of what image `index` shows, in pixels from the left upper corner (x, y): always the
    /// same ones in the same order. Without it (the default) a source knows none.
    fn landmarks(&self, index: usize) -> Option<Vec<[f32; 2]>> {
        let _ = index;
        None
    }
}

/// Checks that an attribute is told by no and yes alone.
pub(crate) fn no_or_yes(attribute: &Attribute) -> Result<()> {
    if attribute.values == ["no", "yes"] {
        return Ok(());
    }
    let field = format!("attributes.{}.values", attribute.name);
    Err(Error::setting(field, format!("{:?}", attribute.values), "no, yes"))
}
