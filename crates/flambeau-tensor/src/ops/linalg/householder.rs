//! QR factors as LAPACK keeps them, and products with their reflections.

use flambeau_cpu::linalg as kernels;

use super::check::{Layouts, adjoint, batch, column_layout, turned_empty};
use crate::dispatch::Locked;
use crate::ops::{Val, op};
use crate::{DType, Dims, Error, Layout, Result, Tensor};

fn fail<T>(text: String) -> Result<T> {
    Err(Error::runtime(text))
}

fn known(a: &Tensor, kernel: &str) -> Result<DType> {
    match a.dtype() {
        d @ (DType::F32 | DType::F64 | DType::C64 | DType::C128) => Ok(d),
        d => Err(Error::not_implemented(format!("\"{kernel}\" not implemented for '{}'", d.title()))),
    }
}

fn tau_sizes(a: &Tensor) -> Result<Dims> {
    if a.dim() < 2 {
        return fail("torch.geqrf: input must have at least 2 dimensions.".into());
    }
    let k = a.size()[a.dim() - 2].min(a.size()[a.dim() - 1]);
    Ok(batch(a).iter().copied().chain([k]).collect())
}

op! {
    /// The QR factors of matrices in one: R, and below it the vectors of the reflections whose product is Q, with their factors `tau`.
    ///
    /// Shape: `*b m n -> *b m n, *b k` with `k = min(m, n)`. Dtype: float32, float64 or complex.
    ///
    /// >>> torch.geqrf(torch.tensor([[3.], [4.]])).tau
    /// tensor([1.6000])
    fn geqrf(input: Tensor) -> a, tau;
    variants [method, function, out];
    nondifferentiable;
    dtype known(input, "geqrf_cpu");
    shape tau_sizes(input).map(|t| Layouts([column_layout(input.size()), Layout::contiguous(&t)]));
    compute {
        let sizes = tau_sizes(input)?;
        known(input, "geqrf_cpu")?;
        let x = input.contiguous()?;
        let outs = [turned_empty(x.size(), &x)?, Tensor::empty(&sizes, x.dtype(), x.device())?];
        Locked::run(&[&x], &outs, |locked, outs| {
            let (mut packed, mut tau) = (outs.next(), outs.next());
            kernels::geqrf(&mut packed, &mut tau, locked.view(&x));
        });
        let [packed, tau] = outs;
        Ok((packed.mt()?, tau))
    };
    samples [(real([3, 2])), (real([2, 3])), (real([2, 2, 2])), (real([0, 2]))];
}

fn check_product(input: &Tensor, tau: &Tensor) -> Result<DType> {
    let name = "torch.linalg.householder_product";
    if input.dim() < 2 {
        return fail(format!("{name}: input must have at least 2 dimensions."));
    }
    let (m, n) = (input.size()[input.dim() - 2], input.size()[input.dim() - 1]);
    if m < n {
        return fail(format!("{name}: input.shape[-2] must be greater than or equal to input.shape[-1]"));
    }
    if tau.size().last().is_some_and(|&k| n < k) {
        return fail(format!("{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]"));
    }
    if input.dim() != tau.dim() + 1 {
        return fail(format!(
            "{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {} and input.ndim is equal to {}",
            tau.dim(),
            input.dim()
        ));
    }
    if batch(input) != &tau.size()[..tau.dim() - 1] {
        return fail(format!(
            "{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got {:?}",
            tau.size()
        ));
    }
    if input.dtype() != tau.dtype() {
        return fail(format!(
            "{name}: tau dtype {} does not match input dtype {}",
            tau.dtype().title(),
            input.dtype().title()
        ));
    }
    known(input, "orgqr_cpu")
}

op! {
    /// The first columns of products of reflections `I - tau v v^H`, with vectors below the diagonal of the input as `geqrf` leaves them.
    ///
    /// Shape: `*b m n, *b k -> *b m n` with `m >= n >= k`. Dtype: both the same, float32, float64 or complex.
    ///
    /// >>> torch.linalg.householder_product(*torch.geqrf(torch.tensor([[3.], [4.]])))
    /// tensor([[-0.6000],
    ///         [-0.8000]])
    fn householder_product(input: Tensor, tau: Tensor) -> y;
    variants [linalg, out];
    alias [method orgqr, function orgqr];
    node "LinalgHouseholderProductBackward0";
    dtype check_product(input, tau);
    shape column_layout(input.size());
    compute {
        check_product(input, tau)?;
        let (a, t) = (input.contiguous()?, tau.contiguous()?);
        let out = turned_empty(a.size(), &a)?;
        Locked::run(&[&a, &t], std::slice::from_ref(&out), |locked, outs| {
            kernels::orgqr(&mut outs.next(), locked.view(&a), locked.view(&t));
        });
        out.mt()
    };
    vjp {
        input => |g, input, tau, y| some(input, tau).then(|| Val::run(|| {
            Ok(reflections_backward(&input.tensor()?, &tau.tensor()?, y.tensor()?, g.tensor()?)?.0)
        }));
        tau => |g, input, tau, y| some(input, tau).then(|| Val::run(|| {
            Ok(reflections_backward(&input.tensor()?, &tau.tensor()?, y.tensor()?, g.tensor()?)?.1)
        }))
    };
    samples [(real([3, 2]), unit([2])), (real([3, 3]), unit([2])), (real([2, 3, 2]), unit([2, 2])), (real([2, 0]), real([0]))];
}

