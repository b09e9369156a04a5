//! `cir interpolate`: moves blocks of one picture towards those of others, and beyond.

use std::path::PathBuf;

use anyhow::Result;
use cir_core::{Image, Sheet};

use crate::{algorithms::Editor, model, pictures, usage::usage};

/// Arguments of `cir interpolate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder or model.safetensors.
    model: PathBuf,
    /// Picture to start from.
    a: PathBuf,
    /// Picture to move towards; with `--down` a second one may be given, towards which these blocks
    /// move; without it two more, for a square with one in each corner.
    #[arg(required = true, num_args = 1..=3)]
    b: Vec<PathBuf>,
    /// Block that moves from left to right (several names joined by commas move together).
    #[arg(long, visible_alias = "attribute", value_name = "NAMES", required = true)]
    #[arg(value_delimiter = ',')]
    block: Vec<String>,
    /// Blocks that move from top to bottom: makes a grid.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    down: Vec<String>,
    /// Pictures in a row (and in a column of a grid).
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(2..=64))]
    steps: u16,
    /// Fraction at the left: 0 is A; below it goes beyond A.
    #[arg(long, default_value_t = 0., allow_negative_numbers = true)]
    from: f64,
    /// Fraction at the right: 1 is B; above it goes beyond B.
    #[arg(long, default_value_t = 1., allow_negative_numbers = true)]
    to: f64,
    #[command(flatten)]
    output: pictures::Output,
}

/// Writes a strip or a grid, with the pictures that it was made of in the margins.
pub(crate) fn run(args: Args) -> Result<()> {
    if !(args.from.is_finite() && args.to.is_finite()) {
        return Err(usage("--from and --to: allowed: finite numbers"));
    }
    args.output.check(std::iter::once(&args.a).chain(&args.b).map(|path| &**path))?;
    let model = model::load(&args.model)?;
    let model = model::editor(&*model, &args.model)?;
    let a = pictures::read_to_edit(model, &args.a)?;
    let mut targets = args
        .b
        .iter()
        .map(|path| pictures::read_to_edit(model, path))
        .collect::<Result<Vec<_>>>()?;
    let fractions = fractions(args.from, args.to, args.steps);
    let across = blocks(model, &args.block)?;
    let down = blocks(model, &args.down)?;
    let sheet = match (down.is_empty(), targets.len()) {
        (true, 1) => Sheet::strip(&across, &fractions),
        (true, 3) => Sheet::square(&across, &fractions, &fractions),
        (false, count @ (1 | 2)) => {
            if let Some(both) = down.iter().find(|block| across.contains(block)) {
                let name = &model.partition().blocks()[*both].name;
                return Err(usage(format!("--down {name}: it moves with --block already")));
            }
            // The first picture named is that of --block; a sheet's first target lies below.
            targets.reverse();
            Sheet::two_ways((&down, &fractions), (&across, &fractions), count)
        }
        (true, n) => return Err(usage(format!("{n} pictures to move towards: allowed: 1 or 3"))),
        (false, n) => {
            let allowed = "with --down allowed: 1 or 2";
            return Err(usage(format!("{n} pictures to move towards: {allowed}")));
        }
    };
    let made = model.edits(&a, &targets, sheet.tiles())?;
    let rows = sheet.arrange(&a, &targets, made)?;
    let about = serde_json::json!({
        "block": args.block, "down": args.down, "fractions": fractions,
    });
    args.output.write(&Image::grid(&rows, 2), about)
}

/// The numbers of blocks.
fn blocks(model: &dyn Editor, names: &[String]) -> Result<Vec<usize>> {
    let mut blocks = Vec::with_capacity(names.len());
    for name in names {
        let block = model.partition().index(name)?;
        if blocks.contains(&block) {
            return Err(usage(format!("{name}: given twice; allowed: once")));
        }
        blocks.push(block);
    }
    Ok(blocks)
}

/// `n` evenly spaced fractions.
pub(crate) fn fractions(from: f64, to: f64, n: u16) -> Vec<f64> {
    (0..n).map(|i| from + (to - from) * f64::from(i) / f64::from(n - 1)).collect()
}
