//! From parts to pixels: every outline is covered exactly and laid over what is there.

use cir_core::Image;
use zeno::{Mask, Transform};

use super::outline::Outline;
use super::parts::Part;
use crate::Result;

/// Draws the parts, whose frame is a picture of side 1, one over the other.
pub(crate) fn paint(parts: &[Part], side: usize) -> Result<Image> {
    let mut canvas = Canvas { side, pixels: vec![255; 3 * side * side] };
    for part in parts {
        canvas.lay(part);
    }
    Ok(Image::new(3, side, side, canvas.pixels)?)
}

struct Canvas {
    side: usize,
    pixels: Vec<u8>,
}

/// A rectangle of pixels: left, top, right, bottom.
type Area = [usize; 4];

impl Canvas {
    fn lay(&mut self, part: &Part) {
        let opacity = (part.opacity.clamp(0., 1.) * 255.).round() as u32;
        if opacity == 0 {
            return;
        }
        let scale = Transform::scale(self.side as f32, self.side as f32);
        let outline = part.outline.moved(&scale);
        let area @ [left, top, right, bottom] = self.area(&outline);
        if left >= right || top >= bottom {
            return;
        }
        let cover = cover(&outline, area);
        let inside = part.inside.as_ref().map(|inside| self::cover(&inside.moved(&scale), area));
        let width = right - left;
        for y in top..bottom {
            let row = &mut self.pixels[3 * (y * self.side + left)..3 * (y * self.side + right)];
            for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                let at = (y - top) * width + x;
                let mut share = u32::from(cover[at]) * opacity;
                if let Some(inside) = &inside {
                    share = (share * u32::from(inside[at]) + 127) / 255;
                }
                if share > 0 {
                    for (byte, front) in pixel.iter_mut().zip(part.colour) {
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

/// The nearest byte to a mixture; `share` of 255² is the front's.
fn mix(front: u8, back: u8, share: u32) -> u8 {
    const WHOLE: u32 = 255 * 255;
    ((u32::from(front) * share + u32::from(back) * (WHOLE - share) + WHOLE / 2) / WHOLE) as u8
}
