//! Convolution and transposed convolution of `(B, C, H, W)` tensors, with their gradients.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use candle_nn::{Conv2dConfig, ConvTranspose2dConfig};

use crate::{
    cpu::{for_float, read, serves, slice, tensor},
    geometry::{Geometry, gather, scatter, weight},
};

/// 2-d cross-correlation, as `torch.nn.functional.conv2d`.
///
/// # Shapes
/// `x` (B, in, H, W), `weight` (out, in, kh, kw), `bias` (out) → (B, out, H', W') with
/// H' = (H + 2·padding − kh) / stride + 1.
///
/// # Errors
/// When the channel counts of `x` and `weight` differ or the kernel exceeds the padded input.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    cfg: Conv2dConfig,
) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let (o, wc, kh, kw) = weight.dims4()?;
    if c != wc * cfg.groups {
        bail!("conv2d: input {:?} and weight {:?} disagree in channels", x.shape(), weight.shape());
    }
    let (stride, padding) = (cfg.stride.max(1), cfg.padding);
    let reach = [(h, kh), (w, kw)].map(|(side, k)| (side + 2 * padding).checked_sub(k));
    let [Some(down), Some(across)] = reach else {
        let (x, weight) = (x.shape(), weight.shape());
        bail!("conv2d: kernel of weight {weight:?} exceeds input {x:?} padded by {padding}");
    };
    let plain = cfg.groups == 1 && cfg.dilation == 1 && weight.dtype() == x.dtype();
    let y = if plain && serves(x) {
        let (oh, ow) = (down / stride + 1, across / stride + 1);
        x.contiguous()?.apply_op2(
            &weight.contiguous()?,
            Conv(Geometry { n, c, h, w, o, oh, ow, kh, kw, stride, padding }),
        )?
    } else {
        x.conv2d(weight, padding, stride, cfg.dilation, cfg.groups)?
    };
    add_bias(y, bias)
}

/// Transposed 2-d convolution, as `torch.nn.functional.conv_transpose2d`.
///
/// # Shapes
/// `x` (B, in, H, W), `weight` (in, out, kh, kw), `bias` (out) → (B, out, H', W') with
/// H' = (H − 1)·stride − 2·padding + kh + output_padding.
///
/// # Errors
/// When the channel counts of `x` and `weight` differ or nothing would be left of the output.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    cfg: ConvTranspose2dConfig,
) -> Result<Tensor> {
    let (n, o, oh, ow) = x.dims4()?;
    let (wo, c, kh, kw) = weight.dims4()?;
    let (xs, ws) = (x.shape(), weight.shape());
    if o != wo {
        bail!("conv_transpose2d: input {xs:?} and weight {ws:?} disagree in channels");
    }
    let (stride, padding) = (cfg.stride.max(1), cfg.padding);
    let side = |small: usize, k: usize| {
        (small.max(1) * stride + k + cfg.output_padding).checked_sub(stride + 2 * padding)
    };
    let (Some(h), Some(w)) = (side(oh, kh), side(ow, kw)) else {
        bail!(
            "conv_transpose2d: input {xs:?} and weight {ws:?} with padding {padding} leave nothing"
        );
    };
    let y = if cfg.dilation == 1 && weight.dtype() == x.dtype() && serves(x) {
        // The convolution whose gradient this is: from y (n, c, h, w) to x (n, o, oh, ow).
        let g = Geometry { n, c, h, w, o, oh, ow, kh, kw, stride, padding };
        x.contiguous()?.apply_op2(&weight.contiguous()?, Transposed(g))?
    } else {
        x.conv_transpose2d(weight, padding, cfg.output_padding, stride, cfg.dilation)?
    };
    add_bias(y, bias)
}

fn add_bias(y: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(b) => y.broadcast_add(&b.reshape((1, (), 1, 1))?),
        None => Ok(y),
    }
}

struct Conv(Geometry);

struct Transposed(Geometry);

impl Geometry {
    fn input(&self) -> (usize, usize, usize, usize) {
        (self.n, self.c, self.h, self.w)
    }

    fn output(&self) -> (usize, usize, usize, usize) {
        (self.n, self.o, self.oh, self.ow)
    }

    fn weight(&self) -> (usize, usize, usize, usize) {
        (self.o, self.c, self.kh, self.kw)
    }

    fn gradient_for_weight(&self, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        for_float!(x.dtype(), T => read::<T, _>(x, |x| {
            read::<T, _>(y, |y| tensor(weight(self, x, y), self.weight()))
        }))
    }
}

impl CustomOp2 for Conv {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape = Shape::from(self.0.output());
        let storage = for_float!(dtype_of(x), T => {
            let (x, w) = (slice::<T>(x, x_layout)?, slice::<T>(w, w_layout)?);
            let mut y = vec![0 as T; shape.elem_count()];
            gather(&self.0, x, w, &mut y);
            <T as candle_core::WithDType>::to_cpu_storage_owned(y)
        });
        Ok((storage, shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dw = self.0.gradient_for_weight(x, dy)?;
        // Images are no variables: their gradient would be computed for nothing.
        let dx = match x.track_op() {
            true => Some(dy.contiguous()?.apply_op2_no_bwd(w, &Transposed(self.0))?),
            false => None,
        };
        Ok((dx, Some(dw)))
    }
}

impl CustomOp2 for Transposed {
    fn name(&self) -> &'static str {
        "conv_transpose2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape = Shape::from(self.0.input());
        let storage = for_float!(dtype_of(x), T => {
            let (x, w) = (slice::<T>(x, x_layout)?, slice::<T>(w, w_layout)?);
            let mut y = vec![0 as T; shape.elem_count()];
            scatter(&self.0, x, w, &mut y);
            <T as candle_core::WithDType>::to_cpu_storage_owned(y)
        });
        Ok((storage, shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dw = self.0.gradient_for_weight(dy, x)?;
        let dx = match x.track_op() {
            true => Some(dy.contiguous()?.apply_op2_no_bwd(w, &Conv(self.0))?),
            false => None,
        };
        Ok((dx, Some(dw)))
    }
}

fn dtype_of(storage: &CpuStorage) -> candle_core::DType {
    use candle_core::backend::BackendStorage;
    storage.dtype()
}
