//! Matrix products of any number of dimensions, and what layers make of them.

use crate::ops::{Sample, op, samples};
use crate::{Dims, Error, Layout, Result, Tensor};

/// Whether the larger operand is taken as one matrix rather than as a batch: where that needs no copy, or where the other
/// operand's gradient would have to be summed over a batch.
fn folds(a: &Tensor, b: &Tensor) -> Result<bool> {
    let a_larger = a.dim() >= b.dim();
    let large = if a_larger { a.layout().clone() } else { turned(b) };
    let small = if a_larger { b } else { a };
    if large.ndim() < 3 || small.dim() > 2 {
        return Ok(false);
    }
    if small.requires_grad() {
        return Ok(true);
    }
    if a.dim() == 2 {
        return Ok(false);
    }
    let n = large.ndim();
    Ok(large.numel() == 0 || (0..n - 2).all(|d| large.strides[d] == large.strides[d + 1] * large.sizes[d + 1]))
}

fn turned(x: &Tensor) -> Layout {
    let mut l = x.layout().clone();
    let n = l.ndim();
    l.sizes.swap(n - 2, n - 1);
    l.strides.swap(n - 2, n - 1);
    l
}

fn folded(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let turn = a.dim() < b.dim();
    let (large, small) = match turn {
        false => (a.clone(), b.clone()),
        true => (b.transpose(-2, -1)?, if a.dim() == 2 { a.t()? } else { a.clone() }),
    };
    let (lead, k) = large.size().split_at(large.dim() - 1);
    let mut sizes: Dims = lead.into();
    let matrix = large.reshape(&[lead.iter().product(), k[0]])?;
    if small.dim() == 1 {
        return matrix.mv(&small)?.unsafe_view(&sizes);
    }
    sizes.push(small.size()[1]);
    let y = matrix.mm(&small)?.unsafe_view(&sizes)?;
    if turn { y.transpose(-2, -1)?.contiguous() } else { Ok(y) }
}

fn batched(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let split = |x: &Tensor| x.size()[..x.dim().saturating_sub(2)].iter().copied().collect::<Dims>();
    let (lead_a, lead_b) = (split(a), split(b));
    if a.dim() == 3 && b.dim() == 3 && lead_a != lead_b {
        if lead_a[0] == 1 && a.requires_grad() {
            return product(&a.squeeze_dim(0)?, b);
        }
        if lead_b[0] == 1 && b.requires_grad() {
            return product(a, &b.squeeze_dim(0)?);
        }
    }
    let (n, k) = (if a.dim() > 1 { a.size()[a.dim() - 2] } else { 1 }, a.size()[a.dim() - 1]);
    let mut sizes = crate::broadcast_shapes(&lead_a, &lead_b)?;
    let batch: i64 = sizes.iter().product();
    let with = |rest: &[i64]| sizes.iter().chain(rest).copied().collect::<Dims>();
    let left = a.expand(&with(&[n, k]))?.reshape(&[batch, n, k])?;
    if b.dim() == 1 {
        let rows = b.size()[0];
        let right = b.expand(&with(&[rows]))?.reshape(&[batch, rows])?.unsqueeze(2)?;
        let y = left.bmm(&right)?.squeeze_dim(-1)?;
        sizes.push(n);
        return y.unsafe_view(&sizes);
    }
    let (rows, m) = (b.size()[b.dim() - 2], b.size()[b.dim() - 1]);
    let right = b.expand(&with(&[rows, m]))?.reshape(&[batch, rows, m])?;
    if a.dim() > 1 {
        sizes.push(n);
    }
    sizes.push(m);
    left.bmm(&right)?.unsafe_view(&sizes)
}

/// `a @ b`.
fn product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match (a.dim(), b.dim()) {
        (n, m) if n == 0 || m == 0 => {
            Err(Error::runtime(format!("both arguments to matmul need to be at least 1D, but they are {n}D and {m}D")))
        }
        (1, 1) => a.dot(b),
        (2, 1) => a.mv(b),
        (1, 2) => a.unsqueeze(0)?.mm(b)?.without_first(),
        (2, 2) => a.mm(b),
        _ if folds(a, b)? => folded(a, b),
        _ => batched(a, b),
    }
}

