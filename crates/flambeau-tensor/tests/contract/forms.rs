//! The forms of an operator agree: on strided memory, on `meta`, in place, with `out=`, with an argument given twice.

use flambeau_tensor::dispatch::{call, call_inplace, call_out, can_cast};
use flambeau_tensor::ops::{Arg, Args, Body, Options};
use flambeau_tensor::{Device, ErrorKind, Tensor};

use crate::cases::{each, fresh, mapped, same, scattered, writes};

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
        match case.run(&mapped(&case.args, &mut scattered)) {
            // Random numbers come in the order of memory.
            Ok(strided) => same(&plain, &strided, case.determined && !case.random, &case.name),
            // A view that needs other strides may refuse.
            Err(e) => {
                assert!(matches!(case.op.body, Body::View(_)) || e.to_string().contains("view"), "{}: {e}", case.name)
            }
        }
    });
}

#[test]
fn meta_tensors_have_the_same_shapes() {
    each(|case| {
        let plain = case.run(&case.args).unwrap();
        let mut args = mapped(&case.args, &mut |t| t.to_device(Device::Meta).unwrap());
        if let Some(Arg::Options(o)) = args.last_mut() {
            *o = Options { device: Some(Device::Meta), ..*o };
        }
        let on_meta = crate::cases::tensors(&args).len() + usize::from(case.op.factory) > 0;
        match call(case.op, args) {
            Ok(meta) => {
                assert_eq!(plain.len(), meta.len(), "{}", case.name);
                for (x, y) in plain.iter().zip(&meta) {
                    assert_eq!((x.size(), x.stride(), x.dtype()), (y.size(), y.stride(), y.dtype()), "{}", case.name);
                    assert!(!on_meta || y.device() == Device::Meta, "{}", case.name);
                }
            }
            // Only what looks at data may not know the shape.
            Err(e) => assert!(
                matches!(e.kind(), ErrorKind::NotImplemented | ErrorKind::Runtime)
                    && matches!(case.op.body, Body::Compute { .. } | Body::Composite(_)),
                "{}: {e}",
                case.name
            ),
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
            let got = call_inplace(case.op, own).unwrap_or_else(|e| panic!("{} in place: {e}", case.name));
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
            let got = call_out(case.op, args, &outs).unwrap_or_else(|e| panic!("{what}: {e}"));
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
            && let Some(x) =
                crate::cases::tensors(&args).into_iter().find(|t| t.size() == y.size() && t.dtype() == y.dtype())
        {
            check(vec![x], args, "an input");
        }
    });
}

#[test]
fn an_argument_given_twice_is_as_a_copy() {
    each(|case| {
        let list = crate::cases::tensors(&case.args);
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
            if inplace { call_inplace(case.op, args) } else { call(case.op, args) }
        };
        for inplace in [false, true] {
            if inplace && (case.op.inplace.is_none() || writes(case.op) || !matches!(case.args[0], Arg::Tensor(_))) {
                continue;
            }
            match (run(twice(false), inplace), run(twice(true), inplace)) {
                (Ok(one), Ok(other)) => same(&one, &other, case.determined, &case.name),
                (Err(one), Err(other)) => assert_eq!(one.kind(), other.kind(), "{}", case.name),
                (one, other) => panic!("{}: {:?} and {:?}", case.name, one.err(), other.err()),
            }
        }
    });
}
