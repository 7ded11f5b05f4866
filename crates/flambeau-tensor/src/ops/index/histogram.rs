//! Histograms of points, in one dimension or more.

use flambeau_cpu::index as kernels;

use crate::ops::binary::special::not_derived;
use crate::ops::{op, rule};
use crate::{DType, Dims, Error, Options, Result, Tensor, numel};

fn wrong<T>(text: String) -> Result<T> {
    Err(Error::runtime(format!("torch.histogramdd: {text}")))
}

/// The points as rows, one column a dimension.
fn rows(x: &Tensor) -> Result<(Tensor, usize)> {
    if x.dim() < 2 {
        return wrong("input tensor should have at least 2 dimensions".into());
    }
    let n = x.size()[x.dim() - 1];
    Ok((x.reshape(&[numel(&x.size()[..x.dim() - 1]), n])?, n as usize))
}

/// The outer edges of each dimension: those given, or the smallest and largest coordinate.
fn range_of(x: &Tensor, n: usize, range: Option<&[f64]>) -> Result<Vec<(f64, f64)>> {
    let mut out = vec![(0.0, 1.0); n];
    if let Some(range) = range {
        if range.len() != 2 * n {
            return wrong(format!(
                "for a {n}-dimensional histogram range should have {} elements, but got {}",
                2 * n,
                range.len()
            ));
        }
        out.iter_mut().zip(range.chunks_exact(2)).for_each(|(o, r)| *o = (r[0], r[1]));
    } else if x.numel() > 0 {
        let (low, high) = (x.amin_with(Some(&[0]), false)?, x.amax_with(Some(&[0]), false)?);
        for (d, o) in out.iter_mut().enumerate() {
            *o = (low.at(&[d as i64]).to_f64(), high.at(&[d as i64]).to_f64());
        }
    }
    for (d, (low, high)) in out.iter_mut().enumerate() {
        if !low.is_finite() || !high.is_finite() {
            return wrong(format!("dimension {d}'s range [{low}, {high}] is not finite"));
        }
        if low > high {
            return wrong(format!("min should not exceed max, but got min {low} max {high} for dimension {d}"));
        }
        if low == high {
            (*low, *high) = (*low - 0.5, *high + 0.5);
        }
    }
    Ok(out)
}

fn check_floating(x: &Tensor) -> Result<()> {
    if !matches!(x.dtype(), DType::F32 | DType::F64) {
        return Err(Error::not_implemented(format!("\"histogramdd\" not implemented for '{}'", x.dtype().title())));
    }
    Ok(())
}

/// Evenly spaced edges.
fn edges(x: &Tensor, counts: &[i64], range: Option<&[f64]>) -> Result<Vec<Tensor>> {
    check_floating(x)?;
    let (points, n) = rows(x)?;
    if counts.len() != n {
        return Err(Error::runtime(
            "histogramdd: The size of bins must be equal to the innermost dimension of the input.",
        ));
    }
    let outer = range_of(&points, n, range)?;
    counts
        .iter()
        .zip(outer)
        .enumerate()
        .map(|(d, (&bins, (low, high)))| {
            if bins <= 0 {
                return Err(Error::runtime(format!(
                    "torch.histogram(): bins must be > 0, but got {bins} for dimension {d}"
                )));
            }
            crate::ops::linspace_with(low, high, bins + 1, Options::like(x))
        })
        .collect()
}

fn check(x: &Tensor, n: usize, edges: &[Tensor], weight: Option<&Tensor>) -> Result<()> {
    let name = crate::ops::rule::c_name;
    if edges.len() != n {
        return wrong(format!(
            "expected {n} sequences of bin edges for a {n}-dimensional histogram but got {}",
            edges.len()
        ));
    }
    for (d, e) in edges.iter().enumerate() {
        if e.dtype() != x.dtype() {
            return wrong(format!(
                "input tensor and bins tensors should have the same dtype, but got input with dtype {} and bins for dimension {d} with dtype {}",
                name(x.dtype()),
                name(e.dtype())
            ));
        }
        if e.dim() != 1 {
            return wrong(format!(
                "bins tensor should have one dimension, but got {} dimensions in the bins tensor for dimension {d}",
                e.dim()
            ));
        }
        if e.numel() == 0 {
            return wrong(format!(
                "bins tensor should have at least 1 element, but got 0 elements in the bins tensor for dimension {d}"
            ));
        }
        if e.numel() == 1 {
            return Err(Error::runtime(format!("torch.histogram(): bins must be > 0, but got 0 for dimension {d}")));
        }
    }
    let Some(w) = weight else { return Ok(()) };
    if w.dtype() != x.dtype() {
        return wrong(format!(
            "if weight tensor is provided, input tensor and weight tensor should have the same dtype, but got input({}), and weight({})",
            name(x.dtype()),
            name(w.dtype())
        ));
    }
    let one = [1];
    let weights = if w.dim() == 0 { &one } else { w.size() };
    if weights != &x.size()[..x.dim() - 1] {
        return wrong(format!(
            "if weight tensor is provided it should have the same shape as the input tensor excluding its innermost dimension, but got input with shape {:?} and weight with shape {:?}",
            x.size(),
            w.size()
        ));
    }
    Ok(())
}

