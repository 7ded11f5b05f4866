//! Recurrent layers: RNN, LSTM and GRU, and single cells of each.

mod cell;
mod layer;
mod packed;

use flambeau_tensor::{Result, Tensor};

pub use cell::{GRUCell, LSTMCell, RNNCell};
pub use layer::{GRU, LSTM, RNN, RNNOptions};
pub use packed::PackedSequence;

/// What a recurrent layer does in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tanh,
    Relu,
    Lstm,
    Gru,
}

impl Kind {
    /// How many rows of weights each hidden number has.
    fn gates(self) -> i64 {
        match self {
            Kind::Tanh | Kind::Relu => 1,
            Kind::Lstm => 4,
            Kind::Gru => 3,
        }
    }
}

/// The weights of one layer in one direction.
struct Weights {
    ih: Tensor,
    hh: Tensor,
    bias: Option<(Tensor, Tensor)>,
    /// The projection of an LSTM's output.
    hr: Option<Tensor>,
}

impl Weights {
    /// The input's part of all gates. Shape: `*s I -> *s g*H`.
    fn of_input(&self, x: &Tensor) -> Result<Tensor> {
        x.linear_with(&self.ih, self.bias.as_ref().map(|(ih, _)| ih))
    }

    /// One step: `x` is the input's part of the gates. Shape: `B g*H -> B H`, the state first and an LSTM's cell behind it.
    fn step(&self, kind: Kind, x: &Tensor, state: &[Tensor]) -> Result<Vec<Tensor>> {
        let hidden = state[0].linear_with(&self.hh, self.bias.as_ref().map(|(_, hh)| hh))?;
        match kind {
            Kind::Tanh => Ok(vec![x.add(&hidden)?.tanh()?]),
            Kind::Relu => Ok(vec![x.add(&hidden)?.relu()?]),
            Kind::Lstm => {
                let gates = x.add(&hidden)?.chunk_with(4, -1)?;
                let (i, f, g, o) = (gates[0].sigmoid()?, gates[1].sigmoid()?, gates[2].tanh()?, gates[3].sigmoid()?);
                let cell = f.mul(&state[1])?.add(&i.mul(&g)?)?;
                let out = o.mul(&cell.tanh()?)?;
                let out = match &self.hr {
                    Some(projection) => out.linear(projection)?,
                    None => out,
                };
                Ok(vec![out, cell])
            }
            Kind::Gru => {
                let (x, h) = (x.chunk_with(3, -1)?, hidden.chunk_with(3, -1)?);
                let z = x[1].add(&h[1])?.sigmoid()?;
                let n = x[2].add(&x[0].add(&h[0])?.sigmoid()?.mul(&h[2])?)?.tanh()?;
                Ok(vec![z.neg()?.add(1)?.mul(&n)?.add(&z.mul(&state[0])?)?])
            }
        }
    }
}
