//! Which pictures a `cir data` command takes: those of a card, or of a recipe's section `data`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Result;
use cir_core::rng;
use cir_data::{Card, DataConfig, DataSet, Division, HeldOut, HoldOut, cards};
use rand::seq::index::sample;

use crate::{
    recipe::{self, Recipe},
    usage::usage,
};

/// Side of a card's pictures where nothing is said.
const SIDE: usize = 64;

/// All pictures: what a training holds out is shown too.
const NOTHING_HELD_OUT: Division =
    Division::Drawn(HoldOut { fraction: 0., seed: 0, of: HeldOut::Combinations });

#[derive(clap::Args)]
pub(super) struct Which {
    /// A card or a recipe (a built-in name or a TOML file), or a run folder; a recipe and a run stand
    /// for what their section `data` says: card, size, attributes and values.
    #[arg(value_name = "CARD|RECIPE|RUN")]
    name: String,
    /// Side in pixels [default: the recipe's; of a card 64].
    #[arg(long)]
    size: Option<usize>,
    /// Where the files lie, for cards that read files.
    #[arg(long)]
    root: Option<PathBuf>,
    /// Use only these attributes: NAME,NAME,…
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    attributes: Vec<String>,
    /// Take only pictures with these values of an attribute: NAME=VALUE,VALUE,… (can be given several
    /// times).
    #[arg(long = "only", value_name = "NAME=VALUES")]
    only: Vec<String>,
}

/// A data set, and those of its pictures that were asked for.
pub(super) struct Pictures {
    pub(super) data: DataSet,
    asked: Vec<usize>,
}

impl Which {
    /// Opens the data set.
    pub(super) fn open(self) -> Result<Pictures> {
        let mut config = settings(&self.name)?;
        config.size = self.size.unwrap_or(config.size);
        config.root = self.root.or(config.root);
        if !self.attributes.is_empty() {
            config.values.retain(|name, _| self.attributes.contains(name));
            config.attributes = self.attributes;
        }
        config.hold_out = NOTHING_HELD_OUT;
        let data = config.open()?;
        let asked = with_values(&data, &self.only)?;
        Ok(Pictures { data, asked })
    }
}

impl Pictures {
    /// All of them, ascending.
    pub(super) fn all(&self) -> &[usize] {
        &self.asked
    }

    /// `count` of them (all, if there are fewer), ascending.
    pub(super) fn choose(&self, count: usize, seed: u64) -> Vec<usize> {
        let n = self.asked.len();
        let chosen = sample(&mut rng(seed, "choice", 0), n, count.min(n));
        let mut chosen: Vec<_> = chosen.into_iter().map(|i| self.asked[i]).collect();
        chosen.sort_unstable();
        chosen
    }
}

/// The card that `name` stands for.
pub(super) fn card(name: &str) -> Result<Card> {
    Ok(settings(name)?.card()?)
}

/// What `name` stands for: a card's pictures, or what a recipe or a run takes of them.
fn settings(name: &str) -> Result<DataConfig> {
    if let Some(recipe) = Recipe::find(name)? {
        return Ok(recipe.data);
    }
    let cards: Vec<String> = cards()?.into_iter().map(|card| card.name).collect();
    if !cards.iter().any(|card| card == name) && !Path::new(name).is_file() {
        let (cards, recipes) = (cards.join(", "), recipe::names());
        return Err(usage(format!(
            "{name:?}: found no such card, recipe or run; allowed: a card ({cards}, or a TOML \
             file), a recipe ({recipes}, or a TOML file), a run folder"
        )));
    }
    Ok(DataConfig {
        card: name.into(),
        root: None,
        size: SIDE,
        attributes: Vec::new(),
        values: BTreeMap::new(),
        hold_out: NOTHING_HELD_OUT,
    })
}

/// The images that show, of every attribute named, one of the values named.
fn with_values(data: &DataSet, only: &[String]) -> Result<Vec<usize>> {
    let schema = data.source.schema();
    let mut images: Vec<usize> = (0..data.source.len()).collect();
    for text in only {
        let Some((name, values)) = text.split_once('=') else {
            return Err(usage(format!("--only {text:?}: allowed: NAME=VALUE,VALUE,…")));
        };
        let attribute = schema.attribute(name).map_err(|e| e.at("--only"))?;
        let known = &schema.attributes()[attribute].values;
        let number = |value: &str| {
            known.iter().position(|k| k == value).ok_or_else(|| {
                let allowed = known.join(", ");
                usage(format!("--only {name}: found {value:?}; allowed: {allowed}"))
            })
        };
        let values = values.split(',').map(number).collect::<Result<Vec<_>>>()?;
        images.retain(|&i| values.contains(&usize::from(data.index.labels(i)[attribute])));
    }
    if images.is_empty() {
        let found = only.join(" ");
        return Err(usage(format!("--only {found}: no picture shows these values together")));
    }
    Ok(images)
}
