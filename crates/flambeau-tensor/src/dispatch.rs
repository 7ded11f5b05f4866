//! The one way into an operator: [`call`], and its in-place and `out=` forms.

use flambeau_cpu::{View, ViewMut};
use smallvec::SmallVec;

use crate::autocast::{self, autocast_dtype};
use crate::autograd::{self, grad_enabled, no_grad};
use crate::lock;
use crate::ops::{Arg, Args, Body, OpDef, Outputs, Quirk, Specs, take_one};
use crate::storage::Storage;
use crate::tensor::Made;
use crate::{DType, Device, Error, Kind, Layout, Result, Tensor};

mod elementwise;
mod out;
mod overlap;

pub use out::call_out;
pub(crate) use overlap::check_no_inner_overlap;

/// Runs an operator on new outputs.
pub fn call(op: &'static OpDef, args: &[Arg]) -> Result<Outputs> {
    if autocast_dtype().is_some()
        && let Some(cast) = autocast::cast(op, args)?
    {
        return autocast::off(|| call(op, &cast));
    }
    let outputs = match op.body {
        Body::Map { .. } => return Ok(SmallVec::from_buf([map(op, args)?])),
        Body::View(run) => views(op, args, run)?,
        Body::Mutate { .. } => return mutate(op, args),
        Body::Kernel { .. } | Body::Compute { .. } => autocast::off(|| no_grad(|| compute(op, args)))?,
        Body::Composite { run, .. } => return run(args),
    };
    record(op, args, &outputs)?;
    if op.factory
        && let Some(Arg::Options(o)) = args.last()
        && o.requires_grad
    {
        outputs[0].requires_grad_(true)?;
    }
    Ok(outputs)
}

/// Runs an operator of one output.
#[inline]
pub fn call_one(op: &'static OpDef, args: &[Arg]) -> Result<Tensor> {
    match op.body {
        Body::Map { .. } if autocast_dtype().is_none() => map(op, args),
        _ => call(op, args).map(take_one),
    }
}

/// An elementwise operator, most of the calls there are.
fn map(op: &'static OpDef, args: &[Arg]) -> Result<Tensor> {
    let y = elementwise::fresh(op, args)?;
    record(op, args, std::slice::from_ref(&y))?;
    Ok(y)
}

#[inline]
fn record(op: &'static OpDef, args: &[Arg], outputs: &[Tensor]) -> Result<()> {
    if !op.nondifferentiable && any_requires_grad(args) && grad_enabled() {
        autograd::record_op(op, args, outputs)?;
    }
    Ok(())
}

/// Runs an operator and writes the result into its first argument.
pub fn call_inplace(op: &'static OpDef, args: &[Arg]) -> Result<Outputs> {
    if let Body::Mutate { .. } = op.body {
        return mutate(op, args);
    }
    let Arg::Tensor(x) = &args[0] else {
        return Err(Error::type_(format!("{}: the first argument must be a tensor", op.name)));
    };
    if autocast_dtype().is_some() {
        return autocast::off(|| call_inplace(op, args));
    }
    let x = x.clone();
    autograd::check_inplace(&x)?;
    if let Some(check) = op.inplace_check
        && !check(args)?
    {
        return Ok(SmallVec::from_buf([x]));
    }
    if !matches!(op.body, Body::Composite { .. }) {
        // What a composite writes, it writes by other operators.
        check_no_inner_overlap(&x)?;
    }
    if matches!(op.body, Body::Map { .. }) || op.has(Quirk::Apart) {
        let read = args.len() - op.has(Quirk::NumberLast) as usize;
        overlap::check_all_apart(&x, &args[1..read], op.has(Quirk::Apart))?;
    }
    let recording = grad_enabled() && any_requires_grad(args);
    if let Body::Map { .. } = op.body
        && (!recording || op.nondifferentiable)
        && !x.is_conj()
        && !x.is_neg()
    {
        elementwise::into(op, args, &x, true)?;
        x.bump_version();
        return Ok(SmallVec::from_buf([x]));
    }
    if let Body::Composite { shortcut: Some(shortcut), .. } = op.body
        && !recording
        && let Some((part, args)) = shortcut(args)
    {
        return call_inplace(part, &args);
    }
    let reads_x = |c: &crate::ops::Capture| c.slot == 0 && c.how == crate::ops::How::Data;
    let composite = matches!(op.body, Body::Composite { .. });
    let result = if recording && (composite || op.vjps.iter().any(|l| l.captures.iter().any(reads_x))) {
        // A formula reads what is about to be overwritten; of a composite, one may.
        let copy = no_grad(|| x.clone_tensor())?;
        autograd::set_history(&copy, x.grad_fn());
        let mut args: Args = args.into();
        args[0] = Arg::Tensor(copy);
        call(op, &args)?
    } else {
        call(op, args)?
    };
    let y = &result[0];
    if y.is(&x) {
        // A composite that wrote it itself.
        return Ok(result);
    }
    check_castable(y.dtype(), x.dtype())?;
    if y.size() != x.size() {
        return Err(Error::runtime(format!(
            "output with shape {:?} doesn't match the broadcast shape {:?}",
            x.size(),
            y.size()
        )));
    }
    write(&x, &y.detach())?;
    if recording {
        let y = if y.dtype() == x.dtype() { y.clone() } else { y.to_dtype(x.dtype())? };
        autograd::rebase(&x, &y)?;
    }
    Ok(SmallVec::from_buf([x]))
}

