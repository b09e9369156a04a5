//! The mouth, from straight to laughing.

use super::{Mark, Part, stroke};
use crate::draw::Outline;
use crate::faces::colour::{INK, WHITE, mix, shade};
use crate::faces::face::Face;

pub(super) fn mouth(face: &Face) -> Vec<Part> {
    let (mouth, smile) = (&face.mouth, face.degrees.smile);
    let right = face.mouth_corner();
    let left = (-right.0, right.1);
    let y = mouth.y;
    // The heights of the opening's two edges in the middle.
    let top = y - 0.25 + 0.75 * smile;
    let bottom = y + 0.45 + 5.1 * smile;
    let wider = |by: f32| ((left.0 - by, left.1), (right.0 + by, right.1));
    let (l, r) = wider(0.5);
    let lips = Outline::bowl(l, r, top - mouth.lips * 0.9, bottom + mouth.lips);
    let opening = Outline::bowl(left, right, top, bottom);
    let inner = mix(mix(mouth.colour, INK, 0.72), [110, 26, 36], smile);
    let teeth = Outline::bowl(left, right, top - 3., top + (bottom - top) * 0.5);
    let tongue = Outline::ellipse(0., bottom + 1., right.0 * 0.55, 2.6);
    let chin = stroke((-2.6, y + 4.6), (2.6, y + 4.6), y + 5.3, 0.7);
    vec![
        Part::new(chin, shade(face.skin, 0.2)).opacity(1. - smile).mark(Mark::Shade),
        Part::new(lips, mouth.colour).mark(Mark::Fine),
        Part::new(opening.clone(), inner).mark(Mark::Solid),
        Part::new(tongue, [222, 104, 104]).opacity(smile).inside(&opening).mark(Mark::None),
        Part::new(teeth, WHITE).opacity((2. * smile).min(1.)).inside(&opening).mark(Mark::Blank),
    ]
}
