//! Optimizers against numbers recorded from PyTorch 2.15 by `optim_record.py`, and what they refuse.

use flambeau_cpu::math::is_reference;
use flambeau_nn::optim::{
    ASGD, ASGDOptions, Adadelta, AdadeltaOptions, Adafactor, AdafactorOptions, Adagrad, AdagradOptions, Adam,
    AdamOptions, AdamW, AdamWOptions, Adamax, AdamaxOptions, AdjustLr, LBFGS, LBFGSOptions, LineSearch, Muon,
    MuonOptions, NAdam, NAdamOptions, Optimizer, RAdam, RAdamOptions, RMSprop, RMSpropOptions, Rprop, RpropOptions,
    SGD, SGDOptions, StateMap, StateValue,
};
use flambeau_tensor::{DType, Result, Tensor};

fn recorded(name: &str) -> Vec<&'static str> {
    let lines = include_str!("optim.txt").lines().filter_map(|line| line.split_once(':'));
    let mut found = lines.filter(|(key, _)| *key == name).map(|(_, values)| values.split_whitespace().collect());
    found.next().unwrap_or_else(|| panic!("'{name}' is not recorded"))
}

fn numbers(name: &str) -> Vec<f64> {
    recorded(name).iter().map(|word| word.parse().unwrap()).collect()
}

/// The largest difference, as a share of the size of the number or of 1/8.
fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len(), "{found:?}, expected {expected:?}");
    let apart = |(a, b): (&f64, &f64)| if a == b { 0.0 } else { (a - b).abs() / b.abs().max(0.125) };
    found.iter().zip(expected).map(apart).fold(0.0, |worst, d| if d > worst || d.is_nan() { d } else { worst })
}

fn parts<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<Vec<f64>> {
    let mut found = Vec::new();
    for t in tensors {
        let t = t.detach();
        let real = if t.dtype().is_complex() { t.view_as_real()? } else { t };
        found.extend(real.to_dtype(DType::F64)?.reshape(&[-1])?.to_vec::<f64>()?);
    }
    Ok(found)
}

const DTYPES: [(&str, DType); 3] = [("f32", DType::F32), ("f64", DType::F64), ("c64", DType::C64)];

fn parameters(dtype: DType, matrices: bool) -> Result<Vec<Tensor>> {
    let shapes: &[&[i64]] = if matrices { &[&[2, 3], &[3, 2]] } else { &[&[2, 3], &[4], &[]] };
    let mut made = Vec::new();
    for (i, shape) in shapes.iter().enumerate() {
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        let start: Vec<f64> = (0..12).map(|i| sign * f64::from((i * 5) % 7 - 3) / 4.0 + 0.125).collect();
        let count = shape.iter().product::<i64>();
        let flat = if dtype.is_complex() {
            Tensor::of(&start[..2 * count as usize], &[count, 2])?.view_as_complex()?.to_dtype(dtype)?
        } else {
            Tensor::of(&start[..count as usize], &[count])?.to_dtype(dtype)?
        };
        made.push(flat.reshape(shape)?.clone_tensor()?.requires_grad_(true)?);
    }
    Ok(made)
}

/// The slope of a bowl, which is pushed about.
fn set_gradient(p: &Tensor, k: i32) -> Result<()> {
    let push = f64::from((k * 7) % 5 - 2) / 4.0;
    p.set_grad(Some(p.detach().sub(0.5)?.mul(1.5)?.add(push)?))
}

struct Case {
    name: &'static str,
    /// With the options of the case, or with none, to load a state dict into.
    make: fn(Vec<Tensor>, bool) -> Result<Box<dyn Optimizer>>,
}

macro_rules! case {
    ($name:literal, $kind:ident, $options:ident { $($field:ident: $value:expr),* }) => {
        Case {
            name: $name,
            #[allow(clippy::needless_update)]
            make: |parameters, empty| {
                let options = $options { $($field: $value,)* ..$options::default() };
                Ok(Box::new($kind::new(parameters, if empty { $options::default() } else { options })?))
            },
        }
    };
}

