//! `cir data align`: photos of faces brought to one place and size by their landmarks.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};
use cir_data::align::{Done, align_photo, read_landmarks};
use rayon::prelude::*;

use crate::{pictures, usage::usage};

/// Arguments of `cir data align`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder of photos (PNG, JPEG or WebP).
    folder: PathBuf,
    /// Their landmarks, in the format of list_landmarks_celeba.txt: a count, ten names, and for each
    /// photo its name and x and y of left eye, right eye, nose, left and right mouth corner, as seen.
    #[arg(long, value_name = "FILE")]
    landmarks: PathBuf,
    /// The folder to write to; pictures that it holds already are left alone.
    #[arg(long)]
    out: PathBuf,
    /// Side of the aligned pictures in pixels.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(8..=4096))]
    size: u16,
    /// Print a JSON object with the counts.
    #[arg(long)]
    json: bool,
}

/// Aligns all photos of the list; one line for each that cannot be, and a count at the end.
pub(super) fn run(args: &Args) -> Result<()> {
    if !args.folder.is_dir() {
        let found = if args.folder.exists() { "a file" } else { "nothing" };
        let folder = args.folder.display();
        return Err(usage(format!("{folder}: found {found}; allowed: a folder of photos")));
    }
    let listed = read_landmarks(&args.landmarks)?;
    let bar = pictures::progress(listed.len());
    let (aligned, before, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    listed.par_iter().for_each(|one| {
        let count = match align_photo(&args.folder, one, &args.out, usize::from(args.size)) {
            Ok(Done::Aligned) => &aligned,
            Ok(Done::Before) => &before,
            Err(error) => {
                bar.suspend(|| eprintln!("error: {error}"));
                &failed
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
        bar.inc(1);
    });
    bar.finish_and_clear();
    let [aligned, before, failed] = [aligned, before, failed].map(AtomicUsize::into_inner);
    let out = args.out.display();
    if args.json {
        let counts = serde_json::json!({
            "out": args.out, "aligned": aligned, "before": before, "failed": failed,
        });
        println!("{counts}");
    } else {
        println!("{out}: {aligned} aligned, {before} were there before, {failed} failed");
    }
    if failed > 0 {
        bail!("{failed} of {} photos could not be aligned", listed.len());
    }
    Ok(())
}
