//! Close codes: the range says whether to come back.

use crate::engine::End;

/// Why the server closes a connection. 3000–3499: reconnect and resume. 3500–3999: do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The server goes down; reconnect after the delay that `closing` named.
    Draining = 3000,
    /// The peer took too long to read.
    TooSlow = 3001,
    /// The server has too much to do.
    Overloaded = 3002,
    /// The token ended; come back with a new one.
    TokenExpired = 3003,
    /// No valid token, or not for this room.
    Unauthorized = 3500,
    /// The user is no longer in the room that the connection was for.
    Removed = 3501,
    /// The user has too many connections.
    TooManyConnections = 3502,
    /// The peer does not speak the protocol.
    Protocol = 3503,
}

impl CloseCode {
    /// Every code, in order.
    pub const ALL: [Self; 8] = [
        Self::Draining,
        Self::TooSlow,
        Self::Overloaded,
        Self::TokenExpired,
        Self::Unauthorized,
        Self::Removed,
        Self::TooManyConnections,
        Self::Protocol,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Its name, which the close frame carries as the reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::TooSlow => "too_slow",
            Self::Overloaded => "overloaded",
            Self::TokenExpired => "token_expired",
            Self::Unauthorized => "unauthorized",
            Self::Removed => "removed",
            Self::TooManyConnections => "too_many_connections",
            Self::Protocol => "protocol",
        }
    }

    /// Whether a client should reconnect.
    pub const fn reconnect(self) -> bool {
        self.number() < 3500
    }
}

impl From<End> for CloseCode {
    fn from(end: End) -> Self {
        match end {
            End::Closed => Self::Draining,
            End::TooSlow => Self::TooSlow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_says_whether_to_come_back() {
        let back: Vec<_> = CloseCode::ALL.iter().filter(|code| code.reconnect()).map(|code| code.reason()).collect();
        assert_eq!(back, ["draining", "too_slow", "overloaded", "token_expired"]);
    }
}
