//! `x.i((1.., -1))`: indexing with Rust's ranges.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use crate::{Index, Operand, Result, Tensor};

impl From<i64> for Index {
    fn from(place: i64) -> Index {
        Index::Int(place)
    }
}

impl From<Tensor> for Index {
    fn from(places: Tensor) -> Index {
        Index::Tensor(places)
    }
}

impl From<&Tensor> for Index {
    fn from(places: &Tensor) -> Index {
        Index::Tensor(places.clone())
    }
}

/// From `start` to before `stop`, both counted from the end where negative.
fn slice(start: Option<i64>, stop: Option<i64>) -> Index {
    Index::Slice { start, stop, step: None }
}

/// The place behind an inclusive end: behind the last, -1, there is only the end.
fn behind(last: i64) -> Option<i64> {
    (last != -1).then_some(last + 1)
}

impl From<RangeFull> for Index {
    fn from(_: RangeFull) -> Index {
        slice(None, None)
    }
}

impl From<Range<i64>> for Index {
    fn from(r: Range<i64>) -> Index {
        slice(Some(r.start), Some(r.end))
    }
}

impl From<RangeFrom<i64>> for Index {
    fn from(r: RangeFrom<i64>) -> Index {
        slice(Some(r.start), None)
    }
}

impl From<RangeTo<i64>> for Index {
    fn from(r: RangeTo<i64>) -> Index {
        slice(None, Some(r.end))
    }
}

impl From<RangeInclusive<i64>> for Index {
    fn from(r: RangeInclusive<i64>) -> Index {
        slice(Some(*r.start()), behind(*r.end()))
    }
}

impl From<RangeToInclusive<i64>> for Index {
    fn from(r: RangeToInclusive<i64>) -> Index {
        slice(None, behind(r.end))
    }
}

/// What stands between the brackets of `x[...]` in Python: one item, or a tuple of up to six.
pub trait Indices {
    /// The items in their order.
    fn items(self) -> Vec<Index>;
}

impl<T: Into<Index>> Indices for T {
    fn items(self) -> Vec<Index> {
        vec![self.into()]
    }
}

impl Indices for &[Index] {
    fn items(self) -> Vec<Index> {
        self.to_vec()
    }
}

macro_rules! tuples {
    ($(($($t:ident $n:tt),+))*) => {$(
        impl<$($t: Into<Index>),+> Indices for ($($t,)+) {
            fn items(self) -> Vec<Index> {
                vec![$(self.$n.into()),+]
            }
        }
    )*};
}
tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}

impl Tensor {
    /// The elements at numbers, ranges and tensors of places: `x[1:, -1]` in Python. Negative numbers count from the end. A view,
    /// unless there is a tensor of places or a mask among them.
    ///
    /// ```
    /// use flambeau_tensor::{Index, Tensor, ops};
    ///
    /// let x = ops::arange_end(12)?.view(&[3, 4])?;
    /// assert_eq!(x.i(0)?.to_vec::<i64>()?, [0, 1, 2, 3]); // x[0]
    /// assert_eq!(x.i((1.., -1))?.to_vec::<i64>()?, [7, 11]); // x[1:, -1]
    /// assert_eq!(x.i((.., 1..3))?.size(), [3, 2]); // x[:, 1:3]
    /// assert_eq!(x.i((.., Index::NewAxis, 1..=-1))?.size(), [3, 1, 3]); // x[:, None, 1:]
    /// assert_eq!(x.i((Index::Ellipsis, 0))?.to_vec::<i64>()?, [0, 4, 8]); // x[..., 0]
    /// let rows = Tensor::of(&[2i64, 0], &[2])?;
    /// assert_eq!(x.i((&rows, 1))?.to_vec::<i64>()?, [9, 1]); // x[[2, 0], 1]
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    ///
    /// Errors: an index out of bounds, more items than dimensions.
    pub fn i(&self, items: impl Indices) -> Result<Tensor> {
        self.index(&items.items())
    }

    /// Writes a number or a tensor, broadcast and converted, to the elements that [`Tensor::i`] gives: `x[1:, -1] = value`.
    ///
    /// ```
    /// use flambeau_tensor::{Tensor, ops};
    ///
    /// let x = ops::zeros(&[2, 3])?;
    /// x.i_set((.., 1), 5.0)?;
    /// x.i_set(0, &Tensor::of(&[1f32, 2.0, 3.0], &[3])?)?;
    /// assert_eq!(x.to_vec::<f32>()?, [1.0, 2.0, 3.0, 0.0, 5.0, 0.0]);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    pub fn i_set(&self, items: impl Indices, value: impl Into<Operand>) -> Result<()> {
        self.index_set(&items.items(), value)
    }
}
