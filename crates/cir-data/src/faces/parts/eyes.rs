//! Eyes, from closed to open, and brows.

use super::{Mark, Part, stroke};
use crate::draw::Outline;
use crate::faces::colour::{INK, WHITE, lighten, mix, shade};
use crate::faces::face::Face;

pub(super) fn eyes(face: &Face) -> Vec<Part> {
    [-1., 1.].into_iter().flat_map(|side| eye(face, side)).collect()
}

/// One eye; `side` is -1 for the left and 1 for the right.
fn eye(face: &Face, side: f32) -> Vec<Part> {
    let (eyes, open) = (&face.eyes, face.degrees.open_eyes);
    let (x, w) = (side * eyes.apart, eyes.width);
    // Corners: the outer one higher by the slant, both a little lower when closed.
    let low = 1. - open;
    let corner = |side_of: f32| {
        let raised = if side_of == side { eyes.slant } else { 0. };
        (x + side_of * w, 0.4 + 0.4 * low - raised)
    };
    let (left, right) = (corner(-1.), corner(1.));
    let lid = -3.9 * eyes.round * open + 3.2 * low;
    let below = 3.6 * eyes.round * open + 3.5 * low;
    let ball = Outline::lens(left, right, lid, below);
    let shadow = Outline::lens(left, right, lid - 1.8, lid + 0.5);
    let lash = Outline::lens(
        (left.0 - 0.6, left.1),
        (right.0 + 0.6, right.1),
        lid - 0.95,
        lid + 0.85 - 0.25 * open,
    );
    let iris = 3.3;
    let (cx, cy) = (x, -0.3);
    vec![
        Part::new(shadow, shade(face.skin, 0.22)).mark(Mark::None),
        Part::new(ball.clone(), WHITE).mark(Mark::Blank),
        Part::new(Outline::circle(cx, cy, iris), eyes.colour).inside(&ball).mark(Mark::Solid),
        Part::new(Outline::circle(cx, cy + 0.6, iris * 0.68), lighten(eyes.colour, 0.22))
            .inside(&ball)
            .mark(Mark::None),
        Part::new(Outline::circle(cx, cy, 1.7), INK).inside(&ball).mark(Mark::Solid),
        Part::new(Outline::circle(cx - 1., cy - 1.1, 0.85), [255; 3])
            .inside(&ball)
            .mark(Mark::Blank),
        Part::new(stroke(left, right, below, 0.5), shade(face.skin, 0.45))
            .opacity(open)
            .mark(Mark::Solid),
        Part::new(lash, INK).mark(Mark::Solid),
    ]
}

pub(super) fn brows(face: &Face) -> Vec<Part> {
    let (brows, eyes) = (&face.brows, &face.eyes);
    let colour = shade(face.hair_colour(), 0.18);
    // Enough of a line on skin of the same brightness.
    let colour = mix(colour, shade(face.skin, 0.5), 0.12);
    let (inner, outer, y) = (eyes.apart - 4.6, eyes.apart + 5.6, -brows.height);
    let thick = brows.thick;
    let right = Outline::smooth(&[
        (inner, y - thick / 2. + 0.4),
        ((inner + outer) / 2., y - brows.arch - thick / 2. - brows.slant / 2.),
        (outer, y - brows.slant + 0.6),
        ((inner + outer) / 2., y - brows.arch + thick / 2. - brows.slant / 2.),
        (inner, y + thick / 2. + 0.4),
    ]);
    [right.clone(), right.mirror()].map(|brow| Part::new(brow, colour).mark(Mark::Solid)).into()
}
