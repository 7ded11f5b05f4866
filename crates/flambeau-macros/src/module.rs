//! `#[derive(Module)]`: the fields of a struct, listed by name.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Expr, Field, Index, LitStr, Member, Path, Result, parenthesized};

/// What `#[module(...)]` says of the struct.
#[derive(Default)]
struct OfStruct {
    name: Option<Expr>,
    extra_repr: Option<Path>,
}

/// What `#[module(...)]` says of a field.
#[derive(Default)]
struct OfField {
    skip: bool,
    buffer: bool,
    transient: bool,
    name: Option<LitStr>,
}

pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "Module is derived for structs: write `impl Module` by hand here",
        ));
    };
    // The struct becomes a module even where a setting is wrong: the mistake is the only error then.
    let mut wrong: Vec<Error> = Vec::new();
    let of_struct = read_struct(input).unwrap_or_else(|e| {
        wrong.push(e);
        OfStruct::default()
    });
    let ident = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let title = ident.to_string();
    let name = of_struct.name.map_or_else(|| quote!(#title), |e| quote!(#e));
    let extra_repr = of_struct.extra_repr.map(|path| {
        quote! {
            fn extra_repr(&self) -> ::std::string::String {
                #path(self)
            }
        }
    });

    let (mut listed, mut changed) = (Vec::new(), Vec::new());
    for (i, field) in data.fields.iter().enumerate() {
        let of_field = read_field(field).unwrap_or_else(|e| {
            wrong.push(e);
            OfField { skip: true, ..OfField::default() }
        });
        if of_field.skip {
            continue;
        }
        let member = match &field.ident {
            Some(name) => Member::Named(name.clone()),
            None => Member::Unnamed(Index::from(i)),
        };
        let key = match (of_field.name, &field.ident) {
            (Some(name), _) => name.value(),
            (None, Some(name)) => name.to_string().trim_start_matches("r#").to_string(),
            (None, None) => i.to_string(),
        };
        // The span of the type: a type that is no part of a module is marked where it stands.
        let (ty, span) = (&field.ty, field.ty.span());
        if of_field.buffer {
            let persistent = !of_field.transient;
            listed.push(quote_spanned!(span=> parts.buffer(#key, &self.#member, #persistent);));
            changed.push(quote_spanned!(span=> ::flambeau::nn::Buffer::change(&mut self.#member, change)?;));
        } else {
            listed.push(quote_spanned!(span=> <#ty as ::flambeau::nn::Field>::list(&self.#member, #key, &mut parts);));
            changed.push(quote_spanned!(span=> <#ty as ::flambeau::nn::Field>::change(&mut self.#member, change)?;));
        }
    }

    let wrong = wrong.iter().map(Error::to_compile_error);
    Ok(quote! {
        #(#wrong)*

        #[automatically_derived]
        impl #generics ::flambeau::nn::Module for #ident #arguments #bounds {
            fn name(&self) -> &'static str {
                #name
            }
            fn parts(&self) -> ::flambeau::nn::Parts<'_> {
                #[allow(unused_mut)]
                let mut parts = ::flambeau::nn::Parts::default();
                #(#listed)*
                parts
            }
            fn change_tensors(&mut self, change: ::flambeau::nn::Change<'_>) -> ::flambeau::Result<()> {
                let _ = &change;
                #(#changed)*
                ::std::result::Result::Ok(())
            }
            #extra_repr
        }

        /// As PyTorch prints it.
        #[automatically_derived]
        impl #generics ::std::fmt::Display for #ident #arguments #bounds {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&::flambeau::nn::Module::repr(self))
            }
        }

        /// As PyTorch prints it.
        #[automatically_derived]
        impl #generics ::std::fmt::Debug for #ident #arguments #bounds {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&::flambeau::nn::Module::repr(self))
            }
        }
    })
}

fn read_struct(input: &DeriveInput) -> Result<OfStruct> {
    let mut found = OfStruct::default();
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("module")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                found.name = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("extra_repr") {
                found.extra_repr = Some(meta.value()?.parse()?);
            } else {
                return Err(meta.error("a module has the settings `name = ...` and `extra_repr = ...`"));
            }
            Ok(())
        })?;
    }
    Ok(found)
}

fn read_field(field: &Field) -> Result<OfField> {
    let mut found = OfField::default();
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("module")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("skip") {
                found.skip = true;
            } else if meta.path.is_ident("buffer") {
                found.buffer = true;
                if meta.input.peek(syn::token::Paren) {
                    let inside;
                    parenthesized!(inside in meta.input);
                    let word: syn::Ident = inside.parse()?;
                    if word != "transient" {
                        return Err(Error::new_spanned(word, "a buffer is `buffer` or `buffer(transient)`"));
                    }
                    found.transient = true;
                }
            } else if meta.path.is_ident("name") {
                found.name = Some(meta.value()?.parse()?);
            } else {
                return Err(
                    meta.error("a field has the settings `skip`, `buffer`, `buffer(transient)` (not in state dicts) and `name = \"...\"`")
                );
            }
            Ok(())
        })?;
    }
    Ok(found)
}
