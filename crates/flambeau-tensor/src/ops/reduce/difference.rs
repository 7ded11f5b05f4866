//! Differences of neighbours, slopes, and integrals from samples.

use crate::ops::{Options, op};
use crate::{DType, Dims, Error, Result, Scalar, Tensor, normalize_dim};

/// What is put in front or behind must fit in all other dimensions.
fn check_joined(x: &Tensor, more: Option<&Tensor>, at: usize) -> Result<()> {
    let Some(t) = more else { return Ok(()) };
    if t.dim() != x.dim() {
        return Err(Error::runtime("diff expects prepend or append to be the same dimension as input"));
    }
    if let Some(d) = (0..x.dim()).find(|&d| d != at && t.size()[d] != x.size()[d]) {
        return Err(Error::runtime(format!(
            "diff expects the shape of tensor to prepend or append to match that of input except along the differencing dimension; \
             input.size({d}) = {}, but got tensor.size({d}) = {}",
            x.size()[d],
            t.size()[d]
        )));
    }
    Ok(())
}

/// Each element of a dimension less the one before it.
fn steps(x: &Tensor, dim: i64) -> Result<Tensor> {
    let (next, before) = (x.slice(dim, 1, i64::MAX, 1)?, x.slice(dim, 0, -1, 1)?);
    if x.dtype() == DType::Bool { next.logical_xor(&before) } else { next.sub(&before) }
}

op! {
    /// The `n`-th differences of neighbours along a dimension, of the tensor with `prepend` in front and `append` behind.
    ///
    /// Shape: `*s n *t -> *s m *t`. Dtype: unchanged, or promoted.
    ///
    /// >>> torch.diff(torch.tensor([1, 3, 2]))
    /// tensor([ 2, -1])
    fn diff(input: Tensor, n: i64 = 1, dim: i64 = -1, prepend: Option<Tensor> = None, append: Option<Tensor> = None) -> y;
    variants [method, function, out];
    composite {
        if input.dim() == 0 {
            return Err(Error::runtime("diff expects input to be at least one-dimensional"));
        }
        if n < 0 {
            return Err(Error::runtime(format!("order must be non-negative but got {n}")));
        }
        let at = normalize_dim(dim, input.dim())?;
        check_joined(input, prepend, at)?;
        check_joined(input, append, at)?;
        if n == 0 {
            return input.clone_tensor();
        }
        let parts: Vec<Tensor> = prepend.into_iter().chain([input]).chain(append).cloned().collect();
        let mut x = if parts.len() == 1 { input.clone() } else { crate::ops::cat_with(&parts, at as i64)? };
        if x.size()[at] == 0 {
            return x.clone_tensor();
        }
        for _ in 0..n.min(x.size()[at]) {
            x = steps(&x, at as i64)?;
        }
        Ok(x)
    };
    samples [
        (real([2, 4])),
        (real([4, 2]), 2, 0),
        (real([3]), 0),
        (real([3]), 1, -1, other([2]), other([1])),
        (real([0, 2])),
        (mask([4])),
    ];
}

/// One sample an interval: those at its two ends.
fn ends(y: &Tensor, dim: i64) -> Result<(Tensor, Tensor)> {
    Ok((y.slice(dim, 0, -1, 1)?, y.slice(dim, 1, i64::MAX, 1)?))
}

fn no_bools(name: &str, what: &str, tensors: &[&Tensor]) -> Result<()> {
    if tensors.iter().any(|t| t.dtype() == DType::Bool) {
        return Err(Error::not_implemented(format!(
            "{name}: received a bool input for {what}, but bool is not supported"
        )));
    }
    Ok(())
}

/// The widths of the intervals, of as many dimensions as `y`: a 1-d `x` counts along `at`.
fn widths(y: &Tensor, x: &Tensor, at: usize, name: &str) -> Result<Tensor> {
    let mut sizes: Dims = y.size().iter().map(|_| 1).collect();
    let x = if x.dim() == 1 {
        if x.size()[0] != y.size()[at] {
            return Err(Error::runtime(format!("{name}: There must be one `x` value for each sample point")));
        }
        sizes[at] = x.size()[0];
        x.view(&sizes)?
    } else if x.dim() < y.dim() {
        let start = y.dim() - x.dim();
        sizes[start..].copy_from_slice(x.size());
        x.view(&sizes)?
    } else {
        x.clone()
    };
    let (left, right) = ends(&x, at as i64)?;
    right.sub(&left)
}