op! {
    /// The matrix product `x @ other`: of vectors their dot product, of matrices their product, of more dimensions the
    /// products of batches of matrices, whose batch dimensions broadcast.
    ///
    /// Shape: `*b n k, *c k m -> broadcast(*b, *c) n m`. Dtype: both the same, any but bool.
    ///
    /// >>> torch.tensor([[1., 2.], [3., 4.]]) @ torch.tensor([1., 1.])
    /// tensor([3., 7.])
    fn matmul(input: Tensor, other: Tensor) -> y;
    variants [method, function, linalg, out];
    composite { product(input, other) };
    samples [(&[3i64][..], &[3i64][..]), (&[2, 3], &[3]), (&[3], &[3, 2]), (&[2, 2, 3], &[3, 2]), (&[2, 3], &[2, 3, 2]), (&[2, 1, 2, 3], &[3, 3, 2])]
        .iter()
        .map(|(a, b)| Sample::new([samples::tensor(a, -2.0, 2.0).into(), samples::tensor(b, -1.0, 2.0).into()]))
        .collect();
}

op! {
    /// A matrix of one row as a vector; not a view to anyone else.
    ///
    /// Shape: `1 *s -> *s`. Dtype: unchanged.
    fn without_first(input: Tensor) -> y;
    variants [private];
    node "SqueezeBackward4";
    compute {
        crate::ops::rule::require(input.size().first() == Some(&1), "without_first")?;
        Ok(Tensor::make(input.storage().clone(), rows_dropped(input), input.dtype()))
    };
    dtype input.dtype();
    shape { crate::ops::rule::require(input.dim() > 0, "without_first")?; rows_dropped(input) };
    vjp { input => |g| g.unsqueeze(0) };
    samples [(real([1, 3])), (real([1, 2, 2]))];
}

fn rows_dropped(x: &Tensor) -> Layout {
    let l = x.layout();
    Layout { sizes: l.sizes[1..].into(), strides: l.strides[1..].into(), offset: l.offset }
}

op! {
    /// An affine map of the last dimension, `input @ weight.t() + bias`.
    ///
    /// Shape: `*s in, out in, out -> *s out`. Dtype: all the same.
    ///
    /// >>> torch.nn.functional.linear(torch.ones(2, 3), torch.ones(1, 3), torch.tensor([1.]))
    /// tensor([[4.],
    ///         [4.]])
    fn linear(input: Tensor, weight: Tensor, bias: Option<Tensor> = None) -> y;
    variants [functional, out];
    composite { affine(input, weight, bias) };
    samples [
        (real([2, 3]), other([4, 3]), real([4])),
        (real([3]), other([2, 3])),
        (real([2, 1, 3]), other([2, 3]), positive([2])),
        (real([0, 3]), other([2, 3]), positive([2])),
    ];
}

fn affine(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    if x.dim() == 0 || weight.dim() == 0 {
        return Err(Error::runtime(format!(
            "both arguments to linear need to be at least 1D, but they are {}D and {}D",
            x.dim(),
            weight.dim()
        )));
    }
    let Some(bias) = bias else { return product(x, &weight.t()?) };
    if x.dim() == 2 {
        return bias.addmm(x, &weight.t()?);
    }
    if bias.dim() == 1 && x.is_contiguous() {
        let (lead, k) = x.size().split_at(x.dim() - 1);
        let mut sizes: Dims = lead.into();
        let y = bias.addmm(&x.reshape(&[lead.iter().product(), k[0]])?, &weight.t()?)?;
        sizes.push(y.size()[1]);
        return y.unsafe_view(&sizes);
    }
    product(x, &weight.t()?)?.add_(bias)
}

/// The order of the fewest multiplications of a chain of matrices: for the part from `i` to `j`, the last matrix of its left
/// factor.
fn best_order(sizes: &[i64]) -> Vec<Vec<usize>> {
    let n = sizes.len() - 1;
    let (mut cost, mut cut) = (vec![vec![0i64; n]; n], vec![vec![0usize; n]; n]);
    for length in 1..n {
        for i in 0..n - length {
            let j = i + length;
            cost[i][j] = i64::MAX;
            for k in i..j {
                let whole = cost[i][k]
                    .saturating_add(cost[k + 1][j])
                    .saturating_add(sizes[i].saturating_mul(sizes[k + 1]).saturating_mul(sizes[j + 1]));
                if whole < cost[i][j] {
                    (cost[i][j], cut[i][j]) = (whole, k);
                }
            }
        }
    }
    cut
}

