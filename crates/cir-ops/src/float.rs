//! The two element types of the CPU kernels, their matrix product and their scratch.

use std::{cell::RefCell, ops::Add};

use candle_core::WithDType;

/// f32 or f64.
pub(crate) trait Float: WithDType + Add<Output = Self> + Send + Sync {
    /// 0.
    const ZERO: Self;

    /// As f64.
    fn wide(self) -> f64;

    /// From f64, rounded.
    fn narrow(x: f64) -> Self;

    /// Two buffers of this thread that keep their memory between calls.
    fn with_scratch<R>(f: impl FnOnce(&mut Vec<Self>, &mut Vec<Self>) -> R) -> R;

    /// dst (m, n) = lhs (m, k)·rhs (k, n), or += with `add`; matrices with the strides of their
    /// rows and columns. On the calling thread only.
    fn product(
        [m, n, k]: [usize; 3],
        (dst, dst_strides): (&mut [Self], [usize; 2]),
        add: bool,
        (lhs, lhs_strides): (&[Self], [usize; 2]),
        (rhs, rhs_strides): (&[Self], [usize; 2]),
    ) {
        let inside = |len: usize, rows: usize, columns: usize, [r, c]: [usize; 2]| {
            rows == 0 || columns == 0 || (rows - 1) * r + (columns - 1) * c < len
        };
        assert!(inside(dst.len(), m, n, dst_strides), "product: dst is too short");
        assert!(inside(lhs.len(), m, k, lhs_strides), "product: lhs is too short");
        assert!(inside(rhs.len(), k, n, rhs_strides), "product: rhs is too short");
        let [(drs, dcs), (lrs, lcs), (rrs, rcs)] = [dst_strides, lhs_strides, rhs_strides]
            .map(|[row, column]| (row as isize, column as isize));
        // SAFETY: every index that the strides reach lies inside its slice, as just checked, and
        // `dst` is borrowed exclusively.
        unsafe {
            gemm::gemm(
                m,
                n,
                k,
                dst.as_mut_ptr(),
                dcs,
                drs,
                add,
                lhs.as_ptr(),
                lcs,
                lrs,
                rhs.as_ptr(),
                rcs,
                rrs,
                Self::narrow(1.),
                Self::narrow(1.),
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}

macro_rules! float {
    ($t:ty, $scratch:ident) => {
        thread_local! {
            static $scratch: RefCell<(Vec<$t>, Vec<$t>)> = const { RefCell::new((Vec::new(), Vec::new())) };
        }

        impl Float for $t {
            const ZERO: Self = 0.;

            fn wide(self) -> f64 {
                f64::from(self)
            }

            fn narrow(x: f64) -> Self {
                x as Self
            }

            fn with_scratch<R>(f: impl FnOnce(&mut Vec<Self>, &mut Vec<Self>) -> R) -> R {
                $scratch.with_borrow_mut(|(a, b)| f(a, b))
            }
        }
    };
}

float!(f32, SCRATCH32);
float!(f64, SCRATCH64);
