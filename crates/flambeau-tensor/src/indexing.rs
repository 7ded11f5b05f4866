//! `x[...]`: numbers, slices, new dimensions, ellipses, masks and tensors of indices, to read and to write.

use smallvec::SmallVec;

use crate::ops::index::advanced;
use crate::{DType, Error, Operand, Result, Scalar, Tensor};

/// One item between the brackets of `x[...]`.
#[derive(Clone)]
pub enum Index {
    /// One place of a dimension, which goes away; negative ones count from the end.
    Int(i64),
    /// Every `step`-th place from `start` to `stop`.
    Slice {
        /// The first place, or the beginning.
        start: Option<i64>,
        /// The place to stop before, or the end.
        stop: Option<i64>,
        /// The distance between places, or 1.
        step: Option<i64>,
    },
    /// A dimension of size 1 is put in.
    NewAxis,
    /// As many whole dimensions as are not told otherwise.
    Ellipsis,
    /// Places, or a mask.
    Tensor(Tensor),
    /// A mask of no dimension: all or nothing, along a new dimension.
    Bool(bool),
}

/// Tensors of indices by dimension; the last ones may be missing.
type Tensors = SmallVec<[Option<Tensor>; 4]>;

fn is_mask(t: &Tensor) -> bool {
    matches!(t.dtype(), DType::Bool | DType::U8)
}

/// How many dimensions an item uses up.
fn used(item: &Index) -> usize {
    match item {
        Index::Int(_) | Index::Slice { .. } => 1,
        Index::Tensor(t) if is_mask(t) => t.dim(),
        Index::Tensor(_) => 1,
        Index::NewAxis | Index::Ellipsis | Index::Bool(_) => 0,
    }
}

/// The indices that a boolean stands for along a new dimension: the one place, or none.
fn all_or_nothing(on: bool) -> Result<Tensor> {
    Tensor::of(&[0i64][..on as usize], &[on as i64])
}

fn select(x: &Tensor, dim: usize, index: i64, asked: usize) -> Result<Tensor> {
    let n = x.size()[dim];
    if index < -n || index >= n {
        return Err(Error::index(format!("index {index} is out of bounds for dimension {asked} with size {n}")));
    }
    x.select(dim as i64, index)
}

fn slice(x: &Tensor, dim: usize, start: Option<i64>, stop: Option<i64>, step: Option<i64>) -> Result<Tensor> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Error::value("slice step cannot be zero"));
    }
    if step < 0 {
        return Err(Error::value("step must be greater than zero"));
    }
    x.slice(dim as i64, start.unwrap_or(0), stop.unwrap_or(i64::MAX), step)
}

/// The views of all items but tensors, and the tensors that are left.
fn basic(x: &Tensor, items: &[Index]) -> Result<(Tensor, Tensors)> {
    let ndim = x.dim();
    match items {
        [Index::Int(i)] => {
            if ndim == 0 {
                return Err(Error::index(
                    "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor \
                     to a number",
                ));
            }
            return Ok((select(x, 0, *i, 0)?, Tensors::new()));
        }
        [Index::Slice { start, stop, step }] if ndim > 0 || *step == Some(0) => {
            return Ok((slice(x, 0, *start, *stop, *step)?, Tensors::new()));
        }
        [Index::Slice { .. }] => return Err(Error::index("slice() cannot be applied to a 0-dim tensor.")),
        _ => {}
    }
    let total: usize = items.iter().map(used).sum();
    if total > ndim {
        // A mask of the wrong shape says so; anything else is one index too many.
        let only_masks = items.iter().all(|i| matches!(i, Index::Tensor(t) if is_mask(t) && t.dim() > 0));
        if !(only_masks && items.len() == 1 && ndim > 0) {
            return Err(Error::index(format!("too many indices for tensor of dimension {ndim}")));
        }
    }
    // `dim` counts dimensions of the result so far, `asked` those of `x`.
    let (mut out, mut tensors, mut dim, mut asked) = (x.clone(), Tensors::new(), 0, 0);
    // Masks of several dimensions take one slot of the list.
    let mut folded = 0;
    let put = |tensors: &mut Tensors, dim: usize, folded: usize, t: Tensor| {
        while tensors.len() + folded < dim {
            tensors.push(None);
        }
        tensors.push(Some(t));
    };
    for item in items {
        match item {
            Index::Int(i) => {
                out = select(&out, dim, *i, asked)?;
                asked += 1;
            }
            Index::Slice { start, stop, step } => {
                if (start, stop, step.unwrap_or(1)) != (&None, &None, 1) {
                    out = slice(&out, dim, *start, *stop, *step)?;
                }
                dim += 1;
                asked += 1;
            }
            Index::NewAxis => {
                out = out.unsqueeze(dim as i64)?;
                dim += 1;
            }
            Index::Ellipsis => {
                let whole = ndim.saturating_sub(total);
                // A second ellipsis finds nothing left.
                if asked + items_after(items, item).saturating_add(whole) <= ndim {
                    dim += whole;
                    asked += whole;
                }
            }
            Index::Bool(on) => {
                out = out.unsqueeze(dim as i64)?;
                put(&mut tensors, dim, folded, all_or_nothing(*on)?);
                dim += 1;
            }
            Index::Tensor(t) if t.dim() == 0 && t.dtype().is_integral() => {
                if is_mask(t) {
                    out = out.unsqueeze(dim as i64)?;
                    put(&mut tensors, dim, folded, all_or_nothing(t.item()?.to_bool())?);
                    dim += 1;
                } else {
                    out = select(&out, dim, t.item()?.to_i64(), asked)?;
                    asked += 1;
                }
            }
            Index::Tensor(t) => {
                put(&mut tensors, dim, folded, t.clone());
                let n = used(item);
                folded += n - 1;
                dim += n;
                asked += n;
            }
        }
    }
    Ok((out, tensors))
}

