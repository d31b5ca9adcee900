//! What reads take in files of each size, as a picture. Both axes are logarithmic: a line that lies flat costs the same.

use std::fmt::Write as _;

use crate::spread::{Spread, short};

const HEIGHT: f64 = 400.0;

/// Where the axes are: left, right, top, bottom.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 440.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 350.0;

/// How far apart names stand at least.
const LINE: f64 = 18.0;

const HEAD: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 400" role="img" aria-labelledby="t d"
     font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="13">
  <title id="t">What a read takes, by how much is stored</title>
  <desc id="d">Half of the reads of each kind take less than this, in files of ten thousand to ten million messages.</desc>
  <style>
    text { fill: #1c2533 }
    .small { font-size: 12px; fill: #5a667a }
    .grid { stroke: #dde3ec; stroke-width: 1 }
    .line { stroke: #3367d6; stroke-width: 2; fill: none; stroke-linejoin: round }
    .range { stroke: #3367d6; stroke-width: 1; opacity: .5 }
    .dot { fill: #3367d6 }
    .lead { stroke: #8b98ad; stroke-width: 1 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6ebf5 }
      .small { fill: #a5b1c6 }
      .grid { stroke: #2b3445 }
      .line, .range { stroke: #6f9bff }
      .dot { fill: #6f9bff }
      .lead { stroke: #6b7890 }
    }
  </style>
"##;

/// One kind of read: how many messages there are, and what it took.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) points: Vec<(f64, Spread)>,
}

/// All of them.
pub(super) struct Plot {
    pub(super) lines: Vec<Line>,
}

/// From powers of ten to a length on the page.
struct Axis {
    low: i32,
    high: i32,
    start: f64,
    end: f64,
}

impl Axis {
    /// The powers of ten around these values.
    fn around(values: impl Iterator<Item = f64> + Clone, start: f64, end: f64) -> Self {
        let least = values.clone().fold(f64::MAX, f64::min).log10().floor();
        let greatest = values.fold(1.0, f64::max).log10().ceil();
        Self { low: least as i32, high: (greatest as i32).max(least as i32 + 1), start, end }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.start + share * (self.end - self.start)
    }

    /// The lines of the grid.
    fn powers(&self) -> impl Iterator<Item = f64> {
        (self.low..=self.high).map(|power| 10_f64.powi(power))
    }
}

impl Plot {
    /// The picture; the same for the same measurements.
    pub(super) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let across = Axis::around(points().map(|(size, _)| *size), LEFT, RIGHT);
        let up = Axis::around(points().flat_map(|(_, took)| [took.min, took.max]), BOTTOM, TOP);
        let mut svg = HEAD.to_owned();
        // A String takes whatever is written to it.
        let _ =
            writeln!(svg, r#"  <text class="small" x="{LEFT}" y="{:.0}">half take less than, µs</text>"#, TOP - 16.0);
        for power in up.powers() {
            let y = up.at(power);
            let _ = writeln!(svg, r#"  <path class="grid" d="M{LEFT} {y:.1} H{RIGHT}"/>"#);
            let name = format!(r#"text-anchor="end">{power}"#);
            let _ = writeln!(svg, r#"  <text class="small" x="{:.0}" y="{:.1}" {name}</text>"#, LEFT - 8.0, y + 4.0);
        }
        for power in across.powers() {
            let (x, name) = (across.at(power), format!(r#"text-anchor="middle">{}"#, count(power)));
            let _ = writeln!(svg, r#"  <path class="grid" d="M{x:.1} {TOP} V{BOTTOM}"/>"#);
            let _ = writeln!(svg, r#"  <text class="small" x="{x:.1}" y="{:.0}" {name}</text>"#, BOTTOM + 20.0);
        }
        let middle = f64::midpoint(LEFT, RIGHT);
        let name = r#"text-anchor="middle">messages stored"#;
        let _ = writeln!(svg, r#"  <text class="small" x="{middle:.0}" y="{:.0}" {name}</text>"#, HEIGHT - 10.0);
        for (line, name_at) in self.lines.iter().zip(self.names(&up)) {
            line.draw(&mut svg, &across, &up, name_at);
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// Where the name of each line stands: beside its last point, or as near as there is place.
    fn names(&self, up: &Axis) -> Vec<f64> {
        let last = |line: &Line| line.points.last().map_or(BOTTOM, |(_, took)| up.at(took.median));
        let mut heights: Vec<f64> = self.lines.iter().map(last).collect();
        let mut from_below: Vec<usize> = (0..heights.len()).collect();
        from_below.sort_by(|a, b| heights[*b].total_cmp(&heights[*a]));
        for pair in from_below.windows(2) {
            heights[pair[1]] = heights[pair[1]].min(heights[pair[0]] - LINE);
        }
        heights
    }
}

impl Line {
    fn draw(&self, svg: &mut String, across: &Axis, up: &Axis, name_at: f64) {
        let mut path = String::new();
        for (n, (size, took)) in self.points.iter().enumerate() {
            let (x, y) = (across.at(*size), up.at(took.median));
            let _ = write!(path, "{}{x:.1} {y:.1}", if n == 0 { "M" } else { " L" });
            let (top, bottom) = (up.at(took.max), up.at(took.min));
            let _ = writeln!(svg, r#"  <path class="range" d="M{x:.1} {top:.1} V{bottom:.1}"/>"#);
            let _ = writeln!(svg, r#"  <circle class="dot" cx="{x:.1}" cy="{y:.1}" r="3"/>"#);
        }
        let _ = writeln!(svg, r#"  <path class="line" d="{path}"/>"#);
        let Some((_, last)) = self.points.last() else { return };
        let (from, to) = (RIGHT + 6.0, RIGHT + 22.0);
        let _ = writeln!(svg, r#"  <path class="lead" d="M{from} {:.1} L{to} {name_at:.1}"/>"#, up.at(last.median));
        let name = format!("{}, {} µs", self.name, short(last.median));
        let _ = writeln!(svg, r#"  <text x="{:.0}" y="{:.1}">{name}</text>"#, to + 6.0, name_at + 4.0);
    }
}

/// A number of messages, as one says it.
fn count(number: f64) -> String {
    match number {
        n if n >= 1e6 => format!("{} million", n / 1e6),
        n => format!("{} thousand", n / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(name: &'static str, micros: f64) -> Line {
        let points = [1e4, 1e5, 1e6, 1e7].map(|size| (size, Spread::of([micros])));
        Line { name, points: points.to_vec() }
    }

    #[test]
    fn what_costs_the_same_lies_flat_and_names_stand_apart() {
        let plot = Plot { lines: vec![flat("one", 40.0), flat("two", 41.0), flat("three", 39.0)] };
        let svg = plot.svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        let path = svg.split(r#"class="line" d=""#).nth(1).unwrap().split('"').next().unwrap();
        let heights: Vec<&str> = path.split_whitespace().skip(1).step_by(2).collect();
        assert_eq!(heights, [heights[0]; 4]);
        let up = Axis::around([10.0, 100.0].into_iter(), BOTTOM, TOP);
        let mut names = plot.names(&up);
        names.sort_by(f64::total_cmp);
        assert!(names.windows(2).all(|pair| pair[1] - pair[0] >= LINE - 1e-9), "{names:?}");
        assert_eq!(svg, plot.svg());
    }

    #[test]
    fn an_axis_begins_and_ends_at_powers_of_ten() {
        let axis = Axis::around([20.0, 333.0].into_iter(), 0.0, 100.0);
        assert_eq!(axis.powers().collect::<Vec<_>>(), [10.0, 100.0, 1000.0]);
        assert_eq!((axis.at(10.0), axis.at(100.0), axis.at(1000.0)), (0.0, 50.0, 100.0));
    }
}
