//! What all layers and models have in common.

use flambeau_tensor::autograd::no_grad;
use flambeau_tensor::{Error, Result, Tensor};

/// Parameters by name, in the order in which the model has them.
pub type StateDict = Vec<(String, Tensor)>;

/// A layer, or a model made of layers (`torch.nn.Module`).
///
/// A model of one's own says its name, its layers, and what it computes; names of parameters, state dicts and printing
/// follow:
///
/// ```
/// use flambeau_nn::{Linear, Module};
/// use flambeau_tensor::{Result, Tensor};
///
/// struct Net {
///     hidden: Linear,
///     out: Linear,
/// }
///
/// impl Module for Net {
///     fn name(&self) -> &'static str {
///         "Net"
///     }
///     fn forward(&self, input: &Tensor) -> Result<Tensor> {
///         self.out.forward(&self.hidden.forward(input)?.relu()?)
///     }
///     fn children(&self) -> Vec<(String, &dyn Module)> {
///         vec![("hidden".into(), &self.hidden), ("out".into(), &self.out)]
///     }
/// }
///
/// let net = Net { hidden: Linear::new(4, 8)?, out: Linear::new(8, 2)? };
/// let names: Vec<String> = net.named_parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]);
/// assert_eq!(
///     net.repr(),
///     "Net(
///   (hidden): Linear(in_features=4, out_features=8, bias=True)
///   (out): Linear(in_features=8, out_features=2, bias=True)
/// )"
/// );
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub trait Module: Send + Sync {
    /// The name of its class, for printing and error messages.
    fn name(&self) -> &'static str;

    /// Computes the output. Shapes: see each layer.
    fn forward(&self, input: &Tensor) -> Result<Tensor>;

    /// Its own parameters, without those of its children.
    fn own_parameters(&self) -> Vec<(&'static str, Tensor)> {
        Vec::new()
    }

    /// The layers that it is made of, by name.
    fn children(&self) -> Vec<(String, &dyn Module)> {
        Vec::new()
    }

    /// Its settings, as printed between the brackets.
    fn extra_repr(&self) -> String {
        String::new()
    }

    /// Told by [`Module::train`] and [`Module::eval`]: layers that compute differently while training keep it.
    fn set_training(&self, training: bool) {
        let _ = training;
    }

    /// Puts it and all layers in it into the mode for training.
    fn train(&self) {
        set_all(self.children(), true);
        self.set_training(true);
    }

    /// Puts it and all layers in it into the mode for use: dropout lets everything pass.
    fn eval(&self) {
        set_all(self.children(), false);
        self.set_training(false);
    }

    /// All parameters with PyTorch's names, such as `0.weight`; one that several layers share comes once.
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        let mut found: Vec<(String, Tensor)> = Vec::new();
        for (name, parameter) in self.every_parameter() {
            if !found.iter().any(|(_, p)| p.is(&parameter)) {
                found.push((name, parameter));
            }
        }
        found
    }

    /// All parameters, for an optimizer.
    fn parameters(&self) -> Vec<Tensor> {
        self.named_parameters().into_iter().map(|(_, parameter)| parameter).collect()
    }

    /// As [`Module::named_parameters`], a shared parameter under each of its names.
    fn every_parameter(&self) -> Vec<(String, Tensor)> {
        let mut all: Vec<_> = self.own_parameters().into_iter().map(|(name, p)| (name.to_string(), p)).collect();
        for (prefix, child) in self.children() {
            all.extend(child.every_parameter().into_iter().map(|(name, p)| (format!("{prefix}.{name}"), p)));
        }
        all
    }

    /// All parameters by name, outside of any graph and sharing the module's memory.
    fn state_dict(&self) -> StateDict {
        self.every_parameter().into_iter().map(|(name, parameter)| (name, parameter.detach())).collect()
    }

    /// Copies values into the parameters of the same names. An error names all missing and unexpected names and all sizes
    /// that differ; then nothing was changed.
    ///
    /// ```
    /// use flambeau_nn::{Linear, Module};
    /// let (a, b) = (Linear::new(2, 3)?, Linear::new(2, 3)?);
    /// b.load_state_dict(&a.state_dict())?;
    /// assert_eq!(a.weight.to_vec::<f32>()?, b.weight.to_vec::<f32>()?);
    ///
    /// let error = b.load_state_dict(&[]).unwrap_err();
    /// assert!(error.message().contains(r#"Missing key(s) in state_dict: "weight", "bias"."#));
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    fn load_state_dict(&self, state: &[(String, Tensor)]) -> Result<()> {
        let own = self.every_parameter();
        let (mut missing, mut pairs, mut mismatched) = (Vec::new(), Vec::new(), Vec::new());
        for (key, parameter) in &own {
            match state.iter().find(|(k, _)| k == key) {
                None => missing.push(key),
                Some((_, value)) if value.size() != parameter.size() => mismatched.push(format!(
                    "size mismatch for {key}: copying a param with shape torch.Size({:?}) from checkpoint, the shape in current \
                     model is torch.Size({:?}).",
                    value.size(),
                    parameter.size()
                )),
                Some((_, value)) => pairs.push((parameter, value)),
            }
        }
        let unexpected: Vec<&String> =
            state.iter().map(|(k, _)| k).filter(|k| !own.iter().any(|(name, _)| name == *k)).collect();
        let mut errors = Vec::new();
        for (what, keys) in [("Missing", missing), ("Unexpected", unexpected)] {
            if !keys.is_empty() {
                let quoted: Vec<String> = keys.iter().map(|k| format!("\"{k}\"")).collect();
                errors.push(format!("{what} key(s) in state_dict: {}. ", quoted.join(", ")));
            }
        }
        errors.extend(mismatched);
        if !errors.is_empty() {
            return Err(Error::runtime(format!(
                "Error(s) in loading state_dict for {}:\n\t{}",
                self.name(),
                errors.join("\n\t")
            )));
        }
        no_grad(|| pairs.into_iter().try_for_each(|(parameter, value)| parameter.copy_(value).map(drop)))
    }

    /// The module as PyTorch prints it.
    fn repr(&self) -> String {
        let (name, extra) = (self.name(), self.extra_repr());
        let children = self.children();
        if children.is_empty() {
            return format!("{name}({extra})");
        }
        let mut lines: Vec<String> = extra.lines().map(str::to_string).collect();
        lines.extend(children.iter().map(|(key, child)| format!("({key}): {}", child.repr().replace('\n', "\n  "))));
        format!("{name}(\n  {}\n)", lines.join("\n  "))
    }
}

