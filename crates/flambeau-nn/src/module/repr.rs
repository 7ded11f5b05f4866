//! Modules as PyTorch prints them.

use super::Module;

/// The module as PyTorch prints it; equal neighbours in a list are counted.
pub(super) fn repr<M: Module + ?Sized>(module: &M) -> String {
    let (name, extra, parts) = (module.name(), module.extra_repr(), module.parts());
    let layers: Vec<(&str, String)> =
        parts.layers().map(|(key, layer)| (key, layer.repr().replace('\n', "\n  "))).collect();
    if layers.is_empty() && !extra.contains('\n') {
        return format!("{name}({extra})");
    }
    let mut lines: Vec<String> = extra.lines().map(str::to_string).collect();
    if name == "ModuleList" {
        for run in layers.chunk_by(|a, b| a.1 == b.1) {
            let (first, last) = (&run[0], &run[run.len() - 1]);
            lines.push(match run.len() {
                1 => format!("({}): {}", first.0, first.1),
                n => format!("({}-{}): {n} x {}", first.0, last.0, first.1),
            });
        }
    } else {
        lines.extend(layers.iter().map(|(key, layer)| format!("({key}): {layer}")));
    }
    format!("{name}(\n  {}\n)", lines.join("\n  "))
}

/// Python's word for a truth value, for `extra_repr`.
pub(crate) fn python(b: bool) -> &'static str {
    if b { "True" } else { "False" }
}

/// A number as Python prints it: `0.5`, `1.0`, `1e-05`.
pub(crate) fn python_float(x: f64) -> String {
    if x != 0.0 && x.is_finite() && !(1e-4..1e16).contains(&x.abs()) {
        let text = format!("{x:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{x:?}")
}

/// Sizes as Python prints a tuple: `(3,)`, `(2, 3)`.
pub(crate) fn python_tuple(sizes: &[i64]) -> String {
    let listed: Vec<String> = sizes.iter().map(i64::to_string).collect();
    let comma = if sizes.len() == 1 { "," } else { "" };
    format!("({}{comma})", listed.join(", "))
}
