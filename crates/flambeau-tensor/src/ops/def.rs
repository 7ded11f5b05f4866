//! What the table says of an operator.

use flambeau_cpu::loops::MapKernel;
use smallvec::SmallVec;

use super::arg::{Arg, Args, Outputs};
use super::val::Gradient;
use crate::autograd::Formula;
use crate::dispatch::{Locked, OutViews};
use crate::{DType, Dims, Layout, Result};

/// One operator (one overload of it): everything that the Rust method, the Python function, the stub, the reference
/// page and the contract test follow from. Made by `op!`.
pub struct OpDef {
    /// The Python name.
    pub name: &'static str,
    /// What tells overloads of one name apart; empty for the first.
    pub overload: &'static str,
    /// The manual page.
    pub doc: &'static str,
    /// The source file of the block.
    pub file: &'static str,
    /// The parameters, in order.
    pub params: &'static [Param],
    /// The names of the outputs.
    pub outputs: &'static [&'static str],
    /// The last output is a list of tensors: all that come after the others.
    pub list: bool,
    /// Outputs that Python sees only where an argument is true: (output, argument).
    pub shown_if: &'static [(usize, usize)],
    /// Where Python finds it.
    pub places: &'static [Place],
    /// Further names.
    pub aliases: &'static [(Place, &'static str)],
    /// The name of the form that writes its first argument.
    pub inplace: Option<&'static str>,
    /// There is a form that writes into a given tensor.
    pub out: bool,
    /// It makes tensors: it takes dtype, device, requires_grad.
    pub factory: bool,
    /// What `grad_fn` shows.
    pub node: &'static str,
    /// The arguments a kernel needs row-major.
    pub contiguous: &'static [usize],
    /// Its outputs never carry a gradient.
    pub nondifferentiable: bool,
    /// Where it departs from what its kind does.
    pub quirks: &'static [Quirk],
    /// What else the form that writes its first argument asks: an error refuses, false says that there is nothing to write.
    pub inplace_check: Option<InplaceCheck>,
    /// What it does.
    pub body: Body,
    /// The derivative, a line an input.
    pub vjps: &'static [Vjp],
    /// Calls that the contract test tries, in dev builds.
    pub samples: Option<fn() -> Vec<super::Sample>>,
}

impl OpDef {
    /// Whether the block lists a quirk.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

/// Where an operator of PyTorch departs from what its kind does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// The result is row-major, however the inputs lie.
    RowMajor,
    /// A number among a half type is first rounded to it.
    RoundsNumbers,
    /// In place it writes one value, and so may write over expanded tensors.
    OneValue,
    /// On `meta` the outputs after the first are those of PyTorch's GPUs, which keep other statistics than its CPU.
    MetaAsGpu,
    /// In place it refuses inputs that share memory with what it writes.
    Apart,
    /// Its last operand is read as a number before anything is written.
    NumberLast,
    /// In place it refuses inputs that share a part of the memory that it writes.
    SameOrApart,
    /// Its computation takes inputs with their conj and neg bits; others get them written out.
    TakesLazy,
}

/// Looks at the arguments of the form that writes its first one.
pub type InplaceCheck = fn(&[Arg]) -> Result<bool>;

/// A default: how to make it, and how the block wrote it.
pub type Default = (fn() -> Arg, &'static str);

/// A parameter of an operator.
pub struct Param {
    /// Its keyword.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// `None` is taken too.
    pub optional: bool,
    /// It cannot be given by position.
    pub keyword_only: bool,
    /// A list of tensors that may be given one by one.
    pub variadic: bool,
    /// The default, and how the block wrote it.
    pub default: Option<Default>,
}

impl Param {
    /// The argument that stands for one not given.
    pub fn default_arg(&self) -> Arg {
        self.default.map_or(Arg::None, |(make, _)| make())
    }
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tensor.
    Tensor,
    /// A tensor or a number.
    Operand,
    /// A list of tensors.
    Tensors,
    /// A list of tensors and gaps.
    OptTensors,
    /// A number.
    Scalar,
    /// An integer.
    Int,
    /// A real number.
    Float,
    /// A boolean.
    Bool,
    /// A list of integers, or one.
    Dims,
    /// A list of real numbers.
    Floats,
    /// A dtype.
    DType,
    /// A device.
    Device,
    /// A word.
    Str,
    /// A memory format.
    Format,
    /// A source of random numbers.
    Generator,
}

/// Where Python finds an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `Tensor.name`.
    Method,
    /// `torch.name`.
    Function,
    /// `torch.nn.functional.name`.
    Functional,
    /// `torch.linalg.name`.
    Linalg,
    /// `torch.special.name`.
    Special,
    /// `torch.fft.name`.
    Fft,
    /// Only for the package itself.
    Private,
}

