use flambeau_tensor::{Error, Options, Result, Tensor, ops};

use super::{Kind, Weights};
use crate::layers::parameter;
use crate::module::{Change, Part, Parts, python, show};
use crate::{Module, init};

/// One step of a recurrent layer, with weights of its own.
struct Base {
    kind: Kind,
    weights: Weights,
}

impl Base {
    fn new(kind: Kind, input_size: i64, hidden_size: i64, bias: bool) -> Result<Base> {
        let rows = kind.gates() * hidden_size;
        let (ih, hh) = (parameter(&[rows, input_size])?, parameter(&[rows, hidden_size])?);
        let bias = if bias { Some((parameter(&[rows])?, parameter(&[rows])?)) } else { None };
        let base = Base { kind, weights: Weights { ih, hh, bias, hr: None } };
        let bound = if hidden_size > 0 { 1.0 / (hidden_size as f64).sqrt() } else { 0.0 };
        for (_, weight) in base.named() {
            init::uniform_(weight, -bound, bound)?;
        }
        Ok(base)
    }

    fn named(&self) -> Vec<(&'static str, &Tensor)> {
        let w = &self.weights;
        let mut found = vec![("weight_ih", &w.ih), ("weight_hh", &w.hh)];
        if let Some((ih, hh)) = &w.bias {
            found.extend([("bias_ih", ih), ("bias_hh", hh)]);
        }
        found
    }

    /// Shape: `N I, N H -> N H`, or without `N`.
    fn step(&self, input: &Tensor, state: Option<Vec<Tensor>>) -> Result<Vec<Tensor>> {
        let batched = match input.dim() {
            1 => false,
            2 => true,
            n => return Err(Error::value(format!("Expected input to be 1D or 2D, got {n}D instead"))),
        };
        let x = if batched { input.clone() } else { input.unsqueeze(0)? };
        let state = match state {
            Some(state) if batched => state,
            Some(state) => state.iter().map(|s| s.unsqueeze(0)).collect::<Result<_>>()?,
            None => {
                let options = Options { dtype: Some(x.dtype()), device: Some(x.device()), ..Options::default() };
                let zero = ops::zeros_with(&[x.size()[0], self.weights.hh.size()[1]], options)?;
                vec![zero.clone(), zero]
            }
        };
        let new = self.weights.step(self.kind, &self.weights.of_input(&x)?, &state)?;
        if batched { Ok(new) } else { new.iter().map(|s| s.squeeze_dim(0)).collect() }
    }
}

macro_rules! cells {
    ($($(#[$doc:meta])* $name:ident $kind:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name(Base);

        impl $name {
            /// A cell from `input_size` to `hidden_size` numbers.
            pub fn new(input_size: i64, hidden_size: i64) -> Result<$name> {
                Ok($name(Base::new($kind, input_size, hidden_size, true)?))
            }

            /// As `new`, without biases.
            pub fn without_bias(input_size: i64, hidden_size: i64) -> Result<$name> {
                Ok($name(Base::new($kind, input_size, hidden_size, false)?))
            }
        }

        impl Module for $name {
            fn name(&self) -> &'static str {
                stringify!($name)
            }
            fn parts(&self) -> Parts<'_> {
                let mut parts = Parts::default();
                self.0.named().into_iter().for_each(|(name, weight)| parts.push(name, Part::Parameter(weight)));
                parts
            }
            fn change_tensors(&mut self, change: Change<'_>) -> Result<()> {
                let w = &mut self.0.weights;
                change(&mut w.ih)?;
                change(&mut w.hh)?;
                if let Some((ih, hh)) = &mut w.bias {
                    change(ih)?;
                    change(hh)?;
                }
                Ok(())
            }
            fn extra_repr(&self) -> String {
                let w = &self.0.weights;
                let bias = if w.bias.is_some() { String::new() } else { format!(", bias={}", python(false)) };
                format!("{}, {}{bias}", w.ih.size()[1], w.hh.size()[1])
            }
        }
        show!($name);
    )*};
}

cells! {
    /// One step of an [`RNN`](crate::RNN). Shape: `N I, N H -> N H`.
    RNNCell Kind::Tanh;
    /// One step of an [`LSTM`](crate::LSTM). Shape: `N I, (N H, N H) -> N H, N H`.
    ///
    /// ```
    /// use flambeau_nn::LSTMCell;
    /// use flambeau_tensor::ops;
    /// let (h, c) = LSTMCell::new(3, 4)?.forward(&ops::ones(&[2, 3])?, None)?;
    /// assert_eq!((h.size(), c.size()), (&[2, 4][..], &[2, 4][..]));
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    LSTMCell Kind::Lstm;
    /// One step of a [`GRU`](crate::GRU). Shape: `N I, N H -> N H`.
    GRUCell Kind::Gru;
}

macro_rules! one_state {
    ($($name:ident),*) => {$(
        impl $name {
            /// The next state; the first is 0 if `None`.
            pub fn forward(&self, input: &Tensor, state: Option<&Tensor>) -> Result<Tensor> {
                Ok(self.0.step(input, state.map(|h| vec![h.clone()]))?.remove(0))
            }
        }
    )*};
}
one_state!(RNNCell, GRUCell);

impl LSTMCell {
    /// The next hidden state and cell; the first are 0 if `None`.
    pub fn forward(&self, input: &Tensor, state: Option<(&Tensor, &Tensor)>) -> Result<(Tensor, Tensor)> {
        let mut new = self.0.step(input, state.map(|(h, c)| vec![h.clone(), c.clone()]))?;
        Ok((new.remove(0), new.remove(0)))
    }
}
