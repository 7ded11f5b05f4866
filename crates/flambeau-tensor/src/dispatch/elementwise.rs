//! Elementwise operators: broadcasting, promotion, the layout of the result, the choice of loop.

use flambeau_cpu::View;
use flambeau_cpu::loops::{self, MAX_INPUTS, MapKernel};
use smallvec::SmallVec;

use super::{Locked, OutViews, lock, overlap};
use crate::ops::{Arg, Body, OpDef, Quirk};
use crate::{DType, Device, Dims, Element, Error, Kind, Layout, Result, Scalar, Tensor, broadcast_shapes};

/// What a call comes to before any element is touched.
struct Plan<'a> {
    inputs: SmallVec<[Input<'a>; 3]>,
    params: SmallVec<[Scalar; 2]>,
    kernel: &'static MapKernel,
    out_dtype: DType,
    sizes: List<'a>,
    device: Device,
}

enum Input<'a> {
    Tensor(&'a Tensor),
    /// A tensor whose conj or neg bit was written out.
    Resolved(Tensor),
    /// A number, stored as the type the loop computes in.
    Number([u8; 16]),
}

impl Input<'_> {
    fn tensor(&self) -> Option<&Tensor> {
        match self {
            Input::Tensor(t) => Some(t),
            Input::Resolved(t) => Some(t),
            Input::Number(_) => None,
        }
    }
}

/// Sizes or strides: those of an operand, unless broadcasting made others.
enum List<'a> {
    Of(&'a [i64]),
    Own(Dims),
}

impl std::ops::Deref for List<'_> {
    type Target = [i64];
    fn deref(&self) -> &[i64] {
        match self {
            List::Of(list) => list,
            List::Own(list) => list,
        }
    }
}

/// The most numbers in a formula that the common case takes.
const MAX_PARAMS: usize = 2;

/// An elementwise operator with its loop chosen.
struct Map {
    op: &'static OpDef,
    /// The arguments that are operands, and those that are numbers of the formula.
    inputs: &'static [usize],
    scalars: &'static [usize],
    /// The dtype in which the operands meet.
    common: DType,
    kernel: &'static MapKernel,
}

impl Map {
    #[inline]
    fn choose(op: &'static OpDef, args: &[Arg]) -> Result<Map> {
        let Body::Map { dtype, inputs, scalars, kernels, shortcut } = &op.body else {
            unreachable!("only elementwise operators come here")
        };
        let common = dtype(args)?;
        let simpler = shortcut.and_then(|f| f(args, common));
        let kernel = simpler.or_else(|| pick(kernels, common)).ok_or_else(|| unsupported(op, common))?;
        Ok(Map { op, inputs, scalars, common, kernel })
    }

    /// The common case, which costs little: few elements, in row-major operands of one shape, of the dtype that the loop
    /// computes in. Gives the first of them.
    #[inline]
    fn flat<'a>(&self, args: &'a [Arg]) -> Option<&'a Tensor> {
        let kernel = self.kernel;
        let is_native = |t: &Tensor| {
            t.dtype() == kernel.compute && t.is_contiguous() && !t.is_conj() && !t.is_neg() && t.device() == Device::Cpu
        };
        let mut first: Option<&Tensor> = None;
        for &i in self.inputs {
            match (&args[i], first) {
                (Arg::Tensor(t), None) if is_native(t) && t.numel() as usize <= loops::SMALL => first = Some(t),
                (Arg::Tensor(t), Some(f)) if std::ptr::eq(t, f) || (is_native(t) && same(t.size(), f.size())) => {}
                (Arg::Number(_), _) => {}
                _ => return None,
            }
        }
        let fits = kernel.compute == self.common
            && self.scalars.len() <= MAX_PARAMS
            && self.scalars.iter().all(|&i| matches!(args[i], Arg::Number(_)));
        first.filter(|f| fits && f.numel() > 0)
    }

    /// Runs what [`flat`](Map::flat) found to be such a call.
    ///
    /// # Safety
    /// `out` has room for as many elements of the result's dtype, and is fresh, or one of the inputs and overlaps no other.
    unsafe fn run_flat(&self, args: &[Arg], out: &Tensor, fresh: bool) {
        let kernel = self.kernel;
        // Before any address is read: another thread may move a storage's memory as it grows.
        let _locked = lock::is_needed().then(|| {
            let (mut tensors, mut count) = ([out; MAX_INPUTS], 0);
            for &i in self.inputs {
                if let Arg::Tensor(t) = &args[i] {
                    tensors[count] = t;
                    count += 1;
                }
            }
            Locked::take(&tensors[..count], if fresh { &[] } else { std::slice::from_ref(out) })
        });
        let mut params = [Scalar::Int(0); MAX_PARAMS];
        for (p, &i) in params.iter_mut().zip(self.scalars) {
            if let Arg::Number(s) = &args[i] {
                *p = rounded(self.op, *s, self.common);
            }
        }
        let mut numbers = [[0; 16]; MAX_INPUTS];
        let (mut at, mut repeated) = ([std::ptr::null(); MAX_INPUTS], 0);
        for (k, &i) in self.inputs.iter().enumerate() {
            match &args[i] {
                Arg::Tensor(t) => at[k] = super::first_byte(t).cast_const(),
                Arg::Number(s) => {
                    numbers[k] = number(self.op, *s, kernel.compute, self.common);
                    at[k] = numbers[k].as_ptr();
                    repeated |= 1 << k;
                }
                _ => unreachable!("an input is a tensor or a number"),
            }
        }
        // SAFETY: tensors have as many adjacent elements of the kernel's dtype and are locked, numbers are one element on this
        // stack, and the caller promises as much of the output.
        unsafe {
            kernel.run(out.numel() as usize, super::first_byte(out), &at, repeated, &params[..self.scalars.len()])
        };
    }

    /// A call of the common case into a new tensor.
    fn flat_fresh(&self, args: &[Arg]) -> Option<Tensor> {
        let out = Tensor::alloc_like(self.flat(args)?, self.kernel.out).ok()?;
        // SAFETY: the output is of the operands' shape and the result's dtype, and nobody else knows it.
        unsafe { self.run_flat(args, &out, true) };
        Some(out)
    }

    /// A call of the common case into its first operand; false where it is none.
    fn flat_inplace(&self, args: &[Arg], out: &Tensor) -> bool {
        let apart = |a: &Arg| match a {
            Arg::Tensor(t) => t.is(out) || t.storage().id() != out.storage().id(),
            _ => true,
        };
        let fits = self.kernel.out == out.dtype()
            && self.flat(args).is_some_and(|first| first.is(out))
            && self.inputs.iter().all(|&i| apart(&args[i]));
        if fits {
            // SAFETY: the output is an operand of the result's dtype, and no other operand shares its memory.
            unsafe { self.run_flat(args, out, false) };
        }
        fits
    }
}

