//! `CIR_KERNELS` forces kernels for a whole process.

use std::process::Command;

use candle_core::{DType, Device, Tensor};
use cir_ops::Kernels;

/// What a child process of this test prints: the kernels it uses or the error.
#[test]
#[allow(clippy::print_stderr)]
fn child() {
    let x = Tensor::ones((1, 1, 3, 3), DType::F32, &Device::Cpu).unwrap();
    let used = cir_ops::conv2d(&x, &x, None, Default::default()).and_then(|_| Kernels::current());
    eprintln!("child: {used:?}");
}

fn run(kernels: &str) -> String {
    let this = std::env::current_exe().unwrap();
    let out = Command::new(this)
        .args(["--exact", "child", "--nocapture"])
        .env("CIR_KERNELS", kernels)
        .output()
        .unwrap();
    String::from_utf8(out.stderr).unwrap()
}

#[test]
fn each_available_name_is_obeyed_and_others_are_errors() {
    for (name, kernels) in Kernels::NAMES {
        let said = run(name);
        if kernels.available() {
            assert!(said.contains(&format!("Ok({kernels:?})")), "{name}: {said}");
        } else {
            assert!(said.contains("this machine cannot run"), "{name}: {said}");
        }
    }
    let said = run("mmx");
    assert!(said.contains("mmx") && said.contains("portable, avx2, avx512, neon"), "{said}");
}
