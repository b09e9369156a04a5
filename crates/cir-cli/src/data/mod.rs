//! `cir data`: lists, describes and checks data sets, previews them, renders them to a folder, aligns
//! photos.

mod align;
mod check;
mod preview;
mod which;

use std::path::PathBuf;

use anyhow::{Context, Result};
use cir_data::{Card, cards, save_png};
use clap::Subcommand;

use self::which::{Pictures, Which};
use crate::{invoked, pictures, usage::usage};

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
        /// A card or a recipe (a built-in name or a TOML file), or a run folder; of a recipe and a run
        /// the attributes and values that they use.
        #[arg(value_name = "CARD|RECIPE|RUN")]
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Read every picture, and name those that are damaged: before hours of training, as a
    /// data set is opened without its pixels.
    Check {
        #[command(flatten)]
        which: Which,
        /// Print a JSON object with the count and what is wrong.
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
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        count: Option<u32>,
        /// Seed of the choice.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Bring photos of faces to one place and size by their landmarks, as published for CelebA.
    Align(align::Args),
}

/// Runs one of the actions.
pub(crate) fn run(args: Args) -> Result<()> {
    match args.action {
        Action::List { json } => list(json),
        Action::Describe { name, json } => describe(&which::card(&name)?, json),
        Action::Check { which, json } => check::run(&which.open()?, json),
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
        println!("{:<14} {}", card.name, first_sentence(&card.description));
    }
    println!("\n`{}` says more.", invoked::command(&["data", "describe", "NAME"]));
    Ok(())
}

/// A text's first sentence, in one line.
fn first_sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => line,
    }
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

fn render(pictures: &Pictures, out: PathBuf, count: Option<u32>, seed: u64) -> Result<()> {
    let empty = std::fs::read_dir(&out).map_or(true, |mut entries| entries.next().is_none());
    if !empty {
        return Err(usage(format!(
            "--out {}: it holds files; allowed: a new folder",
            out.display()
        )));
    }
    std::fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
    let source = &pictures.data.source;
    let schema = source.schema();
    let names = schema.attributes().iter().map(|a| a.name.as_str());
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["file"].into_iter().chain(names))?;
    let chosen = pictures.choose(count.map_or(usize::MAX, |count| count as usize), seed);
    for &i in &chosen {
        let file = format!("{i:06}.png");
        save_png(out.join(&file), &source.image(i)?)?;
        let labels = source.labels(i);
        let values = schema.attributes().iter().zip(&labels);
        let values = values.map(|(a, &l)| a.values[usize::from(l)].as_str());
        table.write_record([&*file].into_iter().chain(values))?;
    }
    let table = table.into_inner()?;
    cir_train::write_atomically(&out.join("labels.csv"), |at| std::fs::write(at, &table))?;
    println!("wrote {} pictures and labels.csv to {}", chosen.len(), out.display());
    Ok(())
}
