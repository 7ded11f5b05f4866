//! Schedulers against rates recorded from PyTorch 2.15 by `optim_record.py`, and what they refuse.

use std::sync::Arc;

use flambeau_nn::optim::schedulers::{
    Anneal, ChainedScheduler, ConstantLR, ConstantLROptions, CosineAnnealingLR, CosineAnnealingLROptions,
    CosineAnnealingWarmRestarts, CosineAnnealingWarmRestartsOptions, CyclicLR, CyclicLROptions, CyclicMode,
    ExponentialLR, ExponentialLROptions, LambdaLR, LambdaLROptions, LinearLR, LinearLROptions, MultiStepLR,
    MultiStepLROptions, MultiplicativeLR, MultiplicativeLROptions, OneCycleLR, OneCycleLROptions, PlateauMode,
    PolynomialLR, PolynomialLROptions, ReduceLROnPlateau, ReduceLROnPlateauOptions, SWALR, SWALROptions, ScaleMode,
    Scheduler, SequentialLR, StepLR, StepLROptions, ThresholdMode,
};
use flambeau_nn::optim::{Adagrad, AdagradOptions, Adam, AdamOptions, Optimizer, SGD, SGDOptions, StateMap};
use flambeau_tensor::{Result, Tensor};

const EPOCHS: usize = 30;

fn recorded(name: &str) -> Vec<&'static str> {
    let lines = include_str!("schedulers.txt").lines().filter_map(|line| line.split_once(':'));
    let mut found = lines.filter(|(key, _)| *key == name).map(|(_, values)| values.split_whitespace().collect());
    found.next().unwrap_or_else(|| panic!("'{name}' is not recorded"))
}

fn one() -> Vec<Tensor> {
    vec![Tensor::of(&[0.0f32], &[1]).unwrap().requires_grad_(true).unwrap()]
}

/// Two groups, with rates of 0.1 and 0.4.
fn two_groups(kind: &str) -> Result<Box<dyn Optimizer>> {
    if kind == "Adam" {
        let mut adam = Adam::new(one(), AdamOptions { lr: 0.1, ..Default::default() })?;
        adam.add_group(one(), AdamOptions { lr: 0.4, ..Default::default() })?;
        return Ok(Box::new(adam));
    }
    let options = SGDOptions { lr: 0.1, momentum: 0.9, ..Default::default() };
    let mut sgd = SGD::new(one(), options)?;
    sgd.add_group(one(), SGDOptions { lr: 0.4, ..options })?;
    Ok(Box::new(sgd))
}

type Make = fn(&mut dyn Optimizer) -> Result<Box<dyn Scheduler>>;

fn constant(o: &mut dyn Optimizer, factor: f64, total_iters: i64) -> Result<Box<dyn Scheduler>> {
    Ok(Box::new(ConstantLR::new(o, ConstantLROptions { factor, total_iters })?))
}

fn exponential(o: &mut dyn Optimizer, gamma: f64) -> Result<Box<dyn Scheduler>> {
    Ok(Box::new(ExponentialLR::new(o, ExponentialLROptions { gamma })?))
}

fn steps(o: &mut dyn Optimizer, step_size: i64, gamma: f64) -> Result<Box<dyn Scheduler>> {
    Ok(Box::new(StepLR::new(o, StepLROptions { step_size, gamma })?))
}

fn milestones(o: &mut dyn Optimizer, milestones: &[i64], gamma: f64) -> Result<Box<dyn Scheduler>> {
    Ok(Box::new(MultiStepLR::new(o, MultiStepLROptions { milestones: milestones.to_vec(), gamma })?))
}

fn polynomial(o: &mut dyn Optimizer, total_iters: i64, power: f64) -> Result<Box<dyn Scheduler>> {
    Ok(Box::new(PolynomialLR::new(o, PolynomialLROptions { total_iters, power })?))
}

