use flambeau_tensor::{Error, Options, Result, Tensor, ops};
use serde::{Deserialize, Serialize};

use super::{Kind, PackedSequence, Weights};
use crate::layers::parameter;
use crate::module::{Change, Field, Part, Parts, Training, python, python_float, show};
use crate::{Module, init};

/// The settings of an [`RNN`], [`LSTM`] or [`GRU`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RNNOptions {
    /// How many layers stand one upon the other.
    pub num_layers: usize,
    /// Whether there are biases.
    pub bias: bool,
    /// Whether input and output are `N L *` in place of `L N *`.
    pub batch_first: bool,
    /// Dropout between layers while training.
    pub dropout: f64,
    /// Whether each layer also walks backwards through time; the outputs of both stand side by side.
    pub bidirectional: bool,
    /// The size to which an LSTM projects its output; 0: it does not.
    pub proj_size: i64,
    /// Whether a plain RNN uses `max(x, 0)` in place of the hyperbolic tangent.
    pub relu: bool,
}

impl Default for RNNOptions {
    fn default() -> RNNOptions {
        RNNOptions {
            num_layers: 1,
            bias: true,
            batch_first: false,
            dropout: 0.0,
            bidirectional: false,
            proj_size: 0,
            relu: false,
        }
    }
}

/// What the three layers share: weights, and the walk through time.
struct Base {
    kind: Kind,
    input_size: i64,
    hidden_size: i64,
    options: RNNOptions,
    /// For each layer forwards, then backwards if bidirectional.
    weights: Vec<Weights>,
    training: Training,
}

impl Base {
    fn new(kind: Kind, input_size: i64, hidden_size: i64, options: RNNOptions) -> Result<Base> {
        let wrong = |message: &str| Err(Error::value(message));
        if hidden_size <= 0 {
            return wrong("hidden_size must be greater than zero");
        }
        if options.num_layers == 0 {
            return wrong("num_layers must be greater than zero");
        }
        if !(0.0..=1.0).contains(&options.dropout) {
            return wrong(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed",
            );
        }
        if options.proj_size != 0 && kind != Kind::Lstm {
            return wrong("proj_size argument is only supported for LSTM, not RNN or GRU");
        }
        if !(0..hidden_size).contains(&options.proj_size) {
            return wrong("proj_size must be at least 0 and smaller than hidden_size");
        }
        let directions = if options.bidirectional { 2 } else { 1 };
        let (gates, out) = (kind.gates() * hidden_size, output_size(hidden_size, &options));
        let mut weights = Vec::new();
        for layer in 0..options.num_layers {
            for _ in 0..directions {
                let inputs = if layer == 0 { input_size } else { out * directions };
                weights.push(Weights {
                    ih: parameter(&[gates, inputs])?,
                    hh: parameter(&[gates, out])?,
                    bias: match options.bias {
                        true => Some((parameter(&[gates])?, parameter(&[gates])?)),
                        false => None,
                    },
                    hr: (options.proj_size > 0).then(|| parameter(&[out, hidden_size])).transpose()?,
                });
            }
        }
        let base = Base { kind, input_size, hidden_size, options, weights, training: Training::default() };
        let bound = 1.0 / (hidden_size as f64).sqrt();
        for (_, weight) in base.named() {
            init::uniform_(weight, -bound, bound)?;
        }
        Ok(base)
    }

    /// The weights with PyTorch's names, such as `weight_ih_l0` and `bias_hh_l1_reverse`.
    fn named(&self) -> Vec<(String, &Tensor)> {
        let mut found = Vec::new();
        for (i, w) in self.weights.iter().enumerate() {
            let (layer, backwards) = if self.options.bidirectional { (i / 2, i % 2 == 1) } else { (i, false) };
            let end = format!("l{layer}{}", if backwards { "_reverse" } else { "" });
            found.extend([(format!("weight_ih_{end}"), &w.ih), (format!("weight_hh_{end}"), &w.hh)]);
            if let Some((ih, hh)) = &w.bias {
                found.extend([(format!("bias_ih_{end}"), ih), (format!("bias_hh_{end}"), hh)]);
            }
            if let Some(hr) = &w.hr {
                found.push((format!("weight_hr_{end}"), hr));
            }
        }
        found
    }

