//! Grids of coordinates, and tensors with at least so many dimensions.

use crate::ops::op;
use crate::{Dims, Error, Result, Tensor};

op! {
    /// The coordinates of a grid: each 1-d tensor seen through the shape that all of them span. `indexing` is `ij` for
    /// the order given, or `xy` for the first two exchanged.
    ///
    /// Shape: `n, m -> n m, n m`. Dtype: unchanged, one for all.
    ///
    /// >>> torch.meshgrid(torch.tensor([1, 2]), torch.tensor([3, 4]), indexing='ij')
    /// (tensor([[1, 1],
    ///         [2, 2]]), tensor([[3, 4],
    ///         [3, 4]]))
    fn meshgrid(*tensors: Tensors; indexing: Str = "ij") -> [outputs];
    variants [function];
    composite { grid(tensors, indexing) };
    samples [
        (vec![real([2]), other([3])]),
        (vec![real([2]), other([3])], "xy"),
        (vec![real([]), other([2])]),
        (vec![real([0]), other([2])]),
    ];
}

fn grid(tensors: &[Tensor], indexing: &str) -> Result<Vec<Tensor>> {
    let Some(first) = tensors.first() else { return Err(Error::runtime("meshgrid expects a non-empty TensorList")) };
    if tensors.iter().any(|t| t.dtype() != first.dtype()) {
        return Err(Error::runtime("meshgrid expects all tensors to have the same dtype"));
    }
    if let Some(t) = tensors.iter().find(|t| t.dim() > 1) {
        return Err(Error::runtime(format!(
            "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {:?}",
            t.size()
        )));
    }
    let swap = match indexing {
        "ij" => false,
        "xy" => tensors.len() >= 2,
        _ => {
            return Err(Error::runtime(format!(
                "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: {indexing}"
            )));
        }
    };
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    if swap {
        order.swap(0, 1);
    }
    let sizes: Dims = order.iter().map(|&i| tensors[i].numel()).collect();
    let mut out = Vec::with_capacity(tensors.len());
    for (i, t) in tensors.iter().enumerate() {
        let at = order.iter().position(|&o| o == i).unwrap_or(i);
        let mut shape: Dims = sizes.iter().map(|_| 1).collect();
        shape[at] = t.numel();
        let seen = t.view(&shape)?.expand(&sizes)?;
        out.push(seen);
    }
    Ok(out)
}

op! {
    /// All combinations of elements of 1-d tensors, one a row, in order.
    ///
    /// Shape: `n, m -> n*m 2`. Dtype: unchanged, one for all.
    ///
    /// >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([4, 5]))
    /// tensor([[1, 4],
    ///         [1, 5],
    ///         [2, 4],
    ///         [2, 5]])
    fn cartesian_prod(*tensors: Tensors) -> y;
    variants [function];
    composite {
        if let Some(t) = tensors.iter().find(|t| t.dim() != 1) {
            return Err(Error::runtime(format!("Expect a 1D vector, but got shape {:?}", t.size())));
        }
        if let [one] = tensors {
            return Ok(one.clone());
        }
        let flat = grid(tensors, "ij")?.iter().map(|t| t.reshape(&[-1])).collect::<Result<Vec<_>>>()?;
        crate::ops::stack_with(&flat, 1)
    };
    samples [(vec![real([2]), other([3])]), (vec![real([3])]), (vec![real([0]), other([2])])];
}

op! {
    /// The tensor, with one dimension where it has none.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.atleast_1d(torch.tensor(5))
    /// tensor([5])
    fn atleast_1d(input: Tensor) -> y;
    variants [function];
    composite { if input.dim() == 0 { input.reshape(&[1]) } else { Ok(input.clone()) } };
    samples [(real([])), (real([2])), (real([0, 2]))];
}

op! {
    /// Several tensors, each with at least one dimension.
    ///
    /// Shape: `*s, ... -> *t, ...`. Dtype: unchanged.
    fn atleast_1d.sequence(*tensors: Tensors) -> [outputs];
    variants [function];
    composite { tensors.iter().map(Tensor::atleast_1d).collect::<Result<Vec<_>>>() };
    samples [(vec![real([]), other([2])]), (vec![real([0, 2])])];
}