fn cosine(o: &mut dyn Optimizer, t_max: i64, eta_min: f64) -> Result<Box<dyn Scheduler>> {
    Ok(Box::new(CosineAnnealingLR::new(o, CosineAnnealingLROptions { t_max, eta_min })?))
}

fn restarts(o: &mut dyn Optimizer, t_0: i64, t_mult: i64, eta_min: f64) -> Result<Box<dyn Scheduler>> {
    let options = CosineAnnealingWarmRestartsOptions { t_0, t_mult, eta_min };
    Ok(Box::new(CosineAnnealingWarmRestarts::new(o, options)?))
}

fn cases() -> Vec<(&'static str, Make)> {
    vec![
        ("StepLR", |o| steps(o, 4, 0.3)),
        ("MultiStepLR", |o| milestones(o, &[3, 7, 7, 20], 0.7)),
        ("ConstantLR", |o| Ok(Box::new(ConstantLR::new(o, ConstantLROptions::default())?))),
        ("ConstantLR options", |o| constant(o, 0.3, 7)),
        ("LinearLR", |o| Ok(Box::new(LinearLR::new(o, LinearLROptions::default())?))),
        ("LinearLR options", |o| {
            let options = LinearLROptions { start_factor: 0.9, end_factor: 0.1, total_iters: 13 };
            Ok(Box::new(LinearLR::new(o, options)?))
        }),
        ("ExponentialLR", |o| exponential(o, 0.9)),
        ("PolynomialLR", |o| Ok(Box::new(PolynomialLR::new(o, PolynomialLROptions::default())?))),
        ("PolynomialLR options", |o| polynomial(o, 17, 1.7)),
        ("CosineAnnealingLR", |o| cosine(o, 7, 0.0)),
        ("CosineAnnealingLR options", |o| cosine(o, 10, 0.01)),
        ("CosineAnnealingWarmRestarts", |o| restarts(o, 7, 1, 0.0)),
        ("CosineAnnealingWarmRestarts options", |o| restarts(o, 3, 2, 0.01)),
        ("LambdaLR", |o| {
            let lr_lambdas: [Arc<dyn Fn(i64) -> f64 + Send + Sync>; 2] =
                [Arc::new(|e| 0.95f64.powf(e as f64)), Arc::new(|e| 1.0 / (e + 1) as f64)];
            Ok(Box::new(LambdaLR::new(o, LambdaLROptions { lr_lambdas: lr_lambdas.to_vec() })?))
        }),
        ("MultiplicativeLR", |o| {
            let options = MultiplicativeLROptions::new(|e| 1.0 - 1.0 / (e + 3) as f64);
            Ok(Box::new(MultiplicativeLR::new(o, options)?))
        }),
        ("CyclicLR", |o| {
            let options = CyclicLROptions { step_size_up: 7, ..CyclicLROptions::new(0.01, 0.3) };
            Ok(Box::new(CyclicLR::new(o, options)?))
        }),
        ("CyclicLR triangular2", |o| {
            let options = CyclicLROptions {
                step_size_up: 5,
                step_size_down: Some(3),
                mode: CyclicMode::Triangular2,
                base_momentum: [0.7, 0.6].into(),
                max_momentum: 0.85.into(),
                ..CyclicLROptions::new([0.01, 0.02], [0.3, 0.4])
            };
            Ok(Box::new(CyclicLR::new(o, options)?))
        }),
        ("CyclicLR exp_range", |o| {
            let (mode, gamma) = (CyclicMode::ExpRange, 0.97);
            let options = CyclicLROptions { step_size_up: 4, mode, gamma, ..CyclicLROptions::new(0.01, 0.3) };
            Ok(Box::new(CyclicLR::new(o, options)?))
        }),
        ("CyclicLR own", |o| {
            let options = CyclicLROptions { step_size_up: 4, cycle_momentum: false, ..CyclicLROptions::new(0.01, 0.3) };
            Ok(Box::new(CyclicLR::with_scale_fn(o, options, |x| 1.0 / (1.0 + x), ScaleMode::Iterations)?))
        }),
        ("OneCycleLR", |o| Ok(Box::new(OneCycleLR::new(o, OneCycleLROptions::new(0.3, 31))?))),
        ("OneCycleLR three_phase", |o| {
            let options = OneCycleLROptions {
                pct_start: 0.4,
                anneal_strategy: Anneal::Linear,
                div_factor: 10.0,
                final_div_factor: 100.0,
                three_phase: true,
                base_momentum: [0.7, 0.6].into(),
                max_momentum: [0.9, 0.8].into(),
                ..OneCycleLROptions::new([0.3, 0.5], 37)
            };
            Ok(Box::new(OneCycleLR::new(o, options)?))
        }),
        ("OneCycleLR plain", |o| {
            let options = OneCycleLROptions { cycle_momentum: false, ..OneCycleLROptions::new(0.3, 5 * 7) };
            Ok(Box::new(OneCycleLR::new(o, options)?))
        }),
        ("SWALR", |o| Ok(Box::new(SWALR::new(o, SWALROptions::new(0.05))?))),
        ("SWALR options", |o| {
            let anneal_strategy = Anneal::Linear;
            let options = SWALROptions { anneal_epochs: 7, anneal_strategy, ..SWALROptions::new([0.05, 0.3]) };
            Ok(Box::new(SWALR::new(o, options)?))
        }),
        ("SWALR at once", |o| {
            Ok(Box::new(SWALR::new(o, SWALROptions { anneal_epochs: 0, ..SWALROptions::new(0.05) })?))
        }),
        ("SequentialLR", |o| {
            let rising = LinearLROptions { start_factor: 0.1, end_factor: 1.0, total_iters: 5 };
            let all: Vec<Box<dyn Scheduler>> =
                vec![Box::new(LinearLR::new(o, rising)?), cosine(o, 12, 0.001)?, exponential(o, 0.9)?];
            Ok(Box::new(SequentialLR::new(o, all, vec![5, 17])?))
        }),
        ("SequentialLR restarts", |o| {
            let all = vec![constant(o, 0.1, 20)?, restarts(o, 4, 1, 0.0)?, steps(o, 3, 0.5)?, polynomial(o, 6, 2.0)?];
            Ok(Box::new(SequentialLR::new(o, all, vec![4, 13, 22])?))
        }),
        ("ChainedScheduler", |o| {
            let all = vec![constant(o, 0.1, 8)?, exponential(o, 0.9)?, steps(o, 6, 0.5)?];
            Ok(Box::new(ChainedScheduler::new(o, all)?))
        }),
        ("ChainedScheduler in SequentialLR", |o| {
            let pair = vec![constant(o, 0.5, 6)?, exponential(o, 0.9)?];
            let chained = Box::new(ChainedScheduler::new(o, pair)?);
            let falling = milestones(o, &[3, 5, 9], 0.5)?;
            Ok(Box::new(SequentialLR::new(o, vec![chained, falling], vec![10])?))
        }),
    ]
}

