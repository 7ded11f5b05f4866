//! The mistakes that a block can hold, each named in the block's own words, at the word that is wrong.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprBinary, ExprCall, ExprMethodCall, ExprPath, Ident, Lit, PatIdent};

use crate::expand::{error, slot};
use crate::parse::{Block, Body, MapArm, Vjp};

/// Finds the first mistake that the grammar lets pass.
pub fn check(b: &Block) -> syn::Result<()> {
    parameters(b)?;
    rules(b)?;
    if let Body::Map { inputs, scalars, arms } = &b.body {
        map(b, inputs, scalars, arms)?;
    }
    derivative(b)?;
    for c in &b.contiguous {
        match b.params.iter().find(|p| p.name == *c) {
            None => return Err(unknown_parameter(b, c)),
            Some(p) if !p.ty.holds_tensors() => {
                return Err(error(c, format!("`{c}` is not a tensor: it has no memory to lay out")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn unknown_parameter(b: &Block, name: &Ident) -> syn::Error {
    let known: Vec<String> = b.params.iter().map(|p| format!("`{}`", p.name)).collect();
    error(name, format!("`{name}` is not a parameter of `{}`; it has {}", b.name, known.join(", ")))
}

fn parameters(b: &Block) -> syn::Result<()> {
    for (i, p) in b.params.iter().enumerate() {
        if b.params[..i].iter().any(|q| q.name == p.name) {
            return Err(error(&p.name, format!("operator `{}` has two parameters called `{}`", b.name, p.name)));
        }
    }
    for flag in b.outputs.flags.iter().flatten() {
        match b.params.iter().find(|p| p.name == *flag) {
            None => return Err(unknown_parameter(b, flag)),
            Some(p) if p.ty.base != crate::types::Base::Bool => {
                return Err(error(flag, format!("`{flag}` decides whether an output is shown: its type must be bool")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A kernel and a map need to know what they write into.
fn rules(b: &Block) -> syn::Result<()> {
    let name = &b.name;
    let missing = |rule: &str, why: &str, example: &str| {
        Err(error(name, format!("operator `{name}` has no `{rule}` rule: {why}; add a line such as `{example}`")))
    };
    let first = b.params.first().map_or("input".to_string(), |p| p.name.to_string());
    if let Some(shortcut) = &b.shortcut
        && !matches!(b.body, Body::Map { .. } | Body::Composite(_))
    {
        let text = format!(
            "operator `{name}` has a shortcut but neither a map, which has loops to pick from, nor a composite, which has operators"
        );
        return Err(syn::Error::new_spanned(shortcut, text));
    }
    match b.body {
        Body::Kernel(_) if b.dtype.is_none() => {
            missing("dtype", "a kernel writes into outputs made by it", &format!("dtype rule::same({first});"))
        }
        Body::Kernel(_) if b.shape.is_none() => {
            missing("shape", "a kernel writes into outputs made by it", &format!("shape {first}.sizes();"))
        }
        Body::Map { .. } if b.dtype.is_none() => {
            missing("dtype", "it chooses the loop of a map", &format!("dtype rule::int_to_float({first});"))
        }
        Body::Compute(_) if b.dtype.is_some() != b.shape.is_some() => {
            let (there, rule) = if b.dtype.is_some() { ("dtype", "shape") } else { ("shape", "dtype") };
            Err(error(
                name,
                format!(
                    "operator `{name}` has a `{there}` rule but no `{rule}` rule: give both, so that it works on the meta device, or neither"
                ),
            ))
        }
        Body::Composite(_) if !b.vjps.is_empty() => Err(error(
            &b.vjps[0].input,
            format!("operator `{name}` is a composite: its derivative follows from its parts, drop the vjp"),
        )),
        Body::Composite(_) if b.dtype.is_some() || b.shape.is_some() => Err(error(
            name,
            format!("operator `{name}` is a composite: dtype and shape follow from its parts, drop the rules"),
        )),
        _ => Ok(()),
    }
}

fn map(b: &Block, inputs: &[Ident], scalars: &[Ident], arms: &[MapArm]) -> syn::Result<()> {
    for (list, tensors) in [(inputs, true), (scalars, false)] {
        for used in list {
            let Some(at) = slot(b, used) else { return Err(unknown_parameter(b, used)) };
            let ty = b.params[at].ty;
            if tensors && !ty.holds_tensors() && !ty.is_number() {
                return Err(error(
                    used,
                    format!("`{used}` is neither a tensor nor a number: a map cannot compute with it"),
                ));
            }
            if !tensors && !ty.is_number() {
                return Err(error(used, format!("`{used}` is not a number: name tensors before the `;` of the map")));
            }
        }
    }
    for arm in arms {
        let mut names = Names::of(&arm.body);
        names.visit_expr(&arm.body);
        for (name, sure) in &names.used {
            if inputs.contains(name) || scalars.contains(name) || is_constant(name) {
                continue;
            }
            if slot(b, name).is_some() {
                let example: Vec<_> = inputs.iter().map(|i| i.to_string()).collect();
                return Err(error(
                    name,
                    format!(
                        "the map does not take `{name}`: name it in front, as in `({}; {name})`",
                        example.join(", ")
                    ),
                ));
            }
            if *sure {
                return Err(error(
                    name,
                    format!("`{name}` is neither an operand nor a number of the map of `{}`", b.name),
                ));
            }
        }
        types(arm)?;
    }
    Ok(())
}

/// Mistakes in types that the compiler would report once for each loop, in words of the loop.
fn types(arm: &MapArm) -> syn::Result<()> {
    let has = |names: &[&str]| arm.classes.iter().any(|c| names.iter().any(|n| c == n));
    if let Expr::Binary(ExprBinary {
        op: op @ (BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_) | BinOp::Eq(_) | BinOp::Ne(_)),
        ..
    }) = &arm.body
        && !arm.to_bool
    {
        let class = &arm.classes[0];
        return Err(syn::Error::new(
            op.span(),
            format!("a comparison gives a boolean: write `{class} -> bool => ...`"),
        ));
    }
    let mut literals = Literals { float: has(&["Float", "Real"]), int: has(&["Int", "Bool", "Real"]), found: None };
    literals.visit_expr(&arm.body);
    literals.found.map_or(Ok(()), Err)
}

/// Looks for `x + 1` where `x` is a float, and `x + 1.0` where it is an integer.
struct Literals {
    float: bool,
    int: bool,
    found: Option<syn::Error>,
}

impl Visit<'_> for Literals {
    fn visit_expr_binary(&mut self, e: &ExprBinary) {
        let sides = [(&e.left, &e.right), (&e.right, &e.left)];
        for (side, other) in sides {
            let Expr::Lit(lit) = &**side else { continue };
            // Constants among themselves, and what a method gave, may be of any type.
            if !matches!(&**other, Expr::Path(_)) {
                continue;
            }
            let text = lit.to_token_stream().to_string();
            let message = match &lit.lit {
                Lit::Int(_) if self.float => format!("this line computes in floating point: write `{text}.0`"),
                Lit::Float(_) if self.int => {
                    format!("this line computes in integers too: `{text}` is none, give Float a line of its own")
                }
                _ => continue,
            };
            self.found.get_or_insert(syn::Error::new(lit.span(), message));
        }
        visit::visit_expr_binary(self, e);
    }
}

fn derivative(b: &Block) -> syn::Result<()> {
    let name = &b.name;
    for (i, line) in b.vjps.iter().enumerate() {
        let input = &line.input;
        match b.params.iter().find(|p| p.name == *input) {
            None => return Err(error(input, format!("`{input}` is not an input of `{name}`"))),
            Some(p) if !p.ty.holds_tensors() => {
                return Err(error(input, format!("`{input}` is not a tensor: no gradient flows into it")));
            }
            _ => {}
        }
        if b.vjps[..i].iter().any(|l| l.input == *input) {
            return Err(error(input, format!("`{input}` has two derivative lines")));
        }
        if b.nondifferentiable {
            return Err(error(input, format!("operator `{name}` is nondifferentiable: drop that word or the vjp")));
        }
        for c in &line.captures {
            if c.name != "g" && c.name != "gs" && !is_known(b, &c.name) {
                return Err(error(&c.name, format!("`{}` is neither an input nor an output of `{name}`", c.name)));
            }
        }
        formula(b, line)?;
    }
    Ok(())
}

fn is_known(b: &Block, name: &Ident) -> bool {
    slot(b, name).is_some() || b.outputs.names.contains(name)
}

/// The names in a derivative's formula must stand between its bars.
fn formula(b: &Block, line: &Vjp) -> syn::Result<()> {
    let mut names = Names::of(&line.formula);
    names.visit_expr(&line.formula);
    for (name, sure) in &names.used {
        if line.captures.iter().any(|c| c.name == *name) || is_constant(name) {
            continue;
        }
        if is_known(b, name) || name == "g" || name == "gs" {
            let mut list: Vec<String> = line.captures.iter().map(|c| c.name.to_string()).collect();
            list.push(name.to_string());
            return Err(error(
                name,
                format!("`{name}` is not saved for this line: name it between the bars, `|{}|`", list.join(", ")),
            ));
        }
        if *sure {
            return Err(error(
                name,
                format!("`{name}` is neither an input, an output nor an argument of `{}`", b.name),
            ));
        }
    }
    Ok(())
}

/// `PI`, `None`, `self`-like words that stand for no operand.
fn is_constant(name: &Ident) -> bool {
    name.to_string().starts_with(|c: char| c.is_uppercase() || c == '_')
}

/// The plain names that an expression reads and does not bind itself.
struct Names {
    bound: Vec<Ident>,
    /// Each with whether it can only be a value: an argument of a call may be a function.
    used: Vec<(Ident, bool)>,
}

impl Names {
    fn of(e: &Expr) -> Names {
        struct Bound(Vec<Ident>);
        impl Visit<'_> for Bound {
            fn visit_pat_ident(&mut self, p: &PatIdent) {
                self.0.push(p.ident.clone());
                visit::visit_pat_ident(self, p);
            }
        }
        let mut bound = Bound(Vec::new());
        bound.visit_expr(e);
        Names { bound: bound.0, used: Vec::new() }
    }

    fn note(&mut self, e: &ExprPath, sure: bool) {
        if let Some(name) = e.path.get_ident()
            && !self.bound.contains(name)
        {
            self.used.push((name.clone(), sure));
        }
    }

    fn arguments<'a>(&mut self, args: impl Iterator<Item = &'a Expr>) {
        for a in args {
            match a {
                Expr::Path(p) => self.note(p, false),
                other => self.visit_expr(other),
            }
        }
    }
}

impl Visit<'_> for Names {
    fn visit_expr_path(&mut self, e: &ExprPath) {
        self.note(e, true);
    }

    fn visit_expr_call(&mut self, e: &ExprCall) {
        if !matches!(&*e.func, Expr::Path(_)) {
            self.visit_expr(&e.func);
        }
        self.arguments(e.args.iter());
    }

    fn visit_expr_method_call(&mut self, e: &ExprMethodCall) {
        self.visit_expr(&e.receiver);
        self.arguments(e.args.iter());
    }
}