/// Picks a loop by the arguments and the dtype the operands meet in, where there is a simpler one.
pub type Shortcut = fn(&[Arg], DType) -> Option<&'static MapKernel>;

/// The one operator that a composite comes down to with these arguments, if it does, and that operator's arguments.
pub type Part = fn(&[Arg]) -> Option<(&'static OpDef, Args)>;

/// What an operator does. Every form gets its arguments in the order of the parameters.
pub enum Body {
    /// Element by element: a formula compiled into loops.
    Map {
        /// The dtype in which the operands meet.
        dtype: fn(&[Arg]) -> Result<DType>,
        /// The arguments that are operands.
        inputs: &'static [usize],
        /// The arguments that are numbers of the formula.
        scalars: &'static [usize],
        /// A loop for each type it computes in.
        kernels: &'static [MapKernel],
        /// Another loop for the operands' dtype, where the arguments allow a simpler one.
        shortcut: Option<Shortcut>,
    },
    /// A kernel that writes into outputs whose shapes and dtypes follow from the arguments alone.
    Kernel {
        /// The outputs.
        specs: fn(&[Arg]) -> Result<Specs>,
        /// The kernel.
        run: KernelFn,
    },
    /// A kernel that writes into its first argument.
    Mutate {
        /// The kernel.
        run: KernelFn,
    },
    /// Another layout over the same memory.
    View(fn(&[Arg]) -> Result<Views>),
    /// Rust code over tensors that autograd does not look into; the derivative is given.
    Compute {
        /// The outputs, where they follow from the arguments alone (for `meta`).
        specs: Option<SpecsFn>,
        /// The code.
        run: fn(&[Arg]) -> Result<Outputs>,
    },
    /// Other operators, through which the derivative follows.
    Composite {
        /// The code.
        run: fn(&[Arg]) -> Result<Outputs>,
        /// The one operator that it comes down to with some arguments: in place that needs no copy.
        shortcut: Option<Part>,
    },
}

/// The outputs of a call, without data.
pub type SpecsFn = fn(&[Arg]) -> Result<Specs>;

/// A kernel: it sees its tensors as views, under lock.
pub type KernelFn = fn(&[Arg], &Locked, &mut OutViews) -> Result<()>;

/// One line of a derivative.
pub struct Vjp {
    /// The argument it gives the gradient of.
    pub input: usize,
    /// What the formula reads.
    pub captures: &'static [Capture],
    /// It reads the gradients of all outputs (`gs`), not only that of the first (`g`).
    pub every_output: bool,
    /// The formula.
    pub run: fn(&Formula) -> Result<Gradient>,
}

/// Something a formula reads: an argument, or (from the number of parameters on) an output.
pub struct Capture {
    /// Which.
    pub slot: usize,
    /// How much of it.
    pub how: How,
}

/// How much of an argument a formula reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A tensor's elements.
    Data,
    /// A tensor's shape and dtype.
    Meta,
    /// An argument that is no tensor.
    Argument,
}

/// The outputs of a kernel before it runs: a dtype and a layout each.
pub struct Specs(pub SmallVec<[(DType, Layout); 1]>);

impl Specs {
    /// Joins what the dtype rule and the shape rule gave; one dtype serves all outputs, as does one shape.
    pub fn new(dtypes: impl IntoDTypes, shapes: impl IntoLayouts) -> Result<Specs> {
        let (dtypes, shapes) = (dtypes.into_dtypes()?, shapes.into_layouts()?);
        let n = dtypes.len().max(shapes.len());
        Ok(Specs((0..n).map(|i| (dtypes[i.min(dtypes.len() - 1)], shapes[i.min(shapes.len() - 1)].clone())).collect()))
    }
}

/// What a `dtype` rule may give for a map.
pub trait IntoDType {
    /// The dtype.
    fn into_dtype(self) -> Result<DType>;
}

impl IntoDType for DType {
    fn into_dtype(self) -> Result<DType> {
        Ok(self)
    }
}

impl IntoDType for Result<DType> {
    fn into_dtype(self) -> Result<DType> {
        self
    }
}

