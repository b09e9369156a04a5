//! The device this binary was built for.

use candle_core::{Device, Result};

/// The first CUDA or Metal device where the binary was built with that feature, else the CPU.
pub(crate) fn device() -> Result<Device> {
    if cfg!(feature = "cuda") {
        Device::new_cuda(0)
    } else if cfg!(feature = "metal") {
        Device::new_metal(0)
    } else {
        Ok(Device::Cpu)
    }
}

/// Its name for reports.
pub(crate) fn name() -> &'static str {
    if cfg!(feature = "cuda") {
        "cuda"
    } else if cfg!(feature = "metal") {
        "metal"
    } else {
        "cpu"
    }
}

/// Starts this program anew, before it does anything, with candle's own worker threads off unless
/// the environment says otherwise: they wait in a busy loop and would take the processors from the
/// kernels of `cir-ops`, which have threads of their own. It doubles the speed on two cores.
#[cfg(unix)]
pub(crate) fn without_candles_threads() {
    use std::os::unix::process::CommandExt;
    const NAME: &str = "CANDLE_NUM_THREADS";
    if std::env::var_os(NAME).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        // Messages name the program as it was called. Returns only where it fails; then the program
        // is slower, and right all the same.
        let _ = std::process::Command::new(&program)
            .arg0(std::env::args_os().next().unwrap_or(program.into()))
            .args(std::env::args_os().skip(1))
            .env(NAME, "1")
            .exec();
    }
}

/// Elsewhere the environment variable `CANDLE_NUM_THREADS=1` is the user's to set.
#[cfg(not(unix))]
pub(crate) fn without_candles_threads() {}