/// How many dimensions the items behind one use up.
fn items_after(items: &[Index], item: &Index) -> usize {
    let behind = items.iter().skip_while(|i| !std::ptr::eq(*i, item)).skip(1);
    behind.map(used).sum()
}

/// The value without leading dimensions of size 1, which an assignment does not count.
fn without_leading_ones(value: &Tensor) -> Result<Tensor> {
    let ones = value.size().iter().take_while(|n| **n == 1).count();
    if ones == 0 { Ok(value.clone()) } else { value.view(&value.size()[ones..]) }
}

impl Tensor {
    /// The elements that items between brackets name: `x[1:, None, i]` in Python. A view, unless there is a tensor of
    /// indices or a mask among them.
    ///
    /// ```
    /// use flambeau_tensor::{Index, Tensor};
    /// let x = Tensor::of(&[1i64, 2, 3, 4], &[2, 2])?;
    /// assert_eq!(x.index(&[Index::Ellipsis, Index::Int(-1)])?.to_vec::<i64>()?, [2, 4]);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    pub fn index(&self, items: &[Index]) -> Result<Tensor> {
        let (view, tensors) = basic(self, items)?;
        if tensors.is_empty() {
            return if view.is(self) { self.view_alias() } else { Ok(view) };
        }
        let (indices, dims) = advanced::prepare(&view, &tensors)?;
        view.index_get(&indices, &dims)
    }

    /// Writes a number or a tensor, broadcast and converted, to the elements that items between brackets name:
    /// `x[1:, None, i] = value` in Python.
    ///
    /// ```
    /// use flambeau_tensor::{Index, Tensor};
    /// let x = Tensor::of(&[1i64, 2, 3, 4], &[2, 2])?;
    /// x.index_set(&[Index::Int(0)], 9i64)?;
    /// assert_eq!(x.to_vec::<i64>()?, [9, 9, 3, 4]);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    pub fn index_set(&self, items: &[Index], value: impl Into<Operand>) -> Result<()> {
        let (view, tensors) = basic(self, items)?;
        let value = value.into();
        if let Operand::Number(Scalar::Complex(z)) = value
            && z.im != 0.0
            && !self.dtype().is_complex()
        {
            let name = crate::ops::rule::c_name(self.dtype());
            return Err(Error::runtime(format!("value cannot be converted to type {name} without overflow")));
        }
        if tensors.is_empty() {
            match value {
                Operand::Number(s) => view.fill_(s)?,
                Operand::Tensor(t) if t.size() == view.size() => view.copy_(&t)?,
                Operand::Tensor(t) => view.copy_(&without_leading_ones(&t)?.expand(view.size())?)?,
            };
            return Ok(());
        }
        let value = match value {
            Operand::Number(s) => Tensor::scalar(s, self.dtype()).to_device(self.device())?,
            Operand::Tensor(t) => without_leading_ones(&t)?,
        };
        advanced::write(&view, &tensors, &value, false).map(|_| ())
    }
}
