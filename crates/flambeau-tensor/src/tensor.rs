//! The tensor handle.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering::Relaxed};

use crate::autograd::{Record, RecordCell, grad_enabled};
use crate::dispatch::Locked;
use crate::shared::{Shared, WeakShared};
use crate::{DType, Device, Dims, Element, Error, Layout, MemoryFormat, Result, Scalar, Storage};

/// A tensor: elements of one dtype in a shape, seen through strides over a [`Storage`] that views share.
///
/// Cloning the handle is cheap and gives the same tensor. Methods return `Result`; the operators `+ - * /` on
/// references panic with the same message.
#[derive(Clone)]
pub struct Tensor(pub(crate) Shared<Inner>);

/// A handle that does not keep its tensor alive.
#[derive(Clone)]
pub struct WeakTensor(WeakShared<Inner>);

pub(crate) struct Inner {
    pub storage: Storage,
    pub layout: Layout,
    /// Both follow from the layout; every call asks for them.
    pub numel: i64,
    pub contiguous: bool,
    pub dtype: DType,
    /// Elements are to be read conjugated: `conj()` is a view.
    pub conj: bool,
    /// Elements are to be read negated: the imaginary part of a conjugated tensor is a view.
    pub neg: bool,
    /// `.data` counts its writes apart from the storage's other views.
    pub own_version: Option<Arc<AtomicU32>>,
    /// The tensor this one is a view of, never itself a view.
    pub base: Option<Tensor>,
    pub made: AtomicU8,
    /// For a view: the version at which its `grad_fn` was last derived from its base.
    pub seen_version: AtomicU32,
    pub record: RecordCell,
    /// The object that stands for this tensor in another language, so that it stays one object. Not owned.
    pub object: AtomicPtr<()>,
}

/// How a view came about, which decides whether it may be written in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Made {
    Plain,
    InNoGrad,
    /// One of several that one operator gave.
    OneOfMany,
    /// By a function of one's own, whose gradient a write would lose.
    ByFunction,
}

impl Inner {
    #[inline]
    fn new(storage: Storage, layout: Layout, dtype: DType) -> Inner {
        let (numel, contiguous) = (layout.numel(), layout.is_contiguous());
        Inner::of(storage, layout, dtype, numel, contiguous)
    }

    #[inline]
    fn of(storage: Storage, layout: Layout, dtype: DType, numel: i64, contiguous: bool) -> Inner {
        Inner {
            storage,
            numel,
            contiguous,
            layout,
            dtype,
            conj: false,
            neg: false,
            own_version: None,
            base: None,
            made: AtomicU8::new(Made::Plain as u8),
            seen_version: AtomicU32::new(0),
            record: RecordCell::default(),
            object: AtomicPtr::new(std::ptr::null_mut()),
        }
    }
}

impl Tensor {
    pub(crate) fn make(storage: Storage, layout: Layout, dtype: DType) -> Tensor {
        Tensor(Shared::new(|| Inner::new(storage, layout, dtype)))
    }

    /// New memory for a layout whose strides leave no gaps. The size may come from a user, by way of expanded tensors.
    pub(crate) fn alloc(layout: Layout, dtype: DType, device: Device) -> Result<Tensor> {
        let nbytes = (layout.numel() as usize).saturating_mul(dtype.size());
        let storage = match device {
            Device::Cpu => Storage::try_new(nbytes)?,
            Device::Meta => Storage::meta(nbytes),
        };
        Ok(Tensor::make(storage, layout, dtype))
    }

    /// New memory for elements in row-major order, in the shape of `like`, which has them in that order too.
    #[inline]
    pub(crate) fn alloc_like(like: &Tensor, dtype: DType) -> Result<Tensor> {
        let layout = Layout::contiguous(&like.0.layout.sizes);
        let storage = Storage::try_new((like.0.numel as usize).saturating_mul(dtype.size()))?;
        Ok(Tensor(Shared::new(|| Inner::of(storage, layout, dtype, like.0.numel, true))))
    }

