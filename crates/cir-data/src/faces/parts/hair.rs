//! Hair: what is behind the head, and what is before it.
//!
//! Every style shows beside the face below a hat, and none reaches above one.

use super::{Mark, Part, cuts};
use crate::draw::Outline;
use crate::faces::colour::{lighten, shade};
use crate::faces::face::{Face, HairStyle};

/// The half width of the head that the points below are for.
const WIDTH: f32 = 19.;

pub(super) fn back(face: &Face) -> Vec<Part> {
    let colour = shade(face.hair_colour(), 0.2);
    let outlines = match face.hair.style {
        HairStyle::Crop | HairStyle::Side | HairStyle::Quiff => vec![],
        HairStyle::Curls => vec![Outline::ellipse(0., -9., 22.4, 20.)],
        HairStyle::Bob => vec![Outline::symmetric(&[
            (0., -31.),
            (14., -28.),
            (22., -14.),
            (24., 4.),
            (24.5, 20.),
            (15., 23.5),
            (0., 22.),
        ])],
        HairStyle::Long => vec![Outline::symmetric(&[
            (0., -31.),
            (14., -28.),
            (22., -14.),
            (24., 6.),
            (25., 28.),
            (25., 46.),
            (14., 50.),
            (0., 48.),
        ])],
        HairStyle::Waves => vec![Outline::symmetric(&[
            (0., -31.),
            (15., -28.),
            (23., -14.),
            (24., 0.),
            (27.5, 12.),
            (25., 22.),
            (29., 33.),
            (25., 43.),
            (14., 46.),
            (0., 44.),
        ])],
        HairStyle::Afro => vec![cuts::cloud()],
        HairStyle::Bunches => [-1., 1.]
            .map(|side| {
                Outline::smooth(&[
                    (side * 18., -2.),
                    (side * 25., -6.),
                    (side * 31., 2.),
                    (side * 31.5, 16.),
                    (side * 26., 27.),
                    (side * 22., 17.),
                ])
            })
            .into(),
    };
    let part = |outline| Part::new(widened(outline, face), colour).mark(Mark::Hatched);
    outlines.iter().map(part).collect()
}

pub(super) fn front(face: &Face) -> Vec<Part> {
    let colour = face.hair_colour();
    let light = lighten(colour, 0.16);
    let (outline, shine) = match face.hair.style {
        HairStyle::Crop => (cuts::crop(), band(-26.)),
        HairStyle::Side => (cuts::side(), band(-27.)),
        HairStyle::Quiff => (cuts::quiff(), band(-29.)),
        HairStyle::Curls => (cuts::curls(), band(-25.)),
        HairStyle::Bob => (cuts::fringe(), band(-24.)),
        HairStyle::Long => (cuts::curtains(19.), band(-25.)),
        HairStyle::Waves => (cuts::swept(), band(-26.)),
        HairStyle::Afro => (cuts::scalloped(), band(-40.)),
        HairStyle::Bunches => (cuts::curtains(2.), band(-25.)),
    };
    let place = |outline: &Outline| {
        let outline = widened(outline, face);
        if face.hair.mirrored { outline.mirror() } else { outline }
    };
    let outline = place(&outline);
    let mut parts = vec![
        Part::new(outline.clone(), colour).mark(Mark::Hatched),
        Part::new(place(&shine), light).opacity(0.8).inside(&outline).mark(Mark::None),
    ];
    if face.hair.style == HairStyle::Bunches {
        for side in [-1., 1.] {
            let tie = widened(&Outline::ellipse(side * 21., -3.5, 2., 2.6), face);
            parts.push(Part::new(tie, face.clothes.accent));
        }
    }
    parts
}

fn widened(outline: &Outline, face: &Face) -> Outline {
    outline.moved(&zeno::Transform::scale(face.head.width / WIDTH, 1.))
}

/// A lighter band across the hair, whose middle has the height `y`.
fn band(y: f32) -> Outline {
    Outline::lens((-16., y + 8.), (6., y + 2.), y - 0.6, y + 2.8)
}
