//! The `faces` source: a small world of drawn portraits, in which every attribute can be changed
//! while nothing else does.
//!
//! A [`Face`] says what someone looks like: shapes, colours and how the head is held come from the
//! identity's number, and six [`Degrees`] from 0 to 1 say how much of each attribute is shown.
//! Drawing comes second: a face becomes coloured outlines, from the back to the front, and these
//! become pixels. Nothing that a part looks like depends on another part's attribute, so that the
//! pictures of a changed face are its counterfactual truth.

mod colour;
mod face;
mod frame;
mod identity;
pub(crate) mod parts;
mod source;

use cir_core::Image;

pub use colour::Colour;
pub use face::{
    Beard, Brows, Clothes, Degrees, Eyes, Face, Garment, Glasses, Ground, Hair, HairStyle, Hat,
    HatStyle, Head, Lens, Mouth, Nose, Pose,
};
pub(crate) use identity::{Draw, degrees};
pub use source::Faces;
pub(crate) use source::MOST;

use crate::draw::{Canvas, Paint};
use crate::{Result, card::check_side};

/// The attributes that faces have; each is "no" or "yes".
pub const ATTRIBUTES: [&str; 6] = ["smile", "glasses", "hat", "beard", "open_eyes", "dark_hair"];

/// The sides that faces are drawn with: smaller ones show too little of a smile.
pub(crate) const SIDES: [usize; 2] = [64, 256];

impl Face {
    /// Draws the portrait.
    ///
    /// # Errors
    /// When the side is not between 64 and 256.
    pub fn draw(&self, side: usize) -> Result<Image> {
        check_side("side", side, SIDES)?;
        let mut canvas = Canvas::new(side, [255; 3]);
        for part in parts::parts(self) {
            let paint = Paint::new(part.colour).opacity(part.opacity);
            canvas.fill(&part.outline, part.inside.as_ref().as_slice(), paint);
        }
        canvas.image()
    }
}
