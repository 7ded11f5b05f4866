//! Arguments of operators on their way through the dispatcher.

use smallvec::SmallVec;

use super::val::Val;
use crate::{DType, Device, Dims, Error, Generator, MemoryFormat, Result, Scalar, Tensor};

/// One argument.
#[derive(Clone, Default)]
pub enum Arg {
    /// Not given.
    #[default]
    None,
    /// A tensor.
    Tensor(Tensor),
    /// A number or boolean.
    Number(Scalar),
    /// Integers.
    Ints(Dims),
    /// Real numbers.
    Floats(Vec<f64>),
    /// Tensors.
    Tensors(Vec<Tensor>),
    /// Tensors and gaps.
    OptTensors(Vec<Option<Tensor>>),
    /// A dtype.
    DType(DType),
    /// A device.
    Device(Device),
    /// A word.
    Str(Box<str>),
    /// A memory format.
    Format(MemoryFormat),
    /// A random stream.
    Generator(Generator),
    /// What makers of tensors take.
    Options(Options),
}

/// The arguments of one call.
pub type Args = SmallVec<[Arg; 4]>;

/// The results of one call.
pub type Outputs = SmallVec<[Tensor; 1]>;

/// The one output.
#[inline]
pub fn take_one(mut out: Outputs) -> Tensor {
    debug_assert_eq!(out.len(), 1);
    out.swap_remove(0)
}

/// All outputs.
#[inline]
pub fn take_list(out: Outputs) -> Vec<Tensor> {
    out.into_vec()
}

/// Where and of what a new tensor is made: unset fields take the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// The dtype.
    pub dtype: Option<DType>,
    /// The device.
    pub device: Option<Device>,
    /// Whether gradients are wanted.
    pub requires_grad: bool,
}

impl Options {
    /// Reads the options behind an operator's own arguments.
    pub fn from_args(rest: &[Arg]) -> Options {
        match rest.first() {
            Some(Arg::Options(o)) => *o,
            _ => Options::default(),
        }
    }

    /// Options with only a dtype.
    pub fn dtype(dtype: DType) -> Options {
        Options { dtype: Some(dtype), ..Options::default() }
    }

    /// The options of tensors like `t`.
    pub fn like(t: &Tensor) -> Options {
        Options { dtype: Some(t.dtype()), device: Some(t.device()), requires_grad: false }
    }

    /// These options, with gaps filled from `t`.
    pub fn or_like(self, t: &Tensor) -> Options {
        Options { dtype: self.dtype.or(Some(t.dtype())), device: self.device.or(Some(t.device())), ..self }
    }

    /// The dtype, or the default floating-point one.
    pub fn dtype_or_default(&self) -> DType {
        self.dtype.unwrap_or_else(crate::default_dtype)
    }
}

/// A tensor or a number, owned: what the Rust methods of operators take.
#[derive(Clone)]
pub enum Operand {
    /// A tensor.
    Tensor(Tensor),
    /// A number.
    Number(Scalar),
}

/// A tensor or a number, as bodies see it.
#[derive(Clone, Copy)]
pub enum OperandRef<'a> {
    /// A tensor.
    Tensor(&'a Tensor),
    /// A number.
    Number(Scalar),
}

impl OperandRef<'_> {
    /// The operand, owned.
    pub fn own(self) -> Operand {
        match self {
            OperandRef::Tensor(t) => Operand::Tensor(t.clone()),
            OperandRef::Number(s) => Operand::Number(s),
        }
    }
}

impl From<OperandRef<'_>> for Operand {
    fn from(o: OperandRef<'_>) -> Operand {
        o.own()
    }
}

impl From<&Tensor> for Operand {
    fn from(t: &Tensor) -> Operand {
        Operand::Tensor(t.clone())
    }
}

impl From<Tensor> for Operand {
    fn from(t: Tensor) -> Operand {
        Operand::Tensor(t)
    }
}

macro_rules! number {
    ($($t:ty),*) => {$(
        impl From<$t> for Operand {
            fn from(v: $t) -> Operand { Operand::Number(v.into()) }
        }
        impl From<$t> for Arg {
            fn from(v: $t) -> Arg { Arg::Number(v.into()) }
        }
    )*};
}
number!(bool, i32, i64, f32, f64, Scalar);

macro_rules! into_arg {
    ($($t:ty, $v:ident => $e:expr;)*) => {$(
        impl From<$t> for Arg {
            #[inline]
            fn from($v: $t) -> Arg { $e }
        }
    )*};
}
into_arg! {
    Tensor, v => Arg::Tensor(v);
    &Tensor, v => Arg::Tensor(v.clone());
    Operand, v => match v { Operand::Tensor(t) => Arg::Tensor(t), Operand::Number(s) => Arg::Number(s) };
    OperandRef<'_>, v => v.own().into();
    &[i64], v => Arg::Ints(v.into());
    Dims, v => Arg::Ints(v);
    &[f64], v => Arg::Floats(v.to_vec());
    &[Tensor], v => Arg::Tensors(v.to_vec());
    Vec<Tensor>, v => Arg::Tensors(v);
    &[Option<Tensor>], v => Arg::OptTensors(v.to_vec());
    DType, v => Arg::DType(v);
    Device, v => Arg::Device(v);
    &str, v => Arg::Str(v.into());
    MemoryFormat, v => Arg::Format(v);
    &Generator, v => Arg::Generator(v.clone());
    Options, v => Arg::Options(v);
}

