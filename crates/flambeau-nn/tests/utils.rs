//! Clipping and averages against numbers recorded from PyTorch 2.15.

#![allow(clippy::excessive_precision)]

use flambeau_nn::utils::{
    Average, AveragedParameters, ClipGradNormOptions, clip_grad_norm_, clip_grad_norm_with, clip_grad_value_,
    parameters_to_vector, vector_to_parameters,
};
use flambeau_tensor::{Result, Tensor};

const NORM: f32 = 5.505679130554199;
const CLIPPED: [f32; 6] = [
    0.2724459171295166,
    -0.5448918342590332,
    0.8173377513885498,
    -1.0897836685180664,
    0.1362229585647583,
    0.06811147928237915,
];
const OTHERS: [(f64, f32, [f32; 6]); 3] = [
    (
        1.0,
        10.75,
        [
            0.1395348757505417,
            -0.2790697515010834,
            0.41860461235046387,
            -0.5581395030021667,
            0.06976743787527084,
            0.03488371893763542,
        ],
    ),
    (
        f64::INFINITY,
        4.0,
        [
            0.37499991059303284,
            -0.7499998211860657,
            1.124999761581421,
            -1.4999996423721313,
            0.18749995529651642,
            0.09374997764825821,
        ],
    ),
    (
        3.0,
        4.643764019012451,
        [
            0.3230137526988983,
            -0.6460275053977966,
            0.9690412282943726,
            -1.2920550107955933,
            0.16150687634944916,
            0.08075343817472458,
        ],
    ),
];
const MEAN: [f32; 2] = [0.6000000238418579, 0.3999999463558197];
const EXPONENTIAL: [f32; 2] = [0.2806900143623352, 0.7285299897193909];

/// Two parameters with the gradients [[1, -2], [3, -4]] and [0.5, 0.25], and one without.
fn parameters() -> Result<Vec<Tensor>> {
    let a = Tensor::of(&[0.5f32, 1.5, -2.5, 0.0], &[2, 2])?.requires_grad_(true)?;
    let b = Tensor::of(&[1.0f32, 2.0], &[2])?.requires_grad_(true)?;
    let c = Tensor::of(&[3.0f32], &[1])?.requires_grad_(true)?;
    a.set_grad(Some(Tensor::of(&[1.0f32, -2.0, 3.0, -4.0], &[2, 2])?))?;
    b.set_grad(Some(Tensor::of(&[0.5f32, 0.25], &[2])?))?;
    Ok(vec![a, b, c])
}

fn gradients(parameters: &[Tensor]) -> Result<Vec<f32>> {
    let all = parameters.iter().filter_map(Tensor::grad).map(|g| g.reshape(&[-1])?.to_vec::<f32>());
    Ok(all.collect::<Result<Vec<_>>>()?.concat())
}

#[test]
fn norms_are_clipped_as_in_pytorch() -> Result<()> {
    let given = parameters()?;
    let norm = clip_grad_norm_(&given, 1.5)?;
    assert_eq!(norm.to_vec::<f32>()?, [NORM]);
    assert_eq!(gradients(&given)?, CLIPPED);
    let again = clip_grad_norm_(&given, 100.0)?;
    assert!((again.item()?.to_f64() - 1.5).abs() < 1e-5);
    assert_eq!(gradients(&given)?, CLIPPED); // what is small enough stays

    for (norm_type, total, clipped) in OTHERS {
        let given = parameters()?;
        let norm = clip_grad_norm_with(&given, 1.5, ClipGradNormOptions { norm_type, ..Default::default() })?;
        assert_eq!(norm.to_vec::<f32>()?, [total], "{norm_type}");
        assert_eq!(gradients(&given)?, clipped, "{norm_type}");
    }
    assert_eq!(clip_grad_norm_(&[], 1.0)?.item()?.to_f64(), 0.0);
    Ok(())
}

#[test]
fn norms_that_are_infinite_are_refused_on_demand() -> Result<()> {
    let given = parameters()?;
    given[1].set_grad(Some(Tensor::of(&[f32::INFINITY, 0.0], &[2])?))?;
    let strict = ClipGradNormOptions { error_if_nonfinite: true, ..Default::default() };
    let error = clip_grad_norm_with(&given, 1.0, strict).unwrap_err();
    assert!(error.message().starts_with("The total norm of order 2.0 for gradients from `parameters` is non-finite"));
    assert_eq!(gradients(&given[..1])?, [1.0, -2.0, 3.0, -4.0]);
    Ok(())
}

#[test]
fn values_are_clipped() -> Result<()> {
    let given = parameters()?;
    clip_grad_value_(&given, 1.5)?;
    assert_eq!(gradients(&given)?, [1.0, -1.5, 1.5, -1.5, 0.5, 0.25]);
    Ok(())
}

#[test]
fn vectors_go_there_and_back() -> Result<()> {
    let given = parameters()?;
    let vector = parameters_to_vector(&given)?;
    assert_eq!(vector.to_vec::<f32>()?, [0.5, 1.5, -2.5, 0.0, 1.0, 2.0, 3.0]);
    vector.sum()?.backward()?;
    assert_eq!(given[2].grad().unwrap().to_vec::<f32>()?, [1.0]);

    vector_to_parameters(&vector.detach().mul(2)?, &given)?;
    assert_eq!(given[0].to_vec::<f32>()?, [1.0, 3.0, -5.0, 0.0]);
    assert_eq!(given[2].to_vec::<f32>()?, [6.0]);
    assert!(given[0].requires_grad() && given[0].is_leaf());
    assert!(vector_to_parameters(&Tensor::of(&[1.0f32; 6], &[6])?, &given).is_err());
    Ok(())
}

#[test]
fn averages_are_pytorchs() -> Result<()> {
    let w = Tensor::of(&[0.0f32, 0.0], &[2])?;
    for (average, expected) in [(Average::Mean, MEAN), (Average::Exponential(0.9), EXPONENTIAL)] {
        let mut kept = AveragedParameters::new(std::slice::from_ref(&w), average)?;
        for k in 0..5 {
            w.copy_(&Tensor::of(&[0.1f32 * (k * k) as f32, 1.0 - 0.3 * k as f32], &[2])?)?;
            kept.update(std::slice::from_ref(&w))?;
        }
        assert_eq!(kept.averages()[0].to_vec::<f32>()?, expected, "{average:?}");
        assert_eq!(kept.updates(), 5);
        kept.copy_to(std::slice::from_ref(&w))?;
        assert_eq!(w.to_vec::<f32>()?, expected);
    }
    assert!(AveragedParameters::new(&[], Average::Exponential(1.5)).is_err());
    Ok(())
}
