//! Accuracy and special values of the formula functions.

mod complex;
mod double;
mod integer;
mod single;
mod special;

use super::Level;

/// Numbers in order, so that neighbours differ by one.
fn rank(x: f64) -> i64 {
    let bits = x.to_bits() as i64;
    if bits < 0 { i64::MIN - bits } else { bits }
}

/// How many doubles lie between two, zero for two nans.
fn distance(a: f64, b: f64) -> u64 {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => 0,
        (false, false) => rank(a).abs_diff(rank(b)),
        _ => u64::MAX,
    }
}

/// Whether this processor can run the code of the `fma` modules.
fn has_fma() -> bool {
    super::level() >= Level::Avx2
}

/// The lines of a table of values: a name and numbers.
fn rows(table: &'static str) -> impl Iterator<Item = (&'static str, Vec<f64>)> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut words = line.split(' ');
        let name = words.next().expect("a name");
        let number = |w| f64::from_bits(u64::from_str_radix(w, 16).expect("hexadecimal bits"));
        (name, words.map(number).collect())
    })
}

/// Calls the function of a module by name.
macro_rules! by_name {
    ($module:path, $name:expr, $arguments:tt; $($f:ident)*) => {{
        use $module as m;
        match $name { $(stringify!($f) => m::$f $arguments,)* other => panic!("no function {other}") }
    }};
}
use by_name;
