//! Mistakes that a client may make: a harness that never caught one proves nothing.

/// A mistake that every client of a run makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It stores the cursor when an event arrives, and applies the event later.
    CursorBeforeApplying,
    /// It applies what comes as it comes, without a gate.
    NoGate,
    /// It sends again what was not acknowledged without naming the operation.
    NoClientId,
    /// It takes the first step of catching up for all of it.
    IgnoresMore,
}

impl Fault {
    /// Every mistake.
    pub const ALL: [Self; 4] = [Self::CursorBeforeApplying, Self::NoGate, Self::NoClientId, Self::IgnoresMore];
}
