//! The forms of an operator agree: on strided memory, on `meta`, in place, with `out=`, with an argument given twice.

use flambeau_tensor::dispatch::{call, call_inplace, call_out, can_cast};
use flambeau_tensor::ops::{Arg, Args, Body, Options, Quirk};
use flambeau_tensor::{DType, Device, ErrorKind, Tensor};

use crate::cases::{Case, each, fresh, mapped, same, scattered, tensors, turned, writes};

#[test]
fn every_sample_runs() {
    each(|case| {
        let out = case.run(&case.args).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        if !case.op.list {
            assert_eq!(out.len(), case.op.outputs.len(), "{}: number of outputs", case.name);
        }
    });
}

#[test]
fn strided_inputs_give_the_same() {
    each(|case| {
        if case.is_about_memory() {
            return;
        }
        let plain = case.run(&case.args).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        for layout in [scattered, turned] {
            match case.run(&mapped(&case.args, &mut |t| layout(t))) {
                // Random numbers come in the order of memory.
                Ok(strided) => same(&plain, &strided, case.determined && !case.random, &case.name),
                // A view that needs other strides may refuse.
                Err(e) => {
                    let view = matches!(case.op.body, Body::View(_)) || e.to_string().contains("view");
                    assert!(view, "{}: {e}", case.name);
                }
            }
        }
    });
}

#[test]
fn lazy_conjugates_and_negatives_give_the_same() {
    each(|case| {
        let list = tensors(&case.args);
        if case.is_about_memory()
            || case.random
            || !list.iter().any(|t| t.dtype().is_complex() || t.dtype() == DType::F64)
        {
            return;
        }
        let complex = |t: &Tensor| if t.dtype() == DType::F64 { t.to_dtype(DType::C128).unwrap() } else { t.clone() };
        for make in [mapped(&case.args, &mut |t| t.clone()), mapped(&case.args, &mut |t| complex(t))] {
            let Ok(plain) = call(case.op, &fresh(&make)) else { continue };
            for lazy in [conjugated, negated] {
                let args = mapped(&make, &mut |t| {
                    if t.dtype().is_differentiable() { lazy(t) } else { t.clone_tensor().unwrap() }
                });
                match call(case.op, &args) {
                    Ok(got) => same(&plain, &got, case.determined, &case.name),
                    // Views of the parts have no place for the bits.
                    Err(e) => assert!(e.to_string().contains("view"), "{}: {e}", case.name),
                }
            }
        }
    });
}

/// The same values, the conjugate written in memory.
fn conjugated(t: &Tensor) -> Tensor {
    if t.dtype().is_complex() { t.conj_physical().unwrap().conj_view().unwrap() } else { t.clone_tensor().unwrap() }
}

/// The same values, the negative written in memory.
fn negated(t: &Tensor) -> Tensor {
    t.neg().unwrap().neg_view().unwrap()
}

/// Fails unless the case on `meta` gives what the results `plain` are, but for the elements.
fn check_meta(case: &Case, args: &Args, plain: &[Tensor]) {
    let mut args = mapped(args, &mut |t| t.to_device(Device::Meta).unwrap());
    if let Some(Arg::Options(o)) = args.last_mut() {
        *o = Options { device: Some(Device::Meta), ..*o };
    }
    let on_meta = !tensors(&args).is_empty() || case.op.factory;
    match call(case.op, &args) {
        Ok(meta) => {
            assert_eq!(plain.len(), meta.len(), "{}", case.name);
            for (x, y) in plain.iter().zip(&meta).take(case.comparable_on_meta()) {
                assert_eq!((x.size(), x.stride(), x.dtype()), (y.size(), y.stride(), y.dtype()), "{}", case.name);
                assert!(!on_meta || y.device() == Device::Meta, "{}", case.name);
            }
        }
        // Only what looks at data may not know the shape.
        Err(e) => assert!(
            matches!(e.kind(), ErrorKind::NotImplemented | ErrorKind::Runtime)
                && matches!(case.op.body, Body::Compute { .. } | Body::Composite { .. }),
            "{}: {e}",
            case.name
        ),
    }
}

#[test]
fn meta_tensors_have_the_same_shapes() {
    each(|case| {
        check_meta(case, &case.args, &case.run(&case.args).unwrap());
        if !case.is_about_memory() {
            let args = mapped(&case.args, &mut |t| turned(t));
            if let Ok(plain) = case.run(&args) {
                check_meta(case, &args, &plain);
            }
        }
    });
}

