//! The elements with their brackets: what stands between `tensor(` and the suffixes.

use std::vec::IntoIter;

use flambeau_types::Scalar;
use smallvec::SmallVec;

use super::formatter::Formatter;
use super::{PrintOptions, Source};

/// Writes the elements of a tensor that has some. `indent` is the column where the first bracket stands.
pub(super) fn body(source: &dyn Source, indent: usize, options: &PrintOptions) -> String {
    let sizes = source.sizes();
    let summarize = sizes.iter().product::<i64>() as f64 > options.threshold;
    if summarize && options.edgeitems == 0 && !sizes.is_empty() {
        return "[...]".into();
    }
    let values = shown(source, if summarize { Some(options.edgeitems as i64) } else { None });
    let (texts, width) = texts(values, source, options);
    let writer = Writer {
        sizes,
        edge: if summarize { options.edgeitems as i64 } else { i64::MAX / 2 },
        per_line: |indent: usize| (options.linewidth.saturating_sub(indent) / (width + 2)).max(1),
    };
    let mut texts = texts.into_iter();
    writer.write(&mut texts, 0, indent)
}

/// The elements that will be printed, in row-major order.
fn shown(source: &dyn Source, edge: Option<i64>) -> Vec<Scalar> {
    let sizes = source.sizes();
    let kept: SmallVec<[Vec<i64>; 5]> = sizes
        .iter()
        .map(|&n| match edge {
            Some(e) if n > 2 * e => (0..e).chain(n - e..n).collect(),
            _ => (0..n).collect(),
        })
        .collect();
    let mut places: SmallVec<[usize; 5]> = SmallVec::from_elem(0, sizes.len());
    let mut index: SmallVec<[i64; 5]> = SmallVec::from_elem(0, sizes.len());
    let mut values = Vec::with_capacity(kept.iter().map(Vec::len).product());
    loop {
        values.push(source.get(&index));
        let mut d = sizes.len();
        loop {
            if d == 0 {
                return values;
            }
            d -= 1;
            places[d] += 1;
            if places[d] < kept[d].len() {
                index[d] = kept[d][places[d]];
                break;
            }
            places[d] = 0;
            index[d] = 0;
        }
    }
}

/// The elements written out, and the width that decides how many go in a line.
fn texts(values: Vec<Scalar>, source: &dyn Source, options: &PrintOptions) -> (Vec<String>, usize) {
    let dtype = source.dtype();
    if dtype.is_complex() {
        let parts: Vec<_> = values.into_iter().map(Scalar::to_complex).collect();
        let real = Formatter::floating(parts.iter().map(|z| z.re), options);
        let imag = Formatter::floating(parts.iter().map(|z| z.im), options);
        let texts = parts.iter().map(|z| {
            let tail = imag.float(z.im);
            let tail = tail.trim_start();
            format!("{}{}{tail}j", real.float(z.re), if tail.starts_with('-') { "" } else { "+" })
        });
        return (texts.collect(), real.width() + imag.width() + 1);
    }
    if dtype.is_floating() {
        let values: Vec<f64> = values.into_iter().map(Scalar::to_f64).collect();
        let formatter = Formatter::floating(values.iter().copied(), options);
        return (values.iter().map(|&v| formatter.float(v)).collect(), formatter.width());
    }
    let texts: Vec<String> = values
        .into_iter()
        .map(|v| match v {
            Scalar::Bool(true) => "True".into(),
            Scalar::Bool(false) => "False".into(),
            other => other.to_i64().to_string(),
        })
        .collect();
    let formatter = Formatter::exact(texts.iter().map(String::as_str));
    (texts.iter().map(|t| formatter.text(t)).collect(), formatter.width())
}

struct Writer<'a, F: Fn(usize) -> usize> {
    sizes: &'a [i64],
    edge: i64,
    /// Elements in a line that starts at a column.
    per_line: F,
}

impl<F: Fn(usize) -> usize> Writer<'_, F> {
    fn write(&self, texts: &mut IntoIter<String>, dim: usize, indent: usize) -> String {
        let left = self.sizes.len() - dim;
        if left == 0 {
            return texts.next().unwrap_or_default();
        }
        let n = self.sizes[dim];
        let cut = n > 2 * self.edge;
        let shown = if cut { 2 * self.edge } else { n };
        let mut items = Vec::with_capacity(shown as usize + 1);
        for i in 0..shown {
            if cut && i == self.edge {
                // In a row of elements, PyTorch's dots have a blank of their own.
                items.push(if left == 1 { " ...".to_string() } else { "...".to_string() });
            }
            items.push(self.write(texts, dim + 1, indent + 1));
        }
        let new_line = |lines: usize| format!(",{}{}", "\n".repeat(lines), " ".repeat(indent + 1));
        if left > 1 {
            return format!("[{}]", items.join(&new_line(left - 1)));
        }
        let lines: Vec<String> = items.chunks((self.per_line)(indent)).map(|line| line.join(", ")).collect();
        format!("[{}]", lines.join(&new_line(1)))
    }
}
