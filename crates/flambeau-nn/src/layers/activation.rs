//! Layers that work element by element or along one dimension.
//!
//! ```
//! use flambeau_nn::{Forward, ReLU, Softmax};
//! use flambeau_tensor::Tensor;
//!
//! let x = Tensor::of(&[-1.0f32, 2.0], &[2])?;
//! assert_eq!(ReLU.forward(&x)?.to_vec::<f32>()?, [0.0, 2.0]);
//! assert_eq!(format!("{}", Softmax { dim: 1 }), "Softmax(dim=1)");
//! # Ok::<(), flambeau_tensor::Error>(())
//! ```

use flambeau_tensor::{DType, Error, Result, Tensor, ops};

use super::parameter;
use crate::module::{Training, python_float};
use crate::{Forward, Module, init};

/// A layer without settings: its name, and the method of `Tensor` that it calls.
macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, Module)]
        pub struct $name;

        impl Forward for $name {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                input.$method()
            }
        }
    )*};
}

plain! {
    /// `max(x, 0)`. Shape: `*s -> *s`.
    ReLU relu;
    /// `min(max(x, 0), 6)`. Shape: `*s -> *s`.
    ReLU6 relu6;
    /// `1 / (1 + exp(-x))`. Shape: `*s -> *s`.
    Sigmoid sigmoid;
    /// The logarithm of [`Sigmoid`]. Shape: `*s -> *s`.
    LogSigmoid logsigmoid;
    /// [`Sigmoid`] in three straight pieces. Shape: `*s -> *s`.
    Hardsigmoid hardsigmoid;
    /// `x * hardsigmoid(x)`. Shape: `*s -> *s`.
    Hardswish hardswish;
    /// The hyperbolic tangent. Shape: `*s -> *s`.
    Tanh tanh;
    /// `x - tanh(x)`. Shape: `*s -> *s`.
    Tanhshrink tanhshrink;
    /// `x * sigmoid(x)`. Shape: `*s -> *s`.
    SiLU silu;
    /// `x * tanh(softplus(x))`. Shape: `*s -> *s`.
    Mish mish;
    /// The self-normalizing [`ELU`]. Shape: `*s -> *s`.
    SELU selu;
    /// `x / (1 + |x|)`. Shape: `*s -> *s`.
    Softsign softsign;
}

/// Returns its input. Shape: `*s -> *s`.
#[derive(Clone, Copy, Default, Module)]
pub struct Identity;

impl Forward for Identity {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(input.clone())
    }
}

/// A layer with settings: its fields, what it computes, and how its settings are printed.
macro_rules! with_settings {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty $(= $usual:expr)?),+ }
        |$me:ident, $x:ident| $forward:expr, $extra:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Module)]
        #[module(extra_repr = Self::settings)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)+
        }

        impl $name {
            fn settings(&self) -> String {
                let $me = self;
                $extra
            }
        }

        impl Forward for $name {
            fn forward(&self, $x: &Tensor) -> Result<Tensor> {
                let $me = self;
                $forward
            }
        }

        with_settings!(@default $name { $($field $(= $usual)?),+ });
    )*};
    (@default $name:ident { $($field:ident = $usual:expr),+ }) => {
        impl Default for $name {
            fn default() -> $name {
                $name { $($field: $usual),+ }
            }
        }
    };
    (@default $name:ident { $($field:ident),+ }) => {};
}

with_settings! {
    /// `x` times the normal distribution's share below `x`. Shape: `*s -> *s`.
    GELU {
        /// Whether the share is approximated by a hyperbolic tangent.
        tanh: bool = false
    } |me, x| x.gelu_with(me.approximate()), format!("approximate='{}'", me.approximate());
    /// `x` above 0, `negative_slope * x` below. Shape: `*s -> *s`.
    LeakyReLU {
        /// The slope below 0.
        negative_slope: f64 = 0.01
    } |me, x| x.leaky_relu_with(me.negative_slope), format!("negative_slope={}", python_float(me.negative_slope));
    /// `x` above 0, `alpha * (exp(x) - 1)` below. Shape: `*s -> *s`.
    ELU {
        /// What it tends to far below 0, negated.
        alpha: f64 = 1.0
    } |me, x| x.elu_with(me.alpha, 1.0, 1.0), format!("alpha={}", python_float(me.alpha));
    /// `x` above 0, `alpha * (exp(x / alpha) - 1)` below: an [`ELU`] without a kink. Shape: `*s -> *s`.
    CELU {
        /// What it tends to far below 0, negated.
        alpha: f64 = 1.0
    } |me, x| x.celu_with(me.alpha), format!("alpha={}", python_float(me.alpha));
    /// `log(1 + exp(beta * x)) / beta`. Shape: `*s -> *s`.
    Softplus {
        /// How sharply it bends.
        beta: f64 = 1.0,
        /// Above this value of `beta * x` it is `x`.
        threshold: f64 = 20.0
    } |me, x| x.softplus_with(me.beta, me.threshold),
        format!("beta={}, threshold={}", python_float(me.beta), python_float(me.threshold));
    /// `x` where it is farther than `lambd` from 0, else 0. Shape: `*s -> *s`.
    Hardshrink {
        /// The distance.
        lambd: f64 = 0.5
    } |me, x| x.hardshrink_with(me.lambd), python_float(me.lambd);
    /// `x` moved towards 0 by `lambd`. Shape: `*s -> *s`.
    Softshrink {
        /// How far.
        lambd: f64 = 0.5
    } |me, x| x.softshrink_with(me.lambd), python_float(me.lambd);
    /// `x` kept between two bounds. Shape: `*s -> *s`.
    Hardtanh {
        /// The lower bound.
        min_val: f64 = -1.0,
        /// The upper bound.
        max_val: f64 = 1.0
    } |me, x| x.hardtanh_with(me.min_val, me.max_val),
        format!("min_val={}, max_val={}", python_float(me.min_val), python_float(me.max_val));
    /// `x` above `threshold`, else `value`. Shape: `*s -> *s`.
    Threshold {
        /// The bound.
        threshold: f64,
        /// What stands for all below it.
        value: f64
    } |me, x| x.threshold(me.threshold, me.value),
        format!("threshold={}, value={}", python_float(me.threshold), python_float(me.value));
    /// The first half along `dim` times the sigmoid of the second. Shape: `*s 2n -> *s n`.
    GLU {
        /// The dimension to halve.
        dim: i64 = -1
    } |me, x| x.glu_with(me.dim), format!("dim={}", me.dim);
    /// `exp(x)`, divided by its sum along `dim`. Shape: `*s -> *s`.
    Softmax {
        /// The dimension along which the outputs add up to 1.
        dim: i64
    } |me, x| x.softmax(me.dim), format!("dim={}", me.dim);
    /// [`Softmax`] of `-x`. Shape: `*s -> *s`.
    Softmin {
        /// The dimension along which the outputs add up to 1.
        dim: i64
    } |me, x| x.neg()?.softmax(me.dim), format!("dim={}", me.dim);
    /// The logarithm of [`Softmax`]. Shape: `*s -> *s`.
    LogSoftmax {
        /// The dimension along which the outputs' exponentials add up to 1.
        dim: i64
    } |me, x| x.log_softmax(me.dim), format!("dim={}", me.dim);
}

