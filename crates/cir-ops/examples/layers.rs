//! Times a forward and backward pass of typical layers against candle's own kernels.
//!
//! `cargo run --release -p cir-ops --example layers -- [repetitions] [words]` prints a Markdown
//! table of process CPU and wall milliseconds: medians of interleaved runs. Words: `ours` leaves candle out,
//! `bf16` multiplies in bfloat16, `small` takes the layers of a network for 32×32 images,
//! `only=<text>` keeps the layers whose name contains the text. `RAYON_NUM_THREADS` sets the number
//! of threads.

#![allow(clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "what the numbers are does not matter to a timing")]

use std::time::Instant;

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor, Var};
use cir_ops::{Conv2dConfig, ConvOptions, ConvTranspose2dConfig, Kernels, Precision, with_kernels};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Transposed, kernel, stride, channels in and out, side of the input, batch.
type Layer = (bool, usize, usize, usize, usize, usize, usize);

const LAYERS: [Layer; 12] = [
    (false, 7, 1, 3, 64, 128, 8),
    (false, 4, 2, 64, 128, 128, 8),
    (false, 4, 2, 128, 256, 64, 8),
    (false, 4, 2, 256, 256, 32, 8),
    (false, 3, 1, 256, 256, 8, 8),
    (false, 3, 1, 256, 256, 54, 4),
    (false, 7, 1, 64, 3, 128, 8),
    (true, 4, 2, 256, 256, 8, 8),
    (true, 4, 2, 256, 128, 32, 8),
    (true, 4, 2, 128, 64, 64, 8),
    (true, 3, 2, 512, 256, 8, 8),
    (true, 3, 2, 128, 64, 32, 8),
];

/// The layers of a small network on 32×32 images.
const SMALL: [Layer; 11] = [
    (false, 7, 1, 3, 16, 32, 96),
    (false, 4, 2, 16, 32, 32, 96),
    (false, 4, 2, 32, 64, 16, 96),
    (false, 4, 2, 64, 64, 8, 96),
    (false, 4, 2, 64, 64, 4, 96),
    (false, 3, 1, 64, 64, 2, 96),
    (true, 4, 2, 64, 64, 2, 96),
    (true, 4, 2, 64, 64, 4, 96),
    (true, 4, 2, 64, 32, 8, 96),
    (true, 4, 2, 32, 16, 16, 96),
    (false, 7, 1, 16, 3, 32, 96),
];

/// Seconds of CPU time that this process has used, all its threads.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// A scalar with a given gradient by its argument: a backward pass that starts for free.
struct Seed(Tensor);

impl CustomOp1 for Seed {
    fn name(&self) -> &'static str {
        "seed"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.]), Shape::from(())))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.0.clone()))
    }
}

fn pass(
    options: ConvOptions,
    (transposed, k, stride, ..): Layer,
    x: &Tensor,
    w: &Tensor,
    g: &Tensor,
) -> Result<[f64; 2]> {
    let (start, clock) = (cpu_seconds(), Instant::now());
    let padding = (k - 1) / 2;
    let y = if transposed {
        let output_padding = k % 2;
        let cfg = ConvTranspose2dConfig { stride, padding, output_padding, dilation: 1 };
        cir_ops::conv_transpose2d_with(options, x, w, None, cfg)?
    } else {
        let cfg = Conv2dConfig { stride, padding, ..Default::default() };
        cir_ops::conv2d_with(options, x, w, None, cfg)?
    };
    let grads = cir_ops::backward(&y.apply_op1(Seed(g.clone()))?)?;
    std::hint::black_box(grads);
    Ok([(cpu_seconds() - start) * 1e3, clock.elapsed().as_secs_f64() * 1e3])
}

/// The medians of CPU and wall milliseconds, without the first pass, which touches new memory.
fn medians(times: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|which| {
        let mut times: Vec<f64> = times.iter().skip(1).map(|t| t[which]).collect();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(0.)
    })
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let repetitions = args.iter().find_map(|a| a.parse().ok()).unwrap_or(5);
    let ours_only = args.iter().any(|a| a == "ours");
    let bf16 = args.iter().any(|a| a == "bf16");
    let precision = if bf16 { Precision::Bf16 } else { Precision::Full };
    let options = ConvOptions { precision, ..Default::default() };
    let only = args.iter().find_map(|a| a.strip_prefix("only=")).unwrap_or("");
    println!("| layer | CPU, ms | wall, ms | candle's CPU | candle's wall | ratio of CPU |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut sums = [0.; 2];
    let layers = if args.iter().any(|a| a == "small") { &SMALL[..] } else { &LAYERS[..] };
    for &layer in layers {
        let (transposed, k, stride, cin, cout, side, batch) = layer;
        let kind = if transposed { "t" } else { "c" };
        let name = format!("{kind}{k}s{stride} {cin}_{cout}_{side}");
        if !name.contains(only) {
            continue;
        }
        let dims = if transposed { (cin, cout, k, k) } else { (cout, cin, k, k) };
        let x = Var::randn(0f32, 1., (batch, cin, side, side), &Device::Cpu)?;
        let w = Var::randn(0f32, 0.02, dims, &Device::Cpu)?;
        let out = match (transposed, stride) {
            (true, _) => side * 2,
            (false, 2) => side / 2,
            _ => side,
        };
        let g = Tensor::randn(0f32, 1., (batch, cout, out, out), &Device::Cpu)?;
        let mut times = [vec![], vec![]];
        for _ in 0..=repetitions {
            times[0].push(with_kernels(Kernels::current()?, || pass(options, layer, &x, &w, &g))??);
            if !ours_only {
                times[1].push(with_kernels(Kernels::Candle, || pass(options, layer, &x, &w, &g))??);
            }
        }
        let [[ours, wall], [candle, candle_wall]] = times.map(|t| medians(&t));
        sums[0] += ours;
        sums[1] += candle;
        let ratio = ours / candle;
        println!(
            "| {name} | {ours:.2} | {wall:.2} | {candle:.1} | {candle_wall:.1} | {ratio:.3} |"
        );
    }
    println!("| sum | {:.1} | | {:.1} | | {:.3} |", sums[0], sums[1], sums[0] / sums[1]);
    Ok(())
}
