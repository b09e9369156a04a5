//! `cir data`: lists and describes data sets, previews them, renders them to a folder, aligns photos.

mod align;
mod preview;

use std::path::PathBuf;

use anyhow::{Context, Result};
use cir_core::rng;
use cir_data::{Card, DataConfig, DataSet, HeldOut, HoldOut, cards, save_png};
use clap::Subcommand;
use rand::seq::index::sample;

use crate::{pictures, usage::usage};

/// Arguments of `cir data`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// The built-in data sets.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// What a data set holds, and for one that needs files, what to put where.
    Describe {
        /// Name of a built-in card, or a TOML card.
        card: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// A grid of pictures drawn at random; of faces, each beside the same face with one attribute
    /// changed, for every attribute.
    Preview {
        #[command(flatten)]
        which: Which,
        /// Pictures in the grid.
        #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
        count: u16,
        /// Seed of the choice.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[command(flatten)]
        output: pictures::Output,
    },
    /// Write pictures to a folder, with a labels.csv that a card can read.
    Render {
        #[command(flatten)]
        which: Which,
        /// Folder to write to; it must not hold anything yet.
        #[arg(long)]
        out: PathBuf,
        /// At most this many pictures, drawn at random [default: all].
        #[arg(long)]
        count: Option<usize>,
        /// Seed of the choice.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Bring photos of faces to one place and size by their landmarks, as published for CelebA.
    Align(align::Args),
}

#[derive(clap::Args)]
struct Which {
    /// Name of a built-in card, or a TOML card.
    card: String,
    /// Side in pixels.
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// Where the files lie, for cards that read files.
    #[arg(long)]
    root: Option<PathBuf>,
    /// Use only these attributes: NAME,NAME,…
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    attributes: Vec<String>,
    /// Use only these values of an attribute: NAME=VALUE,VALUE,… (can be given several times).
    #[arg(long = "only", value_name = "NAME=VALUES")]
    only: Vec<String>,
}

impl Which {
    fn open(self) -> Result<DataSet> {
        let pair = |text: String| match text.split_once('=') {
            Some((name, values)) => {
                Ok((name.to_owned(), values.split(',').map(str::to_owned).collect()))
            }
            None => Err(usage(format!("--only {text:?}: allowed: NAME=VALUE,VALUE,…"))),
        };
        let config = DataConfig {
            card: self.card,
            root: self.root,
            size: self.size,
            attributes: self.attributes,
            values: self.only.into_iter().map(pair).collect::<Result<_>>()?,
            hold_out: HoldOut { fraction: 0., seed: 0, of: HeldOut::default() },
        };
        Ok(config.open()?)
    }
}

/// Runs one of the actions.
pub(crate) fn run(args: Args) -> Result<()> {
    match args.action {
        Action::List { json } => list(json),
        Action::Describe { card, json } => describe(&Card::open(&card)?, json),
        Action::Preview { which, count, seed, output } => {
            preview::preview(&which.open()?, usize::from(count), seed, &output)
        }
        Action::Align(args) => align::run(&args),
        Action::Render { which, out, count, seed } => render(&which.open()?, out, count, seed),
    }
}

fn list(json: bool) -> Result<()> {
    let cards = cards()?;
    if json {
        println!("{}", serde_json::to_string_pretty(&cards)?);
        return Ok(());
    }
    for card in cards {
        let first = card.description.trim().lines().next().unwrap_or_default();
        println!("{:<14} {first}", card.name);
    }
    println!("\n`cir data describe NAME` says more.");
    Ok(())
}

fn describe(card: &Card, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(card)?);
        return Ok(());
    }
    println!("{}: {}", card.name, card.description.trim());
    println!("source: {}\nlicence: {}", card.source, card.licence);
    println!("{} channels, {} to {} px", card.channels, card.sides[0], card.sides[1]);
    for attribute in &card.attributes {
        match &attribute.values {
            Some(values) => {
                println!("  {} ({}): {}", attribute.name, values.len(), values.join(" "));
            }
            None => println!("  {}: values from the labels", attribute.name),
        }
    }
    for [a, b] in &card.distinct {
        println!("  {a} and {b} always differ");
    }
    Ok(())
}

/// `count` images (all, if there are fewer), ascending.
fn choose(data: &DataSet, count: usize, seed: u64) -> Vec<usize> {
    let n = data.source.len();
    let mut chosen = sample(&mut rng(seed, "choice", 0), n, count.min(n)).into_vec();
    chosen.sort_unstable();
    chosen
}

fn render(data: &DataSet, out: PathBuf, count: Option<usize>, seed: u64) -> Result<()> {
    let empty = std::fs::read_dir(&out).map_or(true, |mut entries| entries.next().is_none());
    if !empty {
        return Err(usage(format!(
            "--out {}: it holds files; allowed: a new folder",
            out.display()
        )));
    }
    std::fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
    let schema = data.source.schema();
    let names: Vec<_> = schema.attributes().iter().map(|a| a.name.clone()).collect();
    let mut table = format!("file,{}\n", names.join(","));
    let chosen = choose(data, count.unwrap_or(usize::MAX), seed);
    for &i in &chosen {
        let file = format!("{i:06}.png");
        save_png(out.join(&file), &data.source.image(i)?)?;
        let labels = data.source.labels(i);
        let values = schema.attributes().iter().zip(&labels);
        let values: Vec<_> = values.map(|(a, &l)| a.values[usize::from(l)].clone()).collect();
        table.push_str(&format!("{file},{}\n", values.join(",")));
    }
    cir_train::write_text(&out.join("labels.csv"), &table)?;
    println!("wrote {} pictures and labels.csv to {}", chosen.len(), out.display());
    Ok(())
}
