//! What the user may choose about printing.

use std::sync::{PoisonError, RwLock};

/// How tensors are printed; the fields are the arguments of `torch.set_printoptions`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrintOptions {
    /// Digits after the point.
    pub precision: usize,
    /// Tensors of more elements are summarised; may be infinite.
    pub threshold: f64,
    /// Elements shown at either end of each summarised dimension.
    pub edgeitems: usize,
    /// Characters a line should not exceed.
    pub linewidth: usize,
    /// Scientific notation always, never, or where the values ask for it.
    pub sci_mode: Option<bool>,
}

impl PrintOptions {
    /// The profile `default`.
    pub const DEFAULT: PrintOptions =
        PrintOptions { precision: 4, threshold: 1000.0, edgeitems: 3, linewidth: 80, sci_mode: None };

    /// The profile of this name: `default`, `short` or `full`.
    pub fn profile(name: &str) -> Option<PrintOptions> {
        match name {
            "default" => Some(PrintOptions::DEFAULT),
            "short" => Some(PrintOptions { precision: 2, edgeitems: 2, ..PrintOptions::DEFAULT }),
            "full" => Some(PrintOptions { threshold: f64::INFINITY, ..PrintOptions::DEFAULT }),
            _ => None,
        }
    }
}

impl Default for PrintOptions {
    fn default() -> PrintOptions {
        PrintOptions::DEFAULT
    }
}

static CURRENT: RwLock<PrintOptions> = RwLock::new(PrintOptions::DEFAULT);

/// The options in force in this process.
pub fn print_options() -> PrintOptions {
    *CURRENT.read().unwrap_or_else(PoisonError::into_inner)
}

/// Replaces the options in force in this process.
pub fn set_print_options(options: PrintOptions) {
    *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = options;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles() {
        assert_eq!(PrintOptions::profile("default"), Some(PrintOptions::default()));
        assert_eq!(PrintOptions::profile("short").map(|o| (o.precision, o.edgeitems)), Some((2, 2)));
        assert_eq!(PrintOptions::profile("full").map(|o| o.threshold), Some(f64::INFINITY));
        assert_eq!(PrintOptions::profile("long"), None);
    }

    #[test]
    fn options_are_replaced() {
        let before = print_options();
        set_print_options(PrintOptions { precision: 7, ..before });
        assert_eq!(print_options().precision, 7);
        set_print_options(before);
        assert_eq!(print_options(), before);
    }
}
