//! Procedural macros of Flambeau. `op!` turns one readable block into everything an operator is: its table entry, its
//! Rust method, its form in gradient formulas. The grammar is in [`parse`], what it becomes in [`expand`].

use proc_macro::TokenStream;

mod check;
mod expand;
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
