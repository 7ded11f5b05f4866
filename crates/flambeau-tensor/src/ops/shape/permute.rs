//! Dimensions in another order.

use smallvec::SmallVec;

use crate::ops::op;
use crate::{Error, Layout, Result, Tensor, normalize_dim};

fn swapped(x: &Tensor, dim0: i64, dim1: i64) -> Result<Layout> {
    let mut l = x.layout().clone();
    let (a, b) = (normalize_dim(dim0, l.ndim())?, normalize_dim(dim1, l.ndim())?);
    if l.ndim() > 0 {
        l.sizes.swap(a, b);
        l.strides.swap(a, b);
    }
    Ok(l)
}

op! {
    /// Two dimensions exchanged, as a view.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.ones(2, 3).transpose(0, 1).shape
    /// torch.Size([3, 2])
    fn transpose(input: Tensor, dim0: i64, dim1: i64) -> y;
    variants [method, function];
    alias [method swapdims, function swapdims];
    view { swapped(input, dim0, dim1) };
    vjp { input => |g, dim0, dim1| g.transpose(dim0, dim1) };
    samples [(real([2, 3, 2]), 0, 1), (real([2, 3, 2]), -1, 0), (real([]), 0, 0), (real([0, 2]), 0, 1)];
}

op! {
    /// Two dimensions exchanged, as a view, under NumPy's name.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.ones(2, 3).swapaxes(axis0=0, axis1=1).shape
    /// torch.Size([3, 2])
    fn swapaxes(input: Tensor, axis0: i64, axis1: i64) -> y;
    variants [method, function];
    composite { input.transpose(axis0, axis1) };
    samples [(real([2, 3, 2]), 0, 1), (real([2, 3, 2]), -1, 0), (real([]), 0, 0), (real([0, 2]), 0, 1)];
}

op! {
    /// The transpose of a matrix, as a view; of a vector or number the tensor itself.
    ///
    /// Shape: `n m -> m n`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([[1, 2], [3, 4]]).t()
    /// tensor([[1, 3],
    ///         [2, 4]])
    fn t(input: Tensor) -> y;
    variants [method, function];
    view {
        if input.dim() > 2 {
            return Err(Error::runtime(format!("t() expects a tensor with <= 2 dimensions, but self is {}D", input.dim())));
        }
        if input.dim() < 2 { input.layout().clone() } else { swapped(input, 0, 1)? }
    };
    vjp { input => |g| g.t() };
    samples [(real([2, 3])), (real([3])), (real([])), (real([0, 2]))];
}

op! {
    /// The dimensions in another order, as a view.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.ones(2, 3, 4).permute(2, 0, 1).shape
    /// torch.Size([4, 2, 3])
    fn permute(input: Tensor, dims: Dims) -> y;
    variants [method, function];
    view {
        let l = input.layout();
        if dims.len() != l.ndim() {
            return Err(Error::runtime(format!(
                "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions \
                 i.e. input.dim() = {} is not equal to len(dims) = {}",
                l.ndim(), dims.len()
            )));
        }
        let mut seen: SmallVec<[bool; 6]> = SmallVec::from_elem(false, l.ndim());
        let mut out = Layout { offset: l.offset, ..Layout::default() };
        for &d in dims {
            let d = normalize_dim(d, l.ndim())?;
            if std::mem::replace(&mut seen[d], true) {
                return Err(Error::runtime("permute(): duplicate dims are not allowed."));
            }
            out.sizes.push(l.sizes[d]);
            out.strides.push(l.strides[d]);
        }
        out
    };
    vjp { input => |g, dims| g.permute(&inverse(dims)) };
    samples [(real([2, 3, 2]), [2, 0, 1]), (real([2, 3, 2]), [0, -1, 1]), (real([]), []), (real([0, 2]), [1, 0])];
}

fn inverse(dims: &[i64]) -> SmallVec<[i64; 5]> {
    let n = dims.len() as i64;
    let mut out: SmallVec<[i64; 5]> = SmallVec::from_elem(0, dims.len());
    for (i, &d) in dims.iter().enumerate() {
        out[d.rem_euclid(n.max(1)) as usize] = i as i64;
    }
    out
}