    fn settings(&self) -> String {
        let o = &self.options;
        let mut text = format!("{}, {}", self.input_size, self.hidden_size);
        if o.proj_size != 0 {
            text += &format!(", proj_size={}", o.proj_size);
        }
        if o.num_layers != 1 {
            text += &format!(", num_layers={}", o.num_layers);
        }
        if o.dropout != 0.0 {
            text += &format!(", dropout={}", python_float(o.dropout));
        }
        for (name, value, usual) in
            [("bias", o.bias, true), ("batch_first", o.batch_first, false), ("bidirectional", o.bidirectional, false)]
        {
            if value != usual {
                text += &format!(", {name}={}", python(value));
            }
        }
        text
    }

    /// The sizes of the states: hidden, and an LSTM's cell.
    fn state_sizes(&self) -> Vec<i64> {
        let hidden = output_size(self.hidden_size, &self.options);
        if self.kind == Kind::Lstm { vec![hidden, self.hidden_size] } else { vec![hidden] }
    }

    fn zero_states(&self, x: &Tensor, batch: i64) -> Result<Vec<Tensor>> {
        let options = Options { dtype: Some(x.dtype()), device: Some(x.device()), ..Options::default() };
        let make = |size: &i64| ops::zeros_with(&[self.weights.len() as i64, batch, *size], options);
        self.state_sizes().iter().map(make).collect()
    }

    fn check(&self, x: &Tensor, batch: i64, states: &[Tensor]) -> Result<()> {
        let got = x.size().last().copied().unwrap_or(0);
        if got != self.input_size {
            return Err(Error::runtime(format!(
                "input.size(-1) must be equal to input_size. Expected {}, got {got}",
                self.input_size
            )));
        }
        for (state, size) in states.iter().zip(self.state_sizes()) {
            let wanted = [self.weights.len() as i64, batch, size];
            if state.size() != wanted {
                return Err(Error::runtime(format!("Expected hidden size {wanted:?}, got {:?}", state.size())));
            }
        }
        Ok(())
    }

    /// Shape: `L N I` or, without a batch, `L I`; with `batch_first` `N L I`.
    fn forward(&self, input: &Tensor, states: Option<Vec<Tensor>>) -> Result<(Tensor, Vec<Tensor>)> {
        let name = ["RNN", "RNN", "LSTM", "GRU"][self.kind as usize];
        let batched = match input.dim() {
            2 => false,
            3 => true,
            n => return Err(Error::value(format!("{name}: Expected input to be 2D or 3D, got {n}D instead"))),
        };
        let turned = batched && self.options.batch_first;
        let x = match (batched, turned) {
            (false, _) => input.unsqueeze(1)?,
            (true, true) => input.transpose(0, 1)?,
            (true, false) => input.clone(),
        };
        let (length, batch) = (x.size()[0], x.size()[1]);
        let states = match states {
            None => self.zero_states(&x, batch)?,
            Some(states) if batched => states,
            Some(states) => states.iter().map(|s| s.unsqueeze(1)).collect::<Result<_>>()?,
        };
        self.check(&x, batch, &states)?;
        let (out, mut last) = self.run(&x.flatten_with(0, 1)?, &vec![batch; length as usize], &states)?;
        let mut out = out.unflatten(0, &[length, batch])?;
        if !batched {
            out = out.squeeze_dim(1)?;
            last = last.iter().map(|s| s.squeeze_dim(1)).collect::<Result<_>>()?;
        } else if turned {
            out = out.transpose(0, 1)?;
        }
        Ok((out, last))
    }

    fn forward_packed(
        &self,
        input: &PackedSequence,
        states: Option<Vec<Tensor>>,
    ) -> Result<(PackedSequence, Vec<Tensor>)> {
        let batch = input.batch_sizes[0];
        let pick = |all: Vec<Tensor>, order: &Option<Tensor>| -> Result<Vec<Tensor>> {
            match order {
                Some(order) => all.iter().map(|s| s.index_select(1, order)).collect(),
                None => Ok(all),
            }
        };
        let states = match states {
            None => self.zero_states(&input.data, batch)?,
            Some(states) => pick(states, &input.sorted_indices)?,
        };
        self.check(&input.data, batch, &states)?;
        let (data, last) = self.run(&input.data, &input.batch_sizes, &states)?;
        Ok((PackedSequence { data, ..input.clone() }, pick(last, &input.unsorted_indices)?))
    }

