//! The features of a set of images, and the way to them.

use candle_core::{Error, Result, bail};
use cir_core::Image;

use super::Moments;

/// One row of features for each image, all kept: for distances between images. Where only mean and
/// covariance are needed, [`Moments`] need no memory for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    name: String,
    width: usize,
    numbers: Vec<f64>,
}

impl Features {
    /// None yet, of rows of `width` numbers; `name` says what makes them, in protocols.
    pub fn new(name: impl Into<String>, width: usize) -> Self {
        Self { name: name.into(), width, numbers: Vec::new() }
    }

    /// What makes them.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a row for each image.
    ///
    /// # Errors
    /// When a row has another width, or a number is not finite; then nothing is added.
    pub fn add<R: AsRef<[T]>, T: Copy + Into<f64>>(&mut self, rows: &[R]) -> Result<()> {
        self.numbers.extend(checked(rows, self.width)?);
        Ok(())
    }

    /// Images.
    pub fn rows(&self) -> usize {
        self.numbers.len() / self.width.max(1)
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The features of image `i`.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.numbers[i * self.width..(i + 1) * self.width]
    }

    /// These images, in this order.
    #[must_use]
    pub fn select(&self, images: &[usize]) -> Self {
        let numbers = images.iter().flat_map(|&i| self.row(i)).copied().collect();
        Self { name: self.name.clone(), numbers, ..*self }
    }

    /// Their mean and covariance.
    ///
    /// # Errors
    /// As [`Moments::add`], where rows that were added here fit.
    pub fn moments(&self) -> Result<Moments> {
        let mut moments = Moments::new(&self.name, self.width);
        for rows in self.numbers.chunks(BLOCK * self.width.max(1)) {
            moments.add(&rows.chunks(self.width.max(1)).collect::<Vec<_>>())?;
        }
        Ok(moments)
    }

    /// All rows, one behind the other.
    pub(super) fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// Fails unless both are of one kind and of at least `least` images.
    pub(super) fn check(&self, other: &Self, least: usize) -> Result<()> {
        same_kind((&self.name, self.width), (&other.name, other.width))?;
        if self.rows().min(other.rows()) < least {
            let (a, b) = (self.rows(), other.rows());
            bail!("features of {a} and {b} images; {least} and more of each are allowed");
        }
        Ok(())
    }
}

/// Fails unless name and width are the same.
pub(super) fn same_kind(a: (&str, usize), b: (&str, usize)) -> Result<()> {
    if a != b {
        bail!("{} features of width {}, and {} of width {}", a.0, a.1, b.0, b.1);
    }
    Ok(())
}

/// Rows that are worked on at a time.
pub(super) const BLOCK: usize = 256;

/// The numbers of rows, one behind the other.
pub(super) fn checked<R: AsRef<[T]>, T: Copy + Into<f64>>(
    rows: &[R],
    width: usize,
) -> Result<Vec<f64>> {
    let mut numbers = Vec::with_capacity(rows.len() * width);
    for (i, row) in rows.iter().enumerate() {
        let row = row.as_ref();
        if row.len() != width || width == 0 {
            bail!("row {i} of features has {} numbers; {width}, not 0, are expected", row.len());
        }
        numbers.extend(row.iter().map(|&x| x.into()));
    }
    match numbers.iter().position(|x: &f64| !x.is_finite()) {
        Some(at) => bail!("feature {} of row {} is {}", at % width, at / width, numbers[at]),
        None => Ok(numbers),
    }
}

/// Hands the features of images, `batch` at a time, to `take`; returns how many images there were.
///
/// `extract` makes one row of each image; `take` may fill several sets at once:
/// `|rows| { moments.add(rows)?; features.add(rows) }`.
///
/// # Errors
/// When an image, `extract` or `take` fails, `batch` is 0, or `extract` returns another number of rows than
/// it was given images.
pub fn features_of<E: From<Error>>(
    images: impl IntoIterator<Item = std::result::Result<Image, E>>,
    batch: usize,
    mut extract: impl FnMut(&[Image]) -> Result<Vec<Vec<f32>>>,
    mut take: impl FnMut(&[Vec<f32>]) -> Result<()>,
) -> std::result::Result<usize, E> {
    if batch == 0 {
        return Err(Error::msg("batches of 0 images; 1 and more are allowed").into());
    }
    let (mut images, mut count) = (images.into_iter(), 0);
    loop {
        let some = images.by_ref().take(batch).collect::<std::result::Result<Vec<_>, E>>()?;
        if some.is_empty() {
            return Ok(count);
        }
        let rows = extract(&some)?;
        if rows.len() != some.len() {
            let text = format!("{} rows of features of {} images", rows.len(), some.len());
            return Err(Error::msg(text).into());
        }
        take(&rows)?;
        count += some.len();
    }
}