fn cases() -> Vec<Case> {
    vec![
        case!("SGD default", SGD, SGDOptions {}),
        case!("SGD momentum", SGD, SGDOptions { lr: 0.1, momentum: 0.9 }),
        case!("SGD dampening", SGD, SGDOptions { lr: 0.1, momentum: 0.9, dampening: 0.5 }),
        case!("SGD nesterov", SGD, SGDOptions { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.1 }),
        case!("SGD maximize", SGD, SGDOptions { lr: 0.1, momentum: 0.9, maximize: true, weight_decay: 0.1 }),
        case!("Adam default", Adam, AdamOptions {}),
        case!("Adam amsgrad", Adam, AdamOptions { lr: 0.1, betas: (0.8, 0.7), eps: 1e-3, amsgrad: true }),
        case!("Adam weight_decay", Adam, AdamOptions { lr: 0.1, weight_decay: 0.1, maximize: true }),
        case!("Adam decoupled", Adam, AdamOptions { lr: 0.1, weight_decay: 0.1, decoupled_weight_decay: true }),
        case!("AdamW default", AdamW, AdamWOptions {}),
        case!(
            "AdamW options",
            AdamW,
            AdamWOptions { lr: 0.1, betas: (0.8, 0.7), weight_decay: 0.2, amsgrad: true, maximize: true }
        ),
        case!("Adagrad default", Adagrad, AdagradOptions {}),
        case!("Adagrad lr_decay", Adagrad, AdagradOptions { lr: 0.1, lr_decay: 0.1, weight_decay: 0.1 }),
        case!(
            "Adagrad accumulator",
            Adagrad,
            AdagradOptions { lr: 0.1, initial_accumulator_value: 0.5, eps: 1e-2, maximize: true }
        ),
        case!("Adadelta default", Adadelta, AdadeltaOptions {}),
        case!("Adadelta options", Adadelta, AdadeltaOptions { lr: 0.5, rho: 0.7, eps: 1e-3, weight_decay: 0.1 }),
        case!("Adadelta maximize", Adadelta, AdadeltaOptions { maximize: true }),
        case!("Adamax default", Adamax, AdamaxOptions {}),
        case!("Adamax options", Adamax, AdamaxOptions { lr: 0.1, betas: (0.8, 0.7), eps: 1e-3, weight_decay: 0.1 }),
        case!("Adamax maximize", Adamax, AdamaxOptions { lr: 0.1, maximize: true }),
        case!("NAdam default", NAdam, NAdamOptions {}),
        case!(
            "NAdam options",
            NAdam,
            NAdamOptions { lr: 0.1, betas: (0.8, 0.7), eps: 1e-3, weight_decay: 0.1, momentum_decay: 0.1 }
        ),
        case!(
            "NAdam decoupled",
            NAdam,
            NAdamOptions { lr: 0.1, weight_decay: 0.1, decoupled_weight_decay: true, maximize: true }
        ),
        case!("RAdam default", RAdam, RAdamOptions {}),
        case!("RAdam options", RAdam, RAdamOptions { lr: 0.1, betas: (0.8, 0.9), eps: 1e-3, weight_decay: 0.1 }),
        case!(
            "RAdam decoupled",
            RAdam,
            RAdamOptions { lr: 0.1, weight_decay: 0.1, decoupled_weight_decay: true, maximize: true }
        ),
        case!("RMSprop default", RMSprop, RMSpropOptions {}),
        case!(
            "RMSprop momentum",
            RMSprop,
            RMSpropOptions { lr: 0.1, alpha: 0.7, eps: 1e-3, momentum: 0.9, weight_decay: 0.1 }
        ),
        case!("RMSprop centered", RMSprop, RMSpropOptions { lr: 0.1, centered: true, maximize: true }),
        case!("RMSprop both", RMSprop, RMSpropOptions { lr: 0.1, centered: true, momentum: 0.5 }),
        case!("Rprop default", Rprop, RpropOptions {}),
        case!(
            "Rprop options",
            Rprop,
            RpropOptions { lr: 0.1, etas: (0.3, 1.5), step_sizes: (0.05, 0.2), maximize: true }
        ),
        case!("ASGD default", ASGD, ASGDOptions {}),
        case!("ASGD options", ASGD, ASGDOptions { lr: 0.1, lambd: 0.1, alpha: 0.5, t0: 2.0, weight_decay: 0.1 }),
        case!("ASGD maximize", ASGD, ASGDOptions { lr: 0.1, t0: 0.0, maximize: true }),
        case!("Adafactor default", Adafactor, AdafactorOptions {}),
        case!(
            "Adafactor options",
            Adafactor,
            AdafactorOptions { lr: 0.5, beta2_decay: -0.5, eps: (Some(1e-3), 1e-2), d: 1.5 }
        ),
        case!("Adafactor weight_decay", Adafactor, AdafactorOptions { lr: 0.5, weight_decay: 0.1, maximize: true }),
        case!("Muon default", Muon, MuonOptions {}),
        case!(
            "Muon options",
            Muon,
            MuonOptions { lr: 0.1, weight_decay: 0.2, momentum: 0.8, nesterov: false, eps: 1e-3 }
        ),
        case!("Muon match", Muon, MuonOptions { lr: 0.1, ns_steps: 3, adjust_lr_fn: Some(AdjustLr::MatchRmsAdamw) }),
        case!(
            "Muon spectral",
            Muon,
            MuonOptions { lr: 0.1, ns_coefficients: (3.0, -4.0, 2.0), adjust_lr_fn: Some(AdjustLr::SpectralUnclamped) }
        ),
    ]
}