#[test]
fn in_place_forms_give_the_same() {
    each(|case| {
        let plain = case.run(&case.args).unwrap();
        let (Some(_), Arg::Tensor(x)) = (case.op.inplace, &case.args[0]) else { return };
        if plain[0].size() != x.size() || !can_cast(plain[0].dtype(), x.dtype()) {
            return;
        }
        for layout in [Tensor::clone_tensor, |t: &Tensor| Ok(scattered(t))] {
            let mut own = fresh(&case.args);
            let target = layout(x).unwrap();
            own[0] = Arg::from(&target);
            let version = target.version();
            case.seed();
            let got = call_inplace(case.op, &own).unwrap_or_else(|e| panic!("{} in place: {e}", case.name));
            assert!(got[0].is(&target), "{} in place gives another tensor", case.name);
            let changed = !flambeau_tensor::autograd::no_grad(|| target.equal(x)).unwrap().item().unwrap().to_bool();
            assert!(!changed || target.version() > version, "{} in place does not count its write", case.name);
            let determined = case.determined && (target.is_contiguous() || !case.random);
            same(&[plain[0].to_dtype(x.dtype()).unwrap()], &got, determined, &case.name);
        }
    });
}

#[test]
fn out_forms_give_the_same() {
    each(|case| {
        if !case.op.out {
            return;
        }
        let plain = case.run(&case.args).unwrap();
        let check = |outs: Vec<Tensor>, args: Args, what: &str| {
            let strides: Vec<_> = outs.iter().map(|t| t.layout().clone()).collect();
            let what = format!("{} with out= {what}", case.name);
            case.seed();
            let got = call_out(case.op, &args, &outs).unwrap_or_else(|e| panic!("{what}: {e}"));
            same(&plain, &got, case.determined, &what);
            for ((out, layout), result) in outs.iter().zip(&strides).zip(&got) {
                if out.size() == result.size() {
                    assert!(result.is(out) && out.layout() == layout, "{what}: another tensor or other strides");
                } else {
                    assert_eq!(result.storage().id(), out.storage().id(), "{what}: resized elsewhere");
                }
            }
        };
        check(plain.iter().map(|t| t.zeros_like().unwrap()).collect(), fresh(&case.args), "as it is");
        check(plain.iter().map(|t| scattered(&t.zeros_like().unwrap())).collect(), fresh(&case.args), "strided");
        let empty = |t: &Tensor| Tensor::empty(&[0], t.dtype(), t.device()).unwrap();
        check(plain.iter().map(empty).collect(), fresh(&case.args), "empty");
        let large = |t: &Tensor| Tensor::empty(&[t.numel() + 3], t.dtype(), t.device()).unwrap();
        check(plain.iter().map(large).collect(), fresh(&case.args), "too large");
        // An input as the output.
        let args = fresh(&case.args);
        if let [y] = plain.as_slice()
            && let Some(x) = tensors(&args).into_iter().find(|t| t.size() == y.size() && t.dtype() == y.dtype())
        {
            if matches!(case.op.name, "cat" | "cross") {
                let refused = call_out(case.op, &args, &[x]).unwrap_err();
                assert!(refused.to_string().contains("single memory location"), "{}: {refused}", case.name);
            } else {
                check(vec![x], args, "an input");
            }
        }
    });
}

#[test]
fn an_argument_given_twice_is_as_a_copy() {
    each(|case| {
        let list = tensors(&case.args);
        let [x, rest @ ..] = list.as_slice() else { return };
        if !rest.iter().any(|t| t.size() == x.size() && t.dtype() == x.dtype()) {
            return;
        }
        // Every argument of the shape and dtype of the first becomes the first itself, or a copy of it.
        let twice = |copies: bool| {
            let first = x.clone_tensor().unwrap();
            mapped(&case.args, &mut |t| {
                if t.size() != x.size() || t.dtype() != x.dtype() {
                    t.clone_tensor().unwrap()
                } else if copies && !t.is(x) {
                    x.clone_tensor().unwrap()
                } else {
                    first.clone()
                }
            })
        };
        let run = |args: Args, inplace: bool| {
            case.seed();
            if inplace { call_inplace(case.op, &args) } else { call(case.op, &args) }
        };
        for inplace in [false, true] {
            if inplace && (case.op.inplace.is_none() || writes(case.op) || !matches!(case.args[0], Arg::Tensor(_))) {
                continue;
            }
            match (run(twice(false), inplace), run(twice(true), inplace)) {
                (Ok(one), Ok(other)) => same(&one, &other, case.determined, &case.name),
                (Err(one), Err(other)) => assert_eq!(one.kind(), other.kind(), "{}", case.name),
                (Err(one), Ok(_)) if case.op.has(Quirk::Apart) => {
                    assert!(one.to_string().contains("single memory location"), "{}: {one}", case.name)
                }
                (one, other) => panic!("{}: {:?} and {:?}", case.name, one.err(), other.err()),
            }
        }
    });
}