/// Rate and momentum of each group.
fn look(optimizer: &dyn Optimizer, found: &mut Vec<f64>) {
    for group in optimizer.param_groups() {
        found.extend([group.lr(), group.momentum().unwrap()]);
    }
}

/// Adds to `wrong` what is not PyTorch's, to the last bit but for a rounding of a cosine or a power.
fn compare(name: &str, found: &[f64], wrong: &mut Vec<String>) {
    let expected: Vec<f64> = recorded(name).iter().map(|word| word.parse().unwrap()).collect();
    assert_eq!(found.len(), expected.len(), "{name}");
    for (i, (a, b)) in found.iter().zip(&expected).enumerate() {
        if a.is_nan() || (a - b).abs() > 1e-15 * b.abs().max(1e-3) {
            wrong.push(format!("{name}: epoch {}: {a:?}, expected {b:?}", i / 4));
            break;
        }
    }
}

fn sorted_keys(map: &StateMap) -> Vec<String> {
    let mut keys: Vec<String> = map.iter().map(|(key, _)| key.read().unwrap()).collect();
    keys.sort();
    keys
}

fn compare_keys(name: &str, state: &StateMap, optimizer: &dyn Optimizer) {
    assert_eq!(sorted_keys(state), recorded(&format!("{name} keys")), "{name}");
    let groups: Vec<StateMap> = optimizer.state_dict().get("param_groups").unwrap().read().unwrap();
    assert_eq!(sorted_keys(&groups[0]), recorded(&format!("{name} group keys")), "{name}");
}