    /// All layers over rows packed by time step: `sizes` says how many rows each step has.
    fn run(&self, x: &Tensor, sizes: &[i64], states: &[Tensor]) -> Result<(Tensor, Vec<Tensor>)> {
        let directions = if self.options.bidirectional { 2 } else { 1 };
        let mut x = x.clone();
        let mut finals: Vec<Vec<Tensor>> = vec![Vec::new(); states.len()];
        for (layer, weights) in self.weights.chunks(directions).enumerate() {
            let mut outputs = Vec::with_capacity(directions);
            for (direction, w) in weights.iter().enumerate() {
                let which = (layer * directions + direction) as i64;
                let state = states.iter().map(|s| s.select(0, which)).collect::<Result<Vec<_>>>()?;
                let (out, last) = self.walk(w, &x, sizes, state, direction == 1)?;
                outputs.push(out);
                finals.iter_mut().zip(last).for_each(|(all, one)| all.push(one));
            }
            x = if directions == 1 { outputs.remove(0) } else { ops::cat_with(&outputs, -1)? };
            if self.options.dropout > 0.0 && layer + 1 < self.options.num_layers {
                x = x.dropout_with(self.options.dropout, self.training.is_on())?;
            }
        }
        Ok((x, finals.iter().map(|parts| ops::stack(parts)).collect::<Result<_>>()?))
    }

    /// One layer in one direction. Shape: `rows I -> rows H`.
    fn walk(
        &self,
        w: &Weights,
        x: &Tensor,
        sizes: &[i64],
        start: Vec<Tensor>,
        backwards: bool,
    ) -> Result<(Tensor, Vec<Tensor>)> {
        let rows = |s: &Tensor, from: i64, to: i64| s.narrow(0, from, to - from);
        let steps = w.of_input(x)?.split_with_sizes(sizes)?;
        let mut outputs: Vec<Option<Tensor>> = vec![None; sizes.len()];
        let mut count = if backwards { sizes[sizes.len() - 1] } else { sizes[0] };
        let mut state = start.iter().map(|s| rows(s, 0, count)).collect::<Result<Vec<_>>>()?;
        let mut ended: Vec<Vec<Tensor>> = Vec::new();
        for i in 0..sizes.len() {
            let t = if backwards { sizes.len() - 1 - i } else { i };
            let size = sizes[t];
            if size < count {
                // The shortest sequences are over.
                ended.push(state.iter().map(|s| rows(s, size, count)).collect::<Result<_>>()?);
                state = state.iter().map(|s| rows(s, 0, size)).collect::<Result<_>>()?;
            } else if size > count {
                // Walking backwards, longer ones join.
                let joined = |(s, first): (&Tensor, &Tensor)| ops::cat(&[s.clone(), rows(first, count, size)?]);
                state = state.iter().zip(&start).map(joined).collect::<Result<_>>()?;
            }
            count = size;
            state = w.step(self.kind, &steps[t], &state)?;
            outputs[t] = Some(state[0].clone());
        }
        for rest in ended.iter().rev() {
            let joined = |(s, rest): (&Tensor, &Tensor)| ops::cat(&[s.clone(), rest.clone()]);
            state = state.iter().zip(rest).map(joined).collect::<Result<_>>()?;
        }
        let outputs: Vec<Tensor> = outputs.into_iter().flatten().collect();
        Ok((ops::cat(&outputs)?, state))
    }
}

/// The size of the output in one direction.
fn output_size(hidden_size: i64, options: &RNNOptions) -> i64 {
    if options.proj_size > 0 { options.proj_size } else { hidden_size }
}

/// A layer around [`Base`]: its name, and the forms of its state.
macro_rules! recurrent {
    ($($(#[$doc:meta])* $name:ident, |$options:ident| $kind:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name(Base);

        impl $name {
            /// One layer from `input_size` to `hidden_size` numbers.
            pub fn new(input_size: i64, hidden_size: i64) -> Result<$name> {
                $name::with(input_size, hidden_size, RNNOptions::default())
            }

            /// As `new`, with settings.
            pub fn with(input_size: i64, hidden_size: i64, options: RNNOptions) -> Result<$name> {
                let $options = &options;
                Ok($name(Base::new($kind, input_size, hidden_size, options)?))
            }
        }

        impl Module for $name {
            fn name(&self) -> &'static str {
                stringify!($name)
            }
            fn parts(&self) -> Parts<'_> {
                let mut parts = Parts::default();
                self.0.named().into_iter().for_each(|(name, weight)| parts.push(&name, Part::Parameter(weight)));
                parts.push("training", Part::Mode(&self.0.training));
                parts
            }
            fn change_tensors(&mut self, change: Change<'_>) -> Result<()> {
                for w in &mut self.0.weights {
                    change(&mut w.ih)?;
                    change(&mut w.hh)?;
                    if let Some((ih, hh)) = &mut w.bias {
                        change(ih)?;
                        change(hh)?;
                    }
                    w.hr.change(change)?;
                }
                Ok(())
            }
            fn extra_repr(&self) -> String {
                self.0.settings()
            }
        }
        show!($name);
    )*};
}