op! {
    /// Dimensions moved to other places, the rest in their order.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.ones(2, 3, 4).movedim(0, -1).shape
    /// torch.Size([3, 4, 2])
    fn movedim(input: Tensor, source: Dims, destination: Dims) -> y;
    variants [method, function];
    alias [method moveaxis, function moveaxis];
    composite {
        if source.len() != destination.len() {
            return Err(Error::runtime(format!(
                "movedim: Invalid source or destination dims: source ({source:?} dims) should contain the same number of dims as destination ({destination:?} dims)"
            )));
        }
        let n = input.dim();
        let mut order: SmallVec<[i64; 5]> = SmallVec::from_elem(-1, n);
        let mut taken: SmallVec<[bool; 6]> = SmallVec::from_elem(false, n);
        for (&s, &d) in source.iter().zip(destination) {
            let (s, d) = (normalize_dim(s, n)?, normalize_dim(d, n)?);
            if n == 0 {
                continue;
            }
            if std::mem::replace(&mut taken[s], true) {
                return Err(Error::runtime(format!("movedim: repeated dim in `source` ({source:?})")));
            }
            if order[d] != -1 {
                return Err(Error::runtime(format!("movedim: repeated dim in `destination` ({destination:?})")));
            }
            order[d] = s as i64;
        }
        let mut rest = (0..n).filter(|&d| !taken[d]);
        for slot in order.iter_mut().filter(|o| **o == -1) {
            *slot = rest.next().unwrap_or(0) as i64;
        }
        input.permute(&order)
    };
    samples [
        (real([2, 3, 4]), [0], [2]),
        (real([2, 3, 2]), [0, 1], [-1, 0]),
        (real([]), [], []),
        (real([0, 2]), [0], [1]),
    ];
}

impl Tensor {
    /// All dimensions reversed, as a view (`Tensor.T`).
    pub fn transposed(&self) -> Result<Tensor> {
        if self.dim() == 2 {
            return self.t_view();
        }
        let dims: SmallVec<[i64; 5]> = (0..self.dim() as i64).rev().collect();
        self.permute(&dims)
    }

    fn t_view(&self) -> Result<Tensor> {
        self.transpose(0, 1)
    }
}

op! {
    /// The transpose of the last two dimensions, as a view (`Tensor.mT`).
    ///
    /// Shape: `*b n m -> *b m n`. Dtype: unchanged.
    fn mt(input: Tensor) -> y;
    variants [private, rust];
    composite {
        if input.dim() < 2 {
            return Err(Error::runtime(format!("tensor.mT is only supported on matrices or batches of matrices. Got {}-D tensor.", input.dim())));
        }
        input.transpose(-2, -1)
    };
    samples [(real([2, 3])), (real([2, 0, 3]))];
}

op! {
    /// The conjugate transpose of the last two dimensions, as a view (`Tensor.mH`).
    ///
    /// Shape: `*b n m -> *b m n`. Dtype: unchanged.
    fn mh(input: Tensor) -> y;
    variants [private, rust];
    composite {
        if input.dim() < 2 {
            return Err(Error::runtime(format!("tensor.mH is only supported on matrices or batches of matrices. Got {}-D tensor.", input.dim())));
        }
        input.transpose(-2, -1)?.conj()
    };
    samples [(real([2, 3])), (real([2, 0, 3])), (complex([2, 2]))];
}

op! {
    /// The conjugate transpose of a matrix, as a view.
    ///
    /// Shape: `n m -> m n`. Dtype: unchanged.
    fn adjoint(input: Tensor) -> y;
    variants [method, function];
    composite {
        if input.dim() < 2 {
            return Err(Error::runtime(format!("tensor.adjoint() is only supported on matrices or batches of matrices. Got {}-D tensor.", input.dim())));
        }
        input.transpose(-2, -1)?.conj()
    };
    samples [(real([2, 3])), (real([2, 0, 3])), (complex([2, 2]))];
}
