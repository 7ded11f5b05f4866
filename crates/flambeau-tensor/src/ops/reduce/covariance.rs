//! Covariances and correlations of variables.

use crate::ops::{Operand, op};
use crate::{DType, Error, Result, Tensor};

/// A weight for each observation: one dimension at most, none negative.
fn check_weights(w: &Tensor, n: i64, name: &str, kind: &str, fits: bool) -> Result<()> {
    let fail = |text: String| Err(Error::runtime(format!("cov(): {text}")));
    if w.dim() > 1 {
        return fail(format!(
            "expected {name} to have one or fewer dimensions but got {name} with {} dimensions",
            w.dim()
        ));
    }
    if !fits {
        return fail(format!("expected {name} to have {kind} dtype but got {name} with {} dtype", w.dtype().title()));
    }
    if w.numel() != n {
        return fail(format!(
            "expected {name} to have the same numel as there are observations in the input but got {} != {n}",
            w.numel()
        ));
    }
    if n > 0 && w.device() == crate::Device::Cpu && w.detach().lt(0)?.any()?.item()?.to_bool() {
        return fail(format!("{name} cannot be negative"));
    }
    Ok(())
}

op! {
    /// The covariances of variables, the rows of the input, from observations, its columns: `fweights` says how often each one
    /// was made, `aweights` how much it counts. The sum is divided by the number of observations less `correction`.
    ///
    /// Shape: `v n -> v v`, or `n -> ()`. Dtype: integers give the default float type.
    ///
    /// >>> torch.cov(torch.tensor([[0., 2.], [2., 0.]]))
    /// tensor([[ 2., -2.],
    ///         [-2.,  2.]])
    fn cov(input: Tensor; correction: i64 = 1, fweights: Option<Tensor> = None, aweights: Option<Tensor> = None) -> y;
    variants [method, function];
    composite {
        if input.dim() > 2 {
            return Err(Error::runtime(format!(
                "cov(): expected input to have two or fewer dimensions but got an input with {} dimensions",
                input.dim()
            )));
        }
        if input.dtype() == DType::Bool {
            return Err(Error::not_implemented("cov(): bool dtype is not supported for input"));
        }
        let x = if input.dim() < 2 { input.reshape(&[1, -1])? } else { input.clone() };
        let n = x.size()[1];
        let mut weights = None;
        if let Some(w) = fweights {
            let whole = w.dtype().is_integral() && w.dtype() != DType::Bool;
            check_weights(w, n, "fweights", "integral", whole)?;
            weights = Some(w.clone());
        }
        if let Some(w) = aweights {
            check_weights(w, n, "aweights", "floating point", w.dtype().is_floating())?;
            weights = Some(match weights {
                Some(f) => f.mul(w)?,
                None => w.clone(),
            });
        }
        let known = input.device() == crate::Device::Cpu;
        let total: Operand = match &weights {
            Some(w) => w.sum()?.into(),
            None => n.into(),
        };
        if let Operand::Tensor(t) = &total
            && known && !t.detach().item()?.to_bool()
        {
            return Err(Error::runtime("cov(): weights sum to zero, can't be normalized"));
        }
        let weighted = |x: &Tensor| weights.as_ref().map_or_else(|| Ok(x.clone()), |w| x.mul(w));
        let mean = weighted(&x)?.sum_dim_with(Some(&[1]), false, None)?.div(total.clone())?;
        let factor: Operand = match (&total, &weights, aweights) {
            (Operand::Tensor(t), Some(w), Some(a)) if correction != 0 => {
                t.sub(w.mul(a)?.sum()?.mul(correction)?.div(t)?)?.into()
            }
            (Operand::Tensor(t), _, _) => t.sub(correction)?.into(),
            (Operand::Number(_), _, _) => (n - correction).into(),
        };
        // No degrees of freedom: PyTorch warns and divides by zero.
        let factor = match factor {
            Operand::Number(f) if f.to_f64() <= 0.0 => Operand::from(0i64),
            Operand::Tensor(t) if known && t.detach().item()?.to_f64() <= 0.0 => t.mul(0)?.into(),
            other => other,
        };
        let x = x.sub(mean.unsqueeze(1)?)?;
        x.mm(&weighted(&x)?.t()?.conj()?)?.div(factor)?.squeeze()
    };
    samples [
        (real([3, 4])),
        (real([4]), 0),
        (real([2, 4]), 1, int([4], 1, 5)),
        (real([2, 4]), 1, int([4], 1, 5), unit([4])),
        (real([2, 3]), 0, None::<Tensor>, unit([3])),
    ];
}

op! {
    /// The correlation coefficients of variables, the rows of the input, from observations, its columns.
    ///
    /// Shape: `v n -> v v`, or `n -> ()`. Dtype: integers give the default float type.
    ///
    /// >>> torch.corrcoef(torch.tensor([[0., 2.], [2., 0.]]))
    /// tensor([[ 1., -1.],
    ///         [-1.,  1.]])
    fn corrcoef(input: Tensor) -> y;
    variants [method, function];
    composite {
        if input.dim() > 2 {
            return Err(Error::runtime(format!(
                "corrcoef(): expected input to have two or fewer dimensions but got an input with {} dimensions",
                input.dim()
            )));
        }
        let c = input.cov()?;
        if c.dim() == 0 {
            return c.div(&c);
        }
        let d = c.diag()?;
        let deviation = if d.dtype().is_complex() { d.real()? } else { d }.sqrt()?;
        let c = c.div(deviation.unsqueeze(1)?)?.div(deviation.unsqueeze(0)?)?;
        let clip = |t: Tensor| t.clamp_with(Some((-1.0).into()), Some(1.0.into()));
        if c.dtype().is_complex() { clip(c.real()?)?.complex(&clip(c.imag()?)?) } else { clip(c) }
    };
    samples [(real([3, 4])), (real([4]))];
}