/// Thirty epochs; after eleven, the states go into an optimizer and a scheduler that were just made.
#[test]
fn rates_are_pytorchs() -> Result<()> {
    let mut wrong = Vec::new();
    for (name, make) in cases() {
        for kind in ["SGD", "Adam"] {
            let mut optimizer = two_groups(kind)?;
            let mut scheduler = make(&mut *optimizer)?;
            let mut found = Vec::new();
            for epoch in 0..=EPOCHS {
                if epoch == 11 {
                    let (optimizers, schedulers) = (optimizer.state_dict(), scheduler.state_dict());
                    optimizer = two_groups(kind)?;
                    scheduler = make(&mut *optimizer)?;
                    optimizer.load_state_dict(&optimizers)?;
                    scheduler.load_state_dict(&schedulers)?;
                }
                look(&*optimizer, &mut found);
                let rates: Vec<f64> = optimizer.param_groups().iter().map(|group| group.lr()).collect();
                assert_eq!(scheduler.last_lr(), rates, "{name}");
                if epoch < EPOCHS {
                    scheduler.step(&mut *optimizer)?;
                }
            }
            compare(&format!("{name} {kind}"), &found, &mut wrong);
            if kind == "SGD" {
                compare_keys(name, &scheduler.state_dict(), &*optimizer);
            }
        }
    }
    assert!(wrong.is_empty(), "apart from PyTorch:\n{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn plateaus_are_pytorchs() -> Result<()> {
    let cases = [
        ("ReduceLROnPlateau", ReduceLROnPlateauOptions { patience: 3, ..Default::default() }),
        (
            "ReduceLROnPlateau max",
            ReduceLROnPlateauOptions {
                mode: PlateauMode::Max,
                factor: 0.5,
                patience: 1,
                threshold: 0.05,
                cooldown: 2,
                ..Default::default()
            },
        ),
        (
            "ReduceLROnPlateau abs",
            ReduceLROnPlateauOptions {
                threshold_mode: ThresholdMode::Abs,
                threshold: 0.02,
                patience: 2,
                min_lr: [0.01, 0.002].into(),
                ..Default::default()
            },
        ),
        (
            "ReduceLROnPlateau max abs",
            ReduceLROnPlateauOptions {
                mode: PlateauMode::Max,
                threshold_mode: ThresholdMode::Abs,
                threshold: 0.1,
                patience: 0,
                min_lr: 0.001.into(),
                eps: 0.005,
                ..Default::default()
            },
        ),
    ];
    let mut wrong = Vec::new();
    for (name, options) in cases {
        let mut optimizer = two_groups("SGD")?;
        let mut scheduler = ReduceLROnPlateau::new(&mut *optimizer, options)?;
        let mut found = Vec::new();
        for epoch in 0..=EPOCHS {
            if epoch == 11 {
                let state = scheduler.state_dict();
                scheduler = ReduceLROnPlateau::new(&mut *optimizer, ReduceLROnPlateauOptions::default())?;
                scheduler.load_state_dict(&state)?;
            }
            look(&*optimizer, &mut found);
            if epoch < EPOCHS {
                let metric = 1.0 / (epoch + 1) as f64 + (epoch * 7 % 5) as f64 / 20.0;
                scheduler.step(metric, &mut *optimizer)?;
            }
        }
        compare(&format!("{name} SGD"), &found, &mut wrong);
        compare_keys(name, &scheduler.state_dict(), &*optimizer);
        assert_eq!(scheduler.last_epoch(), EPOCHS as i64);
        assert_eq!(scheduler.last_lr()[0], optimizer.lr());
    }
    assert!(wrong.is_empty(), "apart from PyTorch:\n{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn warm_restarts_take_fractions_of_epochs() -> Result<()> {
    let mut optimizer = two_groups("SGD")?;
    let options = CosineAnnealingWarmRestartsOptions { t_0: 3, t_mult: 2, eta_min: 0.01 };
    let mut scheduler = CosineAnnealingWarmRestarts::new(&mut *optimizer, options)?;
    let mut found = Vec::new();
    for epoch in 0..=EPOCHS {
        look(&*optimizer, &mut found);
        scheduler.step_to(&mut *optimizer, epoch as f64 * 0.75 + 0.3)?;
    }
    let mut wrong = Vec::new();
    compare("fractions SGD", &found, &mut wrong);
    assert!(wrong.is_empty(), "apart from PyTorch:\n{}", wrong.join("\n"));
    assert!(scheduler.step_to(&mut *optimizer, -1.0).is_err());
    Ok(())
}

#[test]
fn training_is_resumed_as_in_pytorch() -> Result<()> {
    let cases: [(&str, Make); 3] = [
        ("resumed StepLR", |o| Ok(Box::new(StepLR::resume(o, StepLROptions { step_size: 4, gamma: 0.3 }, 2)?))),
        ("resumed CosineAnnealingLR", |o| {
            let options = CosineAnnealingLROptions { t_max: 7, eta_min: 0.01 };
            Ok(Box::new(CosineAnnealingLR::resume(o, options, 5)?))
        }),
        ("resumed CosineAnnealingWarmRestarts", |o| {
            let options = CosineAnnealingWarmRestartsOptions { t_0: 5, t_mult: 2, eta_min: 0.0 };
            Ok(Box::new(CosineAnnealingWarmRestarts::resume(o, options, 2)?))
        }),
    ];
    let mut wrong = Vec::new();
    for (name, make) in cases {
        let mut optimizer = two_groups("SGD")?;
        let error = make(&mut *optimizer).err().unwrap();
        assert!(error.message().starts_with("param 'initial_lr' is not specified in param_groups[0]"), "{error}");
        for group in optimizer.param_groups_mut() {
            group.set_note("initial_lr", 2.0 * group.lr());
        }
        let mut scheduler = make(&mut *optimizer)?;
        let mut found = Vec::new();
        for epoch in 0..=EPOCHS {
            look(&*optimizer, &mut found);
            if epoch < EPOCHS {
                scheduler.step(&mut *optimizer)?;
            }
        }
        compare(&format!("{name} SGD"), &found, &mut wrong);
    }
    assert!(wrong.is_empty(), "apart from PyTorch:\n{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn options_are_checked_with_pytorchs_messages() -> Result<()> {
    fn refused<T>(made: Result<T>, message: &str) {
        assert_eq!(made.err().map(|e| e.message().to_string()).as_deref(), Some(message));
    }
    let mut owned = two_groups("SGD")?;
    let o = &mut *owned;
    refused(constant(o, 1.5, 5), "Constant multiplicative factor expected to be between 0 and 1.");
    let options = LinearLROptions { start_factor: 0.0, ..Default::default() };
    refused(
        LinearLR::new(o, options),
        "Starting multiplicative factor expected to be greater than 0 and less or equal to 1.",
    );
    let options = LinearLROptions { end_factor: 2.0, ..Default::default() };
    refused(LinearLR::new(o, options), "Ending multiplicative factor expected to be between 0 and 1.");
    refused(restarts(o, 0, 1, 0.0), "Expected positive integer T_0, but got 0");
    refused(restarts(o, 1, 0, 0.0), "Expected integer T_mult >= 1, but got 0");
    refused(OneCycleLR::new(o, OneCycleLROptions::new(0.1, 0)), "Expected positive integer total_steps, but got 0");
    let options = OneCycleLROptions { pct_start: 2.0, ..OneCycleLROptions::new(0.1, 10) };
    refused(OneCycleLR::new(o, options), "Expected float between 0 and 1 pct_start, but got 2.0");
    refused(
        OneCycleLR::new(o, OneCycleLROptions::new([0.1, 0.2, 0.3], 10)),
        "max_lr must have the same length as optimizer.param_groups. max_lr has 3 values, param_groups has 2.",
    );
    let none = LambdaLROptions { lr_lambdas: Vec::new() };
    refused(LambdaLR::new(o, none), "Expected 2 lr_lambdas, but got 0");
    let options = ReduceLROnPlateauOptions { factor: 1.0, ..Default::default() };
    refused(ReduceLROnPlateau::new(o, options), "Factor should be < 1.0.");
    let options = ReduceLROnPlateauOptions { min_lr: [0.1].into(), ..Default::default() };
    refused(ReduceLROnPlateau::new(o, options), "expected 2 min_lrs, got 1");
    let options = SWALROptions { anneal_epochs: -1, ..SWALROptions::new(0.1) };
    refused(SWALR::new(o, options), "anneal_epochs must be equal or greater than 0, got -1");
    refused(
        SequentialLR::new(o, Vec::new(), Vec::new()),
        "SequentialLR expects at least one scheduler, but got no scheduler.",
    );
    refused(
        ChainedScheduler::new(o, Vec::new()),
        "ChainedScheduler expects at least one scheduler to be chained, but got no scheduler.",
    );
    let one_scheduler = vec![exponential(o, 0.5)?];
    refused(
        SequentialLR::new(o, one_scheduler, vec![1]),
        "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone \
         points, but got number of schedulers 1 and the number of milestones to be equal to 1",
    );
    let mut adagrad = Adagrad::new(one(), AdagradOptions::default())?;
    refused(
        CyclicLR::new(&mut adagrad, CyclicLROptions::new(0.1, 0.2)),
        "optimizer must support momentum or beta1 with `cycle_momentum` option enabled",
    );
    Ok(())
}

#[test]
fn steps_beyond_the_cycle_are_refused() -> Result<()> {
    let mut optimizer = two_groups("SGD")?;
    let mut scheduler = OneCycleLR::new(&mut *optimizer, OneCycleLROptions::new(0.1, 4))?;
    for _ in 0..4 {
        scheduler.step(&mut *optimizer)?;
    }
    let error = scheduler.step(&mut *optimizer).unwrap_err();
    assert_eq!(error.message(), "Tried to step 5 times. The specified number of total steps is 4");
    Ok(())
}

#[test]
fn a_group_that_came_later_is_named() -> Result<()> {
    let mut optimizer = SGD::new(one(), SGDOptions { lr: 0.5, ..Default::default() })?;
    let mut by_epoch = LambdaLR::new(&mut optimizer, LambdaLROptions::new(|_| 1.0))?;
    let mut plateau = ReduceLROnPlateau::new(
        &mut optimizer,
        ReduceLROnPlateauOptions { patience: 0, min_lr: [0.1].into(), ..Default::default() },
    )?;
    optimizer.add_group(one(), SGDOptions::default())?;
    let error = by_epoch.step(&mut optimizer).unwrap_err();
    assert!(error.message().contains("made for 1 groups of parameters, but the optimizer has 2"), "{error}");
    plateau.step(1.0, &mut optimizer)?;
    let error = plateau.step(1.0, &mut optimizer).unwrap_err();
    assert!(error.message().contains("differs from when `ReduceLROnPlateau` was initialized (1)"), "{error}");
    Ok(())
}
