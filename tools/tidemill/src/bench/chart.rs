//! Curves as inline SVG: no script, no network, readable in light and dark. Pure.

use super::text::{micros, whole};
use std::fmt::Write as _;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 38.0;
const COLOURS: [&str; 3] = ["#0b7a75", "#c2410c", "#5b3fa8"];

/// A scale from 0 to 1 with labelled places.
#[derive(Debug)]
pub struct Axis {
    ticks: Vec<(f64, String)>,
    scale: Scale,
}

#[derive(Clone, Copy, Debug)]
enum Scale {
    /// From 0 to this.
    Linear(f64),
    /// Powers of ten.
    Log(f64, f64),
    /// Parts, each nine of them as wide as the one before.
    Nines(f64),
}

/// One curve.
#[derive(Debug)]
pub struct Series<'a> {
    pub name: &'a str,
    pub points: Vec<(f64, f64)>,
}

impl Axis {
    /// From 0 to a round number above `most`.
    pub fn linear(most: f64, label: impl Fn(f64) -> String) -> Axis {
        let most = if most.is_finite() { most.max(1e-9) } else { 1.0 };
        let size = 10f64.powf((most / 4.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .iter()
            .map(|part| part * size)
            .find(|step| step * 4.0 >= most)
            .unwrap_or(most);
        let count = (most / step).ceil().max(1.0);
        let mut ticks = Vec::new();
        let mut place = 0.0;
        while place <= count {
            ticks.push((place * step, label(place * step)));
            place += 1.0;
        }
        Axis { ticks, scale: Scale::Linear(count * step) }
    }

    /// Times in microseconds.
    pub fn log_time(least: f64, most: f64) -> Axis {
        let low = least.max(0.1).log10().floor();
        let high = most.max(0.1).log10().ceil().max(low + 1.0);
        let mut ticks = Vec::new();
        let mut power = low;
        while power <= high {
            ticks.push((10f64.powf(power), micros(10f64.powf(power))));
            power += 1.0;
        }
        Axis { ticks, scale: Scale::Log(low, high) }
    }

    /// Percentiles up to as many nines as the count of samples supports.
    pub fn nines(samples: u64) -> Axis {
        let nines = (samples.max(10) as f64).log10().ceil().clamp(2.0, 5.0);
        let all = [
            (0.0, "0 %"),
            (0.5, "50 %"),
            (0.9, "90 %"),
            (0.99, "99 %"),
            (0.999, "99.9 %"),
            (0.9999, "99.99 %"),
            (0.99999, "99.999 %"),
        ];
        let scale = Scale::Nines(nines);
        let ticks = all
            .iter()
            .filter(|(part, _)| -(1.0_f64 - part).log10() <= nines + 1e-6)
            .map(|(part, label)| (*part, (*label).to_owned()))
            .collect();
        Axis { ticks, scale }
    }

    fn place(&self, value: f64) -> f64 {
        let place = match self.scale {
            Scale::Linear(most) => value / most,
            Scale::Log(low, high) => (value.max(1e-9).log10() - low) / (high - low),
            Scale::Nines(nines) => -(1.0 - value).max(1e-9).log10() / nines,
        };
        place.clamp(0.0, 1.0)
    }
}

/// Rates as labels.
pub fn rate(value: f64) -> String {
    if value > 0.0 && value < 10.0 { format!("{value:.1}") } else { whole(value as u64) }
}

/// For text between tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Empty if no series has two points.
pub fn draw(title: &str, x: &Axis, y: &Axis, series: &[Series<'_>]) -> String {
    if series.iter().all(|series| series.points.len() < 2) {
        return String::new();
    }
    let at_x = |value: f64| LEFT + x.place(value) * (WIDTH - LEFT - RIGHT);
    let at_y = |value: f64| HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM);
    let (floor, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    let title = escape(title);
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\
         <text x=\"{LEFT}\" y=\"16\" class=\"title\">{title}</text>"
    );
    for (value, label) in &x.ticks {
        let (at, label) = (at_x(*value), escape(label));
        let _ = write!(
            out,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{floor}\" class=\"grid\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            floor + 14.0
        );
    }
    for (value, label) in &y.ticks {
        let (at, label) = (at_y(*value), escape(label));
        let _ = write!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\" class=\"grid\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            LEFT - 6.0,
            at + 3.5
        );
    }
    for (index, Series { name, points }) in series.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let mut line = String::new();
        for (a, b) in points {
            let _ = write!(line, "{:.1},{:.1} ", at_x(*a), at_y(*b));
        }
        let legend = LEFT + 150.0 * f64::from(u32::try_from(index).unwrap_or(0));
        let _ = write!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\"/>\
             <text x=\"{legend:.1}\" y=\"{:.1}\" style=\"fill:{colour}\">{}</text>",
            line.trim_end(),
            HEIGHT - 5.0,
            escape(name)
        );
    }
    out.push_str("</svg>");
    out
}

#[cfg(test)]
mod tests {
    use super::{Axis, Series, draw, rate};

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!(labels(&Axis::linear(1234.0, rate)), ["0", "500", "1,000", "1,500"]);
        assert_eq!(labels(&Axis::linear(3.0, rate)), ["0", "1.0", "2.0", "3.0"]);
        assert_eq!(
            labels(&Axis::log_time(150.0, 30_000.0)),
            ["100 us", "1.00 ms", "10.0 ms", "100 ms"]
        );
        assert_eq!(labels(&Axis::nines(900)), ["0 %", "50 %", "90 %", "99 %", "99.9 %"]);
        assert_eq!(labels(&Axis::nines(0)), ["0 %", "50 %", "90 %", "99 %"]);
    }

    #[test]
    fn places_lie_within_the_chart() {
        let axis = Axis::nines(1_000_000);
        assert!((axis.place(0.9) - 0.2).abs() < 1e-9 && axis.place(1.0) == 1.0);
        let axis = Axis::log_time(100.0, 1000.0);
        assert_eq!((axis.place(0.0), axis.place(1e12)), (0.0, 1.0));
    }

    #[test]
    fn names_cannot_break_out() {
        let (x, y) = (Axis::linear(2.0, rate), Axis::linear(2.0, rate));
        let series = [Series { name: "<b>", points: vec![(0.0, 1.0), (1.0, 2.0)] }];
        let svg = draw("a\"><script>", &x, &y, &series);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{svg}");
        assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("<polyline points=\""), "{svg}");
        assert_eq!(draw("t", &x, &y, &[Series { name: "a", points: vec![(0.0, 1.0)] }]), "");
    }
}
