//! Type promotion: which dtype two operands meet in.

use crate::{DType, Kind, Scalar};

use DType::{
    BF16 as bf, Bool as b, C64 as c4, C128 as c8, F16 as f2, F32 as f4, F64 as f8, I8 as i1, I16 as i2, I32 as i4,
    I64 as i8_, U8 as u1,
};

/// The whole table; rows and columns in the order of [`DType::ALL`].
#[rustfmt::skip]
const TABLE: [[DType; 12]; 12] = [
    /*        b    u1   i1   i2   i4   i8   f2  bf  f4  f8  c4  c8 */
    /* b  */ [b,   u1,  i1,  i2,  i4,  i8_, f2, bf, f4, f8, c4, c8],
    /* u1 */ [u1,  u1,  i2,  i2,  i4,  i8_, f2, bf, f4, f8, c4, c8],
    /* i1 */ [i1,  i2,  i1,  i2,  i4,  i8_, f2, bf, f4, f8, c4, c8],
    /* i2 */ [i2,  i2,  i2,  i2,  i4,  i8_, f2, bf, f4, f8, c4, c8],
    /* i4 */ [i4,  i4,  i4,  i4,  i4,  i8_, f2, bf, f4, f8, c4, c8],
    /* i8 */ [i8_, i8_, i8_, i8_, i8_, i8_, f2, bf, f4, f8, c4, c8],
    /* f2 */ [f2,  f2,  f2,  f2,  f2,  f2,  f2, f4, f4, f8, c4, c8],
    /* bf */ [bf,  bf,  bf,  bf,  bf,  bf,  f4, bf, f4, f8, c4, c8],
    /* f4 */ [f4,  f4,  f4,  f4,  f4,  f4,  f4, f4, f4, f8, c4, c8],
    /* f8 */ [f8,  f8,  f8,  f8,  f8,  f8,  f8, f8, f8, f8, c8, c8],
    /* c4 */ [c4,  c4,  c4,  c4,  c4,  c4,  c4, c4, c4, c8, c4, c8],
    /* c8 */ [c8,  c8,  c8,  c8,  c8,  c8,  c8, c8, c8, c8, c8, c8],
];

/// The dtype that two tensors of these dtypes meet in (`torch.promote_types`).
///
/// ```
/// use flambeau_types::{promote_types, DType};
/// assert_eq!(promote_types(DType::U8, DType::I8), DType::I16);
/// assert_eq!(promote_types(DType::F16, DType::BF16), DType::F32);
/// ```
#[inline]
pub fn promote_types(x: DType, y: DType) -> DType {
    TABLE[x as usize][y as usize]
}

/// Collects operands and tells the dtype they meet in. Tensors with dimensions come first, then 0-d tensors, then
/// numbers: a later group counts only if its [`Kind`] is higher than all before it.
#[derive(Clone, Copy, Default, Debug)]
pub struct Promotion {
    dims: Option<DType>,
    zero_dim: Option<DType>,
    number: Option<Scalar>,
}

impl Promotion {
    /// No operand yet.
    pub fn new() -> Promotion {
        Promotion::default()
    }

    /// Adds a tensor.
    #[inline]
    pub fn tensor(&mut self, dtype: DType, zero_dim: bool) {
        let slot = if zero_dim { &mut self.zero_dim } else { &mut self.dims };
        *slot = Some(slot.map_or(dtype, |d| promote_types(d, dtype)));
    }

    /// Adds a number.
    #[inline]
    pub fn number(&mut self, s: Scalar) {
        if self.number.is_none_or(|n| n.kind() < s.kind()) {
            self.number = Some(s);
        }
    }

    /// The result, given the default floating-point dtype (`torch.result_type`).
    pub fn result(&self, default_float: DType) -> DType {
        let number = self.number.map(|s| s.dtype(default_float));
        let weaker = |strong: Option<DType>, weak: Option<DType>| match (strong, weak) {
            (Some(s), Some(w)) if w.kind() > s.kind() => Some(match (s.kind(), w.kind()) {
                // A complex number meeting a real tensor keeps the tensor's precision.
                (Kind::Float, Kind::Complex) => {
                    promote_types(s, if s == DType::F64 { DType::C128 } else { DType::C64 })
                }
                _ => w,
            }),
            (Some(s), _) => Some(s),
            (None, w) => w,
        };
        weaker(weaker(self.dims, self.zero_dim), number).unwrap_or(default_float)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_symmetric_and_idempotent() {
        for x in DType::ALL {
            assert_eq!(promote_types(x, x), x);
            for y in DType::ALL {
                assert_eq!(promote_types(x, y), promote_types(y, x));
                assert!(promote_types(x, y).kind() >= x.kind().max(y.kind()));
            }
        }
    }

    #[test]
    fn numbers_are_weak() {
        let meet = |d, s: Scalar| {
            let mut p = Promotion::new();
            p.tensor(d, false);
            p.number(s);
            p.result(DType::F32)
        };
        assert_eq!(meet(DType::U8, 300.into()), DType::U8);
        assert_eq!(meet(DType::I32, 1.5.into()), DType::F32);
        assert_eq!(meet(DType::F16, 1.5.into()), DType::F16);
        assert_eq!(meet(DType::F64, Scalar::Complex(num_complex::Complex64::i())), DType::C128);
    }
}