fn multiply(list: &[Tensor], cut: &[Vec<usize>], i: usize, j: usize) -> Result<Tensor> {
    if i == j {
        return Ok(list[i].clone());
    }
    multiply(list, cut, i, cut[i][j])?.mm(&multiply(list, cut, cut[i][j] + 1, j)?)
}

op! {
    /// The product of a chain of matrices, in the order that takes the fewest multiplications; the first and the last may be
    /// vectors.
    ///
    /// Shape: `n a, a b, ..., k m -> n m`. Dtype: all the same.
    ///
    /// >>> torch.linalg.multi_dot([torch.ones(2, 3), torch.ones(3, 4), torch.ones(4, 1)])
    /// tensor([[12.],
    ///         [12.]])
    fn multi_dot(tensors: Tensors) -> y;
    variants [linalg, out];
    composite { chain(tensors) };
    samples [
        (vec![real([2, 3]), other([3, 2]), real([2, 4])]),
        (vec![real([3]), other([3, 2])]),
        (vec![real([2, 2]), other([2, 3]), positive([3, 2]), other([2])]),
    ];
}

fn chain(tensors: &[Tensor]) -> Result<Tensor> {
    let n = tensors.len();
    if n < 2 {
        return Err(Error::runtime(format!("multi_dot(): expected at least 2 tensors but got {n}")));
    }
    let mut list = tensors.to_vec();
    let mut sizes = Dims::new();
    for (i, t) in tensors.iter().enumerate() {
        let end = i == 0 || i == n - 1;
        let fits = t.dim() == 2 || (end && t.dim() == 1);
        if !fits {
            let wants = if end { "1D or 2D" } else { "2D" };
            return Err(Error::runtime(format!(
                "multi_dot(): {} must be {wants} but got {}D",
                if i == 0 {
                    "the first tensor".to_string()
                } else if i == n - 1 {
                    "the last tensor".to_string()
                } else {
                    format!("tensor {i}")
                },
                t.dim()
            )));
        }
    }
    if list[0].dim() == 1 {
        list[0] = list[0].unsqueeze(0)?;
    } else {
        sizes.push(list[0].size()[0]);
    }
    if list[n - 1].dim() == 1 {
        list[n - 1] = list[n - 1].unsqueeze(-1)?;
    } else {
        sizes.push(list[n - 1].size()[1]);
    }
    for i in 1..n {
        if list[i - 1].dtype() != list[i].dtype() {
            return Err(Error::runtime(format!(
                "multi_dot(): all tensors must have be the same dtype but tensor 0 is {} and tensor {i} {}",
                list[0].dtype().title(),
                list[i].dtype().title()
            )));
        }
        if list[i - 1].size()[1] != list[i].size()[0] {
            let shape = |t: &Tensor| format!("{}x{}", t.size()[0], t.size()[1]);
            return Err(Error::runtime(format!(
                "multi_dot(): tensors {} and {i} with shapes [{}] and [{}] cannot be multiplied",
                i - 1,
                shape(&list[i - 1]).replace('x', ", "),
                shape(&list[i]).replace('x', ", ")
            )));
        }
    }
    let mut lengths: Vec<i64> = list.iter().map(|t| t.size()[0]).collect();
    lengths.push(list[n - 1].size()[1]);
    multiply(&list, &best_order(&lengths), 0, n - 1)?.view(&sizes)
}

op! {
    /// The product of two or more matrices, given one by one as a list.
    ///
    /// Shape: `n a, a b, ..., k m -> n m`. Dtype: all the same.
    fn chain_matmul(*matrices: Tensors) -> y;
    variants [function, out];
    composite {
        if let Some(m) = matrices.iter().find(|m| m.dim() != 2) {
            return Err(Error::runtime(format!("Tensor dimension is {}, expected 2 instead.", m.dim())));
        }
        match matrices {
            [] => Err(Error::runtime("chain_matmul(): Expected one or more matrices")),
            [one] => Ok(one.clone()),
            _ => chain(matrices),
        }
    };
    samples [(vec![real([2, 3]), other([3, 2]), real([2, 4])]), (vec![real([2, 3])])];
}
