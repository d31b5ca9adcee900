//! How a figure is shown: each side's least, middle and greatest, their ratio, and whether it is what it must be.

use std::fmt;

use anyhow::Result;

use crate::{
    servers::progress,
    spread::{Spread, short},
};

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Must {
    /// The middle one is at least this.
    AtLeast(f64),
    /// The middle one is at most this.
    AtMost(f64),
    /// Nothing; it is there to be known. It may say what it will be held against.
    Known(&'static str),
}

impl Must {
    fn holds(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(least) => Some(value >= least),
            Self::AtMost(most) => Some(value <= most),
            Self::Known(_) => None,
        }
    }
}

/// One line.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// What was measured.
    pub spread: Spread,
    /// What must hold of the middle one.
    pub must: Must,
}

/// One figure's lines.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The lines.
    pub rows: Vec<Row>,
}

impl Table {
    /// Adds a line.
    pub fn row(&mut self, name: impl Into<String>, measured: impl IntoIterator<Item = f64>, must: Must) -> &mut Self {
        self.rows.push(Row { name: name.into(), spread: Spread::of(measured), must });
        self
    }

    /// Adds three lines: the one, the other, and the one by the other, round by round.
    pub fn compare(
        &mut self,
        (ours, ours_name): (&[f64], &str),
        (theirs, theirs_name): (&[f64], &str),
        must: Must,
    ) -> &mut Self {
        self.row(ours_name, ours.iter().copied(), Must::Known(""));
        self.row(theirs_name, theirs.iter().copied(), Must::Known(""));
        let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs);
        self.row("  the one / the other", ratios, must)
    }

    /// How many musts do not hold.
    pub fn missed(&self) -> usize {
        self.rows.iter().filter(|row| row.must.holds(row.spread.median) == Some(false)).count()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { name, spread, must } in &self.rows {
            let measured = spread.to_string();
            let verdict = match (must, must.holds(spread.median)) {
                (Must::AtLeast(least), Some(true)) => format!("must ≥ {}: holds", short(*least)),
                (Must::AtLeast(least), _) => format!("must ≥ {}: MISSED", short(*least)),
                (Must::AtMost(most), Some(true)) => format!("must ≤ {}: holds", short(*most)),
                (Must::AtMost(most), _) => format!("must ≤ {}: MISSED", short(*most)),
                (Must::Known(note), _) => (*note).to_owned(),
            };
            writeln!(f, "{}", format!("  {name:<52} {measured:<34} {verdict}").trim_end())?;
        }
        Ok(())
    }
}

/// Runs the one and the other in turns: A B A B A B.
///
/// # Errors
/// What the first that fails says.
pub fn alternate<A, B>(
    rounds: usize,
    mut ours: impl FnMut() -> Result<A>,
    mut theirs: impl FnMut() -> Result<B>,
) -> Result<(Vec<A>, Vec<B>)> {
    let (mut left, mut right) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for round in 1..=rounds {
        progress(&format!("  round {round} of {rounds}: the one …"));
        left.push(ours()?);
        progress(&format!("  round {round} of {rounds}: the other …"));
        right.push(theirs()?);
    }
    progress("");
    Ok((left, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_must_is_held_against_the_middle_one() {
        let mut table = Table::default();
        table.compare((&[1.0, 5.0, 2.0], "a"), (&[1.0, 2.0, 2.0], "b"), Must::AtLeast(1.5));
        assert_eq!(table.missed(), 1);
        assert!(table.to_string().contains("must ≥ 1.50: MISSED"));
    }
}