fn set_all(children: Vec<(String, &dyn Module)>, training: bool) {
    for (_, child) in children {
        if training { child.train() } else { child.eval() }
    }
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        (**self).forward(input)
    }
    fn own_parameters(&self) -> Vec<(&'static str, Tensor)> {
        (**self).own_parameters()
    }
    fn children(&self) -> Vec<(String, &dyn Module)> {
        (**self).children()
    }
    fn extra_repr(&self) -> String {
        (**self).extra_repr()
    }
    fn set_training(&self, training: bool) {
        (**self).set_training(training);
    }
}

/// `{}` and `{:?}` print a module as PyTorch does.
macro_rules! show {
    ($($t:ty),* $(,)?) => {$(
        impl std::fmt::Display for $t {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::Module::repr(self))
            }
        }
        impl std::fmt::Debug for $t {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::Module::repr(self))
            }
        }
    )*};
}
pub(crate) use show;
show!(dyn Module + '_);

/// Python's word for a truth value, for `extra_repr`.
pub(crate) fn python(b: bool) -> &'static str {
    if b { "True" } else { "False" }
}

/// A number as Python prints it: `0.5`, `1.0`, `1e-05`.
pub(crate) fn python_float(x: f64) -> String {
    if x != 0.0 && x.is_finite() && !(1e-4..1e16).contains(&x.abs()) {
        let text = format!("{x:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{x:?}")
}
