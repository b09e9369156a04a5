//! Recipes: a TOML file with everything a training depends on. Any field can be set from the command
//! line; a field, value or version that is not known fails before data is touched.

use std::{collections::BTreeMap, io::ErrorKind, path::Path};

use anyhow::Result;
use cir_data::DataConfig;
use cir_train::{Checkpoint, RunFiles, TrainConfig, load_checkpoint};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use toml::{Table, Value};

use crate::{algorithms::AlgorithmConfig, train, usage::usage};

/// The newest recipe version that this program understands.
const VERSION: i64 = 1;

/// The recipes that the binary carries, by name.
const BUILT_IN: [(&str, &str); 7] = [
    ("gzs-fonts", include_str!("../../../models/gzs-fonts/recipe.toml")),
    ("gzs-fonts-128", include_str!("../../../models/gzs-fonts-128/recipe.toml")),
    ("gzs-dsprites", include_str!("../../../models/gzs-dsprites/recipe.toml")),
    ("elegant-faces", include_str!("../../../models/elegant-faces/recipe.toml")),
    ("elegant-celeba", include_str!("../../../models/elegant-celeba/recipe.toml")),
    ("i2i-sketch-faces", include_str!("../../../models/i2i-sketch-faces/recipe.toml")),
    ("i2i-cat2dog", include_str!("../../../models/i2i-cat2dog/recipe.toml")),
];

/// What is trained when nothing is said.
pub(crate) const DEFAULT: &str = "gzs-fonts";

/// A recipe, checked as far as it can be without its data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recipe {
    pub(crate) head: Head,
    pub(crate) data: DataConfig,
    pub(crate) train: TrainConfig,
    pub(crate) algorithm: AlgorithmConfig,
}

/// What a recipe says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) version: i64,
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    pub(crate) algorithm: String,
}

impl Recipe {
    /// The recipe called `name`: one of the binary's own, or a file; with fields set by `sets`
    /// (`section.field=value`). A file's card is looked for beside the file first.
    pub(crate) fn open(name: &str, sets: &[String]) -> Result<Self> {
        if let Some(text) = built_in(name) {
            return Self::parse(name, text, sets);
        }
        let text = std::fs::read_to_string(name).map_err(|e| match e.kind() {
            _ if RunFiles::of(name).begun() => usage(format!(
                "recipe {name:?}: the folder of a run; allowed: --resume {name}, or \
                 {name}/recipe.toml for a run anew"
            )),
            ErrorKind::NotFound => {
                let known = names();
                usage(format!("recipe {name:?}: no file of this name, nor one of {known}"))
            }
            _ => usage(format!("recipe {name:?}: {e}")),
        })?;
        let mut table = table(name, &text)?;
        take_card_beside(&mut table, Path::new(name));
        Self::with(name, table, sets)
    }

    /// The recipe in a run folder, or the one called `name`; none where `name` is no recipe's.
    pub(crate) fn find(name: &str) -> Result<Option<Self>> {
        let run = RunFiles::of(name);
        if run.begun() {
            return Self::open(&run.recipe().display().to_string(), &[]).map(Some);
        }
        let says_so = || {
            let table = std::fs::read_to_string(name).ok()?.parse::<Table>().ok()?;
            Some(table.contains_key("algorithm"))
        };
        let found = built_in(name).is_some() || says_so().unwrap_or(false);
        found.then(|| Self::open(name, &[])).transpose()
    }

    /// The recipe of a run.
    pub(crate) fn stored(run: &RunFiles) -> Result<Self> {
        let path = run.recipe();
        let text = std::fs::read_to_string(&path).map_err(|e| {
            let found = format!("{}: {e}", path.display());
            usage(format!("{found}; allowed: the folder of a run, with its recipe.toml"))
        })?;
        Self::parse(&path.display().to_string(), &text, &[])
    }

    /// The recipe in `text`; `place` names it in errors.
    pub(crate) fn parse(place: &str, text: &str, sets: &[String]) -> Result<Self> {
        Self::with(place, table(place, text)?, sets)
    }

    fn with(place: &str, mut table: Table, sets: &[String]) -> Result<Self> {
        for set in sets {
            apply(&mut table, set)?;
        }
        Self::from_table(table).map_err(|e| usage(format!("recipe {place}: {e:#}")))
    }

