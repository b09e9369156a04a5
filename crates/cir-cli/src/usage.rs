//! How errors end the program. Exit codes: 2 when the command line or a recipe asks for what is not
//! allowed, 130 when a training was interrupted, 1 otherwise.

use std::process::ExitCode;

/// Marks an error as one of usage.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A training that was stopped and has saved itself; how to go on with it.
#[derive(Debug)]
pub(crate) struct Interrupted(pub(crate) String);

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Interrupted {}

/// An error of usage from anything printable.
pub(crate) fn usage(message: impl std::fmt::Display) -> anyhow::Error {
    Usage(message.to_string()).into()
}

/// What is said of `error`: itself and its causes.
pub(crate) fn message(error: &anyhow::Error) -> String {
    match error.is::<Interrupted>() {
        true => error.to_string(),
        false => format!("error: {error:#}"),
    }
}

/// The exit code of `error`.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    use cir_core::Error::Setting;
    // A transparent variant hides the error that it wraps from the chain.
    let setting = |e: &(dyn std::error::Error + 'static)| {
        e.is::<Usage>()
            || matches!(e.downcast_ref(), Some(Setting { .. }))
            || matches!(e.downcast_ref(), Some(cir_data::Error::Core(Setting { .. })))
            || matches!(e.downcast_ref(), Some(cir_train::Error::Core(Setting { .. })))
    };
    if error.is::<Interrupted>() {
        return ExitCode::from(130);
    }
    ExitCode::from(if error.chain().any(setting) { 2 } else { 1 })
}