impl<'a> Plan<'a> {
    fn new(op: &'static OpDef, args: &'a [Arg]) -> Result<Plan<'a>> {
        let map = Map::choose(op, args)?;
        Plan::of(op, &map, args)
    }

    fn of(op: &'static OpDef, map: &Map, args: &'a [Arg]) -> Result<Plan<'a>> {
        let Map { inputs, scalars, common, kernel, .. } = *map;
        let mut sizes: Option<List> = None;
        let mut device = Device::Cpu;
        let mut list = SmallVec::new();
        for &i in inputs {
            match &args[i] {
                Arg::Tensor(t) => {
                    if t.device() == Device::Meta {
                        device = Device::Meta;
                    }
                    sizes = Some(match sizes {
                        None => List::Of(t.size()),
                        Some(s) if same(&s, t.size()) => s,
                        Some(s) => List::Own(broadcast_shapes(&s, t.size())?),
                    });
                    list.push(if t.is_conj() || t.is_neg() { Input::Resolved(t.resolve()?) } else { Input::Tensor(t) });
                }
                Arg::Number(s) => list.push(Input::Number(number(op, *s, kernel.compute, common))),
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
                Arg::Number(s) => Ok(rounded(op, *s, common)),
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
        Ok(Plan { inputs: list, params, kernel, out_dtype, sizes: sizes.unwrap_or(List::Of(&[])), device })
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor> + Clone {
        self.inputs.iter().filter_map(Input::tensor)
    }

    /// Runs into `out`, which is `fresh` if nobody else knows it.
    fn run(&self, out: &Tensor, fresh: bool) {
        if self.device == Device::Meta {
            return;
        }
        let tensors: SmallVec<[&Tensor; 3]> = self.tensors().collect();
        let strides: SmallVec<[List; 3]> = self
            .inputs
            .iter()
            .map(|i| {
                i.tensor().map_or_else(|| List::Own(zeros(self.sizes.len())), |t| broadcast_strides(t, &self.sizes))
            })
            .collect();
        let kernel = |locked: &Locked, outs: &mut OutViews| {
            let views: SmallVec<[View; 3]> = self
                .inputs
                .iter()
                .zip(&strides)
                .map(|(input, s)| match (input.tensor(), input) {
                    // SAFETY: broadcasting repeats elements that the tensor has.
                    (Some(t), _) => unsafe { locked.view(t).with(&self.sizes, s) },
                    // SAFETY: every stride is 0: the one element is on this stack.
                    (_, Input::Number(b)) => unsafe { View::new(b.as_ptr(), self.kernel.compute, &self.sizes, s) },
                    _ => unreachable!("an input is a tensor or a number"),
                })
                .collect();
            let out = outs.next();
            if !fresh && overlaps_itself(out.sizes(), out.strides()) {
                let order = memory_order(self.tensors().map(|t| t.layout()), &self.sizes);
                overlap::map_in_order(self.kernel, out, &views, &self.params, &order);
            } else {
                loops::map(self.kernel, out, &views, &self.params);
            }
        };
        let out = std::slice::from_ref(out);
        if fresh { Locked::run_fresh(&tensors, out, kernel) } else { Locked::run(&tensors, out, kernel) }
    }
}

/// Whether two short lists are equal, without a call to compare memory.
#[inline]
fn same(a: &[i64], b: &[i64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x == y)
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
    let of = |dtype| kernels.iter().find(|k| k.compute == dtype);
    // Half types seldom have loops of their own, and integers not always: they are computed with as long ones.
    of(common)
        .or_else(|| of(common.compute()))
        .or_else(|| if common.kind() == Kind::Int { of(DType::I64) } else { None })
}

#[cold]
fn unsupported(op: &OpDef, dtype: DType) -> Error {
    Error::not_implemented(format!("\"{}_cpu\" not implemented for '{}'", op.name, dtype.title()))
}

/// A number as the operator reads it.
#[inline]
fn rounded(op: &OpDef, s: Scalar, common: DType) -> Scalar {
    match common {
        DType::BF16 if op.has(Quirk::RoundsNumbers) => Scalar::Float(crate::bf16::from_f64(s.to_f64()).to_f64()),
        DType::F16 if op.has(Quirk::RoundsNumbers) => Scalar::Float(crate::f16::from_f64(s.to_f64()).to_f64()),
        _ => s,
    }
}

/// A number's bytes in the type the loop computes in.
fn number(op: &OpDef, s: Scalar, compute: DType, common: DType) -> [u8; 16] {
    let s = rounded(op, s, common);
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
        (DType::I32, _) => put!(i32),
        (DType::I16, _) => put!(i16),
        (DType::I8, _) => put!(i8),
        (DType::U8, _) => put!(u8),
        (DType::Bool, _) => put!(bool),
        (DType::F16, _) => put!(crate::f16),
        (DType::BF16, _) => put!(crate::bf16),
        _ => put!(f32),
    }
    bytes
}

