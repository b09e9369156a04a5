//! A reader with what it is worth: its accuracy on pictures that it has not learnt from.

use candle_core::Result;
use cir_core::{Image, Labels, Schema, rng};
use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};

use crate::{Reader, accuracy};

/// Pictures on which a reader is examined.
const EXAMINED: usize = 1024;

/// How a training is scored: a section of every recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationConfig {
    /// Training steps of the classifier that reads the pictures a model made.
    pub reader_steps: u64,
}

impl EvaluationConfig {
    /// Checks the values.
    ///
    /// # Errors
    /// When the classifier would learn nothing.
    pub fn check(&self) -> cir_core::Result<()> {
        match self.reader_steps {
            0 => Err(cir_core::Error::setting("evaluation.reader_steps", 0, "at least 1")),
            _ => Ok(()),
        }
    }
}

/// Reads the attributes of what a model made.
#[derive(Debug, Clone)]
pub struct Judge {
    reader: Reader,
    accuracy: Vec<f64>,
    protocol: String,
}

impl Judge {
    /// A reader trained for `steps` steps on the pictures numbered `learnt`, and examined on some of
    /// those numbered `unseen`; as [`Reader::train`].
    ///
    /// # Errors
    /// When there is no picture, sizes differ, and what `example` returns.
    pub fn train<E: From<candle_core::Error>>(
        schema: &Schema,
        [learnt, unseen]: [&[usize]; 2],
        steps: u64,
        seed: u64,
        mut example: impl FnMut(usize) -> std::result::Result<(Image, Labels), E>,
    ) -> std::result::Result<Self, E> {
        let reader = Reader::train(schema, learnt, steps, seed, &mut example)?;
        let mut rng = rng(seed, "examination", 0);
        let unseen = unseen.choose_multiple(&mut rng, EXAMINED).map(|&i| example(i));
        let (pictures, truth): (Vec<_>, Vec<_>) =
            unseen.collect::<std::result::Result<Vec<_>, E>>()?.into_iter().unzip();
        let accuracy = accuracy(&reader.read(&pictures)?, &truth);
        let protocol = format!("reader(steps={steps} learnt={} seed={seed})", learnt.len());
        Ok(Self { reader, accuracy, protocol })
    }

    /// The value of every attribute of each picture.
    ///
    /// # Errors
    /// When a picture has another size than those learnt from.
    pub fn read(&self, pictures: &[Image]) -> Result<Vec<Labels>> {
        self.reader.read(pictures)
    }

    /// The probability of every value of every attribute of each picture; as [`Reader::probabilities`].
    ///
    /// # Errors
    /// When a picture has another size than those learnt from.
    pub fn probabilities(&self, pictures: &[Image]) -> Result<Vec<Vec<Vec<f64>>>> {
        self.reader.probabilities(pictures)
    }

    /// How it was trained, as it stands in the protocols of what it judged.
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// For each attribute the share of unseen pictures that are read right.
    pub fn accuracy(&self) -> &[f64] {
        &self.accuracy
    }
}
