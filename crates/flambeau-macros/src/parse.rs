//! The grammar of an operator block.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, LitStr, Token, Type, braced, bracketed, parenthesized, token};

use crate::types::{Base, ParamType};

mod word {
    syn::custom_keyword!(quick);
}

/// One `op! { ... }`.
pub struct Block {
    pub docs: Vec<Attribute>,
    pub name: Ident,
    /// The name of an overload: `fn max.dim(...)`.
    pub overload: Option<Ident>,
    pub params: Vec<Param>,
    pub outputs: Outputs,
    pub variants: Vec<Ident>,
    pub aliases: Vec<(Ident, Ident)>,
    pub factory: bool,
    pub inplace: Option<Ident>,
    pub out: bool,
    /// Rust programs may call it though Python keeps it to itself.
    pub rust: bool,
    pub node: Option<LitStr>,
    pub dtype: Option<Expr>,
    pub shape: Option<Expr>,
    pub contiguous: Vec<Ident>,
    /// What picks another loop of a `map` by the arguments.
    pub shortcut: Option<Expr>,
    pub body: Body,
    pub vjps: Vec<Vjp>,
    pub nondifferentiable: bool,
    pub quirks: Vec<Ident>,
    /// What else the form that writes its first argument asks of its arguments.
    pub inplace_check: Option<Expr>,
    pub samples: Option<Expr>,
}

pub struct Param {
    pub name: Ident,
    pub ty: ParamType,
    pub default: Option<Expr>,
    pub keyword_only: bool,
    /// `*tensors: Tensors`: Python may give the list one by one.
    pub variadic: bool,
}

/// What stands behind `->`.
pub struct Outputs {
    pub names: Vec<Ident>,
    /// `counts if return_counts`: Python sees the output only where that argument is true.
    pub flags: Vec<Option<Ident>>,
    /// `[edges]`: the last output is a list of tensors.
    pub list: bool,
}

impl Outputs {
    /// A single tensor.
    pub fn is_one(&self) -> bool {
        self.names.len() == 1 && !self.list
    }
}

pub enum Body {
    Map { inputs: Vec<Ident>, scalars: Vec<Ident>, arms: Vec<MapArm> },
    Kernel(TokenStream),
    Mutate(TokenStream),
    View(TokenStream),
    Compute(TokenStream),
    Composite(TokenStream),
}

/// A line of a map.
pub struct MapArm {
    pub classes: Vec<Ident>,
    /// `-> bool` before the arrow: the loop writes booleans.
    pub to_bool: bool,
    /// `-> real`: the loop takes complex numbers and writes real ones.
    pub to_real: bool,
    /// `quick` before the body: computed with functions that may miss rare arguments first.
    pub quick: bool,
    pub body: Expr,
}

pub struct Vjp {
    pub input: Ident,
    pub captures: Vec<Capture>,
    pub formula: Expr,
}

pub struct Capture {
    pub name: Ident,
    pub shape_only: bool,
}

