//! The format that all elements of one tensor share: notation and width.

use super::PrintOptions;
use super::number::{fixed, scientific};

/// How elements are written.
#[derive(Clone, Copy, PartialEq)]
enum Notation {
    /// Bool and integers.
    Exact,
    /// Floats that are all integers: `1.`
    Whole,
    /// `1.5000`
    Fixed,
    /// `1.5000e+00`
    Scientific,
}

/// The notation for some elements, and the width of the widest.
pub(super) struct Formatter {
    notation: Notation,
    precision: usize,
    width: usize,
}

impl Formatter {
    /// For bool and integers, already written out.
    pub fn exact<'a>(texts: impl Iterator<Item = &'a str>) -> Formatter {
        let width = texts.map(str::len).max().unwrap_or(0).max(1);
        Formatter { notation: Notation::Exact, precision: 0, width }
    }

    /// For floats. Zeros and numbers that are not finite have no say.
    pub fn floating(values: impl Iterator<Item = f64> + Clone, options: &PrintOptions) -> Formatter {
        let values = values.filter(|v| v.is_finite() && *v != 0.0);
        let mut formatter = Formatter { notation: Notation::Whole, precision: options.precision, width: 1 };
        let (mut min, mut max, mut whole) = (f64::INFINITY, 0f64, true);
        for v in values.clone() {
            min = min.min(v.abs());
            max = max.max(v.abs());
            whole &= v == v.ceil();
        }
        if max == 0.0 {
            return formatter;
        }
        let wide = max / min > 1000.0 || max > 1e8 || min < 1e-4;
        formatter.notation = match (options.sci_mode.unwrap_or(wide), whole) {
            (true, _) => Notation::Scientific,
            (false, true) => Notation::Whole,
            (false, false) => Notation::Fixed,
        };
        formatter.width = values.map(|v| formatter.write(v).len()).max().unwrap_or(0).max(1);
        formatter
    }

    /// Characters that an element takes, as far as the widest finite one decides.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Writes a float, aligned to the right.
    pub fn float(&self, v: f64) -> String {
        self.text(&self.write(v))
    }

    /// Aligns a text to the right.
    pub fn text(&self, text: &str) -> String {
        format!("{text:>width$}", width = self.width)
    }

    fn write(&self, v: f64) -> String {
        match self.notation {
            Notation::Scientific => scientific(v, self.precision),
            Notation::Fixed => fixed(v, self.precision),
            Notation::Whole | Notation::Exact if v.is_finite() => fixed(v, 0) + ".",
            Notation::Whole | Notation::Exact => fixed(v, 0),
        }
    }
}
