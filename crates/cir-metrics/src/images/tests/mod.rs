//! Images' metrics on pictures and features that are perfect, constant, noisy and duplicated, beside what
//! scikit-image, scipy, prdc, Pillow and PyTorch find.

mod agreement;
mod networks;
mod sets;
mod similarity;

use std::sync::LazyLock;

use cir_core::Image;
use serde_json::Value;

use super::Features;
use crate::checked::indices;

/// `checks/images.json`, which scikit-image, scipy, prdc and Pillow made.
static CHECKED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../checks/images.json")).unwrap());
/// Of features; of pictures all but the last.
const KINDS: [&str; 5] = ["perfect", "constant", "noisy", "duplicated", "few"];
const WIDTH: usize = 16;

fn sizes<const N: usize>(value: &Value) -> [usize; N] {
    indices(value).try_into().unwrap()
}

/// As `unit` of `checks/images.py`.
fn unit(stream: u64, count: usize) -> impl Iterator<Item = f64> {
    (0..count as u64).map(move |i| {
        let z = (stream << 40).wrapping_add(i).wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / 2f64.powi(53)
    })
}

/// As `picture` there.
fn picture(channels: usize, height: usize, width: usize) -> Image {
    let count = channels * height * width;
    let pixel = |(i, noise): (usize, f64)| {
        let (y, x, c) = (i / channels / width, i / channels % width, i % channels);
        ((5 * x + 3 * y + 40 * c) % 200) as u8 + (noise * 40.).floor() as u8
    };
    let data = (0..count).zip(unit(1, count)).map(pixel).collect();
    Image::new(channels, height, width, data).unwrap()
}

/// As `changed` there.
fn changed(kind: &str, image: &Image) -> Image {
    let (c, h, w) = (image.channels(), image.height(), image.width());
    let data = image.data();
    let data = match kind {
        "perfect" => data.to_vec(),
        "constant" => vec![128; data.len()],
        "noisy" => {
            let noise = unit(2, data.len()).map(|u| (u * 61.).floor() - 30.);
            data.iter().zip(noise).map(|(&x, noise)| (f64::from(x) + noise) as u8).collect()
        }
        _ => data.chunks(w * c).flat_map(|row| row[..w / 2 * c].repeat(2)).collect(),
    };
    Image::new(c, h, w, data).unwrap()
}

/// As `normal` there.
fn normal(stream: u64, rows: usize, scale: f64, shift: f64) -> Vec<Vec<f64>> {
    let u: Vec<_> = unit(stream, 4 * rows * WIDTH).collect();
    let number = |u: &[f64]| ((u[0] + u[1] + u[2] + u[3]) - 2.) * scale + shift;
    let numbers: Vec<_> = u.chunks(4).map(number).collect();
    numbers.chunks(WIDTH).map(<[_]>::to_vec).collect()
}

fn real() -> Vec<Vec<f64>> {
    normal(3, 200, 1., 0.)
}

/// As `made` there.
fn made(kind: &str) -> Vec<Vec<f64>> {
    let noisy = normal(4, 150, 1.25, 0.125);
    match kind {
        "perfect" => real(),
        "constant" => vec![vec![0.25; WIDTH]; 150],
        "noisy" => noisy,
        "duplicated" => [&noisy[..75], &noisy[..75]].concat(),
        _ => noisy[..10].to_vec(),
    }
}

fn features(rows: &[Vec<f64>]) -> Features {
    let mut features = Features::new("noise", WIDTH);
    features.add(rows).unwrap();
    features
}