/// How many points, or how much weight, lie between the edges of every dimension.
fn counted(x: &Tensor, edges: Vec<Tensor>, weight: Option<&Tensor>, density: bool) -> Result<(Tensor, Vec<Tensor>)> {
    let (points, n) = rows(x)?;
    check(x, n, &edges, weight)?;
    check_floating(x)?;
    let sizes: Vec<i64> = edges.iter().map(|e| e.numel() - 1).collect();
    let count = points.size()[0];
    if let ([e], None) = (&edges[..], weight)
        && e.dtype() == x.dtype()
    {
        let hist = points.detach().reshape(&[count])?.count_between(&e.detach())?.to_dtype(x.dtype())?;
        return Ok((spread_out(hist, &edges, density)?, edges));
    }
    let mut place = crate::ops::zeros_with(&[count], Options::dtype(DType::I64))?;
    let mut inside = crate::ops::ones_with(&[count], Options::dtype(DType::Bool))?;
    for (d, e) in edges.iter().enumerate() {
        let column = points.select(1, d as i64)?.contiguous()?;
        let (first, last) = (e.select(0, 0)?, e.select(0, -1)?);
        inside = inside.logical_and(&column.ge(&first)?)?.logical_and(&column.le(&last)?)?;
        // The last bin has its right edge too.
        let at = column.bucketize_with(e, false, true)?.sub(1)?.clamp_max(sizes[d] - 1)?;
        place = place.mul(sizes[d])?.add(at)?;
    }
    let weights = match weight {
        Some(w) => w.reshape(&[count])?,
        None => crate::ops::ones_with(&[count], Options::like(x))?,
    };
    let hist = place.masked_select(&inside)?.bincount_with(Some(&weights.masked_select(&inside)?), numel(&sizes))?;
    let hist = hist.to_dtype(x.dtype())?.reshape(&sizes)?;
    Ok((spread_out(hist, &edges, density)?, edges))
}

/// Where a density is asked for, the counts divided by their sum and by the sizes of the cells.
fn spread_out(mut hist: Tensor, edges: &[Tensor], density: bool) -> Result<Tensor> {
    if density {
        hist = hist.div(hist.sum()?)?;
        for (d, e) in edges.iter().enumerate() {
            let mut shape = vec![1; edges.len()];
            shape[d] = e.numel() - 1;
            let widths = e.slice(0, 1, i64::MAX, 1)?.sub(e.slice(0, 0, -1, 1)?)?;
            hist = hist.div(widths.reshape(&shape)?)?;
        }
    }
    Ok(hist)
}

op! {
    /// How many elements lie between neighbouring edges.
    ///
    /// Shape: `n, m + 1 -> m`. Dtype: int64; the inputs float32 or float64, both the same.
    fn count_between(input: Tensor, edges: Tensor) -> y;
    variants [private];
    nondifferentiable;
    dtype {
        let fits = input.dtype() == edges.dtype() && matches!(input.dtype(), DType::F32 | DType::F64) && edges.numel() > 0;
        rule::require(fits, "count_between")?;
        DType::I64
    };
    shape [edges.numel() - 1].as_slice();
    contiguous [input, edges];
    kernel { kernels::count_between(y, input, edges) };
    samples [(real([7]), rising(4)), (real([0]), rising(2))];
}

/// The sizes of a histogram and of its edges.
fn grid(x: &Tensor, bins: &[i64]) -> Result<Vec<Dims>> {
    check_floating(x)?;
    rows(x)?;
    Ok(std::iter::once(bins.into()).chain(bins.iter().map(|n| Dims::from_slice(&[n + 1]))).collect())
}

/// As many bins in every dimension.
fn everywhere(x: &Tensor, bins: i64) -> Vec<i64> {
    vec![bins; x.size().last().copied().unwrap_or(0) as usize]
}

/// The numbers of bins between edges.
fn between(edges: &[Tensor]) -> Vec<i64> {
    edges.iter().map(|e| (e.numel() - 1).max(0)).collect()
}

op! {
    /// How many points fall in each cell of a grid of equal bins: as many bins in each dimension as `bins` says, between the
    /// outer edges in `range` (two a dimension) or those of the points. `weight` is what each point counts; `density` divides
    /// by the sum and by the size of the cells.
    ///
    /// Shape: `*s n -> *bins, [bins + 1]`. Dtype: that of the points.
    ///
    /// >>> torch.histogramdd(torch.tensor([[0., 1.], [1., 0.], [2., 0.], [2., 2.]]), bins=[3, 3]).hist
    /// tensor([[0., 1., 0.],
    ///         [1., 0., 0.],
    ///         [1., 0., 1.]])
    fn histogramdd(input: Tensor, bins: Dims, range: Option<Floats> = None, weight: Option<Tensor> = None, density: bool = false) -> hist, [bin_edges];
    variants [function];
    nondifferentiable;
    dtype input.dtype();
    shape grid(input, bins);
    compute { counted(input, edges(input, bins, range)?, weight, density) };
    samples vec![crate::ops::Sample::new([crate::ops::samples::tensor(&[5, 2], -1.0, 1.0).into(), [2, 3].into()])];
}

