//! Pairs of pictures.

use cir_core::Image;

use super::{
    super::{Filter, Similarity, psnr, resize, ssim},
    changed, picture,
};

#[test]
fn equal_pictures_are_as_near_as_can_be_and_noise_moves_them_apart() {
    let image = picture(3, 20, 24);
    let of = |kind| {
        let mut similarity = Similarity::default();
        similarity.add(&image, &changed(kind, &image)).unwrap();
        similarity.scores().unwrap()
    };
    let [perfect, constant, noisy] = ["perfect", "constant", "noisy"].map(of);
    assert_eq!((perfect.l1.value, perfect.psnr.value), (0., f64::INFINITY));
    assert!((perfect.ssim.value - 1.).abs() < 1e-12 && perfect.ssim.interval.is_none());
    assert!(noisy.l1.value > 0. && noisy.l1.value < constant.l1.value);
    assert!(noisy.psnr.value > constant.psnr.value && noisy.ssim.value > constant.ssim.value);
}

/// The same squares over n (n - 1) = 2, and twice of them over 12: intervals narrower by √3.
#[test]
fn means_are_of_pairs_and_duplicates_only_narrow_them() {
    let image = picture(1, 16, 16);
    let kinds = ["noisy", "constant"];
    let (mut once, mut twice) = (Similarity::default(), Similarity::default());
    for kind in kinds {
        let other = changed(kind, &image);
        once.add(&image, &other).unwrap();
        (0..2).for_each(|_| twice.add(&image, &other).unwrap());
    }
    let (once, twice) = (once.scores().unwrap(), twice.scores().unwrap());
    let mean = |of: fn(&Image, &Image) -> candle_core::Result<f64>| {
        kinds.iter().map(|kind| of(&image, &changed(kind, &image)).unwrap()).sum::<f64>() / 2.
    };
    for (once, twice, mean) in [
        (&once.l1, &twice.l1, mean(|a, b| a.l1(b))),
        (&once.psnr, &twice.psnr, mean(psnr)),
        (&once.ssim, &twice.ssim, mean(ssim)),
    ] {
        assert!((once.value - mean).abs() < 1e-12 && (twice.value - mean).abs() < 1e-12);
        let width = |interval: Option<[f64; 2]>| interval.map(|[low, high]| high - low).unwrap();
        let narrower = width(once.interval) / width(twice.interval);
        assert!((narrower - 3f64.sqrt()).abs() < 1e-9, "{narrower}");
    }
    let protocol =
        "SSIM 1 range=255 gaussian=1.5 window=11 K1=0.01 K2=0.03 pictures=1x16x16 pairs=2";
    assert_eq!(once.ssim.protocol, protocol);
}

#[test]
fn pictures_that_cannot_be_compared_are_named() {
    let small = ssim(&picture(1, 10, 30), &picture(1, 10, 30)).unwrap_err().to_string();
    assert!(small.contains("30x10") && small.contains("11x11"), "{small}");
    let shapes = psnr(&picture(1, 12, 12), &picture(3, 4, 12)).unwrap_err().to_string();
    assert!(shapes.contains("[1, 12, 12] and [3, 4, 12]"), "{shapes}");
    let none = Image::new(1, 0, 4, Vec::new()).unwrap();
    assert!(psnr(&none, &none).is_err() && Similarity::default().scores().is_err());
    let mut similarity = Similarity::default();
    assert!(similarity.add(&picture(1, 10, 30), &picture(1, 10, 30)).is_err());
    assert!(similarity.scores().is_err());
    let plane = resize(&[1., 2., 3.], [2, 2], [1, 1], Filter::Bilinear).unwrap_err().to_string();
    assert!(plane.contains("3 pixels of (height, width) [2, 2]"), "{plane}");
    assert!(resize(&[1.], [1, 1], [0, 1], Filter::Bicubic).is_err());
}

#[test]
fn resizing_to_the_same_size_changes_nothing() {
    let plane: Vec<_> = picture(1, 9, 7).data().iter().map(|&x| f32::from(x)).collect();
    for filter in [Filter::Bilinear, Filter::Bicubic] {
        assert_eq!(resize(&plane, [9, 7], [9, 7], filter).unwrap(), plane);
        let flat = resize(&[7.; 12], [3, 4], [5, 2], filter).unwrap();
        assert!(flat.iter().all(|x| (x - 7.).abs() < 1e-5));
    }
}
