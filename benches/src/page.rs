//! The page `docs/src/measured.md`: what stands between two marks is written by a run of all figures. A picture is
//! drawn whenever its figure ran.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    figures::{Figure, Setting, Table},
    machine,
};

/// From the root of the workspace, where `cargo xtask bench` runs.
const PAGE: &str = "docs/src/measured.md";
const IMAGES: &str = "docs/src/images";
const BEGIN: &str = "<!-- written by `cargo xtask bench`: from here -->";
const END: &str = "<!-- to here -->";

/// Writes what was measured, and on what.
///
/// # Errors
/// If the page is not there, or has lost its marks.
pub fn write(setting: &Setting, measured: &[(&Figure, Table)]) -> Result<()> {
    let path = Path::new(PAGE);
    let page = fs::read_to_string(path).with_context(|| format!("reading {PAGE}"))?;
    let page = with(&page, &written(setting, measured)).with_context(|| format!("{PAGE} has lost its marks"))?;
    fs::write(path, page).with_context(|| format!("writing {PAGE}"))?;
    println!("{PAGE} says what was measured");
    Ok(())
}

/// Writes a figure's picture, if it has one.
///
/// # Errors
/// If the book's folder of images is not there.
pub fn draw(table: &Table) -> Result<()> {
    let Some((name, svg)) = &table.picture else { return Ok(()) };
    fs::write(Path::new(IMAGES).join(name), svg).with_context(|| format!("writing {IMAGES}/{name}"))
}

/// The page with this between its marks.
fn with(page: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{text}\n{END}{after}"))
}

fn written(setting: &Setting, measured: &[(&Figure, Table)]) -> String {
    let (rounds, seconds) = (setting.rounds, setting.seconds);
    let mut text = format!("{} {rounds} rounds of {seconds} s in turns.\n\n", machine::described());
    text.push_str("| what | the middle one (least … greatest) | must | aim | |\n| --- | ---: | ---: | ---: | --- |\n");
    for (figure, table) in measured {
        // A String takes whatever is written to it.
        let _ = write!(text, "| **`{}`: {}** | | | | |\n{}", figure.name, figure.about, table.markdown());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{FIGURES, Must};

    #[test]
    fn what_stands_between_the_marks_is_replaced_and_nothing_else() {
        let page = format!("# Measured\n\n{BEGIN}\nold\n{END}\n\nend\n");
        let new = format!("# Measured\n\n{BEGIN}\n\nnew\n{END}\n\nend\n");
        assert_eq!(with(&page, "new").as_deref(), Some(&*new));
        assert_eq!(with("# Measured\n", "new"), None);
        assert!(with(include_str!("../../docs/src/measured.md"), "").is_some());
    }

    #[test]
    fn each_figure_is_named_above_its_lines() {
        let mut table = Table::default();
        table.row("p50, µs", [2.0], Must::AtMost(3.0));
        let setting = Setting { rounds: 1, seconds: 0.5, data: "data".into(), unnamed: false };
        let text = written(&setting, &[(&FIGURES[0], table)]);
        assert!(text.contains(" 1 rounds of 0.5 s in turns."), "{text}");
        let heading = format!("| **`{}`: {}** | | | | |\n| p50, µs | 2.00", FIGURES[0].name, FIGURES[0].about);
        assert!(text.contains(&heading), "{text}");
    }
}