    fn from_table(mut table: Table) -> Result<Self> {
        // A newer recipe may hold what this program cannot name: say that first.
        match table.get("version") {
            Some(Value::Integer(v)) if (1..=VERSION).contains(v) => {}
            Some(found) => anyhow::bail!("version: found {found}; allowed: 1 to {VERSION}"),
            None => anyhow::bail!("version: missing; allowed: 1 to {VERSION}"),
        }
        let mut head = Table::new();
        for field in ["version", "name", "description", "algorithm"] {
            head.extend(table.remove_entry(field));
        }
        let head: Head = read("", head)?;
        let data = section(&mut table, "data")?;
        let train: TrainConfig = section(&mut table, "train")?;
        train.check()?;
        let algorithm = AlgorithmConfig::read(&head.algorithm, table).map_err(with_all_sections)?;
        Ok(Self { head, data, train, algorithm })
    }

    /// The first field in which this recipe is another than `old`, with what is found and what was.
    pub(crate) fn change_from(&self, old: &Self) -> Result<Option<String>> {
        if old == self {
            return Ok(None);
        }
        let [old, new] = [old.fields()?, self.fields()?];
        let none = String::from("nothing");
        let all = old.keys().chain(new.keys());
        let changed = all.map(|name| (name, old.get(name), new.get(name))).find(|(_, a, b)| a != b);
        Ok(changed.map(|(name, old, new)| {
            format!("{name}: found {}, was {}", new.unwrap_or(&none), old.unwrap_or(&none))
        }))
    }

    /// Fields of all sections by name.
    fn fields(&self) -> Result<BTreeMap<String, String>> {
        fn add(fields: &mut BTreeMap<String, String>, section: &str, table: Table) {
            for (name, value) in table {
                let name = if section.is_empty() { name } else { format!("{section}.{name}") };
                match value {
                    Value::Table(inner) => add(fields, &name, inner),
                    value => _ = fields.insert(name, value.to_string()),
                }
            }
        }
        let mut all = BTreeMap::new();
        add(&mut all, "", self.to_toml()?.parse()?);
        Ok(all)
    }

    /// The checkpoint of a run, if there is one, which this recipe must have made.
    pub(crate) fn checkpoint(&self, run: &RunFiles) -> Result<Option<Checkpoint>> {
        let path = run.checkpoint();
        if !path.is_file() {
            return Ok(None);
        }
        let checkpoint = load_checkpoint(&path)?;
        let place = path.display().to_string();
        match self.change_from(&Self::parse(&place, &checkpoint.recipe, &[])?)? {
            None => Ok(Some(checkpoint)),
            Some(change) => {
                let allowed = "allowed: the recipe that the run was made with";
                Err(usage(format!("{}: {change} in {place}; {allowed}", run.recipe().display())))
            }
        }
    }

    /// What to say of a run of this recipe, if it has not made all its steps.
    pub(crate) fn unfinished(&self, run: &RunFiles) -> Result<Option<String>> {
        let steps = self.train.steps;
        let begun = self.checkpoint(run)?.filter(|checkpoint| checkpoint.step < steps);
        Ok(begun.map(|checkpoint| train::go_on(run, checkpoint.step, steps)))
    }

    /// The complete recipe as TOML: reading it gives the same recipe.
    pub(crate) fn to_toml(&self) -> Result<String> {
        let mut table = Table::try_from(&self.head)?;
        table.insert("data".into(), Value::try_from(&self.data)?);
        table.insert("train".into(), Value::try_from(self.train)?);
        table.extend(self.algorithm.to_table()?);
        Ok(toml::to_string_pretty(&table)?)
    }
}

/// The names of the binary's own recipes.
pub(crate) fn names() -> String {
    BUILT_IN.map(|(name, _)| name).join(", ")
}

fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

fn table(place: &str, text: &str) -> Result<Table> {
    text.parse().map_err(|e| usage(format!("recipe {place}: {e}")))
}

/// Makes `data.card` the file of this name beside the recipe's own, where there is one.
fn take_card_beside(table: &mut Table, recipe: &Path) {
    let card = table.get_mut("data").and_then(|data| data.get_mut("card"));
    if let (Some(Value::String(card)), Some(folder)) = (card, recipe.parent()) {
        let beside = folder.join(&*card);
        if card.ends_with(".toml") && beside.is_file() {
            *card = beside.display().to_string();
        }
    }
}

