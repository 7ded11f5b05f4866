//! The table of operators. Each is one block in one file, in a room for its kind; [`OPERATORS`] lists them by hand.

mod arg;
mod def;
mod lent;
pub mod rule;
mod sample;
mod val;

pub use arg::{Arg, Args, FromArg, IntoOutputs, Operand, OperandRef, Options, Outputs, take_list, take_one};
pub use def::{
    Body, Capture, Done, How, IntoDType, IntoDTypes, IntoLayouts, IntoViews, KernelFn, Kind, OpDef, Param, Place,
    Quirk, Specs, ViewSpec, Views, Vjp,
};
pub use lent::{Lent, LentArgs, Slot, Term};
pub use sample::{Sample, samples};
pub use val::{Gradient, IntoGradient, Val};

/// The macro that defines an operator.
pub(crate) use flambeau_macros::op;

pub mod binary;
pub mod compare;
pub mod create;
pub mod fft;
pub mod index;
pub mod linalg;
pub mod nn;
pub mod random;
pub mod reduce;
pub mod shape;
pub mod sort;
pub mod unary;

mod list;
pub use binary::power::pow_scalar;
pub use list::*;
pub use shape::convert::{channels_last, laid_like, lay};