/// The width of all intervals, a real number.
fn width(dx: Scalar, y: &Tensor, name: &str) -> Result<f64> {
    no_bools(name, "`y`", &[y])?;
    if matches!(dx, Scalar::Bool(_) | Scalar::Complex(_)) {
        return Err(Error::not_implemented(format!("{name}: Currently, we only support dx as a real number.")));
    }
    Ok(dx.to_f64())
}

/// The integral over no sample.
fn nothing(y: &Tensor, at: usize) -> Result<Tensor> {
    let mut sizes = y.sizes();
    sizes.remove(at);
    crate::ops::zeros_with(&sizes, Options::like(y))
}

op! {
    /// The integral of samples `y` taken at places `x`, by the trapezoidal rule.
    ///
    /// Shape: `*s n *t, n -> *s *t`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.trapezoid(torch.tensor([1, 5, 10]), torch.tensor([1, 3, 6]))
    /// tensor(28.5000)
    fn trapezoid.x(y: Tensor, x: Tensor; dim: i64 = -1) -> z;
    variants [function];
    alias [function trapz];
    composite {
        let at = normalize_dim(dim, y.dim())?;
        if y.size_of(dim)? == 0 {
            return nothing(y, at);
        }
        no_bools("trapezoid", "`x` or `y`", &[x, y])?;
        let dx = widths(y, x, at, "trapezoid")?;
        let (left, right) = ends(y, at as i64)?;
        left.add(&right)?.mul(&dx)?.sum_dim(Some(&[at as i64]))?.div(2.0)
    };
    samples [
        (real([2, 4]), rising(4)),
        (real([4, 2]), positive([4, 2]), 0),
        (real([2, 4]), other([1, 4])),
        (real([2, 0]), other([0])),
    ];
}

op! {
    /// The integral of samples `dx` apart, by the trapezoidal rule.
    ///
    /// Shape: `*s n *t -> *s *t`. Dtype: floating-point.
    ///
    /// >>> torch.trapezoid(torch.tensor([1, 5, 10]))
    /// tensor(10.5000)
    fn trapezoid.dx(y: Tensor; dx: Scalar = 1, dim: i64 = -1) -> z;
    variants [function];
    alias [function trapz];
    composite {
        let at = normalize_dim(dim, y.dim())?;
        if y.size_of(dim)? == 0 {
            return nothing(y, at);
        }
        let dx = width(dx, y, "trapezoid")?;
        let at = at as i64;
        y.sum_dim(Some(&[at]))?.sub(y.select(at, 0)?.add(y.select(at, -1)?)?.mul(0.5)?)?.mul(dx)
    };
    samples [(real([2, 4])), (real([4, 2]), 0.5, 0), (real([2, 0]))];
}

op! {
    /// The running integral of samples `y` taken at places `x`, by the trapezoidal rule.
    ///
    /// Shape: `*s n *t, n -> *s n-1 *t`. Dtype: promoted; integers give the default float type.
    ///
    /// >>> torch.cumulative_trapezoid(torch.tensor([1, 5, 10]), torch.tensor([1, 3, 6]))
    /// tensor([ 6.0000, 28.5000])
    fn cumulative_trapezoid.x(y: Tensor, x: Tensor; dim: i64 = -1) -> z;
    variants [function];
    composite {
        let at = normalize_dim(dim, y.dim())?;
        no_bools("cumulative_trapezoid", "`x` or `y`", &[x, y])?;
        let dx = widths(y, x, at, "cumulative_trapezoid")?;
        let (left, right) = ends(y, at as i64)?;
        left.add(&right)?.mul(&dx)?.cumsum(at as i64)?.div(2.0)
    };
    samples [(real([2, 4]), rising(4)), (real([4, 2]), positive([4, 2]), 0), (real([2, 4]), other([1, 4]))];
}