fn broadcast_strides<'a>(t: &'a Tensor, sizes: &[i64]) -> List<'a> {
    if same(t.size(), sizes) {
        return List::Of(t.stride());
    }
    let skip = sizes.len() - t.dim();
    let mut out = zeros(sizes.len());
    for (d, (&n, &s)) in t.size().iter().zip(t.stride()).enumerate() {
        if n != 1 {
            out[skip + d] = s;
        }
    }
    List::Own(out)
}

/// Runs into a new tensor.
pub(super) fn fresh(op: &'static OpDef, args: &[Arg]) -> Result<Tensor> {
    let map = Map::choose(op, args)?;
    if let Some(out) = map.flat_fresh(args) {
        return Ok(out);
    }
    let plan = Plan::of(op, &map, args)?;
    let layout = if op.has(Quirk::RowMajor) {
        Layout::contiguous(&plan.sizes)
    } else {
        result_layout(plan.tensors().map(|t| t.layout()), &plan.sizes)
    };
    let out = Tensor::alloc(layout, plan.out_dtype, plan.device)?;
    plan.run(&out, true);
    Ok(out)
}

/// Runs into a tensor that is there.
pub(super) fn into(op: &'static OpDef, args: &[Arg], out: &Tensor, inplace: bool) -> Result<()> {
    let map = Map::choose(op, args)?;
    if inplace && map.flat_inplace(args, out) {
        return Ok(());
    }
    let plan = Plan::of(op, &map, args)?;
    super::check_castable(plan.out_dtype, out.dtype())?;
    if *plan.sizes != *out.size() {
        if inplace || broadcast_shapes(&plan.sizes, out.size()).is_ok_and(|s| s.as_slice() == out.size()) {
            return Err(Error::runtime(format!(
                "output with shape {:?} doesn't match the broadcast shape {:?}",
                out.size(),
                &*plan.sizes
            )));
        }
        return Err(Error::runtime("the output of an elementwise operator has another shape"));
    }
    // Memory shared with an input is fine element for element, and read from a copy otherwise.
    if plan.tensors().any(|t| overlaps_otherwise(t, out, &plan.sizes)) {
        let layout = result_layout(plan.tensors().map(|t| t.layout()), &plan.sizes);
        let tmp = Tensor::alloc(layout, plan.out_dtype, plan.device)?;
        plan.run(&tmp, true);
        return out.copy_(&tmp).map(|_| ());
    }
    plan.run(out, false);
    Ok(())
}

/// Runs into `out` if it has the right shape and dtype already: the dtype of `out` does not change what is computed.
pub(super) fn into_out(op: &'static OpDef, args: &[Arg], out: &Tensor) -> Result<bool> {
    let plan = Plan::new(op, args)?;
    if *plan.sizes != *out.size() || out.device() != plan.device || plan.out_dtype != out.dtype() {
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
    if inputs.clone().all(|l| same(&l.sizes, sizes) && l.is_contiguous()) {
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
