//! The small fixtures, in both precisions but for one that takes long; `cargo xtask parity` runs the large
//! ones too.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::{Path, PathBuf};

use candle_core::DType;
use cir_tests::parity;

/// Where the fixtures lie; they are not part of this repository.
fn fixtures() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/parity/dev");
    folder.is_dir().then_some(folder)
}

fn passes(name: &str) {
    passes_in(name, &[DType::F64, DType::F32]);
}

fn passes_in(name: &str, dtypes: &[DType]) {
    let Some(folder) = fixtures() else {
        eprintln!("skipped: no fixtures beside this repository");
        return;
    };
    for &dtype in dtypes {
        let outcome = parity::run(&folder.join(name), dtype).unwrap();
        assert!(outcome.failures.is_empty(), "{name} {dtype:?}: {:#?}", outcome.failures);
        assert!(outcome.entries > 0);
    }
}

#[test]
fn gzs_fonts_mini() {
    passes("gzs-fonts-mini");
}

#[test]
fn gzs_rafd_mini() {
    passes("gzs-rafd-mini");
}

#[test]
fn cir_gzs_mini() {
    passes("cir-gzs-mini");
}

#[test]
fn cir_gzs_small() {
    passes("cir-gzs-small");
}

#[test]
fn elegant() {
    passes("elegant");
}

#[test]
fn cir_elegant() {
    passes("cir-elegant");
}

#[test]
fn cir_i2i_film() {
    passes_in("cir-i2i-film", &[DType::F64]);
}
