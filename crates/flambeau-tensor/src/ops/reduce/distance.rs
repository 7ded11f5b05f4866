//! Distances between tensors and between rows.

use flambeau_cpu::linalg as kernels;

use crate::dispatch::Locked;
use crate::ops::{Val, op};
use crate::{DType, Dims, Error, Result, Tensor, promote_types};

op! {
    /// The `p`-norm of the difference of two tensors that broadcast.
    ///
    /// Shape: `*s, *t -> ()`. Dtype: promoted, floating-point or complex; the result is real.
    ///
    /// >>> torch.dist(torch.tensor([3., 0.]), torch.tensor([0., 4.]))
    /// tensor(5.)
    fn dist(input: Tensor, other: Tensor, p: Scalar = 2) -> y;
    variants [method, function, out];
    composite { input.sub(other)?.norm_with(Some(p), None, false, None) };
    samples [(real([2, 3]), other([2, 3])), (real([2, 3]), other([3]), 3), (real([]), other([]), 1)];
}

/// `p` must not be negative.
fn check_power(p: f64, name: &str) -> Result<()> {
    if p < 0.0 || p.is_nan() {
        return Err(Error::runtime(format!("{name} only supports non-negative p values")));
    }
    Ok(())
}

/// Distances by a matrix product: `|a|^2 - 2 a b + |b|^2`.
fn euclidean(x1: &Tensor, x2: &Tensor) -> Result<Tensor> {
    let square = |x: &Tensor| x.square()?.sum_dim_with(Some(&[-1]), true, None);
    let (a, b) = (square(x1)?, square(x2)?);
    let left = crate::ops::cat_with(&[x1.mul(-2.0)?, a.clone(), a.ones_like()?], -1)?;
    let right = crate::ops::cat_with(&[x2.clone(), b.ones_like()?, b], -1)?;
    let d = left.matmul(&right.transpose(-2, -1)?)?.clamp_min(0.0)?;
    // The root of 0 has no derivative; distances of 0 count as having none.
    let zero = d.detach().eq(0.0)?;
    d.masked_fill(&zero, 1.0)?.sqrt()?.masked_fill(&zero, 0.0)
}

op! {
    /// The `p`-norm distances between all rows of `x1` and all rows of `x2`.
    ///
    /// Shape: `*b n m, *b k m -> *b n k`. Dtype: floating-point.
    ///
    /// >>> torch.cdist(torch.tensor([[0., 0.]]), torch.tensor([[3., 4.], [0., 1.]]))
    /// tensor([[5., 1.]])
    fn cdist(x1: Tensor, x2: Tensor, p: f64 = 2.0, compute_mode: Str = "use_mm_for_euclid_dist_if_necessary") -> y;
    variants [function];
    composite {
        for (x, name) in [(x1, "X1"), (x2, "X2")] {
            if !x.dtype().is_floating() || matches!(x.dtype(), DType::F16 | DType::BF16) {
                return Err(Error::runtime(format!(
                    "cdist only supports floating-point dtypes, {name} got: {}",
                    x.dtype().title()
                )));
            }
            if x.dim() < 2 {
                return Err(Error::runtime(format!("cdist only supports at least 2D tensors, {name} got: {}D", x.dim())));
            }
        }
        let (rows, cols) = (x1.size()[x1.dim() - 2], x2.size()[x2.dim() - 2]);
        let (m, other) = (x1.size()[x1.dim() - 1], x2.size()[x2.dim() - 1]);
        if m != other {
            return Err(Error::runtime(format!(
                "X1 and X2 must have the same number of columns. X1: {m} X2: {other}"
            )));
        }
        check_power(p, "cdist")?;
        let dtype = promote_types(x1.dtype(), x2.dtype());
        let (x1, x2) = (&x1.to_dtype(dtype)?, &x2.to_dtype(dtype)?);
        let product = match compute_mode {
            "use_mm_for_euclid_dist_if_necessary" => rows > 25 || cols > 25,
            "use_mm_for_euclid_dist" => true,
            "donot_use_mm_for_euclid_dist" => false,
            mode => return Err(Error::value(format!("{mode} is not a valid value for compute_mode"))),
        };
        if m == 0 {
            let mut sizes = crate::broadcast_shapes(&x1.size()[..x1.dim() - 2], &x2.size()[..x2.dim() - 2])?;
            sizes.extend_from_slice(&[rows, cols]);
            return crate::ops::zeros_with(&sizes, crate::Options::like(x1));
        }
        if p == 2.0 && product {
            return euclidean(x1, x2);
        }
        x1.distances(x2, p)
    };
    samples [(real([3, 2]), other([2, 2])), (real([2, 3, 2]), other([2, 2]), 1.0), (real([0, 2]), other([2, 2]))];
}

