//! Servers that are run in turns, ours and those that it is held against.

use anyhow::Result;

use crate::{servers::progress, spread::Spread};

use super::{Goal, KNOWN, Must, Table};

/// A server's name, and how it is run.
pub(super) type Side<'a, T> = (&'static str, &'a dyn Fn() -> Result<T>);

/// What must hold against whichever of these sides is the hardest to hold it against.
pub(super) type Against = (&'static [&'static str], Goal);

/// What each did, run by run; ours is the first.
pub(super) struct Sides<T>(Vec<(&'static str, Vec<T>)>);

impl<T> Sides<T> {
    /// Runs them: A B C A B C.
    pub(super) fn in_turns(rounds: usize, sides: &[Side<'_, T>]) -> Result<Self> {
        let mut ran: Vec<_> = sides.iter().map(|(name, _)| (*name, Vec::with_capacity(rounds))).collect();
        for round in 1..=rounds {
            for ((name, run), (_, ran)) in sides.iter().zip(&mut ran) {
                progress(&format!("  round {round} of {rounds}: {name} …"));
                ran.push(run()?);
            }
        }
        progress("");
        Ok(Self(ran))
    }

    /// Adds what each did, and then ours by each of the others, round by round, with what must hold.
    pub(super) fn compare(&self, table: &mut Table, name: &str, what: fn(&T) -> f64, goals: &[Against]) {
        let sides: Vec<(&str, Vec<f64>)> =
            self.0.iter().map(|(side, runs)| (*side, runs.iter().map(what).collect())).collect();
        for (side, runs) in &sides {
            table.row(format!("{side}, {name}"), runs.iter().copied(), KNOWN);
        }
        let Some(((ours, runs), others)) = sides.split_first() else { return };
        let median = |other: &[f64]| Spread::of(runs.iter().zip(other).map(|(ours, theirs)| ours / theirs)).median;
        let hardest = |(named, goal): &Against| {
            let margin = |other: &[f64]| goal.must.margin(median(other));
            let named = others.iter().filter(|(other, _)| named.contains(other));
            let hardest = named.min_by(|(_, one), (_, two)| margin(one).total_cmp(&margin(two)));
            hardest.map(|(other, _)| (*other, *goal))
        };
        let held: Vec<_> = goals.iter().filter_map(hardest).collect();
        for (other, other_runs) in others {
            let goal = held.iter().find(|(name, _)| name == other).map_or(KNOWN.into(), |(_, goal)| *goal);
            table.ratio(format!("  {name}, {ours} / {other}"), runs, other_runs, goal);
        }
    }

    /// Adds what each did, with a note.
    pub(super) fn show(&self, table: &mut Table, name: &str, what: fn(&T) -> f64, note: &'static str) {
        for (side, runs) in &self.0 {
            table.row(format!("{side}, {name}"), runs.iter().map(what), Must::Known(note));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goals_of(ours: f64, goal: Goal) -> Vec<Goal> {
        let (us, one, two, other) = (|| Ok(ours), || Ok(10.0), || Ok(20.0), || Ok(1.0));
        let sides: [Side<'_, f64>; 4] = [("us", &us), ("one", &one), ("two", &two), ("other", &other)];
        let mut table = Table::default();
        Sides::in_turns(1, &sides).unwrap().compare(&mut table, "rate", |rate| *rate, &[(&["one", "two"], goal)]);
        let names: Vec<_> = table.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names[..2], ["us, rate", "one, rate"]);
        assert_eq!(names[4..], ["  rate, us / one", "  rate, us / two", "  rate, us / other"]);
        table.rows[4..].iter().map(|row| row.goal).collect()
    }

    #[test]
    fn what_must_hold_is_held_against_the_better_of_those_that_are_named() {
        let (known, more, less) = (Goal::from(KNOWN), Must::AtLeast(1.0).into(), Must::AtMost(1.0).into());
        assert_eq!(goals_of(15.0, more), [known, more, known]);
        assert_eq!(goals_of(15.0, less), [less, known, known]);
    }
}
