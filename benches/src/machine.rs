//! What the machine says about itself and about a process, and how a program is kept on one core.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};

/// The core of whatever is measured.
pub const SERVER_CORE: &str = "0";
/// The core of whatever makes the load.
pub const LOAD_CORE: &str = "1";

/// Both of them.
pub const BOTH_CORES: &str = "0,1";

/// A program that runs on these cores only, where `taskset` is there to see to it and the core is.
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
    status(pid, "VmRSS:")
}

/// How many threads a process has.
///
/// # Errors
/// If the process is not there, or this is not Linux.
pub fn threads(pid: u32) -> Result<u64> {
    status(pid, "Threads:")
}

fn status(pid: u32, what: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("reading the state of a process")?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)).with_context(|| format!("no {what}"))?;
    line.trim().trim_end_matches("kB").trim().parse().with_context(|| format!("{what} is a number"))
}

/// How many files and sockets a process has open.
///
/// # Errors
/// If the process is not there, or this is not Linux.
pub fn open_files(pid: u32) -> Result<u64> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd")).context("reading the files of a process")?.count() as u64)
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

/// The day, the commit and the machine, as a sentence of Markdown.
pub fn described() -> String {
    let said = |program: &str, args: &[&str]| {
        let answer = Command::new(program).args(args).output().ok().filter(|answer| answer.status.success());
        answer.map_or_else(|| "unknown".to_owned(), |answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let of = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.map_or_else(|| "unknown".to_owned(), |line| line.trim_matches([' ', '\t', ':']).to_owned())
    };
    let (model, memory) = (of("/proc/cpuinfo", "model name"), of("/proc/meminfo", "MemTotal"));
    let memory = memory
        .trim_end_matches(" kB")
        .parse::<f64>()
        .map_or(memory.clone(), |kib| format!("{:.0} GiB", kib / 1048576.0));
    let (kernel, compiler) = (said("uname", &["-sr"]), said("rustc", &["--version"]));
    let (commit, day) = (said("git", &["rev-parse", "--short", "HEAD"]), said("date", &["-u", "+%F"]));
    format!("Measured on {day} at commit {commit}: {cores} cores ({model}), {memory}, {kernel}, {compiler}.")
}
