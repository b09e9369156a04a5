//! The outlines of hair, for a head of half width 19.

use crate::draw::Outline;

type Points = Vec<(f32, f32)>;

/// Short all round.
pub(super) fn crop() -> Outline {
    between(outer(-31.5, 20.8, 3.), inner(-15.5, 3.))
}

/// A hairline of curls, with the cloud behind it.
pub(super) fn scalloped() -> Outline {
    between(outer(-30., 21.5, 4.), scallops())
}

/// Short, combed to one side.
pub(super) fn side() -> Outline {
    Outline::smooth(&[
        (-19.6, 3.),
        (-21., -4.),
        (-20.6, -13.),
        (-16.5, -24.),
        (-7., -31.),
        (4., -33.),
        (15., -28.5),
        (20.6, -18.),
        (21., -8.),
        (20.4, 0.),
        (18.6, 3.),
        (17., 0.),
        (16.4, -7.),
        (14.5, -12.),
        (6., -13.),
        (-4., -16.5),
        (-10., -21.),
        (-13.5, -15.),
        (-16., -9.),
        (-16.8, 0.),
    ])
}

/// High above the forehead.
pub(super) fn quiff() -> Outline {
    Outline::smooth(&[
        (-19.6, 2.),
        (-20.8, -5.),
        (-20., -14.),
        (-18., -24.),
        (-13.5, -30.5),
        (-5., -33.6),
        (6., -35.8),
        (15.5, -32.6),
        (19.4, -23.),
        (20.4, -12.),
        (20.6, -4.),
        (19.6, 2.),
        (17., 1.),
        (16.4, -7.),
        (14.6, -14.),
        (10., -20.),
        (0., -21.5),
        (-10., -20.),
        (-14.6, -14.),
        (-16.4, -7.),
        (-17., 1.),
    ])
}

/// Circles around the head.
pub(super) fn curls() -> Outline {
    const CENTRES: [(f32, f32, f32); 14] = [
        (0.4, -20.5, 5.),
        (-18.6, -2., 4.),
        (-19.6, -9., 4.6),
        (-18., -17., 5.2),
        (-13., -23., 5.8),
        (-6., -27., 6.),
        (1.5, -28., 6.2),
        (9., -26., 6.),
        (15., -21., 5.6),
        (18.8, -14., 5.),
        (19.6, -6., 4.4),
        (18.4, 0.5, 3.4),
        (-5., -20., 5.2),
        (6., -20., 5.4),
    ];
    CENTRES.iter().fold(Outline::default(), |all, &(x, y, r)| all.and(Outline::circle(x, y, r)))
}

/// Circles all around, and what is between them.
pub(super) fn cloud() -> Outline {
    const CENTRES: [(f32, f32, f32); 13] = [
        (0., -8., 22.),
        (-20., 6., 7.),
        (-24., -3., 7.),
        (-23.4, -13., 7.),
        (-17., -22., 7.5),
        (-8., -28., 7.5),
        (3., -29., 7.5),
        (12., -26., 7.5),
        (20., -19., 7.5),
        (24., -9., 7.),
        (23.6, 1., 7.),
        (19.6, 8., 6.),
        (0., 0., 18.),
    ];
    CENTRES.iter().fold(Outline::default(), |all, &(x, y, r)| all.and(Outline::circle(x, y, r)))
}

/// Down to the chin, straight above the brows.
pub(super) fn fringe() -> Outline {
    Outline::symmetric(&[
        (0., -32.),
        (11., -29.4),
        (19., -21.),
        (22.4, -9.),
        (23., 6.),
        (22.6, 18.),
        (18.4, 21.),
        (17., 10.),
        (17., -4.),
        (15.6, -10.6),
        (8., -10.2),
        (0., -10.),
    ])
}

/// Parted in the middle, hanging down to `low`.
pub(super) fn curtains(low: f32) -> Outline {
    Outline::symmetric(&[
        (0., -31.6),
        (11., -29.4),
        (18.6, -22.),
        (22., -10.),
        (22.4, low * 0.4),
        (21.6, low),
        (18., low + 1.),
        (17.4, low * 0.4 - 3.),
        (15.4, -10.),
        (9., -17.),
        (3., -22.),
        (0., -25.),
    ])
}

/// Parted on one side, waving down.
pub(super) fn swept() -> Outline {
    Outline::smooth(&[
        (-21., 20.),
        (-24.4, 10.),
        (-22., 0.),
        (-22.4, -11.),
        (-17.5, -23.),
        (-8., -30.5),
        (4., -32.4),
        (14.5, -28.5),
        (21., -18.),
        (22.6, -6.),
        (24.6, 6.),
        (22.4, 18.),
        (18.8, 12.),
        (17.8, 0.),
        (16.4, -8.),
        (8., -14.),
        (-3., -19.),
        (-8.5, -23.),
        (-13., -15.),
        (-16.6, -6.),
        (-17.8, 4.),
    ])
}

/// What lies between two lines whose right halves are given from the middle outwards.
fn between(outer: Points, inner: Points) -> Outline {
    let right: Points = outer.into_iter().chain(inner.into_iter().rev()).collect();
    Outline::symmetric(&right)
}

/// The right half of the hair's upper edge, from the top down to `low` beside the ear.
fn outer(top: f32, wide: f32, low: f32) -> Points {
    vec![
        (0., top),
        (wide * 0.5, top + 2.4),
        (wide * 0.86, top + 9.),
        (wide, -11.),
        (wide, -3.),
        (wide - 1., low),
    ]
}

/// The right half of a hairline, likewise.
fn inner(top: f32, low: f32) -> Points {
    vec![(0., top), (9., top - 0.4), (14.2, top + 2.4), (16., -8.), (16.6, low - 2.), (17.4, low)]
}

fn scallops() -> Points {
    vec![(0., -16.), (5., -14.6), (9., -16.), (12.6, -13.), (15., -11.), (15.6, -5.), (17., 3.)]
}
