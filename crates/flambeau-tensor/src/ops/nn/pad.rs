//! Padding: more elements around a tensor, or fewer.

use flambeau_cpu::interp as kernels;

use crate::dispatch::Locked;
use crate::ops::{Val, laid_like, op};
use crate::{Dims, Error, Layout, Options, Result, Scalar, Tensor};

fn check_pairs(x: &Tensor, pad: &[i64]) -> Result<()> {
    if !pad.len().is_multiple_of(2) {
        return Err(Error::runtime("Padding length must be divisible by 2"));
    }
    if pad.len() / 2 > x.dim() {
        return Err(Error::runtime(format!(
            "Padding length should be less than or equal to two times the input dimension but got padding length {} and input of dimension {}",
            pad.len(),
            x.dim()
        )));
    }
    Ok(())
}

fn padded(x: &Tensor, pad: &[i64]) -> Result<Dims> {
    check_pairs(x, pad)?;
    let mut sizes = x.sizes();
    for (i, p) in pad.chunks(2).enumerate() {
        let d = x.dim() - 1 - i;
        sizes[d] = sizes[d].saturating_add(p[0].saturating_add(p[1]));
        if sizes[d] < 0 {
            return Err(Error::runtime("narrow(): length must be non-negative."));
        }
    }
    Ok(sizes)
}

/// The layout of a padded tensor: channels stay last where they are, but for `circular`.
fn padded_layout(x: &Tensor, pad: &[i64], mode: &str) -> Result<Layout> {
    let sizes = padded(x, pad)?;
    Ok(if mode == "circular" { Layout::contiguous(&sizes) } else { laid_like(x, &sizes) })
}

/// The part of a tensor that padding with these widths keeps (`inner` of what it makes, or of what it was made from).
fn kept(x: &Tensor, pad: &[i64], of_result: bool) -> Result<Tensor> {
    let mut part = x.clone();
    for (i, p) in pad.chunks(2).enumerate() {
        let d = x.dim() - 1 - i;
        let cut = |n: i64| if of_result { n.max(0) } else { n.saturating_neg().max(0) };
        let (front, behind) = (cut(p[0]), cut(p[1]));
        if front > 0 || behind > 0 {
            let length = x.size()[d].saturating_sub(front.saturating_add(behind)).max(0);
            part = part.narrow(d as i64, front.min(x.size()[d] - length), length)?;
        }
    }
    Ok(part)
}

op! {
    /// One value around a tensor: `pad` has the widths in front of and behind the last dimension, the one before it, and so
    /// on. Negative widths cut off.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.constant_pad_nd(torch.ones(2), (1, 0))
    /// tensor([0., 1., 1.])
    fn constant_pad_nd(input: Tensor, pad: Dims, value: Scalar = 0) -> y;
    variants [function];
    dtype input.dtype();
    shape padded_layout(input, pad, "constant");
    compute {
        let y = Tensor::alloc(padded_layout(input, pad, "constant")?, input.dtype(), input.device())?;
        y.fill_(value)?;
        if y.numel() > 0 {
            kept(&y, pad, true)?.copy_(&kept(input, pad, false)?)?;
        }
        Ok(y)
    };
    vjp { input => |g, pad| {
        let undo: Dims = pad.iter().map(|p| -p).collect();
        g.constant_pad_nd(&undo)
    } };
    samples [
        (real([2, 3]), [1, 2]),
        (real([2, 3]), [-1, 1, 1, 0], 2.0),
        (real([]), []),
        (real([0, 2]), [0, 0, 1, 1]),
    ];
}

op! {
    /// Elements around a tensor: a value ("constant"), its mirror image ("reflect"), its edge ("replicate") or its other end
    /// ("circular").
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    ///
    /// >>> torch.nn.functional.pad(torch.tensor([[1., 2., 3.]]), (1, 1), mode="reflect")
    /// tensor([[2., 1., 2., 3., 2.]])
    fn pad(input: Tensor, pad: Dims, mode: Str = "constant", value: Option<f64> = None) -> y;
    variants [functional];
    composite {
        check_pairs(input, pad)?;
        if mode == "constant" {
            return input.constant_pad_nd_with(pad, Scalar::Float(value.unwrap_or(0.0)));
        }
        if value.is_some_and(|v| v != 0.0) {
            return Err(Error::runtime(format!("Padding mode \"{mode}\" doesn't take in value argument")));
        }
        check_mode(input, pad, mode)?;
        input.pad_with_own(pad, mode)
    };
    samples [
        (real([2, 3]), [1, 2], "constant", 1.5),
        (real([2, 2, 3]), [1, 1], "reflect"),
        (real([2, 2, 3]), [1, 2], "replicate"),
        (real([2, 2, 3]), [0, 1], "circular"),
        (real([1, 2, 2, 3]), [1, 0, 0, 1], "reflect"),
        (real([0, 2]), [1, 1]),
    ];
}

