//! Numbers as Python writes them.

/// A float as Python's `f"{v:.{precision}f}"`.
pub fn fixed(v: f64, precision: usize) -> String {
    not_finite(v).map_or_else(|| format!("{v:.precision$}"), str::to_string)
}

/// A float as Python's `f"{v:.{precision}e}"`: the exponent has a sign and at least two digits.
pub fn scientific(v: f64, precision: usize) -> String {
    match not_finite(v) {
        Some(name) => name.to_string(),
        None => python_exponent(&format!("{v:.precision$e}")),
    }
}

/// A float as Python's `repr`: the shortest digits that give the number back.
pub fn format_scalar_like_python(v: f64) -> String {
    if let Some(name) = not_finite(v) {
        return name.to_string();
    }
    let text = format!("{v:e}");
    let exponent: i32 = text.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{v}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    python_exponent(&text)
}

/// Sizes as Python writes a tuple: `(2, 3)`, `(3,)`, `()`.
pub fn format_tuple(sizes: &[i64]) -> String {
    match sizes {
        [one] => format!("({one},)"),
        _ => format!("({})", join(sizes)),
    }
}

/// Sizes as PyTorch writes a shape: `torch.Size([2, 3])`.
pub fn format_size(sizes: &[i64]) -> String {
    format!("torch.Size([{}])", join(sizes))
}

fn join(sizes: &[i64]) -> String {
    sizes.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

fn not_finite(v: f64) -> Option<&'static str> {
    match v {
        _ if v.is_nan() => Some("nan"),
        f64::INFINITY => Some("inf"),
        f64::NEG_INFINITY => Some("-inf"),
        _ => None,
    }
}

fn python_exponent(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_python() {
        for (v, repr) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (9999999999999998.0, "9999999999999998.0"),
            (1.2345e16, "1.2345e+16"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(format_scalar_like_python(v), repr);
        }
        assert_eq!(scientific(1e-8, 4), "1.0000e-08");
        assert_eq!(scientific(-2.5e100, 0), "-2e+100");
        assert_eq!(fixed(0.125, 2), "0.12");
        assert_eq!(fixed(-0.00001, 4), "-0.0000");
        assert_eq!(fixed(-0.0, 0), "-0");
    }

    #[test]
    fn shapes() {
        assert_eq!(format_size(&[2, 3]), "torch.Size([2, 3])");
        assert_eq!(format_size(&[]), "torch.Size([])");
        assert_eq!(format_tuple(&[]), "()");
        assert_eq!(format_tuple(&[3]), "(3,)");
        assert_eq!(format_tuple(&[2, 0]), "(2, 0)");
    }
}
