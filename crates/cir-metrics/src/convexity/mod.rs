//! What lies between two latents, and beyond them: whether a block can be moved alone, steadily, and
//! without leaving what the encoder knows.

mod length;
mod paths;

pub use self::{
    length::path_length,
    paths::{Convexity, Paths, Point},
};