impl<const N: usize> From<[i64; N]> for Arg {
    fn from(v: [i64; N]) -> Arg {
        Arg::Ints(v.as_slice().into())
    }
}

impl<T: Into<Arg>> From<Option<T>> for Arg {
    #[inline]
    fn from(v: Option<T>) -> Arg {
        v.map_or(Arg::None, Into::into)
    }
}

/// Reads a body's parameter from an argument. The parser and the typed methods have made sure of its kind.
pub trait FromArg<'a>: Sized {
    /// Reads it.
    fn from_arg(arg: &'a Arg) -> Self;
}

#[cold]
fn mismatch(wanted: &str) -> ! {
    panic!("an operator's argument is not {wanted}: the call was built against another signature")
}

macro_rules! from_arg {
    ($($t:ty, $wanted:literal: $($p:pat => $e:expr),+;)*) => {$(
        impl<'a> FromArg<'a> for $t {
            #[inline]
            fn from_arg(arg: &'a Arg) -> Self {
                match arg { $($p => $e,)+ _ => mismatch($wanted) }
            }
        }
        impl<'a> FromArg<'a> for Option<$t> {
            #[inline]
            fn from_arg(arg: &'a Arg) -> Self {
                match arg { Arg::None => None, other => Some(<$t>::from_arg(other)) }
            }
        }
    )*};
}
from_arg! {
    &'a Tensor, "a tensor": Arg::Tensor(t) => t;
    OperandRef<'a>, "a tensor or a number": Arg::Tensor(t) => OperandRef::Tensor(t), Arg::Number(s) => OperandRef::Number(*s);
    &'a [Tensor], "a list of tensors": Arg::Tensors(t) => t;
    &'a [Option<Tensor>], "a list of tensors": Arg::OptTensors(t) => t;
    Scalar, "a number": Arg::Number(s) => *s;
    i64, "an integer": Arg::Number(s) => s.to_i64();
    f64, "a number": Arg::Number(s) => s.to_f64();
    bool, "a boolean": Arg::Number(s) => s.to_bool();
    &'a [i64], "a list of integers": Arg::Ints(v) => v;
    &'a [f64], "a list of numbers": Arg::Floats(v) => v;
    DType, "a dtype": Arg::DType(d) => *d;
    Device, "a device": Arg::Device(d) => *d;
    &'a str, "a string": Arg::Str(s) => s;
    MemoryFormat, "a memory format": Arg::Format(f) => *f;
    &'a Generator, "a generator": Arg::Generator(g) => g;
}

impl Arg {
    /// Calls `f` with every tensor in it.
    #[inline]
    pub fn each_tensor<'a>(&'a self, f: &mut impl FnMut(&'a Tensor)) {
        match self {
            Arg::Tensor(t) => f(t),
            Arg::Tensors(list) => list.iter().for_each(f),
            Arg::OptTensors(list) => list.iter().flatten().for_each(f),
            _ => {}
        }
    }

    /// Replaces every tensor in it.
    pub fn map_tensors(&mut self, f: &mut impl FnMut(&Tensor) -> Result<Tensor>) -> Result<()> {
        match self {
            Arg::Tensor(t) => *t = f(t)?,
            Arg::Tensors(list) => {
                for t in list {
                    *t = f(t)?;
                }
            }
            Arg::OptTensors(list) => {
                for t in list.iter_mut().flatten() {
                    *t = f(t)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// What a `compute` or `composite` body may give.
pub trait IntoOutputs {
    /// The outputs.
    fn into_outputs(self) -> Result<Outputs>;
}

impl IntoOutputs for Tensor {
    fn into_outputs(self) -> Result<Outputs> {
        Ok(SmallVec::from_buf([self]))
    }
}

impl IntoOutputs for Vec<Tensor> {
    fn into_outputs(self) -> Result<Outputs> {
        Ok(self.into())
    }
}

impl IntoOutputs for (Tensor, Tensor) {
    fn into_outputs(self) -> Result<Outputs> {
        Ok([self.0, self.1].into_iter().collect())
    }
}

impl IntoOutputs for (Tensor, Tensor, Tensor) {
    fn into_outputs(self) -> Result<Outputs> {
        Ok([self.0, self.1, self.2].into_iter().collect())
    }
}

impl IntoOutputs for (Tensor, Tensor, Tensor, Tensor) {
    fn into_outputs(self) -> Result<Outputs> {
        Ok([self.0, self.1, self.2, self.3].into_iter().collect())
    }
}

impl IntoOutputs for (Tensor, Vec<Tensor>) {
    fn into_outputs(self) -> Result<Outputs> {
        Ok(std::iter::once(self.0).chain(self.1).collect())
    }
}

impl IntoOutputs for Val {
    fn into_outputs(self) -> Result<Outputs> {
        self.tensor()?.into_outputs()
    }
}

impl<T: IntoOutputs> IntoOutputs for Result<T, Error> {
    fn into_outputs(self) -> Result<Outputs> {
        self?.into_outputs()
    }
}
