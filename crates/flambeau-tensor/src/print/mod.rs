//! Tensors as text, to the character as PyTorch prints them.
//!
//! This module knows no tensor: elements come from a [`Source`], one at a time, so that only those shown are read.

mod body;
mod formatter;
mod number;
mod options;

use flambeau_types::{DType, Device, Scalar};

pub use number::{format_scalar_like_python, format_size, format_tuple};
pub use options::{PrintOptions, print_options, set_print_options};

/// Where the printed elements come from.
pub trait Source {
    /// The type of the elements.
    fn dtype(&self) -> DType;
    /// The length of each dimension.
    fn sizes(&self) -> &[i64];
    /// The element at an index, which has one entry for each dimension. Not called on the meta device.
    fn get(&self, index: &[i64]) -> Scalar;
}

/// What a text starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class<'a> {
    /// `tensor(`
    #[default]
    Tensor,
    /// `Parameter containing:` and a line break, then `tensor(`
    Parameter,
    /// The name of a subclass of Tensor, then a bracket.
    Named(&'a str),
}

/// The autograd part of the suffixes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grad<'a> {
    /// Nothing to say.
    #[default]
    None,
    /// A leaf: `requires_grad=True`
    Required,
    /// A result: `grad_fn=<AddBackward0>`
    Node(&'a str),
}

/// What is said about a tensor besides its elements.
#[derive(Clone, Copy, Debug)]
pub struct Suffix<'a> {
    /// What the text starts with.
    pub class: Class<'a>,
    /// Where the tensor lives; not mentioned for the CPU.
    pub device: Device,
    /// The default floating-point dtype, which is not mentioned.
    pub default_dtype: DType,
    /// Whether it requires a gradient, or how it was made.
    pub grad: Grad<'a>,
    /// The printed tangent, if this is a dual tensor.
    pub tangent: Option<&'a str>,
}

impl Default for Suffix<'_> {
    fn default() -> Self {
        Suffix { class: Class::Tensor, device: Device::Cpu, default_dtype: DType::F32, grad: Grad::None, tangent: None }
    }
}

/// The text of a tensor, with the options in force.
pub fn format_tensor(source: &dyn Source, suffix: &Suffix) -> String {
    format_tensor_with(source, suffix, &print_options())
}

/// The text of a tensor, with these options.
pub fn format_tensor_with(source: &dyn Source, suffix: &Suffix, options: &PrintOptions) -> String {
    let name = match suffix.class {
        Class::Named(name) => name,
        _ => "tensor",
    };
    let prefix = format!("{name}(");
    let indent = prefix.chars().count();
    let (dtype, sizes) = (source.dtype(), source.sizes());
    let empty = sizes.contains(&0);
    let size = || format!("size={}", format_tuple(sizes));

    let mut suffixes = vec![];
    if suffix.device != Device::Cpu {
        suffixes.push(format!("device='{}'", suffix.device));
    }
    let content = if suffix.device == Device::Meta {
        suffixes.push(size());
        "...".to_string()
    } else if empty {
        if sizes.len() != 1 {
            suffixes.push(size());
        }
        "[]".to_string()
    } else {
        if options.edgeitems == 0 {
            suffixes.push(size());
        }
        body::body(source, indent, options)
    };
    // Elements tell int64, bool and the default complex dtype apart; without elements these are mentioned.
    let told_by_elements = suffix.device != Device::Meta
        && !empty
        && (matches!(dtype, DType::I64 | DType::Bool) || dtype == suffix.default_dtype.to_complex());
    if dtype != suffix.default_dtype && !told_by_elements {
        suffixes.push(format!("dtype={dtype}"));
    }
    match suffix.grad {
        Grad::None => {}
        Grad::Required => suffixes.push("requires_grad=True".into()),
        Grad::Node(name) => suffixes.push(format!("grad_fn=<{name}>")),
    }
    if let Some(tangent) = suffix.tangent {
        suffixes.push(format!("tangent={tangent}"));
    }
    let text = add_suffixes(prefix + &content, &suffixes, indent, options.linewidth);
    match suffix.class {
        Class::Parameter => format!("Parameter containing:\n{text}"),
        _ => text,
    }
}

/// Appends the suffixes, each on the same line if it fits.
fn add_suffixes(mut text: String, suffixes: &[String], indent: usize, linewidth: usize) -> String {
    // PyTorch's count of the last line: its break and one more character, or two more where there is no break.
    let mut last_line = match text.rfind('\n') {
        Some(at) => text[at..].chars().count() + 1,
        None => text.chars().count() + 2,
    };
    for suffix in suffixes {
        let len = suffix.chars().count();
        if last_line + len + 2 > linewidth {
            text.push_str(",\n");
            text.extend(std::iter::repeat_n(' ', indent));
            last_line = indent + len;
        } else {
            text.push_str(", ");
            last_line += len + 2;
        }
        text.push_str(suffix);
    }
    text.push(')');
    text
}
