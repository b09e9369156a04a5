//! A process that must not outlive the one that started it, however that ends.

use std::{
    io::Read,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
};

/// Tells a process that it hangs on its standard input.
const NAME: &str = "CIR_LEASH";

/// Starts `command` so that it ends when this process does, or when what is returned is dropped.
pub(crate) fn spawn(command: &mut Command) -> std::io::Result<(Child, Option<ChildStdin>)> {
    let mut child = command.env(NAME, "1").stdin(Stdio::piped()).spawn()?;
    // Waiting for a child would close what it still held.
    let leash = child.stdin.take();
    Ok((child, leash))
}

/// In a process started so: ends it when its standard input does.
pub(crate) fn follow() {
    if std::env::var_os(NAME).is_some() {
        thread::spawn(|| {
            // The system closes the other end of a process that was killed, too.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            std::process::exit(130);
        });
    }
}
