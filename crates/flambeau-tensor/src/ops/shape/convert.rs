//! Copies: to another dtype or device, into one block, over other elements.

use flambeau_cpu::loops;

use crate::ops::{Options, op};
use crate::{DType, Device, Error, Layout, MemoryFormat, Result, Tensor};

op! {
    /// Writes the elements of `other`, broadcast and converted, over those of the tensor.
    ///
    /// Shape: `*s, *t -> *s` where `*t` broadcasts to `*s`.
    ///
    /// >>> torch.zeros(2).copy_(torch.tensor([1, 2]))
    /// tensor([1., 2.])
    fn copy(input: Tensor, other: Tensor, non_blocking: bool = false) -> y;
    variants [method, inplace copy_];
    quirks [SameOrApart];
    node "CopyBackwards";
    mutate {
        let strides = broadcast_to(other.sizes(), other.strides(), input.sizes())?;
        // SAFETY: broadcasting repeats elements that `other` has.
        let other = unsafe { other.with(input.sizes(), &strides) };
        loops::copy(input, other)
    };
    vjp { input => |g| g * 0.0; other => |g| g };
    samples [
        (real([2, 3]), other([2, 3])),
        (real([2, 3]), other([3])),
        (real([]), other([]), true),
        (real([0, 2]), other([2])),
    ];
}

/// The strides with which `have` is seen through `want`.
pub(crate) fn broadcast_to(have: &[i64], strides: &[i64], want: &[i64]) -> Result<crate::Dims> {
    let layout = Layout { sizes: have.into(), strides: strides.into(), offset: 0 };
    let fail = || {
        Error::runtime(format!(
            "output with shape {want:?} doesn't match the broadcast shape of an input with shape {have:?}"
        ))
    };
    if have.len() > want.len() {
        return if have[..have.len() - want.len()].iter().all(|&n| n == 1) {
            broadcast_to(&have[have.len() - want.len()..], &strides[have.len() - want.len()..], want)
        } else {
            Err(fail())
        };
    }
    layout.expand(want).map(|l| l.strides).map_err(|e| if have.len() > want.len() { fail() } else { e })
}

/// The layout of a copy in a memory format.
pub(crate) fn copy_layout(x: &Tensor, format: MemoryFormat) -> Result<Layout> {
    match format {
        MemoryFormat::Contiguous => Ok(Layout::contiguous(x.size())),
        MemoryFormat::Preserve if x.layout().is_dense() => Ok(Layout { offset: 0, ..x.layout().clone() }),
        MemoryFormat::Preserve => Ok(crate::dispatch::elementwise_layout(&[x], x.size())),
        MemoryFormat::ChannelsLast => channels_last(x.size()),
    }
}

/// The channels-last layout of 4-d sizes.
pub fn channels_last(sizes: &[i64]) -> Result<Layout> {
    if sizes.len() != 4 {
        return Err(Error::runtime("required rank 4 tensor to use channels_last format"));
    }
    Ok(Layout::channels_last(sizes))
}

/// `y` in a layout: itself, or a copy.
pub fn lay(y: Tensor, layout: Layout) -> Result<Tensor> {
    if layout.strides == y.layout().strides {
        return Ok(y);
    }
    Tensor::empty_layout(layout, y.dtype(), y.device())?.copy_(&y)
}

/// The layout of what is made of `x`: channels last where those of `x` are.
pub fn laid_like(x: &Tensor, sizes: &[i64]) -> Layout {
    let last = x.dim() == sizes.len() && x.layout().prefers_channels_last();
    if last { Layout::channels_last(sizes) } else { Layout::contiguous(sizes) }
}

op! {
    /// A copy, of another dtype, device or memory format where given.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged.
    fn to_copy(input: Tensor; dtype: Option<DType> = None, device: Option<Device> = None, memory_format: Format = MemoryFormat::Preserve) -> y;
    variants [private];
    node "ToCopyBackward0";
    compute { copied(input, dtype, device, memory_format) };
    dtype dtype.unwrap_or(input.dtype());
    shape copy_layout(input, memory_format);
    vjp { input => |g| g };
    samples [
        (real([2, 3]), DType::C128),
        (real([1, 2, 3, 4]), None, None, MemoryFormat::ChannelsLast),
        (real([])),
        (real([0, 2]), DType::F32),
    ];
}

