//! What an operator block becomes: a `static` table entry, Rust methods, and methods for gradient formulas.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Expr, ExprPath, Ident};

use crate::map::map_arm;
use crate::parse::{Block, Body, Param};
use crate::types::{Base, ParamType};

pub fn expand(b: &Block) -> syn::Result<TokenStream> {
    crate::check::check(b)?;
    let def = definition(b)?;
    let methods = methods(b);
    Ok(quote! { #def #methods })
}

pub(crate) fn error(at: &Ident, message: String) -> syn::Error {
    syn::Error::new(at.span(), message)
}

pub(crate) fn slot(b: &Block, name: &Ident) -> Option<usize> {
    b.params.iter().position(|p| p.name == *name)
}

fn rust_name(b: &Block) -> Ident {
    match &b.overload {
        Some(o) => format_ident!("{}_{}", b.name, o, span = b.name.span()),
        None => b.name.clone(),
    }
}

fn static_name(b: &Block) -> Ident {
    format_ident!("{}", rust_name(b).to_string().to_uppercase())
}

/// The Python name: a trailing underscore only keeps a Rust word apart (`where_`).
fn python_name(name: &Ident) -> String {
    let text = name.to_string();
    match text.strip_suffix('_') {
        Some(word) if matches!(word, "where" | "clone" | "type" | "move" | "ref" | "unsafe") => word.to_string(),
        _ => text,
    }
}

fn definition(b: &Block) -> syn::Result<TokenStream> {
    let id = static_name(b);
    let name = python_name(&b.name);
    let overload = b.overload.as_ref().map_or(String::new(), |o| o.to_string());
    let doc = docs_text(b);
    let params = b.params.iter().map(param_entry);
    let outputs = b.outputs.names.iter().map(|n| n.to_string());
    let list = b.outputs.list;
    let shown_if = b.outputs.flags.iter().enumerate().filter_map(|(i, flag)| {
        let at = slot(b, flag.as_ref()?)?;
        Some(quote!((#i, #at)))
    });
    let places = b.variants.iter().map(place).collect::<Vec<_>>();
    let aliases = b.aliases.iter().map(|(at, alias)| {
        let at = place(at);
        let alias = alias.to_string();
        quote!((#at, #alias))
    });
    let inplace = match &b.inplace {
        Some(n) => {
            let n = n.to_string();
            quote!(Some(#n))
        }
        None => quote!(None),
    };
    let (out, factory, nondiff) = (b.out, b.factory, b.nondifferentiable);
    let node = match &b.node {
        Some(n) => n.value(),
        None => format!("{}Backward0", camel(&name)),
    };
    let quirks = &b.quirks;
    let inplace_check = match &b.inplace_check {
        Some(check) => {
            let lets = bindings(b);
            quote!(Some({
                #[allow(unused_variables, non_snake_case)]
                fn run(args: &[crate::ops::Arg]) -> crate::Result<bool> { #lets #check }
                run
            }))
        }
        None => quote!(None),
    };
    let contiguous = b.contiguous.iter().filter_map(|c| slot(b, c));
    let body = body(b)?;
    let vjps = b.vjps.iter().map(|l| vjp(b, l));
    let samples = match &b.samples {
        Some(e) => {
            let list = sample_list(e);
            // Only dev builds hold samples: they are for tests.
            quote! {
                if cfg!(debug_assertions) {
                    Some(|| {
                        #[allow(unused_imports)]
                        use crate::{DType, MemoryFormat, ops::{Arg, Options, samples::*}};
                        #list
                    })
                } else {
                    None
                }
            }
        }
        None => quote!(None),
    };
    let id_doc = format!("The table entry of `{name}`.");
    Ok(quote! {
        #[doc = #id_doc]
        pub static #id: crate::ops::OpDef = crate::ops::OpDef {
            name: #name,
            overload: #overload,
            doc: #doc,
            file: file!(),
            params: &[#(#params),*],
            outputs: &[#(#outputs),*],
            list: #list,
            shown_if: &[#(#shown_if),*],
            places: &[#(#places),*],
            aliases: &[#(#aliases),*],
            inplace: #inplace,
            out: #out,
            factory: #factory,
            node: #node,
            contiguous: &[#(#contiguous),*],
            nondifferentiable: #nondiff,
            quirks: &[#(crate::ops::Quirk::#quirks),*],
            inplace_check: #inplace_check,
            body: #body,
            vjps: &[#(#vjps),*],
            samples: #samples,
        };
    })
}

fn docs_text(b: &Block) -> String {
    let mut text = String::new();
    for attr in &b.docs {
        if let syn::Meta::NameValue(nv) = &attr.meta
            && let Expr::Lit(lit) = &nv.value
            && let syn::Lit::Str(s) = &lit.lit
        {
            let line = s.value();
            text.push_str(line.strip_prefix(' ').unwrap_or(&line));
            text.push('\n');
        }
    }
    text
}

fn camel(name: &str) -> String {
    name.split('_')
        .map(|w| {
            let mut c = w.chars();
            c.next().map_or(String::new(), |f| f.to_uppercase().collect::<String>() + c.as_str())
        })
        .collect()
}

fn place(word: &Ident) -> TokenStream {
    let variant = format_ident!("{}", camel(&word.to_string()));
    quote!(crate::ops::Place::#variant)
}

fn is_none(e: &Expr) -> bool {
    matches!(e, Expr::Path(ExprPath { path, .. }) if path.is_ident("None"))
}

fn default_arg(e: &Expr) -> TokenStream {
    if is_none(e) { quote!(crate::ops::Arg::None) } else { quote!(crate::ops::Arg::from(#e)) }
}

/// `[(x, 1), (x, None)]`, alone or as the argument of a function, is a list of samples: a tuple of arguments each.
fn sample_list(e: &Expr) -> TokenStream {
    match e {
        Expr::Array(list) => {
            let samples = list.elems.iter().map(|e| {
                let args: Vec<TokenStream> = match e {
                    Expr::Tuple(t) => t.elems.iter().map(default_arg).collect(),
                    Expr::Paren(one) => vec![default_arg(&one.expr)],
                    other => vec![default_arg(other)],
                };
                quote!(crate::ops::Sample::new([#(#args),*]))
            });
            quote!(vec![#(#samples),*])
        }
        Expr::Call(call) if matches!(call.args.first(), Some(Expr::Array(a)) if a.elems.iter().all(|e| matches!(e, Expr::Tuple(_) | Expr::Paren(_)))) =>
        {
            let (function, args) = (&call.func, call.args.iter().map(sample_list));
            quote!(#function(#(#args),*))
        }
        other => quote!(#other),
    }
}

fn param_entry(p: &Param) -> TokenStream {
    let name = python_name(&p.name);
    let kind = p.ty.kind();
    let (optional, keyword_only, variadic) = (p.ty.optional, p.keyword_only, p.variadic);
    let default = match &p.default {
        Some(e) => {
            let (arg, text) = (default_arg(e), quote!(#e).to_string());
            quote!(Some((|| #arg, #text)))
        }
        None => quote!(None),
    };
    quote! { crate::ops::Param { name: #name, kind: crate::ops::Kind::#kind, optional: #optional, keyword_only: #keyword_only, variadic: #variadic, default: #default } }
}

/// `let x: &Tensor = ...;` for every parameter, read from `args`.
fn bindings(b: &Block) -> TokenStream {
    let lets = b.params.iter().enumerate().map(|(i, p)| {
        let (name, ty) = (&p.name, p.ty.borrowed());
        quote! { let #name: #ty = crate::ops::FromArg::from_arg(&args[#i]); }
    });
    let factory = b.factory.then(|| {
        let at = b.params.len();
        quote! { let options: crate::ops::Options = crate::ops::Options::from_args(&args[#at..]); }
    });
    quote! { #(#lets)* #factory }
}

fn body(b: &Block) -> syn::Result<TokenStream> {
    let lets = bindings(b);
    let function = |ret: TokenStream, code: TokenStream| quote!({ #[allow(unused_variables, non_snake_case)] fn run(args: &[crate::ops::Arg]) -> crate::Result<#ret> { #lets #code } run });
    // The code of a `compute` or `composite` in a function of its own, so that `return` and `?` in it mean what they say.
    let outputs = |code: &TokenStream| {
        let ret = rust_outputs(b);
        quote!({
            #[allow(unused_variables, non_snake_case)]
            fn run(args: &[crate::ops::Arg]) -> crate::Result<crate::ops::Outputs> {
                fn body(args: &[crate::ops::Arg]) -> crate::Result<#ret> { #lets #code }
                crate::ops::IntoOutputs::into_outputs(body(args)?)
            }
            run
        })
    };
    let optional = |e: &Option<Expr>| e.as_ref().map_or(quote!(None), |e| quote!(Some(#e)));
    let specs = |shape: &TokenStream| {
        let dtype = &b.dtype;
        function(quote!(crate::ops::Specs), quote! { crate::ops::Specs::new(#dtype, #shape) })
    };
    Ok(match &b.body {
        Body::Map { inputs, scalars, arms } => {
            let dtype = &b.dtype;
            let types = function(quote!(crate::DType), quote! { crate::ops::IntoDType::into_dtype(#dtype) });
            let input_slots = inputs.iter().filter_map(|i| slot(b, i));
            let scalar_slots = scalars.iter().filter_map(|i| slot(b, i));
            let kernels = arms.iter().map(|a| map_arm(inputs, scalars, a)).collect::<syn::Result<Vec<_>>>()?;
            let shortcut = optional(&b.shortcut);
            quote! { crate::ops::Body::Map { shortcut: #shortcut, dtype: #types, inputs: &[#(#input_slots),*], scalars: &[#(#scalar_slots),*], kernels: &[#(#kernels),*] } }
        }
        Body::Kernel(code) => {
            let shape = &b.shape;
            let specs = specs(&quote!(#shape));
            let run = kernel_function(b, code, false);
            quote! { crate::ops::Body::Kernel { specs: #specs, run: #run } }
        }
        Body::Mutate(code) => {
            let run = kernel_function(b, code, true);
            quote! { crate::ops::Body::Mutate { run: #run } }
        }
        Body::View(code) => {
            let run =
                function(quote!(crate::ops::Views), quote! { let r = { #code }; crate::ops::IntoViews::into_views(r) });
            quote! { crate::ops::Body::View(#run) }
        }
        Body::Compute(code) => {
            let run = outputs(code);
            let specs = match (&b.dtype, &b.shape) {
                (Some(_), Some(shape)) => {
                    let specs = specs(&quote!(#shape));
                    quote!(Some(#specs))
                }
                _ => quote!(None),
            };
            quote! { crate::ops::Body::Compute { specs: #specs, run: #run } }
        }
        Body::Composite(code) => {
            let run = outputs(code);
            let shortcut = optional(&b.shortcut);
            quote! { crate::ops::Body::Composite { run: #run, shortcut: #shortcut } }
        }
    })
}

/// A kernel sees views of its tensors, under lock; everything else as it is. `Mutate` writes its first parameter.
fn kernel_function(b: &Block, code: &TokenStream, mutate: bool) -> TokenStream {
    let lets = b.params.iter().enumerate().map(|(i, p)| {
        let name = &p.name;
        if mutate && i == 0 {
            return quote! { let mut #name = outputs.next(); };
        }
        let borrowed = p.ty.borrowed();
        let from = quote!(crate::ops::FromArg::from_arg(&args[#i]));
        match (p.ty.base, p.ty.optional) {
            (Base::Tensor, false) => quote! { let #name = locked.view(#from); },
            (Base::Tensor, true) => quote! { let #name = { let t: #borrowed = #from; t.map(|t| locked.view(t)) }; },
            (Base::Tensors, _) => quote! { let #name = { let t: #borrowed = #from; locked.views(t) }; },
            _ => quote! { let #name: #borrowed = #from; },
        }
    });
    let outs = (!mutate).then(|| {
        let names = &b.outputs.names;
        quote! { #(let mut #names = outputs.next();)* }
    });
    let factory = b.factory.then(|| {
        let at = b.params.len();
        quote! { let options: crate::ops::Options = crate::ops::Options::from_args(&args[#at..]); }
    });
    quote! {{
        #[allow(unused_variables, unused_mut, non_snake_case)]
        fn run(args: &[crate::ops::Arg], locked: &crate::dispatch::Locked, outputs: &mut crate::dispatch::OutViews) -> crate::Result<()> {
            #(#lets)* #outs #factory
            let r = { #code };
            crate::ops::Done::done(r)
        }
        run
    }}
}

fn vjp(b: &Block, line: &crate::parse::Vjp) -> TokenStream {
    let input = slot(b, &line.input).unwrap_or(0);
    let mut captures = Vec::new();
    let mut lets = Vec::new();
    for c in &line.captures {
        let name = &c.name;
        if name == "g" {
            lets.push(quote! { let g = &cx.grad()?; });
            continue;
        }
        if name == "gs" {
            lets.push(quote! { let gs = &cx.grads()?; });
            continue;
        }
        let at_output = b.outputs.names.iter().position(|o| o == name);
        let at = at_output.map(|o| o + b.params.len()).or_else(|| slot(b, name)).unwrap_or(0);
        let ty = b.params.get(at).map(|p| p.ty);
        if c.shape_only {
            captures.push(quote! { crate::ops::Capture { slot: #at, how: crate::ops::How::Meta } });
            lets.push(quote! { let #name = cx.meta(#at)?; });
        } else if ty.is_none_or(ParamType::holds_tensors) {
            captures.push(quote! { crate::ops::Capture { slot: #at, how: crate::ops::How::Data } });
            match ty {
                Some(t) if matches!(t.base, Base::Tensors | Base::OptTensors) => {
                    lets.push(quote! { let #name = &cx.values(#at)?; })
                }
                Some(t) if t.optional => {
                    lets.push(quote! { let #name = cx.optional_value(#at)?; let #name = #name.as_ref(); })
                }
                _ if b.outputs.list && at_output.is_some() => lets.push(quote! { let #name = &cx.output_values()?; }),
                _ => lets.push(quote! { let #name = &cx.value(#at)?; }),
            }
        } else {
            captures.push(quote! { crate::ops::Capture { slot: #at, how: crate::ops::How::Argument } });
            let borrowed = ty.map(ParamType::borrowed);
            lets.push(
                quote! { let #name = cx.arg(#at)?; let #name: #borrowed = crate::ops::FromArg::from_arg(&#name); },
            );
        }
    }
    let formula = &line.formula;
    let every_output = line.captures.iter().any(|c| c.name == "gs");
    quote! {
        crate::ops::Vjp {
            input: #input,
            captures: &[#(#captures),*],
            every_output: #every_output,
            run: {
                #[allow(unused_variables, non_snake_case)]
                fn run(cx: &crate::autograd::Formula) -> crate::Result<crate::ops::Gradient> { #(#lets)* let r = #formula; crate::ops::IntoGradient::into_gradient(r) }
                run
            },
        }
    }
}

/// The Rust methods: `name(required...)`, `name_with(all...)` where there are defaults, in-place forms, formula forms.
fn methods(b: &Block) -> TokenStream {
    let on_tensor = b.params.first().is_some_and(|p| p.ty.base == Base::Tensor && !p.ty.optional);
    let has_defaults = b.factory || b.params.iter().any(|p| p.default.is_some());
    let base = rust_name(b);
    let is_mutate = matches!(b.body, Body::Mutate(_));
    let mut tensor = Vec::new();
    let mut formula = Vec::new();
    let mut forms = vec![];
    if !is_mutate {
        forms.push((base.clone(), None));
    }
    if let Some(inplace) = &b.inplace {
        let name = match &b.overload {
            Some(_) => format_ident!("{base}_"),
            None => inplace.clone(),
        };
        forms.push((name, Some(quote!(call_inplace))));
    }
    for (name, entry) in &forms {
        tensor.push(method(b, name, entry.as_ref(), false, on_tensor));
        if has_defaults {
            tensor.push(method(b, &format_ident!("{name}_with"), entry.as_ref(), true, on_tensor));
        }
    }
    if on_tensor && b.outputs.is_one() && !is_mutate {
        formula.push(formula_method(b, &base, false));
        if has_defaults && !b.factory {
            formula.push(formula_method(b, &format_ident!("{base}_with"), true));
        }
    }
    if on_tensor {
        let val = (!formula.is_empty()).then(|| quote!(#[allow(missing_docs)] impl crate::ops::Val { #(#formula)* }));
        quote! { impl crate::Tensor { #(#tensor)* } #val }
    } else {
        quote! { #(#tensor)* }
    }
}

/// Who may call the methods: those of a private operator are for its own crate, which need not call all of them.
fn visibility(b: &Block) -> TokenStream {
    if b.variants.iter().any(|v| v == "private") && !b.rust {
        quote!(#[allow(dead_code)] pub(crate))
    } else {
        quote!(pub)
    }
}

/// The type of the outputs in Rust: `Tensor`, `Vec<Tensor>`, or a tuple.
fn rust_outputs(b: &Block) -> TokenStream {
    let last = if b.outputs.list { quote!(Vec<crate::Tensor>) } else { quote!(crate::Tensor) };
    let mut types = vec![quote!(crate::Tensor); b.outputs.names.len() - 1];
    types.push(last);
    if types.len() == 1 { types.remove(0) } else { quote!((#(#types),*)) }
}

/// An argument that is given away with the call.
fn own(arg: TokenStream) -> TokenStream {
    quote!(crate::ops::Slot::own(#arg))
}

/// A method that enters the dispatcher by `entry`, where that is not the common way.
fn method(b: &Block, name: &Ident, entry: Option<&TokenStream>, full: bool, on_tensor: bool) -> TokenStream {
    let id = static_name(b);
    let mut signature = Vec::new();
    let mut slots = Vec::new();
    let mut operands = Vec::new();
    for (i, p) in b.params.iter().enumerate() {
        let ident = &p.name;
        if i == 0 && on_tensor {
            signature.push(quote!(&self));
            slots.push(quote!(crate::ops::Slot::from(self)));
        } else if !full && let Some(e) = &p.default {
            slots.push(own(default_arg(e)));
        } else {
            let ty = p.ty.public();
            signature.push(quote!(#ident: #ty));
            slots.push(match (p.ty.base, p.ty.optional) {
                (Base::Operand, false) => {
                    operands.push(quote!(let #ident: crate::ops::Operand = #ident.into();));
                    quote!(crate::ops::Slot::from(&#ident))
                }
                (Base::Operand, true) => quote!(crate::ops::Slot::from(#ident.as_ref())),
                (Base::Tensor, _) => quote!(crate::ops::Slot::from(#ident)),
                (Base::Scalar, false) => {
                    own(quote!({ let s: crate::Scalar = #ident.into(); crate::ops::Arg::from(s) }))
                }
                _ => own(quote!(crate::ops::Arg::from(#ident))),
            });
        }
    }
    if b.factory {
        let options = if full {
            signature.push(quote!(options: crate::ops::Options));
            quote!(options)
        } else {
            quote!(crate::ops::Options::default())
        };
        slots.push(own(quote!(crate::ops::Arg::from(#options))));
    }
    let ret = rust_outputs(b);
    let call = match entry {
        Some(inplace) => quote!(crate::dispatch::#inplace),
        None if b.outputs.is_one() => quote!(crate::dispatch::call_one),
        None => quote!(crate::dispatch::call),
    };
    let take = match (b.outputs.names.len(), b.outputs.list) {
        (1, true) => quote!(crate::ops::take_list(out)),
        (1, false) if entry.is_none() => quote!(out),
        (1, false) => quote!(crate::ops::take_one(out)),
        (n, list) => {
            let ones = if list { n - 1 } else { n };
            let mut values: Vec<_> = (0..ones).map(|i| quote!(out[#i].clone())).collect();
            if list {
                values.push(quote!(out[#ones..].to_vec()));
            }
            quote!((#(#values),*))
        }
    };
    let (docs, visibility) = (&b.docs, visibility(b));
    let extra = if full { "\n\nEvery argument is given." } else { "" };
    quote! {
        #(#docs)*
        #[doc = #extra]
        #[allow(non_snake_case)]
        #visibility fn #name(#(#signature),*) -> crate::Result<#ret> {
            #(#operands)*
            let out = #call(&#id, &crate::ops::Lent::new([#(#slots),*]))?;
            Ok(#take)
        }
    }
}

fn formula_method(b: &Block, name: &Ident, full: bool) -> TokenStream {
    let (id, visibility) = (static_name(b), visibility(b));
    let mut signature = vec![quote!(&self)];
    let mut slots = vec![quote!(self.slot()?)];
    let mut terms = Vec::new();
    for p in b.params.iter().skip(1) {
        let ident = &p.name;
        if !full && let Some(e) = &p.default {
            slots.push(own(default_arg(e)));
            continue;
        }
        let ty = p.ty.formula();
        signature.push(quote!(#ident: #ty));
        slots.push(match (p.ty.base, p.ty.optional) {
            (Base::Tensor | Base::Operand, false) => {
                terms.push(quote!(let #ident = crate::ops::Term::val(&#ident);));
                quote!(#ident.slot()?)
            }
            (Base::Tensor | Base::Operand, true) => {
                quote!(match &#ident { Some(v) => v.slot()?, None => crate::ops::Slot::own(crate::ops::Arg::None) })
            }
            (Base::Tensors, _) => own(quote!(crate::ops::Val::list_to_arg(#ident)?)),
            (Base::Scalar, false) => own(quote!({ let s: crate::Scalar = #ident.into(); crate::ops::Arg::from(s) })),
            _ => own(quote!(crate::ops::Arg::from(#ident))),
        });
    }
    quote! {
        #[allow(non_snake_case)]
        #visibility fn #name(#(#signature),*) -> crate::ops::Val {
            #(#terms)*
            crate::ops::Val::run(|| crate::dispatch::call_one(&#id, &crate::ops::Lent::new([#(#slots),*])))
        }
    }
}
