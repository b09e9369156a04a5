//! A study's file: what is compared, with which seeds, judged by which metrics.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result, ensure};
use cir_metrics::Better;
use serde::Deserialize;

use crate::{
    eval,
    recipe::{Recipe, read},
    usage::usage,
};

/// The newest version of such files that this program understands.
const VERSION: i64 = 1;

/// A study, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Study {
    version: i64,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    /// A recipe's name, or its file.
    recipe: String,
    /// Fields set for all, as by `--set`.
    #[serde(default)]
    set: Vec<String>,
    /// Held-out cases that each run is scored on, as by `cir eval --count`.
    #[serde(default = "count")]
    pub(crate) count: u32,
    pub(crate) seeds: Seeds,
    pub(crate) settings: Vec<Setting>,
    pub(crate) metrics: Vec<Metric>,
    /// Its file, as it was read.
    #[serde(skip)]
    pub(crate) text: String,
    /// How it was made smaller than that, in words of the command line.
    #[serde(skip)]
    pub(crate) smaller: String,
}

/// Seeds of trainings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seeds {
    /// On which settings are chosen.
    #[serde(default)]
    pub(crate) choosing: Vec<u64>,
    /// On which those chosen are judged; never looked at before.
    #[serde(default)]
    pub(crate) judging: Vec<u64>,
}

/// What is compared.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setting {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    /// Fields set for it, after those for all.
    #[serde(default)]
    set: Vec<String>,
    /// The settings that it is compared with, by name.
    #[serde(default)]
    pub(crate) against: Vec<String>,
    /// Whether it is trained with the judging seeds, too.
    #[serde(default = "yes")]
    judged: bool,
}

/// What a run is judged by.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metric {
    pub(crate) name: String,
    /// Where it is in what `cir eval --json` prints: names and places, with points between.
    pub(crate) at: String,
    pub(crate) better: Better,
}

/// What a run's seed is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Choosing,
    Judging,
}

/// A study made smaller, to try it.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Smaller {
    /// Set a field of all recipes, after those of the study, such as train.steps=100 (can be given several
    /// times).
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    sets: Vec<String>,
    /// Only the first N seeds for choosing, and for judging.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    seeds: Option<u16>,
    /// Held-out cases to score, in place of the study's.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
}

impl std::fmt::Display for Smaller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sets = self.sets.iter().map(|set| format!("--set {set}"));
        let seeds = self.seeds.map(|seeds| format!("--seeds {seeds}"));
        let count = self.count.map(|count| format!("--count {count}"));
        f.write_str(&sets.chain(seeds).chain(count).collect::<Vec<_>>().join(" "))
    }
}

impl Role {
    /// As in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Choosing => "choosing",
            Self::Judging => "judging",
        }
    }
}

impl Study {
    /// The study in a file, made smaller.
    pub(crate) fn open(path: &Path, smaller: &Smaller) -> Result<Self> {
        let place = path.display();
        let text = std::fs::read_to_string(path).map_err(|e| usage(format!("{place}: {e}")))?;
        let table = text.parse().map_err(|e| usage(format!("{place}: {e}")))?;
        let mut study: Self = read("", table).map_err(|e| usage(format!("{place}: {e:#}")))?;
        for setting in &mut study.settings {
            setting.set.extend(smaller.sets.iter().cloned());
        }
        if let Some(seeds) = smaller.seeds {
            study.seeds.choosing.truncate(seeds.into());
            study.seeds.judging.truncate(seeds.into());
        }
        study.count = smaller.count.unwrap_or(study.count);
        study.check().map_err(|e| usage(format!("{place}: {e:#}")))?;
        Ok(Self { text, smaller: smaller.to_string(), ..study })
    }

    fn check(&self) -> Result<()> {
        let found = self.version;
        ensure!((1..=VERSION).contains(&found), "version: found {found}; allowed: 1 to {VERSION}");
        check_name("name", &self.name)?;
        ensure!(self.count > 0, "count: found 0; allowed: 1 or more");
        let none = |what: &str| format!("{what}: found none; allowed: one or more");
        ensure!(!self.settings.is_empty(), none("settings"));
        ensure!(!self.metrics.is_empty(), none("metrics"));
        distinct("metrics: name", self.metrics.iter().map(|metric| metric.name.clone()))?;
        distinct("settings: name", self.settings.iter().map(Setting::folder))?;
        let seeds = || self.seeds.choosing.iter().chain(&self.seeds.judging);
        ensure!(seeds().next().is_some(), none("seeds.judging"));
        distinct("seeds", seeds().map(u64::to_string))?;
        for setting in &self.settings {
            let name = &setting.name;
            check_name("settings: name", name)?;
            let sets_seed = |set: &&String| set.trim_start().starts_with("train.seed");
            if let Some(set) = self.set.iter().chain(&setting.set).find(sets_seed) {
                anyhow::bail!("settings: {name}: found {set:?}; allowed: seeds in [seeds] alone");
            }
            for against in &setting.against {
                let known = self.settings.iter().find(|other| other.name == *against);
                let allowed = self.settings.iter().map(|s| &*s.name).filter(|other| other != name);
                let other = known.filter(|other| other.name != *name).with_context(|| {
                    let allowed: Vec<_> = allowed.collect();
                    format!(
                        "settings: {name}: against: found {against:?}; allowed: {}",
                        allowed.join(", ")
                    )
                })?;
                ensure!(
                    other.judged || !setting.judged,
                    "settings: {name}: against: found {against:?}, which is not judged; allowed: one that \
                     is, or judged = false"
                );
            }
        }
        Ok(())
    }