fn any_requires_grad(args: &[Arg]) -> bool {
    args.iter().any(|a| match a {
        Arg::Tensor(t) => t.requires_grad(),
        Arg::Tensors(list) => list.iter().any(Tensor::requires_grad),
        Arg::OptTensors(list) => list.iter().flatten().any(Tensor::requires_grad),
        _ => false,
    })
}

/// Copies `from` over `to` without a graph, and counts the write.
pub(crate) fn write(to: &Tensor, from: &Tensor) -> Result<()> {
    no_grad(|| to.copy_(from)).map(|_| ())
}

fn views(op: &'static OpDef, args: &[Arg], run: fn(&[Arg]) -> Result<crate::ops::Views>) -> Result<Outputs> {
    let Arg::Tensor(x) = &args[0] else {
        return Err(Error::type_(format!("{}: the first argument must be a tensor", op.name)));
    };
    let specs = run(args)?;
    let many = op.list;
    Ok(specs
        .into_iter()
        .map(|s| {
            let t =
                x.view_with(s.layout, s.dtype.unwrap_or(x.dtype()), x.is_conj() ^ s.flip_conj, x.is_neg() ^ s.flip_neg);
            if many {
                t.set_made(Made::OneOfMany);
            }
            t
        })
        .collect())
}

fn compute(op: &'static OpDef, args: &[Arg]) -> Result<Outputs> {
    let on_meta = device_of(op, args)? == Device::Meta;
    let make = |mut specs: Specs| -> Result<Outputs> {
        let device = if on_meta { Device::Meta } else { Device::Cpu };
        // One rule may serve all outputs.
        while specs.0.len() < op.outputs.len() {
            specs.0.push(specs.0[0].clone());
        }
        specs.0.into_iter().map(|(dtype, layout)| Tensor::empty_layout(layout, dtype, device)).collect()
    };
    match op.body {
        Body::Kernel { specs, run } => {
            let outputs = make(specs(args)?)?;
            if !on_meta {
                let mut args: std::borrow::Cow<[Arg]> = args.into();
                if op.factory {
                    without_meta(&mut args)?;
                }
                run_kernel(op, &args, &outputs, true, run)?;
            }
            Ok(outputs)
        }
        Body::Compute { specs, run } => match (on_meta, specs) {
            (false, _) if op.has(Quirk::TakesLazy) => run(args),
            (false, _) => run(&resolved(args)?.unwrap_or_else(|| args.into())),
            (true, Some(specs)) => make(specs(args)?),
            (true, None) => Err(Error::not_implemented(format!(
                "aten::{}: attempted to run this operator with Meta tensors, but its output shape depends on the data",
                op.name
            ))),
        },
        _ => unreachable!("only kernels and computations come here"),
    }
}

/// A maker of tensors reads nothing of the tensor that it goes by, which may be one without data.
fn without_meta(args: &mut std::borrow::Cow<[Arg]>) -> Result<()> {
    let mut meta = false;
    args.iter().for_each(|a| a.each_tensor(&mut |t| meta |= t.device() == Device::Meta));
    if meta {
        for a in args.to_mut() {
            a.map_tensors(&mut |t| Tensor::empty(&[0], t.dtype(), Device::Cpu))?;
        }
    }
    Ok(())
}

/// The device an operator runs on; tensors of two devices are refused, but for 0-d ones of the cpu.
fn device_of(op: &OpDef, args: &[Arg]) -> Result<Device> {
    let mut device: Option<Device> = None;
    let mut clash = None;
    for a in args {
        match a {
            Arg::Options(o) => {
                if let Some(d) = o.device {
                    return Ok(d);
                }
            }
            Arg::Device(d) => device = Some(*d),
            // Indices on the cpu may address a tensor anywhere.
            Arg::OptTensors(_) => {}
            _ => a.each_tensor(&mut |t| match device {
                Some(d) if d != t.device() && t.dim() > 0 => clash = Some((d, t.device())),
                Some(_) => {}
                None => device = Some(t.device()),
            }),
        }
    }
    if let Some((a, b)) = clash {
        return Err(Error::runtime(format!(
            "Expected all tensors to be on the same device, but found at least two devices, {a} and {b}! (in operator {})",
            op.name
        )));
    }
    Ok(device.unwrap_or_default())
}

