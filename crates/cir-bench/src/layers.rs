//! One convolution, forward and backward.

use anyhow::{Result, bail};
use candle_core::{Device, Tensor, Var};
use cir_ops::{Conv2dConfig, ConvOptions, ConvTranspose2dConfig, Precision};

use crate::Work;

/// `kind` (c, or t for transposed), kernel, stride, channels in and out, side of the input, batch.
pub(crate) fn work(sizes: &[&str], precision: Precision) -> Result<Work> {
    let [kind, numbers @ ..] = sizes else { bail!("a layer has sizes") };
    let numbers = numbers.iter().map(|n| n.parse()).collect::<Result<Vec<usize>, _>>()?;
    let &[k, stride, cin, cout, side, batch] = &numbers[..] else {
        bail!("{sizes:?}: allowed are a kind and six numbers")
    };
    let (transposed, padding) = (*kind == "t", (k - 1) / 2);
    let (shape, out) = match transposed {
        true => ((cin, cout, k, k), side * stride),
        false => ((cout, cin, k, k), (side + 2 * padding - k) / stride + 1),
    };
    let x = Var::randn(0f32, 1., (batch, cin, side, side), &Device::Cpu)?;
    let w = Var::randn(0f32, 0.02, shape, &Device::Cpu)?;
    let gradient = Tensor::randn(0f32, 1., (batch, cout, out, out), &Device::Cpu)?;
    let options = ConvOptions { precision, ..Default::default() };
    let run = move || {
        let y = if transposed {
            let output_padding = k % 2;
            let cfg = ConvTranspose2dConfig { stride, padding, output_padding, dilation: 1 };
            cir_ops::conv_transpose2d_with(options, &x, &w, None, cfg)?
        } else {
            let cfg = Conv2dConfig { stride, padding, ..Default::default() };
            cir_ops::conv2d_with(options, &x, &w, None, cfg)?
        };
        std::hint::black_box(cir_ops::backward_from(&[(y, gradient.clone())])?);
        Ok(())
    };
    let places = if transposed { side * side } else { out * out };
    // Forward, and the gradients of input and weight.
    let multiplications = 3. * (batch * cin * cout * k * k * places) as f64;
    Ok(Work { run: Box::new(run), amount: Some(multiplications) })
}
