//! Times what surrounds the convolutions: normalisation, losses, tanh, linear layers and Adam.
//!
//! `cargo run --release -p cir-ops --example others -- [repetitions]` prints a Markdown table of
//! process CPU and wall milliseconds: medians. `RAYON_NUM_THREADS` sets the number of threads.

#![allow(clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "what the numbers are does not matter to a timing")]

use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor, Var};
use cir_ops::{Activation, AdamHyper};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn time(name: &str, repetitions: usize, mut f: impl FnMut() -> Result<()>) -> Result<()> {
    let (mut cpu, mut wall) = (vec![], vec![]);
    for _ in 0..=repetitions {
        let (start, clock) = (cpu_seconds(), Instant::now());
        f()?;
        cpu.push((cpu_seconds() - start) * 1e3);
        wall.push(clock.elapsed().as_secs_f64() * 1e3);
    }
    // The first run touches new memory.
    let [cpu, wall] = [cpu, wall].map(|mut times| {
        times.remove(0);
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!("| {name} | {cpu:.2} | {wall:.2} |");
    Ok(())
}

fn main() -> Result<()> {
    let repetitions = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(7);
    let cpu = &Device::Cpu;
    println!("| work | CPU, ms | wall, ms |");
    println!("| --- | --- | --- |");

    let x = Var::randn(0f32, 1., (8, 64, 128, 128), cpu)?;
    let [gain, bias] = [Var::ones(1, DType::F32, cpu)?, Var::zeros(1, DType::F32, cpu)?];
    let [w, b] = [Var::ones(64, DType::F32, cpu)?, Var::zeros(64, DType::F32, cpu)?];
    let relu = Activation::Relu;
    time("instance norm + ReLU 8×64×128², forward", repetitions, || {
        cir_ops::instance_norm(&x, Some(&w), Some(&b), 1e-5, relu).map(drop)
    })?;
    // Σ of squares is the cheapest start that is at hand; it is timed alone first.
    let zero = x.zeros_like()?;
    time("mean square 8×64×128², forward + backward", repetitions, || {
        cir_ops::backward(&cir_ops::mse_groups(&x, &zero, 1)?).map(drop)
    })?;
    time("instance norm + ReLU, then mean square", repetitions, || {
        let y = cir_ops::instance_norm(&x, Some(&w), Some(&b), 1e-5, relu)?;
        cir_ops::backward(&cir_ops::mse_groups(&y, &zero, 1)?).map(drop)
    })?;
    time("layer norm + ReLU, then mean square", repetitions, || {
        let y = cir_ops::layer_norm(&x, &w, &b, 1e-5, relu)?;
        cir_ops::backward(&cir_ops::mse_groups(&y, &zero, 1)?).map(drop)
    })?;
    time("channel norm + ReLU, then mean square", repetitions, || {
        let y = cir_ops::channel_norm(&x, &gain, &bias, relu)?;
        cir_ops::backward(&cir_ops::mse_groups(&y, &zero, 1)?).map(drop)
    })?;

    let x = Var::randn(0f32, 1., (70, 3, 128, 128), cpu)?;
    let target = x.zeros_like()?;
    time("tanh 70×3×128², L1, forward + backward", repetitions, || {
        cir_ops::backward(&cir_ops::l1_groups(&cir_ops::tanh(&x)?, &target, 7)?).map(drop)
    })?;
    time("cross-entropy of logits 70×3×128², forward + backward", repetitions, || {
        cir_ops::backward(&cir_ops::bce_groups(&x, &target, 7)?).map(drop)
    })?;

    for rows in [8, 120] {
        let x = Var::randn(0f32, 1., (rows, 16384), cpu)?;
        let w = Var::randn(0f32, 0.01, (4096, 16384), cpu)?;
        let zero = Tensor::zeros((rows, 4096), DType::F32, cpu)?;
        time(&format!("linear {rows}×16384→4096, forward"), repetitions, || {
            cir_ops::linear(&x, &w, None).map(drop)
        })?;
        time(&format!("linear {rows}×16384→4096, forward + backward"), repetitions, || {
            cir_ops::backward(&cir_ops::mse_groups(&cir_ops::linear(&x, &w, None)?, &zero, 1)?)
                .map(drop)
        })?;
    }

    let vars: Vec<Var> =
        (0..3).map(|_| Var::ones(67_000_000, DType::F32, cpu)).collect::<Result<_>>()?;
    let grad = Tensor::ones(67_000_000, DType::F32, cpu)?;
    let hyper = AdamHyper { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0. };
    time("Adam over 67M numbers", repetitions, || {
        cir_ops::adam_step(&vars[0], &grad, &vars[1], &vars[2], 1, hyper)
    })
}
