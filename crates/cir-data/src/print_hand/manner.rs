//! How a letter looks, whatever letter it is: in print or written by hand, drawn from a number.

use cir_core::Image;

use super::letters::strokes;
use crate::draw::{Canvas, Colour, Nib, Outline, Paint, Wobble};
use crate::faces::Draw;
use crate::fonts::print;
use crate::{Error, Result};

/// The fonts that print: those that have digits too.
pub const PRINTS: [&str; 11] = [
    "sans",
    "fat",
    "typewriter",
    "serif",
    "slab",
    "geometric",
    "rounded",
    "comic",
    "condensed",
    "square",
    "italic",
];
/// Printer's inks: black, charcoal, navy, bottle green, oxblood.
const PRINT_INKS: [Colour; 5] =
    [[16, 16, 18], [54, 54, 58], [24, 34, 78], [22, 64, 46], [104, 24, 30]];
/// White, newsprint, cream, pale grey, pale green.
const PRINT_PAPERS: [Colour; 5] =
    [[255, 255, 255], [226, 222, 212], [250, 242, 220], [236, 238, 240], [226, 238, 226]];
/// Of fountain pens, felt tips and crayons.
const HAND_INKS: [Colour; 8] = [
    [30, 64, 168],
    [22, 22, 26],
    [188, 36, 40],
    [20, 118, 76],
    [112, 48, 148],
    [196, 96, 20],
    [90, 90, 96],
    [186, 40, 116],
];
/// White, ivory, and coloured notes.
const HAND_PAPERS: [Colour; 6] = [
    [255, 255, 255],
    [252, 248, 234],
    [255, 244, 170],
    [206, 232, 250],
    [252, 214, 222],
    [212, 240, 206],
];

/// How a letter is printed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Print {
    /// One of [`PRINTS`].
    pub font: &'static str,
    /// As of the fonts data set, for a picture of side 128.
    pub size: f32,
    /// The letter's colour.
    pub ink: Colour,
    /// The colour around it.
    pub paper: Colour,
}

/// How a letter is written by hand. Lengths are shares of the picture's side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hand {
    /// The width of a line.
    pub width: f32,
    /// How much narrower lines that rise to the right are, from 0 (not at all) to 1.
    pub contrast: f32,
    /// How far the top leans to the right, as a share of the height.
    pub slant: f32,
    /// From edgy, 0, to round, 1.
    pub roundness: f32,
    /// The width and the height of a letter.
    pub size: [f32; 2],
    /// Where its middle is.
    pub middle: [f32; 2],
    /// How far an unsteady hand moves points.
    pub jitter: f32,
    /// Where the waves of this begin, from 0 to 1.
    pub phase: [f32; 4],
    /// The letter's colour.
    pub ink: Colour,
    /// The colour around it.
    pub paper: Colour,
}

impl Print {
    /// The print of number `number`.
    pub fn new(number: u64) -> Self {
        let mut draw = Draw(cir_core::rng(0, "print-hand/print", number));
        Self {
            font: draw.one(&PRINTS),
            size: draw.number(98., 114.),
            ink: draw.one(&PRINT_INKS),
            paper: draw.one(&PRINT_PAPERS),
        }
    }

    /// Prints a letter or a digit.
    ///
    /// # Errors
    /// When the font does not have it, or the side is not between 16 and 256.
    pub fn draw(&self, letter: char, side: usize) -> Result<Image> {
        print(letter, self.font, self.size, self.ink, self.paper, side)
    }
}

impl Hand {
    /// The hand of number `number`.
    pub fn new(number: u64) -> Self {
        let mut draw = Draw(cir_core::rng(0, "print-hand/hand", number));
        let tall = draw.number(0.52, 0.66);
        Self {
            width: draw.number(0.035, 0.085),
            contrast: draw.number(0., 0.6),
            slant: draw.number(-0.12, 0.38),
            roundness: draw.number(0.5, 1.),
            size: [tall * draw.number(0.62, 0.88), tall],
            middle: [draw.number(0.46, 0.54), draw.number(0.47, 0.53)],
            jitter: draw.number(0.01, 0.045),
            phase: std::array::from_fn(|_| draw.number(0., 1.)),
            ink: draw.one(&HAND_INKS),
            paper: draw.one(&HAND_PAPERS),
        }
    }

    /// Writes a letter.
    ///
    /// # Errors
    /// When it is not one of [`super::HAND_LETTERS`], or the side is not between 16 and 256.
    pub fn draw(&self, letter: char, side: usize) -> Result<Image> {
        crate::card::check_side("side", side, super::SIDES)?;
        let Some(strokes) = strokes(letter) else {
            let allowed = format!("one of {}", super::HAND_LETTERS);
            return Err(Error::setting("letter", format!("{letter:?}"), allowed));
        };
        let [wide, tall] = self.size;
        let place = |&(x, y): &(f32, f32)| {
            let (x, y) = ((x - 0.5) * wide, (y - 0.5) * tall);
            (self.middle[0] + x - self.slant * y, self.middle[1] + y)
        };
        let line = strokes.iter().map(|stroke| {
            let points: Vec<_> = stroke.iter().map(place).collect();
            Outline::open(&points, self.roundness)
        });
        let line = line.fold(Outline::default(), Outline::and);
        let wobble = Wobble { by: self.jitter, waves: 0.4, phase: self.phase };
        let nib = Nib { width: self.width, contrast: self.contrast, edge: (0.8, -0.6) };
        let mut canvas = Canvas::new(side, self.paper);
        canvas.fill(&nib.line(&wobble.outline(&line)), &[], Paint::new(self.ink));
        canvas.image()
    }
}
