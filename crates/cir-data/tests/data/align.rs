//! Alignment by landmarks: the formula against published numbers, and where things really are in
//! aligned photos.

use std::path::Path;

use cir_core::{Image, rng};
use cir_data::align::{
    self, Done, Landmarks, align_photo, apply, read_landmarks, similarity, targets,
};
use cir_data::faces::{Degrees, Face};
use cir_data::{load_image, save_png};
use rand::Rng as _;

#[test]
fn the_mean_face_is_the_published_one() {
    let published: Landmarks = [
        [92.75276689, 105.78512397],
        [162.75276689, 105.62277967],
        [127.63565648, 153.07365932],
        [98.73841050, 190.74243353],
        [157.01936111, 190.19372795],
    ];
    for (ours, theirs) in targets(256).iter().flatten().zip(published.iter().flatten()) {
        assert!((ours - theirs).abs() < 1e-8, "{ours} {theirs}");
    }
}

/// The value of `unit(key)[i]` of the parity fixtures.
fn unit(key: &str, i: u64) -> f64 {
    let start = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let mut z = start.wrapping_add((i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64
}

/// `out/align.matrix` and `out/align.face` of the fixture `elegant`, recorded from the original.
const MATRIX: [f64; 6] = [
    3.258325305570151,
    0.2529828381234893,
    24.77595451717078,
    -0.2529828381234893,
    3.258325305570151,
    29.89583220289264,
];
const FACE: [f64; 16] = [
    120.08461306835503,
    97.18870692300213,
    11.378463008444042,
    0.0,
    0.0,
    0.0,
    126.03344684504673,
    67.98245765536751,
    192.269960366705,
    142.8677079313566,
    128.09446550235847,
    11.92921784399071,
    137.86808004900521,
    144.33460201400214,
    49.44836028198644,
    236.50980277216786,
];

#[test]
fn matrix_and_face_are_those_of_the_original() {
    let landmarks = [[18., 25.], [41., 27.], [28., 40.], [19., 50.], [37., 52.]];
    let matrix = similarity(&landmarks, 256).unwrap();
    for (ours, theirs) in matrix.iter().flatten().zip(MATRIX) {
        assert!((ours - theirs).abs() < 1e-12 * 16., "{ours} {theirs}");
    }
    let planes: Vec<f64> =
        (0..3 * 72 * 60).map(|i| 255. * unit("elegant/align/image", i)).collect();
    let face = align::warp(&planes, [3, 72, 60], &matrix, 256).unwrap();
    for (k, theirs) in FACE.into_iter().enumerate() {
        let at = unit("elegant/out/align.face#pos", k as u64) * face.len() as f64;
        let ours = face[at as usize];
        assert!((ours - theirs).abs() < 1e-9 * 113., "{k}: {ours} {theirs}");
    }
}

/// A grey photo with a soft bright dot at each landmark.
fn dotted(landmarks: &Landmarks, height: usize, width: usize) -> Image {
    let mut data = vec![20u8; 3 * height * width];
    for &[x, y] in landmarks {
        for v in (y as usize).saturating_sub(12)..(y as usize + 13).min(height) {
            for u in (x as usize).saturating_sub(12)..(x as usize + 13).min(width) {
                let far = (u as f64 - x).powi(2) + (v as f64 - y).powi(2);
                let byte = (220. * (-far / 18.).exp()).round() as u8;
                data[3 * (v * width + u)..][..3].iter_mut().for_each(|b| *b = (*b).max(20 + byte));
            }
        }
    }
    Image::new(3, height, width, data).unwrap()
}

/// The centre of what is bright around a place.
fn centre(image: &Image, [x, y]: [f64; 2], reach: f64) -> [f64; 2] {
    let mut sums = [0.; 3];
    for v in 0..image.height() {
        for u in 0..image.width() {
            let (dx, dy) = (u as f64 - x, v as f64 - y);
            if dx * dx + dy * dy <= reach * reach {
                let weight = f64::from(image.data()[3 * (v * image.width() + u)]) - 20.;
                let weight = weight.max(0.);
                sums[0] += weight;
                sums[1] += weight * u as f64;
                sums[2] += weight * v as f64;
            }
        }
    }
    [sums[1] / sums[0], sums[2] / sums[0]]
}

/// Faces anywhere in a photo, turned by up to a quarter of a right angle.
fn somewhere(seed: u64) -> Landmarks {
    let mut rng = rng(seed, "somewhere", 0);
    let mut between = |a: f64, b: f64| a + (b - a) * rng.random::<f64>();
    let (angle, scale) = (between(-0.4, 0.4), between(0.7, 1.4));
    let (x, y) = (between(220., 280.), between(200., 250.));
    targets(256).map(|[u, v]| {
        let (u, v) = (u - 128. + between(-6., 6.), v - 148. + between(-6., 6.));
        let (sin, cos) = angle.sin_cos();
        [x + scale * (cos * u - sin * v), y + scale * (sin * u + cos * v)]
    })
}

#[test]
fn landmarks_come_to_where_the_formula_says() {
    for seed in 0..12 {
        for side in [128, 256] {
            let landmarks = somewhere(seed);
            let photo = dotted(&landmarks, 460, 500);
            let face = align::face(&photo, &landmarks, side).unwrap();
            let matrix = similarity(&landmarks, side).unwrap();
            for (i, &landmark) in landmarks.iter().enumerate() {
                let expected = apply(&matrix, landmark);
                let size = matrix[0][0].hypot(matrix[0][1]);
                let found = centre(&face, expected, 9. * size);
                let off = (found[0] - expected[0]).hypot(found[1] - expected[1]);
                assert!(off < 0.1, "seed {seed}, side {side}, landmark {i}: {off:.3} px off");
            }
        }
    }
}

#[test]
fn no_other_similarity_is_nearer() {
    let landmarks = somewhere(3);
    let error = |matrix: &align::Matrix| -> f64 {
        let off = |(&l, g): (&[f64; 2], [f64; 2])| {
            let [x, y] = apply(matrix, l);
            (x - g[0]).powi(2) + (y - g[1]).powi(2)
        };
        landmarks.iter().zip(targets(256)).map(off).sum()
    };
    let best = similarity(&landmarks, 256).unwrap();
    for (da, db, dx, dy) in
        [(1e-3, 0., 0., 0.), (0., 1e-3, 0., 0.), (0., 0., 0.1, 0.), (0., 0., 0., 0.1)]
    {
        for sign in [-1., 1.] {
            let mut other = best;
            other[0][0] += sign * da;
            other[1][1] += sign * da;
            other[0][1] += sign * db;
            other[1][0] -= sign * db;
            other[0][2] += sign * dx;
            other[1][2] += sign * dy;
            assert!(error(&other) > error(&best));
        }
    }
}

#[test]
fn degenerate_and_outer_landmarks_are_named() {
    let photo = Image::filled(40, 50, [9, 9, 9]);
    let error = |landmarks: Landmarks| align::face(&photo, &landmarks, 64).unwrap_err().to_string();
    assert_eq!(
        error([[20., 10.]; 5]),
        "landmarks: found (20, 10) (20, 10) (20, 10) (20, 10) (20, 10); allowed: five places, not \
         all the same, that a face could have"
    );
    let mut landmarks = targets(40);
    landmarks[3][0] = 51.;
    assert!(error(landmarks).ends_with("x from 0 to 50, y from 0 to 40: the photo is that large"));
    landmarks[3][0] = f64::NAN;
    assert!(error(landmarks).contains("NaN"));
}

fn list(folder: &Path, rows: &[(String, Landmarks)]) -> std::path::PathBuf {
    let names = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y \
                 rightmouth_x rightmouth_y";
    let rows = rows.iter().map(|(name, landmarks)| {
        let numbers = landmarks.iter().flatten().map(|x| format!("{x:.2}"));
        format!("{name} {}\n", numbers.collect::<Vec<_>>().join("  "))
    });
    let rows: Vec<String> = rows.collect();
    let path = folder.join("landmarks.txt");
    std::fs::write(&path, format!("{}\n{names}\n{}", rows.len(), rows.concat())).unwrap();
    path
}

#[test]
fn photos_of_drawn_faces_come_out_upright_and_are_not_made_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (photos, out) = (folder.path().join("photos"), folder.path().join("out"));
    std::fs::create_dir_all(&photos).unwrap();
    let mut rows = Vec::new();
    for identity in 0..6 {
        let eyes = Degrees { open_eyes: 1., ..Degrees::default() };
        let mut face = Face::new(identity).with(eyes);
        face.pose.tilt = (identity as f32 - 2.5) / 10.;
        let name = format!("{:06}.png", identity + 1);
        save_png(photos.join(&name), &face.draw(200).unwrap()).unwrap();
        let pixels = face.landmarks().map(|l| l.map(|x| f64::from(x) * 200. - 0.5));
        rows.push((name, pixels));
    }
    let listed = read_landmarks(&list(folder.path(), &rows)).unwrap();
    assert_eq!(listed.len(), 6);
    for one in &listed {
        assert_eq!(align_photo(&photos, one, &out, 128).unwrap(), Done::Aligned);
        let (image, resized) = load_image(out.join(one.aligned()), 3, 128).unwrap();
        assert_eq!(resized, None);
        // The pupils are the darkest there is around where the eyes must be.
        let matrix = similarity(&one.landmarks, 128).unwrap();
        let eyes = [apply(&matrix, one.landmarks[0]), apply(&matrix, one.landmarks[1])];
        assert!((eyes[0][1] - eyes[1][1]).abs() < 2., "{eyes:?} are level");
        for [x, y] in eyes {
            let at = 3 * (y.round() as usize * 128 + x.round() as usize);
            assert!(image.data()[at..at + 3].iter().all(|&b| b < 110), "{:?}", one.photo);
        }
        assert_eq!(align_photo(&photos, one, &out, 128).unwrap(), Done::Before);
        assert_eq!(align_photo(&photos, one, &out, 64).unwrap(), Done::Aligned);
    }
    // A file that was cut short is made again.
    let first = out.join(listed[0].aligned());
    std::fs::write(&first, b"\xff\xd8\xff").unwrap();
    assert_eq!(align_photo(&photos, &listed[0], &out, 64).unwrap(), Done::Aligned);
    assert_eq!(load_image(&first, 3, 64).unwrap().1, None);
}

#[test]
fn bad_lists_are_named_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let good = [("a.png".to_owned(), targets(64)), ("b.png".to_owned(), targets(64))];
    let path = list(folder.path(), &good);
    let text = std::fs::read_to_string(&path).unwrap();
    let error = |from: &str, to: &str| {
        assert!(text.contains(from));
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = read_landmarks(&path).unwrap_err().to_string();
        error.strip_prefix(&*path.to_string_lossy()).unwrap().to_owned()
    };
    assert_eq!(
        error("b.png", "a.jpg"),
        " line 4, file: found \"a.jpg\", like the one in line 3; allowed: each name once, whatever \
         its ending"
    );
    assert_eq!(
        error("b.png", "../b.png"),
        " line 4, file: found \"../b.png\"; allowed: a path within the folder"
    );
    assert_eq!(
        error("b.png ", "b.png left "),
        " line 4, values: found 11 after \"b.png\"; allowed: 10, one a column"
    );
    let first = format!("{:.2}", targets(64)[0][0]);
    assert_eq!(
        error(&first, "inf"),
        " line 3, lefteye_x: found \"inf\"; allowed: a number of pixels"
    );
    assert_eq!(
        error(" nose_x", ""),
        " line 3, values: found 10 after \"a.png\"; allowed: 9, one a column"
    );
    let nine = format!("1\n{}\na.png{}\n", text.lines().nth(1).unwrap(), " 5".repeat(9));
    std::fs::write(&path, nine.replacen(" nose_x", "", 1)).unwrap();
    let refusal = read_landmarks(&path).unwrap_err().to_string();
    assert!(refusal.contains(" line 2, names: found 9 columns; allowed: 10:"), "{refusal}");
    assert_eq!(
        error("2\n", "3\n"),
        " line 1, count: found 3; allowed: 2, as many as there are rows"
    );
    assert_eq!(
        error("2\n", "two\n"),
        " line 1, count: found \"two\"; allowed: the number of pictures"
    );
    let missing = read_landmarks(&folder.path().join("none.txt")).unwrap_err().to_string();
    assert!(missing.contains("none.txt: cannot read the list"));
}

#[test]
fn a_bad_photo_is_named() {
    let folder = tempfile::tempdir().unwrap();
    save_png(folder.path().join("small.png"), &Image::filled(40, 40, [1, 2, 3])).unwrap();
    std::fs::write(folder.path().join("text.png"), "no picture").unwrap();
    let rows = ["small.png", "text.png", "none.png"].map(|name| (name.to_owned(), targets(64)));
    let listed = read_landmarks(&list(folder.path(), &rows)).unwrap();
    let error = |i: usize| {
        align_photo(folder.path(), &listed[i], folder.path(), 64).unwrap_err().to_string()
    };
    assert!(error(0).contains("small.png: found landmarks (23.19, 26.45)"), "{}", error(0));
    assert!(error(0).ends_with(
        "(line 3 of the list); expected x from 0 to 40, y from 0 to 40: the photo is that large"
    ));
    assert!(error(1).contains("text.png: found no image data"));
    assert!(error(2).contains("none.png: cannot read the image"));
}
