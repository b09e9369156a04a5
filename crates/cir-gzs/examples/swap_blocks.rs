//! Loads a model.safetensors and swaps two blocks between two pictures.
//!
//! `cargo run --release -p cir-gzs --example swap_blocks -- runs/gzs-fonts/model.safetensors a.png b.png
//! letter font swapped.png`

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    reason = "an example prints; the tests include it as a module"
)]

use std::{path::Path, process::ExitCode};

use candle_core::Device;
use cir_gzs::Model;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [model, a, b, first, second, out] = &arguments[..] else {
        eprintln!("allowed: MODEL A.png B.png BLOCK BLOCK OUT.png");
        return ExitCode::from(2);
    };
    let [model, a, b, out] = [model, a, b, out].map(Path::new);
    match run(model, [a, b], [first, second], out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes `a` with two of `b`'s blocks.
pub(crate) fn run(
    model: &Path,
    pictures: [&Path; 2],
    blocks: [&str; 2],
    out: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let model = Model::load(model, &Device::Cpu)?;
    let (channels, size) = (model.card().config.image_channels, model.card().config.image_size);
    let (a, _) = cir_data::load_image(pictures[0], channels, size)?;
    let (b, _) = cir_data::load_image(pictures[1], channels, size)?;
    let (za, zb) = (model.encode(&[a])?, model.encode(&[b])?);
    let mut z = za;
    for block in blocks {
        z = model.partition().swap(&z, model.partition().index(block)?, &zb)?;
    }
    for image in model.decode(&z)? {
        cir_data::save_png(out, &image)?;
        println!("wrote {} ({size}x{size})", out.display());
    }
    Ok(())
}
