//! Spans of time as people write them: `90`, `10s`, `500ms`, `2m`, `1h`, `30d`.

use std::time::Duration;

/// Reads a span; a number alone is seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err("must be a number with ms, s, m, h or d, such as 10s".into()),
    };
    let number: f64 = number.parse().map_err(|_| "must begin with a number, such as 10s")?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| "is too long".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood_and_nonsense_is_not() {
        for (text, millis) in [("90", 90_000), ("1.5s", 1_500), ("500ms", 500), ("2m", 120_000), ("1h", 3_600_000)] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1", "1y", "1.2.3", "99999999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