/// [`Softmax`] over the channels of each place. Shape: `N C H W -> N C H W` or `C H W -> C H W`.
#[derive(Clone, Copy, Default, Module)]
pub struct Softmax2d;

impl Forward for Softmax2d {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        match input.dim() {
            3 | 4 => input.softmax(-3),
            n => Err(Error::value(format!("Softmax2d: expected input to be 3D or 4D, got {n}D instead"))),
        }
    }
}

/// [`LeakyReLU`] whose slope is drawn anew for each element while training, and is the middle of the range after
/// [`Module::eval`]. Shape: `*s -> *s`.
///
/// ```
/// use flambeau_nn::{Forward, Module, RReLU};
/// use flambeau_tensor::Tensor;
///
/// let layer = RReLU::new(0.25, 0.75)?;
/// layer.eval();
/// assert_eq!(layer.forward(&Tensor::of(&[-1.0f32, 2.0], &[2])?)?.to_vec::<f32>()?, [-0.5, 2.0]);
/// assert_eq!(format!("{layer}"), "RReLU(lower=0.25, upper=0.75)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(extra_repr = Self::settings)]
pub struct RReLU {
    lower: f64,
    upper: f64,
    training: Training,
}

impl Default for RReLU {
    fn default() -> RReLU {
        RReLU { lower: 1.0 / 8.0, upper: 1.0 / 3.0, training: Training::default() }
    }
}

impl RReLU {
    /// With slopes between `lower` and `upper`, in the mode for training.
    pub fn new(lower: f64, upper: f64) -> Result<RReLU> {
        if lower > upper {
            return Err(Error::runtime("Lower bound should be less than or equal to the upper bound"));
        }
        Ok(RReLU { lower, upper, ..RReLU::default() })
    }

    fn settings(&self) -> String {
        format!("lower={}, upper={}", python_float(self.lower), python_float(self.upper))
    }
}

impl Forward for RReLU {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        if !self.training.is_on() {
            return input.leaky_relu_with((self.lower + self.upper) / 2.0);
        }
        let x = input.detach();
        let below = x.le(0)?;
        let count = below.sum()?.item()?.to_f64() as i64;
        let drawn = init::uniform_(&ops::empty(&[count])?.to_dtype(DType::F64)?, self.lower, self.upper)?;
        input.mul(&x.ones_like()?.masked_scatter(&below, &drawn.to_dtype(x.dtype())?)?)
    }
}

impl GELU {
    fn approximate(&self) -> &'static str {
        if self.tanh { "tanh" } else { "none" }
    }
}

/// `x` above 0, a learnt multiple below: one slope for all, or one for each channel. Shape: `N C *s -> N C *s`.
///
/// ```
/// use flambeau_nn::{Forward, PReLU};
/// use flambeau_tensor::Tensor;
///
/// let layer = PReLU::new(1)?;
/// let y = layer.forward(&Tensor::of(&[-1.0f32, 2.0], &[2])?)?;
/// assert_eq!(y.to_vec::<f32>()?, [-0.25, 2.0]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(extra_repr = Self::settings)]
pub struct PReLU {
    /// The slopes below 0, of shape `1` or `C`; start as 0.25.
    pub weight: Tensor,
}

impl PReLU {
    /// With so many slopes.
    pub fn new(num_parameters: i64) -> Result<PReLU> {
        Ok(PReLU { weight: init::constant_(&parameter(&[num_parameters])?, 0.25)? })
    }

    fn settings(&self) -> String {
        format!("num_parameters={}", self.weight.numel())
    }
}

impl Forward for PReLU {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.prelu(&self.weight)
    }
}
