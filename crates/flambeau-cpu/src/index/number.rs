//! Arithmetic on elements for the kernels that accumulate.

use flambeau_types::{Complex32, Complex64, Element, bf16, f16};

/// An element with the arithmetic that accumulation needs. Integers wrap; bool adds as "or" and multiplies as "and".
pub(crate) trait Number: Element {
    /// What a sum is held in: f32 for the half types, else the element's own type.
    type Acc: Number<Acc = Self::Acc>;
    /// To the accumulator.
    fn widen(self) -> Self::Acc;
    /// From the accumulator, rounding once.
    fn narrow(acc: Self::Acc) -> Self;
    /// Sum; a half type rounds.
    fn add(self, other: Self) -> Self;
    /// Product; a half type rounds.
    fn mul(self, other: Self) -> Self;
    /// Quotient; integers round towards negative infinity.
    fn div(self, other: Self) -> Self;
    /// The larger; NaN wins. A complex number has no order: the first is returned.
    fn larger(self, other: Self) -> Self;
    /// The smaller; NaN wins.
    fn smaller(self, other: Self) -> Self;
    /// The smallest value, minus infinity for floats.
    fn lowest() -> Self;
    /// The largest value, infinity for floats.
    fn highest() -> Self;
    /// One.
    fn one() -> Self;
}

macro_rules! integer {
    ($($t:ty),*) => {$(
        impl Number for $t {
            type Acc = $t;
            #[inline(always)] fn widen(self) -> $t { self }
            #[inline(always)] fn narrow(acc: $t) -> $t { acc }
            #[inline(always)] fn add(self, o: $t) -> $t { self.wrapping_add(o) }
            #[inline(always)] fn mul(self, o: $t) -> $t { self.wrapping_mul(o) }
            #[inline(always)] fn div(self, o: $t) -> $t {
                if o == 0 { return 0 }
                let q = self.wrapping_div(o);
                if self.wrapping_rem(o) != 0 && ((self ^ o) as i64) < 0 { q.wrapping_sub(1) } else { q }
            }
            #[inline(always)] fn larger(self, o: $t) -> $t { Ord::max(self, o) }
            #[inline(always)] fn smaller(self, o: $t) -> $t { Ord::min(self, o) }
            #[inline(always)] fn lowest() -> $t { <$t>::MIN }
            #[inline(always)] fn highest() -> $t { <$t>::MAX }
            #[inline(always)] fn one() -> $t { 1 }
        }
    )*};
}
integer!(u8, i8, i16, i32, i64);

impl Number for bool {
    type Acc = bool;
    #[inline(always)]
    fn widen(self) -> bool {
        self
    }
    #[inline(always)]
    fn narrow(acc: bool) -> bool {
        acc
    }
    #[inline(always)]
    fn add(self, o: bool) -> bool {
        self | o
    }
    #[inline(always)]
    fn mul(self, o: bool) -> bool {
        self & o
    }
    #[inline(always)]
    fn div(self, _: bool) -> bool {
        self
    }
    #[inline(always)]
    fn larger(self, o: bool) -> bool {
        self | o
    }
    #[inline(always)]
    fn smaller(self, o: bool) -> bool {
        self & o
    }
    #[inline(always)]
    fn lowest() -> bool {
        false
    }
    #[inline(always)]
    fn highest() -> bool {
        true
    }
    #[inline(always)]
    fn one() -> bool {
        true
    }
}

macro_rules! float {
    ($($t:ty),*) => {$(
        impl Number for $t {
            type Acc = $t;
            #[inline(always)] fn widen(self) -> $t { self }
            #[inline(always)] fn narrow(acc: $t) -> $t { acc }
            #[inline(always)] fn add(self, o: $t) -> $t { self + o }
            #[inline(always)] fn mul(self, o: $t) -> $t { self * o }
            #[inline(always)] fn div(self, o: $t) -> $t { self / o }
            #[inline(always)] fn larger(self, o: $t) -> $t { if o > self || o.is_nan() { o } else { self } }
            #[inline(always)] fn smaller(self, o: $t) -> $t { if o < self || o.is_nan() { o } else { self } }
            #[inline(always)] fn lowest() -> $t { <$t>::NEG_INFINITY }
            #[inline(always)] fn highest() -> $t { <$t>::INFINITY }
            #[inline(always)] fn one() -> $t { 1.0 }
        }
    )*};
}
float!(f32, f64);

macro_rules! half {
    ($($t:ty),*) => {$(
        impl Number for $t {
            type Acc = f32;
            #[inline(always)] fn widen(self) -> f32 { self.to_f32() }
            #[inline(always)] fn narrow(acc: f32) -> $t { <$t>::from_f32(acc) }
            #[inline(always)] fn add(self, o: $t) -> $t { <$t>::from_f32(self.to_f32() + o.to_f32()) }
            #[inline(always)] fn mul(self, o: $t) -> $t { <$t>::from_f32(self.to_f32() * o.to_f32()) }
            #[inline(always)] fn div(self, o: $t) -> $t { <$t>::from_f32(self.to_f32() / o.to_f32()) }
            #[inline(always)] fn larger(self, o: $t) -> $t { if o > self || o.is_nan() { o } else { self } }
            #[inline(always)] fn smaller(self, o: $t) -> $t { if o < self || o.is_nan() { o } else { self } }
            #[inline(always)] fn lowest() -> $t { <$t>::NEG_INFINITY }
            #[inline(always)] fn highest() -> $t { <$t>::INFINITY }
            #[inline(always)] fn one() -> $t { <$t>::ONE }
        }
    )*};
}
half!(f16, bf16);

macro_rules! complex {
    ($($t:ty),*) => {$(
        impl Number for $t {
            type Acc = $t;
            #[inline(always)] fn widen(self) -> $t { self }
            #[inline(always)] fn narrow(acc: $t) -> $t { acc }
            #[inline(always)] fn add(self, o: $t) -> $t { self + o }
            #[inline(always)] fn mul(self, o: $t) -> $t { self * o }
            #[inline(always)] fn div(self, o: $t) -> $t { self / o }
            #[inline(always)] fn larger(self, _: $t) -> $t { self }
            #[inline(always)] fn smaller(self, _: $t) -> $t { self }
            #[inline(always)] fn lowest() -> $t { <$t>::default() }
            #[inline(always)] fn highest() -> $t { <$t>::default() }
            #[inline(always)] fn one() -> $t { <$t>::new(1.0, 0.0) }
        }
    )*};
}
complex!(Complex32, Complex64);
