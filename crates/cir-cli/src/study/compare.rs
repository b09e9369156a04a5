//! Settings compared, seed by seed.

use anyhow::Result;
use cir_metrics::{Difference, Summary, Verdict};

use super::{
    file::{Role, Setting, Study},
    results::Results,
};

/// What a setting changes of every metric against another.
pub(super) struct Comparison<'a> {
    pub(super) setting: &'a str,
    pub(super) against: &'a str,
    /// Those that both were trained with.
    pub(super) seeds: Vec<u64>,
    /// By metric, in the study's order.
    pub(super) differences: Vec<Difference>,
    /// Metrics that were measured otherwise in one than in the other, as their protocols say.
    pub(super) unlike: Vec<&'a str>,
}

/// All comparisons that the study asks for and that have a seed.
pub(super) fn comparisons<'a>(
    study: &'a Study,
    results: &Results,
    role: Role,
) -> Result<Vec<Comparison<'a>>> {
    let mut found = Vec::new();
    for setting in study.trained(role).map(|i| &study.settings[i]) {
        for against in &setting.against {
            let comparison = comparison(study, results, role, setting, against)?;
            found.extend(comparison);
        }
    }
    Ok(found)
}

fn comparison<'a>(
    study: &'a Study,
    results: &Results,
    role: Role,
    setting: &'a Setting,
    against: &'a str,
) -> Result<Option<Comparison<'a>>> {
    let both = |&seed: &u64| {
        [&*setting.name, against].iter().all(|name| results.row(name, seed).is_some())
    };
    let seeds: Vec<_> = study.seeds(role).iter().copied().filter(both).collect();
    let difference = |metric: &str| -> Result<Option<Difference>> {
        let values = |name: &str| results.values(name, metric, &seeds);
        let pairs = values(&setting.name).zip(values(against));
        Ok(pairs.map(|(new, old)| Difference::of(&new, &old)).transpose()?)
    };
    if seeds.is_empty() {
        return Ok(None);
    }
    let unlike = study.metrics.iter().filter(|metric| {
        let protocol =
            |name, seed| results.row(name, seed)?.scores.get(&metric.at)?.protocol.as_ref();
        seeds.iter().any(|&seed| protocol(&*setting.name, seed) != protocol(against, seed))
    });
    let unlike = unlike.map(|metric| &*metric.name).collect();
    let differences = study.metrics.iter().map(|metric| difference(&metric.at));
    let differences: Option<Vec<_>> = differences.collect::<Result<_>>()?;
    Ok(differences.map(|differences| Comparison {
        setting: &setting.name,
        against,
        seeds,
        differences,
        unlike,
    }))
}

/// A setting's values of a metric over the seeds of a role that it has been trained with, if any.
pub(super) fn summary(
    study: &Study,
    results: &Results,
    role: Role,
    setting: &str,
    metric: &str,
) -> Option<Summary> {
    let trained = |&seed: &u64| results.row(setting, seed).is_some();
    let seeds: Vec<_> = study.seeds(role).iter().copied().filter(trained).collect();
    let values = results.values(setting, metric, &seeds)?;
    (!values.is_empty()).then(|| Summary::of(&values))
}

impl Comparison<'_> {
    /// The names of the metrics of which it says this.
    pub(super) fn metrics<'s>(&self, study: &'s Study, verdict: Verdict) -> Vec<&'s str> {
        let all = study.metrics.iter().zip(&self.differences);
        let said = all.filter(|(metric, found)| found.verdict(metric.better) == verdict);
        said.map(|(metric, _)| &*metric.name).collect()
    }
}
