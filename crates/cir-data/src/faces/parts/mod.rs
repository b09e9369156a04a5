//! A face as a list of coloured outlines, from the back to the front.

mod beard;
mod body;
mod cuts;
mod eyes;
mod glasses;
mod hair;
mod hat;
mod head;
mod mouth;

use zeno::Transform;

use super::colour::Colour;
use super::face::Face;
use super::outline::Outline;

/// An outline filled with a colour, in the frame of a picture of side 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) outline: Outline,
    pub(crate) colour: Colour,
    /// From 0 to 1.
    pub(crate) opacity: f32,
    /// Another outline that this one is cut to.
    pub(crate) inside: Option<Outline>,
}

impl Part {
    fn new(outline: Outline, colour: Colour) -> Self {
        Self { outline, colour, opacity: 1., inside: None }
    }

    fn opacity(self, opacity: f32) -> Self {
        Self { opacity, ..self }
    }

    fn inside(self, outline: &Outline) -> Self {
        Self { inside: Some(outline.clone()), ..self }
    }

    fn moved(&self, frame: &Transform) -> Self {
        let inside = self.inside.as_ref().map(|inside| inside.moved(frame));
        Self { outline: self.outline.moved(frame), inside, ..*self }
    }
}

/// Everything that is drawn of a face, from the back to the front.
pub(crate) fn parts(face: &Face) -> Vec<Part> {
    let (head, body) = (face.head_frame(), face.body_frame());
    let layers = [
        (body::ground(face), Transform::scale(0.01, 0.01)),
        (hair::back(face), head),
        (body::clothed(face), Transform::translation(0., -2.6).then(&body)),
        (head::head(face), head),
        (beard::beard(face), head),
        (mouth::mouth(face), head),
        (eyes::eyes(face), head),
        (hair::front(face), head),
        (eyes::brows(face), head),
        (glasses::glasses(face), head),
        (hat::hat(face), head),
    ];
    layers.iter().flat_map(|(parts, frame)| parts.iter().map(|part| part.moved(frame))).collect()
}

/// A line that ends in points: from `left` to `right` by way of the height `y` in the middle,
/// `thick` there.
fn stroke(left: (f32, f32), right: (f32, f32), y: f32, thick: f32) -> Outline {
    Outline::lens(left, right, y - thick / 2., y + thick / 2.)
}
