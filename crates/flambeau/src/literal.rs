//! `tensor!`: tensors written out.

use flambeau_tensor::{DType, Element, Tensor, default_dtype};

/// A number that can stand in [`tensor!`](crate::tensor).
pub trait LiteralElement: Copy {
    /// The element that the tensor is first made of.
    type Element: Element;
    /// The number as that element.
    fn element(self) -> Self::Element;
    /// The dtype that the tensor gets.
    fn dtype() -> DType {
        Self::Element::DTYPE
    }
}

macro_rules! elements {
    ($($t:ty => $e:ty),*) => {$(
        impl LiteralElement for $t {
            type Element = $e;
            fn element(self) -> $e {
                self.into()
            }
        }
    )*};
}
elements!(bool => bool, u8 => u8, i32 => i64, i64 => i64, f32 => f32);

impl LiteralElement for f64 {
    type Element = f64;
    fn element(self) -> f64 {
        self
    }
    /// A float without a suffix is of the default dtype, float32, as in Python.
    fn dtype() -> DType {
        default_dtype()
    }
}

/// A number, or arrays of numbers nested to any depth.
pub trait Literal {
    /// The numbers in it.
    type Number: LiteralElement;
    /// The sizes, the outermost first.
    fn sizes() -> Vec<i64>;
    /// Adds the elements in row-major order.
    fn append(&self, out: &mut Vec<<Self::Number as LiteralElement>::Element>);
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl Literal for $t {
            type Number = $t;
            fn sizes() -> Vec<i64> {
                Vec::new()
            }
            fn append(&self, out: &mut Vec<<$t as LiteralElement>::Element>) {
                out.push(self.element());
            }
        }
    )*};
}
numbers!(bool, u8, i32, i64, f32, f64);

impl<T: Literal, const N: usize> Literal for [T; N] {
    type Number = T::Number;
    fn sizes() -> Vec<i64> {
        let mut sizes = vec![N as i64];
        sizes.extend(T::sizes());
        sizes
    }
    fn append(&self, out: &mut Vec<<T::Number as LiteralElement>::Element>) {
        self.iter().for_each(|part| part.append(out));
    }
}

/// The tensor of nested arrays, for [`tensor!`](crate::tensor).
#[doc(hidden)]
pub fn tensor<L: Literal>(literal: &L) -> Tensor {
    let mut elements = Vec::new();
    literal.append(&mut elements);
    Tensor::of(&elements, &L::sizes())
        .and_then(|t| t.to_dtype(L::Number::dtype()))
        .unwrap_or_else(|e| panic!("tensor!: {}", e.message()))
}

/// A tensor written out: arrays nested to any depth. Rows of different lengths do not compile.
///
/// Dtypes are Python's: a float without a suffix makes the default dtype, float32, an integer int64, `true` and `false` bool;
/// `1f32` and `1u8` say it themselves. Panics if there is no memory for it.
///
/// ```
/// use flambeau::{DType, tensor};
///
/// let matrix = tensor![[1., 2.], [3., 4.]];
/// assert_eq!(format!("{matrix}"), "tensor([[1., 2.],\n        [3., 4.]])");
/// assert_eq!((matrix.size(), matrix.dtype()), (&[2, 2][..], DType::F32));
///
/// assert_eq!(tensor![1, 2, -3].dtype(), DType::I64);
/// assert_eq!(tensor![true, false].dtype(), DType::Bool);
/// assert_eq!(tensor![[[1., 2., 3.]]].size(), [1, 1, 3]);
/// assert_eq!(tensor![].size(), [0]);
/// ```
#[macro_export]
macro_rules! tensor {
    () => { $crate::__tensor::<[f64; 0]>(&[]) };
    ($($part:expr),+ $(,)?) => { $crate::__tensor(&[$($part),+]) };
}