    /// A new row-major tensor whose elements are whatever the memory holds.
    pub fn empty(sizes: &[i64], dtype: DType, device: Device) -> Result<Tensor> {
        Tensor::empty_layout(Layout::contiguous(sizes), dtype, device)
    }

    /// A new tensor of a layout; sizes a user chose are checked here.
    pub fn empty_layout(layout: Layout, dtype: DType, device: Device) -> Result<Tensor> {
        if let Some(n) = layout.sizes.iter().find(|n| **n < 0) {
            return Err(Error::runtime(format!(
                "Trying to create tensor with negative dimension {n}: {:?}",
                layout.sizes.as_slice()
            )));
        }
        let overflow = || flambeau_types::overflow(&layout.sizes);
        crate::checked_numel(&layout.sizes).map_err(|_| overflow())?;
        let nbytes = layout.span(dtype.size()).ok_or_else(overflow)?;
        let storage = match device {
            Device::Cpu => Storage::try_new(nbytes)?,
            Device::Meta => Storage::meta(nbytes),
        };
        Ok(Tensor::make(storage, layout, dtype))
    }

    /// A tensor with a copy of `data`, row-major in the shape `sizes`.
    ///
    /// ```
    /// # use flambeau_tensor::Tensor;
    /// let x = Tensor::of(&[1i64, 2, 3, 4], &[2, 2])?;
    /// assert_eq!(x.size(), [2, 2]);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    pub fn of<T: Element>(data: &[T], sizes: &[i64]) -> Result<Tensor> {
        if sizes.iter().any(|&n| n < 0) || crate::numel(sizes) as usize != data.len() {
            return Err(Error::runtime(format!("shape '{sizes:?}' is invalid for input of size {}", data.len())));
        }
        let t = Tensor::empty(sizes, T::DTYPE, Device::Cpu)?;
        // SAFETY: the new storage holds as many elements, nobody else knows it, and an Element has no padding.
        unsafe {
            std::ptr::copy_nonoverlapping(data.as_ptr().cast::<u8>(), t.storage().ptr(), std::mem::size_of_val(data))
        };
        Ok(t)
    }

    /// A 0-d tensor of one number.
    pub fn scalar(value: impl Into<Scalar>, dtype: DType) -> Tensor {
        let t = Tensor::make(Storage::new(dtype.size()), Layout::contiguous(&[]), dtype);
        write_element(t.storage().ptr(), dtype, value.into());
        t
    }

    /// A tensor over a storage; an error where the layout reaches outside it.
    pub fn over(storage: Storage, layout: Layout, dtype: DType) -> Result<Tensor> {
        let shaped = layout.sizes.len() == layout.strides.len() && layout.sizes.iter().all(|&n| n >= 0);
        if !shaped || layout.span(dtype.size()).is_none_or(|bytes| bytes > storage.nbytes()) {
            return Err(Error::runtime(format!(
                "sizes {:?} and strides {:?} reach outside a storage of {} bytes",
                layout.sizes.as_slice(),
                layout.strides.as_slice(),
                storage.nbytes()
            )));
        }
        Ok(Tensor::make(storage, layout, dtype))
    }

    /// The elements in row-major order.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if self.dtype() != T::DTYPE {
            return Err(Error::type_(format!(
                "expected elements of {} but the tensor holds {}",
                T::DTYPE,
                self.dtype()
            )));
        }
        let t = self.detach().resolve()?.contiguous()?;
        t.check_has_data("to_vec")?;
        let n = t.numel() as usize;
        let mut out = vec![T::default(); n];
        Locked::with(&[&t], |locked| {
            let from = locked.view(&t);
            if T::DTYPE == DType::Bool {
                // A bool from outside may be any byte.
                for (i, v) in out.iter_mut().enumerate() {
                    // SAFETY: contiguous, n elements of one byte.
                    *v = T::from_scalar(Scalar::Bool(unsafe { *from.ptr().add(i) } != 0));
                }
            } else {
                // SAFETY: contiguous, n elements of T, which has no invalid bytes.
                unsafe { std::ptr::copy_nonoverlapping(from.ptr(), out.as_mut_ptr().cast::<u8>(), n * size_of::<T>()) };
            }
        });
        Ok(out)
    }

    /// The bytes of the elements in row-major order.
    pub fn element_bytes(&self) -> Result<Vec<u8>> {
        self.check_has_data("element_bytes")?;
        let t = self.detach().resolve()?.contiguous()?;
        let size = t.dtype().size();
        let from = t.layout().offset as usize * size;
        Ok(t.storage().to_bytes()[from..from + t.numel() as usize * size].to_vec())
    }

    /// The one element as a number (`Tensor.item`).
    pub fn item(&self) -> Result<Scalar> {
        if self.numel() != 1 {
            return Err(Error::runtime(format!(
                "a Tensor with {} elements cannot be converted to Scalar",
                self.numel()
            )));
        }
        if self.device() == Device::Meta {
            return Err(Error::runtime("Tensor.item() cannot be called on meta tensors"));
        }
        Ok(self.element(self.layout().offset))
    }

    /// The element at an offset of the storage, conj and neg applied.
    pub(crate) fn element(&self, offset: i64) -> Scalar {
        let (conj, neg) = (self.0.conj, self.0.neg);
        let s = Locked::with(&[self], |_| {
            // SAFETY: the caller's offset is one the layout reaches, and the storage is locked to read.
            read_element(unsafe { self.storage().ptr().add(offset as usize * self.dtype().size()) }, self.dtype())
        });
        let s = if conj { s.conj() } else { s };
        match s {
            Scalar::Float(v) if neg => Scalar::Float(-v),
            Scalar::Complex(z) if neg => Scalar::Complex(-z),
            s => s,
        }
    }

    /// The element at an index of each dimension, for printing and conversion to lists.
    pub fn at(&self, index: &[i64]) -> Scalar {
        let layout = self.layout();
        let offset = layout.offset + index.iter().zip(&layout.strides).map(|(i, s)| i * s).sum::<i64>();
        self.element(offset)
    }

    /// Sizes, strides, offset.
    #[inline]
    pub fn layout(&self) -> &Layout {
        &self.0.layout
    }

    /// The length of each dimension.
    #[inline]
    pub fn size(&self) -> &[i64] {
        &self.0.layout.sizes
    }

    /// The step along each dimension, in elements.
    #[inline]
    pub fn stride(&self) -> &[i64] {
        &self.0.layout.strides
    }

    /// The number of dimensions.
    #[inline]
    pub fn dim(&self) -> usize {
        self.0.layout.sizes.len()
    }

    /// The number of elements.
    #[inline]
    pub fn numel(&self) -> i64 {
        self.0.numel
    }

    /// The type of the elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.0.dtype
    }

    /// Where the elements live.
    #[inline]
    pub fn device(&self) -> Device {
        self.0.storage.device()
    }

    /// The memory under it.
    #[inline]
    pub fn storage(&self) -> &Storage {
        &self.0.storage
    }

    /// The address of the first element; 0 where there is none.
    pub fn data_ptr(&self) -> usize {
        if self.numel() == 0 {
            return 0;
        }
        (self.storage().ptr() as usize).wrapping_add((self.layout().offset as usize).wrapping_mul(self.dtype().size()))
    }

    /// True if row-major without gaps.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.0.contiguous
    }

    /// True if laid out so.
    pub fn is_contiguous_in(&self, format: MemoryFormat) -> bool {
        match format {
            MemoryFormat::ChannelsLast => self.layout().is_channels_last(),
            MemoryFormat::Contiguous | MemoryFormat::Preserve => self.is_contiguous(),
        }
    }

    /// True if its elements are read conjugated.
    pub fn is_conj(&self) -> bool {
        self.0.conj
    }

    /// True if its elements are read negated.
    pub fn is_neg(&self) -> bool {
        self.0.neg
    }

    /// True if both handles are one tensor.
    #[inline]
    pub fn is(&self, other: &Tensor) -> bool {
        self.0.same(&other.0)
    }

    /// A handle that does not keep the tensor alive.
    pub fn downgrade(&self) -> WeakTensor {
        WeakTensor(self.0.downgrade())
    }

    /// How often it was written in place (`Tensor._version`).
    #[inline]
    pub fn version(&self) -> u32 {
        match &self.0.own_version {
            Some(v) => v.load(Relaxed),
            None => self.0.storage.version(),
        }
    }

    /// Counts a write in place.
    pub fn bump_version(&self) {
        match &self.0.own_version {
            Some(v) => _ = v.fetch_add(1, Relaxed),
            None => self.0.storage.bump_version(),
        }
    }

    /// The tensor that this one is a view of.
    pub fn base(&self) -> Option<&Tensor> {
        self.0.base.as_ref()
    }

    pub(crate) fn made(&self) -> Made {
        match self.0.made.load(Relaxed) {
            1 => Made::InNoGrad,
            2 => Made::OneOfMany,
            3 => Made::ByFunction,
            _ => Made::Plain,
        }
    }

    pub(crate) fn set_made(&self, made: Made) {
        self.0.made.store(made as u8, Relaxed);
    }

    /// A view of the same storage, without a place in any graph yet.
    pub(crate) fn view_with(&self, layout: Layout, dtype: DType, conj: bool, neg: bool) -> Tensor {
        let made = if grad_enabled() { self.made() } else { Made::InNoGrad };
        Tensor(Shared::new(|| Inner {
            conj,
            neg,
            own_version: self.0.own_version.clone(),
            base: Some(self.0.base.as_ref().unwrap_or(self).clone()),
            made: AtomicU8::new(made as u8),
            seen_version: AtomicU32::new(self.version()),
            ..Inner::new(self.storage().clone(), layout, dtype)
        }))
    }

    /// The same elements outside of any graph, sharing memory and version counter (`Tensor.detach`).
    pub fn detach(&self) -> Tensor {
        self.alias(self.0.layout.clone(), self.0.own_version.clone(), None)
    }

    /// The same elements outside of any graph, whose writes autograd does not see (`Tensor.data`).
    pub fn data(&self) -> Tensor {
        self.alias(self.0.layout.clone(), Some(Arc::new(AtomicU32::new(0))), None)
    }

    /// The same tensor under another layout: the handle for in-place changes of shape (`t_`, `squeeze_`, `resize_`).
    /// It keeps the record, and with it the gradient and the place in the graph.
    pub fn with_layout(&self, layout: Layout) -> Tensor {
        let record = self.0.record.get().cloned();
        self.alias_of(self.0.base.clone(), layout, self.0.own_version.clone(), record)
    }

    fn alias(&self, layout: Layout, own_version: Option<Arc<AtomicU32>>, record: Option<Arc<Record>>) -> Tensor {
        let base = record.as_ref().and(self.0.base.clone());
        self.alias_of(base, layout, own_version, record)
    }

    fn alias_of(
        &self,
        base: Option<Tensor>,
        layout: Layout,
        own_version: Option<Arc<AtomicU32>>,
        record: Option<Arc<Record>>,
    ) -> Tensor {
        Tensor(Shared::new(|| Inner {
            conj: self.0.conj,
            neg: self.0.neg,
            own_version,
            base,
            made: AtomicU8::new(self.0.made.load(Relaxed)),
            seen_version: AtomicU32::new(self.0.seen_version.load(Relaxed)),
            record: record.map_or_else(RecordCell::default, RecordCell::from),
            ..Inner::new(self.storage().clone(), layout, self.dtype())
        }))
    }

    /// The tensor `value`'s elements under this tensor's record (`Tensor.data = value`).
    pub fn with_data(&self, value: &Tensor) -> Tensor {
        let t = value.alias(value.layout().clone(), None, None);
        if let Some(r) = self.0.record.get() {
            _ = t.0.record.set(r.clone());
        }
        t
    }

    /// The elements with conj and neg written out, outside of any graph: the tensor itself when neither is set.
    pub fn resolve(&self) -> Result<Tensor> {
        if !self.0.conj && !self.0.neg {
            return Ok(self.clone());
        }
        crate::autograd::no_grad(|| {
            let mut bare = self.view_with(self.layout().clone(), self.dtype(), false, false);
            if self.0.conj {
                bare = bare.conj_physical()?;
            }
            if self.0.neg {
                bare = bare.neg()?;
            }
            Ok(bare)
        })
    }

    pub(crate) fn check_has_data(&self, what: &str) -> Result<()> {
        if self.device() == Device::Meta {
            return Err(Error::not_implemented(format!("Cannot copy out of meta tensor; no data! ({what})")));
        }
        Ok(())
    }

    /// The object of another language that stands for this tensor, if one is alive.
    pub fn object(&self) -> Option<NonNull<()>> {
        NonNull::new(self.0.object.load(Relaxed))
    }

    /// Sets the object of another language that stands for this tensor. It is not owned.
    pub fn set_object(&self, object: *mut ()) {
        self.0.object.store(object, Relaxed);
    }
}