impl Parse for Block {
    fn parse(input: ParseStream) -> syn::Result<Block> {
        let docs = input.call(Attribute::parse_outer)?;
        input.parse::<Token![fn]>()?;
        let name: Ident = input.parse()?;
        let overload = if input.peek(Token![.]) {
            input.parse::<Token![.]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        let params = parse_params(input)?;
        if !input.peek(Token![->]) {
            return Err(input.error(format!("operator `{name}` names no output: write `-> y` behind its parameters")));
        }
        input.parse::<Token![->]>()?;
        let outputs = parse_outputs(input)?;
        if !input.peek(Token![;]) {
            return Err(input.error(format!("expected `;` behind the signature of `{name}`")));
        }
        input.parse::<Token![;]>()?;

        let mut block = Block {
            docs,
            name: name.clone(),
            overload,
            params,
            outputs,
            variants: Vec::new(),
            aliases: Vec::new(),
            factory: false,
            inplace: None,
            out: false,
            rust: false,
            node: None,
            dtype: None,
            shape: None,
            contiguous: Vec::new(),
            shortcut: None,
            body: Body::Composite(TokenStream::new()),
            vjps: Vec::new(),
            nondifferentiable: false,
            quirks: Vec::new(),
            inplace_check: None,
            samples: None,
        };
        let mut has_body = false;
        while !input.is_empty() {
            let clause: Ident = input.parse()?;
            let mut set_body = |b: &mut Block, body: Body| {
                if has_body {
                    return Err(syn::Error::new(clause.span(), format!("operator `{name}` has two bodies")));
                }
                has_body = true;
                b.body = body;
                Ok(())
            };
            match clause.to_string().as_str() {
                "variants" => parse_variants(input, &mut block)?,
                "alias" => {
                    let list;
                    bracketed!(list in input);
                    while !list.is_empty() {
                        block.aliases.push((list.parse()?, list.parse()?));
                        if !list.is_empty() {
                            list.parse::<Token![,]>()?;
                        }
                    }
                }
                "factory" => block.factory = true,
                "node" => block.node = Some(input.parse()?),
                "dtype" => block.dtype = Some(input.parse()?),
                "shape" => block.shape = Some(input.parse()?),
                "shortcut" => block.shortcut = Some(input.parse()?),
                "contiguous" => block.contiguous = parse_names(input)?,
                "nondifferentiable" => block.nondifferentiable = true,
                "quirks" => block.quirks = parse_names(input)?,
                "inplace_check" => block.inplace_check = Some(input.parse()?),
                "samples" => block.samples = Some(input.parse()?),
                "map" => {
                    let map = parse_map(input)?;
                    set_body(&mut block, map)?;
                }
                "kernel" => set_body(&mut block, Body::Kernel(braces(input)?))?,
                "mutate" => set_body(&mut block, Body::Mutate(braces(input)?))?,
                "view" => set_body(&mut block, Body::View(braces(input)?))?,
                "compute" => set_body(&mut block, Body::Compute(braces(input)?))?,
                "composite" => set_body(&mut block, Body::Composite(braces(input)?))?,
                "vjp" => block.vjps = parse_vjps(input)?,
                other => {
                    return Err(syn::Error::new(
                        clause.span(),
                        format!(
                            "operator `{name}`: unknown clause `{other}`; a block has variants, alias, factory, node, dtype, shape, contiguous, shortcut, \
                             one of map / kernel / mutate / view / compute / composite, vjp, nondifferentiable, quirks, inplace_check, samples"
                        ),
                    ));
                }
            }
            // A line ends with `;`; behind braces it may be left out.
            let braces = matches!(
                clause.to_string().as_str(),
                "map" | "kernel" | "mutate" | "view" | "compute" | "composite" | "vjp"
            );
            if !braces && !input.is_empty() && !input.peek(Token![;]) {
                return Err(input.error(format!("expected `;` behind the `{clause}` line of `{name}`")));
            }
            while input.peek(Token![;]) {
                input.parse::<Token![;]>()?;
            }
        }
        if !has_body {
            return Err(syn::Error::new(
                name.span(),
                format!("operator `{name}` has no body: give it one of map, kernel, mutate, view, compute, composite"),
            ));
        }
        Ok(block)
    }
}

/// The `;` between two lines in braces.
fn separator(content: ParseStream, between: &str) -> syn::Result<()> {
    if content.is_empty() {
        return Ok(());
    }
    if !content.peek(Token![;]) {
        return Err(content.error(format!("expected `;` between {between}")));
    }
    content.parse::<Token![;]>().map(|_| ())
}

fn braces(input: ParseStream) -> syn::Result<TokenStream> {
    let content;
    braced!(content in input);
    content.parse()
}

fn parse_params(input: ParseStream) -> syn::Result<Vec<Param>> {
    let list;
    parenthesized!(list in input);
    let mut params = Vec::new();
    let mut keyword_only = false;
    while !list.is_empty() {
        if list.peek(Token![;]) {
            list.parse::<Token![;]>()?;
            keyword_only = true;
            continue;
        }
        let variadic = list.parse::<Option<Token![*]>>()?.is_some();
        let name = Ident::parse(&list)?;
        if !list.peek(Token![:]) {
            return Err(list.error(format!("parameter `{name}` has no type: write `{name}: Tensor`")));
        }
        list.parse::<Token![:]>()?;
        let ty: Type = list.parse()?;
        let default = if list.peek(Token![=]) {
            list.parse::<Token![=]>()?;
            Some(list.parse()?)
        } else {
            None
        };
        let ty = ParamType::parse(&ty)?;
        if variadic && ty.base != Base::Tensors {
            return Err(syn::Error::new(
                name.span(),
                format!("`*{name}` must be of type Tensors: only tensors are given one by one"),
            ));
        }
        params.push(Param { name, ty, default, keyword_only, variadic });
        if list.peek(Token![,]) {
            list.parse::<Token![,]>()?;
        } else if !list.is_empty() && !list.peek(Token![;]) {
            return Err(list.error("expected `,` between parameters (or `;`, behind which they are keyword-only)"));
        }
    }
    Ok(params)
}

/// `y`, `values, indices`, `y, counts if return_counts`, `[parts]`, `hist, [edges]`
fn parse_outputs(input: ParseStream) -> syn::Result<Outputs> {
    let mut out = Outputs { names: Vec::new(), flags: Vec::new(), list: false };
    loop {
        if input.peek(token::Bracket) {
            let list;
            bracketed!(list in input);
            out.names.push(list.parse()?);
            out.flags.push(None);
            out.list = true;
            return Ok(out);
        }
        out.names.push(input.parse()?);
        out.flags.push(match input.parse::<Option<Token![if]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        });
        if input.parse::<Option<Token![,]>>()?.is_none() {
            return Ok(out);
        }
    }
}

