//! `cir info`: what is in a model, a run or a checkpoint.

use std::path::PathBuf;

use anyhow::Result;

use crate::model;

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
    if args.path.file_name().is_some_and(|name| name == "checkpoint.safetensors") {
        return checkpoint(&args);
    }
    let model = model::load(&args.path)?;
    let card = model.card();
    if args.json {
        println!("{}", serde_json::to_string_pretty(card)?);
        return Ok(());
    }
    let c = &card.config;
    let tensors = cir_train::load_model(&model::file(&args.path)?)?.tensors;
    let count: usize = tensors.values().map(|t| t.elem_count()).sum();
    println!("{} model, trained on {}", card.algorithm, card.data);
    println!(
        "images {0}x{0}, {1} channels; conv_dim {2}, depth {3}, hidden {4}, \
         repeat_num {5}, z_dim {6}; {count} parameters in {7} tensors",
        c.image_size,
        c.image_channels,
        c.conv_dim,
        c.depth,
        c.hidden,
        c.repeat_num,
        c.z_dim,
        tensors.len()
    );
    println!("blocks and the values of their attributes:");
    for block in c.blocks.blocks() {
        let values = &card.schema.attributes()[card.schema.attribute(&block.name)?].values;
        println!("  {:<14} {:>3}..{:<3} {}", block.name, block.start, block.end, values.join(" "));
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
