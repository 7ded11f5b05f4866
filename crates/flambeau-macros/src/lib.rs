//! Procedural macros of Flambeau. `op!` turns one readable block into everything an operator is: its table entry, its
//! Rust method, its form in gradient formulas. The grammar is in `parse.rs`, what it becomes in `expand.rs`.
//! `#[derive(Module)]` lists the parts of a layer or a model (`module.rs`).

use proc_macro::TokenStream;

mod check;
mod expand;
mod map;
mod module;
mod parse;
#[cfg(test)]
mod tests;
mod types;

/// Defines one operator. See CONTRIBUTING.md, "Add an operator", for the form.
#[proc_macro]
pub fn op(input: TokenStream) -> TokenStream {
    let block = syn::parse_macro_input!(input as parse::Block);
    expand::expand(&block).unwrap_or_else(|e| e.to_compile_error()).into()
}

/// Makes a struct of layers and parameters a module: names of parameters, state dicts, printing and the modes for training
/// and use follow from its fields.
///
/// A field is a parameter (`Tensor`), a layer, a list of layers (`Vec`), an `Option` of one, or a plain number or text, which
/// is passed over. What else there is says so:
///
/// - `#[module(buffer)]`: a tensor that is saved but not trained; `#[module(buffer(transient))]`: nor saved.
/// - `#[module(skip)]`: no part of the module.
/// - `#[module(name = "...")]`: the name in state dicts, where it is not the field's.
///
/// Of the struct: `#[module(name = ...)]` is an expression for the name printed, and `#[module(extra_repr = Self::settings)]`
/// a function for the settings printed between the brackets.
///
/// ```ignore
/// #[derive(Module)]
/// struct Net {
///     hidden: Linear,
///     out: Linear,
/// }
///
/// impl Forward for Net {
///     fn forward(&self, input: &Tensor) -> Result<Tensor> {
///         self.out.forward(&self.hidden.forward(input)?.relu()?)
///     }
/// }
/// ```
#[proc_macro_derive(Module, attributes(module))]
pub fn module(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    module::derive(&input).unwrap_or_else(|e| e.to_compile_error()).into()
}
