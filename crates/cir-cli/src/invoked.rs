//! How the user runs this program, so that the commands in its messages can be typed as they stand.

use crate::backend;

/// Set by `cargo xtask` to its own name: what it runs lies deep in the target folder.
const COMMAND: &str = "CIR_COMMAND";

/// The line that runs this program with `arguments`, quoted for a shell where that is needed.
pub(crate) fn command(arguments: &[&str]) -> String {
    let quoted = |word: &str| shlex::try_quote(word).map_or(word.into(), |word| word.into_owned());
    let arguments = arguments.iter().copied().map(quoted).collect::<Vec<_>>().join(" ");
    match std::env::var(COMMAND) {
        Ok(name) if backend::name() == "cpu" => format!("{name} {arguments}"),
        Ok(name) => format!("{name} {arguments} --backend {}", backend::name()),
        Err(_) => {
            let name = std::env::args().next().unwrap_or_else(|| "cir".into());
            format!("{} {arguments}", quoted(&name))
        }
    }
}
