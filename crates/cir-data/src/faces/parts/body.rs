//! The background, the neck, and what the body wears.

use super::{Mark, Part, stroke};
use crate::draw::Outline;
use crate::faces::colour::{lighten, shade};
use crate::faces::face::{Face, Garment};

/// The background, in hundredths of the picture.
pub(super) fn ground(face: &Face) -> Vec<Part> {
    let corners = [(-1., -1.), (101., -1.), (101., 101.), (-1., 101.)];
    let all = Part::new(Outline::polygon(&corners), face.ground.colour).mark(Mark::None);
    let mut parts = vec![all];
    if face.ground.radius > 0. {
        let disc = Outline::circle(50., 50., face.ground.radius);
        parts.push(Part::new(disc, face.ground.disc).mark(Mark::None));
    }
    parts
}

/// The neck and the clothes.
pub(super) fn clothed(face: &Face) -> Vec<Part> {
    let clothes = &face.clothes;
    let mut parts = Vec::new();
    if clothes.style == Garment::Hood {
        let hood = Outline::ellipse(0., 36.5, 19., 8.5);
        parts.push(Part::new(hood, shade(clothes.colour, 0.3)).mark(Mark::Hatched));
    }
    let neck = Outline::polygon(&[(-7.6, 10.), (7.6, 10.), (8., 44.), (-8., 44.)]);
    parts.push(Part::new(neck.clone(), shade(face.skin, 0.12)));
    // The chin's shadow.
    let shadow = Outline::ellipse(0., face.head.chin - 1., 11., 6.6);
    parts.push(Part::new(shadow, shade(face.skin, 0.34)).inside(&neck).mark(Mark::Shade));
    let torso = torso(face);
    parts.push(Part::new(torso.clone(), clothes.colour));
    parts.extend(details(face).into_iter().map(|part| match part.inside {
        Some(_) => part,
        None => part.inside(&torso),
    }));
    parts
}

/// How far the neckline comes down.
fn neckline(garment: Garment) -> f32 {
    match garment {
        Garment::Crew | Garment::Stripes => 38.5,
        Garment::Collar => 43.,
        Garment::Polo => 33.,
        Garment::Hood => 40.,
    }
}

fn torso(face: &Face) -> Outline {
    let (wide, low) = (face.clothes.shoulders, neckline(face.clothes.style));
    Outline::symmetric(&[
        (0., low),
        (5.5, low - (low - 32.) * 0.35),
        (8.4, 31.8),
        (12., 33.6),
        (wide - 9., 37.),
        (wide - 1.5, 43.),
        (wide + 3., 55.),
        (wide + 5., 70.),
        (wide + 4., 90.),
        (0., 92.),
    ])
}

fn details(face: &Face) -> Vec<Part> {
    let (clothes, low) = (&face.clothes, neckline(face.clothes.style));
    let (colour, accent) = (clothes.colour, clothes.accent);
    // A rim along the neckline.
    let rim = |colour, thick: f32| {
        let outer = Outline::lens((-9.8, 31.), (9.8, 31.), 31., low + thick);
        Part::new(outer, colour)
    };
    match clothes.style {
        Garment::Crew => vec![rim(shade(colour, 0.25), 3.)],
        Garment::Stripes => {
            let stripe = |i: i32| {
                let y = 44. + 6.4 * i as f32;
                Part::new(Outline::lens((-60., y + 3.), (60., y + 3.), y, y + 3.2), accent)
                    .mark(Mark::Hatched)
            };
            let mut parts: Vec<Part> = (0..5).map(stripe).collect();
            parts.push(rim(accent, 3.));
            parts
        }
        Garment::Collar => {
            let white = lighten(accent, 0.75);
            let wing = Outline::polygon(&[(7.4, 30.5), (0.2, 41.), (7., 47.), (12.6, 35.)]);
            let plain = Outline::polygon(&[(-9., 30.), (9., 30.), (0., 52.)]);
            vec![
                Part::new(plain, shade(white, 0.12)),
                Part::new(
                    Outline::polygon(&[(-5.6, 30.), (5.6, 30.), (0., 41.5)]),
                    shade(face.skin, 0.12),
                ),
                Part::new(wing.clone(), white),
                Part::new(wing.mirror(), white),
            ]
        }
        Garment::Polo => {
            let collar = Outline::symmetric(&[
                (0., 29.4),
                (6., 28.6),
                (8.8, 27.6),
                (9.6, 32.),
                (9.8, 37.),
                (5., 39.),
                (0., 39.4),
            ]);
            let fold = stroke((-9.6, 33.), (9.6, 33.), 35.6, 0.9);
            vec![
                Part::new(collar.clone(), shade(colour, 0.12)).inside(&collar),
                Part::new(fold, shade(colour, 0.35)).inside(&collar).mark(Mark::Solid),
            ]
        }
        Garment::Hood => {
            let string = Outline::polygon(&[(4.4, 39.), (5.6, 39.), (6., 53.), (4.6, 53.)]);
            vec![
                rim(shade(colour, 0.22), 4.2),
                Part::new(string.clone(), lighten(accent, 0.5)).mark(Mark::Solid),
                Part::new(string.mirror(), lighten(accent, 0.5)).mark(Mark::Solid),
            ]
        }
    }
}
