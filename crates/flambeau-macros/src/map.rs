//! The lines of a `map` as loops for each type.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::Ident;

use crate::expand::error;
use crate::parse::MapArm;

/// Operands renamed, so that one called `min` does not hide the function `min`, nor the function the operand.
fn with_locals(body: TokenStream, names: &[Ident]) -> TokenStream {
    let mut tokens = body.into_iter().peekable();
    let mut out = TokenStream::new();
    while let Some(token) = tokens.next() {
        let called = matches!(tokens.peek(), Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Parenthesis);
        out.extend([match token {
            TokenTree::Ident(i) if !called && names.contains(&i) => {
                TokenTree::Ident(format_ident!("local_{i}", span = i.span()))
            }
            TokenTree::Group(g) => {
                let mut renamed = Group::new(g.delimiter(), with_locals(g.stream(), names));
                renamed.set_span(g.span());
                TokenTree::Group(renamed)
            }
            other => other,
        }]);
    }
    out
}

/// The loops of a line of a `map`: one for each type that its classes stand for.
pub(crate) fn map_arm(inputs: &[Ident], scalars: &[Ident], arm: &MapArm) -> syn::Result<TokenStream> {
    let mut kernels = Vec::new();
    for class in &arm.classes {
        let types: &[&str] = match class.to_string().as_str() {
            "Float" => &["f32", "f64"],
            "Half" => &["half", "bfloat"],
            "Int" => &["i64", "i32", "i16", "i8", "u8"],
            "Bool" => &["truth"],
            "Complex" => &["c32", "c64"],
            "Real" => &["f32", "f64", "i64", "i32", "i16", "i8", "u8", "truth"],
            other => {
                return Err(error(
                    class,
                    format!(
                        "unknown class `{other}`: a map line is for Float, Int, Bool, Complex, Real (the first three) or Half (by their bits)"
                    ),
                ));
            }
        };
        for ty in types {
            let input = format_ident!("{ty}");
            let output = match (arm.to_bool, arm.to_real, *ty) {
                (true, _, _) => format_ident!("bool"),
                (_, true, "c32") => format_ident!("f32"),
                (_, true, "c64") => format_ident!("f64"),
                _ => input.clone(),
            };
            let local = |names: &[Ident]| names.iter().map(|n| format_ident!("local_{n}")).collect::<Vec<_>>();
            let (xs, ps) = (local(inputs), local(scalars));
            let body = with_locals(arm.body.to_token_stream(), &[inputs, scalars].concat());
            let quick = (arm.quick && matches!(*ty, "f32" | "f64" | "c32" | "c64")).then(|| format_ident!("quick"));
            kernels.push(quote! { flambeau_cpu::map_kernel!(#input => #output, #quick |#(#xs),*; #(#ps),*| #body) });
        }
    }
    Ok(quote! { #(#kernels),* })
}
