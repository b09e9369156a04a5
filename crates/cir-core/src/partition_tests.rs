//! The partition's algebra on small latents, and its refusals.

use candle_core::{Device, Tensor};

use super::*;

fn three() -> Partition {
    Partition::of_widths([("letter", 2), ("font", 1), ("colour", 3)]).unwrap()
}

fn row(first: f32) -> Latent {
    let numbers: Vec<_> = (0..6).map(|i| first + i as f32).collect();
    Tensor::from_vec(numbers, (1, 6), &Device::Cpu).unwrap().into()
}

fn numbers(z: &Latent) -> Vec<f32> {
    z.code(0).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn swap_takes_one_block_from_the_other() {
    let z = three().swap(&row(0.), 1, &row(10.)).unwrap();
    assert_eq!(numbers(&z), [0., 1., 12., 3., 4., 5.]);
}

#[test]
fn combine_takes_each_block_from_its_donor() {
    let z = three().combine(&[&row(0.), &row(10.), &row(20.)]).unwrap();
    assert_eq!(numbers(&z), [0., 1., 12., 23., 24., 25.]);
}

#[test]
fn interpolate_moves_only_the_moved_blocks() {
    let t = Tensor::new(&[[0.5f32]], &Device::Cpu).unwrap();
    let z = three().interpolate(&row(0.), &row(10.), &[0, 2], |_| Ok(t.clone())).unwrap();
    assert_eq!(numbers(&z), [5., 6., 2., 8., 9., 10.]);
}

#[test]
fn whole_codes_are_blocks_too() {
    let p = Partition::of_codes([("content", 2), ("attribute", 1)]).unwrap();
    let z = |x: f32| {
        let content = Tensor::full(x, (1, 2, 3, 3), &Device::Cpu).unwrap();
        Latent::new(vec![content, Tensor::full(x, (1, 1), &Device::Cpu).unwrap()])
    };
    let mixed = p.swap(&z(1.), 1, &z(2.)).unwrap();
    assert_eq!(mixed.code(0).unwrap().dims(), [1, 2, 3, 3]);
    assert_eq!(mixed.code(0).unwrap().max_all().unwrap().to_scalar::<f32>().unwrap(), 1.);
    assert_eq!(mixed.code(1).unwrap().max_all().unwrap().to_scalar::<f32>().unwrap(), 2.);
}

#[test]
fn overlaps_gaps_and_excess_are_named() {
    let block = |name: &str, start, end| Block { name: name.into(), start, end, code: 0 };
    let refusal = |blocks| Partition::new(blocks).unwrap_err().to_string();
    assert_eq!(
        refusal(vec![block("a", 0, 4), block("b", 3, 8)]),
        "blocks.b: found 3..8; allowed: a start of 4: it overlaps the block before it"
    );
    assert!(refusal(vec![block("a", 0, 4), block("b", 5, 8)]).contains("every number belongs"));
    assert!(refusal(vec![block("a", 4, 4)]).contains("end greater than start"));
    assert!(refusal(vec![block("a", 0, 2), block("a", 2, 3)]).contains("\"a\" twice"));
    assert!(refusal(vec![]).contains("at least one block"));
    let error = three().check_width("blocks", 0, 5).unwrap_err().to_string();
    assert_eq!(
        error,
        "blocks.colour: found 3..6; allowed: an end of at most 5, the width of the latent"
    );
    assert!(
        three()
            .check_width("blocks", 0, 7)
            .unwrap_err()
            .to_string()
            .contains("6 numbers in blocks")
    );
}
