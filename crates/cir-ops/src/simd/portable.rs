//! Short arrays for machines without a vector unit of their own here; the compiler uses what the
//! build target guarantees.

use super::{Simd, Task};

macro_rules! arrays {
    ($name:ident, $t:ty, $lanes:literal) => {
        /// Arrays as vectors.
        #[derive(Clone, Copy)]
        pub(crate) struct $name;

        impl Simd for $name {
            type T = $t;
            type P = $t;
            type V = [$t; $lanes];
            const LANES: usize = $lanes;
            const ROWS: usize = 6;

            #[inline(always)]
            fn pack(first: $t, _: $t) -> $t {
                first
            }

            #[inline(always)]
            unsafe fn zero() -> Self::V {
                [0.; $lanes]
            }

            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self::V {
                // SAFETY: the caller vouches for `LANES` numbers.
                unsafe { from.cast::<Self::V>().read_unaligned() }
            }

            #[inline(always)]
            unsafe fn store(to: *mut $t, v: Self::V) {
                // SAFETY: the caller vouches for `LANES` numbers.
                unsafe { to.cast::<Self::V>().write_unaligned(v) }
            }

            #[inline(always)]
            unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| a[i] + b[i])
            }

            #[inline(always)]
            unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| a[i] - b[i])
            }

            #[inline(always)]
            unsafe fn packed(from: *const $t) -> Self::V {
                // SAFETY: the caller vouches for `LANES` numbers.
                unsafe { Self::load(from) }
            }

            #[inline(always)]
            unsafe fn broadcast(from: *const $t) -> Self::V {
                // SAFETY: the caller vouches for one number.
                [unsafe { *from }; $lanes]
            }

            #[inline(always)]
            unsafe fn splat(v: $t) -> Self::V {
                [v; $lanes]
            }

            #[inline(always)]
            unsafe fn multiply_add(acc: Self::V, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| acc[i] + a[i] * b[i])
            }

            #[inline(always)]
            unsafe fn fma(acc: Self::V, a: Self::V, b: Self::V) -> Self::V {
                std::array::from_fn(|i| acc[i] + a[i] * b[i])
            }

            #[inline(always)]
            unsafe fn vectorize<F: Task>(task: F) -> F::Out {
                task.run()
            }
        }
    };
}

arrays!(F32, f32, 4);
arrays!(F64, f64, 2);
