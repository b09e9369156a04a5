//! Read-back accuracy: what a synthesised picture shows, read by rendering.
//!
//! Where any combination can be rendered, a picture is read attribute by attribute: the value whose
//! rendering lies nearest (mean squared difference), the other attributes held at their true values.

use cir_core::Image;
use serde::Serialize;

use crate::images::mean_square;

/// Accumulates readings over pictures.
#[derive(Debug, Clone)]
pub struct ReadBack {
    values: Vec<usize>,
    right: Vec<usize>,
    all_right: usize,
    l1: f64,
    count: usize,
}

/// What was read so far.
#[derive(Debug, Clone, Serialize)]
pub struct Reading {
    /// Share of pictures in which each attribute was read right.
    pub accuracy: Vec<f64>,
    /// Share of pictures in which all were.
    pub all: f64,
    /// Mean absolute difference to the true rendering, as a share of the full range.
    pub l1: f64,
    /// Pictures read.
    pub count: usize,
    /// As a [`crate::Score`]'s.
    pub protocol: String,
}

impl ReadBack {
    /// For attributes with the given numbers of values.
    pub fn new(values: Vec<usize>) -> Self {
        Self { right: vec![0; values.len()], values, all_right: 0, l1: 0., count: 0 }
    }

    /// Reads one picture that should show `truth`; `render` gives the true picture of a
    /// combination, or `None` where a combination does not exist. Returns the values read.
    ///
    /// # Errors
    /// When the truth cannot be rendered or sizes differ, and what `render` returns.
    pub fn read<E: From<candle_core::Error>>(
        &mut self,
        picture: &Image,
        truth: &[u16],
        mut render: impl FnMut(&[u16]) -> std::result::Result<Option<Image>, E>,
    ) -> std::result::Result<Vec<u16>, E> {
        let Some(true_picture) = render(truth)? else {
            return Err(candle_core::Error::msg(format!("no rendering of {truth:?}")).into());
        };
        let mut read = truth.to_vec();
        for (attribute, &values) in self.values.iter().enumerate() {
            let mut nearest = mean_square(picture, &true_picture)?;
            for value in (0..values as u16).filter(|&v| v != truth[attribute]) {
                let mut labels = truth.to_vec();
                labels[attribute] = value;
                let Some(candidate) = render(&labels)? else { continue };
                let distance = mean_square(picture, &candidate)?;
                // A tie counts against the picture: identical renderings cannot be told apart.
                if distance <= nearest {
                    (nearest, read[attribute]) = (distance, value);
                }
            }
            self.right[attribute] += usize::from(read[attribute] == truth[attribute]);
        }
        self.all_right += usize::from(read == truth);
        self.l1 += picture.l1(&true_picture)?;
        self.count += 1;
        Ok(read)
    }

    /// The shares so far; `of` says in the protocol which pictures these are.
    pub fn reading(&self, of: &str) -> Reading {
        let share = |n: usize| n as f64 / self.count.max(1) as f64;
        Reading {
            accuracy: self.right.iter().map(|&n| share(n)).collect(),
            all: share(self.all_right),
            l1: self.l1 / self.count.max(1) as f64,
            count: self.count,
            protocol: format!("read-back 1 nearest=mean-square {of} pictures={}", self.count),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Result;

    use super::*;

    /// Two attributes, three values each: the grey levels of the two halves of a picture.
    fn render(labels: &[u16]) -> Result<Option<Image>> {
        Ok(Some(Image::new(1, 1, 2, labels.iter().map(|&l| 100 * l as u8).collect())?))
    }

    fn read(picture: [u8; 2], truth: [u16; 2]) -> (Vec<u16>, Reading) {
        let mut read_back = ReadBack::new(vec![3, 3]);
        let picture = Image::new(1, 1, 2, picture.to_vec()).unwrap();
        let read = read_back.read(&picture, &truth, render).unwrap();
        (read, read_back.reading("of=halves seed=1"))
    }

    #[test]
    fn a_perfect_picture_is_read_right() {
        let (_, reading) = read([100, 200], [1, 2]);
        assert_eq!((reading.accuracy, reading.all, reading.l1), (vec![1., 1.], 1., 0.));
        let protocol = "read-back 1 nearest=mean-square of=halves seed=1 pictures=1";
        assert_eq!(reading.protocol, protocol);
    }

    #[test]
    fn a_wrong_attribute_is_read_as_what_it_shows() {
        let (read, reading) = read([100, 10], [1, 2]);
        assert_eq!(read, [1, 0]);
        assert_eq!((reading.accuracy, reading.all), (vec![1., 0.], 0.));
    }

    #[test]
    fn a_picture_between_two_values_counts_as_wrong() {
        assert_eq!(read([50, 0], [0, 0]).1.accuracy, [0., 1.]);
    }
}