impl WeakTensor {
    /// The tensor, if it is still alive.
    pub fn upgrade(&self) -> Option<Tensor> {
        self.0.upgrade().map(Tensor)
    }
}

/// Reads one element, which may be unaligned, as a number.
fn read_element(ptr: *const u8, dtype: DType) -> Scalar {
    macro_rules! read {
        ($t:ty) => {
            // SAFETY: the caller points at an element of this dtype.
            unsafe { ptr.cast::<$t>().read_unaligned() }.to_scalar()
        };
    }
    match dtype {
        // SAFETY: as above; a bool from outside may be any byte.
        DType::Bool => Scalar::Bool(unsafe { *ptr } != 0),
        DType::U8 => read!(u8),
        DType::I8 => read!(i8),
        DType::I16 => read!(i16),
        DType::I32 => read!(i32),
        DType::I64 => read!(i64),
        DType::F16 => read!(crate::f16),
        DType::BF16 => read!(crate::bf16),
        DType::F32 => read!(f32),
        DType::F64 => read!(f64),
        DType::C64 => read!(crate::Complex32),
        DType::C128 => read!(crate::Complex64),
    }
}

/// Writes one element.
fn write_element(ptr: *mut u8, dtype: DType, value: Scalar) {
    macro_rules! write {
        ($t:ty) => {
            // SAFETY: the caller points at room for an element of this dtype that nobody else uses.
            unsafe { ptr.cast::<$t>().write_unaligned(<$t as Element>::from_scalar(value)) }
        };
    }
    match dtype {
        DType::Bool => write!(bool),
        DType::U8 => write!(u8),
        DType::I8 => write!(i8),
        DType::I16 => write!(i16),
        DType::I32 => write!(i32),
        DType::I64 => write!(i64),
        DType::F16 => write!(crate::f16),
        DType::BF16 => write!(crate::bf16),
        DType::F32 => write!(f32),
        DType::F64 => write!(f64),
        DType::C64 => write!(crate::Complex32),
        DType::C128 => write!(crate::Complex64),
    }
}

/// A shape as dims, for callers that build one.
impl Tensor {
    /// The sizes as an owned list.
    pub fn sizes(&self) -> Dims {
        Dims::from_slice(&self.0.layout.sizes)
    }
}
