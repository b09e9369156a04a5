//! The hat, from nothing to put on: it comes down while it becomes solid.

use super::{Mark, Part};
use crate::draw::Outline;
use crate::faces::colour::{lighten, shade};
use crate::faces::face::{Face, HatStyle};

/// How far above its place the hat is where the degree is 0.
const LIFT: f32 = 7.;

pub(super) fn hat(face: &Face) -> Vec<Part> {
    let solid = face.degrees.hat;
    let w = face.head.width + 3.4;
    let parts = match face.hat.style {
        HatStyle::Beanie => beanie(face, w, false),
        HatStyle::Bobble => beanie(face, w, true),
        HatStyle::Brim => brim(face, w),
        HatStyle::Bowler => bowler(face, w),
        HatStyle::Cap => cap(face, w),
    };
    let lift = zeno::Transform::translation(0., -LIFT * (1. - solid));
    parts
        .iter()
        .map(|part| part.moved(&lift))
        .map(|part| Part { opacity: part.opacity * solid, ..part })
        .collect()
}

fn beanie(face: &Face, w: f32, bobble: bool) -> Vec<Part> {
    let (colour, band) = (face.hat.colour, face.hat.band);
    let crown = Outline::symmetric(&[
        (0., -40.),
        (w * 0.5, -37.6),
        (w * 0.86, -29.),
        (w * 0.99, -18.),
        (w * 0.99, -14.),
        (0., -13.),
    ]);
    let turned = Outline::symmetric(&[
        (0., -21.5),
        (w * 0.9, -19.6),
        (w + 0.8, -18.),
        (w + 0.9, -12.4),
        (w * 0.9, -11.),
        (0., -12.6),
    ]);
    let mut parts = Vec::new();
    if bobble {
        parts.push(Part::new(Outline::circle(0., -40.4, 4.6), lighten(band, 0.35)));
    }
    parts.push(Part::new(crown.clone(), colour));
    for x in [-0.72, -0.36, 0., 0.36, 0.72].map(|share| share * w) {
        // Ribs run together towards the top.
        let rib = Outline::polygon(&[
            (x - 0.5, -20.),
            (x * 0.86 - 0.4, -32.),
            (x * 0.5, -40.),
            (x * 0.86 + 0.4, -32.),
            (x + 0.5, -20.),
        ]);
        parts.push(Part::new(rib, shade(colour, 0.18)).inside(&crown).mark(Mark::Solid));
    }
    parts.push(Part::new(turned, if bobble { band } else { shade(colour, 0.12) }));
    parts
}

fn brim(face: &Face, w: f32) -> Vec<Part> {
    let (colour, band) = (face.hat.colour, face.hat.band);
    let crown = Outline::symmetric(&[
        (0., -38.6),
        (w * 0.34, -41.),
        (w * 0.68, -37.),
        (w * 0.86, -26.),
        (w * 0.94, -14.5),
        (0., -13.),
    ]);
    let ribbon = Outline::polygon(&[(-30., -22.), (30., -22.), (30., -13.), (-30., -13.)]);
    let edge = Outline::symmetric(&[
        (0., -17.),
        (w * 0.9, -17.4),
        (w + 9., -18.6),
        (w + 10.4, -16.6),
        (w + 4., -12.6),
        (w * 0.5, -10.8),
        (0., -10.6),
    ]);
    vec![
        Part::new(crown.clone(), colour),
        Part::new(ribbon, band).inside(&crown).mark(Mark::Hatched),
        Part::new(edge, shade(colour, 0.1)),
    ]
}

fn bowler(face: &Face, w: f32) -> Vec<Part> {
    let (colour, band) = (face.hat.colour, face.hat.band);
    let crown = Outline::symmetric(&[
        (0., -41.),
        (w * 0.52, -38.8),
        (w * 0.86, -30.),
        (w * 0.95, -18.),
        (w * 0.94, -14.),
        (0., -13.),
    ]);
    let ribbon = Outline::polygon(&[(-30., -20.5), (30., -20.5), (30., -13.), (-30., -13.)]);
    let edge = Outline::symmetric(&[
        (0., -15.6),
        (w, -16.2),
        (w + 5.2, -18.),
        (w + 6., -16.),
        (w, -12.2),
        (0., -11.2),
    ]);
    let shine = Outline::ellipse(-w * 0.42, -31., 2.6, 5.);
    vec![
        Part::new(crown.clone(), colour),
        Part::new(shine, lighten(colour, 0.3)).opacity(0.6).mark(Mark::None),
        Part::new(ribbon, band).inside(&crown).mark(Mark::Hatched),
        Part::new(edge, shade(colour, 0.12)),
    ]
}

fn cap(face: &Face, w: f32) -> Vec<Part> {
    let (colour, band) = (face.hat.colour, face.hat.band);
    let crown = Outline::symmetric(&[
        (0., -39.),
        (w * 0.52, -36.8),
        (w * 0.88, -28.),
        (w * 0.97, -18.),
        (w * 0.93, -14.),
        (0., -14.),
    ]);
    let panel = Outline::symmetric(&[(0., -39.), (w * 0.36, -32.), (w * 0.46, -16.), (0., -14.)]);
    let peak = Outline::symmetric(&[
        (0., -18.8),
        (w * 0.55, -18.4),
        (w * 0.9, -16.8),
        (w * 1.04, -13.2),
        (w * 0.9, -10.6),
        (w * 0.45, -11.4),
        (0., -11.8),
    ]);
    vec![
        Part::new(Outline::circle(0., -39.4, 1.6), band),
        Part::new(crown.clone(), colour),
        Part::new(panel, lighten(colour, 0.14)).inside(&crown).mark(Mark::Fine),
        Part::new(peak.clone(), band),
        Part::new(peak.shifted(0., 4.6), shade(band, 0.22)).inside(&peak).mark(Mark::Fine),
    ]
}
