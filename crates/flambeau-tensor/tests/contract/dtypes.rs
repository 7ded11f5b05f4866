//! Every sample in the other dtypes: it works, by the rule and close to float64, or is refused.

use flambeau_tensor::dispatch::call;
use flambeau_tensor::ops::{Arg, Args};
use flambeau_tensor::{DType, Device, ErrorKind, Kind, Tensor};

use crate::cases::{Case, each, mapped, tensors};

const DTYPES: [DType; 10] = [
    DType::F32,
    DType::BF16,
    DType::F16,
    DType::I64,
    DType::I32,
    DType::I16,
    DType::U8,
    DType::Bool,
    DType::C64,
    DType::C128,
];

/// The arguments with float64 replaced by another dtype; bytes get no negative numbers.
fn converted(args: &Args, to: DType) -> Args {
    let mut out = mapped(args, &mut |t| {
        if t.dtype() != DType::F64 {
            return t.clone();
        }
        let t = if to == DType::U8 { t.abs().unwrap() } else { t.clone() };
        t.to_dtype(to).unwrap()
    });
    for a in &mut out {
        match a {
            Arg::DType(d) if *d == DType::F64 => *d = to,
            _ => {}
        }
    }
    out
}

fn tolerance(d: DType) -> f64 {
    match d {
        DType::BF16 => 0.04,
        DType::F16 => 0.005,
        DType::F64 | DType::C128 => 1e-9,
        _ => 3e-5,
    }
}

/// Fails unless `y` is close to what float64 gives, measured by the largest element.
fn close(case: &Case, y: &Tensor, exact: &Tensor, to: DType) {
    let wide = |t: &Tensor| t.to_dtype(DType::C128).unwrap();
    let (y, exact) = (wide(y), wide(exact));
    let finite = exact.isfinite().unwrap();
    let size = finite.where_(exact.abs().unwrap(), 0.0).unwrap();
    let scale = if size.numel() > 0 { size.max().unwrap().item().unwrap().to_f64() } else { 0.0 };
    let t = tolerance(to);
    let ok = y.isclose_with(&exact, t, t * scale.max(0.1), true).unwrap();
    assert!(ok.all().unwrap().item().unwrap().to_bool(), "{} in {to}: {y} but in float64 {exact}", case.name);
}

#[test]
fn other_dtypes_work_or_are_refused() {
    each(|case| {
        if !tensors(&case.args).iter().any(|t| t.dtype() == DType::F64) {
            return;
        }
        for to in DTYPES {
            let what = format!("{} in {to}", case.name);
            let args = converted(&case.args, to);
            let outs = match case.run(&args) {
                Ok(outs) => outs,
                Err(e) => {
                    let fits = matches!(
                        e.kind(),
                        ErrorKind::NotImplemented
                            | ErrorKind::Runtime
                            | ErrorKind::Type
                            | ErrorKind::Value
                            | ErrorKind::Index
                            | ErrorKind::LinAlg
                    );
                    assert!(fits, "{what}: {e}");
                    continue;
                }
            };
            // The rule, which runs without data, knows the dtypes.
            let meta = mapped(&args, &mut |t| t.to_device(Device::Meta).unwrap());
            if let Ok(rule) = call(case.op, &meta) {
                for (x, y) in outs.iter().zip(&rule).take(case.comparable_on_meta()) {
                    assert_eq!(x.dtype(), y.dtype(), "{what}: not the rule's dtype");
                }
            }
            if !case.determined || case.random || matches!(to, DType::Bool | DType::U8 | DType::I16) {
                continue;
            }
            // Integers take only the whole part of some numbers.
            let fraction = |a: &Arg| matches!(a, Arg::Number(s) if s.to_f64().fract() != 0.0);
            if to.kind() < Kind::Float && args.iter().any(fraction) {
                continue;
            }
            let back = if to.is_complex() { DType::C128 } else { DType::F64 };
            let wide = mapped(&args, &mut |t| if t.dtype() == to { t.to_dtype(back).unwrap() } else { t.clone() });
            let wide = converted_back(wide, to, back);
            let exact = match case.run(&wide) {
                Ok(exact) => exact,
                // Bits are only in integers.
                Err(_) if to.kind() < Kind::Float => continue,
                Err(e) => panic!("{what}, in {back}: {e}"),
            };
            for (y, e) in outs.iter().zip(&exact) {
                assert_eq!(y.size(), e.size(), "{what}: the shape");
                match (y.dtype().kind(), e.dtype().kind()) {
                    (a, b) if a >= Kind::Float && b >= Kind::Float => close(case, y, e, to),
                    // Integers may be rounded on the way.
                    (_, b) if b >= Kind::Float => close(case, y, &e.trunc().unwrap(), to),
                    _ => close(case, y, e, to),
                }
            }
        }
    });
}

fn converted_back(mut args: Args, from: DType, to: DType) -> Args {
    for a in &mut args {
        match a {
            Arg::DType(d) if *d == from => *d = to,
            _ => {}
        }
    }
    args
}
