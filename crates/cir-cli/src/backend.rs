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

/// What libraries read from the environment when a program starts.
///
/// candle's own worker threads wait in a busy loop and would take the processors from the kernels of
/// `cir-ops`, which have threads of their own: without them a small network is twice as fast on two cores.
/// mimalloc gives memory back to the system after a second, and a step of seconds asks for it again
/// page by page, which takes up to a fifth of its time.
#[cfg(unix)]
const SETTINGS: [(&str, &str); 2] = [("CANDLE_NUM_THREADS", "1"), ("MIMALLOC_PURGE_DELAY", "-1")];

/// Starts this program anew, before it does anything, with those of the settings that the environment
/// lacks.
#[cfg(unix)]
pub(crate) fn set_libraries() {
    use std::os::unix::process::CommandExt;
    let lacking = SETTINGS.iter().filter(|(name, _)| std::env::var_os(name).is_none());
    let lacking: Vec<_> = lacking.copied().collect();
    if !lacking.is_empty()
        && let Ok(program) = std::env::current_exe()
    {
        // Messages name the program as it was called. Returns only where it fails; then the program
        // is slower, and right all the same.
        let _ = std::process::Command::new(&program)
            .arg0(std::env::args_os().next().unwrap_or(program.into()))
            .args(std::env::args_os().skip(1))
            .envs(lacking)
            .exec();
    }
}

/// Elsewhere the environment is the user's to set.
#[cfg(not(unix))]
pub(crate) fn set_libraries() {}
