//! Private operators, which Python reaches too, refuse arguments that do not fit: their kernels trust sizes and dtypes.

use flambeau_tensor::dispatch::call;
use flambeau_tensor::ops::{Arg, Args, Options, Place};
use flambeau_tensor::{DType, Scalar, Tensor};

use crate::cases::{Case, each, fresh, mapped, tensors};

/// The tensor in other shapes and dtypes, and indices that lead nowhere.
fn others(t: &Tensor) -> Vec<Tensor> {
    let zeros = |sizes: &[i64]| flambeau_tensor::ops::zeros_with(sizes, Options::like(t)).unwrap();
    let mut list: Vec<Tensor> = [&[][..], &[0], &[7], &[1, 1], &[3, 5], &[2, 1, 3], &[1; 6]].map(zeros).into();
    for d in 0..t.dim() {
        for n in [0, t.size()[d] - 1, t.size()[d] + 1] {
            let mut sizes = t.sizes();
            sizes[d] = n.max(0);
            list.push(zeros(&sizes));
        }
    }
    list.push(t.unsqueeze(0).unwrap());
    for d in [DType::F32, DType::BF16, DType::C64, DType::C128, DType::I64, DType::I32, DType::U8, DType::Bool] {
        list.push(t.to_dtype(d).unwrap());
    }
    if t.dtype() == DType::I64 {
        list.push(t.add(1000).unwrap());
        list.push(t.sub(1000).unwrap());
    }
    list
}

/// Numbers and sizes other than the one given.
fn wrong(a: &Arg) -> Vec<Arg> {
    match a {
        Arg::Number(Scalar::Int(_)) => [-1000, -1, 0, 1, 5, 1000].map(|n| Arg::Number(Scalar::Int(n))).into(),
        Arg::Ints(dims) => {
            let mut list: Vec<Arg> = vec![Arg::Ints([].into_iter().collect()), Arg::Ints([-1].into_iter().collect())];
            for i in 0..dims.len() {
                for v in [-3, 0, dims[i] - 1, dims[i] + 1, 70] {
                    let mut dims = dims.clone();
                    dims[i] = v;
                    list.push(Arg::Ints(dims));
                }
            }
            list
        }
        _ => Vec::new(),
    }
}

#[test]
fn private_operators_survive_any_arguments() {
    each(|case: &Case| {
        if !case.op.places.contains(&Place::Private) {
            return;
        }
        // A result or an error: a panic fails the test, and what reads beyond memory shows under a memory checker.
        let run = |args: &Args| {
            let _ = call(case.op, &fresh(args));
        };
        for (i, t) in tensors(&case.args).iter().enumerate() {
            for other in others(t) {
                let mut at = 0;
                run(&mapped(&case.args, &mut |x| {
                    at += 1;
                    if at == i + 1 { other.clone() } else { x.clone() }
                }));
            }
        }
        for (i, a) in case.args.iter().enumerate() {
            for other in wrong(a) {
                let mut args = case.args.clone();
                args[i] = other;
                run(&args);
            }
        }
    });
}
