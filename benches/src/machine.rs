//! What the machine says about a process, and how a program is kept on one core.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};

/// The core of whatever is measured.
pub const SERVER_CORE: &str = "0";
/// The core of whatever makes the load.
pub const LOAD_CORE: &str = "1";

/// A program that runs on one core only, where `taskset` is there to see to it and the core is.
pub fn pinned(core: &str, program: &Path) -> Command {
    if !can_pin() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
    command
}

/// Whether programs can be kept on a core of their own.
pub fn can_pin() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores > 1 && Command::new("taskset").arg("-V").output().is_ok_and(|answer| answer.status.success())
}

/// The memory of a process that is in RAM, in KiB.
///
/// # Errors
/// If the process is not there, or this is not Linux.
pub fn resident_kib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("reading the memory of a process")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    line.trim().trim_end_matches("kB").trim().parse().context("VmRSS is a number")
}

/// The time that a process has spent on a core since it started, to 10 ms.
///
/// # Errors
/// If the process is not there, or this is not Linux.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("reading the time of a process")?;
    let after_name = stat.rsplit_once(')').context("an odd /proc/PID/stat")?.1;
    let mut ticks = after_name.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (ticks.next().context("no utime")??, ticks.next().context("no stime")??);
    // USER_HZ is 100 on every Linux that is in use.
    Ok(Duration::from_millis((user + system) * 10))
}
