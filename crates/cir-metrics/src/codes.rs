//! What metrics of representations are computed from: latents of labelled images.

use std::ops::Range;

use candle_core::{Result, bail};
use cir_core::{Labels, rng};
use rand::seq::SliceRandom;

use crate::statistics::{constant, mean, range};

/// The codes of n images, each a row of `width` numbers, and the images' labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Codes {
    width: usize,
    numbers: Vec<f64>,
    labels: Vec<Labels>,
    values: Vec<usize>,
}

impl Codes {
    /// Codes row by row, the labels of every image, and how many values each attribute has.
    ///
    /// # Errors
    /// When there is no image, their numbers are not `width` for each, an image has another number of
    /// labels or one that its attribute has not, or a number is not finite.
    pub fn new(
        width: usize,
        numbers: Vec<f64>,
        labels: Vec<Labels>,
        values: Vec<usize>,
    ) -> Result<Self> {
        let rows = labels.len();
        if rows == 0 || width == 0 || numbers.len() != rows * width {
            bail!("{} numbers for the codes of {rows} images of width {width}", numbers.len());
        }
        for (i, row) in labels.iter().enumerate() {
            let fits = row.iter().zip(&values).all(|(&label, &n)| usize::from(label) < n);
            if row.len() != values.len() || !fits {
                bail!("labels {row:?} of image {i}, of attributes with {values:?} values");
            }
        }
        if let Some(at) = numbers.iter().position(|x| !x.is_finite()) {
            bail!("number {} of the code of image {} is {}", at % width, at / width, numbers[at]);
        }
        Ok(Self { width, numbers, labels, values })
    }

    /// Images.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Numbers of a code.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many values each attribute has.
    pub fn values(&self) -> &[usize] {
        &self.values
    }

    /// The code of image `i`.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.numbers[i * self.width..(i + 1) * self.width]
    }

    /// Number `j` of all codes.
    pub fn column(&self, j: usize) -> Vec<f64> {
        (0..self.rows()).map(|i| self.row(i)[j]).collect()
    }

    /// Attribute `a` of all images.
    pub fn labels(&self, a: usize) -> Vec<usize> {
        self.labels.iter().map(|row| usize::from(row[a])).collect()
    }

    /// These images, in this order; one may come several times.
    #[must_use]
    pub fn select(&self, images: &[usize]) -> Self {
        let numbers = images.iter().flat_map(|&i| self.row(i)).copied().collect();
        let labels = images.iter().map(|&i| self.labels[i].clone()).collect();
        Self { numbers, labels, values: self.values.clone(), ..*self }
    }

    /// Only these numbers of every code.
    ///
    /// # Errors
    /// When the range is empty or ends beyond the codes.
    pub fn block(&self, range: &Range<usize>) -> Result<Self> {
        if range.is_empty() || range.end > self.width {
            bail!("block {range:?} of codes of width {}", self.width);
        }
        let numbers = (0..self.rows()).flat_map(|i| &self.row(i)[range.clone()]).copied().collect();
        let (labels, values) = (self.labels.clone(), self.values.clone());
        Ok(Self { width: range.len(), numbers, labels, values })
    }

    /// Two halves drawn from `seed`: to learn from and to judge by.
    ///
    /// # Errors
    /// When there are fewer than two images.
    pub fn halves(&self, seed: u64) -> Result<[Self; 2]> {
        if self.rows() < 2 {
            bail!("a single image cannot be divided into those to learn from and to judge by");
        }
        let mut order: Vec<_> = (0..self.rows()).collect();
        order.shuffle(&mut rng(seed, "halves", 0));
        let (learn, judge) = order.split_at(self.rows() / 2);
        Ok([self.select(learn), self.select(judge)])
    }

    /// The images of each value of attribute `a`.
    pub(crate) fn groups(&self, a: usize) -> Vec<Vec<usize>> {
        let mut groups = vec![Vec::new(); self.values[a]];
        self.labels(a).into_iter().enumerate().for_each(|(i, label)| groups[label].push(i));
        groups
    }

    /// Each number's mean and standard deviation over the images; 0 where only rounding differs.
    pub(crate) fn scales(&self) -> Vec<[f64; 2]> {
        let scale = |j| {
            let column = self.column(j);
            let centre = mean(column.iter().copied());
            let deviation = mean(column.iter().map(|x| (x - centre).powi(2))).sqrt();
            [centre, if constant(range(column.into_iter())) { 0. } else { deviation }]
        };
        (0..self.width).map(scale).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let of = |numbers: &[f64], labels: &[&[u16]]| {
            let labels = labels.iter().map(|row| row.to_vec()).collect();
            Codes::new(2, numbers.to_vec(), labels, vec![2, 3]).map_err(|e| e.to_string())
        };
        assert!(of(&[1., 2., 3.], &[&[0, 0], &[1, 2]]).unwrap_err().contains("3 numbers"));
        assert!(of(&[], &[]).is_err());
        assert!(of(&[1., 2.], &[&[0, 3]]).unwrap_err().contains("labels [0, 3] of image 0"));
        assert!(of(&[1., 2.], &[&[0]]).unwrap_err().contains("labels [0]"));
        let error = of(&[1., 2., 3., f64::NAN], &[&[0, 0], &[0, 0]]).unwrap_err();
        assert!(error.contains("number 1 of the code of image 1 is NaN"), "{error}");
        let codes = of(&[1., 2., 3., 4.], &[&[0, 0], &[1, 2]]).unwrap();
        assert!(codes.block(&(1..3)).unwrap_err().to_string().contains("1..3"));
        assert_eq!(codes.block(&(1..2)).unwrap().column(0), [2., 4.]);
        assert_eq!(codes.select(&[1, 1]).labels(1), [2, 2]);
    }

    #[test]
    fn rounding_is_no_deviation() {
        let codes = Codes::new(1, vec![0.1; 2048], vec![vec![0]; 2048], vec![1]).unwrap();
        assert_eq!(codes.scales()[0][1], 0.);
    }

    #[test]
    fn halves_have_every_image_once() {
        let labels = (0..7).map(|i| vec![i]).collect();
        let codes = Codes::new(1, (0..7).map(f64::from).collect(), labels, vec![7]).unwrap();
        let [learn, judge] = codes.halves(3).unwrap();
        let mut all = [learn.labels(0), judge.labels(0)].concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5, 6]);
        assert_ne!(learn, codes.halves(4).unwrap()[0]);
    }
}