fn copied(x: &Tensor, dtype: Option<DType>, device: Option<Device>, format: MemoryFormat) -> Result<Tensor> {
    let device = device.unwrap_or(x.device());
    if device == Device::Cpu {
        x.check_has_data("to")?;
    }
    let out = Tensor::alloc(copy_layout(x, format)?, dtype.unwrap_or(x.dtype()), device)?;
    if device == Device::Cpu {
        out.copy_(x)?;
    }
    Ok(out)
}

op! {
    /// A copy. `memory_format` preserves the order of dimensions in memory, unless given.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.tensor([1, 2]).clone()
    /// tensor([1, 2])
    fn clone_(input: Tensor; memory_format: Option<Format> = None) -> y;
    variants [method, function];
    composite { input.clone_in(memory_format.unwrap_or(MemoryFormat::Preserve)) };
    samples [(real([2, 3])), (real([1, 2, 3, 4]), MemoryFormat::ChannelsLast), (real([])), (real([0, 2]))];
}

op! {
    /// A copy in a memory format.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    fn clone_in(input: Tensor, memory_format: Format) -> y;
    variants [private, rust];
    quirks [TakesLazy];
    node "CloneBackward0";
    compute {
        let (layout, device) = (copy_layout(input, memory_format)?, input.device());
        if device == Device::Cpu && (input.is_conj() || input.is_neg()) {
            // Written out it is new memory already.
            let written = input.resolve()?;
            if *written.layout() == layout {
                return Ok(written);
            }
        }
        let out = Tensor::alloc(layout, input.dtype(), device)?;
        if device == Device::Cpu {
            out.copy_(input)?;
        }
        Ok(out)
    };
    dtype input.dtype();
    shape copy_layout(input, memory_format);
    vjp { input => |g| g };
    samples [
        (real([2, 3]), MemoryFormat::Preserve),
        (real([1, 2, 3, 4]), MemoryFormat::ChannelsLast),
        (real([]), MemoryFormat::Contiguous),
        (real([0, 2]), MemoryFormat::Preserve),
    ];
}

op! {
    /// The tensor itself where its memory is row-major without gaps, else such a copy.
    ///
    /// Shape: `*s -> *s`. Dtype: unchanged.
    ///
    /// >>> torch.ones(2, 3).t().contiguous().stride()
    /// (2, 1)
    fn contiguous(input: Tensor; memory_format: Format = MemoryFormat::Contiguous) -> y;
    variants [method];
    composite {
        if memory_format == MemoryFormat::Preserve {
            return Err(Error::runtime("preserve memory format is unsupported by the contiguous operator"));
        }
        if input.is_contiguous_in(memory_format) { Ok(input.clone()) } else { input.clone_in(memory_format) }
    };
    samples [(real([2, 3])), (real([1, 2, 3, 4]), MemoryFormat::ChannelsLast), (real([])), (real([0, 2]))];
}

impl Tensor {
    /// A copy with its own memory and the same strides, part of the graph (`Tensor.clone` in Python; in Rust `clone` is the
    /// cheap copy of the handle).
    pub fn clone_tensor(&self) -> Result<Tensor> {
        self.clone_in(MemoryFormat::Preserve)
    }

    /// The tensor in another dtype; itself where it has that dtype.
    pub fn to_dtype(&self, dtype: DType) -> Result<Tensor> {
        if self.dtype() == dtype {
            Ok(self.clone())
        } else {
            self.to_copy_with(Some(dtype), None, MemoryFormat::Preserve)
        }
    }

    /// The tensor on another device; itself where it is there.
    pub fn to_device(&self, device: Device) -> Result<Tensor> {
        if self.device() == device {
            Ok(self.clone())
        } else {
            self.to_copy_with(None, Some(device), MemoryFormat::Preserve)
        }
    }

    /// The tensor with these options; itself where it has them (`Tensor.to`).
    pub fn to(&self, options: Options) -> Result<Tensor> {
        let same = options.dtype.is_none_or(|d| d == self.dtype()) && options.device.is_none_or(|d| d == self.device());
        if same { Ok(self.clone()) } else { self.to_copy_with(options.dtype, options.device, MemoryFormat::Preserve) }
    }
}
