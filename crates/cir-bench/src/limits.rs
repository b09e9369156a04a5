//! What the machine can do at best: multiply-adds, and memory moved.

use anyhow::Result;
use rayon::prelude::*;

use crate::Work;

/// Multiply-adds in registers, on all threads.
pub(crate) fn multiply_add() -> Result<Work> {
    const COUNT: usize = 1 << 32;
    let threads = rayon::current_num_threads();
    let all = move || -> candle_core::Result<f64> {
        (0..threads).into_par_iter().map(|_| cir_ops::multiply_adds(COUNT)).sum()
    };
    let count = all()?;
    let run = move || {
        all()?;
        Ok(())
    };
    Ok(Work { run: Box::new(run), amount: Some(count) })
}

/// a = b + 3·c over vectors that no cache holds.
pub(crate) fn triad() -> Work {
    const COUNT: usize = 1 << 25;
    const CHUNK: usize = 1 << 16;
    let (mut a, b, c) = (vec![0f32; COUNT], vec![1f32; COUNT], vec![2f32; COUNT]);
    let run = move || {
        let from = b.par_chunks(CHUNK).zip(c.par_chunks(CHUNK));
        a.par_chunks_mut(CHUNK).zip(from).for_each(|(a, (b, c))| {
            a.iter_mut().zip(b.iter().zip(c)).for_each(|(a, (b, c))| *a = b + 3. * c);
        });
        std::hint::black_box(&mut a);
        Ok(())
    };
    Work { run: Box::new(run), amount: Some((3 * COUNT * size_of::<f32>()) as f64) }
}
