//! Which kernels run: the best instruction set found at run time, unless one is forced.

use std::cell::Cell;
use std::sync::OnceLock;

use candle_core::{Result, bail};

/// A set of kernels.
///
/// The environment variable `CIR_KERNELS` forces one for the whole process, [`with_kernels`] for
/// the operations a closure starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernels {
    /// candle's own operations.
    Candle,
    /// Rust without any instruction set in particular.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F.
    Avx512,
    /// 64-bit Arm.
    Neon,
}

thread_local! {
    static FORCED: Cell<Option<Kernels>> = const { Cell::new(None) };
}

impl Kernels {
    /// Every choice, as `CIR_KERNELS` spells it.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("candle", Self::Candle),
        ("portable", Self::Portable),
        ("avx2", Self::Avx2),
        ("avx512", Self::Avx512),
        ("neon", Self::Neon),
    ];

    /// Whether this machine can run them.
    pub fn available(self) -> bool {
        match self {
            Self::Candle | Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f") && Self::Avx2.available(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// The fastest kernels of this machine.
    pub fn best() -> Self {
        [Self::Avx512, Self::Avx2, Self::Neon]
            .into_iter()
            .find(|k| k.available())
            .unwrap_or(Self::Portable)
    }

    /// The kernels that an operation started now on this thread runs.
    ///
    /// # Errors
    /// When `CIR_KERNELS` names no kernels or kernels that this machine cannot run.
    pub fn current() -> Result<Self> {
        static CHOSEN: OnceLock<std::result::Result<Kernels, String>> = OnceLock::new();
        if let Some(forced) = FORCED.get() {
            return Ok(forced);
        }
        let var = || std::env::var("CIR_KERNELS").ok().filter(|name| !name.is_empty());
        match CHOSEN.get_or_init(|| var().map_or(Ok(Self::best()), |name| Self::parse(&name))) {
            Ok(kernels) => Ok(*kernels),
            Err(message) => bail!("{message}"),
        }
    }

    fn parse(name: &str) -> std::result::Result<Self, String> {
        let Some((_, kernels)) = Self::NAMES.into_iter().find(|(n, _)| *n == name) else {
            let allowed = Self::NAMES.map(|(n, _)| n).join(", ");
            return Err(format!("CIR_KERNELS is {name:?}; allowed are {allowed}"));
        };
        if !kernels.available() {
            return Err(format!("CIR_KERNELS is {name:?}, which this machine cannot run"));
        }
        Ok(kernels)
    }
}

/// Runs `f`; the operations it starts on this thread use `kernels`, in their backward pass too.
///
/// # Errors
/// When this machine cannot run `kernels`.
pub fn with_kernels<R>(kernels: Kernels, f: impl FnOnce() -> R) -> Result<R> {
    struct Restore(Option<Kernels>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    if !kernels.available() {
        bail!("this machine cannot run the {kernels:?} kernels");
    }
    let _restore = Restore(FORCED.replace(Some(kernels)));
    Ok(f())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_errors_that_list_the_known() {
        let message = Kernels::parse("sse9").unwrap_err();
        assert!(
            message.contains("sse9") && message.contains("candle, portable, avx2"),
            "{message}"
        );
        assert_eq!(Kernels::parse("portable"), Ok(Kernels::Portable));
    }

    #[test]
    fn the_override_ends_with_its_closure() {
        let before = Kernels::current().unwrap();
        let inside = with_kernels(Kernels::Portable, Kernels::current).unwrap().unwrap();
        assert_eq!(inside, Kernels::Portable);
        assert_eq!(Kernels::current().unwrap(), before);
    }
}
