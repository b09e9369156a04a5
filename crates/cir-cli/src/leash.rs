//! A process that must not outlive the one that started it, however that ends, and that can be asked to end.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
};

/// Tells a process that it hangs on its standard input.
const NAME: &str = "CIR_LEASH";

/// What another process hangs on: it ends at once when this is dropped, or this process ends.
pub(crate) struct Leash(Option<ChildStdin>);

impl Leash {
    /// Starts `command` on a leash. The signals of a terminal do not reach it: they are for this process, which
    /// then asks.
    pub(crate) fn spawn(command: &mut Command) -> std::io::Result<(Child, Self)> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let mut child = command.env(NAME, "1").stdin(Stdio::piped()).spawn()?;
        // Waiting for a child would close what it still held.
        let leash = Self(child.stdin.take());
        Ok((child, leash))
    }

    /// Asks for a clean end, as SIGTERM does.
    pub(crate) fn ask(&mut self) {
        if let Some(end) = &mut self.0 {
            // One that has ended needs not be asked.
            let _ = end.write_all(b"\n");
        }
    }
}

/// In a process on a leash: does what it is asked, and ends with it.
pub(crate) fn follow() {
    if std::env::var_os(NAME).is_some() {
        thread::spawn(|| {
            // The system closes the other end of a process that was killed, too.
            while matches!(std::io::stdin().read(&mut [0]), Ok(1)) {
                terminate();
            }
            std::process::exit(130);
        });
    }
}

#[cfg(unix)]
fn terminate() {
    use rustix::process::{Signal, getpid, kill_process};
    // Where it fails, the process is ended with its leash.
    let _ = kill_process(getpid(), Signal::TERM);
}

#[cfg(not(unix))]
fn terminate() {
    std::process::exit(130);
}