fn section<T: DeserializeOwned>(table: &mut Table, name: &str) -> Result<T> {
    match table.remove(name) {
        Some(Value::Table(section)) => read(name, section),
        Some(other) => anyhow::bail!("{name}: found {other}; allowed: a section [{name}]"),
        None => anyhow::bail!("{name}: the section [{name}] is missing"),
    }
}

/// What a table holds, an unknown field being an error; `place` names it.
pub(crate) fn read<T: DeserializeOwned>(place: &str, table: Table) -> Result<T> {
    table.try_into().map_err(|e: toml::de::Error| {
        let message = e.to_string().trim_end().replace('\n', " ");
        match place {
            "" => anyhow::anyhow!(message),
            _ => anyhow::anyhow!("{place}: {message}"),
        }
    })
}

/// Where a field at the top is unknown, the algorithm names only its own beside it.
fn with_all_sections(error: anyhow::Error) -> anyhow::Error {
    let message = error.to_string();
    match message.starts_with("unknown field") && !message.contains(" in `") {
        true => anyhow::anyhow!("{message}, `data`, `train`, `name`, `description`, `algorithm`"),
        false => error,
    }
}

/// Sets one field from `path.to.field=value`; the value is TOML, or else a text.
fn apply(table: &mut Table, set: &str) -> Result<()> {
    let Some((path, text)) = set.split_once('=') else {
        return Err(usage(format!("--set {set:?}: allowed: section.field=value")));
    };
    let parsed = match format!("value = {text}").parse::<Table>() {
        Ok(mut parsed) if parsed.len() == 1 => parsed.remove("value"),
        _ => None,
    };
    if parsed.is_none() && text.trim_start().starts_with(['[', '{']) {
        let allowed = "TOML, such as --set \"data.values.letter=['A', 'B']\"";
        return Err(usage(format!("--set {path}: found {text}; allowed: {allowed}")));
    }
    let value = parsed.unwrap_or_else(|| Value::String(text.into()));
    let mut at = table;
    let mut names = path.trim().split('.').peekable();
    while let Some(name) = names.next() {
        if names.peek().is_none() {
            at.insert(name.into(), value);
            return Ok(());
        }
        let next = at.entry(name).or_insert_with(|| Value::Table(Table::new()));
        if !next.is_table() {
            // A plain choice (schedule = "constant") gives way to one with settings.
            *next = Value::Table(Table::new());
        }
        match next {
            Value::Table(inner) => at = inner,
            _ => return Err(usage(format!("--set {set:?}: {name} is no section"))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(sets: &[&str]) -> String {
        let sets: Vec<_> = sets.iter().map(|s| (*s).to_owned()).collect();
        Recipe::open(DEFAULT, &sets).unwrap_err().to_string()
    }

    #[test]
    fn built_in_recipes_parse_and_write_themselves() {
        for (name, _) in BUILT_IN {
            let recipe = Recipe::open(name, &[]).unwrap();
            assert_eq!(recipe.head.name, name);
            let again = Recipe::parse("again", &recipe.to_toml().unwrap(), &[]).unwrap();
            assert_eq!(recipe, again);
        }
    }

    #[test]
    fn any_field_can_be_set() {
        let sets = ["cir.lambda=0", "schedule=constant", "name=other", "data.size=64"];
        let sets: Vec<_> = sets.iter().map(|s| (*s).to_owned()).collect();
        let recipe = Recipe::open(DEFAULT, &sets).unwrap();
        let AlgorithmConfig::Gzs(gzs) = &recipe.algorithm else { panic!("{recipe:?}") };
        assert_eq!((gzs.cir.lambda, recipe.head.name.as_str()), (0., "other"));
        assert_eq!(gzs.schedule, cir_core::LrSchedule::Constant);
    }

    #[test]
    fn misspelt_fields_and_newer_versions_are_named() {
        assert!(refusal(&["cir.lamda=0"]).contains("lamda"));
        assert!(refusal(&["loss.image=l3"]).contains("l3"));
        assert!(refusal(&["optimizer.lr=1"]).contains("optimizer"));
        assert!(refusal(&["version=2"]).contains("version: found 2; allowed: 1 to 1"));
        assert!(refusal(&["algorithm=elegance"]).contains("elegance"));
        assert!(refusal(&["cir.lambda"]).contains("section.field=value"));
        assert!(
            refusal(&["model.blocks=[{name='a',start=0,end=2},{name='b',start=1,end=3}]"])
                .contains("overlaps")
        );
    }
}