/// Names in brackets.
fn parse_names(input: ParseStream) -> syn::Result<Vec<Ident>> {
    let list;
    bracketed!(list in input);
    Ok(Punctuated::<Ident, Token![,]>::parse_terminated(&list)?.into_iter().collect())
}

fn parse_variants(input: ParseStream, block: &mut Block) -> syn::Result<()> {
    let list;
    bracketed!(list in input);
    while !list.is_empty() {
        let word: Ident = list.parse()?;
        match word.to_string().as_str() {
            "inplace" => {
                let explicit = !list.is_empty() && !list.peek(Token![,]);
                block.inplace =
                    Some(if explicit { list.parse()? } else { Ident::new(&format!("{}_", block.name), word.span()) });
            }
            "out" => block.out = true,
            "rust" => block.rust = true,
            "method" | "function" | "functional" | "linalg" | "special" | "fft" | "private" => {
                block.variants.push(word)
            }
            other => {
                return Err(syn::Error::new(
                    word.span(),
                    format!(
                        "unknown variant `{other}`; there are method, function, functional, linalg, special, fft, private, rust, inplace, out"
                    ),
                ));
            }
        }
        if !list.is_empty() {
            if !list.peek(Token![,]) {
                return Err(list.error("expected `,` between variants"));
            }
            list.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

/// `map { (x, other; alpha) Float, Int => x + alpha * other; Complex -> real => abs(x) }`
fn parse_map(input: ParseStream) -> syn::Result<Body> {
    let content;
    braced!(content in input);
    let head;
    parenthesized!(head in content);
    let (mut inputs, mut scalars, mut past) = (Vec::new(), Vec::new(), false);
    while !head.is_empty() {
        if head.peek(Token![;]) {
            head.parse::<Token![;]>()?;
            past = true;
            continue;
        }
        let name = Ident::parse(&head)?;
        if past {
            scalars.push(name)
        } else {
            inputs.push(name)
        }
        if head.peek(Token![,]) {
            head.parse::<Token![,]>()?;
        }
    }
    let mut arms = Vec::new();
    while !content.is_empty() {
        let mut classes = vec![content.parse::<Ident>()?];
        while content.peek(Token![,]) {
            content.parse::<Token![,]>()?;
            classes.push(content.parse()?);
        }
        let (mut to_bool, mut to_real) = (false, false);
        if content.peek(Token![->]) {
            content.parse::<Token![->]>()?;
            let to: Ident = content.parse()?;
            match to.to_string().as_str() {
                "bool" => to_bool = true,
                "real" => to_real = true,
                _ => return Err(syn::Error::new(to.span(), "a map writes its own type, `bool`, or `real`")),
            }
        }
        content.parse::<Token![=>]>()?;
        // A word before the body, not a function of that name.
        let quick = content.peek(word::quick) && !content.peek2(token::Paren);
        if quick {
            content.parse::<word::quick>()?;
        }
        let body: Expr = content.parse()?;
        arms.push(MapArm { classes, to_bool, to_real, quick, body });
        separator(&content, "the lines of a map")?;
    }
    if arms.is_empty() {
        return Err(content.error("a map needs at least one line, such as `Float => exp(x)`"));
    }
    Ok(Body::Map { inputs, scalars, arms })
}

fn parse_vjps(input: ParseStream) -> syn::Result<Vec<Vjp>> {
    let content;
    braced!(content in input);
    let mut out = Vec::new();
    while !content.is_empty() {
        let target: Ident = content.parse()?;
        content.parse::<Token![=>]>()?;
        let mut captures = Vec::new();
        if content.peek(Token![||]) {
            content.parse::<Token![||]>()?;
        } else {
            content.parse::<Token![|]>()?;
            while !content.peek(Token![|]) {
                let name: Ident = content.parse()?;
                let mut shape_only = false;
                if content.peek(Token![.]) {
                    content.parse::<Token![.]>()?;
                    let what: Ident = content.parse()?;
                    if what != "shape" {
                        return Err(syn::Error::new(
                            what.span(),
                            "only `.shape` (shape and dtype, no data) can be captured of a tensor",
                        ));
                    }
                    shape_only = true;
                }
                captures.push(Capture { name, shape_only });
                if content.peek(Token![,]) {
                    content.parse::<Token![,]>()?;
                }
            }
            content.parse::<Token![|]>()?;
        }
        let formula: Expr = content.parse()?;
        out.push(Vjp { input: target, captures, formula });
        separator(&content, "the lines of a derivative")?;
    }
    Ok(out)
}
