//! The CIR term added to an autoencoder of one's own: two linear layers, two blocks.
//!
//! `cargo run --release -p cir-gzs --example own_autoencoder`

#![allow(
    clippy::print_stdout,
    dead_code,
    reason = "an example prints; the tests include it as a module"
)]

use candle_core::{DType, Device, Module, Result, Tensor};
use cir_core::{Adam, AdamConfig, Cir, CirConfig, Gradients, Latent, Params, Partition, rng};
use cir_ops::Linear;
use rand::Rng as _;

pub(crate) fn main() -> Result<()> {
    let device = Device::Cpu;
    let params = Params::new(1);
    let vb = params.builder(DType::F32, &device);
    let encoder = Linear::new(16, 4, vb.pp("encoder"))?;
    let decoder = Linear::new(4, 16, vb.pp("decoder"))?;
    let encode = |x: &Tensor| Ok(Latent::from(encoder.forward(x)?));
    let decode = |z: &Latent| decoder.forward(z.code(0)?);

    let partition = Partition::of_widths([("shape", 2), ("colour", 2)]).map_err(wrap)?;
    let config = CirConfig { lambda: 0.1, ..CirConfig::default() };
    let cir = Cir::new(config, &partition).map_err(wrap)?;
    let adam = AdamConfig { lr: 1e-2, ..AdamConfig::default() };
    let mut adam = Adam::new(adam, &params)?;

    for step in 1..=20 {
        let numbers: Vec<f32> = rng(1, "pictures", step).random_iter().take(8 * 16).collect();
        let x = Tensor::from_vec(numbers, (8, 16), &device)?;
        let z = encode(&x)?;
        let mut loss = (decode(&z)? - &x)?.sqr()?.mean_all()?;
        if let Some(weight) = cir.weight(step) {
            let other =
                z.map(|code| Tensor::cat(&[code.narrow(0, 4, 4)?, code.narrow(0, 0, 4)?], 0))?;
            let draw = cir.draw(&mut rng(1, "cir", step), None, 8, DType::F32, &device)?;
            let term = cir.term(&z, &other, &draw, decode, encode)?;
            loss = (loss + (term.value * weight)?)?;
        }
        let mut gradients = Gradients::new();
        gradients.accumulate(&params, &mut cir_ops::backward(&loss)?)?;
        adam.step(&params, &gradients, 1.)?;
        println!("step {step}: loss {:.4}", loss.to_scalar::<f32>()?);
    }
    Ok(())
}

fn wrap(error: cir_core::Error) -> candle_core::Error {
    candle_core::Error::wrap(error)
}
