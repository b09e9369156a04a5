//! The `dsprites` source against facts about the published pictures.

use cir_core::Image;
use cir_data::{DataConfig, DataSet};

fn open(side: usize) -> DataSet {
    let text =
        format!("card = \"dsprites\"\nsize = {side}\nhold_out = {{ fraction = 0, seed = 1 }}");
    toml::from_str::<DataConfig>(&text).unwrap().open().unwrap()
}

fn white(image: &Image) -> usize {
    image.data().iter().filter(|&&x| x == 255).count()
}

/// Left, top, right, bottom of what is white.
fn bounds(image: &Image) -> [usize; 4] {
    let side = image.width();
    let all = (0..side * side).filter(|&i| image.data()[i] == 255);
    let boxes = all.map(|i| [i % side, i / side, i % side, i / side]);
    boxes.reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]).unwrap()
}

#[test]
fn the_order_and_the_pictures_are_the_published_ones() {
    let data = open(64);
    assert_eq!(data.source.len(), 737_280);
    assert_eq!((data.channels, data.size), (1, 64));
    for i in [0, 1, 31, 32, 737_279, 500_000] {
        let published = [i / 245_760, i / 40_960 % 6, i / 1024 % 40, i / 32 % 32, i % 32];
        let labels: Vec<usize> = data.source.labels(i).into_iter().map(usize::from).collect();
        assert_eq!(labels, published);
        assert_eq!(data.index.find(&data.source.labels(i)), Some(i));
    }
    let image = |labels: [u16; 5]| data.source.image(data.index.find(&labels).unwrap()).unwrap();
    // Counted in the animation that comes with the published set.
    let squares: Vec<usize> = (0..6).map(|s| white(&image([0, s, 0, 0, 0]))).collect();
    assert_eq!(squares, [100, 144, 196, 256, 324, 400]);
    let hearts: Vec<usize> = (0..6).map(|s| white(&image([2, s, 0, 0, 0]))).collect();
    // Of the one with 182 pixels, two differ.
    assert_eq!(hearts, [58, 84, 108, 140, 180, 222]);
    assert_eq!(bounds(&image([0, 5, 0, 0, 0])), [6, 6, 25, 25]);
    assert_eq!(bounds(&image([2, 5, 0, 0, 0])), [6, 7, 25, 23]);
    assert_eq!(bounds(&image([2, 5, 0, 31, 31])), [38, 39, 57, 55]);
    let ellipse = image([1, 5, 0, 0, 0]);
    assert_eq!((white(&ellipse), bounds(&ellipse)), (288, [3, 9, 28, 22]));
    // The last orientation is the first again.
    assert_eq!(image([2, 5, 39, 9, 9]), image([2, 5, 0, 9, 9]));
    // Black and white only.
    assert!(image([1, 3, 17, 9, 9]).data().iter().all(|x| [0, 255].contains(x)));
}

#[test]
fn sprites_turn_counter_clockwise_and_stay_inside() {
    let data = open(32);
    for shape in 0..3 {
        for (x, y) in [(0, 0), (31, 0), (0, 31), (31, 31)] {
            for orientation in 0..40 {
                let at = data.index.find(&[shape, 5, orientation, x, y]).unwrap();
                let [left, top, right, bottom] = bounds(&data.source.image(at).unwrap());
                assert!(left > 0 && top > 0 && right < 31 && bottom < 31);
            }
        }
    }
    // A quarter turn of the heart, tip down at first, brings its tip to the right.
    let at = data.index.find(&[2, 5, 10, 15, 15]).unwrap();
    let image = data.source.image(at).unwrap();
    let [left, top, right, bottom] = bounds(&image);
    let column = |x: usize| (top..=bottom).filter(|y| image.data()[y * 32 + x] == 255).count();
    assert!(column(right) < column(left));
}

#[test]
fn in_between_sprites_can_be_drawn() {
    let data = open(64);
    let (from, to) = ([0, 0, 0, 4, 4], [0, 2, 0, 6, 4]);
    let from = data.index.find(&from).unwrap();
    let middle = data.source.between(from, &to, &[0., 0.5, 0., 0.5, 0.]).unwrap().unwrap();
    let at = data.index.find(&[0, 1, 0, 5, 4]).unwrap();
    assert_eq!(middle, data.source.image(at).unwrap());
    assert!(data.source.between(from, &[1, 0, 0, 4, 4], &[0.5, 0., 0., 0., 0.]).is_none());
}

#[test]
fn changed_sprites_are_found() {
    let data = open(64);
    let at = data.index.find(&[1, 2, 3, 4, 5]).unwrap();
    assert_eq!(data.source.changed(at, 2, 17), data.index.find(&[1, 2, 17, 4, 5]));
    assert_eq!(data.source.changed(at, 2, 3), Some(at));
    assert_eq!(data.source.changed(at, 2, 40), None);
    assert_eq!(data.source.changed(at, 5, 0), None);
    assert_eq!(data.source.changed(data.source.len(), 0, 0), None);
    assert_eq!(data.source.subject(at), None);
}
