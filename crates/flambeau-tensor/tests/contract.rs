//! What holds for every operator of the table, tried on the samples of its block.

use flambeau_tensor::autograd::{GradcheckOptions, gradcheck, gradgradcheck, no_grad};
use flambeau_tensor::dispatch::{call, call_inplace, call_out};
use flambeau_tensor::ops::{Arg, Args, Body, OPERATORS, OpDef, Outputs, Place};
use flambeau_tensor::{Device, ErrorKind, Tensor};

/// The sample's arguments, with defaults for what it leaves out.
fn full(op: &OpDef, given: &[Arg]) -> Args {
    let mut args: Args = given.iter().cloned().collect();
    for p in &op.params[args.len()..] {
        args.push(p.default.map_or(Arg::None, |(make, _)| make()));
    }
    if op.factory {
        args.push(Arg::from(flambeau_tensor::Options::default()));
    }
    args
}

fn mapped(args: &Args, f: &mut impl FnMut(&Tensor) -> Tensor) -> Args {
    let mut out = args.clone();
    for a in &mut out {
        a.map_tensors(&mut |t| Ok(f(t))).unwrap();
    }
    out
}

fn same(a: &Outputs, b: &Outputs, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}: number of outputs");
    for (x, y) in a.iter().zip(b) {
        assert_eq!((x.size(), x.dtype()), (y.size(), y.dtype()), "{what}: shape or dtype");
        let close = x
            .to_dtype(flambeau_tensor::DType::C128)
            .unwrap()
            .isclose_with(&y.to_dtype(flambeau_tensor::DType::C128).unwrap(), 1e-12, 1e-12, true)
            .unwrap();
        assert!(close.all().unwrap().item().unwrap().to_bool(), "{what}: {x} and {y}");
    }
}

/// A copy of a tensor that lies in memory with gaps and in another order.
fn scattered(t: &Tensor) -> Tensor {
    let sizes: Vec<i64> = t.size().iter().rev().map(|n| n * 2).collect();
    let mut view = flambeau_tensor::ops::zeros_with(&sizes, flambeau_tensor::Options::like(t)).unwrap();
    for d in 0..t.dim() as i64 {
        view = view.slice(d, 0, i64::MAX, 2).unwrap();
    }
    let view = view.transposed().unwrap();
    view.copy_(t).unwrap();
    view
}

/// Runs `f` on every sample of every operator, and reports all that fail together.
fn each(f: impl Fn(&'static OpDef, Args, &str)) {
    let mut failed = Vec::new();
    for op in OPERATORS {
        for (i, sample) in op.samples.map(|s| s()).unwrap_or_default().iter().enumerate() {
            let what = format!("{} {} sample {i}", op.name, op.overload);
            let run = || f(op, full(op, &sample.args), &what);
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
                failed.push(what);
            }
        }
    }
    assert!(failed.is_empty(), "{} samples fail: {failed:#?}", failed.len());
}

#[test]
fn every_operator_is_documented() {
    for op in OPERATORS {
        assert!(!op.doc.trim().is_empty(), "{} has no docs", op.name);
        assert!(op.doc.contains("Shape:"), "{} does not say its shape", op.name);
        assert!(!op.places.is_empty(), "{} has no place", op.name);
    }
}

#[test]
fn the_list_is_complete() {
    // Every block written out in the source is in the list.
    let listed: Vec<String> = OPERATORS.iter().map(|op| format!("{}.{}", op.name, op.overload)).collect();
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ops"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for block in text.split("op! {").skip(1) {
                let Some((name, _)) = block.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')) else {
                    continue;
                };
                if name.contains('$') {
                    continue;
                }
                let (name, overload) = name.split_once('.').unwrap_or((name, ""));
                let python = name.strip_suffix('_').filter(|n| ["where", "clone"].contains(n)).unwrap_or(name);
                assert!(
                    listed.contains(&format!("{python}.{overload}")),
                    "{name}.{overload} of {} is not in the list",
                    path.display()
                );
            }
        }
    }
    let mut once = listed.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), listed.len(), "an operator is listed twice");
}

