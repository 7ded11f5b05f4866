//! The `out=` form: an operator's results written into given tensors, and what PyTorch asks of these, operator by operator.

use smallvec::SmallVec;

use super::{any_requires_grad, call, can_cast, check_no_inner_overlap, elementwise, overlap, write};
use crate::autocast::{self, autocast_dtype};
use crate::autograd::{grad_enabled, no_grad};
use crate::ops::{Arg, Args, Body, OpDef, Options, Outputs, Place};
use crate::{DType, Error, Result, Tensor};

/// Runs an operator and writes its results into given tensors.
pub fn call_out(op: &'static OpDef, args: &[Arg], outs: &[Tensor]) -> Result<Outputs> {
    if grad_enabled() && (any_requires_grad(args) || outs.iter().any(Tensor::requires_grad)) {
        return Err(Error::runtime(format!(
            "{}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.",
            op.name
        )));
    }
    if autocast_dtype().is_some() {
        return autocast::off(|| call_out(op, args, outs));
    }
    if let (Some(Arg::Tensor(x)), [out]) = (args.first(), outs) {
        check_unary_out(op.name, x.dtype(), out.dtype())?;
    }
    let made;
    let args = match outs {
        [out] if op.factory => {
            made = made_for(op, args, out)?;
            &made[..]
        }
        _ => args,
    };
    if matches!(op.body, Body::Map { .. }) || OUT_APART.contains(&op.name) {
        outs.iter().try_for_each(|out| overlap::check_all_apart(out, args, matches!(op.name, "cat" | "cross")))?;
    }
    no_grad(|| {
        if let (Body::Map { .. }, [out]) = (&op.body, outs)
            && !out.is_conj()
            && elementwise::into_out(op, args, out)?
        {
            out.bump_version();
            return Ok(SmallVec::from_buf([out.clone()]));
        }
        let results = call(op, args)?;
        if results.len() != outs.len() {
            return Err(Error::type_(format!(
                "{}() gives {} tensors, but out= has {}",
                op.name,
                results.len(),
                outs.len()
            )));
        }
        let mut written = Outputs::new();
        for (result, out) in results.iter().zip(outs) {
            if result.device() != out.device() {
                return Err(Error::runtime(format!(
                    "Expected all tensors to be on the same device, but found at least two devices, {} and {}!",
                    result.device(),
                    out.device()
                )));
            }
            check_exact_out(op, result, out)?;
            check_kind_out(op, result, out)?;
            // Draws of zero and one are drawn in any dtype.
            if op.name != "bernoulli" && !can_cast(result.dtype(), out.dtype()) {
                return Err(Error::runtime(format!(
                    "result type {} can't be cast to the desired output type {}",
                    result.dtype().title(),
                    out.dtype().title()
                )));
            }
            // Numbers in a row fill an output of any shape that has as many places.
            let in_a_row = matches!(op.name, "arange" | "range" | "linspace" | "logspace");
            if out.size() == result.size() || (in_a_row && out.numel() == result.numel()) {
                check_no_inner_overlap(out)?;
                write(out, &result.reshape(out.size())?)?;
                written.push(out.clone());
            } else {
                let resized = out.resized(result.layout())?;
                write(&resized, result)?;
                written.push(resized);
            }
        }
        Ok(written)
    })
}

/// The arguments of a factory that writes into `out`: what it makes is of that tensor's dtype.
fn made_for(op: &'static OpDef, args: &[Arg], out: &Tensor) -> Result<Args> {
    let mut args: Args = args.into();
    let at = op.params.len();
    let options = Options::from_args(&args[at..]);
    if let Some(asked) = options.dtype
        && asked != out.dtype()
    {
        return Err(Error::runtime(format!(
            "dtype {} does not match dtype of out parameter ({})",
            asked.title(),
            out.dtype().title()
        )));
    }
    args.truncate(at);
    args.push(Arg::Options(Options {
        dtype: Some(out.dtype()),
        device: options.device.or(Some(out.device())),
        ..options
    }));
    Ok(args)
}

