//! What happened in a run, in words: written only when somebody will read it.

use std::{cell::RefCell, fmt::Write, rc::Rc};

use tokio::time::Instant;

/// The lines of a run; clones write to the same.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    lines: Option<Rc<RefCell<String>>>,
    began: Instant,
}

impl Trace {
    /// A trace that begins now, and is written only if it is `wanted`.
    pub(super) fn new(wanted: bool) -> Self {
        Self { lines: wanted.then(Rc::default), began: Instant::now() }
    }

    /// Adds a line about `who`.
    pub(super) fn note(&self, who: &str, what: impl FnOnce() -> String) {
        if let Some(lines) = &self.lines {
            let at = self.began.elapsed().as_millis();
            // A String takes whatever is written to it.
            let _ = writeln!(lines.borrow_mut(), "{at:>7} ms  {who:<8} {}", what());
        }
    }

    /// Everything that was written.
    pub(super) fn text(&self) -> String {
        self.lines.as_ref().map(|lines| lines.borrow().clone()).unwrap_or_default()
    }
}
