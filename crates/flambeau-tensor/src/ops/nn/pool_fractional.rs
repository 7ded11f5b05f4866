//! Maximum pooling over windows that a random number spreads unevenly.

use flambeau_cpu::pool::{self as kernels, Window};

use super::pool_windows::to_winners;
use super::{expand_sizes, float_dtype};
use crate::dispatch::Locked;
use crate::ops::op;
use crate::{DType, Dims, Error, Result, Tensor};

/// The sizes of the result, after PyTorch's checks, and the windows' sizes.
fn sized<const N: usize>(x: &Tensor, kernel: &[i64], out: &[i64], samples: &Tensor) -> Result<(Dims, [i64; N])> {
    let name = format!("fractional_max_pool{N}d");
    let kernel: [i64; N] = expand_sizes(kernel).ok_or_else(|| {
        Error::runtime(format!("{name}: kernel_size must either be a single int or tuple of {N} ints"))
    })?;
    let out: [i64; N] = expand_sizes(out).ok_or_else(|| {
        Error::runtime(format!("{name}: output_size must either be a single int or tuple of {N} ints"))
    })?;
    if kernel.iter().any(|&k| k <= 0) {
        return Err(Error::runtime(
            "kernel_size must be greater than zero, but got ".to_string() + &format!("{kernel:?}"),
        ));
    }
    if out.iter().any(|&o| o <= 0) {
        return Err(Error::runtime(format!("{name}: output_size must be greater than zero, but got {out:?}")));
    }
    let d = x.dim();
    if !(d == N + 1 || d == N + 2) || x.size()[d - N - 1..].contains(&0) {
        return Err(Error::runtime(format!(
            "{name}: Expected {}D or {}D (batch mode) tensor with optional 0 dim batch size for input, but got: {:?}",
            N + 1,
            N + 2,
            x.size()
        )));
    }
    let letters = ["time", "height", "width"];
    for i in 0..N {
        let (size, letter) = (x.size()[d - N + i], letters[3 - N + i]);
        if out[i] + kernel[i] - 1 > size {
            return Err(Error::runtime(format!(
                "{name}(): pool {letter} {} too large relative to input {letter} {size}",
                kernel[i]
            )));
        }
    }
    if samples.dtype() != x.dtype() {
        return Err(Error::runtime("Expect _random_samples to have the same dtype as input"));
    }
    let batch = if d == N + 2 { x.size()[0] } else { 1 };
    let (have, channels) = (samples.size(), x.size()[d - N - 1]);
    if have.len() != 3 {
        return Err(Error::runtime(format!("Expect _random_samples to have 3 dimensions, got {}", have.len())));
    }
    if have[0] < batch || have[1] != channels || have[2] != N as i64 {
        return Err(Error::runtime(format!(
            "Expect _random_samples to be of sizes ({batch}, {channels}, {N}), got {have:?}"
        )));
    }
    let mut sizes = x.sizes();
    sizes[d - N..].copy_from_slice(&out);
    Ok((sizes, kernel))
}

/// Rounds as a number of this dtype is rounded.
fn rounded(v: f64, dtype: DType) -> f64 {
    match dtype {
        DType::F32 => f64::from(v as f32),
        DType::BF16 => f64::from(crate::bf16::from_f32(v as f32).to_f32()),
        DType::F16 => f64::from(crate::f16::from_f32(v as f32).to_f32()),
        _ => v,
    }
}

/// The windows along one side: their starts are `(i + sample) * alpha`, counted from that of the first.
fn windows(sample: f64, size: i64, out: i64, kernel: i64, dtype: DType) -> Vec<Window> {
    let window = |start: i64| Window { start, end: start + kernel, step: 1, count: kernel };
    let mut list = Vec::new();
    if out > 1 {
        let alpha = rounded((size - kernel) as f64 / (out - 1) as f64, dtype);
        let at = |i: i64| rounded(rounded(i as f64 + sample, dtype) * alpha, dtype) as i64;
        let first = rounded(sample * alpha, dtype) as i64;
        list.extend((0..out - 1).map(|i| window((at(i) - first).clamp(0, size - kernel))));
    }
    list.push(window(size - kernel));
    list
}

