//! The beard, from nothing to full.

use super::{Mark, Part};
use crate::draw::Outline;
use crate::faces::colour::{beard_colour, lighten};
use crate::faces::face::Face;

pub(super) fn beard(face: &Face) -> Vec<Part> {
    let (beard, head, dense) = (&face.beard, &face.head, face.degrees.beard);
    let (w, chin, mouth) = (head.width, head.chin, face.mouth.y);
    let jaw = w * head.jaw;
    let colour = beard_colour(face.hair_colour());
    let low = chin + 0.8 + beard.length * dense;
    let tip = 0.35 + 0.35 * beard.broad;
    let outer = [
        (w + 0.6, 1.),
        (w * 0.97 + 1., 7.),
        (jaw + (w - jaw) * 0.35 + 1.2, 14.6),
        (jaw * (0.5 + 0.5 * tip) + 1.4, chin - 2.6 + beard.length * dense * 0.5),
        (jaw * tip * 0.75, low - 0.4),
        (0., low),
    ];
    // From the moustache's middle along its upper edge and the cheek to the ear.
    let inner = [
        (0., mouth - 4.2),
        (4.6, mouth - 4.4),
        (8., mouth - 2.),
        (11., mouth - 3.6),
        (w * 0.8, beard.cheek),
        (w * 0.91, 3.),
    ];
    let right: Vec<(f32, f32)> = inner.into_iter().chain(outer).collect();
    let whole = Outline::symmetric(&right);
    let hairs = Outline::symmetric(&[
        (0., mouth + 5.),
        (5.4, mouth + 4.4),
        (8.6, mouth + 1.5),
        (8., mouth + 5.5),
        (0., mouth + 7.6),
    ]);
    vec![
        Part::new(whole.clone(), colour).opacity(dense).mark(Mark::Hatched),
        Part::new(hairs, lighten(colour, 0.12))
            .opacity(dense * 0.8)
            .inside(&whole)
            .mark(Mark::None),
    ]
}
