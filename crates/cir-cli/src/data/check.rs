//! `cir data check`: reads every picture of a data set.

use anyhow::{Result, bail};
use rayon::prelude::*;

use super::Pictures;
use crate::pictures;

/// Prints one line for each picture that cannot be read, as soon as it is found, and a count at the
/// end.
pub(super) fn run(asked: &Pictures, json: bool) -> Result<()> {
    let (source, all) = (&*asked.data.source, asked.all());
    let bar = pictures::progress(all.len());
    let wrong: Vec<String> = all
        .par_iter()
        .filter_map(|&i| {
            let error = source.image(i).err().map(|error| error.to_string());
            if let Some(error) = &error {
                bar.suspend(|| eprintln!("error: {error}"));
            }
            bar.inc(1);
            error
        })
        .collect();
    bar.finish_and_clear();
    if json {
        let left_out = source.left_out();
        let counted = all.len();
        let found =
            serde_json::json!({ "pictures": counted, "wrong": wrong, "left_out": left_out });
        println!("{found}");
    } else {
        let left_out = match source.left_out() {
            0 => String::new(),
            n => format!(", {n} left out, as the card's unmatched = \"skip\" allows"),
        };
        println!("{}: {} pictures, {} wrong{left_out}", asked.data.name, all.len(), wrong.len());
    }
    if !wrong.is_empty() {
        bail!("{} of {} pictures cannot be read", wrong.len(), all.len());
    }
    Ok(())
}