/// The arguments with conj and neg bits written out, or `None` where none are set.
fn resolved(args: &[Arg]) -> Result<Option<Args>> {
    let mut lazy = false;
    for a in args {
        a.each_tensor(&mut |t| lazy |= t.is_conj() || t.is_neg());
    }
    if !lazy {
        return Ok(None);
    }
    let mut args: Args = args.into();
    for a in &mut args {
        a.map_tensors(&mut |t| t.resolve())?;
    }
    Ok(Some(args))
}

fn run_kernel(op: &OpDef, args: &[Arg], outputs: &[Tensor], fresh: bool, run: crate::ops::KernelFn) -> Result<()> {
    let mut own = resolved(args)?;
    for &i in op.contiguous {
        let strided = |a: &Arg| {
            let mut any = false;
            a.each_tensor(&mut |t| any |= !t.is_contiguous());
            any
        };
        if strided(own.as_deref().unwrap_or(args).get(i).unwrap_or(&Arg::None)) {
            let list = own.get_or_insert_with(|| args.into());
            list[i].map_tensors(&mut |t| t.contiguous())?;
        }
    }
    let args = own.as_deref().unwrap_or(args);
    let mut inputs: SmallVec<[&Tensor; 4]> = SmallVec::new();
    for a in args {
        a.each_tensor(&mut |t| inputs.push(t));
    }
    let kernel = |locked: &Locked, outs: &mut OutViews| run(args, locked, outs);
    if fresh { Locked::run_fresh(&inputs, outputs, kernel) } else { Locked::run(&inputs, outputs, kernel) }
}

fn mutate(op: &'static OpDef, args: &[Arg]) -> Result<Outputs> {
    let Body::Mutate { run } = op.body else { unreachable!("only called for operators that write") };
    let Arg::Tensor(x) = &args[0] else {
        return Err(Error::type_(format!("{}: the first argument must be a tensor", op.name)));
    };
    let x = x.clone();
    autograd::check_inplace(&x)?;
    let one_value = op.has(Quirk::OneValue);
    if !one_value {
        check_no_inner_overlap(&x)?;
    }
    if op.has(Quirk::Apart) || op.has(Quirk::SameOrApart) {
        overlap::check_all_apart(&x, &args[1..], op.has(Quirk::Apart))?;
    }
    if x.device() == Device::Cpu {
        no_grad(|| -> Result<()> {
            let mut plain: Args = args.into();
            let target = if x.is_conj() || x.is_neg() { x.resolve()? } else { x.clone() };
            plain[0] = Arg::None;
            // An input that shares memory with what is written is read from a copy.
            for a in &mut plain[1..] {
                a.map_tensors(&mut |t| {
                    t.check_has_data(op.name)?;
                    if t.storage().id() == target.storage().id() { t.resolve()?.clone_tensor() } else { t.resolve() }
                })?;
            }
            let written = if one_value { overlap::once_each(&target) } else { target.clone() };
            run_kernel(op, &plain, std::slice::from_ref(&written), false, run)?;
            if !target.is(&x) {
                // Written out, so the bits must be undone in the memory of `x`.
                let bare = x.view_with(x.layout().clone(), x.dtype(), false, false);
                let mut v = target;
                if x.is_conj() {
                    v = v.conj_physical()?;
                }
                if x.is_neg() {
                    v = v.neg()?;
                }
                bare.copy_(&v)?;
            }
            Ok(())
        })?;
    }
    let recording = grad_enabled() && any_requires_grad(args);
    x.bump_version();
    if recording {
        let written: Outputs = SmallVec::from_buf([x.detach()]);
        autograd::record_op(op, args, &written)?;
        autograd::rebase(&x, &written[0])?;
    }
    Ok(SmallVec::from_buf([x]))
}

/// PyTorch's rule of which results may be written into which dtype: never down a category.
pub fn can_cast(from: DType, to: DType) -> bool {
    match (from.kind(), to.kind()) {
        (Kind::Complex, k) => k == Kind::Complex,
        (Kind::Float, k) => k >= Kind::Float,
        (Kind::Int, k) => k >= Kind::Int,
        (Kind::Bool, _) => true,
    }
}