fn pooled<const N: usize>(x: &Tensor, kernel: &[i64], out: &[i64], samples: &Tensor) -> Result<(Tensor, Tensor)> {
    let (sizes, kernel) = sized::<N>(x, kernel, out, samples)?;
    float_dtype(x, "fractional_max_pool")?;
    let d = x.dim();
    let numbers = samples.to_dtype(DType::F64)?.contiguous()?.to_vec::<f64>()?;
    let planes: usize = x.size()[..d - N].iter().product::<i64>() as usize;
    let of_plane = |plane: usize| -> Vec<Vec<Window>> {
        let of_side = |i: usize| {
            // The last side of an image takes the first number; a volume takes them in order.
            let which = if N == 2 { N - 1 - i } else { i };
            windows(numbers[plane * N + which], x.size()[d - N + i], sizes[d - N + i], kernel[i], x.dtype())
        };
        (0..N).map(of_side).collect()
    };
    let windows: Vec<Vec<Vec<Window>>> = (0..planes).map(of_plane).collect();
    let x = x.contiguous()?;
    let outs = [Tensor::empty(&sizes, x.dtype(), x.device())?, Tensor::empty(&sizes, DType::I64, x.device())?];
    Locked::run(&[&x], &outs, |locked, outs| {
        kernels::max_windows_each(&mut outs.next(), &mut outs.next(), locked.view(&x), &windows)
    });
    let [y, at] = outs;
    Ok((y, at))
}

fn twice<const N: usize>(x: &Tensor, kernel: &[i64], out: &[i64], samples: &Tensor) -> Result<[Dims; 2]> {
    let (sizes, _) = sized::<N>(x, kernel, out, samples)?;
    Ok([sizes.clone(), sizes])
}

op! {
    /// The greatest element of each of `output_size` windows of images, which lie as `samples`, numbers from 0 to 1, say, and
    /// where it lies in its plane.
    ///
    /// Shape: `N C H W, N C 2 -> N C H' W', N C H' W'`. Dtype: floating-point, and int64.
    fn fractional_max_pool2d(input: Tensor, kernel_size: Dims, output_size: Dims, samples: Tensor) -> output, indices;
    variants [private, rust];
    node "FractionalMaxPool2DBackward0";
    dtype [float_dtype(input, "fractional_max_pool2d_out_frame")?, DType::I64];
    shape twice::<2>(input, kernel_size, output_size, samples);
    compute { pooled::<2>(input, kernel_size, output_size, samples) };
    vjp { input => |g, input, indices| to_winners(g, indices, input, 2) };
    samples [(real([1, 2, 5, 6]), [2, 3], [3, 2], unit([1, 2, 2])), (real([2, 4, 4]), [2], [2], unit([1, 2, 2]))];
}

op! {
    /// The greatest element of each of `output_size` windows of volumes, which lie as `samples`, numbers from 0 to 1, say, and
    /// where it lies in its volume.
    ///
    /// Shape: `N C D H W, N C 3 -> N C D' H' W', N C D' H' W'`. Dtype: floating-point, and int64.
    fn fractional_max_pool3d(input: Tensor, kernel_size: Dims, output_size: Dims, samples: Tensor) -> output, indices;
    variants [private, rust];
    node "FractionalMaxPool3DBackward0";
    dtype [float_dtype(input, "fractional_max_pool3d_out_frame")?, DType::I64];
    shape twice::<3>(input, kernel_size, output_size, samples);
    compute { pooled::<3>(input, kernel_size, output_size, samples) };
    vjp { input => |g, input, indices| to_winners(g, indices, input, 3) };
    samples [(real([1, 2, 3, 5, 4]), [2], [2, 3, 2], unit([1, 2, 3]))];
}
