//! Sets of images by their features.

use candle_core::Error;

use super::{
    super::{
        Features, Moments, Subsets, features_of, frechet, kernel_distance,
        kernel_distance_of_subsets, neighbours,
    },
    WIDTH, features, made, picture, real, unit,
};

fn moments(rows: &[Vec<f64>]) -> Moments {
    features(rows).moments().unwrap()
}

#[test]
fn equal_sets_are_at_no_distance_and_noise_at_some() {
    let of = |kind: &str| {
        let (real, made) = (real(), made(kind));
        let distance = frechet(&moments(&real), &moments(&made)).unwrap().score.value;
        let (real, made) = (features(&real), features(&made));
        let kernel = kernel_distance(&real, &made).unwrap().value;
        (distance, kernel, neighbours(&real, &made, 3).unwrap())
    };
    let [perfect, constant, noisy, duplicated] =
        ["perfect", "constant", "noisy", "duplicated"].map(of);
    assert!(perfect.0 < 1e-9 && perfect.1 < 0.);
    let four = &perfect.2;
    assert_eq!([four.precision.value, four.recall.value, four.coverage.value], [1.; 3]);
    assert!(constant.0 > noisy.0 && noisy.0 > 1. && noisy.1 > 0.05);
    assert!(constant.2.precision.value == 1. && constant.2.recall.value == 0.);
    // The same images twice: no fewer are near real ones, but fewer real ones are near any.
    assert!(duplicated.2.coverage.value < noisy.2.coverage.value);
    assert!(duplicated.0 > noisy.0);
}

