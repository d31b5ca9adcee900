//! How far something that takes long has come, on standard error: one line that changes where somebody looks on, a
//! line for each tenth where it is written down.

use std::io::{self, IsTerminal as _, Write as _};

use chat_sqlite::Progress;

/// How far it has come, as it was last shown.
pub(crate) struct Shown {
    /// What is counted.
    unit: &'static str,
    overwrites: bool,
    percent: Option<u64>,
}

impl Shown {
    pub(crate) fn of(unit: &'static str) -> Self {
        Self { unit, overwrites: io::stderr().is_terminal(), percent: None }
    }

    /// Shows it, where it is different enough.
    pub(crate) fn show(&mut self, Progress { done, total }: Progress) {
        let step = if self.overwrites { 1 } else { 10 };
        // Of how much is not always known.
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(done / 1_000) / step * step;
        if self.percent.replace(percent) == Some(percent) {
            return;
        }
        let (before, after) = if self.overwrites { ("\r", "\u{1b}[K") } else { ("", "\n") };
        let of = if total == 0 { String::new() } else { format!(" of {total}") };
        let mut out = io::stderr().lock();
        // Nobody needs to know.
        let _ = write!(out, "{before}{done}{of} {}{after}", self.unit).and_then(|()| out.flush());
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if self.overwrites && self.percent.is_some() {
            eprintln!();
        }
    }
}
