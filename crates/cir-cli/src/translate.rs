//! `cir translate`: shows pictures of one domain in another.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use candle_core::Tensor;
use cir_core::Image;
use cir_i2i::{Domain, Model};

use crate::{interpolate::fractions, model, pictures, usage::usage};

/// Arguments of `cir translate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run folder or model.safetensors.
    model: PathBuf,
    /// Pictures of the other domain (that they are is not checked), or folders of them: a row each.
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// Domain to show them in: its name, or A or B (`cir info MODEL` lists both).
    #[arg(long)]
    to: String,
    /// Show each with so many random attribute codes [default: 5, without --reference].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    random: Option<u16>,
    /// Show each in the manner of this picture of the domain; of two, between both.
    #[arg(long, value_name = "PICTURE", num_args = 1.., conflicts_with = "random")]
    reference: Vec<PathBuf>,
    /// Pictures between two references [default: 7].
    #[arg(long, value_parser = clap::value_parser!(u16).range(2..=64))]
    steps: Option<u16>,
    /// Seed of the random attribute codes [default: 1].
    #[arg(long, conflicts_with = "reference")]
    seed: Option<u64>,
    /// Write every translation to a file of its own in this folder, in place of one picture.
    #[arg(long, value_name = "FOLDER", conflicts_with = "out")]
    each: Option<PathBuf>,
    #[command(flatten)]
    output: pictures::Output,
}

/// Writes the translations.
pub(crate) fn run(args: Args) -> Result<()> {
    if args.reference.len() > 2 {
        let found = args.reference.len();
        return Err(usage(format!("--reference: found {found} pictures; allowed: 1 or 2")));
    }
    let loaded = model::load(&args.model)?;
    let Some(model) = loaded.translator() else {
        return Err(model::refusal(&*loaded, &args.model, "i2i-dis"));
    };
    let to = domain(model, &args.to)?;
    if args.steps.is_some() && args.reference.len() != 2 {
        return Err(usage("--steps: allowed: with two pictures after --reference"));
    }
    let references = args
        .reference
        .iter()
        .map(|path| pictures::read(&*loaded, path))
        .collect::<Result<Vec<_>>>()?;
    let codes = codes(model, to, &references, &args)?;
    let paths = files(&args.pictures)?;
    let translated = |path: &PathBuf| -> Result<(Image, Vec<Image>)> {
        let image = pictures::read(&*loaded, path)?;
        let made = model.translate(&image, to.other(), to, &codes)?;
        Ok((model.view(&image)?, made))
    };
    let mut about = serde_json::json!({
        "to": args.to, "pictures": paths, "reference": args.reference,
    });
    let Some(folder) = &args.each else {
        args.output.check(paths.iter().chain(&args.reference).map(|path| &**path))?;
        let mut rows = Vec::with_capacity(1 + paths.len());
        for path in &paths {
            let (image, made) = translated(path)?;
            rows.push(std::iter::once(image).chain(made).map(Some).collect::<Vec<_>>());
        }
        if !references.is_empty() {
            // Each over its own end of the rows.
            let mut head = vec![None; rows[0].len()];
            let last = head.len() - 1;
            for (place, reference) in [1, last].into_iter().zip(references) {
                head[place] = Some(model.view(&reference)?);
            }
            rows.insert(0, head);
        }
        return args.output.write(&Image::grid(&rows, 2), about);
    };
    check_each(&paths, &args.reference, folder)?;
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let progress = pictures::progress(paths.len());
    let mut files = Vec::new();
    for path in &paths {
        for (k, image) in translated(path)?.1.iter().enumerate() {
            let name = folder.join(format!("{}-{}.png", stem(path), k + 1));
            cir_data::save_png(&name, &image.enlarged(usize::from(args.output.enlarge)))?;
            files.push(name);
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    if args.output.json {
        about["out"] = serde_json::json!(folder);
        about["files"] = serde_json::json!(files);
        println!("{about}");
    } else {
        println!("wrote {} pictures to {}", files.len(), folder.display());
    }
    Ok(())
}

/// Checks that no translation would be written over another, or beside the pictures that are read, and
/// perhaps over one.
fn check_each(paths: &[PathBuf], references: &[PathBuf], folder: &Path) -> Result<()> {
    if folder.is_file() {
        let folder = folder.display();
        return Err(usage(format!("--each {folder}: found a file; allowed: a folder, new or old")));
    }
    let mut seen = BTreeMap::new();
    for path in paths {
        if let Some(first) = seen.insert(stem(path), path) {
            let (first, path) = (first.display(), path.display());
            let allowed = "allowed: names that differ before their ending";
            return Err(usage(format!(
                "--each: {first} and {path} are called the same; {allowed}"
            )));
        }
    }
    let canonical = |path: &Path| path.canonicalize().ok();
    let own = canonical(folder);
    let inside = |path: &&PathBuf| {
        own.is_some() && canonical(path).as_deref().and_then(Path::parent) == own.as_deref()
    };
    match paths.iter().chain(references).find(inside) {
        Some(path) => {
            let (folder, path) = (folder.display(), path.display());
            let allowed = "allowed: a folder without the pictures that are read";
            Err(usage(format!("--each {folder}: it holds {path}; {allowed}")))
        }
        None => Ok(()),
    }
}

/// The domain called `name`.
fn domain(model: &Model, name: &str) -> Result<Domain> {
    let names = model.card().domains();
    let found = Domain::BOTH.into_iter().find(|x| names[x.index()] == name);
    match (found, name) {
        (Some(domain), _) => Ok(domain),
        (None, "A") => Ok(Domain::A),
        (None, "B") => Ok(Domain::B),
        _ => {
            let (a, b) = (&names[0], &names[1]);
            let or = if (&**a, &**b) == ("A", "B") { "" } else { " (A or B)" };
            Err(usage(format!("--to {name}: allowed: {a} or {b}{or}")))
        }
    }
}

/// The attribute codes of every row.
fn codes(model: &Model, to: Domain, references: &[Image], args: &Args) -> Result<Tensor> {
    Ok(match references {
        [] => model.random(usize::from(args.random.unwrap_or(5)), args.seed.unwrap_or(1))?,
        [only] => model.attribute(to, std::slice::from_ref(only))?,
        both => {
            let ends = model.attribute(to, both)?;
            let between = |t: f64| {
                let [a, b] = [ends.narrow(0, 0, 1), ends.narrow(0, 1, 1)];
                (a? * (1. - t))? + (b? * t)?
            };
            let codes = fractions(0., 1., args.steps.unwrap_or(7)).into_iter().map(between);
            Tensor::cat(&codes.collect::<candle_core::Result<Vec<_>>>()?, 0)?
        }
    })
}

/// A picture's name without its ending.
fn stem(path: &Path) -> Cow<'_, str> {
    path.file_stem().unwrap_or_default().to_string_lossy()
}

/// The pictures that are named, and those in folders that are, in order of their names.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        for file in cir_data::list_folder(path)? {
            if file.is_file() && cir_data::is_picture(&file)? {
                files.push(file);
            }
        }
        if files.len() == before {
            return Err(usage(format!("{}: no picture in this folder", path.display())));
        }
    }
    Ok(files)
}
