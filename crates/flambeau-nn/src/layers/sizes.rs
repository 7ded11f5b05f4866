use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::module::python_tuple;

/// A size, step or padding of each of `N` dimensions: one number for all, or one each.
///
/// ```
/// use flambeau_nn::Sizes;
/// assert_eq!(Sizes::<2>::from(3), Sizes::from((3, 3)));
/// assert_eq!(format!("{} {}", Sizes::<2>::from(3), Sizes::from((3, 5))), "3 (3, 5)");
/// ```
#[derive(Clone, Copy)]
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

/// 0 in each dimension, where a configuration says nothing.
pub(super) fn zero<const N: usize>() -> Sizes<N> {
    Sizes::from(0)
}

/// 1 in each dimension, where a configuration says nothing.
pub(super) fn one<const N: usize>() -> Sizes<N> {
    Sizes::from(1)
}

/// What a configuration leaves out is true.
pub(super) fn yes() -> bool {
    true
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
/// As [`Display`](fmt::Display), so that options with sizes read well.
impl<const N: usize> fmt::Debug for Sizes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> fmt::Display for Sizes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.one { write!(f, "{}", self.each[0]) } else { f.write_str(&self.tuple()) }
    }
}

/// One number where one was given, else a list.
impl<const N: usize> Serialize for Sizes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.one { self.each[0].serialize(serializer) } else { self.each.as_slice().serialize(serializer) }
    }
}

/// What a configuration may give for sizes.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Given {
    One(i64),
    Each(Vec<i64>),
    Word(String),
}

impl Given {
    pub(super) fn sizes<const N: usize, E: Error>(self) -> Result<Sizes<N>, E> {
        match self {
            Given::One(n) => Ok(Sizes::from(n)),
            Given::Each(each) => match <[i64; N]>::try_from(each) {
                Ok(each) => Ok(Sizes::from(each)),
                Err(each) => Err(E::custom(format!("{N} sizes are wanted, but there are {}", each.len()))),
            },
            Given::Word(word) => Err(E::custom(format!("a size or {N} sizes are wanted, but got '{word}'"))),
        }
    }
}

impl<'de, const N: usize> Deserialize<'de> for Sizes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sizes<N>, D::Error> {
        Given::deserialize(deserializer)?.sizes()
    }
}