fn keys(map: &StateMap) -> Vec<String> {
    map.iter().map(|(key, _)| key.read().unwrap()).collect()
}

fn group_keys(state: &StateMap) -> Vec<String> {
    let groups: Vec<StateMap> = state.get("param_groups").unwrap().read().unwrap();
    keys(&groups[0])
}

/// The state of the first parameter; empty if there is none.
fn first_state(state: &StateMap) -> StateMap {
    let all: StateMap = state.get("state").unwrap().read().unwrap();
    all.at(0).map_or_else(StateMap::new, |own| own.read().unwrap())
}

/// Ten steps; after five, the state goes into an optimizer that has other options.
#[test]
fn steps_are_pytorchs() -> Result<()> {
    let mut wrong = Vec::new();
    for case in cases() {
        let matrices = case.name.starts_with("Muon");
        for (short, dtype) in DTYPES {
            if dtype.is_complex() && (matrices || case.name.starts_with("Adafactor")) {
                continue;
            }
            let given = parameters(dtype, matrices)?;
            let mut optimizer = (case.make)(given.clone(), false)?;
            for k in 0..10 {
                if k == 5 {
                    let state = optimizer.state_dict();
                    optimizer = (case.make)(given.clone(), true)?;
                    optimizer.load_state_dict(&state)?;
                }
                given.iter().try_for_each(|p| set_gradient(p, k))?;
                optimizer.step()?;
            }
            let name = format!("{} {short}", case.name);
            let apart = distance(&parts(&given)?, &numbers(&name));
            let bound = match dtype {
                DType::F64 => 1e-14,
                _ if is_reference() => 1.5e-7,
                // Their square roots round otherwise; PyTorch's own numbers are 7e-7 apart.
                _ => 1e-6,
            };
            if apart.is_nan() || apart > bound {
                wrong.push(format!("{name}: {apart:e}"));
            }
            if short == "f32" {
                let state = optimizer.state_dict();
                assert_eq!(group_keys(&state), recorded(&format!("{} group keys", case.name)));
                let own = first_state(&state);
                assert_eq!(keys(&own), recorded(&format!("{} state keys", case.name)));
                let kept: Vec<Tensor> = own.iter().map(|(_, value)| value.read().unwrap()).collect();
                let apart = distance(&parts(&kept)?, &numbers(&format!("{} state", case.name)));
                // A variance is a difference of means that are nearly the same.
                if apart.is_nan() || apart > 2e-6 {
                    wrong.push(format!("{} state: {apart:e}", case.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "apart from PyTorch:\n{}", wrong.join("\n"));
    Ok(())
}

/// Every mention of w is a node of its own, as in the Python that was recorded: gradients are added in that order.
fn rosenbrock(w: &Tensor, b: &Tensor) -> Result<Tensor> {
    let x = || w.select(0, 0);
    let valley = w.select(0, 1)?.sub(&x()?.mul(&x()?)?)?;
    let slope = || x()?.neg()?.add(1);
    let loss = slope()?.mul(&slope()?)?.add(&valley.mul(&valley)?.mul(10)?)?;
    loss.add(&b.mul(b)?.sum()?.mul(0.5)?)
}

/// Each step by an optimizer of its own, which takes the state of the one before.
#[test]
fn lbfgs_steps_are_pytorchs() -> Result<()> {
    let strong = LBFGSOptions { line_search_fn: Some(LineSearch::StrongWolfe), ..Default::default() };
    let cases = [
        ("LBFGS default", LBFGSOptions { lr: 0.1, ..Default::default() }, 2),
        ("LBFGS short", LBFGSOptions { max_iter: 4, history_size: 2, lr: 0.02, ..Default::default() }, 4),
        ("LBFGS max_eval", LBFGSOptions { max_eval: Some(3), lr: 0.01, ..Default::default() }, 3),
        ("LBFGS strong_wolfe", strong, 1),
        ("LBFGS strong_wolfe short", LBFGSOptions { max_iter: 3, history_size: 2, lr: 0.5, ..strong }, 4),
        ("LBFGS maximize", LBFGSOptions { max_iter: 5, maximize: true, ..strong }, 2),
        ("LBFGS tolerance", LBFGSOptions { tolerance_grad: 1e-2, tolerance_change: 1e-3, ..strong }, 2),
    ];
    let mut wrong = Vec::new();
    for (name, options, steps) in cases {
        for (short, dtype) in &DTYPES[..2] {
            let tensor = |data: &[f64], size: &[i64]| Tensor::of(data, size)?.to_dtype(*dtype)?.requires_grad_(true);
            let (w, b) = (tensor(&[-0.5, 1.0], &[2])?, tensor(&[0.75, -0.25], &[2, 1])?);
            let mut optimizer = LBFGS::new(vec![w.clone(), b.clone()], options)?;
            let mut losses = Vec::new();
            for _ in 0..steps {
                let state = optimizer.state_dict();
                optimizer = LBFGS::new(vec![w.clone(), b.clone()], LBFGSOptions::default())?;
                optimizer.load_state_dict(&state)?;
                let loss = optimizer.step_with(&mut || {
                    w.set_grad(None)?;
                    b.set_grad(None)?;
                    let loss = rosenbrock(&w, &b)?.mul(if options.maximize { -1 } else { 1 })?;
                    loss.backward()?;
                    Ok(loss)
                })?;
                losses.push(loss.item()?.to_f64());
            }
            let found = [parts([&w, &b])?, losses].concat();
            let apart = distance(&found, &numbers(&format!("{name} {short}")));
            let bound = match *dtype {
                DType::F64 => 1e-11,
                _ if is_reference() => 1e-7,
                // The roundings of dot products grow over the many iterations of a long search.
                _ if ["LBFGS strong_wolfe", "LBFGS tolerance"].contains(&name) => 1e-3,
                _ => 2e-5,
            };
            if apart.is_nan() || apart > bound {
                wrong.push(format!("{name} {short}: {apart:e}"));
            }
            let state = optimizer.state_dict();
            let own = first_state(&state);
            let count = |key: &str| own.get(key).unwrap().read::<f64>().unwrap();
            let known = own.get("old_dirs").unwrap().items().unwrap().len() as f64;
            let counts = [count("func_evals"), count("n_iter"), known];
            if counts[..] != numbers(&format!("{name} {short} counts")) {
                wrong.push(format!("{name} {short}: counts {counts:?}"));
            }
            assert_eq!(group_keys(&state), recorded(&format!("{name} group keys")));
            assert_eq!(keys(&own), recorded(&format!("{name} state keys")));
        }
    }
    assert!(wrong.is_empty(), "apart from PyTorch:\n{}", wrong.join("\n"));
    Ok(())
}

fn one() -> Vec<Tensor> {
    vec![Tensor::of(&[1.0f32, 2.0], &[2]).unwrap().requires_grad_(true).unwrap()]
}

#[test]
fn lbfgs_needs_a_closure() -> Result<()> {
    let mut optimizer = LBFGS::new(one(), LBFGSOptions::default())?;
    let error = optimizer.step().unwrap_err();
    assert!(error.message().contains("missing 1 required positional argument: 'closure'"), "{error}");
    Ok(())
}

#[test]
fn options_are_checked_with_pytorchs_messages() -> Result<()> {
    fn refused<T>(made: Result<T>, message: &str) {
        assert_eq!(made.err().map(|e| e.message().to_string()).as_deref(), Some(message));
    }
    let lr = -0.5;
    refused(SGD::new(one(), SGDOptions { lr, ..Default::default() }), "Invalid learning rate: -0.5");
    refused(SGD::new(one(), SGDOptions { momentum: -1.0, ..Default::default() }), "Invalid momentum value: -1.0");
    refused(
        SGD::new(one(), SGDOptions { nesterov: true, ..Default::default() }),
        "Nesterov momentum requires a momentum and zero dampening",
    );
    refused(SGD::new(Vec::new(), SGDOptions::default()), "optimizer got an empty parameter list");
    refused(SGD::new(vec![one()[0].mul(2)?], SGDOptions::default()), "can't optimize a non-leaf Tensor");
    let once = one();
    refused(
        SGD::new([once.clone(), once].concat(), SGDOptions::default()),
        "some parameters appear in more than one parameter group",
    );
    let betas = (1.0, 0.9);
    refused(Adam::new(one(), AdamOptions { betas, ..Default::default() }), "Invalid beta parameter at index 0: 1.0");
    refused(AdamW::new(one(), AdamWOptions { eps: -1e-5, ..Default::default() }), "Invalid epsilon value: -1e-05");
    let betas = (0.9, -0.5);
    refused(NAdam::new(one(), NAdamOptions { betas, ..Default::default() }), "Invalid beta parameter at index 1: -0.5");
    refused(RAdam::new(one(), RAdamOptions { betas, ..Default::default() }), "Invalid beta parameter at index 1: -0.5");
    refused(
        Adamax::new(one(), AdamaxOptions { weight_decay: -1.0, ..Default::default() }),
        "Invalid weight_decay value: -1.0",
    );
    refused(Adadelta::new(one(), AdadeltaOptions { rho: 1.5, ..Default::default() }), "Invalid rho value: 1.5");
    refused(
        Adagrad::new(one(), AdagradOptions { lr_decay: -0.1, ..Default::default() }),
        "Invalid lr_decay value: -0.1",
    );
    refused(RMSprop::new(one(), RMSpropOptions { alpha: -1.0, ..Default::default() }), "Invalid alpha value: -1.0");
    refused(Rprop::new(one(), RpropOptions { etas: (1.0, 1.2), ..Default::default() }), "Invalid eta values: 1.0, 1.2");
    refused(ASGD::new(one(), ASGDOptions { lambd: -1.0, ..Default::default() }), "Invalid lambd value: -1.0");
    refused(
        Adafactor::new(one(), AdafactorOptions { beta2_decay: 0.5, ..Default::default() }),
        "beta2_decay should be <= 0 but is: 0.5",
    );
    refused(
        Adafactor::new(one(), AdafactorOptions { d: 0.5, ..Default::default() }),
        "Clipping threshold d should be >= 1 but is: 0.5",
    );
    refused(Muon::new(one(), MuonOptions { lr, ..Default::default() }), "Learning rate should be >= 0 but is: -0.5");
    refused(
        Muon::new(one(), MuonOptions::default()),
        "Muon only supports 2D parameters whereas we found a parameter with size: torch.Size([2])",
    );
    refused(LBFGS::new(one(), LBFGSOptions { lr, ..Default::default() }), "Invalid learning rate: -0.5");
    Ok(())
}

#[test]
fn complex_parameters_are_refused_where_pytorch_does() -> Result<()> {
    let given = parameters(DType::C64, true)?;
    given.iter().try_for_each(|p| set_gradient(p, 0))?;
    let error = Muon::new(given.clone(), MuonOptions::default())?.step().unwrap_err();
    assert_eq!(error.message(), "Muon does not support complex parameters");
    let error = Adafactor::new(given, AdafactorOptions::default())?.step().unwrap_err();
    assert_eq!(error.message(), "Adafactor does not support complex parameters");
    Ok(())
}

#[test]
fn groups_have_options_of_their_own() -> Result<()> {
    let (a, b) = (one(), one());
    let mut optimizer = SGD::new(a.clone(), SGDOptions { lr: 0.5, ..Default::default() })?;
    optimizer.add_group(b.clone(), SGDOptions { lr: 0.25, momentum: 0.5, ..Default::default() })?;
    let error = optimizer.add_group(a.clone(), SGDOptions::default()).unwrap_err();
    assert_eq!(error.message(), "some parameters appear in more than one parameter group");
    assert_eq!(optimizer.parameters().len(), 2);

    let train = |optimizer: &mut SGD| {
        for p in optimizer.parameters() {
            p.set_grad(Some(Tensor::of(&[1.0f32, 1.0], &[2])?))?;
        }
        optimizer.step()
    };
    train(&mut optimizer)?;
    train(&mut optimizer)?;
    assert_eq!(parts(&a)?, [0.0, 1.0]);
    assert_eq!(parts(&b)?, [0.375, 1.375]); // 0.25 * (1 + 1.5) less
    optimizer.groups_mut()[0].options.lr = 1.0;
    train(&mut optimizer)?;
    assert_eq!(parts(&a)?, [-1.0, 0.0]);
    optimizer.set_lr(0.0);
    train(&mut optimizer)?;
    assert_eq!(parts(&a)?, [-1.0, 0.0]);

    optimizer.zero_grad()?;
    assert!(optimizer.parameters().iter().all(|p| p.grad().is_none()));
    optimizer.step()?;
    assert_eq!(parts(&a)?, [-1.0, 0.0]);

    let state = optimizer.state_dict();
    let groups: Vec<StateMap> = state.get("param_groups").unwrap().read().unwrap();
    let numbers: Vec<Vec<i64>> = groups.iter().map(|group| group.get("params").unwrap().read().unwrap()).collect();
    assert_eq!(numbers, [[0], [1]]);
    let all: StateMap = state.get("state").unwrap().read().unwrap();
    assert!(all.at(0).is_none() && all.at(1).is_some()); // only the second has momentum
    Ok(())
}

#[test]
fn what_a_parameter_has_no_gradient_for_stays() -> Result<()> {
    let (a, b) = (one(), one());
    let mut optimizer = Adam::new([a.clone(), b.clone()].concat(), AdamOptions { lr: 0.5, ..Default::default() })?;
    b[0].set_grad(Some(Tensor::of(&[1.0f32, 1.0], &[2])?))?;
    optimizer.step()?;
    assert_eq!(parts(&a)?, [1.0, 2.0]);
    assert!(optimizer.state(&a[0]).unwrap().is_empty());
    assert!(optimizer.state(&one()[0]).is_none());
    assert_eq!(keys(&first_state(&optimizer.state_dict())).len(), 0);
    Ok(())
}

#[test]
fn state_dicts_that_do_not_fit_are_refused() -> Result<()> {
    let mut optimizer = Adam::new(one(), AdamOptions { lr: 0.25, ..Default::default() })?;
    optimizer.parameters()[0].set_grad(Some(Tensor::of(&[1.0f32, 1.0], &[2])?))?;
    optimizer.step()?;
    let state = optimizer.state_dict();

    let mut two = Adam::new(one(), AdamOptions::default())?;
    two.add_group(one(), AdamOptions::default())?;
    let error = two.load_state_dict(&state).unwrap_err();
    assert_eq!(error.message(), "loaded state dict has a different number of parameter groups");

    let mut larger = Adam::new([one(), one()].concat(), AdamOptions::default())?;
    let error = larger.load_state_dict(&state).unwrap_err();
    assert_eq!(
        error.message(),
        "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
    );
    let mut other = Rprop::new(one(), RpropOptions::default())?;
    let error = other.load_state_dict(&state).unwrap_err();
    assert_eq!(error.message(), "the state dict has no key 'etas'");
    assert_eq!(other.lr(), 0.01);
    assert!(optimizer.load_state_dict(&StateMap::new()).is_err());
    Ok(())
}

/// As PyTorch's own files have them: options that mean nothing here, integers for floats, keys of the user, a state in
/// another dtype, numbers of parameters that do not begin with 0.
#[test]
fn state_dicts_of_pytorch_are_taken() -> Result<()> {
    let mut group = StateMap::new();
    for (key, value) in [("lr", 0.5), ("eps", 1e-8)] {
        group.insert(key, value);
    }
    group.insert("betas", (0.5, 0.75));
    group.insert("weight_decay", 0i64);
    group.insert("foreach", true);
    group.insert("name", "head");
    group.insert("initial_lr", 0.75);
    group.insert("params", vec![7i64]);
    let own: StateMap = [
        ("step", StateValue::Int(3)),
        ("exp_avg", Tensor::of(&[0.5f64, 0.25], &[2])?.into()),
        ("exp_avg_sq", Tensor::of(&[0.5f64, 0.25], &[2])?.into()),
    ]
    .into_iter()
    .collect();
    let state: StateMap =
        [("state", StateValue::Map([(7i64, own)].into_iter().collect())), ("param_groups", vec![group].into())]
            .into_iter()
            .collect();

    let parameter = one();
    let mut optimizer = Adam::new(parameter.clone(), AdamOptions { amsgrad: true, ..Default::default() })?;
    optimizer.load_state_dict(&state)?;
    let options = optimizer.groups()[0].options;
    assert_eq!((options.lr, options.betas, options.weight_decay, options.amsgrad), (0.5, (0.5, 0.75), 0.0, false));
    let kept = optimizer.state(&parameter[0]).unwrap();
    assert_eq!(kept.tensor("exp_avg")?.dtype(), DType::F32);
    assert_eq!(kept.tensor("step")?.item()?.to_f64(), 3.0);
    assert_eq!(optimizer.param_groups()[0].note("initial_lr"), Some(0.75));

    let written = optimizer.state_dict();
    let groups: Vec<StateMap> = written.get("param_groups").unwrap().read().unwrap();
    assert_eq!(groups[0].get("name").unwrap().read::<String>().as_deref(), Some("head"));
    parameter[0].set_grad(Some(Tensor::of(&[1.0f32, 1.0], &[2])?))?;
    optimizer.step()?;
    assert_eq!(optimizer.state(&parameter[0]).unwrap().tensor("exp_avg")?.to_vec::<f32>()?, [0.75, 0.625]);
    Ok(())
}

#[test]
fn optimizers_print_as_in_pytorch() -> Result<()> {
    let optimizer = Rprop::new(one(), RpropOptions { lr: 1e-5, maximize: true, ..Default::default() })?;
    assert_eq!(
        optimizer.to_string(),
        "Rprop (
Parameter Group 0
    capturable: False
    differentiable: False
    etas: (0.5, 1.2)
    foreach: None
    lr: 1e-05
    maximize: True
    step_sizes: (1e-06, 50.0)
)"
    );
    Ok(())
}
