//! `cir info`: what is in a model, a run or a checkpoint.

use std::path::PathBuf;

use anyhow::Result;
use cir_train::RunFiles;

use crate::{model, recipe::Recipe};

/// Arguments of `cir info`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder, model.safetensors or checkpoint.safetensors.
    path: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints what is there.
pub(crate) fn run(args: Args) -> Result<()> {
    let folder = args.path.parent().unwrap_or(&args.path);
    if args.path == RunFiles::of(folder).checkpoint() {
        return checkpoint(&args);
    }
    let model = model::load(&args.path)?;
    let run = RunFiles::of(&args.path);
    let card = model.card()?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&card)?);
        return Ok(());
    }
    let tensors = cir_train::load_model(&model::file(&args.path)?)?.tensors;
    let count: usize = tensors.values().map(|t| t.elem_count()).sum();
    let text = |name: &str| card[name].as_str().unwrap_or_default().to_owned();
    println!("{} model, trained on {}", text("algorithm"), text("data"));
    println!("{}; {count} parameters in {} tensors", model.sizes(), tensors.len());
    if run.begun()
        && let Some(unfinished) = Recipe::stored(&run)?.unfinished(&run)?
    {
        println!("{unfinished}");
    }
    println!("blocks and the values of their attributes:");
    for block in model.partition().blocks() {
        // Content and attribute codes are of no attribute that the data labels.
        let attribute = model.schema().attributes().iter().find(|a| a.name == block.name);
        let values = attribute.map(|a| a.values.join(" ")).unwrap_or_default();
        println!("  {:<14} {:>3}..{:<3} {values}", block.name, block.start, block.end);
    }
    Ok(())
}

fn checkpoint(args: &Args) -> Result<()> {
    let checkpoint = cir_train::load_checkpoint(&args.path)?;
    let tensors = &checkpoint.state.tensors;
    let count: usize = tensors.values().map(|t| t.elem_count()).sum();
    if args.json {
        let shapes: std::collections::BTreeMap<_, _> =
            tensors.iter().map(|(name, t)| (name, t.dims())).collect();
        let about = serde_json::json!({
            "step": checkpoint.step, "counters": checkpoint.state.counters, "tensors": shapes,
            "recipe": checkpoint.recipe,
        });
        println!("{}", serde_json::to_string_pretty(&about)?);
    } else {
        println!("checkpoint after step {}", checkpoint.step);
        println!("{} tensors, {count} numbers", tensors.len());
        for (name, value) in &checkpoint.state.counters {
            println!("{name}: {value} updates");
        }
        println!("\n{}", checkpoint.recipe);
    }
    Ok(())
}