/// What a `dtype` rule may give for a kernel.
pub trait IntoDTypes {
    /// A dtype for each output, or one for all.
    fn into_dtypes(self) -> Result<SmallVec<[DType; 2]>>;
}

impl<T: IntoDType> IntoDTypes for T {
    fn into_dtypes(self) -> Result<SmallVec<[DType; 2]>> {
        Ok(SmallVec::from_elem(self.into_dtype()?, 1))
    }
}

impl<const N: usize> IntoDTypes for [DType; N] {
    fn into_dtypes(self) -> Result<SmallVec<[DType; 2]>> {
        Ok(self.into_iter().collect())
    }
}

impl<const N: usize> IntoDTypes for Result<[DType; N]> {
    fn into_dtypes(self) -> Result<SmallVec<[DType; 2]>> {
        self?.into_dtypes()
    }
}

/// What a `shape` rule may give: sizes (row-major) or whole layouts.
pub trait IntoLayouts {
    /// A layout for each output, or one for all.
    fn into_layouts(self) -> Result<SmallVec<[Layout; 1]>>;
}

impl IntoLayouts for Layout {
    fn into_layouts(self) -> Result<SmallVec<[Layout; 1]>> {
        Ok(SmallVec::from_buf([self]))
    }
}

impl IntoLayouts for &[i64] {
    fn into_layouts(self) -> Result<SmallVec<[Layout; 1]>> {
        Layout::contiguous(self).into_layouts()
    }
}

impl IntoLayouts for Dims {
    fn into_layouts(self) -> Result<SmallVec<[Layout; 1]>> {
        Layout::contiguous(&self).into_layouts()
    }
}

impl IntoLayouts for Vec<Layout> {
    fn into_layouts(self) -> Result<SmallVec<[Layout; 1]>> {
        Ok(self.into_iter().collect())
    }
}

impl<const N: usize> IntoLayouts for [Dims; N] {
    fn into_layouts(self) -> Result<SmallVec<[Layout; 1]>> {
        Ok(self.iter().map(|d| Layout::contiguous(d)).collect())
    }
}

impl IntoLayouts for Vec<Dims> {
    fn into_layouts(self) -> Result<SmallVec<[Layout; 1]>> {
        Ok(self.iter().map(|d| Layout::contiguous(d)).collect())
    }
}

impl<const N: usize> IntoLayouts for [Layout; N] {
    fn into_layouts(self) -> Result<SmallVec<[Layout; 1]>> {
        Ok(self.into_iter().collect())
    }
}

impl<T: IntoLayouts> IntoLayouts for Result<T> {
    fn into_layouts(self) -> Result<SmallVec<[Layout; 1]>> {
        self?.into_layouts()
    }
}

/// What a `view` body gives: a layout, and whether dtype or bits change.
pub struct ViewSpec {
    /// The layout over the same memory.
    pub layout: Layout,
    /// The dtype, where it changes.
    pub dtype: Option<DType>,
    /// The conjugate bit is flipped.
    pub flip_conj: bool,
    /// The negative bit is flipped.
    pub flip_neg: bool,
}

/// The views a `view` body gives.
pub type Views = SmallVec<[ViewSpec; 1]>;

impl From<Layout> for ViewSpec {
    fn from(layout: Layout) -> ViewSpec {
        ViewSpec { layout, dtype: None, flip_conj: false, flip_neg: false }
    }
}

/// What a `view` body may give.
pub trait IntoViews {
    /// The views.
    fn into_views(self) -> Result<Views>;
}

impl IntoViews for Layout {
    fn into_views(self) -> Result<Views> {
        Ok(SmallVec::from_buf([self.into()]))
    }
}

impl IntoViews for ViewSpec {
    fn into_views(self) -> Result<Views> {
        Ok(SmallVec::from_buf([self]))
    }
}

impl IntoViews for Vec<Layout> {
    fn into_views(self) -> Result<Views> {
        Ok(self.into_iter().map(ViewSpec::from).collect())
    }
}

impl<T: IntoViews> IntoViews for Result<T> {
    fn into_views(self) -> Result<Views> {
        self?.into_views()
    }
}

/// What a `kernel` body may give.
pub trait Done {
    /// Success or an error.
    fn done(self) -> Result<()>;
}

impl Done for () {
    fn done(self) -> Result<()> {
        Ok(())
    }
}

impl Done for Result<()> {
    fn done(self) -> Result<()> {
        self
    }
}