pub(crate) fn check_castable(from: DType, to: DType) -> Result<()> {
    if can_cast(from, to) {
        return Ok(());
    }
    Err(Error::runtime(format!("result type {} can't be cast to the desired output type {}", from.title(), to.title())))
}

/// Storages held locked for a kernel: the only way to see elements.
pub struct Locked<'a> {
    held: SmallVec<[(&'a Storage, bool); 4]>,
    /// Whether their locks were taken: not where operators run in turns anyway.
    locks: bool,
}

/// The outputs of a kernel, handed out one by one.
pub struct OutViews<'a> {
    tensors: &'a [Tensor],
    next: usize,
}

impl<'a> OutViews<'a> {
    /// The next output, to write.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> ViewMut<'a> {
        let t = &self.tensors[self.next];
        self.next += 1;
        // SAFETY: its storage is locked to write (or nobody else knows it), and each output is handed out once.
        unsafe { ViewMut::new(first_byte(t), t.dtype(), t.size(), t.stride()) }
    }
}

fn first_byte(t: &Tensor) -> *mut u8 {
    // Of a tensor without elements the offset may be any number; its address is not used.
    t.storage().ptr().wrapping_offset((t.layout().offset as isize).wrapping_mul(t.dtype().size() as isize))
}

impl<'a> Locked<'a> {
    fn take(read: &[&'a Tensor], write: &'a [Tensor]) -> Locked<'a> {
        let mut held: SmallVec<[(&Storage, bool); 4]> = SmallVec::new();
        let mut add = |t: &'a Tensor, write: bool| match held.iter_mut().find(|(s, _)| s.id() == t.storage().id()) {
            Some((_, w)) => *w |= write,
            None => held.push((t.storage(), write)),
        };
        read.iter().for_each(|t| add(t, false));
        write.iter().for_each(|t| add(t, true));
        let locks = lock::is_needed();
        if !locks {
            return Locked { held, locks };
        }
        // Always in the order of addresses, so that two operators never wait for each other.
        match &mut held[..] {
            [] | [_] => {}
            [a, b] if a.0.id() < b.0.id() => {}
            [a, b] => std::mem::swap(a, b),
            more => more.sort_unstable_by_key(|(s, _)| s.id()),
        }
        for (s, w) in &held {
            s.raw_lock().lock(*w);
        }
        Locked { held, locks }
    }

    /// Locks the storages of `read` while `f` runs.
    pub fn with<T>(read: &[&'a Tensor], f: impl FnOnce(&Locked) -> T) -> T {
        f(&Locked::take(read, &[]))
    }

    /// Locks the storages of `read` and, to write, of `write` while `f` runs.
    pub fn run<T>(read: &[&'a Tensor], write: &'a [Tensor], f: impl FnOnce(&Locked, &mut OutViews) -> T) -> T {
        f(&Locked::take(read, write), &mut OutViews { tensors: write, next: 0 })
    }

    /// The same for outputs just made, whose memory nobody else knows: they need no lock.
    fn run_fresh<T>(read: &[&'a Tensor], fresh: &'a [Tensor], f: impl FnOnce(&Locked, &mut OutViews) -> T) -> T {
        f(&Locked::take(read, &[]), &mut OutViews { tensors: fresh, next: 0 })
    }

    /// The elements of a tensor whose storage is locked here.
    pub fn view<'b>(&'b self, t: &'b Tensor) -> View<'b> {
        assert!(t.device() == Device::Cpu, "a kernel was given a tensor of the meta device");
        assert!(self.held.iter().any(|(s, _)| s.id() == t.storage().id()), "the storage is not locked");
        // SAFETY: the storage is locked as long as `self` lives, and every tensor's layout stays within its storage.
        unsafe { View::new(first_byte(t), t.dtype(), t.size(), t.stride()) }
    }

    /// The elements of several tensors.
    pub fn views<'b>(&'b self, list: &'b [Tensor]) -> Vec<View<'b>> {
        list.iter().map(|t| self.view(t)).collect()
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if self.locks {
            for (s, w) in &self.held {
                s.raw_lock().unlock(*w);
            }
        }
    }
}

/// The layout of an elementwise result, for callers outside the dispatcher.
pub fn elementwise_layout(inputs: &[&Tensor], sizes: &[i64]) -> Layout {
    elementwise::result_layout(inputs.iter().map(|t| t.layout()), sizes)
}

/// The same for inputs of which only the layouts are there.
pub(crate) fn layout_by(inputs: &[Layout], sizes: &[i64]) -> Layout {
    elementwise::result_layout(inputs.iter(), sizes)
}
