//! What a run was made on, for its report.

/// Processor, cores, operating system and version, as name and value.
pub fn machine() -> Vec<(String, String)> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let os = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    [
        ("processor", processor()),
        ("cores", cores.to_string()),
        ("system", os),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The processor's name where the system tells it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or(std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}
