use std::fmt;

use crate::module::python_tuple;

/// A size, step or padding of each of `N` dimensions: one number for all, or one each.
///
/// ```
/// use flambeau_nn::Sizes;
/// assert_eq!(Sizes::<2>::from(3), Sizes::from((3, 3)));
/// assert_eq!(format!("{} {}", Sizes::<2>::from(3), Sizes::from((3, 5))), "3 (3, 5)");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sizes<const N: usize> {
    /// The numbers, the first dimension first.
    pub each: [i64; N],
    /// Whether one number was given for all: it is printed so.
    one: bool,
}

/// Height and width.
pub type Pair = Sizes<2>;

impl<const N: usize> Sizes<N> {
    /// As Python prints a tuple.
    pub(super) fn tuple(&self) -> String {
        python_tuple(&self.each)
    }

    /// True if each is this number.
    pub(super) fn all(&self, n: i64) -> bool {
        self.each == [n; N]
    }
}

impl<const N: usize> PartialEq for Sizes<N> {
    fn eq(&self, other: &Self) -> bool {
        self.each == other.each
    }
}
impl<const N: usize> Eq for Sizes<N> {}

impl<const N: usize> From<i64> for Sizes<N> {
    fn from(n: i64) -> Sizes<N> {
        Sizes { each: [n; N], one: true }
    }
}
impl<const N: usize> From<[i64; N]> for Sizes<N> {
    fn from(each: [i64; N]) -> Sizes<N> {
        Sizes { each, one: false }
    }
}
impl From<(i64, i64)> for Sizes<2> {
    fn from((height, width): (i64, i64)) -> Sizes<2> {
        Sizes::from([height, width])
    }
}
impl From<(i64, i64, i64)> for Sizes<3> {
    fn from((depth, height, width): (i64, i64, i64)) -> Sizes<3> {
        Sizes::from([depth, height, width])
    }
}

/// One number where one was given, else a tuple.
impl<const N: usize> fmt::Display for Sizes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.one { write!(f, "{}", self.each[0]) } else { f.write_str(&self.tuple()) }
    }
}