/// Whether there is any reflection: of none there is no gradient.
fn some(input: &Val, tau: &Val) -> bool {
    let any = |v: &Val| matches!(v, Val::Tensor(t) if t.numel() > 0);
    any(input) && any(tau)
}

/// The gradients of the vectors and of `tau` for `H_1 ... H_k c`, of which `product` is the value and `g` the gradient. Of the
/// product, one reflection after the other is taken back; to the gradient it is applied.
fn reflections_backward(a: &Tensor, tau: &Tensor, product: Tensor, g: Tensor) -> Result<(Tensor, Tensor)> {
    let (m, n, k) = (a.size()[a.dim() - 2], a.size()[a.dim() - 1], tau.size()[tau.dim() - 1]);
    let (mut s, mut b) = (product, g);
    let (mut columns, mut factors) = (Vec::new(), Vec::new());
    for i in 0..k {
        let below = a.narrow(-1, i, 1)?.narrow(-2, i + 1, m - i - 1)?;
        let mut sizes = below.sizes();
        let at = sizes.len() - 2;
        sizes[at] = i;
        let above = below.new_zeros(&sizes)?;
        sizes[at] = 1;
        let v = crate::ops::cat_with(&[above, below.new_ones(&sizes)?, below], -2)?;
        let t = tau.narrow(-1, i, 1)?.unsqueeze(-1)?;
        let vh = adjoint(&v)?;
        // The inverse of a reflection that is not unitary has another factor.
        let length = vh.matmul(&v)?;
        let back = t.div(t.mul(&length)?.sub(1)?)?;
        s = s.sub(v.matmul(&vh.matmul(&s)?)?.mul(&back)?)?;
        // With M = b s^H, the gradients are -v^H M v and -(conj(tau) M v + tau M^H v).
        let mv = b.matmul(&adjoint(&s)?.matmul(&v)?)?;
        let mhv = s.matmul(&adjoint(&b)?.matmul(&v)?)?;
        factors.push(vh.matmul(&mv)?.neg()?.squeeze_dim(-1)?);
        let gv = mv.mul(t.conj()?)?.add(mhv.mul(&t)?)?.neg()?;
        let lower = gv.narrow(-2, i + 1, m - i - 1)?;
        sizes[at] = i + 1;
        columns.push(crate::ops::cat_with(&[gv.new_zeros(&sizes)?, lower], -2)?);
        b = b.sub(v.matmul(&vh.matmul(&b)?)?.mul(t.conj()?)?)?;
    }
    let mut sizes = a.sizes();
    let at = sizes.len() - 1;
    sizes[at] = n - k;
    columns.push(a.new_zeros(&sizes)?);
    let mut sizes = tau.sizes();
    sizes[at - 1] = 0;
    factors.push(tau.new_zeros(&sizes)?);
    Ok((crate::ops::cat_with(&columns, -1)?, crate::ops::cat_with(&factors, -1)?))
}