op! {
    /// Padding with elements of the tensor itself.
    ///
    /// Shape: `*s -> *t`. Dtype: unchanged.
    fn pad_with_own(input: Tensor, pad: Dims, mode: Str) -> y;
    variants [private];
    node "PadBackward0";
    dtype input.dtype();
    shape padded_layout(input, pad, mode);
    compute {
        check_pairs(input, pad)?;
        check_mode(input, pad, mode)?;
        let y = picked(input, pad, mode)?;
        let layout = padded_layout(input, pad, mode)?;
        if y.layout().strides == layout.strides {
            return Ok(y);
        }
        let out = Tensor::alloc(layout, y.dtype(), y.device())?;
        out.copy_(&y)
    };
    vjp { input => |g, input, pad, mode| own_backward(g, input.tensor()?.size(), pad, mode).tied(input) };
    samples [
        (real([2, 2, 3]), [1, 1], "reflect"),
        (real([2, 2, 3]), [1, 2], "replicate"),
        (real([2, 2, 3]), [0, 1], "circular"),
    ];
}

/// A padded copy.
fn picked(x: &Tensor, pad: &[i64], mode: &str) -> Result<Tensor> {
    let x = x.contiguous()?;
    let outs = [Tensor::empty(&padded(&x, pad)?, x.dtype(), x.device())?];
    if outs[0].numel() > 0 {
        let at = x.dim() - pad.len() / 2;
        let list = pad.chunks(2).rev().zip(&x.size()[at..]);
        let places: Vec<Vec<usize>> = list
            .map(|(p, &n)| sources(n, p[0], p[1], mode).into_iter().map(|i| i.clamp(0, n - 1) as usize).collect())
            .collect();
        Locked::run(&[&x], &outs, |locked, outs| kernels::pick(&mut outs.next(), &locked.view(&x), &places));
    }
    let [y] = outs;
    Ok(y)
}

/// For each padded dimension, where its elements come from.
fn own_places(sizes: &[i64], pad: &[i64], mode: &str) -> Result<Vec<(i64, Tensor)>> {
    let of = |(i, p): (usize, &[i64])| {
        let d = sizes.len() - 1 - i;
        let places = sources(sizes[d], p[0], p[1], mode);
        Ok((d as i64, Tensor::of(&places, &[places.len() as i64])?))
    };
    pad.chunks(2).enumerate().map(of).collect()
}

/// Each element goes back where it came from, in the order of the result: half types round each sum as PyTorch does.
fn own_backward(g: &Val, sizes: &[i64], pad: &[i64], mode: &str) -> Val {
    Val::run(|| {
        let g = g.tensor()?;
        let at = sizes.len() - pad.len() / 2;
        let mut places = Tensor::of(&[0i64], &[1])?;
        for (d, index) in own_places(sizes, pad, mode)?.into_iter().rev() {
            places = places.mul(sizes[d as usize])?.unsqueeze(1)?.add(&index)?.reshape(&[-1])?;
        }
        let lead: i64 = sizes[..at].iter().product();
        let flat = crate::ops::zeros_with(&[lead, sizes[at..].iter().product()], Options::like(&g))?;
        flat.index_add(1, &places, &g.reshape(&[lead, places.numel()])?)?.reshape(sizes)
    })
}

fn check_mode(x: &Tensor, pad: &[i64], mode: &str) -> Result<()> {
    if !matches!(mode, "reflect" | "replicate" | "circular") {
        return Err(Error::not_implemented(format!("Unrecognised padding mode {mode}")));
    }
    let n = pad.len() / 2;
    if !(1..=3).contains(&n) || !(n + 1..=n + 2).contains(&x.dim()) {
        return Err(Error::not_implemented(format!(
            "Padding size {} is not supported for {}D input tensor.\nSupported combinations for non-constant padding:\n  - 2D or 3D \
             input: padding size = 2 (pads last dimension)\n  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n  - 4D or \
             5D input: padding size = 6 (pads last 3 dimensions)",
            pad.len(),
            x.dim()
        )));
    }
    for (i, p) in pad.chunks(2).enumerate() {
        let d = x.dim() - 1 - i;
        let size = x.size()[d];
        let widest = p[0].max(p[1]);
        if mode == "reflect" && widest >= size {
            return Err(Error::runtime(format!(
                "Argument #{}: Padding size should be less than the corresponding input dimension, but got: padding ({}, {}) at dimension {d} of input {:?}",
                4 + 2 * i,
                p[0],
                p[1],
                x.size()
            )));
        }
        if mode == "circular" && widest > size {
            return Err(Error::runtime("Padding value causes wrapping around more than once."));
        }
        if size + p[0] + p[1] < 1 || size == 0 {
            return Err(Error::runtime(format!(
                "input (W: {size}) is too small. Calculated output W: {}",
                size + p[0] + p[1]
            )));
        }
    }
    Ok(())
}

/// Where the elements of a padded dimension come from.
fn sources(size: i64, front: i64, behind: i64, mode: &str) -> Vec<i64> {
    // What is cut off does not come round at the other end.
    let (first, kept) = ((-front).max(0), size + front.min(0) + behind.min(0));
    (-front..size + behind)
        .map(|i| match mode {
            "replicate" => i.clamp(0, size - 1),
            "circular" => first + (i - first).rem_euclid(kept.max(1)),
            _ => (size - 1 - (size - 1 - i.abs()).abs()).max(0),
        })
        .collect()
}
