//! The line that a pen leaves: for each piece of it an outline, wide where the pen is pressed.

use zeno::Point;

use super::Outline;

/// The pieces that lines are cut into are about this long, as a share of the picture's side.
const PIECE: f32 = 0.018;

/// The end of a pen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Nib {
    /// The width of a line as a share of the picture's side.
    pub(crate) width: f32,
    /// How much narrower lines along `edge` are, from 0 (not at all) to 1.
    pub(crate) contrast: f32,
    /// The direction of the broad edge, of length 1.
    pub(crate) edge: (f32, f32),
}

/// How an unsteady hand moves points: by waves over the picture.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Wobble {
    /// How far at most, as a share of the side.
    pub(crate) by: f32,
    /// How many waves there are: for 1 about 3 and 8 over the side.
    pub(crate) waves: f32,
    /// Where the waves begin, from 0 to 1.
    pub(crate) phase: [f32; 4],
}

impl Nib {
    /// What the pen leaves along an outline's curves, closed or open.
    pub(crate) fn line(&self, along: &Outline) -> Outline {
        let mut pieces = Vec::new();
        for line in along.lines(PIECE) {
            for pair in line.windows(2) {
                self.piece(pair[0], pair[1], &mut pieces);
            }
        }
        Outline::polylines(&pieces)
    }

    /// A piece with round ends: one convex polygon.
    fn piece(&self, from: Point, to: Point, pieces: &mut Vec<Vec<Point>>) {
        // Half of the corners of an octagon.
        const HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
        const FAN: [(f32, f32); 5] = [(0., 1.), (HALF, HALF), (1., 0.), (HALF, -HALF), (0., -1.)];
        let along = to - from;
        let length = (along.x * along.x + along.y * along.y).sqrt();
        if length == 0. {
            return;
        }
        let (x, y) = (along.x / length, along.y / length);
        let across = (x * self.edge.1 - y * self.edge.0).abs();
        let radius = self.width / 2. * (1. - self.contrast * (1. - across));
        let corner = |centre: Point, (a, b): (f32, f32), sign: f32| {
            let (a, b) = (sign * a * radius, sign * b * radius);
            Point::new(centre.x + x * a - y * b, centre.y + y * a + x * b)
        };
        let ahead = FAN.iter().map(|&share| corner(to, share, 1.));
        pieces.push(ahead.chain(FAN.iter().map(|&share| corner(from, share, -1.))).collect());
    }
}

impl Wobble {
    /// The outline as this hand draws it.
    pub(crate) fn outline(&self, outline: &Outline) -> Outline {
        let moved = |line: Vec<Point>| line.into_iter().map(|p| self.moved(p)).collect();
        Outline::polylines(&outline.lines(PIECE).into_iter().map(moved).collect::<Vec<_>>())
    }

    fn moved(&self, p: Point) -> Point {
        let [a, b, c, d] = self.phase;
        let at = p * self.waves;
        let x = wave(at.y * 3.1 + a) + 0.6 * wave(at.x * 2.3 + at.y * 7.7 + b);
        let y = wave(at.x * 2.7 + c) + 0.6 * wave(at.x * 8.3 - at.y * 1.9 + d);
        Point::new(p.x + x * self.by / 1.6, p.y + y * self.by / 1.6)
    }
}

/// A wave of period 1 between -1 and 1, made of parabolas.
fn wave(t: f32) -> f32 {
    let t = (t - t.floor()) * 2.;
    if t < 1. { 4. * t * (1. - t) } else { -4. * (t - 1.) * (2. - t) }
}
