//! Why the program ends without success, and with which status.

use std::{fmt, process::ExitCode};

/// Why the program ends without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was asked for something that cannot be; status 2. Nothing was touched.
    Usage(String),
    /// It could not do what it was asked for; status 1.
    Failed(String),
}

impl Failure {
    pub(crate) fn usage(problem: impl fmt::Display) -> Self {
        Self::Usage(problem.to_string())
    }

    pub(crate) fn failed(problem: impl fmt::Display) -> Self {
        Self::Failed(problem.to_string())
    }

    pub(crate) fn status(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(problem) | Self::Failed(problem) => f.write_str(problem),
        }
    }
}
