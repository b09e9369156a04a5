//! Ears, the face's shape, cheeks and nose.

use super::{Mark, Part, stroke};
use crate::draw::Outline;
use crate::faces::colour::{lighten, mix, shade};
use crate::faces::face::{Face, HairStyle};

pub(super) fn head(face: &Face) -> Vec<Part> {
    let skin = face.skin;
    let shape = shape(face);
    let ear = |side: f32| {
        let (x, tall) = (side * (face.head.width + 0.4), face.head.ear);
        [
            Part::new(Outline::ellipse(x, 3., 3.6, tall), shade(skin, 0.06)),
            Part::new(Outline::ellipse(x, 3.2, 1.9, tall * 0.6), shade(skin, 0.24))
                .mark(Mark::Shade),
        ]
    };
    let covered = matches!(face.hair.style, HairStyle::Bob | HairStyle::Long | HairStyle::Waves);
    let mut parts = Vec::new();
    if !covered {
        parts.extend(ear(-1.).into_iter().chain(ear(1.)));
    }
    // Light falls from the left: the right edge is a little darker.
    parts.push(Part::new(shape.clone(), shade(skin, 0.1)));
    parts.push(Part::new(shape.shifted(-2.6, -1.2), skin).inside(&shape).mark(Mark::None));
    let cheek = mix(skin, [232, 92, 92], 0.55);
    for side in [-1., 1.] {
        let blush = Outline::ellipse(side * (face.eyes.apart + 2.6), 8.6, 3.4, 2.4);
        parts.push(Part::new(blush, cheek).opacity(0.34).inside(&shape).mark(Mark::None));
    }
    parts.extend(nose(face));
    parts
}

/// The outline of the face.
fn shape(face: &Face) -> Outline {
    let head = &face.head;
    let (w, chin) = (head.width, head.chin);
    let jaw = w * head.jaw;
    Outline::symmetric(&[
        (0., -29.),
        (w * 0.6, -26.),
        (w * 0.94, -15.),
        (w, -2.),
        (w * 0.97, 6.),
        (jaw + (w - jaw) * 0.35, 14.),
        (jaw * 0.68, chin - 3.6),
        (jaw * 0.3, chin - 0.4),
        (0., chin),
    ])
}

fn nose(face: &Face) -> Vec<Part> {
    let (nose, skin) = (&face.nose, face.skin);
    let (tip, w) = (nose.length, nose.width);
    let dark = shade(skin, 0.3);
    let mut parts = Vec::new();
    if nose.bridge {
        let bridge = Outline::smooth(&[
            (0.9, -1.6),
            (1.8, 2.),
            (w, tip - 0.8),
            (w * 0.6, tip + 0.9),
            (0.4, tip + 0.4),
            (0.9, 3.),
        ]);
        let line = Outline::open(&[(1.2, -1.6), (2., 2.), (w * 0.95, tip - 1.4)], 1.);
        parts.push(Part::new(bridge, shade(skin, 0.17)).line(line));
    }
    parts.push(
        Part::new(stroke((-w, tip - 0.2), (w, tip - 0.2), tip + 1.5, 1.1), dark).mark(Mark::Solid),
    );
    let light = Outline::ellipse(-0.5, tip - 1.8, 1., 1.3);
    parts.push(Part::new(light, lighten(skin, 0.4)).opacity(0.6).mark(Mark::None));
    parts
}