op! {
    /// How many points fall in each cell of a grid of as many equal bins in every dimension.
    ///
    /// Shape: `*s n -> *bins, [bins + 1]`. Dtype: that of the points.
    fn histogramdd.int_bins(input: Tensor, bins: i64, range: Option<Floats> = None, weight: Option<Tensor> = None, density: bool = false) -> hist, [bin_edges];
    variants [function];
    nondifferentiable;
    dtype input.dtype();
    shape grid(input, &everywhere(input, bins));
    compute { counted(input, edges(input, &everywhere(input, bins), range)?, weight, density) };
    samples [(real([5, 2]), 3), (real([2, 3, 1]), 2, None, positive([2, 3]), true)];
}

op! {
    /// How many points fall in each cell of a grid with the given edges, one tensor a dimension.
    ///
    /// Shape: `*s n -> *bins, [bins + 1]`. Dtype: that of the points.
    fn histogramdd.tensorlist_bins(input: Tensor, bins: Tensors, range: Option<Floats> = None, weight: Option<Tensor> = None, density: bool = false) -> hist, [bin_edges];
    variants [function];
    nondifferentiable;
    dtype input.dtype();
    shape grid(input, &between(bins));
    // The edges of the result are those given, as views.
    compute { counted(input, bins.iter().map(Tensor::detach).collect(), weight, density) };
    samples [
        (real([5, 2]), vec![rising(4), rising(3)]),
        (real([2, 3, 1]), vec![rising(5)], None, positive([2, 3]), true),
    ];
}

/// A histogram of numbers is one of points on a line.
fn line(x: &Tensor, weight: Option<&Tensor>) -> Result<(Tensor, Option<Tensor>)> {
    if let Some(w) = weight
        && w.size() != x.size()
    {
        return wrong(format!(
            "if weight tensor is provided it should have the same shape as the input tensor excluding its innermost dimension, but got input with shape {:?} and weight with shape {:?}",
            x.size(),
            w.size()
        ));
    }
    Ok((x.reshape(&[x.numel(), 1])?, weight.map(|w| w.reshape(&[w.numel()])).transpose()?))
}

op! {
    /// How many elements fall in each of so many equal bins between the edges in `range`, or those of the elements; with the
    /// edges.
    ///
    /// Shape: `*s -> bins, bins + 1`. Dtype: that of the elements.
    ///
    /// >>> torch.histogram(torch.tensor([1., 2., 1.]), bins=4, range=(0., 3.), weight=torch.tensor([1., 2., 4.])).hist
    /// tensor([0., 5., 2., 0.])
    fn histogram(input: Tensor, bins: i64 = 100; range: Option<Floats> = None, weight: Option<Tensor> = None, density: bool = false) -> hist, bin_edges;
    variants [method, function, out];
    node "NotImplemented";
    dtype input.dtype();
    shape [Dims::from_slice(&[bins]), Dims::from_slice(&[bins + 1])];
    compute {
        let (x, w) = line(input, weight)?;
        let (hist, mut edges) = counted(&x, edges(&x, &[bins], range)?, w.as_ref(), density)?;
        Ok((hist, edges.remove(0)))
    };
    vjp { input => |g| { let _ = g; not_derived("histogram") } };
    samples without_gradcheck(vec![crate::ops::Sample::new([tensor(&[2, 3], -1.0, 1.0).into(), 4.into()])]);
}

op! {
    /// How many elements fall between neighbouring edges.
    ///
    /// Shape: `*s, n -> n - 1, n`. Dtype: that of the elements.
    ///
    /// >>> torch.histogram(torch.tensor([1., 2., 1.]), torch.tensor([0., 1., 2.])).hist
    /// tensor([0., 3.])
    fn histogram.bins_tensor(input: Tensor, bins: Tensor; weight: Option<Tensor> = None, density: bool = false) -> hist, bin_edges;
    variants [method, function, out];
    node "NotImplemented";
    dtype input.dtype();
    shape [Dims::from_slice(&[(bins.numel() - 1).max(0)]), bins.sizes()];
    compute {
        let (x, w) = line(input, weight)?;
        let (hist, mut edges) = counted(&x, vec![bins.clone_tensor()?], w.as_ref(), density)?;
        Ok((hist, edges.remove(0)))
    };
    vjp { input => |g| { let _ = g; not_derived("histogram") } };
    samples without_gradcheck([(real([2, 3]), rising(4)), (real([5]), rising(3), positive([5]), true)]);
}
