//! Derivatives held against finite differences (`torch.autograd.gradcheck`).

use super::{grad, no_grad};
use crate::{Complex64, Error, Result, Tensor};

/// How close is close enough.
#[derive(Clone, Copy, Debug)]
pub struct GradcheckOptions {
    /// The step of the finite difference.
    pub eps: f64,
    /// The absolute tolerance.
    pub atol: f64,
    /// The relative tolerance.
    pub rtol: f64,
}

impl Default for GradcheckOptions {
    fn default() -> GradcheckOptions {
        GradcheckOptions { eps: 1e-6, atol: 1e-5, rtol: 1e-3 }
    }
}

type Function<'a> = &'a dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>;

fn values(t: &Tensor) -> Result<Vec<Complex64>> {
    t.detach().resolve()?.to_dtype(crate::DType::C128)?.to_vec::<Complex64>()
}

/// A float64 copy of `t` whose element `at` is moved by `step`.
fn moved(t: &Tensor, at: usize, step: Complex64) -> Result<Tensor> {
    let mut v = values(t)?;
    v[at] += step;
    Tensor::of(&v, t.size())?.to_dtype_dropping_imaginary(t.dtype())
}

/// Checks the gradients of `f` at `inputs` (float64 or complex128 tensors that require gradients are checked) against
/// central differences, element by element. An error says which element differs.
#[allow(clippy::needless_range_loop)] // `at` counts elements of the input, in two lists.
pub fn gradcheck(f: Function, inputs: &[Tensor], options: GradcheckOptions) -> Result<()> {
    let outputs = f(inputs)?;
    let checked: Vec<usize> = (0..inputs.len()).filter(|&i| inputs[i].requires_grad()).collect();
    for (o, out) in outputs.iter().enumerate().filter(|(_, t)| t.requires_grad()) {
        let rows = out.numel() as usize;
        let directions: &[Complex64] =
            if out.dtype().is_complex() { &[Complex64::ONE, Complex64::I] } else { &[Complex64::ONE] };
        // analytical[direction][row][input] is the gradient of that component of the output.
        let mut analytical = Vec::new();
        for &d in directions {
            for row in 0..rows {
                let seed = moved(&out.detach().zeros_like()?, row, d)?;
                let wanted: Vec<Tensor> = checked.iter().map(|&i| inputs[i].clone()).collect();
                let grads = grad(std::slice::from_ref(out), &wanted, &[Some(seed)], Some(true), false, true)?;
                analytical.push(
                    grads
                        .iter()
                        .zip(&wanted)
                        .map(|(g, w)| g.as_ref().map_or_else(|| Ok(vec![Complex64::ZERO; w.numel() as usize]), values))
                        .collect::<Result<Vec<_>>>()?,
                );
            }
        }
        for (k, &i) in checked.iter().enumerate() {
            let x = &inputs[i];
            for at in 0..x.numel() as usize {
                let parts: &[Complex64] =
                    if x.dtype().is_complex() { &[Complex64::ONE, Complex64::I] } else { &[Complex64::ONE] };
                for &part in parts {
                    let run = |step: f64| -> Result<Vec<Complex64>> {
                        no_grad(|| {
                            let mut list = inputs.to_vec();
                            list[i] = moved(x, at, part * step)?;
                            values(&f(&list)?[o])
                        })
                    };
                    let (high, low) = (run(options.eps)?, run(-options.eps)?);
                    for row in 0..rows {
                        let slope = (high[row] - low[row]) / (2.0 * options.eps);
                        for (d, direction) in directions.iter().enumerate() {
                            let g = analytical[d * rows + row][k][at];
                            // The real pairing of the output's direction and the input's part.
                            let want = (slope * direction.conj()).re;
                            let got = (g * part.conj()).re;
                            if (want - got).abs() > options.atol + options.rtol * want.abs()
                                || want.is_nan() != got.is_nan()
                            {
                                return Err(Error::runtime(format!(
                                    "Jacobian mismatch for output {o} with respect to input {i},\nnumerical:{want}\nanalytical:{got} (element {at} \
                                     of the input, element {row} of the output)"
                                )));
                            }
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

/// Checks the gradients of the gradients of `f` against finite differences of its gradients.
pub fn gradgradcheck(f: Function, inputs: &[Tensor], options: GradcheckOptions) -> Result<()> {
    let n = inputs.len();
    let outputs: Vec<Tensor> = f(inputs)?.into_iter().filter(Tensor::requires_grad).collect();
    let mut all = inputs.to_vec();
    for (k, out) in outputs.iter().enumerate() {
        // Any gradient will do, as long as its elements differ.
        let seed: Vec<Complex64> =
            (0..out.numel()).map(|i| Complex64::new(0.5 + 0.25 * ((i * 7 + k as i64) % 5) as f64, 0.25)).collect();
        all.push(Tensor::of(&seed, out.size())?.to_dtype_dropping_imaginary(out.dtype())?.requires_grad_(true)?);
    }
    let first = |list: &[Tensor]| -> Result<Vec<Tensor>> {
        super::enable_grad(|| {
            let list: Vec<Tensor> = list
                .iter()
                .zip(&all)
                .map(
                    |(t, was)| {
                        if was.requires_grad() && !t.requires_grad() { t.requires_grad_(true) } else { Ok(t.clone()) }
                    },
                )
                .collect::<Result<_>>()?;
            let (inputs, seeds) = list.split_at(n);
            let outputs: Vec<Tensor> = f(inputs)?.into_iter().filter(Tensor::requires_grad).collect();
            let wanted: Vec<Tensor> = inputs.iter().filter(|t| t.requires_grad()).cloned().collect();
            let seeds: Vec<_> = seeds.iter().cloned().map(Some).collect();
            let grads = grad(&outputs, &wanted, &seeds, Some(true), true, true)?;
            grads.into_iter().zip(&wanted).map(|(g, w)| g.map_or_else(|| w.detach().zeros_like(), Ok)).collect()
        })
    };
    gradcheck(&first, &all, options)
}

impl Tensor {
    /// To another dtype; on the way from complex to real the imaginary part is dropped without a warning.
    pub(crate) fn to_dtype_dropping_imaginary(&self, dtype: crate::DType) -> Result<Tensor> {
        let t = if self.dtype().is_complex() && !dtype.is_complex() { self.real()? } else { self.clone() };
        // Row-major, so that a function of the layout sees what it saw before.
        t.to_dtype(dtype)?.contiguous()
    }
}