/// The operators besides the elementwise ones whose `out` may not share a part of its memory with an input.
const OUT_APART: &[&str] = &[
    "cat",
    "clamp",
    "cross",
    "cumprod",
    "cumsum",
    "gather",
    "index_add",
    "index_copy",
    "index_reduce",
    "index_select",
    "kthvalue",
    "masked_select",
    "max",
    "min",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "sort",
    "stack",
    "take",
    "take_along_dim",
    "topk",
    "where",
];

/// These operators of one tensor write its dtype, or booleans, and no other.
fn check_unary_out(name: &str, from: DType, to: DType) -> Result<()> {
    let same = match name {
        "signbit" | "isposinf" | "isneginf" if to != DType::Bool => {
            return Err(Error::runtime(format!("{name} does not support non-boolean outputs.")));
        }
        "nan_to_num" if from != to => {
            return Err(Error::runtime(format!(
                "nan_to_num: dtype of out: {} should be same as input: {}",
                to.title(),
                from.title()
            )));
        }
        "neg" | "sign" | "sgn" | "floor" | "ceil" | "round" | "trunc" | "frac" | "bitwise_not" => true,
        "abs" => !from.is_complex(),
        _ => false,
    };
    if same && from != to {
        return Err(Error::runtime(format!("Found dtype {} but expected {}", to.title(), from.title())));
    }
    Ok(())
}

/// Some operators convert nothing on the way into `out`, and `index_select` refuses to resize what overlaps itself.
fn check_exact_out(op: &OpDef, result: &Tensor, out: &Tensor) -> Result<()> {
    let name = op.name;
    let (from, to) = (result.dtype(), out.dtype());
    if name == "index_select" {
        check_no_inner_overlap(out)?;
    }
    if from == to {
        return Ok(());
    }
    Err(Error::runtime(match name {
        "max" | "min" if op.overload != "dim" => return Ok(()),
        "gather" | "aminmax" | "max" | "min" | "mm" | "bmm" | "addmm" | "baddbmm" | "matmul" | "sort" | "topk"
        | "argmax" | "argmin" | "tril" | "triu" | "scatter" | "scatter_add" | "scatter_reduce" | "index_add"
        | "index_reduce" | "index_copy" | "softmax" | "log_softmax" | "inverse" | "inv" | "diag" | "renorm" => format!(
            "Expected out tensor to have dtype {}, but got {} instead",
            crate::ops::rule::c_name(from),
            crate::ops::rule::c_name(to)
        ),
        "float_power" => format!(
            "the output given to float_power has dtype {} but the operation's result requires dtype {}",
            to.title(),
            from.title()
        ),
        "index_select" => "index_select(): self and result must have the same scalar type".to_string(),
        "nonzero" => {
            format!("nonzero: Expected out tensor to have scalar type Long but got scalar type{}", to.title())
        }
        "take" => format!(
            "take(): self and out expected to have the same dtype, but got self.dtype = {} and out.dtype = {}",
            from.title(),
            to.title()
        ),
        "where" => format!("Expected out type to be {} but got {}", from.title(), to.title()),
        "all" | "any" if to != DType::U8 => {
            format!("{name} only supports bool tensor for result, got: {}", to.title())
        }
        "multinomial" => format!("multinomial expects Long tensor out, got: {}", to.title()),
        "complex" | "polar" => format!(
            "Expected object of scalar type {} but got scalar type {} for argument 'out'",
            from.title(),
            to.title()
        ),
        "amax" | "amin" => format!(
            "Expected the dtype for input and out to match, but got {} for input's dtype and {} for out's dtype.",
            from.title(),
            to.title()
        ),
        _ => return Ok(()),
    }))
}

/// Transforms name the kind of numbers that they write.
fn check_kind_out(op: &OpDef, result: &Tensor, out: &Tensor) -> Result<()> {
    let (from, to) = (result.dtype().is_complex(), out.dtype());
    if op.places.contains(&Place::Fft) && from != to.is_complex() {
        let kind = if from { "complex" } else { "floating point" };
        return Err(Error::runtime(format!("{} expects a {kind} output tensor, but got {}", op.name, to.title())));
    }
    Ok(())
}
