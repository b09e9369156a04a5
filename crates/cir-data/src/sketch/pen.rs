//! Pens and papers: what a sketch is drawn with, drawn from an identity's number.

use crate::draw::Colour;
use crate::faces::Draw;

/// Pencils: graphite, soft graphite, a blueish and a brownish lead.
const LEADS: [Colour; 4] = [[78, 78, 84], [56, 54, 58], [62, 76, 106], [98, 74, 60]];
/// Inks: black, blue-black, sepia.
const INKS: [Colour; 3] = [[22, 20, 26], [24, 32, 66], [66, 40, 26]];
/// Markers: blue, sepia, red, green, violet, orange.
const MARKERS: [Colour; 6] =
    [[36, 84, 178], [132, 78, 40], [204, 52, 48], [34, 122, 88], [118, 62, 150], [226, 110, 30]];
/// Chalks: white, cream, rose, sky, lemon.
const CHALKS: [Colour; 5] =
    [[246, 246, 242], [248, 232, 196], [246, 186, 190], [176, 214, 244], [246, 236, 140]];
/// White, ivory, cream, pale blue, pale rose.
const PAPERS: [Colour; 5] =
    [[255, 255, 255], [252, 249, 238], [247, 238, 216], [236, 242, 250], [250, 238, 236]];
/// Boards for chalk: slate, green, navy, brown, plum.
const BOARDS: [Colour; 5] = [[48, 52, 58], [34, 68, 56], [30, 42, 78], [74, 52, 42], [66, 38, 62]];

/// What a sketch is drawn with: its manner, whatever it shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pen {
    /// Its kind.
    pub kind: PenKind,
    /// The colour of its lines.
    pub ink: Colour,
    /// The colour of the paper.
    pub paper: Colour,
    /// The width of an outline in hundredths of the picture's side.
    pub width: f32,
    /// What dark parts look like.
    pub shading: Shading,
    /// Where the waves of the hand's unsteadiness begin, from 0 to 1.
    pub hand: [f32; 4],
}

/// A kind of pen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PenKind {
    /// Thin grey lines, drawn twice.
    Pencil,
    /// A nib: dark lines, thick and thin.
    Ink,
    /// A marker: thick lines of a colour.
    Marker,
    /// Light, grainy lines on a dark board.
    Chalk,
}

/// What dark parts look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shading {
    /// As light ones.
    Plain,
    /// Slanting lines, `gap` hundredths of the side apart.
    Lines {
        /// From one line to the next.
        gap: f32,
    },
    /// An even tone of the pen's colour.
    Wash {
        /// How opaque it is, from 0 to 1.
        opacity: f32,
    },
}

impl Pen {
    /// The pen of identity number `identity`.
    pub fn new(identity: u64) -> Self {
        let mut draw = Draw(cir_core::rng(0, "sketch/pen", identity));
        let kind = draw.one(&[PenKind::Pencil, PenKind::Ink, PenKind::Marker, PenKind::Chalk]);
        let (ink, paper) = match kind {
            PenKind::Pencil => (draw.one(&LEADS), draw.one(&PAPERS)),
            PenKind::Ink => (draw.one(&INKS), draw.one(&PAPERS)),
            PenKind::Marker => (draw.one(&MARKERS), draw.one(&PAPERS)),
            PenKind::Chalk => (draw.one(&CHALKS), draw.one(&BOARDS)),
        };
        let width = match kind {
            PenKind::Pencil => draw.number(1.1, 1.45),
            PenKind::Ink => draw.number(1.4, 1.9),
            PenKind::Marker => draw.number(2.2, 2.9),
            PenKind::Chalk => draw.number(1.7, 2.3),
        };
        let shading = match (kind, draw.number(0., 3.)) {
            (PenKind::Pencil | PenKind::Ink, t) if t < 2. => {
                Shading::Lines { gap: draw.number(4.2, 5.6) }
            }
            (PenKind::Pencil | PenKind::Chalk, _) | (PenKind::Marker, 1.0..) => {
                Shading::Wash { opacity: draw.number(0.16, 0.34) }
            }
            _ => Shading::Plain,
        };
        let hand = std::array::from_fn(|_| draw.number(0., 1.));
        Self { kind, ink, paper, width, shading, hand }
    }
}
