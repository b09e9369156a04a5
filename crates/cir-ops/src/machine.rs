//! What the kernels' vector units can do at best, to compare them with.

use candle_core::Result;

use crate::kernels::Kernels;
use crate::simd::{Generic, Simd, Task, dispatch_f32};

/// Independent sums, enough to hide the latency of a multiply-add, few enough for the registers.
const SUMS: usize = 12;

/// Does at least `count` multiply-adds of f32 in registers, on this thread, with the current kernels;
/// returns how many.
///
/// # Errors
/// When `CIR_KERNELS` names none that this machine can run.
pub fn multiply_adds(count: usize) -> Result<f64> {
    Ok(dispatch_f32(Kernels::current()?, Spin(count)))
}

struct Spin(usize);

impl Generic<f32> for Spin {
    type Out = f64;

    fn run<S: Simd<T = f32>>(self) -> f64 {
        let rounds = self.0.div_ceil(SUMS * S::LANES);
        // SAFETY: `S` was chosen among the available kernels.
        unsafe { S::vectorize(Rounds::<S> { rounds, kernels: std::marker::PhantomData }) };
        (rounds * SUMS * S::LANES) as f64
    }
}

struct Rounds<S> {
    rounds: usize,
    kernels: std::marker::PhantomData<S>,
}

impl<S: Simd<T = f32>> Task for Rounds<S> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let (factor, mut out) = ([0.5f32; 64], [0f32; 64]);
        // SAFETY: vectors have at most 64 numbers; the instruction set is there within a task.
        unsafe {
            let factor = S::load(std::hint::black_box(&factor).as_ptr());
            let mut sums = [S::zero(); SUMS];
            for _ in 0..self.rounds {
                for sum in &mut sums {
                    *sum = S::multiply_add(factor, *sum, factor);
                }
            }
            for sum in sums {
                S::store(out.as_mut_ptr(), sum);
                std::hint::black_box(&out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_done_as_asked_for() {
        let done = multiply_adds(1000).unwrap();
        assert!((1000. ..2000.).contains(&done), "{done}");
    }
}