/// The sizes of a table of distances.
fn table(x1: &Tensor, x2: &Tensor) -> Result<Dims> {
    crate::ops::rule::require(
        x1.dim() > 1
            && x2.dim() > 1
            && x1.dtype() == x2.dtype()
            && matches!(x1.dtype(), DType::F32 | DType::F64)
            && x1.size().last() == x2.size().last(),
        "distances",
    )?;
    let mut sizes = crate::broadcast_shapes(&x1.size()[..x1.dim() - 2], &x2.size()[..x2.dim() - 2])?;
    sizes.extend_from_slice(&[x1.size()[x1.dim() - 2], x2.size()[x2.dim() - 2]]);
    Ok(sizes)
}

op! {
    /// The `p`-norm distances between all rows, without a product of matrices.
    ///
    /// Shape: `*b n m, *b k m -> *b n k`. Dtype: both the same, float32 or float64.
    fn distances(x1: Tensor, x2: Tensor, p: f64) -> y;
    variants [private];
    node "CdistBackward0";
    dtype x1.dtype();
    shape table(x1, x2);
    compute {
        let sizes = table(x1, x2)?;
        let whole = |x: &Tensor| -> Result<Tensor> {
            let ends = &x.size()[x.dim() - 2..];
            x.expand(&sizes[..sizes.len() - 2].iter().chain(ends).copied().collect::<Dims>())?.contiguous()
        };
        let (a, b) = (whole(x1)?, whole(x2)?);
        let out = Tensor::empty(&sizes, x1.dtype(), x1.device())?;
        Locked::run(&[&a, &b], std::slice::from_ref(&out), |locked, outs| {
            kernels::cdist(&mut outs.next(), locked.view(&a), locked.view(&b), p);
        });
        Ok(out)
    };
    vjp {
        x1 => |g, x1, x2, y, p| Val::run(|| distances_backward(&g.tensor()?, &x1.tensor()?, &x2.tensor()?, &y.tensor()?, p));
        x2 => |g, x1, x2, y, p| Val::run(|| {
            let turn = |t: &Val| t.tensor()?.transpose(-2, -1);
            distances_backward(&turn(g)?, &x2.tensor()?, &x1.tensor()?, &turn(y)?, p)
        })
    };
    samples [(real([3, 2]), other([2, 2]), 2.0), (real([2, 3, 2]), other([2, 2]), 1.0), (real([2, 2]), other([3, 2]), 3.0), (real([0, 2]), other([2, 2]), 1.5)];
}

/// The gradient of the rows `a` for distances `d` from the rows `b`.
fn distances_backward(g: &Tensor, a: &Tensor, b: &Tensor, d: &Tensor, p: f64) -> Result<Tensor> {
    // A distance of 0 has no gradient.
    let over = |g: &Tensor, by: Tensor| g.div(by)?.masked_fill(&d.detach().eq(0.0)?, 0.0);
    if p == 2.0 && d.numel() * a.size()[a.dim() - 1] > 1 << 16 {
        let ratio = over(g, d.clone())?;
        return a.mul(ratio.sum_dim_with(Some(&[-1]), true, None)?)?.sub(ratio.matmul(b)?);
    }
    let difference = a.unsqueeze(-2)?.sub(b.unsqueeze(-3)?)?;
    let size = difference.abs()?;
    let direction = if p == 0.0 {
        difference.mul(0.0)?.mul(g.unsqueeze(-1)?)?
    } else if p == 1.0 {
        difference.sign()?.mul(g.unsqueeze(-1)?)?
    } else if p.is_infinite() {
        let reached = size.eq(d.unsqueeze(-1)?)?;
        difference.sign()?.mul(&reached)?.mul(g.unsqueeze(-1)?)?
    } else {
        let power = size.pow(p - 1.0)?.masked_fill(&difference.detach().eq(0.0)?, 0.0)?;
        difference.sign()?.mul(power)?.mul(over(g, d.pow(p - 1.0)?)?.unsqueeze(-1)?)?
    };
    direction.sum_dim_with(Some(&[-2]), false, None)
}

