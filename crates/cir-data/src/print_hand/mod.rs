//! The `print-hand` source: two domains without pairs, letters in print and letters by hand.
//!
//! What a picture shows is a letter. Its manner is how it is shown: a [`Print`] (font, size and
//! colours) or a [`Hand`] (pen, slant, unsteadiness and colours). So every picture can be drawn in
//! the manner of every other, which is the truth that a translation is compared with. Written digits
//! can be read from idx files instead, such as MNIST's: these can be drawn in print only.

mod idx;
mod letters;
mod manner;

use std::path::{Path, PathBuf};

use cir_core::{Attribute, Image, Labels, Schema};

pub use letters::HAND_LETTERS;
pub use manner::{Hand, PRINTS, Print};

use crate::card::{HandCard, check_side};
use crate::decode::{Resize, grey, resize};
use crate::error::listed;
use crate::{Error, Result, Source};

/// The domains, in this order.
pub const DOMAINS: [&str; 2] = ["print", "hand"];

/// The sides that letters are drawn with.
pub(crate) const SIDES: [usize; 2] = [16, 256];

/// The most pictures of a letter in a domain: images are numbered with 32 bits.
const MOST: usize = 1 << 20;

/// Letters in print and by hand.
///
/// First all printed ones, letter by letter; then those by hand, likewise, or the pictures of the idx
/// files in their order. Number n of the printed ones has [`Print`] n, and number n of those drawn by
/// hand has [`Hand`] n.
#[derive(Debug)]
pub struct PrintHand {
    schema: Schema,
    letters: Vec<char>,
    instances: usize,
    written: Option<Written>,
    channels: usize,
    side: usize,
}

/// Pictures from idx files.
#[derive(Debug)]
struct Written {
    pictures: idx::Pictures,
    /// Those that show one of the letters: their numbers, and which letter.
    used: Vec<(usize, u16)>,
}

impl PrintHand {
    /// The letters of a card; idx files that it names lie in `root`.
    pub(crate) fn open(
        attributes: Vec<Attribute>,
        card: &HandCard,
        root: Option<&Path>,
        channels: usize,
        side: usize,
    ) -> Result<Self> {
        check_side("data.size", side, SIDES)?;
        if !(1..=MOST).contains(&card.instances) {
            let allowed = format!("1 to {MOST}");
            return Err(Error::setting("hand.instances", card.instances, allowed));
        }
        let schema = Schema::new(attributes)?;
        let (domain, letter) = match schema.attributes() {
            [domain, letter] if letter.name == "letter" => (domain, letter),
            others => {
                let names: Vec<&str> = others.iter().map(|a| a.name.as_str()).collect();
                return Err(Error::setting("attributes", names.join(", "), "domain, letter"));
            }
        };
        if domain.values != DOMAINS {
            let field = format!("attributes.{}.values", domain.name);
            return Err(Error::setting(field, domain.values.join(", "), DOMAINS.join(", ")));
        }
        let digits = card.files.is_some();
        let known = if digits { "0123456789" } else { HAND_LETTERS };
        let letters = letter.values.iter().map(|value| one(value, known));
        let letters = letters.collect::<Result<Vec<char>>>()?;
        let written = match (&card.files, root) {
            (Some(files), Some(root)) => {
                let (images, labels) = (packed(root, &files.images), packed(root, &files.labels));
                Some(Written::open(&images, &labels, &letters)?)
            }
            (Some(_), None) => return Err(Error::setting("data.root", "nothing", "a folder")),
            (None, _) => None,
        };
        Ok(Self { schema, letters, instances: card.instances, written, channels, side })
    }

    /// How many printed pictures there are; those by hand come after them.
    fn printed(&self) -> usize {
        self.letters.len() * self.instances
    }

    /// The number of the letter that image `index` shows.
    fn letter(&self, index: usize) -> usize {
        match (&self.written, index.checked_sub(self.printed())) {
            (_, None) => index / self.instances,
            (None, Some(written)) => written / self.instances,
            (Some(files), Some(written)) => usize::from(files.used[written].1),
        }
    }

    /// The letter of image `index` in the manner of image `reference`, if it can be drawn.
    fn draw(&self, index: usize, reference: usize) -> Option<Result<Image>> {
        let (letter, side) = (self.letters[self.letter(index)], self.side);
        let image = match (&self.written, reference.checked_sub(self.printed())) {
            (_, None) => Print::new(reference as u64).draw(letter, side),
            (None, Some(written)) => Hand::new(written as u64).draw(letter, side),
            (Some(files), Some(written)) => {
                (index == reference).then(|| files.image(written, side))?
            }
        };
        let fitting = |image: Image| match self.channels {
            1 => grey(&image),
            _ => Ok(image.to_rgb()),
        };
        Some(image.and_then(fitting))
    }
}

impl Written {
    fn open(images: &Path, labels: &Path, letters: &[char]) -> Result<Self> {
        let (pictures, numbers) = idx::read(images, labels)?;
        let mut used = Vec::with_capacity(numbers.len());
        for (i, &number) in numbers.iter().enumerate() {
            if number > 9 {
                let found = format!("{number} as label {i}");
                return Err(Error::file(labels, found, "0 to 9"));
            }
            let shows = |letter: &char| *letter == char::from(b'0' + number);
            // A digit that the recipe leaves out has no index: the picture is left out.
            if let Some(letter) = letters.iter().position(shows) {
                used.push((i, letter as u16));
            }
        }
        let absent = (0..letters.len()).filter(|&l| !used.iter().any(|u| usize::from(u.1) == l));
        let absent: Vec<String> = absent.map(|l| letters[l].to_string()).collect();
        if !absent.is_empty() {
            let found = format!("no picture of {}", listed(&absent, 10));
            let expected = "pictures of every digit; data.values.letter can leave some out";
            return Err(Error::file(labels, found, expected));
        }
        Ok(Self { pictures, used })
    }

    fn image(&self, written: usize, side: usize) -> Result<Image> {
        let idx::Pictures { height, width, bytes } = &self.pictures;
        let size = height * width;
        let at = self.used[written].0 * size;
        let image = Image::new(1, *height, *width, bytes[at..at + size].to_vec())?;
        Ok(resize(&image, side, Resize::Bicubic)?)
    }
}

impl Source for PrintHand {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn len(&self) -> usize {
        let by_hand = self.written.as_ref().map_or(self.printed(), |files| files.used.len());
        self.printed() + by_hand
    }

    fn labels(&self, index: usize) -> Labels {
        vec![u16::from(index >= self.printed()), self.letter(index) as u16]
    }

    fn image(&self, index: usize) -> Result<Image> {
        let beyond = || Error::setting("image", index, format!("below {}", self.len()));
        self.draw(index, index).unwrap_or_else(|| Err(beyond()))
    }

    fn in_manner_of(&self, index: usize, reference: usize) -> Option<Result<Image>> {
        self.draw(index, reference)
    }

    fn subject(&self, index: usize) -> Option<usize> {
        Some(index)
    }
}

/// The one letter of a value, if it is among those known.
fn one(value: &str, known: &str) -> Result<char> {
    let mut letters = value.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if known.contains(letter) => Ok(letter),
        _ => Err(Error::setting("letter", format!("{value:?}"), format!("one of {known}"))),
    }
}

/// The file of this name, or the packed one beside it if only that exists.
fn packed(root: &Path, name: &Path) -> PathBuf {
    let plain = root.join(name);
    let mut packed = plain.clone().into_os_string();
    packed.push(".gz");
    let packed = PathBuf::from(packed);
    if !plain.exists() && packed.exists() { packed } else { plain }
}