fn check_multiplication(input: &Tensor, tau: &Tensor, other: &Tensor, left: bool) -> Result<DType> {
    let name = "torch.ormqr";
    for (t, word) in [(input, "input"), (other, "other")] {
        if t.dim() < 2 {
            return fail(format!("{name}: {word} must have at least 2 dimensions."));
        }
    }
    let (m, n) = (input.size()[input.dim() - 2], input.size()[input.dim() - 1]);
    let at = if left { -2i64 } else { -1 };
    let side = other.size()[(other.dim() as i64 + at) as usize];
    let k = tau.size().last().copied().unwrap_or(0);
    if side < k {
        return fail(format!("{name}: other.shape[{at}] must be greater than or equal to tau.shape[-1]"));
    }
    if side != m {
        return fail(format!("{name}: other.shape[{at}] must be equal to input.shape[-2]"));
    }
    if k > n.min(m) {
        return fail(format!("{name}: tau.shape[-1] must be equal to min(other.shape[{at}], input.shape[-1])"));
    }
    if input.dim() != tau.dim() + 1 {
        return fail(format!(
            "{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to {} and input.ndim is equal to {}",
            tau.dim(),
            input.dim()
        ));
    }
    if input.dim() != other.dim() {
        return fail(format!(
            "{name}: Expected other to have the same number of dimensions as input, but got other.ndim equal to {} and input.ndim is equal to {}",
            other.dim(),
            input.dim()
        ));
    }
    if batch(input) != &tau.size()[..tau.dim() - 1] {
        return fail(format!(
            "{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got {:?}",
            tau.size()
        ));
    }
    if batch(input) != batch(other) {
        return fail(format!(
            "{name}: Expected batch dimensions of other to be equal to input.shape[:-2], but got {:?}",
            other.size()
        ));
    }
    for (t, word) in [(tau, "tau"), (other, "other")] {
        if input.dtype() != t.dtype() {
            return fail(format!(
                "{name}: Expected input and {word} to have the same dtype, but input has dtype{} and {word} has dtype {}",
                input.dtype().title(),
                t.dtype().title()
            ));
        }
    }
    known(input, "ormqr_cpu")
}

op! {
    /// `Q @ other`, or with `left` false `other @ Q`, for the product `Q` of the reflections that `input` and `tau` hold as `geqrf` leaves
    /// them; with `transpose` for its conjugate transpose.
    ///
    /// Shape: `*b m n, *b k, *b m p -> *b m p`, or without `left` `*b p m -> *b p m`. Dtype: all the same, float32, float64 or complex.
    ///
    /// >>> torch.ormqr(*torch.geqrf(torch.tensor([[3.], [4.]])), torch.tensor([[1.], [0.]]))
    /// tensor([[-0.6000],
    ///         [-0.8000]])
    fn ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool = true, transpose: bool = false) -> y;
    variants [method, function, out];
    dtype check_multiplication(input, tau, other, left);
    shape column_layout(other.size());
    compute {
        check_multiplication(input, tau, other, left)?;
        let (a, t, c) = (input.contiguous()?, tau.contiguous()?, other.contiguous()?);
        let out = turned_empty(c.size(), &c)?;
        Locked::run(&[&a, &t, &c], std::slice::from_ref(&out), |locked, outs| {
            kernels::ormqr(&mut outs.next(), locked.view(&a), locked.view(&t), locked.view(&c), left, transpose);
        });
        out.mt()
    };
    vjp {
        input => |g, input, tau, other, y, left, transpose| some(input, tau).then(|| Val::run(|| {
            Ok(product_backward(&input.tensor()?, &tau.tensor()?, &other.tensor()?, &y.tensor()?, &g.tensor()?, left, transpose)?.0)
        }));
        tau => |g, input, tau, other, y, left, transpose| some(input, tau).then(|| Val::run(|| {
            Ok(product_backward(&input.tensor()?, &tau.tensor()?, &other.tensor()?, &y.tensor()?, &g.tensor()?, left, transpose)?.1)
        }));
        other => |g, input, tau, left, transpose| Val::run(|| input.tensor()?.ormqr_with(&tau.tensor()?, &g.tensor()?, left, !transpose))
    };
    samples [
        (real([3, 2]), unit([2]), other([3, 2])),
        (real([3, 2]), unit([2]), other([2, 3]), false),
        (real([3, 3]), unit([2]), other([3, 1]), true, true),
        (real([2, 2, 2]), unit([2, 2]), other([2, 3, 2]), false, true),
    ];
}

/// The gradients of `Q c` and its other forms for the vectors and `tau`. What is conjugated is turned over: the gradient of `Q^H c` for
/// Q is that of `Q g` where `c` is its gradient.
fn product_backward(
    a: &Tensor,
    tau: &Tensor,
    c: &Tensor,
    y: &Tensor,
    g: &Tensor,
    left: bool,
    transpose: bool,
) -> Result<(Tensor, Tensor)> {
    let turn = |t: &Tensor| if left { Ok(t.clone()) } else { adjoint(t) };
    let (c, y, g) = (turn(c)?, turn(y)?, turn(g)?);
    if left != transpose {
        return reflections_backward(a, tau, y, g);
    }
    let product = a.ormqr_with(tau, &g.resolve_conj()?, true, false)?;
    reflections_backward(a, tau, product, c)
}
