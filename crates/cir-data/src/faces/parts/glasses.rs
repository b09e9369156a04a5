//! Glasses, from nothing to solid.

use super::{Mark, Part};
use crate::draw::Outline;
use crate::faces::face::{Face, Lens};

pub(super) fn glasses(face: &Face) -> Vec<Part> {
    let (glasses, solid) = (&face.glasses, face.degrees.glasses);
    let (x, thick) = (face.eyes.apart + 0.2, glasses.thick);
    let (reach, level) = (7.6, -1.2);
    let rim = |by: f32| lens(glasses.style, reach + by).shifted(x, 0.4);
    let (whole, glass) = (rim(thick / 2.), rim(-thick / 2.));
    // The hole runs against the rim.
    let frame = whole.and(backwards(glasses.style, reach - thick / 2.).shifted(x, 0.4));
    let bridge = Outline::lens((reach - x, level), (x - reach, level), level - 1.9, level - 0.3);
    let (near, far) = (x + reach, face.head.width + 0.6);
    let arm = Outline::polygon(&[
        (near - 0.4, level - 0.7),
        (far, level - 0.9),
        (far, level + 0.5),
        (near - 0.4, level + 0.7),
    ]);
    let glint = Outline::polygon(&[(x - 4.4, 3.), (x - 0.6, -6.), (x + 1., -6.), (x - 2.8, 3.)]);
    let mut parts = Vec::new();
    for mirrored in [false, true] {
        let place = |outline: &Outline| if mirrored { outline.mirror() } else { outline.clone() };
        let glass = place(&glass);
        parts
            .push(Part::new(glass.clone(), [236, 246, 252]).opacity(0.24 * solid).mark(Mark::None));
        // The light falls on both lenses from the same side.
        let glint = if mirrored { glint.shifted(-2. * x, 0.) } else { glint.clone() };
        parts.push(Part::new(glint, [255; 3]).opacity(0.3 * solid).inside(&glass).mark(Mark::None));
        parts.push(Part::new(place(&arm), glasses.colour).opacity(solid).mark(Mark::Solid));
        parts.push(Part::new(place(&frame), glasses.colour).opacity(solid).mark(Mark::Solid));
    }
    parts.push(Part::new(bridge, glasses.colour).opacity(solid).mark(Mark::Solid));
    parts
}

/// The points of a lens of half width `r` around the origin, for the right eye.
fn points(style: Lens, r: f32) -> Vec<(f32, f32)> {
    match style {
        Lens::Round => {
            let d = r * 0.707;
            vec![(r, 0.), (d, d), (0., r), (-d, d), (-r, 0.), (-d, -d), (0., -r), (d, -d)]
        }
        Lens::Square => {
            let (x, y, c) = (r, r * 0.82, 0.72);
            vec![
                (x, 0.),
                (x * 0.98, y * c),
                (x * c, y),
                (0., y * 1.02),
                (-x * c, y),
                (-x * 0.98, y * c),
                (-x, 0.),
                (-x * 0.98, -y * c),
                (-x * c, -y),
                (0., -y * 1.02),
                (x * c, -y),
                (x * 0.98, -y * c),
            ]
        }
        Lens::Pilot => vec![
            (r * 1.02, -r * 0.3),
            (r * 0.92, r * 0.4),
            (r * 0.4, r * 0.92),
            (-r * 0.35, r * 0.82),
            (-r * 0.82, r * 0.2),
            (-r * 0.98, -r * 0.5),
            (-r * 0.7, -r * 0.86),
            (0., -r * 0.92),
            (r * 0.75, -r * 0.84),
        ],
    }
}

fn lens(style: Lens, r: f32) -> Outline {
    Outline::smooth(&points(style, r))
}

fn backwards(style: Lens, r: f32) -> Outline {
    let mut points = points(style, r);
    points.reverse();
    Outline::smooth(&points)
}
