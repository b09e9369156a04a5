//! Schedules: pure functions of the training step, so that resuming needs no replay.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// 0 before `start`, then rising linearly to 1 within `ramp` steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ramp {
    /// First step (from 1) with a positive value; 0 is as good as 1.
    pub start: u64,
    /// Length of the rise; 0 jumps.
    pub ramp: u64,
}

impl Ramp {
    /// The value at `step`, counted from 1.
    pub fn at(self, step: u64) -> f64 {
        match step.checked_sub(self.start.max(1)) {
            None => 0.,
            Some(since) => ((since + 1) as f64 / (self.ramp + 1) as f64).min(1.),
        }
    }
}

/// How the learning rate changes over a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LrSchedule {
    /// The same at every step.
    Constant,
    /// A linear rise within `warmup` steps, then a half cosine down to `floor` times the rate.
    Cosine {
        /// Steps of the rise.
        warmup: u64,
        /// What is left of the rate after the last step.
        floor: f64,
    },
    /// Multiplied by `gamma` after every `every` steps.
    Step {
        /// Steps between two changes.
        every: u64,
        /// Factor of a change.
        gamma: f64,
    },
    /// The full rate for `constant` steps and one more, then down in equal parts, to two of them at
    /// step `length`.
    Linear {
        /// Steps before the last one at the full rate.
        constant: u64,
        /// Steps in all.
        length: u64,
    },
}

impl LrSchedule {
    /// Checks the numbers.
    ///
    /// # Errors
    /// When one is out of range.
    pub fn check(self, field: &str) -> Result<()> {
        match self {
            Self::Cosine { floor, .. } if !(0. ..=1.).contains(&floor) => {
                Err(Error::setting(format!("{field}.cosine.floor"), floor, "0 to 1"))
            }
            Self::Step { every: 0, .. } => {
                Err(Error::setting(format!("{field}.step.every"), 0, "at least 1"))
            }
            Self::Step { gamma, .. } if !(gamma > 0. && gamma.is_finite()) => {
                Err(Error::setting(format!("{field}.step.gamma"), gamma, "a positive number"))
            }
            Self::Linear { constant, length } if length <= constant => {
                let allowed = format!("more than its constant {constant}");
                Err(Error::setting(format!("{field}.linear.length"), length, allowed))
            }
            _ => Ok(()),
        }
    }

    /// The factor on the base rate at `step` (from 1) of `steps`.
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        match self {
            Self::Constant => 1.,
            Self::Cosine { warmup, .. } if step <= warmup => step as f64 / (warmup + 1) as f64,
            Self::Cosine { warmup, floor } => {
                let done = (step - 1 - warmup) as f64 / (steps - warmup).max(1) as f64;
                floor + (1. - floor) * 0.5 * (1. + (std::f64::consts::PI * done.min(1.)).cos())
            }
            Self::Step { every, gamma } => gamma.powf(((step - 1) / every) as f64),
            Self::Linear { constant, length } => {
                let past = (step - 1).saturating_sub(constant) as f64;
                (1. - past / (length - constant + 1) as f64).max(0.)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramp_rises_from_its_start() {
        let ramp = Ramp { start: 10, ramp: 3 };
        let values: Vec<_> = [9, 10, 11, 13, 20].into_iter().map(|s| ramp.at(s)).collect();
        assert_eq!(values, [0., 0.25, 0.5, 1., 1.]);
        assert_eq!(Ramp { start: 0, ramp: 0 }.at(1), 1.);
        assert_eq!(Ramp { start: 0, ramp: 1 }.at(1), 0.5);
    }

    #[test]
    fn cosine_warms_up_and_ends_near_its_floor() {
        let cosine = LrSchedule::Cosine { warmup: 10, floor: 0.1 };
        assert!(cosine.factor(1, 100) < 0.1);
        assert_eq!(cosine.factor(11, 100), 1.);
        assert!((cosine.factor(100, 100) - 0.1).abs() < 1e-3);
        assert_eq!(LrSchedule::Step { every: 3000, gamma: 0.97 }.factor(3001, 9000), 0.97);
    }

    #[test]
    fn linear_keeps_the_rate_and_ends_above_0() {
        let linear = LrSchedule::Linear { constant: 600, length: 1200 };
        assert_eq!((linear.factor(601, 1200), linear.factor(602, 1200)), (1., 1. - 1. / 601.));
        assert!((linear.factor(1200, 1200) - 2. / 601.).abs() < 1e-12);
        assert!(LrSchedule::Linear { constant: 3, length: 3 }.check("schedule").is_err());
    }
}
