//! From outlines to pixels: every outline is covered exactly and laid over what is there.

use cir_core::Image;
use zeno::{Mask, Transform};

use super::{Colour, Outline};
use crate::Result;

/// A square picture that is being drawn.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    side: usize,
    pixels: Vec<u8>,
}

/// What an outline is filled with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Paint {
    pub(crate) colour: Colour,
    /// From 0 to 1.
    pub(crate) opacity: f32,
    /// How much of it the paper's grain takes away, from 0 to 1.
    pub(crate) grain: f32,
}

/// A rectangle of pixels: left, top, right, bottom.
type Area = [usize; 4];

impl Paint {
    /// Of one colour, opaque and even.
    pub(crate) fn new(colour: Colour) -> Self {
        Self { colour, opacity: 1., grain: 0. }
    }

    /// The same, `opacity` as opaque.
    pub(crate) fn opacity(self, opacity: f32) -> Self {
        Self { opacity: self.opacity * opacity, ..self }
    }
}

impl Canvas {
    /// A canvas of one colour.
    pub(crate) fn new(side: usize, colour: Colour) -> Self {
        Self { side, pixels: colour.repeat(side * side) }
    }

    /// The picture.
    pub(crate) fn image(self) -> Result<Image> {
        Ok(Image::new(3, self.side, self.side, self.pixels)?)
    }

    /// Fills an outline, whose frame is a picture of side 1, or what of it lies `inside` all others.
    pub(crate) fn fill(&mut self, outline: &Outline, inside: &[&Outline], paint: Paint) {
        let opacity = (paint.opacity.clamp(0., 1.) * 255.).round() as u32;
        if opacity == 0 {
            return;
        }
        let scale = Transform::scale(self.side as f32, self.side as f32);
        let outline = outline.moved(&scale);
        let area @ [left, top, right, bottom] = self.area(&outline);
        if left >= right || top >= bottom {
            return;
        }
        let cover = cover(&outline, area);
        let inside: Vec<_> =
            inside.iter().map(|inside| self::cover(&inside.moved(&scale), area)).collect();
        let width = right - left;
        for y in top..bottom {
            let row = &mut self.pixels[3 * (y * self.side + left)..3 * (y * self.side + right)];
            for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                let at = (y - top) * width + x;
                let mut share = u32::from(cover[at]) * opacity;
                for inside in &inside {
                    share = (share * u32::from(inside[at]) + 127) / 255;
                }
                if share > 0 {
                    if paint.grain > 0. {
                        share -= (share as f32 * paint.grain * grain(left + x, y)) as u32;
                    }
                    for (byte, front) in pixel.iter_mut().zip(paint.colour) {
                        *byte = mix(front, *byte, share);
                    }
                }
            }
        }
    }

    /// The pixels of the canvas that an outline may touch.
    fn area(&self, outline: &Outline) -> Area {
        // `as` saturates: what lies left of the canvas becomes 0.
        let inner = |x: f32| (x.floor() as usize).min(self.side);
        let outer = |x: f32| (x.ceil() as usize).min(self.side);
        let [left, top, right, bottom] = outline.bounds();
        [inner(left), inner(top), outer(right), outer(bottom)]
    }
}

/// How much of each pixel of an area an outline covers, from 0 to 255.
fn cover(outline: &Outline, [left, top, right, bottom]: Area) -> Vec<u8> {
    let outline = outline.shifted(-(left as f32), -(top as f32));
    let (width, height) = ((right - left) as u32, (bottom - top) as u32);
    Mask::new(outline.commands()).size(width, height).render().0
}

/// The paper's grain at a pixel, from 0 to 1: the same on every sheet.
fn grain(x: usize, y: usize) -> f32 {
    let mixed = (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
    ((mixed ^ (mixed >> 13)) & 0xff) as f32 / 255.
}

/// The nearest byte to a mixture; `share` of 255² is the front's.
fn mix(front: u8, back: u8, share: u32) -> u8 {
    const WHOLE: u32 = 255 * 255;
    ((u32::from(front) * share + u32::from(back) * (WHOLE - share) + WHOLE / 2) / WHOLE) as u8
}
