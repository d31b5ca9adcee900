//! Mistakes that a client, a store or a server may make: a harness that never caught one proves nothing.

/// A mistake that is made all through a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A client stores the cursor when an event arrives, and applies the event later.
    CursorBeforeApplying,
    /// A client applies what comes as it comes, without a gate.
    NoGate,
    /// A client sends again what was not acknowledged without naming the operation.
    NoClientId,
    /// A client takes the first step of catching up for all of it.
    IgnoresMore,
    /// A client sends what it wrote last first.
    SendsTheLastFirst,
    /// A client counts its own messages as not read.
    CountsItsOwn,
    /// A client does not hear that somebody no longer types.
    KeepsThemTyping,
    /// A client does not hear of a removal, and shows the room on.
    KeepsTheRoom,
    /// A client does not hear that it fell behind.
    IgnoresResync,
    /// A client that gets a snapshot keeps what it had before, whatever became of it.
    KeepsWhatItHad,
    /// The store loses what it acknowledged last when the server crashes.
    LosesTheLast,
    /// The store stamps what happens with whatever the clock says.
    TurnsTimeBack,
    /// The store gives a number twice, or none.
    SkipsANumber,
    /// The store edits where it should delete.
    KeepsTheDeleted,
    /// The store takes a ban for a removal.
    ForgetsBans,
    /// Two owners who leave at once both go.
    LetsBothOwnersGo,
    /// A change of somebody tells how far they had read long ago, and a client believes it.
    BelievesOldReceipts,
    /// The server never looks whether a token has ended.
    ForgetsTheToken,
    /// What one is told, another one hears too.
    CrossesWires,
}

impl Fault {
    /// Every mistake.
    pub const ALL: [Self; 19] = [
        Self::CursorBeforeApplying,
        Self::NoGate,
        Self::NoClientId,
        Self::IgnoresMore,
        Self::SendsTheLastFirst,
        Self::CountsItsOwn,
        Self::KeepsThemTyping,
        Self::KeepsTheRoom,
        Self::IgnoresResync,
        Self::KeepsWhatItHad,
        Self::LosesTheLast,
        Self::TurnsTimeBack,
        Self::SkipsANumber,
        Self::KeepsTheDeleted,
        Self::ForgetsBans,
        Self::LetsBothOwnersGo,
        Self::BelievesOldReceipts,
        Self::ForgetsTheToken,
        Self::CrossesWires,
    ];
}
