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
use crate::draw::Outline;

/// What a pen makes of a part: light and colour are no lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing.
    None,
    /// Its outline; what lies behind is hidden.
    #[default]
    Outline,
    /// The same, finer.
    Fine,
    /// The same, and it is hatched.
    Hatched,
    /// It is hatched, without an outline.
    Shade,
    /// A fine line along something else, which hides nothing.
    Line,
    /// It is black.
    Solid,
    /// What lies behind is hidden, and nothing else.
    Blank,
}

/// An outline filled with a colour, in the frame of a picture of side 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) outline: Outline,
    pub(crate) colour: Colour,
    /// From 0 to 1.
    pub(crate) opacity: f32,
    /// Another outline that this one is cut to.
    pub(crate) inside: Option<Outline>,
    /// What a pen makes of it.
    pub(crate) mark: Mark,
    /// What the pen goes along, if not the outline.
    pub(crate) along: Option<Outline>,
}

impl Part {
    fn new(outline: Outline, colour: Colour) -> Self {
        Self { outline, colour, opacity: 1., inside: None, mark: Mark::default(), along: None }
    }

    fn mark(self, mark: Mark) -> Self {
        Self { mark, ..self }
    }

    fn line(self, along: Outline) -> Self {
        Self { mark: Mark::Line, along: Some(along), ..self }
    }

    fn opacity(self, opacity: f32) -> Self {
        Self { opacity, ..self }
    }

    fn inside(self, outline: &Outline) -> Self {
        Self { inside: Some(outline.clone()), ..self }
    }

    fn moved(&self, frame: &Transform) -> Self {
        let moved = |outline: &Option<Outline>| outline.as_ref().map(|o| o.moved(frame));
        let (inside, along) = (moved(&self.inside), moved(&self.along));
        Self { outline: self.outline.moved(frame), inside, along, ..*self }
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