op! {
    /// The running integral of samples `dx` apart, by the trapezoidal rule.
    ///
    /// Shape: `*s n *t -> *s n-1 *t`. Dtype: floating-point.
    ///
    /// >>> torch.cumulative_trapezoid(torch.tensor([1, 5, 10]))
    /// tensor([ 3.0000, 10.5000])
    fn cumulative_trapezoid.dx(y: Tensor; dx: Scalar = 1, dim: i64 = -1) -> z;
    variants [function];
    composite {
        let at = normalize_dim(dim, y.dim())? as i64;
        let dx = width(dx, y, "cumulative_trapezoid")?;
        let (left, right) = ends(y, at)?;
        left.add(&right)?.mul(dx / 2.0)?.cumsum(at)
    };
    samples [(real([2, 4])), (real([4, 2]), 0.5, 0), (real([2, 0]))];
}

/// The dimensions that slopes are taken along, and that `spacing` (how many there are) and `dim` go together.
fn slope_dims(x: &Tensor, spacing: Option<usize>, dim: Option<&[i64]>, edge_order: i64) -> Result<Dims> {
    if x.dtype() == DType::U8 {
        return Err(Error::not_implemented("torch.gradient does not support uint8 input."));
    }
    match (spacing, dim) {
        (Some(n), None) if n != x.dim() => {
            return Err(Error::runtime(format!(
                "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to 'self.dim() = {}', since dim \
                 argument was not given, but got a list of length {n}",
                x.dim()
            )));
        }
        (Some(n), Some(dim)) if n != dim.len() => {
            return Err(Error::runtime(format!(
                "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the same length, but \
                 got a spacing argument of length {n} and a dim argument of length {}.",
                dim.len()
            )));
        }
        _ => {}
    }
    if !(1..=2).contains(&edge_order) {
        return Err(Error::runtime("torch.gradient only supports edge_order=1 and edge_order=2."));
    }
    let dims: Dims = match dim {
        Some(dim) => {
            crate::ops::rule::mask(x.dim(), Some(dim))?;
            dim.iter().map(|&d| normalize_dim(d, x.dim()).map(|d| d as i64)).collect::<Result<_>>()?
        }
        None => (0..x.dim() as i64).collect(),
    };
    for &d in &dims {
        if x.size_of(d)? < edge_order + 1 {
            return Err(Error::runtime("torch.gradient expected each dimension size to be at least edge_order+1"));
        }
    }
    Ok(dims)
}

/// The slopes along one dimension of samples `h` apart.
fn even_slope(x: &Tensor, d: i64, h: Scalar, edge_order: i64) -> Result<Tensor> {
    let part = |start: i64, end: i64| x.slice(d, start, end, 1);
    let last = |k: i64| x.slice(d, -k, if k == 1 { i64::MAX } else { 1 - k }, 1);
    let center = part(2, i64::MAX)?.sub(part(0, -2)?)?.div(h)?.div(2.0)?;
    let (front, back) = if edge_order == 1 {
        (part(1, 2)?.sub(part(0, 1)?)?.div(h)?, last(1)?.sub(last(2)?)?.div(h)?)
    } else {
        let three = |a: Tensor, b: Tensor, c: Tensor, sign: f64| -> Result<Tensor> {
            a.mul(-1.5 * sign)?.add(b.mul(2.0 * sign)?)?.add(c.mul(-0.5 * sign)?)?.div(h)
        };
        (three(part(0, 1)?, part(1, 2)?, part(2, 3)?, 1.0)?, three(last(1)?, last(2)?, last(3)?, -1.0)?)
    };
    crate::ops::cat_with(&[front, center, back], d)
}