op! {
    /// The `p`-norm distances between every two rows, in the order of the upper triangle of their table.
    ///
    /// Shape: `n m -> k` with `k = n * (n - 1) / 2`. Dtype: floating-point.
    ///
    /// >>> torch.pdist(torch.tensor([[0., 0.], [3., 4.], [0., 1.]]))
    /// tensor([5.0000, 1.0000, 4.2426])
    fn pdist(input: Tensor, p: f64 = 2.0) -> y;
    variants [function, functional];
    composite {
        if input.dim() != 2 {
            return Err(Error::runtime(format!("pdist only supports 2D tensors, got: {}D", input.dim())));
        }
        if !matches!(input.dtype(), DType::F32 | DType::F64) {
            return Err(Error::runtime("pdist only supports floating-point dtypes"));
        }
        check_power(p, "pdist")?;
        let n = input.size()[0];
        if input.size()[1] > 0 && !(crate::autograd::grad_enabled() && input.requires_grad()) {
            // The table has zeros on its diagonal, which have no second derivative: for values only.
            let list: Vec<i64> = (0..n).flat_map(|i| (i + 1..n).map(move |j| i * n + j)).collect();
            let places = Tensor::of(&list, &[list.len() as i64])?.to_device(input.device())?;
            return input.distances(input, p)?.reshape(&[-1])?.index_select(0, &places);
        }
        let pairs = crate::ops::triu_indices_with(n, n, 1, crate::Options { device: Some(input.device()), ..crate::Options::default() })?;
        let places = pairs.select(0, 0)?.mul(n)?.add(pairs.select(0, 1)?)?;
        input.distances(input, p)?.reshape(&[-1])?.index_select(0, &places)
    };
    samples [(real([4, 2])), (real([3, 2]), 1.0), (real([1, 2]))];
}

op! {
    /// The slices along `dim`, those whose `p`-norm is above `maxnorm` made smaller to that norm.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.renorm(torch.tensor([[3., 4.], [0., 1.]]), 2, 0, 2.5)
    /// tensor([[1.5000, 2.0000],
    ///         [0.0000, 1.0000]])
    fn renorm(input: Tensor, p: Scalar, dim: i64, maxnorm: Scalar) -> y;
    variants [method, function, inplace, out];
    composite {
        if p.to_f64() <= 0.0 {
            return Err(Error::runtime("renorm: non-positive-norm not supported"));
        }
        if maxnorm.to_f64() < 0.0 {
            return Err(Error::runtime(format!("renorm: expected maxnorm to be >= 0 but got {}", maxnorm.to_f64())));
        }
        if input.dim() < 2 {
            return Err(Error::runtime(format!(
                "renorm: input needs at least 2 dimensions, got {} dimensions",
                input.dim()
            )));
        }
        let at = crate::normalize_dim(dim, input.dim())? as i64;
        let others: Vec<i64> = (0..input.dim() as i64).filter(|&d| d != at).collect();
        let wide = matches!(input.dtype(), DType::F16 | DType::BF16).then_some(DType::F32);
        let norm = input.vector_norm_with(p, Some(&others), true, wide)?;
        let limit = maxnorm.to_f64();
        let factor = norm.add(1e-7)?.reciprocal()?.mul(limit)?.masked_fill(&norm.gt(limit)?.logical_not()?, 1.0)?;
        input.contiguous()?.mul(&factor)?.to_dtype(input.dtype())
    };
    samples [(real([2, 3]), 2, 0, 1.0), (real([2, 3, 2]), 1, -1, 2.5), (real([2, 2]), 3, 1, 100.0)];
}
