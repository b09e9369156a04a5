//! The sections of a recipe that say what to time.

use anyhow::{Context, Result};
use cir_data::DataConfig;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// The data and the algorithm's own sections of the recipe `text`.
pub(crate) fn read<C: DeserializeOwned>(text: &str) -> Result<(DataConfig, C)> {
    let mut table: Table = text.parse()?;
    for field in ["version", "name", "description", "algorithm", "train"] {
        table.remove(field);
    }
    let data = table.remove("data").context("[data]")?.try_into()?;
    Ok((data, Value::Table(table).try_into()?))
}