/// The slopes along one dimension of samples taken at given places.
fn uneven_slope(x: &Tensor, d: i64, at: &Tensor, edge_order: i64) -> Result<Tensor> {
    if at.dim() != 1 {
        return Err(Error::runtime(format!(
            "torch.gradient expected each element of spacing to have one dimension, but got an element with {} dimensions! ",
            at.dim()
        )));
    }
    let part = |start: i64, end: i64| x.slice(d, start, end, 1);
    let last = |k: i64| x.slice(d, -k, if k == 1 { i64::MAX } else { 1 - k }, 1);
    let mut shape: Dims = x.size().iter().map(|_| 1).collect();
    shape[d as usize] = -1;
    let dx = steps(at, 0)?;
    let (one, two) = ends(&dx, 0)?;
    let both = one.add(&two)?;
    let a = two.neg()?.div(one.mul(&both)?)?.reshape(&shape)?;
    let b = two.sub(&one)?.div(one.mul(&two)?)?.reshape(&shape)?;
    let c = one.div(two.mul(&both)?)?.reshape(&shape)?;
    let center = a.mul(part(0, -2)?)?.add(b.mul(part(1, -1)?)?)?.add(c.mul(part(2, i64::MAX)?)?)?;
    let (front, back) = if edge_order == 1 {
        (part(1, 2)?.sub(part(0, 1)?)?.div(dx.select(0, 0)?)?, last(1)?.sub(last(2)?)?.div(dx.select(0, -1)?)?)
    } else {
        let weighted = |weights: [Tensor; 3], parts: [Tensor; 3]| -> Result<Tensor> {
            let [a, b, c] = weights;
            let [x, y, z] = parts;
            a.mul(&x)?.add(b.mul(&y)?)?.add(c.mul(&z)?)
        };
        let (p, q) = (one.select(0, 0)?, two.select(0, 0)?);
        let sum = p.add(&q)?;
        let front = [p.mul(2.0)?.add(&q)?.neg()?.div(p.mul(&sum)?)?, sum.div(p.mul(&q)?)?, p.neg()?.div(q.mul(&sum)?)?];
        let (p, q) = (one.select(0, -1)?, two.select(0, -1)?);
        let sum = p.add(&q)?;
        let back = [q.div(p.mul(&sum)?)?, sum.neg()?.div(p.mul(&q)?)?, q.mul(2.0)?.add(&p)?.div(q.mul(&sum)?)?];
        (weighted(front, [part(0, 1)?, part(1, 2)?, part(2, 3)?])?, weighted(back, [last(3)?, last(2)?, last(1)?])?)
    };
    crate::ops::cat_with(&[front, center, back], d)
}

op! {
    /// The slopes of a function along each dimension, or those in `dim`, from its values at points `spacing` apart: central
    /// differences inside, at the edges one-sided ones of first or second order.
    ///
    /// Shape: `*s -> [*s]`. Dtype: unchanged; integers give the default float type.
    ///
    /// >>> torch.gradient(torch.tensor([1., 2., 4., 8.]))
    /// (tensor([1.0000, 1.5000, 3.0000, 4.0000]),)
    fn gradient(input: Tensor; spacing: Option<Scalar> = None, dim: Option<Dims> = None, edge_order: i64 = 1) -> [slopes];
    variants [function];
    composite {
        let dims = slope_dims(input, None, dim, edge_order)?;
        let h = spacing.unwrap_or(Scalar::Int(1));
        dims.iter().map(|&d| even_slope(input, d, h, edge_order)).collect::<Result<Vec<_>>>()
    };
    samples [(real([3, 4])), (real([3, 4]), 0.5, [1], 2), (real([5]), 2, [-1])];
}

op! {
    /// The slopes of a function, with a distance between points for each dimension.
    ///
    /// Shape: `*s -> [*s]`. Dtype: unchanged; integers give the default float type.
    fn gradient.distances(input: Tensor; spacing: Floats, dim: Option<Dims> = None, edge_order: i64 = 1) -> [slopes];
    variants [function];
    composite {
        let dims = slope_dims(input, Some(spacing.len()), dim, edge_order)?;
        dims.iter().zip(spacing).map(|(&d, &h)| even_slope(input, d, Scalar::Float(h), edge_order)).collect::<Result<Vec<_>>>()
    };
    samples vec![crate::ops::Sample::new([crate::ops::samples::tensor(&[3, 4], -1.0, 1.0).into(), Arg::Floats(vec![0.5, 2.0])])];
}

op! {
    /// The slopes of a function, with the coordinates of the points for each dimension.
    ///
    /// Shape: `*s -> [*s]`. Dtype: unchanged; integers give the default float type.
    fn gradient.coordinates(input: Tensor; spacing: Tensors, dim: Option<Dims> = None, edge_order: i64 = 1) -> [slopes];
    variants [function];
    composite {
        let dims = slope_dims(input, Some(spacing.len()), dim, edge_order)?;
        dims.iter().zip(spacing).map(|(&d, at)| uneven_slope(input, d, at, edge_order)).collect::<Result<Vec<_>>>()
    };
    samples [(real([3, 4]), vec![rising(3), rising(4)]), (real([3, 4]), vec![rising(4)], [1], 2)];
}
