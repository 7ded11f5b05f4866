//! Elementwise operators: broadcasting, promotion, the layout of the result, the choice of loop.

use flambeau_cpu::loops::{self, MapKernel};
use flambeau_cpu::{View, ViewMut};
use smallvec::SmallVec;

use super::{Locked, overlap};
use crate::ops::{Arg, Body, OpDef, Outputs};
use crate::{DType, Device, Dims, Element, Error, Kind, Layout, Result, Scalar, Tensor, broadcast_shapes};

/// What a call comes to before any element is touched.
struct Plan<'a> {
    inputs: SmallVec<[Input<'a>; 3]>,
    params: SmallVec<[Scalar; 2]>,
    kernel: &'static MapKernel,
    out_dtype: DType,
    sizes: Dims,
    device: Device,
}

enum Input<'a> {
    Tensor(std::borrow::Cow<'a, Tensor>),
    /// A number, stored as the type the loop computes in.
    Number([u8; 16]),
}

impl<'a> Plan<'a> {
    fn new(op: &'static OpDef, args: &'a [Arg]) -> Result<Plan<'a>> {
        let Body::Map { dtype, inputs, scalars, kernels } = &op.body else {
            unreachable!("only elementwise operators come here")
        };
        let common = dtype(args)?;
        let kernel = pick(kernels, common).ok_or_else(|| unsupported(op, common))?;
        let mut sizes: Option<Dims> = None;
        let mut device = Device::Cpu;
        let mut list = SmallVec::new();
        for &i in *inputs {
            match &args[i] {
                Arg::Tensor(t) => {
                    if t.device() == Device::Meta {
                        device = Device::Meta;
                    }
                    sizes = Some(match sizes {
                        None => t.sizes(),
                        Some(s) if s.as_slice() == t.size() => s,
                        Some(s) => broadcast_shapes(&s, t.size())?,
                    });
                    let t = if t.is_conj() || t.is_neg() {
                        std::borrow::Cow::Owned(t.resolve()?)
                    } else {
                        std::borrow::Cow::Borrowed(t)
                    };
                    list.push(Input::Tensor(t));
                }
                Arg::Number(s) => list.push(Input::Number(number(*s, kernel.compute, common))),
                _ => {
                    return Err(Error::type_(format!(
                        "{}(): argument '{}' must be a tensor or a number",
                        op.name, op.params[i].name
                    )));
                }
            }
        }
        let params = scalars
            .iter()
            .map(|&i| match &args[i] {
                Arg::Number(s) => Ok(*s),
                _ => Err(Error::type_(format!("{}(): argument '{}' must be a number", op.name, op.params[i].name))),
            })
            .collect::<Result<_>>()?;
        let out_dtype = if kernel.out == DType::Bool && common != DType::Bool {
            DType::Bool
        } else if kernel.out != kernel.compute && kernel.compute.is_complex() {
            common.to_real()
        } else {
            common
        };
        Ok(Plan { inputs: list, params, kernel, out_dtype, sizes: sizes.unwrap_or_default(), device })
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor> + Clone {
        self.inputs.iter().filter_map(|i| match i {
            Input::Tensor(t) => Some(&**t),
            Input::Number(_) => None,
        })
    }

    fn run(&self, out: &Tensor) {
        if self.device == Device::Meta {
            return;
        }
        let tensors: SmallVec<[&Tensor; 3]> = self.tensors().collect();
        let strides: SmallVec<[Dims; 3]> = self
            .inputs
            .iter()
            .map(|i| if let Input::Tensor(t) = i { broadcast_strides(t, &self.sizes) } else { zeros(self.sizes.len()) })
            .collect();
        Locked::run(&tensors, std::slice::from_ref(out), |locked, outs| {
            let views: SmallVec<[View; 3]> = self
                .inputs
                .iter()
                .zip(&strides)
                .map(|(input, s)| match input {
                    // SAFETY: broadcasting repeats elements that the tensor has.
                    Input::Tensor(t) => unsafe { locked.view(t).with(&self.sizes, s) },
                    // SAFETY: every stride is 0: the one element is on this stack.
                    Input::Number(bytes) => unsafe { View::new(bytes.as_ptr(), self.kernel.compute, &self.sizes, s) },
                })
                .collect();
            let out: ViewMut = outs.next();
            if overlaps_itself(out.sizes(), out.strides()) {
                let order = memory_order(self.tensors().map(|t| t.layout()), &self.sizes);
                overlap::map_in_order(self.kernel, out, &views, &self.params, &order);
            } else {
                loops::map(self.kernel, out, &views, &self.params);
            }
        });
    }
}

