//! Compares what was computed with what a fixture expects (FORMAT.md, "How a fixture passes").

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use candle_core::{DType, Tensor};
use rayon::prelude::*;

use super::{
    fixture::{Digest, Expected, Fixture},
    values::{fnv1a64, unit},
};

/// Numbers summed at once: a fixed division, so that sums do not depend on threads.
const CHUNK: usize = 1 << 16;

/// The comparison of one fixture in one precision.
pub struct Check<'a> {
    fixture: &'a str,
    expected: &'a std::collections::BTreeMap<String, Expected>,
    tolerances: &'a std::collections::BTreeMap<String, f64>,
    dtype: DType,
    seen: BTreeSet<String>,
    outcome: Outcome,
}

/// How far a fixture's numbers were off.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Largest deviation as a share of what is allowed; passes up to 1.
    pub worst_share: f64,
    /// Relative deviation of that entry.
    pub worst_deviation: f64,
    /// The entry.
    pub worst_entry: String,
    /// Entries that are off.
    pub failures: Vec<String>,
    /// Entries compared.
    pub entries: usize,
}

impl<'a> Check<'a> {
    /// Nothing compared yet.
    pub fn new(fixture: &'a Fixture, dtype: DType) -> Self {
        let outcome = Outcome {
            worst_share: 0.,
            worst_deviation: 0.,
            worst_entry: String::new(),
            failures: Vec::new(),
            entries: 0,
        };
        Self {
            fixture: &fixture.manifest.fixture,
            expected: &fixture.expected,
            tolerances: &fixture.tolerances,
            dtype,
            seen: BTreeSet::new(),
            outcome,
        }
    }

    /// Whether the fixture has an entry called `name`.
    pub fn expects(&self, name: &str) -> bool {
        self.expected.contains_key(name)
    }

    /// Compares a number.
    ///
    /// # Errors
    /// When the fixture has no such number.
    pub fn number(&mut self, name: &str, found: f64) -> Result<()> {
        let Some(Expected::Number(expected)) = self.expected.get(name) else {
            bail!("{}: no number {name:?} is expected", self.fixture);
        };
        let allowed = self.relative(name)? * expected.abs();
        self.record(name, [(found - expected).abs()], allowed.max(1e-12), expected.abs());
        Ok(())
    }

    /// Compares a tensor's digest; `slack` is allowed in absolute terms besides.
    ///
    /// # Errors
    /// When the fixture has no such tensor, or one of another shape.
    pub fn tensor(&mut self, name: &str, found: &Tensor, slack: f64) -> Result<()> {
        let Some(Expected::Digest(digest)) = self.expected.get(name) else {
            bail!("{}: no tensor {name:?} is expected", self.fixture);
        };
        if found.dims() != digest.shape {
            let (fixture, dims) = (self.fixture, found.dims());
            bail!("{fixture}: {name} has shape {dims:?}, expected {:?}", digest.shape);
        }
        let numbers = found.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        let deviations = self.deviations(name, digest, &numbers)?;
        let slack = if self.dtype == DType::F32 { slack } else { 0. };
        let allowed = (self.relative(name)? * digest.rms).max(1e-12).max(slack);
        self.record(name, deviations, allowed, digest.rms);
        Ok(())
    }

    /// The verdict, once everything was compared.
    ///
    /// # Errors
    /// Names an expected entry that was never computed.
    pub fn finish(&self) -> Result<Outcome> {
        match self.expected.keys().find(|name| !self.seen.contains(*name)) {
            Some(name) => bail!("{}: {name:?} is expected and was not computed", self.fixture),
            None => Ok(self.outcome.clone()),
        }
    }

    fn relative(&self, name: &str) -> Result<f64> {
        if self.dtype != DType::F32 {
            return Ok(1e-9);
        }
        match self.tolerances.get(name) {
            Some(tolerance) => Ok((20. * tolerance).max(1e-5)),
            None => bail!("{}: no tolerance for {name:?}", self.fixture),
        }
    }

    fn deviations(&self, name: &str, digest: &Digest, numbers: &[f64]) -> Result<Vec<f64>> {
        let sums: Vec<_> = numbers
            .par_chunks(CHUNK)
            .map(|c| (c.iter().sum::<f64>(), c.iter().map(|x| x * x).sum::<f64>()))
            .collect();
        let n = numbers.len().max(1) as f64;
        let mean = sums.iter().map(|s| s.0).sum::<f64>() / n;
        let rms = (sums.iter().map(|s| s.1).sum::<f64>() / n).sqrt();
        let mut deviations = vec![(mean - digest.mean).abs(), (rms - digest.rms).abs()];
        match (&digest.all, &digest.at) {
            (Some(all), None) if all.len() == numbers.len() => {
                deviations.extend(all.iter().zip(numbers).map(|(a, b)| (a - b).abs()));
            }
            (None, Some(at)) => {
                let hash = fnv1a64(&format!("{}/{name}#pos", self.fixture));
                for (k, expected) in at.iter().enumerate() {
                    let position = (unit(hash, k as u64) * numbers.len() as f64) as usize;
                    deviations.push((numbers[position] - expected).abs());
                }
            }
            _ => bail!("{}: the digest of {name:?} is not of a known form", self.fixture),
        }
        Ok(deviations)
    }

    fn record(
        &mut self,
        name: &str,
        deviations: impl IntoIterator<Item = f64>,
        allowed: f64,
        unit: f64,
    ) {
        // NaN must not pass for a small number.
        let nan_is_worst = |x: f64| if x.is_nan() { f64::INFINITY } else { x };
        let worst = deviations.into_iter().map(nan_is_worst).fold(0., f64::max);
        self.seen.insert(name.to_owned());
        self.outcome.entries += 1;
        let share = worst / allowed;
        if share > 1. {
            self.outcome
                .failures
                .push(format!("{name}: off by {worst:.3e}, allowed {allowed:.3e}"));
        }
        if share >= self.outcome.worst_share {
            self.outcome.worst_share = share;
            self.outcome.worst_deviation = worst / unit.max(f64::MIN_POSITIVE);
            self.outcome.worst_entry = name.to_owned();
        }
    }
}