#[test]
fn strided_inputs_give_the_same() {
    each(|op, args, what| {
        if matches!(op.body, Body::Mutate { .. }) || op.name.contains("strided") {
            return;
        }
        let plain = call(op, args.clone()).unwrap_or_else(|e| panic!("{what}: {e}"));
        let strided = call(op, mapped(&args, &mut scattered));
        // A view that needs other strides may refuse.
        match strided {
            Ok(strided) => same(&plain, &strided, what),
            Err(e) => assert!(matches!(op.body, Body::View(_)), "{what}: {e}"),
        }
    });
}

#[test]
fn meta_tensors_have_the_same_shapes() {
    each(|op, args, what| {
        if matches!(op.body, Body::Mutate { .. }) || op.name.contains("strided") {
            return;
        }
        let plain = call(op, args.clone()).unwrap();
        match call(op, mapped(&args, &mut |t| t.to_device(Device::Meta).unwrap())) {
            Ok(meta) => {
                for (x, y) in plain.iter().zip(&meta) {
                    assert_eq!((x.size(), x.stride(), x.dtype()), (y.size(), y.stride(), y.dtype()), "{what}");
                    assert_eq!(y.device(), Device::Meta, "{what}");
                }
            }
            Err(e) => assert!(matches!(e.kind(), ErrorKind::NotImplemented | ErrorKind::Runtime), "{what}: {e}"),
        }
    });
}

#[test]
fn in_place_and_out_forms_give_the_same() {
    each(|op, args, what| {
        if matches!(op.body, Body::Mutate { .. }) {
            return;
        }
        let plain = call(op, args.clone()).unwrap();
        if op.inplace.is_some()
            && let Arg::Tensor(x) = &args[0]
            && plain[0].size() == x.size()
            && flambeau_tensor::dispatch::can_cast(plain[0].dtype(), x.dtype())
        {
            let mut own = args.clone();
            let target = x.clone_tensor().unwrap();
            own[0] = Arg::from(&target);
            let version = target.version();
            let got = call_inplace(op, own).unwrap_or_else(|e| panic!("{what} in place: {e}"));
            assert!(got[0].is(&target), "{what} in place gives another tensor");
            assert!(target.version() > version, "{what} in place does not count its write");
            same(&[plain[0].to_dtype(x.dtype()).unwrap()].into_iter().collect(), &got, what);
        }
        if op.out {
            let outs: Vec<Tensor> = plain.iter().map(|t| t.zeros_like().unwrap()).collect();
            let got = call_out(op, args, &outs).unwrap_or_else(|e| panic!("{what} out=: {e}"));
            same(&plain, &got, what);
        }
    });
}

#[test]
fn derivatives_equal_finite_differences() {
    each(|op, args, what| {
        if op.nondifferentiable || matches!(op.body, Body::Mutate { .. }) || op.places.is_empty() {
            return;
        }
        // Of an operator with a derivative of its own, the arguments that it has a line for; of a composite the first.
        let with_line = |t: &Tensor| {
            let composite = matches!(op.body, Body::Composite(_));
            let has = |i: usize| op.vjps.iter().any(|l| l.input == i);
            let mut found = false;
            args.iter().enumerate().for_each(|(i, a)| {
                a.each_tensor(&mut |x| found |= x.is(t) && (if composite { i == 0 } else { has(i) }))
            });
            found && t.dtype().is_differentiable()
        };
        let mut inputs: Vec<Tensor> = Vec::new();
        let wants = mapped(&args, &mut |t| {
            if with_line(t) {
                let leaf = t.detach().clone_tensor().unwrap().requires_grad_(true).unwrap();
                inputs.push(leaf.clone());
                leaf
            } else {
                t.clone()
            }
        });
        if inputs.is_empty()
            || no_grad(|| call(op, wants.clone())).unwrap().iter().all(|t| !t.dtype().is_differentiable())
        {
            return;
        }
        let run = |list: &[Tensor]| {
            let mut next = list.iter();
            let args = mapped(&args, &mut |t| {
                if with_line(t) { next.next().unwrap().clone() } else { t.clone() }
            });
            Ok(call(op, args)?.into_vec())
        };
        let options = GradcheckOptions::default();
        gradcheck(&run, &inputs, options).unwrap_or_else(|e| panic!("{what}: {e}"));
        if !op.places.contains(&Place::Private) {
            // An operator may say that it has no second derivative; it may not give a wrong one.
            match gradgradcheck(&run, &inputs, options) {
                Err(e) if e.kind() != ErrorKind::NotImplemented => panic!("{what}, twice: {e}"),
                _ => {}
            }
        }
    });
}