/// Whether two indices may reach one element. Dense layouts, the usual ones, are told at once.
fn overlaps_itself(sizes: &[i64], strides: &[i64]) -> bool {
    let mut expected = 1;
    let contiguous = sizes.iter().zip(strides).rev().all(|(&n, &s)| {
        let fits = n == 1 || s == expected;
        expected *= n;
        fits
    });
    !contiguous && overlap::may_overlap(sizes, strides)
}

fn zeros(n: usize) -> Dims {
    SmallVec::from_elem(0, n)
}

/// The loop that computes in the type that `common` computes in.
fn pick(kernels: &'static [MapKernel], common: DType) -> Option<&'static MapKernel> {
    let wanted = match common.kind() {
        Kind::Int => DType::I64,
        Kind::Bool => DType::U8,
        _ => common.compute(),
    };
    let is = |k: &&MapKernel| k.compute == wanted || (wanted == DType::U8 && k.compute == DType::Bool);
    kernels.iter().find(is)
}

#[cold]
fn unsupported(op: &OpDef, dtype: DType) -> Error {
    Error::not_implemented(format!("\"{}_cpu\" not implemented for '{}'", op.name, dtype.title()))
}

/// A number's bytes in the type the loop computes in, rounded first as an element of `common` would be.
fn number(s: Scalar, compute: DType, common: DType) -> [u8; 16] {
    let mut bytes = [0; 16];
    macro_rules! put {
        ($t:ty) => {{
            let v = <$t as Element>::from_scalar(s);
            // SAFETY: no element is larger than 16 bytes.
            unsafe { bytes.as_mut_ptr().cast::<$t>().write_unaligned(v) }
        }};
    }
    match (compute, common) {
        (DType::F32, DType::F32 | DType::F16 | DType::BF16) => put!(f32),
        (DType::F64, _) => put!(f64),
        (DType::C64, _) => put!(crate::Complex32),
        (DType::C128, _) => put!(crate::Complex64),
        (DType::I64, _) => put!(i64),
        (DType::U8 | DType::Bool, _) => bytes[0] = s.to_bool() as u8,
        _ => put!(f32),
    }
    bytes
}

fn broadcast_strides(t: &Tensor, sizes: &[i64]) -> Dims {
    if t.size() == sizes {
        return t.layout().strides.clone();
    }
    let skip = sizes.len() - t.dim();
    let mut out = zeros(sizes.len());
    for (d, (&n, &s)) in t.size().iter().zip(t.stride()).enumerate() {
        if n != 1 {
            out[skip + d] = s;
        }
    }
    out
}

/// Runs into a new tensor.
pub(super) fn fresh(op: &'static OpDef, args: &[Arg]) -> Result<Outputs> {
    let plan = Plan::new(op, args)?;
    let layout = result_layout(plan.tensors().map(|t| t.layout()), &plan.sizes);
    let out = Tensor::alloc(layout, plan.out_dtype, plan.device);
    plan.run(&out);
    Ok(SmallVec::from_buf([out]))
}

/// Runs into a tensor that is there.
pub(super) fn into(op: &'static OpDef, args: &[Arg], out: &Tensor, inplace: bool) -> Result<()> {
    let plan = Plan::new(op, args)?;
    super::check_castable(plan.out_dtype, out.dtype())?;
    if plan.sizes.as_slice() != out.size() {
        if inplace || broadcast_shapes(&plan.sizes, out.size()).is_ok_and(|s| s.as_slice() == out.size()) {
            return Err(Error::runtime(format!(
                "output with shape {:?} doesn't match the broadcast shape {:?}",
                out.size(),
                plan.sizes.as_slice()
            )));
        }
        return Err(Error::runtime("the output of an elementwise operator has another shape"));
    }
    // Memory shared with an input is fine element for element, and read from a copy otherwise.
    if plan.tensors().any(|t| overlaps_otherwise(t, out, &plan.sizes)) {
        let layout = result_layout(plan.tensors().map(|t| t.layout()), &plan.sizes);
        let tmp = Tensor::alloc(layout, plan.out_dtype, plan.device);
        plan.run(&tmp);
        return out.copy_(&tmp).map(|_| ());
    }
    plan.run(out);
    Ok(())
}

/// Runs into `out` if it has the right shape already.
pub(super) fn into_out(op: &'static OpDef, args: &[Arg], out: &Tensor) -> Result<bool> {
    let plan = Plan::new(op, args)?;
    if plan.sizes.as_slice() != out.size() || out.device() != plan.device {
        return Ok(false);
    }
    super::check_no_inner_overlap(out)?;
    into(op, args, out, false)?;
    Ok(true)
}

fn overlaps_otherwise(t: &Tensor, out: &Tensor, sizes: &[i64]) -> bool {
    if t.storage().id() != out.storage().id()
        || (t.size() == sizes && t.layout() == out.layout() && t.dtype() == out.dtype())
    {
        return false;
    }
    match (t.layout().extent(), out.layout().extent()) {
        (Some((a, b)), Some((c, d))) => a <= d && c <= b,
        _ => false,
    }
}

/// The layout of an elementwise result: dense, its dimensions in the order in which they lie in the inputs' memory, the
/// first input deciding (PyTorch's TensorIterator).
pub(super) fn result_layout<'a>(inputs: impl Iterator<Item = &'a Layout> + Clone, sizes: &[i64]) -> Layout {
    if inputs.clone().all(|l| l.sizes.as_slice() == sizes && l.is_contiguous()) {
        return Layout::contiguous(sizes);
    }
    let mut first = inputs.clone();
    if let Some(f) = first.next()
        && f.sizes.as_slice() == sizes
        && f.is_dense()
        && first.all(|l| l.sizes == f.sizes && l.strides == f.strides)
    {
        return Layout { sizes: sizes.into(), strides: f.strides.clone(), offset: 0 };
    }
    let mut layout = Layout { sizes: sizes.into(), strides: zeros(sizes.len()), offset: 0 };
    let mut step = 1;
    for d in memory_order(inputs, sizes) {
        layout.strides[d] = step;
        step *= sizes[d].max(1);
    }
    layout
}

/// The dimensions in the order in which they lie in the inputs' memory, the fastest first.
fn memory_order<'a>(inputs: impl Iterator<Item = &'a Layout> + Clone, sizes: &[i64]) -> SmallVec<[usize; 6]> {
    let n = sizes.len();
    let stride = |l: &Layout, d: usize| {
        let skip = n - l.sizes.len();
        if d < skip || (l.sizes[d - skip] == 1 && sizes[d] != 1) { 0 } else { l.strides[d - skip] }
    };
    // Positive when `a` should come after `b`, counting from the fastest dimension.
    let order = |a: usize, b: usize| {
        for l in inputs.clone() {
            let (x, y) = (stride(l, a), stride(l, b));
            if x == 0 || y == 0 {
                continue;
            }
            if x != y {
                return if x < y { -1 } else { 1 };
            }
            if sizes[a] > sizes[b] {
                return 1;
            }
        }
        0
    };
    let mut perm: SmallVec<[usize; 6]> = (0..n).rev().collect();
    for i in 1..n {
        let mut at = i;
        for before in (0..i).rev() {
            match order(perm[before], perm[at]) {
                1 => {
                    perm.swap(before, at);
                    at = before;
                }
                -1 => break,
                _ => {}
            }
        }
    }
    perm
}
