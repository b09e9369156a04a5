//! Where a face's parts are: the frames of head and body, and the landmarks.

use zeno::{Point, Transform};

use super::colour::{Colour, mix};
use super::face::{Face, Pose};

/// Where the head turns: the root of the neck, in the head's frame.
const NECK: f32 = 28.;
/// Where the frame's origin is in the picture.
const ORIGIN: (f32, f32) = (50., 51.);

impl Face {
    /// Where the eyes are (left, right), the tip of the nose, and the corners of the mouth (left,
    /// right), as shares of the picture's side; left is left in the picture.
    pub fn landmarks(&self) -> [[f32; 2]; 5] {
        let frame = self.head_frame();
        let corner = self.mouth_corner();
        let head = [
            (-self.eyes.apart, 0.),
            (self.eyes.apart, 0.),
            (0., self.nose.length),
            (-corner.0, corner.1),
            corner,
        ];
        head.map(|(x, y)| {
            let point = frame.transform_point(Point::new(x, y));
            [point.x, point.y]
        })
    }

    /// [`Face::landmarks`] in pixels of a picture of side `side`.
    pub(crate) fn landmarks_in_pixels(&self, side: usize) -> Vec<[f32; 2]> {
        self.landmarks().map(|point| point.map(|x| x * side as f32)).into()
    }

    /// The colour of hair, brows and beard.
    pub fn hair_colour(&self) -> Colour {
        mix(self.hair.light, self.hair.dark, self.degrees.dark_hair)
    }

    /// The right corner of the mouth in the head's frame.
    pub(crate) fn mouth_corner(&self) -> (f32, f32) {
        let (mouth, smile) = (&self.mouth, self.degrees.smile);
        (mouth.width * (1. + 0.3 * smile), mouth.y + mouth.droop * (1. - smile) - 2. * smile)
    }

    /// From the head's frame to a picture of side 1.
    pub(crate) fn head_frame(&self) -> Transform {
        // The angle's sine and cosine from the tangent of its half: no library's rounding.
        let t = self.pose.tilt;
        let (sin, cos) = (2. * t / (1. + t * t), (1. - t * t) / (1. + t * t));
        let turned = Transform::new(cos, sin, -sin, cos, NECK * sin, NECK * (1. - cos));
        turned.then(&self.body_frame())
    }

    /// From the body's frame, which is the head's without its tilt, to a picture of side 1.
    pub(crate) fn body_frame(&self) -> Transform {
        let Pose { x, y, scale, .. } = self.pose;
        let scale = scale / 100.;
        let (x, y) = ((ORIGIN.0 + x) / 100., (ORIGIN.1 + y) / 100.);
        Transform::new(scale, 0., 0., scale, x, y)
    }
}
