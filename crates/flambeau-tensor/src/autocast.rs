//! Automatic mixed precision: the operators that gain by a shorter type run in it, those that need range in float32
//! (`torch.autocast`).

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::ops::{Arg, Args, OpDef, Place};
use crate::{DType, Result, Tensor};

thread_local! {
    static DTYPE: Cell<Option<DType>> = const { Cell::new(None) };
}

/// The number of threads in a span of mixed precision: few programs have any, and they ask nothing more.
static ACTIVE: AtomicUsize = AtomicUsize::new(0);

/// The type that this thread's operators are cast to, where mixed precision is on.
pub fn autocast_dtype() -> Option<DType> {
    if ACTIVE.load(Relaxed) == 0 { None } else { DTYPE.get() }
}

/// Turns mixed precision on or off for this thread, and gives what was before.
pub fn set_autocast(dtype: Option<DType>) -> Option<DType> {
    let before = DTYPE.replace(dtype);
    match (before, dtype) {
        (None, Some(_)) => _ = ACTIVE.fetch_add(1, Relaxed),
        (Some(_), None) => _ = ACTIVE.fetch_sub(1, Relaxed),
        _ => {}
    }
    before
}

/// Runs `f` with matrix products, convolutions and the like in a shorter type, and losses in float32.
///
/// ```
/// use flambeau_tensor::{DType, Tensor, autocast::autocast};
/// let x = Tensor::of(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2])?;
/// assert_eq!(autocast(DType::BF16, || x.matmul(&x))?.dtype(), DType::BF16);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn autocast<T>(dtype: DType, f: impl FnOnce() -> T) -> T {
    with(Some(dtype), f)
}

/// Runs `f` without mixed precision.
pub(crate) fn off<T>(f: impl FnOnce() -> T) -> T {
    if autocast_dtype().is_none() { f() } else { with(None, f) }
}

fn with<T>(dtype: Option<DType>, f: impl FnOnce() -> T) -> T {
    struct Back(Option<DType>);
    impl Drop for Back {
        fn drop(&mut self) {
            set_autocast(self.0);
        }
    }
    let _back = Back(set_autocast(dtype));
    f()
}

/// What becomes of an operator's tensors.
enum Rule {
    Shorter,
    Float32,
    Widest,
}

/// PyTorch's lists for the CPU.
fn rule(op: &OpDef, args: &[Arg]) -> Option<Rule> {
    let linalg = op.places.contains(&Place::Linalg);
    Some(match op.name {
        "conv1d"
        | "conv2d"
        | "conv3d"
        | "conv_transpose1d"
        | "conv_transpose2d"
        | "conv_transpose3d"
        | "mm"
        | "bmm"
        | "baddbmm"
        | "addmm"
        | "addbmm"
        | "linear"
        | "matmul"
        | "prelu"
        | "scaled_dot_product_attention"
        | "vecdot" => Rule::Shorter,
        "avg_pool3d"
        | "binary_cross_entropy"
        | "grid_sampler"
        | "polar"
        | "prod"
        | "quantile"
        | "nanquantile"
        | "stft"
        | "cdist"
        | "trace"
        | "view_as_complex"
        | "cholesky_inverse"
        | "cholesky_solve"
        | "lu_solve"
        | "orgqr"
        | "ormqr"
        | "geqrf"
        | "triangular_solve"
        | "pinverse"
        | "max_pool3d"
        | "max_unpool2d"
        | "max_unpool3d"
        | "adaptive_avg_pool3d"
        | "adaptive_max_pool3d"
        | "mse_loss"
        | "nll_loss"
        | "smooth_l1_loss"
        | "cross_entropy"
        | "l1_loss"
        | "huber_loss"
        | "ctc_loss"
        | "kl_div"
        | "binary_cross_entropy_with_logits"
        | "qr"
        | "svd"
        | "cholesky"
        | "inv" => Rule::Float32,
        "matrix_norm"
        | "cond"
        | "matrix_rank"
        | "solve"
        | "svdvals"
        | "eig"
        | "eigh"
        | "eigvals"
        | "eigvalsh"
        | "inv_ex"
        | "cholesky_ex"
        | "householder_product"
        | "tensorinv"
        | "tensorsolve"
        | "lstsq"
            if linalg =>
        {
            Rule::Float32
        }
        "pad" if !matches!(args.get(2), Some(Arg::Str(mode)) if &**mode == "constant") => Rule::Float32,
        _ if op.places.contains(&Place::Fft) => Rule::Float32,
        "cat" | "stack" | "index_copy" => Rule::Widest,
        _ => return None,
    })
}

/// Whether casting is for it: float64 is left alone, as are integers and complex numbers.
fn is_eligible(t: &Tensor) -> bool {
    t.dtype().is_floating() && t.dtype() != DType::F64
}

/// The arguments with which an operator runs in mixed precision, where they are others than the given ones.
#[cold]
pub(crate) fn cast(op: &OpDef, args: &[Arg]) -> Result<Option<Args>> {
    let (Some(shorter), Some(rule)) = (autocast_dtype(), rule(op, args)) else { return Ok(None) };
    let to = match rule {
        Rule::Shorter => shorter,
        Rule::Float32 => DType::F32,
        Rule::Widest => {
            let mut widest = shorter;
            for a in args {
                a.each_tensor(&mut |t| {
                    if t.dtype() == DType::F32 {
                        widest = DType::F32;
                    }
                });
            }
            widest
        }
    };
    let mut cast: Args = args.into();
    for a in &mut cast {
        a.map_tensors(&mut |t| if is_eligible(t) && t.dtype() != to { t.to_dtype(to) } else { Ok(t.clone()) })?;
    }
    Ok(Some(cast))
}
