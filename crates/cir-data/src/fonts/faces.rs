//! The embedded fonts, their outlines brought to one scale.
//!
//! A font's own em says little about how large its letters look. So each font is scaled until its
//! capital H is [`CAP`] high, less if some letter would otherwise not fit; then every letter is
//! centred sideways by its ink, and the font as a whole upright: the middle between its highest and
//! lowest point lies in the middle of the picture, so that letters keep their common baseline.

use std::sync::LazyLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, MetadataProvider};
use zeno::{Bounds, Command, PathBuilder, Point, Transform};

use crate::{Error, Result};

/// The letters that every font has.
pub const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The digits, which some fonts have too.
pub(crate) const DIGITS: &str = "0123456789";

/// Height of a capital, in units of the size.
const CAP: f32 = 0.68;

/// The most that a letter may take in width and a font in height, in units of the size: at the
/// largest size, 120 of 128, it just stays inside the picture.
const EXTENT: f32 = 1.03;

macro_rules! fonts {
    ($($name:literal $file:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../fonts/", $file)) as &[u8])),*]
    };
}

/// Names say how a font looks; `fonts/README.md` lists the families. The first eight are the easiest
/// to tell apart, even at 32 pixels.
const FONTS: [(&str, &[u8]); 22] = fonts![
    "sans" "sans.ttf", "fat" "fat.ttf", "typewriter" "typewriter.otf", "script" "script.otf",
    "blackletter" "blackletter.ttf", "bubble" "bubble.otf", "narrow" "narrow.otf",
    "outline" "outline.ttf", "serif" "serif.otf", "slab" "slab.otf", "geometric" "geometric.otf",
    "light" "light.ttf", "rounded" "rounded.ttf", "comic" "comic.otf", "italic" "italic.ttf",
    "brush" "brush.otf", "condensed" "condensed.otf", "pixel" "pixel.ttf", "stick" "stick.ttf",
    "spiky" "spiky.ttf", "square" "square.ttf", "rotunda" "rotunda.otf",
];

/// The fonts in their order, each read or with the reason why it cannot be.
static FACES: LazyLock<Vec<std::result::Result<Face, String>>> =
    LazyLock::new(|| FONTS.iter().map(|(_, bytes)| Face::new(bytes)).collect());

/// A font, ready to be drawn.
#[derive(Debug)]
pub(crate) struct Face {
    /// Of each of [`LETTERS`]; in units of the size, y down, the middle of the picture at 0, 0.
    outlines: Vec<Vec<Command>>,
    /// Of each of [`DIGITS`], likewise; none where the font has none.
    digits: Vec<Vec<Command>>,
}

/// The names of the embedded fonts.
pub fn names() -> impl Iterator<Item = &'static str> {
    FONTS.iter().map(|(name, _)| *name)
}

/// The font called `name`.
///
/// # Errors
/// When there is none, or it cannot be read.
pub(crate) fn face(name: &str) -> Result<&'static Face> {
    let Some(at) = names().position(|known| known == name) else {
        let known = names().collect::<Vec<_>>().join(", ");
        return Err(Error::setting("font", format!("{name:?}"), known));
    };
    let broken = |why: &String| Error::setting("font", format!("{name:?}: {why}"), "a whole font");
    FACES[at].as_ref().map_err(broken)
}

impl Face {
    fn new(bytes: &[u8]) -> std::result::Result<Self, String> {
        let font = FontRef::new(bytes).map_err(|e| e.to_string())?;
        let outlines = LETTERS.chars().map(|letter| outline(&font, letter));
        let outlines = outlines.collect::<std::result::Result<Vec<_>, _>>()?;
        let bounds: Vec<_> = outlines.iter().map(|o| bounds(o)).collect();
        let top = bounds.iter().map(|b| b.min.y).fold(f32::MAX, f32::min);
        let bottom = bounds.iter().map(|b| b.max.y).fold(f32::MIN, f32::max);
        let width = bounds.iter().map(|b| b.max.x - b.min.x).fold(0., f32::max);
        let cap = -bounds[LETTERS.find('H').unwrap_or(0)].min.y;
        let scale = (CAP / cap).min(EXTENT / width).min(EXTENT / (bottom - top));
        let middle = (top + bottom) / 2.;
        let centred = |outline: &Vec<Command>, b: &Bounds| {
            let shift = Transform::translation(-(b.min.x + b.max.x) / 2., -middle);
            moved(outline, &shift.then_scale(scale, scale))
        };
        let digits: Vec<_> = DIGITS.chars().map_while(|d| outline(&font, d).ok()).collect();
        Ok(Self {
            outlines: outlines.iter().zip(&bounds).map(|(o, b)| centred(o, b)).collect(),
            digits: digits.iter().map(|o| centred(o, &self::bounds(o))).collect(),
        })
    }

    /// The outline of a letter or a digit, if the font has it.
    pub(crate) fn outline(&self, letter: char) -> Option<&[Command]> {
        let letters = LETTERS.find(letter).and_then(|at| self.outlines.get(at));
        let digits = || DIGITS.find(letter).and_then(|at| self.digits.get(at));
        letters.or_else(digits).map(Vec::as_slice)
    }
}

/// A letter's outline at 1024 units per em (curves are flattened to a fraction of a unit), y down.
fn outline(font: &FontRef, letter: char) -> std::result::Result<Vec<Command>, String> {
    let mut pen = Pen(Vec::new());
    let glyph = font.charmap().map(letter).and_then(|id| font.outline_glyphs().get(id));
    let glyph = glyph.ok_or_else(|| format!("no letter {letter}"))?;
    let settings = DrawSettings::unhinted(Size::new(1024.), LocationRef::default());
    glyph.draw(settings, &mut pen).map_err(|e| format!("letter {letter}: {e}"))?;
    Ok(pen.0)
}

/// The box that the drawn outline fills: control points may lie outside it.
fn bounds(outline: &[Command]) -> Bounds {
    let mut points: Vec<Point> = Vec::new();
    for command in outline {
        let from = points.last().copied().unwrap_or(Point::ZERO);
        let steps = (1..=32).map(|i| i as f32 / 32.);
        match *command {
            Command::MoveTo(p) | Command::LineTo(p) => points.push(p),
            Command::QuadTo(c, p) => points.extend(steps.map(|t| {
                let (a, b, d) = ((1. - t) * (1. - t), 2. * t * (1. - t), t * t);
                from * a + c * b + p * d
            })),
            Command::CurveTo(c, e, p) => points.extend(steps.map(|t| {
                let s = 1. - t;
                from * (s * s * s) + c * (3. * s * s * t) + e * (3. * s * t * t) + p * (t * t * t)
            })),
            Command::Close => {}
        }
    }
    Bounds::from_points(points)
}

pub(crate) fn moved(outline: &[Command], transform: &Transform) -> Vec<Command> {
    outline.iter().map(|command| command.transform(transform)).collect()
}

struct Pen(Vec<Command>);

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to([x, -y]);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to([x, -y]);
    }
    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.0.quad_to([cx, -cy], [x, -y]);
    }
    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        self.0.curve_to([ax, -ay], [bx, -by], [x, -y]);
    }
    fn close(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_font_is_an_error() {
        assert!(Face::new(b"no font").is_err());
        let (_, whole) = FONTS[0];
        assert!(Face::new(whole).is_ok());
        assert!(Face::new(&whole[..whole.len() / 2]).is_err());
    }
}
