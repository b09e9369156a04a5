//! Sampling a photo through a similarity.

use cir_core::Image;

use super::{Landmarks, Matrix, check_inside, similarity};
use crate::{Error, Result};

/// The square picture of this side that `matrix` maps a photo to: planes of `[channels, height,
/// width]` numbers, one after the other, sampled bilinearly in float64; outside of the photo there is 0.
///
/// # Errors
/// When there are not channels·height·width numbers, or the matrix has no inverse.
pub fn warp(
    planes: &[f64],
    [channels, height, width]: [usize; 3],
    matrix: &Matrix,
    side: usize,
) -> Result<Vec<f64>> {
    if planes.len() != channels * height * width {
        let allowed = format!("{} for {channels}x{height}x{width}", channels * height * width);
        return Err(Error::setting("planes", planes.len(), allowed));
    }
    let at = |c: usize, y: usize, x: usize| planes[(c * height + y) * width + x];
    sample([channels, height, width], at, matrix, side)
}

/// The aligned face in a photo, rounded to bytes.
///
/// # Errors
/// When the landmarks lie outside the photo, or all at one place.
pub fn face(photo: &Image, landmarks: &Landmarks, side: usize) -> Result<Image> {
    let (channels, height, width) = (photo.channels(), photo.height(), photo.width());
    check_inside(landmarks, height, width)?;
    let matrix = similarity(landmarks, side)?;
    let bytes = photo.data();
    let at = |c: usize, y: usize, x: usize| f64::from(bytes[(y * width + x) * channels + c]);
    let planes = sample([channels, height, width], at, &matrix, side)?;
    let place = |i: usize| planes[i % channels * side * side + i / channels];
    let data = (0..planes.len()).map(|i| place(i).round() as u8).collect();
    Ok(Image::new(channels, side, side, data)?)
}

/// Samples the numbers `at(channel, y, x)` of a photo.
fn sample(
    [channels, height, width]: [usize; 3],
    at: impl Fn(usize, usize, usize) -> f64,
    matrix: &Matrix,
    side: usize,
) -> Result<Vec<f64>> {
    let inverse = inverse(matrix)?;
    let mut planes = vec![0.; channels * side * side];
    for row in 0..side {
        for column in 0..side {
            let [x, y] = super::apply(&inverse, [column as f64, row as f64]);
            let (left, top) = (x.floor(), y.floor());
            // The four neighbours with their weights, those outside left out.
            for (i, j) in [(0., 0.), (1., 0.), (0., 1.), (1., 1.)] {
                let (u, v) = (left + i, top + j);
                if (0. ..width as f64).contains(&u) && (0. ..height as f64).contains(&v) {
                    let weight = (1. - (x - u).abs()) * (1. - (y - v).abs());
                    for c in 0..channels {
                        planes[(c * side + row) * side + column] +=
                            weight * at(c, v as usize, u as usize);
                    }
                }
            }
        }
    }
    Ok(planes)
}

fn inverse(matrix: &Matrix) -> Result<Matrix> {
    let [[a, b, x], [c, d, y]] = *matrix;
    let det = a * d - b * c;
    if !det.is_normal() {
        return Err(Error::setting("matrix", format!("{matrix:?}"), "one that has an inverse"));
    }
    Ok([[d / det, -b / det, (b * y - d * x) / det], [-c / det, a / det, (c * x - a * y) / det]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::align::{apply, targets};

    #[test]
    fn an_inverse_takes_back() {
        let matrix = [[1.2, 0.3, 5.], [-0.3, 1.2, -7.]];
        let there = apply(&matrix, [11., 13.]);
        let [x, y] = apply(&inverse(&matrix).unwrap(), there);
        assert!((x - 11.).abs() < 1e-12 && (y - 13.).abs() < 1e-12);
        assert!(inverse(&[[0.; 3]; 2]).is_err());
    }

    #[test]
    fn a_face_in_its_place_is_left_alone_and_the_outside_is_black() {
        let pattern = (0..3 * 64 * 64).map(|i| (i * 37 % 251) as u8).collect();
        let photo = Image::new(3, 64, 64, pattern).unwrap();
        assert_eq!(face(&photo, &targets(64), 64).unwrap(), photo);
        // Shifted by 10 pixels and a half: the border is a mean of the photo and of nothing.
        let shifted = targets(64).map(|[x, y]| [x + 10.5, y]);
        let white = Image::filled(64, 64, [200, 200, 200]);
        let moved = face(&white, &shifted, 64).unwrap();
        let row: Vec<u8> = moved.data()[..3 * 64].iter().copied().step_by(3).collect();
        assert_eq!(row[..53], [200; 53]);
        assert_eq!(row[53], 100);
        assert_eq!(row[54..], [0; 10]);
    }
}
