//! Faces brought to one place and size by their landmarks, as published for ELEGANT.
//!
//! Five landmarks are mapped by the least-squares similarity (rotation, one scale, shift) to those
//! of a mean face, and the photo is sampled bilinearly through its inverse. The published mean face
//! is stretched in y alone, so a face never fits it exactly.

mod landmarks;
mod photos;
mod warp;

pub use landmarks::{Listed, read_landmarks};
pub use photos::{Done, align_photo};
pub use warp::{face, warp};

use crate::{Error, Result};

/// x and y, in pixels of the photo, of the left eye, the right eye, the nose, the left and the right
/// corner of the mouth; left is left in the picture, and whole numbers are centres of pixels.
pub type Landmarks = [[f64; 2]; 5];

/// Two rows of a map (x, y, 1) → (x', y').
pub type Matrix = [[f64; 3]; 2];

/// The mean face, relative to its size, with its centre at 0, 0.
const MEAN: Landmarks = [
    [-0.17607, -0.172844],
    [0.1736, -0.17356],
    [-0.00182, 0.0357164],
    [-0.14617, 0.20185],
    [0.14496, 0.19943],
];
/// The side that the published numbers are for.
const PUBLISHED_SIDE: f64 = 256.;

/// Where the mean face's landmarks lie in a picture of this side.
pub fn targets(side: usize) -> Landmarks {
    let left_eye = MEAN[0];
    // Eyes 70 pixels apart; the left eye at the height 256/2.42.
    let size = 70. / (PUBLISHED_SIDE * 0.34967);
    let stretch = 2.42 * (left_eye[1] * size + 0.5);
    let side = side as f64;
    MEAN.map(|[u, v]| [(u * size + 0.5) * side, (v * size + 0.5) * side / stretch])
}

/// The similarity that brings landmarks as near as possible to [`targets`], by least squares.
///
/// # Errors
/// When a landmark is no finite number, or all are at one place.
pub fn similarity(landmarks: &Landmarks, side: usize) -> Result<Matrix> {
    // At the published side, then scaled, so that every side has the same face.
    let targets = targets(PUBLISHED_SIDE as usize);
    let mean = |points: &Landmarks, c: usize| points.iter().map(|p| p[c]).sum::<f64>() / 5.;
    let (from, to) = ([0, 1].map(|c| mean(landmarks, c)), [0, 1].map(|c| mean(&targets, c)));
    let [mut along, mut across, mut spread] = [0.; 3];
    for (l, g) in landmarks.iter().zip(&targets) {
        let [dx, dy] = [l[0] - from[0], l[1] - from[1]];
        let [gx, gy] = [g[0] - to[0], g[1] - to[1]];
        along += gx * dx + gy * dy;
        across += gx * dy - gy * dx;
        spread += dx * dx + dy * dy;
    }
    let (a, b) = (along / spread, across / spread);
    // Not a number if all landmarks are equal, 0 if no rotation is better than another.
    let scale = a.hypot(b);
    if !scale.is_finite() || scale <= f64::EPSILON {
        let allowed = "five places, not all the same, that a face could have";
        return Err(Error::setting("landmarks", shown(landmarks), allowed));
    }
    let scaled = |x: f64| x * side as f64 / PUBLISHED_SIDE;
    Ok([
        [a, b, to[0] - a * from[0] - b * from[1]].map(scaled),
        [-b, a, to[1] + b * from[0] - a * from[1]].map(scaled),
    ])
}

/// Where a similarity takes a place.
pub fn apply(matrix: &Matrix, [x, y]: [f64; 2]) -> [f64; 2] {
    matrix.map(|[a, b, c]| a * x + b * y + c)
}

/// Checks that the landmarks lie in a picture.
pub(crate) fn check_inside(landmarks: &Landmarks, height: usize, width: usize) -> Result<()> {
    let inside =
        |[x, y]: &[f64; 2]| (0. ..=width as f64).contains(x) && (0. ..=height as f64).contains(y);
    if landmarks.iter().all(inside) {
        return Ok(());
    }
    let allowed = format!("x from 0 to {width}, y from 0 to {height}: the photo is that large");
    Err(Error::setting("landmarks", shown(landmarks), allowed))
}

fn shown(landmarks: &Landmarks) -> String {
    landmarks.map(|[x, y]| format!("({x}, {y})")).join(" ")
}
