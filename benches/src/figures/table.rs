//! How a figure is shown, in a terminal and in the book: each side's least, middle and greatest, their ratio, and
//! whether it is what it must be.

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

    /// How far a value is on the right side of the bound; nought where there is none.
    pub(super) fn margin(self, value: f64) -> f64 {
        match self {
            Self::AtLeast(least) => value - least,
            Self::AtMost(most) => most - value,
            Self::Known(_) => 0.0,
        }
    }

    /// The bound; nothing where there is none.
    fn bound(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {}", short(least)),
            Self::AtMost(most) => format!("≤ {}", short(most)),
            Self::Known(_) => String::new(),
        }
    }

    /// The same, further.
    fn moved_to(self, bound: f64) -> Self {
        match self {
            Self::AtLeast(_) => Self::AtLeast(bound),
            Self::AtMost(_) => Self::AtMost(bound),
            known @ Self::Known(_) => known,
        }
    }

    /// With what is aimed at, on the same side.
    pub const fn aim(self, aim: f64) -> Goal {
        Goal { must: self, aim: Some(aim) }
    }
}

/// What must hold, and what is aimed at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// What must hold.
    pub must: Must,
    /// What is aimed at beyond it.
    pub aim: Option<f64>,
}

impl From<Must> for Goal {
    fn from(must: Must) -> Self {
        Self { must, aim: None }
    }
}

impl Goal {
    fn aimed_at(self) -> Option<Must> {
        self.aim.map(|aim| self.must.moved_to(aim))
    }

    /// What came of it; a note where there is no bound.
    fn verdict(self, value: f64) -> &'static str {
        match (self.must, self.must.holds(value)) {
            (Must::Known(note), _) => note,
            (_, Some(true)) if self.aimed_at().is_some_and(|aim| aim.holds(value) == Some(true)) => "aim reached",
            (_, Some(true)) => "holds",
            _ => "MISSED",
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
    /// What must hold of the middle one, and what is aimed at.
    pub goal: Goal,
}

/// One figure's lines.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The lines.
    pub rows: Vec<Row>,
    /// A picture of them: the name of its file among the book's images, and the SVG.
    pub picture: Option<(&'static str, String)>,
}

impl Table {
    /// Adds a line.
    pub fn row(
        &mut self,
        name: impl Into<String>,
        measured: impl IntoIterator<Item = f64>,
        goal: impl Into<Goal>,
    ) -> &mut Self {
        self.rows.push(Row { name: name.into(), spread: Spread::of(measured), goal: goal.into() });
        self
    }

    /// Adds a line: the one by the other, round by round.
    pub fn ratio(&mut self, name: impl Into<String>, ours: &[f64], theirs: &[f64], goal: impl Into<Goal>) -> &mut Self {
        self.row(name, ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs), goal)
    }

    /// Adds three lines: the one, the other, and the one by the other, round by round.
    pub fn compare(
        &mut self,
        (ours, ours_name): (&[f64], &str),
        (theirs, theirs_name): (&[f64], &str),
        goal: impl Into<Goal>,
    ) -> &mut Self {
        self.row(ours_name, ours.iter().copied(), Must::Known(""));
        self.row(theirs_name, theirs.iter().copied(), Must::Known(""));
        self.ratio("  the one / the other", ours, theirs, goal)
    }

    /// The lines of a Markdown table with five columns: what, measured, must, aim, verdict.
    pub fn markdown(&self) -> String {
        let line = |Row { name, spread, goal }: &Row| {
            let (bound, verdict) = (goal.must.bound(), goal.verdict(spread.median));
            let aim = goal.aimed_at().map(Must::bound).unwrap_or_default();
            format!("| {} | {spread} | {bound} | {aim} | {verdict} |\n", name.trim())
        };
        self.rows.iter().map(line).collect()
    }

    /// How many musts do not hold.
    pub fn missed(&self) -> usize {
        self.rows.iter().filter(|row| row.goal.must.holds(row.spread.median) == Some(false)).count()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { name, spread, goal } in &self.rows {
            let measured = spread.to_string();
            let aim = goal.aimed_at().map(|aim| format!(", aim {}", aim.bound())).unwrap_or_default();
            let verdict = match goal.must {
                Must::Known(note) => note.to_owned(),
                held => format!("must {}{aim}: {}", held.bound(), goal.verdict(spread.median)),
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

    #[test]
    fn the_book_shows_the_same() {
        let mut table = Table::default();
        table.row("a", [1.0, 2.0, 3.0], Must::AtMost(2.0)).row("  b", [5.0], Must::Known("why"));
        assert_eq!(
            table.markdown(),
            "| a | 2.00 (1.00 … 3.00) | ≤ 2.00 |  | holds |\n| b | 5.00 (5.00 … 5.00) |  |  | why |\n"
        );
    }

    #[test]
    fn an_aim_lies_beyond_the_must() {
        let mut table = Table::default();
        let goal = Must::AtLeast(0.7).aim(1.0);
        table.row("far", [1.0], goal).row("near", [0.9], goal).row("short", [0.6], goal);
        table.row("quick", [2.0], Must::AtMost(3.0).aim(2.0));
        assert_eq!(table.missed(), 1);
        let text = table.to_string();
        let said: Vec<_> = text.lines().filter_map(|line| line.split("must ").nth(1)).collect();
        let expected = [
            "≥ 0.70, aim ≥ 1.00: aim reached",
            "≥ 0.70, aim ≥ 1.00: holds",
            "≥ 0.70, aim ≥ 1.00: MISSED",
            "≤ 3.00, aim ≤ 2.00: aim reached",
        ];
        assert_eq!(said, expected);
        assert!(table.markdown().contains("| near | 0.90 (0.90 … 0.90) | ≥ 0.70 | ≥ 1.00 | holds |"));
    }
}
