//! How sprites look: the outlines of the `dsprites` source and their filling.
//!
//! The published pictures are black and white, drawn as vector shapes without antialiasing with
//! LÖVE, whose ellipses are polygons (their author describes it in issues 2 and 3 of
//! google-deepmind/dsprites-dataset). The program was not published. The numbers here were fitted to
//! the 320 pictures of the animation in that repository: centres from 16 to 48 of 64, squares of
//! side 19.2 (every pixel of them as published), an ellipse of 34 corners and a heart of 48 (each
//! with less than half a pixel a picture that differs, on average).

use std::f64::consts::TAU;

use cir_core::Image;

use crate::Result;

/// A shape, in the order of the published labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Square,
    Ellipse,
    Heart,
}

/// A sprite in a picture of side 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sprite {
    pub(crate) shape: Shape,
    /// 0.5 to 1.
    pub(crate) scale: f64,
    /// Counter-clockwise, in radians.
    pub(crate) orientation: f64,
    /// 0, left, to 1, right: the middle half of the picture.
    pub(crate) x: f64,
    /// 0, top, to 1, bottom.
    pub(crate) y: f64,
}

/// Half a square's side, in pixels of 64, like all lengths here.
const SQUARE: f64 = 9.6;
/// An ellipse's half axes and corners.
const ELLIPSE: (f64, f64, usize) = (12.8, 7.25, 34);
/// The right half of a heart, from the cleft to the tip; y down.
const HEART: [(f64, f64); 25] = [
    (0.0, -5.27),
    (0.81, -7.18),
    (1.98, -8.38),
    (3.37, -9.13),
    (4.85, -9.4),
    (6.21, -9.1),
    (7.43, -8.43),
    (8.44, -7.47),
    (9.17, -6.29),
    (9.55, -4.96),
    (9.62, -3.58),
    (9.31, -2.23),
    (8.78, -1.0),
    (8.09, 0.07),
    (7.38, 0.98),
    (6.67, 1.76),
    (5.98, 2.45),
    (5.35, 3.1),
    (4.7, 3.7),
    (4.06, 4.29),
    (3.41, 4.9),
    (2.73, 5.59),
    (1.97, 6.36),
    (1.11, 7.46),
    (0.0, 9.18),
];

impl Shape {
    fn outline(self) -> Vec<(f64, f64)> {
        match self {
            Self::Square => {
                vec![(SQUARE, SQUARE), (-SQUARE, SQUARE), (-SQUARE, -SQUARE), (SQUARE, -SQUARE)]
            }
            Self::Ellipse => {
                let (a, b, corners) = ELLIPSE;
                let angles = (0..corners).map(|i| i as f64 / corners as f64 * TAU);
                angles.map(|t| (a * t.cos(), b * t.sin())).collect()
            }
            Self::Heart => {
                let left = HEART[1..HEART.len() - 1].iter().rev().map(|&(x, y)| (-x, y));
                HEART.into_iter().chain(left).collect()
            }
        }
    }
}

impl Sprite {
    /// Draws white on black: a pixel is white if its centre lies inside.
    pub(crate) fn draw(&self, side: usize) -> Result<Image> {
        let corners = self.corners(side as f64);
        let mut pixels = vec![0; side * side];
        let mut crossings = Vec::new();
        for (row, line) in pixels.chunks_exact_mut(side).enumerate() {
            let y = row as f64 + 0.5;
            crossings.clear();
            for (i, &(x0, y0)) in corners.iter().enumerate() {
                let (x1, y1) = corners[(i + 1) % corners.len()];
                if (y0 > y) != (y1 > y) {
                    crossings.push(x0 + (x1 - x0) * (y - y0) / (y1 - y0));
                }
            }
            crossings.sort_by(f64::total_cmp);
            for span in crossings.chunks_exact(2) {
                // Pixels whose centres lie in [from, to).
                let pixel = |x: f64| (x - 0.5).ceil().clamp(0., side as f64) as usize;
                line[pixel(span[0])..pixel(span[1])].fill(255);
            }
        }
        Ok(Image::new(1, side, side, pixels)?)
    }

    fn corners(&self, side: f64) -> Vec<(f64, f64)> {
        let (sin, cos) = self.orientation.sin_cos();
        let size = self.scale * side / 64.;
        let centre = |position: f64| side * (0.25 + 0.5 * position);
        let place = |(u, v): (f64, f64)| {
            (
                centre(self.x) + size * (cos * u + sin * v),
                centre(self.y) + size * (cos * v - sin * u),
            )
        };
        self.shape.outline().into_iter().map(place).collect()
    }
}
