//! Dropout: elements set to zero at random.

use flambeau_cpu::rng;

use crate::ops::op;
use crate::{Error, Options, Result, Tensor, default_generator};

op! {
    /// In training, zeroes each element with probability `p` and scales the others by `1 / (1 - p)`.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged, floating-point.
    ///
    /// >>> torch.dropout(torch.ones(2), 0.5, False)
    /// tensor([1., 1.])
    fn dropout(input: Tensor, p: f64 = 0.5, train: bool = true) -> y;
    variants [function, functional, inplace];
    composite { dropped(input, p, train) };
    samples [(real([2, 3]), 0.4), (real([2, 3]), 0.5, false), (real([]), 1.0), (real([0, 2]), 0.3)];
}

fn dropped(x: &Tensor, p: f64, train: bool) -> Result<Tensor> {
    if !(0.0..=1.0).contains(&p) {
        return Err(Error::runtime(format!("dropout probability has to be between 0 and 1, but got {p}")));
    }
    if p == 0.0 || !train || x.numel() == 0 {
        return Ok(x.clone());
    }
    if p == 1.0 {
        return x.mul(0.0);
    }
    if x.dtype().is_integral() {
        return Err(Error::runtime(format!(
            "result type Float can't be cast to the desired output type {}",
            x.dtype().title()
        )));
    }
    x.mul(&x.dropout_noise(p)?)
}

op! {
    /// 0 with probability `p`, else `1 / (1 - p)`, in the shape of the input.
    ///
    /// Shape: `*s -> *s`. Dtype: that of the input, of complex numbers that of their parts.
    fn dropout_noise(input: Tensor, p: f64) -> y;
    variants [private];
    nondifferentiable;
    dtype input.dtype().to_real();
    shape crate::ops::create::fill::like(input, None);
    compute {
        let real = Options { dtype: Some(input.dtype().to_real()), ..Options::default() };
        let y = input.empty_like_with(None, real)?;
        crate::dispatch::Locked::run(&[], std::slice::from_ref(&y), |_, outs| {
            rng::bernoulli_scalar(&mut default_generator().lock(), &mut outs.next(), 1.0 - p)
        })?;
        y.div_(1.0 - p)
    };
    samples [(real([2, 3]), 0.4), (real([]), 0.0), (real([0, 2]), 0.4)];
}