/// A mean a million times the deviation, row by row, in batches and merged.
#[test]
fn moments_do_not_depend_on_batches_nor_on_where_the_mean_lies() {
    let rows: Vec<_> = real();
    let far = |x: &f64| x + 1e6;
    let far: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(far).collect()).collect();
    let near = moments(&rows);
    let mut single = Moments::new("noise", WIDTH);
    far.iter().for_each(|row| single.add(&[row]).unwrap());
    let mut batches = Moments::new("noise", WIDTH);
    far.chunks(33).for_each(|rows| batches.add(rows).unwrap());
    let mut merged = moments(&far[..61]);
    merged.merge(&Moments::new("noise", WIDTH)).unwrap();
    merged.merge(&moments(&far[61..])).unwrap();
    for other in [single, batches, merged] {
        assert_eq!((other.rows(), other.width()), (200, WIDTH));
        for i in 0..WIDTH {
            assert!((other.mean()[i] - 1e6 - near.mean()[i]).abs() < 1e-8);
            for j in 0..WIDTH {
                assert!((other.covariance(i, j) - near.covariance(i, j)).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn too_few_images_are_warned_of() {
    let warning = |kind| frechet(&moments(&real()), &moments(&made(kind))).unwrap().warning;
    let few = warning("few").unwrap();
    assert!(few.contains("10 images") && few.contains("width 16"), "{few}");
    assert!(warning("noisy").unwrap().contains("150 images"));
    let many: Vec<_> = [(); 11].map(|()| real()).concat();
    let score = frechet(&moments(&many), &moments(&many)).unwrap();
    assert_eq!(score.warning, None);
    assert_eq!(
        score.score.protocol,
        "Frechet distance 1 features=noise width=16 images=2200/2200 unbiased"
    );
    let of = |k| neighbours(&features(&real()), &features(&made("noisy")), k).unwrap().warning;
    assert!(of(3).unwrap().contains("150 images") && of(6).is_none());
}

#[test]
fn subsets_agree_with_the_whole() {
    let (real, made) = (features(&real()), features(&made("perfect")));
    let all = kernel_distance(&real, &made).unwrap().value;
    let whole = Subsets { count: 3, size: 200, seed: 1 };
    let whole = kernel_distance_of_subsets(&real, &made, whole).unwrap();
    assert!((whole.score.value - all).abs() < 1e-9 && whole.deviation < 1e-9);

    let noisy = features(&self::made("noisy"));
    let all = kernel_distance(&real, &noisy).unwrap().value;
    let subsets = Subsets { count: 400, size: 40, seed: 1 };
    let found = kernel_distance_of_subsets(&real, &noisy, subsets).unwrap();
    let error = found.deviation / 20.;
    assert!((found.score.value - all).abs() < 4. * error, "{found:?} and {all}");
    assert_eq!(found, kernel_distance_of_subsets(&real, &noisy, subsets).unwrap());
    let other = Subsets { seed: 2, ..subsets };
    assert_ne!(found, kernel_distance_of_subsets(&real, &noisy, other).unwrap());
    let protocol = "kernel distance 1 cubic unbiased features=noise width=16 images=200/150 subsets=400x40 seed=1";
    assert_eq!(found.score.protocol, protocol);
    let error = kernel_distance_of_subsets(&real, &noisy, Subsets::default()).unwrap_err();
    assert!(error.to_string().contains("of 1000 images"), "{error}");
}

#[test]
fn features_come_batch_by_batch() {
    let mut batches = Vec::new();
    let mut kept = Features::new("noise", 2);
    let mut moments = Moments::new("noise", 2);
    let images = (0..7).map(|i| Ok::<_, Error>(picture(1, 2, i + 1)));
    let count = features_of(
        images,
        3,
        |images| {
            batches.push(images.len());
            Ok(images.iter().map(|image| vec![image.width() as f32, 1.]).collect())
        },
        |rows| {
            moments.add(rows)?;
            kept.add(rows)
        },
    );
    assert_eq!((count.unwrap(), &batches[..]), (7, &[3, 3, 1][..]));
    assert_eq!((kept.rows(), moments.rows(), kept.row(6)), (7, 7, &[7., 1.][..]));
    assert_eq!((moments.mean(), moments.covariance(0, 0)), (&[4., 1.][..], 28. / 6.));

    let of = |batch, rows: usize| {
        let images = std::iter::once(Ok::<_, Error>(picture(1, 2, 2)));
        features_of(images, batch, |_| Ok(vec![vec![1.]; rows]), |_| Ok(()))
            .map_err(|error| error.to_string())
    };
    assert!(of(0, 1).unwrap_err().contains("batches of 0"));
    assert!(of(1, 2).unwrap_err().contains("2 rows of features of 1 images"));
    let failing = std::iter::once(Err(Error::msg("no such image")));
    assert!(features_of::<Error>(failing, 1, |_| Ok(Vec::new()), |_| Ok(())).is_err());
}

#[test]
fn what_does_not_fit_is_named() {
    let mut kept = Features::new("noise", 2);
    let mut moments = Moments::new("noise", 2);
    let error = kept.add(&[vec![1f32, 2.], vec![3.]]).unwrap_err().to_string();
    assert!(error.contains("row 1 of features has 1 numbers; 2"), "{error}");
    let error = moments.add(&[[1f32, f32::NAN]]).unwrap_err().to_string();
    assert!(error.contains("feature 1 of row 0 is NaN"), "{error}");
    assert_eq!((kept.rows(), moments.rows()), (0, 0));
    assert!(
        moments.merge(&Moments::new("noise", 3)).is_err()
            && Features::new("noise", 0).add(&[[0f32; 0]]).is_err()
    );
    let wide = Moments::new("noise", 3);
    assert!(
        frechet(&moments, &wide)
            .unwrap_err()
            .to_string()
            .contains("of width 2, and noise of width 3")
    );
    let other = Moments::new("signal", 2);
    let error = frechet(&moments, &other).unwrap_err().to_string();
    assert!(error.starts_with("noise features of width 2, and signal of width 2"), "{error}");
    assert!(frechet(&moments, &moments).unwrap_err().to_string().contains("0 and 0 images"));
    let error = neighbours(&features(&real()), &features(&made("few")), 10).unwrap_err();
    assert!(error.to_string().contains("200 and 10 images; 11 and more"), "{error}");
    assert!(neighbours(&features(&real()), &features(&real()), 0).is_err());
    assert!(kernel_distance(&features(&real()), &features(&real()[..1])).is_err());
}

/// Of covariances 1 and 4 times the identity the distance is the width, and more from few images.
#[test]
fn hundreds_of_features_are_as_good_as_few() {
    const WIDE: usize = 256;
    let of = |stream, scale: f64| {
        let mut moments = Moments::new("noise", WIDE);
        // Uniform numbers of variance scale².
        let numbers: Vec<_> =
            unit(stream, 16 * WIDE * WIDE).map(|u| (u - 0.5) * 12f64.sqrt() * scale).collect();
        let rows: Vec<_> = numbers.chunks(WIDE).collect();
        rows.chunks(256).for_each(|rows| moments.add(rows).unwrap());
        moments
    };
    let score = frechet(&of(5, 1.), &of(6, 2.)).unwrap().score.value;
    assert!(score > WIDE as f64 && score < 1.1 * WIDE as f64, "{score}");
}
