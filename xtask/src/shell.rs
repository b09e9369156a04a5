//! Commands as a person would type them: shown and run.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

/// `command` as it would be typed in the workspace's folder.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = match program.strip_prefix(crate::project::root()) {
        Ok(inside) => inside.display().to_string(),
        Err(_) if program.file_stem().is_some_and(|name| name == "cargo") => "cargo".to_owned(),
        Err(_) => program.display().to_string(),
    };
    let words = std::iter::once(program)
        .chain(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
}

/// Shows `command` and runs it; whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    println!("$ {}", line(command));
    let status = command.status().with_context(|| line(command))?;
    Ok(status.success())
}

/// Shows `command` and runs it; an error if it fails.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    ensure!(succeeds(command)?, "failed: {}", line(command));
    Ok(())
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_typed() {
        let mut command = Command::new("cir");
        command.args(["train", "--set", "a.b=[1, 2]", "it's", ""]);
        assert_eq!(line(&command), r"cir train --set 'a.b=[1, 2]' 'it'\''s' ''");
    }
}
