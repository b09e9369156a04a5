//! Drawing with outlines: what they are made of, how a pen leaves a line, and how they cover pixels.
//!
//! Nothing here uses sines or powers, whose last digit differs between machines: the same drawing has
//! the same bytes everywhere.

mod brush;
mod canvas;
mod outline;

pub(crate) use brush::{Nib, Wobble};
pub(crate) use canvas::{Canvas, Paint};
pub(crate) use outline::Outline;

/// Red, green and blue.
pub type Colour = [u8; 3];