recurrent! {
    /// `h' = tanh(W x + b + U h + c)` at each time. Shape: `L N I, S N H -> L N H, S N H`.
    ///
    /// ```
    /// use flambeau_nn::RNN;
    /// use flambeau_tensor::ops;
    /// let (out, h) = RNN::new(3, 4)?.forward(&ops::ones(&[5, 2, 3])?, None)?;
    /// assert_eq!((out.size(), h.size()), (&[5, 2, 4][..], &[1, 2, 4][..]));
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    RNN, |options| if options.relu { Kind::Relu } else { Kind::Tanh };
    /// Long short-term memory. Shape: `L N I, (S N H, S N H) -> L N H, (S N H, S N H)`.
    ///
    /// ```
    /// use flambeau_nn::{LSTM, RNNOptions};
    /// use flambeau_tensor::ops;
    /// let layer = LSTM::with(3, 4, RNNOptions { num_layers: 2, batch_first: true, ..Default::default() })?;
    /// let (out, (h, c)) = layer.forward(&ops::ones(&[2, 5, 3])?, None)?;
    /// assert_eq!((out.size(), h.size(), c.size()), (&[2, 5, 4][..], &[2, 2, 4][..], &[2, 2, 4][..]));
    /// assert_eq!(format!("{layer}"), "LSTM(3, 4, num_layers=2, batch_first=True)");
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    LSTM, |_options| Kind::Lstm;
    /// Gated recurrent unit. Shape: `L N I, S N H -> L N H, S N H`.
    ///
    /// ```
    /// use flambeau_nn::GRU;
    /// use flambeau_tensor::ops;
    /// let (out, h) = GRU::new(3, 4)?.forward(&ops::ones(&[5, 2, 3])?, None)?;
    /// assert_eq!((out.size(), h.size()), (&[5, 2, 4][..], &[1, 2, 4][..]));
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    GRU, |_options| Kind::Gru;
}

/// The forms of layers with one state.
macro_rules! one_state {
    ($($name:ident),*) => {$(
        impl $name {
            /// The outputs of all times, and the last state; the first state is 0 if `None`.
            pub fn forward(&self, input: &Tensor, state: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
                let (out, mut last) = self.0.forward(input, state.map(|h| vec![h.clone()]))?;
                Ok((out, last.remove(0)))
            }

            /// As `forward`, of sequences of different lengths.
            pub fn forward_packed(
                &self,
                input: &PackedSequence,
                state: Option<&Tensor>,
            ) -> Result<(PackedSequence, Tensor)> {
                let (out, mut last) = self.0.forward_packed(input, state.map(|h| vec![h.clone()]))?;
                Ok((out, last.remove(0)))
            }
        }
    )*};
}
one_state!(RNN, GRU);

impl LSTM {
    /// The outputs of all times, and the last hidden state and cell; the first are 0 if `None`.
    pub fn forward(&self, input: &Tensor, state: Option<(&Tensor, &Tensor)>) -> Result<(Tensor, (Tensor, Tensor))> {
        let (out, mut last) = self.0.forward(input, state.map(|(h, c)| vec![h.clone(), c.clone()]))?;
        Ok((out, (last.remove(0), last.remove(0))))
    }

    /// As [`LSTM::forward`], of sequences of different lengths.
    pub fn forward_packed(
        &self,
        input: &PackedSequence,
        state: Option<(&Tensor, &Tensor)>,
    ) -> Result<(PackedSequence, (Tensor, Tensor))> {
        let (out, mut last) = self.0.forward_packed(input, state.map(|(h, c)| vec![h.clone(), c.clone()]))?;
        Ok((out, (last.remove(0), last.remove(0))))
    }
}
