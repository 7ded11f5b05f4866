//! Writes in place through views whose elements are not those of the base: parts, pairs, conjugates, negatives.

use flambeau_tensor::autograd::{GradcheckOptions, gradcheck, gradgradcheck};
use flambeau_tensor::{Complex64, Result, Tensor};

fn complex() -> Tensor {
    let values = [(0.5, -1.2), (1.5, 0.3), (-0.7, 0.9)].map(|(re, im)| Complex64::new(re, im));
    Tensor::of(&values, &[3]).unwrap().requires_grad_(true).unwrap()
}

fn real(sizes: &[i64]) -> Tensor {
    let n: i64 = sizes.iter().product();
    let values: Vec<f64> = (0..n).map(|i| 0.4 * i as f64 - 0.7).collect();
    Tensor::of(&values, sizes).unwrap().requires_grad_(true).unwrap()
}

/// Checks the gradients of what `write` leaves in its first argument, and of the view that it gives back.
fn check(write: impl Fn(&Tensor, &Tensor) -> Result<Tensor>, inputs: [Tensor; 2]) {
    let run = |list: &[Tensor]| {
        let base = list[0].clone_tensor()?;
        let view = write(&base, &list[1])?;
        Ok(vec![base, view.mul(2)?])
    };
    gradcheck(&run, &inputs, GradcheckOptions::default()).unwrap();
    gradgradcheck(&run, &inputs, GradcheckOptions::default()).unwrap();
}

#[test]
fn parts_of_complex_numbers() {
    check(|z, w| z.real_view()?.mul_(w), [complex(), real(&[3])]);
    check(|z, w| z.imag()?.mul_(w), [complex(), real(&[3])]);
    check(|z, w| z.view_as_real()?.select(0, 1)?.mul_(w), [complex(), real(&[2])]);
}

#[test]
fn pairs_of_real_numbers() {
    check(|x, w| x.view_as_complex()?.mul_(w), [real(&[3, 2]), complex()]);
    check(|x, w| x.view_as_complex()?.narrow(0, 1, 2)?.mul_(w), [real(&[3, 2]), real(&[2])]);
}

#[test]
fn conjugates_and_negatives() {
    check(|z, w| z.conj_view()?.mul_(w), [complex(), complex()]);
    check(|z, w| z.conj_view()?.imag()?.mul_(w), [complex(), real(&[3])]);
    check(|x, w| x.neg_view()?.mul_(w), [real(&[3]), real(&[3])]);
}

#[test]
fn writes_to_the_base_reach_the_views() {
    let run = |list: &[Tensor]| {
        let base = list[0].clone_tensor()?;
        let (part, turned) = (base.imag()?, base.conj_view()?);
        base.mul_(&list[1])?;
        Ok(vec![part.mul(2)?, turned.mul(3)?])
    };
    gradcheck(&run, &[complex(), complex()], GradcheckOptions::default()).unwrap();
    let run = |list: &[Tensor]| {
        let base = list[0].clone_tensor()?;
        let pairs = base.view_as_complex()?;
        base.mul_(&list[1])?;
        Ok(vec![pairs.mul(2)?])
    };
    gradcheck(&run, &[real(&[3, 2]), real(&[2])], GradcheckOptions::default()).unwrap();
}
