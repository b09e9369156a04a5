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
