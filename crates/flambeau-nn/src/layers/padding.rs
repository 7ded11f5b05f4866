//! Layers that make their input larger at its edges.

use flambeau_tensor::{Result, Tensor};

use super::{PaddingMode, Sizes};
use crate::module::{python_float, python_tuple};
use crate::{Forward, Module};

/// Adds elements at the edges of the last `N` dimensions. Shape: `*s -> *s'`.
///
/// ```
/// use flambeau_nn::{Forward, Pad, PaddingMode};
/// use flambeau_tensor::Tensor;
///
/// let layer = Pad::<1>::new(1, PaddingMode::Reflect);
/// let y = layer.forward(&Tensor::of(&[1.0f32, 2.0, 3.0], &[1, 3])?)?;
/// assert_eq!(y.to_vec::<f32>()?, [2.0, 1.0, 2.0, 3.0, 2.0]);
/// assert_eq!(format!("{layer}"), "ReflectionPad1d((1, 1))");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[doc(alias = "ReflectionPad1d")]
#[doc(alias = "ReflectionPad2d")]
#[doc(alias = "ReflectionPad3d")]
#[doc(alias = "ReplicationPad1d")]
#[doc(alias = "ReplicationPad2d")]
#[doc(alias = "ReplicationPad3d")]
#[doc(alias = "ZeroPad1d")]
#[doc(alias = "ZeroPad2d")]
#[doc(alias = "ZeroPad3d")]
#[doc(alias = "ConstantPad1d")]
#[doc(alias = "ConstantPad2d")]
#[doc(alias = "ConstantPad3d")]
#[doc(alias = "CircularPad1d")]
#[doc(alias = "CircularPad2d")]
#[doc(alias = "CircularPad3d")]
#[derive(Clone, Module)]
#[module(name = self.title(), extra_repr = Self::settings)]
pub struct Pad<const N: usize> {
    /// Before and after each dimension, the last one first.
    sides: Vec<i64>,
    #[module(skip)]
    mode: PaddingMode,
    /// What is added, where the mode is zeros.
    value: f64,
}

impl<const N: usize> Pad<N> {
    /// So many elements before and after each dimension.
    pub fn new(padding: impl Into<Sizes<N>>, mode: PaddingMode) -> Pad<N> {
        let each = padding.into().each;
        Pad { sides: each.iter().rev().flat_map(|&n| [n, n]).collect(), mode, value: 0.0 }
    }

    /// So many elements before and after each dimension: pairs, the last dimension first.
    pub fn with_sides(sides: [(i64, i64); N], mode: PaddingMode) -> Pad<N> {
        Pad { sides: sides.iter().flat_map(|&(before, after)| [before, after]).collect(), mode, value: 0.0 }
    }

    /// Another value in place of zeros (`ConstantPad1d` ...).
    pub fn filled_with(self, value: f64) -> Pad<N> {
        Pad { value, ..self }
    }

    fn title(&self) -> &'static str {
        match self.mode {
            PaddingMode::Zeros if self.value == 0.0 => ["ZeroPad1d", "ZeroPad2d", "ZeroPad3d"][N - 1],
            PaddingMode::Zeros => ["ConstantPad1d", "ConstantPad2d", "ConstantPad3d"][N - 1],
            PaddingMode::Reflect => ["ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d"][N - 1],
            PaddingMode::Replicate => ["ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d"][N - 1],
            PaddingMode::Circular => ["CircularPad1d", "CircularPad2d", "CircularPad3d"][N - 1],
        }
    }

    fn settings(&self) -> String {
        let sides = python_tuple(&self.sides);
        if self.value == 0.0 { sides } else { format!("padding={sides}, value={}", python_float(self.value)) }
    }
}

impl<const N: usize> Forward for Pad<N> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        match self.mode {
            PaddingMode::Zeros => input.pad_with(&self.sides, "constant", Some(self.value)),
            mode => input.pad_with(&self.sides, mode.name(), None),
        }
    }
}
