//! Flambeau for Rust programs: PyTorch's tensors, autograd, layers, optimizers, loaders and files, with its numbers.
//!
//! ```
//! use flambeau::prelude::*;
//!
//! let x = tensor![1., 2., 3.].requires_grad_(true)?;
//! let y = x.mul(&x)?.sum()?; // or (&x * &x), which panics where mul returns an error
//! y.backward()?;
//! assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [2.0, 4.0, 6.0]);
//! # Ok::<(), flambeau::Error>(())
//! ```
//!
//! A step of training:
//!
//! ```
//! use flambeau::prelude::*;
//!
//! manual_seed(0);
//! let model = sequential![Linear::new(2, 8)?, ReLU, Linear::new(8, 2)?];
//! let mut optimizer = SGD::new(model.parameters(), SGDOptions { lr: 0.1, momentum: 0.9, ..Default::default() })?;
//!
//! let (x, labels) = (tensor![[0., 1.], [1., 0.]], tensor![0, 1]);
//! let loss = model.forward(&x)?.cross_entropy(&labels)?;
//! optimizer.zero_grad()?;
//! loss.backward()?;
//! optimizer.step()?;
//! # Ok::<(), flambeau::Error>(())
//! ```
//!
//! A model of one's own is a struct of layers:
//!
//! ```
//! use flambeau::prelude::*;
//!
//! #[derive(Module)]
//! struct Net {
//!     hidden: Linear,
//!     blocks: Vec<Linear>,
//!     out: Linear,
//! }
//!
//! impl Net {
//!     fn new() -> Result<Net> {
//!         let blocks = (0..2).map(|_| Linear::new(8, 8)).collect::<Result<_>>()?;
//!         Ok(Net { hidden: Linear::new(4, 8)?, blocks, out: Linear::new(8, 2)? })
//!     }
//! }
//!
//! impl Forward for Net {
//!     fn forward(&self, input: &Tensor) -> Result<Tensor> {
//!         let mut x = self.hidden.forward(input)?.relu()?;
//!         for block in &self.blocks {
//!             x = &x + &block.forward(&x)?.relu()?;
//!         }
//!         self.out.forward(&x)
//!     }
//! }
//!
//! let net = Net::new()?;
//! assert_eq!(net.forward(&ops::ones(&[3, 4])?)?.size(), [3, 2]);
//! assert_eq!(net.state_dict()[2].0, "blocks.0.weight");
//! assert_eq!(
//!     format!("{net}"),
//!     "Net(
//!   (hidden): Linear(in_features=4, out_features=8, bias=True)
//!   (blocks): ModuleList(
//!     (0-1): 2 x Linear(in_features=8, out_features=8, bias=True)
//!   )
//!   (out): Linear(in_features=8, out_features=2, bias=True)
//! )"
//! );
//! # Ok::<(), flambeau::Error>(())
//! ```
//!
//! # Coming from PyTorch
//!
//! Operators, layers and options have PyTorch's names, and what may fail returns a [`Result`]. An optional argument is in a
//! second form of the function, or in a struct of options:
//!
//! ```
//! use flambeau::nn::{init, utils::clip_grad_norm_};
//! use flambeau::{Options, prelude::*};
//!
//! manual_seed(0); // torch.manual_seed(0)
//! let x = tensor![[1., 2., 3.], [4., 5., 6.]]; // torch.tensor([[1., 2., 3.], [4., 5., 6.]])
//! let y = ops::zeros_with(&[2, 3], Options::dtype(DType::F64))?; // torch.zeros(2, 3, dtype=torch.float64)
//! let z = ops::arange(1, 7, 1)?.reshape(&[2, -1])?; // torch.arange(1, 7).reshape(2, -1)
//! let sums = 1.0 - &x * 2.0 + &z; // 1 - x * 2 + z
//! let product = x.matmul(&z.to_dtype(DType::F32)?.t()?)?; // x @ z.float().t()
//! let column = x.i((.., 1..3))?.select(1, -1)?; // x[:, 1:3][:, -1]
//! let positive = x.gt(2)?.logical_and(&z.eq(4)?.logical_not()?)?; // (x > 2) & ~(z == 4)
//! let means = x.mean_dim_with(Some(&[1]), true, None)?; // x.mean(1, keepdim=True)
//! let joined = ops::cat_with(&[x.clone(), x.clone()], 1)?; // torch.cat([x, x], 1)
//! let (shape, one) = (joined.size(), x.i((0, 1))?.item()?); // joined.shape, x[0, 1].item()
//! let all: Vec<f32> = x.to_vec()?; // x.flatten().tolist()
//!
//! let options = Conv2dOptions { padding: 1.into(), ..Default::default() };
//! let model = sequential![Conv2d::with(1, 4, 3, options)?, ReLU, Flatten::default(), Linear::new(36, 2)?];
//! init::xavier_uniform_(&model.parameters()[0], 1.0)?; // nn.init.xavier_uniform_(model[0].weight)
//! let data = TensorDataset::new((ops::randn(&[8, 1, 3, 3])?, ops::randint(2, &[8])?))?;
//! let loader = DataLoader::new(data).batch_size(4)?.shuffle(true); // DataLoader(data, batch_size=4, shuffle=True)
//! let mut optimizer = AdamW::new(model.parameters(), AdamWOptions { lr: 1e-3, ..Default::default() })?;
//! for batch in loader.iter()? {
//!     let (images, labels) = batch?;
//!     let loss = model.forward(&images)?.cross_entropy(&labels)?; // F.cross_entropy(model(images), labels)
//!     optimizer.zero_grad()?;
//!     loss.backward()?;
//!     clip_grad_norm_(&model.parameters(), 1.0)?;
//!     optimizer.step()?;
//! }
//! model.eval();
//! let best = no_grad(|| model.forward(&ops::ones(&[1, 1, 3, 3])?))?.argmax()?; // with torch.no_grad(): ...
//! # let _ = (y, sums, product, column, positive, means, shape, one, all, best);
//! # Ok::<(), flambeau::Error>(())
//! ```
//!
//! # Where things are
//!
//! | | |
//! |---|---|
//! | [`Tensor`], [`tensor!`], [`ops`] | tensors, what makes them, and the operators as methods and functions: `x.softmax(-1)`; those with optional arguments have a second form, `x.sum_with(..)` or `x.sum_dim(..)` |
//! | [`Tensor::i`] | parts of tensors: `x.i((.., 1..3, -1))?` |
//! | [`autograd`] | [`no_grad`](autograd::no_grad), gradients of functions, hooks |
//! | [`nn`] | [`Module`](nn::Module), [layers and losses](nn::layers), [`init`](nn::init), [`utils`](nn::utils) |
//! | [`optim`] | optimizers, and [`schedulers`](optim::schedulers) for their learning rates |
//! | [`data`] | [`Dataset`](data::Dataset) and [`DataLoader`](data::DataLoader), samplers, MNIST and its kin |
//! | [`save`], [`load`], [`checkpoint`] | `.pt` files that PyTorch reads and writes, safetensors, npy and npz |
//!
//! # Debug builds
//!
//! Loops over numbers are slow without optimisation. A program asks for it in debug builds too, in its `Cargo.toml`:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 3
//! ```
//!
//! # Examples
//!
//! Programs to copy from are in `examples/`: `linear_regression`, `mnist`, `cnn`, `char_gpt` (trains a small GPT and lets it
//! write), `predict` (uses a trained model), `serve` (answers over HTTP with one).

pub mod checkpoint;
mod literal;

pub use checkpoint::{load, save};
#[doc(inline)]
pub use flambeau_data as data;
#[doc(inline)]
pub use flambeau_io as io;
#[doc(inline)]
pub use flambeau_nn as nn;
pub use flambeau_nn::optim;
pub use flambeau_tensor::{
    DType, Device, Error, ErrorKind, Generator, Index, Indices, Options, Result, Scalar, Tensor, autograd,
    default_generator, manual_seed, ops,
};
#[doc(hidden)]
pub use literal::tensor as __tensor;
pub use literal::{Literal, LiteralElement};

/// What a program that trains a model needs: `use flambeau::prelude::*`.
pub mod prelude {
    pub use crate::autograd::no_grad;
    pub use crate::data::{DataLoader, Dataset, TensorDataset};
    pub use crate::nn::{Forward, Module, StateDict, layers::*, sequential};
    pub use crate::optim::schedulers::Scheduler;
    pub use crate::optim::{Adam, AdamOptions, AdamW, AdamWOptions, Optimizer, SGD, SGDOptions};
    pub use crate::{DType, Device, Error, Index, Result, Scalar, Tensor, manual_seed, ops, tensor};
}
