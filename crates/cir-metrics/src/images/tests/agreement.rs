//! The table of ours beside independent values.

use super::{
    super::{Filter, frechet, kernel_distance, neighbours, psnr, resize, ssim},
    CHECKED, KINDS, changed, features, made, picture, real, sizes,
};
use crate::checked::{Pair, agree, number, numbers};

fn pairs() -> Vec<Pair> {
    let mut all = Vec::new();
    for found in CHECKED["pairs"].as_array().unwrap() {
        let [c, h, w] = sizes(&found["shape"]);
        let kind = found["kind"].as_str().unwrap();
        let (a, b) = (picture(c, h, w), changed(kind, &picture(c, h, w)));
        let mut push = |name: &str, ours, theirs, allowed| {
            all.push(Pair::new(&format!("{name} of {c}x{h}x{w}"), kind, ours, theirs, allowed));
        };
        push("L1", a.l1(&b).unwrap(), number(&found["l1"]), 1e-12);
        // Infinite where it is null.
        let theirs = found["psnr"].as_f64().unwrap_or(f64::INFINITY);
        push("PSNR", psnr(&a, &b).unwrap(), theirs, 1e-9);
        push("SSIM", ssim(&a, &b).unwrap(), number(&found["ssim"]), 1e-9);
    }
    all
}

fn sets() -> Vec<Pair> {
    let (mut all, real) = (Vec::new(), features(&real()));
    for kind in KINDS {
        let (made, found) = (features(&made(kind)), &CHECKED["sets"][kind]);
        let mut push = |name: &str, ours, allowed| {
            all.push(Pair::new(name, kind, ours, number(&found[name]), allowed));
        };
        let distance = frechet(&real.moments().unwrap(), &made.moments().unwrap()).unwrap();
        // scipy's root of a singular matrix is good to half the digits.
        let allowed = if kind == "few" { 1e-5 } else { 1e-9 };
        push("frechet", distance.score.value, allowed);
        push("kernel", kernel_distance(&real, &made).unwrap().value, 1e-9);
        let four = neighbours(&real, &made, 3).unwrap();
        push("precision", four.precision.value, 1e-12);
        push("recall", four.recall.value, 1e-12);
        push("density", four.density.value, 1e-12);
        push("coverage", four.coverage.value, 1e-12);
    }
    all
}

fn resized() -> Vec<Pair> {
    let image = picture(1, 23, 40);
    let plane: Vec<_> = image.data().iter().map(|&x| f32::from(x)).collect();
    let mut all = Vec::new();
    for found in CHECKED["resized"].as_array().unwrap() {
        let name = found["filter"].as_str().unwrap();
        let filter = if name == "bilinear" { Filter::Bilinear } else { Filter::Bicubic };
        let to = sizes(&found["to"]);
        let ours = resize(&plane, [23, 40], to, filter).unwrap();
        let size = format!("{}x{}", to[0], to[1]);
        let mut push = |what: &str, ours, theirs, allowed| {
            all.push(Pair::new(&format!("{name} {what}"), &size, ours, theirs, allowed));
        };
        let step = (ours.len() / 60).max(1);
        for (ours, theirs) in ours.iter().step_by(step).zip(numbers(&found["first"])) {
            push("pixel", f64::from(*ours), theirs, 1e-4);
        }
        let ours: Vec<_> = ours.into_iter().map(f64::from).collect();
        let weight = |i: usize| ((i * 7 + 3) % 11) as f64;
        let weighted = ours.iter().enumerate().map(|(i, x)| weight(i) * x).sum();
        push("sum", ours.iter().sum(), number(&found["sum"]), 1e-2);
        push("weighted sum", weighted, number(&found["weighted"]), 5e-2);
    }
    all
}

#[test]
fn metrics_agree_with_independent_ones() {
    agree(&[pairs(), sets(), resized()].concat());
}
