//! What the macro says to a mistake in a block.

use proc_macro2::TokenStream;

use crate::{expand, module, parse};

fn tokens(block: &str) -> TokenStream {
    block.parse().unwrap_or_else(|e| panic!("{block}: {e}"))
}

fn message(block: &str) -> String {
    match syn::parse2::<parse::Block>(tokens(block)).and_then(|b| expand::expand(&b)) {
        Ok(_) => panic!("{block} has no mistake"),
        Err(e) => e.to_string(),
    }
}

fn says(block: &str, text: &str) {
    let message = message(block);
    assert!(message.contains(text), "{block}\nsays: {message}\nnot: {text}");
}

const HEAD: &str = "fn f(input: Tensor, other: Operand; alpha: Scalar = 1) -> y; dtype rule::promote(input, other);";

fn body(text: &str) -> String {
    format!("{HEAD} {text}")
}

#[test]
fn a_whole_block_expands() {
    let block = "/// Docs.\nfn f(input: Tensor, *rest: Tensors; wanted: bool = false) -> y, z if wanted, [parts]; variants [method, out]; compute { g(input) };";
    let parsed = syn::parse2::<parse::Block>(tokens(block)).unwrap();
    assert!(parsed.params[1].variadic && parsed.outputs.list && parsed.outputs.flags[1].is_some());
    let text = expand::expand(&parsed).unwrap().to_string();
    assert!(text.contains("pub static F :") && text.contains("pub fn f_with"), "{text}");
}

#[test]
fn a_missing_rule() {
    let block = "fn f(input: Tensor) -> y; dtype rule::same(input); kernel { k(input, y) };";
    says(block, "operator `f` has no `shape` rule");
    says(block, "add a line such as `shape input.sizes();`");
    says("fn f(input: Tensor) -> y; map { (input) Float => exp(input) };", "operator `f` has no `dtype` rule");
    says("fn f(input: Tensor) -> y; dtype DType::I64; compute { k(input) };", "has a `dtype` rule but no `shape` rule");
    says("fn f(input: Tensor) -> y;", "operator `f` has no body: give it one of map");
}

#[test]
fn a_name_that_is_no_input() {
    says(
        &body("map { (input, z) Float => input };"),
        "`z` is not a parameter of `f`; it has `input`, `other`, `alpha`",
    );
    says(&body("map { (input) Float => input + z };"), "`z` is neither an operand nor a number of the map of `f`");
    says(
        &body("map { (input, other) Float => input + alpha * other };"),
        "name it in front, as in `(input, other; alpha)`",
    );
    says(
        "fn f(input: Tensor, how: Str) -> y; dtype d(input); map { (input, how) Float => input };",
        "`how` is neither a tensor nor a number",
    );
    says(&body("map { (input; other) Float => input };"), "`other` is not a number");
    says("fn f(input: Tensor) -> y, z if wanted; compute { k(input) };", "`wanted` is not a parameter of `f`");
}

#[test]
fn a_name_that_a_derivative_does_not_save() {
    let with = |line: &str| body(&format!("map {{ (input, other) Float => input * other }}; vjp {{ {line} }};"));
    says(&with("input => |g| g * other"), "`other` is not saved for this line: name it between the bars, `|g, other|`");
    says(&with("input => |g| g * z"), "`z` is neither an input, an output nor an argument of `f`");
    says(&with("input => |g, z| g * z"), "`z` is neither an input nor an output of `f`");
    says(&with("z => |g| g"), "`z` is not an input of `f`");
    says(&with("alpha => |g| g"), "`alpha` is not a tensor: no gradient flows into it");
    says(&with("input => |g| g; input => |g| g"), "`input` has two derivative lines");
}

#[test]
fn a_wrong_type_in_a_map() {
    says(&body("map { (input) Float => input + 1 };"), "this line computes in floating point: write `1.0`");
    says(&body("map { (input) Float, Int => input + 1.0 };"), "give Float a line of its own");
    says(&body("map { (input, other) Float => input < other };"), "write `Float -> bool => ...`");
    says(&body("map { (input) Double => input };"), "unknown class `Double`");
}

#[test]
fn a_missing_comma_or_semicolon() {
    says("fn f(input: Tensor other: Tensor) -> y;", "expected `,` between parameters");
    says("fn f(input: Tensor, other) -> y;", "parameter `other` has no type");
    says("fn f(input: Tensor);", "operator `f` names no output: write `-> y`");
    says("fn f(input: Tensor) -> y variants [method];", "expected `;` behind the signature of `f`");
    says("fn f(input: Tensor) -> y; variants [method function];", "expected `,` between variants");
    says(
        "fn f(input: Tensor) -> y; variants [method] view { k(input) };",
        "expected `;` behind the `variants` line of `f`",
    );
    says(&body("map { (input) Float => input Int => input };"), "expected `;` between the lines of a map");
    says(
        &body("map { (input) Float => input }; vjp { input => |g| g, other => |g| g };"),
        "expected `;` between the lines of a derivative",
    );
}

#[test]
fn a_word_that_does_not_exist() {
    says("fn f(input: Tensor) -> y; variants [methods];", "unknown variant `methods`; there are method, function");
    says("fn f(input: Tensor) -> y; derivative { };", "operator `f`: unknown clause `derivative`");
    says("fn f(input: Matrix) -> y;", "unknown parameter type: use Tensor");
    says("fn f(input: Tensor) -> y; composite { k(input) }; view { k(input) };", "operator `f` has two bodies");
    says("fn f(input: Tensor) -> y; composite { k(input) }; vjp { input => |g| g };", "`f` is a composite");
    says("fn f(*sizes: Dims) -> y;", "`*sizes` must be of type Tensors");
}

#[test]
fn a_wrong_setting_of_a_module_is_the_only_error() {
    let input: syn::DeriveInput = syn::parse_quote! {
        struct Net {
            #[module(bufer)]
            mean: Tensor,
            out: Linear,
        }
    };
    let text = module::derive(&input).unwrap().to_string();
    assert!(text.contains("compile_error") && text.contains("`buffer(transient)`"), "{text}");
    assert!(text.contains("Module for Net") && text.contains("\"out\""), "{text}");
}