    /// Its name as a folder's.
    pub(crate) fn folder(&self) -> String {
        file_name(&self.name)
    }

    /// The complete recipe of a setting, with the study's first seed.
    pub(crate) fn recipe(&self, setting: &Setting) -> Result<Recipe> {
        let mut sets: Vec<_> = self.set.iter().chain(&setting.set).cloned().collect();
        let first = self.seeds.judging.iter().chain(&self.seeds.choosing).next();
        sets.extend(first.map(|seed| format!("train.seed={seed}")));
        Recipe::open(&self.recipe, &sets).with_context(|| format!("setting {:?}", setting.name))
    }

    /// What a seed is for; none of a seed that the study has not.
    pub(crate) fn role(&self, seed: u64) -> Option<Role> {
        [Role::Choosing, Role::Judging].into_iter().find(|&role| self.seeds(role).contains(&seed))
    }

    /// The seeds of a role.
    pub(crate) fn seeds(&self, role: Role) -> &[u64] {
        match role {
            Role::Choosing => &self.seeds.choosing,
            Role::Judging => &self.seeds.judging,
        }
    }

    /// The settings that are trained with a role's seeds, by number.
    pub(crate) fn trained(&self, role: Role) -> impl Iterator<Item = usize> {
        let all = self.settings.iter().enumerate();
        all.filter(move |(_, setting)| setting.judged || role == Role::Choosing).map(|(i, _)| i)
    }
}

impl Setting {
    /// Its name as a file's.
    pub(crate) fn folder(&self) -> String {
        file_name(&self.name)
    }
}

/// A name without what a file's may not hold.
fn file_name(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' };
    let words: String = name.chars().map(kept).collect();
    words.split_whitespace().collect::<Vec<_>>().join("-")
}

/// A name that a file can have, too.
fn check_name(place: &str, name: &str) -> Result<()> {
    ensure!(
        name.chars().any(char::is_alphanumeric),
        "{place}: found {name:?}; allowed: letters or digits in it"
    );
    Ok(())
}

fn distinct(what: &str, names: impl Iterator<Item = String>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        ensure!(!seen.contains(&name), "{what}: found {name:?} twice; allowed: once");
        seen.insert(name);
    }
    Ok(())
}

fn count() -> u32 {
    eval::COUNT as u32
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "version = 1\nname = 's'\nrecipe = 'gzs-fonts'\nset = ['train.steps=7']\n\
        seeds = { choosing = [9], judging = [1, 2] }\n\
        metrics = [{ name = 'all', at = 'zero_shot.all', better = 'higher' }]\n\
        [[settings]]\nname = 'Without CIR'\nset = ['cir.lambda=0']\n\
        [[settings]]\nname = 'CIR'\nagainst = ['Without CIR']\n\
        [[settings]]\nname = 'CIR, weak'\nset = ['cir.lambda=0.01']\njudged = false\n";

    fn study(text: &str) -> Result<Study> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.toml");
        std::fs::write(&path, text).unwrap();
        Study::open(&path, &Smaller::default())
    }

    #[test]
    fn a_setting_is_the_recipe_with_its_fields_set() {
        let study = study(GOOD).unwrap();
        let [none, cir, weak] = &study.settings[..] else { panic!("{study:?}") };
        let recipe = study.recipe(none).unwrap();
        assert_eq!((recipe.train.steps, recipe.train.seed), (7, 1));
        assert_eq!(recipe.algorithm.cir().lambda, 0.);
        assert_eq!(study.recipe(weak).unwrap().algorithm.cir().lambda, 0.01);
        assert_eq!((none.folder(), cir.folder()), ("without-cir".into(), "cir".into()));
        assert_eq!(study.trained(Role::Choosing).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(study.trained(Role::Judging).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn what_cannot_be_studied_is_named() {
        let refusal = |old: &str, new: &str| {
            assert!(GOOD.contains(old));
            study(&GOOD.replace(old, new)).unwrap_err().to_string()
        };
        for (old, new, said) in [
            ("version = 1", "version = 2", "version: found 2; allowed: 1 to 1"),
            ("name = 's'", "name = '..'", "name: found \"..\"; allowed: letters or digits"),
            ("judging = [1, 2]", "judging = [9]", "seeds: found \"9\" twice"),
            ("'CIR, weak'", "'cir'", "settings: name: found \"cir\" twice"),
            (
                "against = ['Without CIR']",
                "against = ['no CIR']",
                "\"no CIR\"; allowed: Without CIR, CIR, weak",
            ),
            ("against = ['Without CIR']", "against = ['CIR, weak']", "which is not judged"),
            ("'cir.lambda=0'", "'train.seed=3'", "seeds in [seeds] alone"),
            ("'higher'", "'more'", "unknown variant `more`"),
            ("judged", "judgd", "unknown field `judgd`"),
        ] {
            let found = refusal(old, new);
            assert!(found.contains("study.toml") && found.contains(said), "{found}");
        }
    }
}
