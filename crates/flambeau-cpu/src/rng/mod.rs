//! Random numbers: PyTorch's CPU generator and its distributions, number for number.
//!
//! A [`Generator`] is a Mersenne twister with PyTorch's state layout. Each distribution fills a [`ViewMut`](crate::ViewMut)
//! in the order in which PyTorch visits it (see [`order`]) and takes from the generator exactly as many draws as PyTorch
//! does, so that the generator's state afterwards is PyTorch's too.

mod bernoulli;
mod binomial;
mod box_muller;
mod check;
mod continuous;
mod fill;
mod gamma;
mod generator;
mod integers;
mod multinomial;
mod normal;
pub mod order;
mod permutation;
mod select;
mod uniform;

pub use bernoulli::{bernoulli_scalar, bernoulli_tensor};
pub use continuous::{cauchy, exponential, geometric};
pub use generator::{Generator, STATE_SIZE};
pub use integers::{random_from, random_from_to, random_full};
pub use multinomial::multinomial;
pub use normal::{log_normal, normal};
pub use permutation::{check_randperm, randperm};
pub use uniform::uniform;
