//! Layers without parameters that work element by element or along one dimension.
//!
//! ```
//! use flambeau_nn::{Module, ReLU, Softmax};
//! use flambeau_tensor::Tensor;
//!
//! let x = Tensor::of(&[-1.0f32, 2.0], &[2])?;
//! assert_eq!(ReLU.forward(&x)?.to_vec::<f32>()?, [0.0, 2.0]);
//! assert_eq!(format!("{}", Softmax { dim: 1 }), "Softmax(dim=1)");
//! # Ok::<(), flambeau_tensor::Error>(())
//! ```

use flambeau_tensor::{Result, Tensor};

use crate::Module;
use crate::module::{python_float, show};

/// A layer without settings: its name, and the method of `Tensor` that it calls.
macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default)]
        pub struct $name;

        impl Module for $name {
            fn name(&self) -> &'static str {
                stringify!($name)
            }
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                input.$method()
            }
        }
        show!($name);
    )*};
}

plain! {
    /// `max(x, 0)`. Shape: `*s -> *s`.
    ReLU relu;
    /// `1 / (1 + exp(-x))`. Shape: `*s -> *s`.
    Sigmoid sigmoid;
    /// The hyperbolic tangent. Shape: `*s -> *s`.
    Tanh tanh;
    /// `x * sigmoid(x)`. Shape: `*s -> *s`.
    SiLU silu;
}

/// Returns its input. Shape: `*s -> *s`.
#[derive(Clone, Copy, Default)]
pub struct Identity;

impl Module for Identity {
    fn name(&self) -> &'static str {
        "Identity"
    }
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(input.clone())
    }
}
show!(Identity);

/// A layer with one setting.
macro_rules! with_setting {
    ($($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $ty:ty } |$me:ident, $x:ident| $forward:expr, $extra:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name {
            $(#[$field_doc])*
            pub $field: $ty,
        }

        impl Module for $name {
            fn name(&self) -> &'static str {
                stringify!($name)
            }
            fn forward(&self, $x: &Tensor) -> Result<Tensor> {
                let $me = self;
                $forward
            }
            fn extra_repr(&self) -> String {
                let $me = self;
                $extra
            }
        }
        show!($name);
    )*};
}

with_setting! {
    /// `x` times the normal distribution's share below `x`. Shape: `*s -> *s`.
    #[derive(Default)]
    GELU {
        /// Whether the share is approximated by a hyperbolic tangent.
        tanh: bool
    } |me, x| x.gelu_with(me.approximate()), format!("approximate='{}'", me.approximate());
    /// `x` above 0, `negative_slope * x` below. Shape: `*s -> *s`.
    LeakyReLU {
        /// The slope below 0.
        negative_slope: f64
    } |me, x| x.leaky_relu_with(me.negative_slope), format!("negative_slope={}", python_float(me.negative_slope));
    /// `x` above 0, `alpha * (exp(x) - 1)` below. Shape: `*s -> *s`.
    ELU {
        /// What it tends to far below 0, negated.
        alpha: f64
    } |me, x| x.elu_with(me.alpha, 1.0, 1.0), format!("alpha={}", python_float(me.alpha));
    /// `log(1 + exp(beta * x)) / beta`. Shape: `*s -> *s`.
    Softplus {
        /// How sharply it bends.
        beta: f64
    } |me, x| x.softplus_with(me.beta, 20.0), format!("beta={}, threshold=20.0", python_float(me.beta));
    /// `exp(x)`, divided by its sum along `dim`. Shape: `*s -> *s`.
    Softmax {
        /// The dimension along which the outputs add up to 1.
        dim: i64
    } |me, x| x.softmax(me.dim), format!("dim={}", me.dim);
    /// The logarithm of [`Softmax`]. Shape: `*s -> *s`.
    LogSoftmax {
        /// The dimension along which the outputs' exponentials add up to 1.
        dim: i64
    } |me, x| x.log_softmax(me.dim), format!("dim={}", me.dim);
}
impl GELU {
    fn approximate(&self) -> &'static str {
        if self.tanh { "tanh" } else { "none" }
    }
}

impl Default for LeakyReLU {
    fn default() -> LeakyReLU {
        LeakyReLU { negative_slope: 0.01 }
    }
}

impl Default for ELU {
    fn default() -> ELU {
        ELU { alpha: 1.0 }
    }
}

impl Default for Softplus {
    fn default() -> Softplus {
        Softplus { beta: 1.0 }
    }
}
