//! Mean and covariance of features that come batch by batch.

use candle_core::Result;
use faer::{Accum, Mat, MatRef, Par, linalg::matmul::matmul};

use super::features::{checked, same_kind};

/// Number, mean and covariance of rows, without the rows.
///
/// Batches are joined by Chan, Golub and LeVeque (*Algorithms for Computing the Sample Variance*, The
/// American Statistician 1983, equation 2.1): sums of squared deviations from each batch's own mean, plus
/// what the means differ by. Nothing large is subtracted, wherever the mean lies.
#[derive(Debug, Clone)]
pub struct Moments {
    name: String,
    n: usize,
    mean: Vec<f64>,
    /// Σ (x - mean)(x - mean)ᵀ.
    squares: Mat<f64>,
}

impl Moments {
    /// Of no rows, which will have `width` numbers; `name` says what makes them, in protocols.
    pub fn new(name: impl Into<String>, width: usize) -> Self {
        let (mean, squares) = (vec![0.; width], Mat::zeros(width, width));
        Self { name: name.into(), n: 0, mean, squares }
    }

    /// Adds a row for each image; in larger batches it takes less time.
    ///
    /// # Errors
    /// When a row has another width, or a number is not finite; then nothing is added.
    pub fn add<R: AsRef<[T]>, T: Copy + Into<f64>>(&mut self, rows: &[R]) -> Result<()> {
        let width = self.width();
        let mut numbers = checked(rows, width)?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut mean = vec![0.; width];
        for row in numbers.chunks_exact(width) {
            mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x / rows.len() as f64);
        }
        for row in numbers.chunks_exact_mut(width) {
            row.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
        }
        // One row more stands for the difference of the means.
        numbers.extend(self.join(rows.len(), &mean));
        let rows = MatRef::from_row_major_slice(&numbers, rows.len() + 1, width);
        matmul(&mut self.squares, Accum::Add, rows.transpose(), rows, 1., Par::Seq);
        Ok(())
    }

    /// Adds all rows of the other.
    ///
    /// # Errors
    /// When their rows are of another kind or width.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        same_kind((&self.name, self.width()), (&other.name, other.width()))?;
        if other.n == 0 {
            return Ok(());
        }
        let apart = self.join(other.n, &other.mean);
        for j in 0..self.width() {
            for i in 0..self.width() {
                self.squares[(i, j)] += other.squares[(i, j)] + apart[i] * apart[j];
            }
        }
        Ok(())
    }

    /// Moves number and mean; the row returned has the squares that are owed to the means' difference.
    fn join(&mut self, n: usize, mean: &[f64]) -> Vec<f64> {
        let (old, new) = (self.n as f64, n as f64);
        self.n += n;
        let join = |(own, mean): (&mut f64, &f64)| {
            let apart = mean - *own;
            *own += apart * new / (old + new);
            apart * (old * new / (old + new)).sqrt()
        };
        self.mean.iter_mut().zip(mean).map(join).collect()
    }

    /// What makes the rows.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Images.
    pub fn rows(&self) -> usize {
        self.n
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.mean.len()
    }

    /// The mean row.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The unbiased covariance of numbers `i` and `j`; 0 of a single row.
    pub fn covariance(&self, i: usize, j: usize) -> f64 {
        self.squares[(i, j)] / self.n.saturating_sub(1).max(1) as f64
    }

    /// The whole covariance.
    pub(super) fn covariances(&self) -> Mat<f64> {
        Mat::from_fn(self.width(), self.width(), |i, j| self.covariance(i, j))
    }
}
