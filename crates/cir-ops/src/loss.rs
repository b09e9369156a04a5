//! Image distances, one number for each of several terms that were computed in one batch.

use candle_core::{D, Result, Tensor, bail};

/// Mean |x − target| of each group.
///
/// # Shapes
/// `x` and `target` (groups·n, …) → (groups).
///
/// # Errors
/// When the shapes differ or the batch is no multiple of `groups`.
pub fn l1_groups(x: &Tensor, target: &Tensor, groups: usize) -> Result<Tensor> {
    let (x, target) = rows(x, target, groups)?;
    (x - target)?.abs()?.mean(D::Minus1)
}

/// Mean (x − target)² of each group.
///
/// # Shapes
/// `x` and `target` (groups·n, …) → (groups).
///
/// # Errors
/// When the shapes differ or the batch is no multiple of `groups`.
pub fn mse_groups(x: &Tensor, target: &Tensor, groups: usize) -> Result<Tensor> {
    let (x, target) = rows(x, target, groups)?;
    (x - target)?.sqr()?.mean(D::Minus1)
}

/// Bernoulli negative log likelihood of each group: Σ [max(x, 0) − x·y + log(1 + e^−|x|)] over all
/// other axes, divided by n. The gradient runs into logits x and targets y.
///
/// # Shapes
/// `logits` and `target` (groups·n, …) → (groups).
///
/// # Errors
/// When the shapes differ or the batch is no multiple of `groups`.
pub fn bce_groups(logits: &Tensor, target: &Tensor, groups: usize) -> Result<Tensor> {
    let n = logits.dim(0)? / groups.max(1);
    let (x, y) = rows(logits, target, groups)?;
    // log(1 + e^-|x|) as log1p would have it: e^-|x| ≤ 1, so that nothing overflows.
    let tail = (x.abs()?.neg()?.exp()? + 1.)?.log()?;
    let each = ((x.relu()? - (&x * &y)?)? + tail)?;
    each.sum(D::Minus1)? / n.max(1) as f64
}

/// Both tensors as (groups, numbers of a group).
fn rows(x: &Tensor, target: &Tensor, groups: usize) -> Result<(Tensor, Tensor)> {
    if x.dims() != target.dims() {
        bail!("loss: input {:?} and target {:?} differ in shape", x.shape(), target.shape());
    }
    if groups == 0 || !x.dim(0)?.is_multiple_of(groups) {
        bail!("loss: a batch of {} does not divide into {groups} groups", x.dim(0)?);
    }
    Ok((x.reshape((groups, ()))?, target.reshape((groups, ()))?))
}