op! {
    /// The tensor, with dimensions put in front where it has fewer than two.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.atleast_2d(torch.tensor([1, 2]))
    /// tensor([[1, 2]])
    fn atleast_2d(input: Tensor) -> y;
    variants [function];
    composite {
        match input.dim() {
            0 => input.reshape(&[1, 1]),
            1 => input.unsqueeze(0),
            _ => Ok(input.clone()),
        }
    };
    samples [(real([])), (real([2])), (real([0, 2]))];
}

op! {
    /// Several tensors, each with at least two dimensions.
    ///
    /// Shape: `*s, ... -> *t, ...`. Dtype: unchanged.
    fn atleast_2d.sequence(*tensors: Tensors) -> [outputs];
    variants [function];
    composite { tensors.iter().map(Tensor::atleast_2d).collect::<Result<Vec<_>>>() };
    samples [(vec![real([]), other([2])]), (vec![real([0, 2])])];
}

op! {
    /// The tensor with at least three dimensions: a vector becomes `1 n 1`, a matrix `n m 1`.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.atleast_3d(torch.tensor([1, 2])).shape
    /// torch.Size([1, 2, 1])
    fn atleast_3d(input: Tensor) -> y;
    variants [function];
    composite {
        match input.dim() {
            0 => input.reshape(&[1, 1, 1]),
            1 => input.unsqueeze(0)?.unsqueeze(-1),
            2 => input.unsqueeze(-1),
            _ => Ok(input.clone()),
        }
    };
    samples [(real([])), (real([2])), (real([2, 3])), (real([0, 2]))];
}

op! {
    /// Several tensors, each with at least three dimensions.
    ///
    /// Shape: `*s, ... -> *t, ...`. Dtype: unchanged.
    fn atleast_3d.sequence(*tensors: Tensors) -> [outputs];
    variants [function];
    composite { tensors.iter().map(Tensor::atleast_3d).collect::<Result<Vec<_>>>() };
    samples [(vec![real([]), other([2])]), (vec![real([0, 2])])];
}

/// The choices of `r` of `n` places, in order, one after another.
fn choices(n: i64, r: i64, again: bool) -> Result<Vec<i64>> {
    let mut out = Vec::new();
    let r = usize::try_from(r).ok().filter(|r| again || *r as i64 <= n);
    let Some(r) = r.filter(|_| n > 0) else { return Ok(out) };
    let mut row: Vec<i64> = (0..r as i64).map(|i| if again { 0 } else { i }).collect();
    loop {
        out.try_reserve(r).map_err(|_| Error::runtime("combinations: there are too many"))?;
        out.extend(&row);
        // The last place that can go on; those behind it start anew.
        let Some(at) = (0..r).rev().find(|&i| row[i] < if again { n - 1 } else { n - (r - i) as i64 }) else {
            return Ok(out);
        };
        row[at] += 1;
        for i in at + 1..r {
            row[i] = if again { row[at] } else { row[i - 1] + 1 };
        }
    }
}

op! {
    /// All choices of `r` elements of a vector, one a row, each in order; with replacement, an element may be chosen again.
    ///
    /// Shape: `n -> m r`. Dtype: unchanged.
    ///
    /// >>> torch.combinations(torch.tensor([1, 2, 3]))
    /// tensor([[1, 2],
    ///         [1, 3],
    ///         [2, 3]])
    fn combinations(input: Tensor, r: i64 = 2, with_replacement: bool = false) -> y;
    variants [function];
    composite {
        if input.dim() != 1 {
            return Err(Error::runtime(format!("Expect a 1D vector, but got shape {:?}", input.size())));
        }
        if r < 0 {
            return Err(Error::runtime(format!("Expect a non-negative number, but got {r}")));
        }
        if r == 0 {
            return crate::ops::zeros_with(&[0], crate::Options::like(input));
        }
        let places = choices(input.numel(), r, with_replacement)?;
        let index = Tensor::of(&places, &[places.len() as i64])?.to_device(input.device())?;
        input.index_select(0, &index)?.reshape(&[places.len() as i64 / r, r])
    };
    samples [(real([4])), (real([3]), 2, true), (real([3]), 0), (real([3]), 5), (real([0]))];
}
